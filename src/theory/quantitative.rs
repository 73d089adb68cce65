//! Theorem 2.3 (square loss, finite horizon): the gap after K steps of gradient descent, with every constant.
//!
//! **Statement** (Chizat, Oyallon, Bach 2019, Theorem 2.3). Let R = ½‖y − y*‖² and e₀ = ‖αh(w₀) − y*‖. On the ball
//! B(w₀, r) let h be Lip(h)-Lipschitz and Dh be Lip(Dh)-Lipschitz. Let K > 0 and T = K/Lip(h)². If
//! α ≥ K e₀/(r Lip(h)), then
//!
//! ```text
//! ‖y(T) − ȳ(T)‖/e₀ ≤ (K²/α) Lip(Dh)/Lip(h)² e₀.
//! ```
//!
//! 1/Lip(h)² is the largest safe step of gradient descent and K the number of steps. h(w₀) = 0 is not asked for, but
//! elsewhere e₀ grows with α, and so does the bound.
//!
//! **From the proof**, for all t ≤ T, with L₁ = Lip(h) and L₂ = Lip(Dh):
//!
//! ```text
//! ‖w(t) − w₀‖ ≤ t e₀L₁/α,      ‖y(t) − ȳ(t)‖ ≤ (t²/α) L₁²L₂e₀²,
//! ‖w(t) − w̄(t)‖ ≤ (t²/α²) L₁L₂e₀² (1/2 + K_t/3),      K_t = L₁²t.
//! ```
//!
//! The last is the companion in Appendix B.2, which prints 2 + 4K/3, four times what the proof gives: with
//! ‖Dh(w) − Dh(w₀)‖ ≤ L₂L₁e₀s/α, the integral (1/α)∫₀ᵗ (L₂L₁(e₀/α)s e₀ + L₁ L₁²L₂(e₀²/α)s²) ds is as above. The printed
//! one is [`Quantitative::printed_companion`].
//!
//! **Clock.** For R = c/2‖y − y*‖² the flow is that of c = 1 at c times the speed: t and T count c times.
//!
//! **Constants.** At fixed T every formula and the condition r ≥ cT e₀L₁/α increase in L₁ and L₂, so upper bounds serve,
//! the same in all places (with T = K/L₁² an over-estimate of L₁ asks for a shorter T). A condition that fails even with
//! the sampled lower bound of L₁ fails.
//!
//! **Radius.** L₁ depends on r, r on L₁: L₁(r) ≤ ‖Dh(w₀)‖ + r L₂(r). The least r with cT e₀L₁(r)/α ≤ r is found by
//! climbing ([`least_radius`]). There may be none, when α is small or T long.

use super::condition::{KINKS, verdict, written};
use super::outward::{over_down, over_up, product_down, product_up};
use super::sharp_finite_horizon::norm_at_most;
use super::{Constant, Hypothesis, Quantity, Setting, Theorem};
use crate::Result;
use crate::constants::{Enclosure, Evidence, Neighbourhood, Radius, least_radius};
use crate::scalar::{add_up, div_up};

/// One conclusion of Theorem 2.3, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantitative {
    /// What is bounded: the displacement, the gap of the weights or the gap of the outputs.
    pub quantity: Quantity,
    /// α.
    pub alpha: f64,
    /// T, in units of the flow.
    pub time: f64,
    /// c where R = c/2‖y − y*‖².
    pub curvature: Option<f64>,
    /// e₀ = ‖αh(w₀) − y*‖, or an upper bound of it.
    pub residual: f64,
    /// Lip(h) on B(w₀, r), r its radius.
    pub lip_h: Enclosure,
    /// Lip(Dh) on the same ball.
    pub lip_jacobian: Enclosure,
    /// Whether Dh is locally Lipschitz.
    pub smooth: bool,
    /// How the constants are known.
    pub evidence: Evidence,
    /// An α that is enough at the same e₀, where r was sought and none found.
    pub enough: Option<f64>,
}

impl Quantitative {
    /// From textbook constants on B(w₀, r): R = ½‖y − y*‖², T = K/Lip(h)². The conclusions on ‖w − w₀‖, ‖w − w̄‖ and
    /// ‖y − ȳ‖, in this order.
    ///
    /// ```
    /// use gradflow::constants::Enclosure;
    /// use gradflow::theory::{Quantitative, Theorem};
    /// // h = w² − 1 on B(1, 0.5): Lip(h) = 3, Lip(Dh) = 2; e₀ = 1.5, K = 3.
    /// let (lip_h, lip_jacobian) = (Enclosure::exactly(3.0, 0.5), Enclosure::exactly(2.0, 0.5));
    /// let [_, _, outputs] = Quantitative::steps(3.0, 10.0, 1.5, lip_h, lip_jacobian);
    /// let bound = outputs.bound(outputs.time).unwrap(); // α ≥ K e₀/(r Lip(h)) = 3
    /// assert!((bound / (9.0 / 10.0 * 2.0 / 9.0 * 1.5 * 1.5) - 1.0).abs() < 1e-12);
    /// ```
    pub fn steps(
        k: f64,
        alpha: f64,
        residual: f64,
        lip_h: Enclosure,
        lip_jacobian: Enclosure,
    ) -> [Self; 3] {
        Quantitative {
            quantity: Quantity::OutputsGap,
            alpha,
            time: k / lip_h.upper.powi(2),
            curvature: Some(1.0),
            residual,
            lip_h,
            lip_jacobian,
            smooth: true,
            evidence: Evidence::Certified,
            enough: None,
        }
        .conclusions()
    }

