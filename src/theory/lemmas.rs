//! Lemmas B.1 and B.2: gradient flows in a metric that moves.
//!
//! In the space of outputs both flows are y' = −Σ(t)∇R(y), with Σ(t) = Dh(w(t))Dh(w(t))ᵀ for the model and the constant
//! Σ(0) for its linearization.
//!
//! **Lemma B.1** (Chizat, Oyallon, Bach 2019). If R is m-strongly convex and M-smooth with minimizer y* and
//! Σ(t) ≥ λ > 0 on [0, T], then ‖y(t) − y*‖ ≤ √(M/m) ‖y(0) − y*‖ e^(−mλt).
//!
//! **Lemma B.2.** If R is m-strongly convex and Σ(t) ≥ λ > 0, and ȳ' = −Σ(0)∇R(ȳ) from the same start, then
//!
//! ```text
//! ‖y(t) − ȳ(t)‖ ≤ K ‖Σ(0)‖^½/(λ^(3/2) m),      K = sup ‖(Σ(t) − Σ(0))∇R(y(t))‖.
//! ```
//!
//! *Proof of B.2.* In the norm of Σ(0)⁻¹, d/dt ½‖y − ȳ‖² = −⟨∇R(y) − ∇R(ȳ), y − ȳ⟩ − ⟨Σ(0)⁻¹(Σ − Σ(0))∇R(y), y − ȳ⟩; the
//! first is at most −mλ times the square of that norm, the second at most λ^(−½)K times it. So the norm stays below
//! K/(mλ^(3/2)), and ‖·‖ ≤ ‖Σ(0)‖^½ times it. ∎ (Needs Σ(0) ≥ λ only, B.1 all Σ(t).)
//!
//! λ and K along a computed path are evaluated at its times: *measured*, not certified, and blind between them.

use super::outward::{decayed, over_up, product_up};
use super::sharp_finite_horizon::norm_at_most;
use super::{Constant, Hypothesis, Quantity, Theorem};
use crate::constants::Evidence;
use crate::flow::{Flow, Path};
use crate::linalg;
use crate::loss::{Convexity, Loss};
use crate::model::Differentiable;
use crate::scalar::{mul_down, sqrt_down, sqrt_up};
use crate::solve::no_modes;
use crate::{Error, Result};

/// Lemma B.1: convergence in a moving metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MovingMetric {
    /// m and M.
    pub convexity: Convexity,
    /// λ, a lower bound of Σ(t) on [0, T].
    pub least: f64,
    /// ‖y(0) − y*‖; `None` without a minimizer.
    pub residual: Option<f64>,
    /// T.
    pub time: f64,
    /// How λ is known: along a path at its times only, which is an estimate from the wrong side.
    pub evidence: Evidence,
}

impl MovingMetric {
    /// Along a computed path of the flow.
    ///
    /// # Errors
    /// [`Error::Conflict`] for an empty path; [`Error::Integration`] where Dh is not finite on it.
    pub fn along<H: Differentiable, L: Loss>(flow: &Flow<H, L>, path: &Path) -> Result<Self> {
        let (first, time) = ends(path)?;
        let target = flow.loss.minimizer();
        let mut least = f64::INFINITY;
        for i in 0..path.times.len() {
            least = least.min(extremes(&flow.map.kernel(&path.weights(i)))?.0);
        }
        Ok(MovingMetric {
            convexity: flow.loss.convexity(),
            least,
            residual: target.map(|y| {
                let away: Vec<f64> = first.iter().zip(y).map(|(a, b)| a - b).collect();
                norm_at_most(linalg::norm(&away), away.len())
            }),
            time,
            evidence: Evidence::Estimate,
        })
    }
}

/// Lemma B.2: stability against a moving metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricStability {
    /// m.
    pub strong: f64,
    /// λ, a lower bound of Σ(0).
    pub least: f64,
    /// ‖Σ(0)‖.
    pub norm_start: f64,
    /// K = sup ‖(Σ(t) − Σ(0))∇R(y(t))‖ on [0, T].
    pub turning: f64,
    /// T.
    pub time: f64,
    /// How K and λ are known: along a path at its times only, which is an estimate from the wrong side.
    pub evidence: Evidence,
}

