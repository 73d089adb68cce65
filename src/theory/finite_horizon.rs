//! Theorem 2.2 (finite horizon, any smooth loss): lazy as α → ∞ wherever h(w₀) = 0.
//!
//! **Statement** (Chizat, Oyallon, Bach 2019, Theorem 2.2). Let Dh be locally Lipschitz, ∇R Lipschitz, h(w₀) = 0, and
//! T > 0 fixed. Then as α → ∞
//!
//! ```text
//! sup ‖w − w₀‖ = O(1/α),      sup ‖w − w̄‖ = O(1/α²),      sup ‖y − ȳ‖ = O(1/α)      on [0, T].
//! ```
//!
//! R need not be convex. The constants depend on T exponentially in general and are not given: the formulas of the two
//! gaps are ∞, and only their rates are claimed.
//!
//! **The displacement** has a constant in the proof, √(T R(αh(w₀)))/α, exact at every α. Here it is
//!
//! ```text
//! ‖w(t) − w₀‖ ≤ √(t (R(αh(w₀)) − inf R))/α,
//! ```
//!
//! which is ours in two respects: t for T, and inf R taken off. *Proof.* F_α falls at the rate ‖w'‖², so
//! ∫₀ᵗ‖w'‖² = F_α(w₀) − F_α(w(t)) ≤ (R(αh(w₀)) − inf R)/α², and ∫₀ᵗ‖w'‖ ≤ √t (∫₀ᵗ‖w'‖²)^½. ∎ Where inf R is not
//! known, R ≥ 0 gives the printed one.
//!
//! With a doubled model the gap of the outputs falls as 1/α², one order faster; with a centred one, as claimed.

use super::outward::{over_up, product_up};
use super::{Constant, Hypothesis, Quantity, Setting, Theorem};
use crate::constants::{Evidence, Neighbourhood};
use crate::scalar::sqrt_up;

/// One conclusion of Theorem 2.2, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct FiniteHorizon {
    /// What is bounded: the displacement, the gap of the weights or the gap of the outputs.
    pub quantity: Quantity,
    /// α.
    pub alpha: f64,
    /// T, in units of the flow.
    pub time: f64,
    /// ‖h(w₀)‖.
    pub norm_origin: f64,
    /// R(αh(w₀)) − inf R, or an upper bound of it.
    pub excess_risk: f64,
    /// M, the Lipschitz constant of ∇R.
    pub smoothness: f64,
    /// Whether Dh is locally Lipschitz.
    pub smooth: bool,
}

impl FiniteHorizon {
    /// The conclusions on ‖w − w₀‖, ‖w − w̄‖ and ‖y − ȳ‖, in this order, for a flow on [0, `time`].
    pub fn for_flow(setting: &Setting, near: &Neighbourhood<'_>, time: f64) -> [Self; 3] {
        let terms = near.map().shape().outputs;
        FiniteHorizon {
            quantity: Quantity::Displacement,
            alpha: setting.alpha,
            time,
            norm_origin: setting.norm_origin,
            excess_risk: setting.excess_risk(terms),
            smoothness: setting.convexity.big_m,
            smooth: near.map().is_smooth(),
        }
        .conclusions()
    }

    /// The same numbers for each of the three conclusions.
    pub fn conclusions(self) -> [Self; 3] {
        [Quantity::Displacement, Quantity::WeightsGap, Quantity::OutputsGap]
            .map(|quantity| FiniteHorizon { quantity, ..self.clone() })
    }
}

impl Theorem for FiniteHorizon {
    fn name(&self) -> String {
        let of = match self.quantity {
            Quantity::Displacement => "displacement with the constant of the proof",
            Quantity::WeightsGap => "gap of the weights",
            _ => "gap of the outputs",
        };
        format!("Theorem 2.2 (finite horizon), {of}")
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Theorem 2.2; the displacement from its proof, with R − inf R in place of R"
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let lipschitz = self.smoothness < f64::INFINITY;
        vec![
            Hypothesis::centred(self.norm_origin),
            Hypothesis::smooth(self.smooth),
            Hypothesis::plain(
                "∇R is Lipschitz: M < ∞",
                (self.smoothness, f64::INFINITY),
                lipschitz,
                "use a loss with bounded curvature, as square, huber or logistic",
            ),
            Hypothesis::plain(
                "the horizon is finite: T < ∞",
                (self.time, f64::INFINITY),
                self.time < f64::INFINITY,
                "ask for a finite time, or see Theorem 2.4",
            ),
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        if self.quantity != Quantity::Displacement || !(t <= self.time) {
            return f64::INFINITY;
        }
        over_up(sqrt_up(product_up([t, self.excess_risk])), self.alpha)
    }

    fn constants(&self) -> Vec<Constant> {
        vec![Constant::of("R(αh(w₀)) − inf R", self.excess_risk, Evidence::Certified)]
    }

    /// −1, −2, −1.
    fn rate(&self) -> Option<f64> {
        Some(if self.quantity == Quantity::WeightsGap { -2.0 } else { -1.0 })
    }
}