    /// For a flow on [0, `time`], in units of the flow, on the least ball that certifies itself.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn for_flow(setting: &Setting, near: &Neighbourhood<'_>, time: f64) -> Result<[Self; 3]> {
        let spectrum = near.spectrum()?;
        let upper = |r: f64| {
            let (upper, method) = near.lip_jacobian_upper(r);
            Enclosure { lower: 0.0, upper, radius: r, method }
        };
        let terms = near.map().shape().outputs;
        let [mut found, ..] =
            Self::on_least_ball(setting, terms, spectrum.norm_jacobian, upper, time);
        found.smooth = near.map().is_smooth();
        found.evidence = spectrum.evidence;
        if found.lip_h.radius.is_finite() {
            found.lip_h.lower = near.lip_h(found.lip_h.radius)?.lower;
            found.lip_jacobian.lower = near.lip_jacobian_lower(found.lip_jacobian.radius);
        }
        Ok(found.conclusions())
    }

    /// The same with constants from elsewhere: N, ‖Dh(w₀)‖, and Lip(Dh) as a function of the radius of the ball.
    pub fn on_least_ball(
        setting: &Setting,
        outputs: usize,
        norm_jacobian: Enclosure,
        lip_jacobian: impl Fn(f64) -> Enclosure,
        time: f64,
    ) -> [Self; 3] {
        let residual = setting.residual.map_or(f64::INFINITY, |e| norm_at_most(e, outputs));
        let lip_h = |r: f64| {
            let lost = product_up([r, lip_jacobian(r).upper]);
            Enclosure { upper: add_up(norm_jacobian.upper, lost), radius: r, ..norm_jacobian }
        };
        let reach = |r: f64| {
            product_up([setting.square.unwrap_or(f64::NAN), time, residual, lip_h(r).upper])
        };
        let radius = match least_radius(|r| over_up(reach(r), setting.alpha), f64::MAX) {
            Radius::Found(r) => r,
            Radius::None => f64::INFINITY,
        };
        let none = Enclosure { upper: f64::INFINITY, radius, ..norm_jacobian };
        let found = radius < f64::INFINITY;
        Quantitative {
            quantity: Quantity::OutputsGap,
            alpha: setting.alpha,
            time,
            curvature: setting.square,
            residual,
            lip_h: if found { lip_h(radius) } else { none },
            // Without a ball, what is known at w₀.
            lip_jacobian: lip_jacobian(if found { radius } else { 0.0 }),
            smooth: true,
            evidence: Evidence::Certified,
            enough: if found || setting.norm_origin > 0.0 {
                None
            } else {
                // On the ball where Dh can double, its constants being those of w₀.
                let r = norm_jacobian.upper / lip_jacobian(0.0).upper;
                (r > 0.0).then(|| over_up(reach(r), r)).filter(|a| a.is_finite())
            },
        }
        .conclusions()
    }

    /// The same numbers for each of the three conclusions.
    pub fn conclusions(self) -> [Self; 3] {
        [Quantity::Displacement, Quantity::WeightsGap, Quantity::OutputsGap]
            .map(|quantity| Quantitative { quantity, ..self.clone() })
    }

    /// r; ∞ where no ball certifies itself.
    pub fn radius(&self) -> f64 {
        self.lip_h.radius
    }

    /// K = cT Lip(h)².
    pub fn k(&self) -> f64 {
        product_up([
            self.curvature.unwrap_or(f64::NAN),
            self.time,
            self.lip_h.upper,
            self.lip_h.upper,
        ])
    }

    /// The least α that the condition allows on this ball at this e₀: K e₀/(r Lip(h)) = cT e₀ Lip(h)/r.
    pub fn least_alpha(&self) -> f64 {
        if self.radius() == f64::INFINITY { f64::NAN } else { over_up(self.reach(), self.radius()) }
    }

    /// The companion as printed in Appendix B.2, with 2 + 4K/3 in place of 1/2 + K/3.
    pub fn printed_companion(&self, t: f64) -> f64 {
        4.0 * Quantitative { quantity: Quantity::WeightsGap, ..self.clone() }.formula(t)
    }

    /// cT e₀ Lip(h), from above.
    fn reach(&self) -> f64 {
        let c = self.curvature.unwrap_or(f64::NAN);
        product_up([c, self.time, self.residual, self.lip_h.upper])
    }

    /// The order in 1/α and α^order times the formula, at cT = `clock`.
    fn scaled(&self, clock: f64) -> (u32, f64) {
        let (e0, l1, l2) = (self.residual, self.lip_h.upper, self.lip_jacobian.upper);
        match self.quantity {
            Quantity::Displacement => (1, product_up([clock, e0, l1])),
            Quantity::WeightsGap => {
                let steps = add_up(0.5, div_up(product_up([clock, l1, l1]), 3.0));
                (2, product_up([clock, clock, l1, l2, e0, e0, steps]))
            }
            _ => (1, product_up([clock, clock, l1, l1, l2, e0, e0])),
        }
    }

    fn ball(&self) -> Hypothesis {
        let radius = self.radius();
        if radius == f64::INFINITY {
            let lip = self.lip_jacobian.method;
            return Hypothesis::of(
                format!("some r has α ≥ K‖αh(w₀) − y*‖/(r Lip(h)): none certifies itself ({lip})"),
                (self.alpha, self.enough.unwrap_or(f64::NAN)),
                verdict(false, !self.smooth || self.time == f64::INFINITY),
                self.evidence,
                || self.repair(),
            );
        }
        let c = self.curvature.unwrap_or(f64::NAN);
        let attained = product_down([c, self.time, self.residual, self.lip_h.lower]);
        let refuted = self.alpha < over_down(attained, radius) * (1.0 - ROUNDING);
        Hypothesis::of(
            format!(
                "α ≥ K‖αh(w₀) − y*‖/(r Lip(h)), K = {}, r = {}",
                written(self.k()),
                written(radius)
            ),
            (self.alpha, self.least_alpha()),
            verdict(self.alpha >= self.least_alpha(), refuted),
            self.evidence,
            || self.repair(),
        )
    }

    fn repair(&self) -> String {
        let known = self.enough.or_else(|| Some(self.least_alpha()).filter(|a| a.is_finite()));
        match known {
            _ if self.time == f64::INFINITY => "ask for a finite time, or see Theorem 2.4".into(),
            _ if !self.smooth => KINKS.into(),
            Some(alpha) => format!(
                "take α ≥ {alpha:.3e} at the same ‖αh(w₀) − y*‖ (so with h(w₀) = 0), or a shorter time"
            ),
            None => {
                "take a larger α with h(w₀) = 0, a shorter time, or a model whose constants can be \
                     certified; a smaller r does not help, for it asks for a larger α"
                    .into()
            }
        }
    }
}