impl MetricStability {
    /// Along a computed path of the flow.
    ///
    /// # Errors
    /// As [`MovingMetric::along`].
    pub fn along<H: Differentiable, L: Loss>(flow: &Flow<H, L>, path: &Path) -> Result<Self> {
        let (first, time) = ends(path)?;
        let start = flow.map.kernel(&flow.start);
        let (least, norm_start) = extremes(&start)?;
        let (mut slope, mut turning) = (vec![0.0; first.len()], 0.0_f64);
        for (i, y) in path.outputs.iter().enumerate() {
            flow.loss.gradient(y, &mut slope);
            let change = flow.map.kernel(&path.weights(i)) - &start;
            let moved = change * nalgebra::DVector::from_column_slice(&slope);
            turning = turning.max(linalg::norm(moved.as_slice()));
        }
        let strong = flow.loss.convexity().m;
        Ok(MetricStability {
            strong,
            least,
            norm_start,
            turning,
            time,
            evidence: Evidence::Estimate,
        })
    }
}

/// y(0) and T.
fn ends(path: &Path) -> Result<(&[f64], f64)> {
    match (path.outputs.first(), path.times.last()) {
        (Some(y), Some(&t)) if path.times[0] == 0.0 => Ok((y, t)),
        _ => Err(Error::Conflict {
            found: "the path does not begin at time 0".into(),
            remedy: "solve it from time 0, with 0 among its times".into(),
        }),
    }
}

/// The least and the largest eigenvalue.
fn extremes(kernel: &nalgebra::DMatrix<f64>) -> Result<(f64, f64)> {
    let (values, _) = linalg::symmetric_eigen(kernel).ok_or_else(no_modes)?;
    Ok((values.last().map_or(0.0, |l| l.max(0.0)), values.first().copied().unwrap_or(0.0)))
}

fn positive(least: f64, time: f64, evidence: Evidence) -> Hypothesis {
    // What is known at some times says nothing of all later ones: Σ may fall to 0 as t → ∞.
    let known = time < f64::INFINITY || evidence == Evidence::Certified;
    Hypothesis::of(
        "Σ(t) ≥ λ > 0",
        (least, 0.0),
        super::condition::verdict(known && least > 0.0, least <= 0.0),
        evidence,
        || "use more parameters than outputs, no sample twice, and a larger α".into(),
    )
}

impl Theorem for MovingMetric {
    fn name(&self) -> String {
        "Lemma B.1 (convergence in a moving metric)".into()
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Lemma B.1; λ measured along the path"
    }

    fn quantity(&self) -> Quantity {
        Quantity::Residual
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let big_m = self.convexity.big_m;
        let bounded = big_m < f64::INFINITY;
        vec![
            Hypothesis::strongly_convex(self.convexity.m, self.residual.is_some()),
            Hypothesis::plain(
                "∇R is Lipschitz: M < ∞",
                (big_m, f64::INFINITY),
                bounded,
                "use the square",
            ),
            positive(self.least, self.time, self.evidence),
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        let Some(start) = self.residual.filter(|_| t <= self.time) else { return f64::INFINITY };
        let rate = mul_down(self.convexity.m, self.least);
        let left = decayed(rate, t);
        product_up([sqrt_up(over_up(self.convexity.big_m, self.convexity.m)), start, left])
    }

    fn constants(&self) -> Vec<Constant> {
        vec![
            Constant::of("λ", self.least, self.evidence),
            Constant::of("M/m", self.convexity.condition(), Evidence::Certified),
        ]
    }
}

impl Theorem for MetricStability {
    fn name(&self) -> String {
        "Lemma B.2 (stability against a moving metric)".into()
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Lemma B.2; λ and K measured along the path"
    }

    fn quantity(&self) -> Quantity {
        Quantity::OutputsGap
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        vec![
            Hypothesis::plain(
                "R is strongly convex: m > 0",
                (self.strong, 0.0),
                self.strong > 0.0,
                "use a strongly convex loss, as the square",
            ),
            positive(self.least, self.time, self.evidence),
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        if t > self.time {
            return f64::INFINITY;
        }
        let below = mul_down(mul_down(self.least, sqrt_down(self.least)), self.strong);
        over_up(product_up([self.turning, sqrt_up(self.norm_start)]), below)
    }

    fn constants(&self) -> Vec<Constant> {
        let known = |name, value| Constant::of(name, value, self.evidence);
        vec![known("λ", self.least), known("‖Σ(0)‖", self.norm_start), known("K", self.turning)]
    }
}