/// What an upper bound of e₀ may exceed it by.
const ROUNDING: f64 = 1e-9;

impl Theorem for Quantitative {
    fn name(&self) -> String {
        let of = match self.quantity {
            Quantity::Displacement => "displacement from the proof",
            Quantity::WeightsGap => "gap of the weights from the proof",
            _ => "gap of the outputs",
        };
        format!("Theorem 2.3 (square loss on a finite horizon), {of}")
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Theorem 2.3 and Appendix B.2, whose companion constant 2 + 4K/3 is 1/2 + K/3 here"
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let lip = self.lip_jacobian;
        let finite = lip.upper < f64::INFINITY;
        let on = if finite && self.radius() < f64::INFINITY {
            format!("Dh is Lipschitz on B(w₀, r), r = {:.3e}: {}", lip.radius, lip.method)
        } else {
            format!("Dh is Lipschitz near w₀: {}", lip.method)
        };
        let lipschitz = verdict(finite && self.smooth, !self.smooth);
        vec![
            Hypothesis::plain(
                "R = c/2‖y − y*‖²",
                (self.curvature.unwrap_or(f64::NAN), f64::INFINITY),
                self.curvature.is_some(),
                "use a square loss; for another one see Theorem 3, along the path",
            ),
            Hypothesis::of(on, (lip.upper, f64::INFINITY), lipschitz, self.evidence, || {
                self.repair()
            }),
            self.ball(),
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        let Some(c) = self.curvature.filter(|_| t <= self.time) else { return f64::INFINITY };
        let (order, scaled) = self.scaled(product_up([c, t]));
        (0..order).fold(scaled, |x, _| over_up(x, self.alpha))
    }

    fn constants(&self) -> Vec<Constant> {
        let known = |name, value| Constant::of(name, value, self.evidence);
        vec![
            known("K", self.k()),
            known("r", self.radius()),
            known("Lip(h)", self.lip_h.upper),
            known("Lip(Dh)", self.lip_jacobian.upper),
            known("‖αh(w₀) − y*‖", self.residual),
        ]
    }

    /// −1, −2, −1, as long as e₀ does not grow with α.
    fn rate(&self) -> Option<f64> {
        Some(if self.quantity == Quantity::WeightsGap { -2.0 } else { -1.0 })
    }
}
