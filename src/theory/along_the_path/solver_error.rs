//! Theorem 4 (ours: the solver's error): how far a computed path can be from the true one.
//!
//! **Statement.** Let R be convex and M-smooth, ŵ continuous and piecewise C¹ with ŵ(0) = w₀, ŷ = αh(ŵ), and
//!
//! ```text
//! d = ŵ' + (1/α)Dh(ŵ)ᵀ∇R(ŷ)
//! ```
//!
//! its defect. Let Dh be L₂-Lipschitz and h be L₁-Lipschitz on all points within ρ of ŵ([0, T]), and
//!
//! ```text
//! μ(t) = (L₂/α)(‖∇R(ŷ(t))‖ + MαL₁ρ),      E(t) = ∫₀ᵗ exp(∫ₛᵗ μ) ‖d(s)‖ ds.
//! ```
//!
//! If E(T) < ρ then the flow w from w₀ exists on [0, T] and ‖w − ŵ‖ ≤ E there.
//!
//! **Proof.** Where Dh is differentiable, −Hess F_α = −Jᵀ R'' J − (1/α)Σᵢ ∂ᵢR D²hᵢ with R'' ≥ 0, so ⟨x, −Hess F_α x⟩ ≤
//! (1/α)‖Σᵢ ∂ᵢR D²hᵢ‖‖x‖² ≤ (L₂/α)‖∇R(αh)‖‖x‖². Within ρ of ŵ(t), ‖∇R(αh)‖ ≤ ‖∇R(ŷ)‖ + M α L₁ ρ: the logarithmic norm of the
//! flow is at most μ(t) there. Let δ = w − ŵ. As long as ‖δ‖ ≤ ρ the segment from ŵ to w lies in that ball, and
//! δ' = −[∇F(w) − ∇F(ŵ)] − d, F being F_α, gives ‖δ‖' ≤ μ‖δ‖ + ‖d‖, hence ‖δ‖ ≤ E < ρ: there is no first time at which ‖δ‖ reaches
//! ρ. Where Dh is Lipschitz without being differentiable, the same holds for almost every Hessian, which is enough for
//! the mean along segments in almost every direction, and by continuity for all. ∎
//!
//! The logarithmic norm is Dahlquist's (1958); see Hairer, Nørsett and Wanner, *Solving Ordinary Differential Equations
//! I*, §I.10. That the Gauss–Newton part is semidefinite makes it small here; derived for this project, and no more is
//! claimed.
//!
//! **As computed.** In u = α(w − w₀). ŵ is the polynomial of degree 8 through the solver's values at the nodes of a
//! panel; panels are halved while that lowers the defect. The defect is sampled at 33 times per panel, of two neighbours
//! the larger counts: the evidence is *measured*. ρ is the least that certifies itself.

use super::defect::{Computed, Sample, grow, interpolate};
use super::panels::Panels;
use crate::constants::{Evidence, Neighbourhood, Radius, least_radius};
use crate::flow::{Flow, Solver};
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::theory::{Constant, Hypothesis, Quantity, Theorem, Verdict};
use crate::{Error, Result};

/// Rounds of halving, and panels at most.
const ROUNDS: usize = 7;
const PANELS: usize = 256;

/// A computed path, its defect, and the bound of its error.
#[derive(Debug, Clone, PartialEq)]
pub struct SolverError {
    alpha: f64,
    panels: Panels,
    nodes: Vec<Vec<f64>>,
    samples: Vec<Sample>,
    tube: Option<Tube>,
    convex: f64,
    smooth: f64,
}

/// The tube that certifies itself.
#[derive(Debug, Clone, PartialEq)]
struct Tube {
    /// αρ.
    radius: f64,
    lip_jacobian: f64,
    lip: f64,
    /// αE at each sample.
    errors: Vec<f64>,
}

impl SolverError {
    /// Of the path that `solver` finds on [0, `time`]; constants from `near`, which must be of the flow's map and start.
    ///
    /// # Errors
    /// As [`Flow::solve`]; [`Error::Value`] for a time that is not positive and finite.
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        near: &Neighbourhood<'_>,
        solver: &impl Solver<H, L>,
        time: f64,
    ) -> Result<Self> {
        Self::given(flow, near, solver, time, |r| near.lip_jacobian_upper(r))
    }

    /// The same with an upper bound of Lip(Dh) on the ball of each radius, and its name, from elsewhere.
    ///
    /// # Errors
    /// As [`SolverError::of`].
    pub fn given<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        near: &Neighbourhood<'_>,
        solver: &impl Solver<H, L>,
        time: f64,
        lip: impl Fn(f64) -> (f64, &'static str),
    ) -> Result<Self> {
        if !(time > 0.0 && time.is_finite()) {
            return Err(Error::value("last time", time, "a positive finite time"));
        }
        let initial = flow.initial_outputs()?;
        let convexity = flow.loss.convexity();
        let fastest = near.spectrum()?.norm_jacobian.upper.powi(2) * convexity.big_m.min(1e6);
        let mut best = Computed::on(flow, solver, &initial, Panels::graded(time, fastest))?;
        for _ in 0..ROUNDS {
            let finer = best.panels.split(&best.poor());
            if finer.len() > PANELS {
                break;
            }
            let next = Computed::on(flow, solver, &initial, finer)?;
            let enough = next.total() > 0.7 * best.total();
            if next.total() < best.total() {
                best = next;
            }
            if enough {
                break;
            }
        }
        let tube = Tube::around(
            &best,
            near.spectrum()?.norm_jacobian.upper,
            lip,
            flow.alpha,
            convexity.big_m,
        );
        Ok(SolverError {
            alpha: flow.alpha,
            panels: best.panels,
            nodes: best.nodes,
            samples: best.samples,
            tube,
            convex: convexity.m,
            smooth: convexity.big_m,
        })
    }

    /// û(t) = α(ŵ(t) − w₀), of length p, for t in [0, T].
    pub fn displacement(&self, t: f64) -> Vec<f64> {
        interpolate(&self.panels, &self.nodes, self.panels.holding(t), t)
    }

    /// αE(t), which bounds α‖w − ŵ‖; ∞ beyond T and where no tube certifies itself.
    pub fn scaled(&self, t: f64) -> f64 {
        let after = self.samples.partition_point(|s| s.time < t);
        match &self.tube {
            Some(tube) if t >= 0.0 && after < tube.errors.len() => tube.errors[after],
            _ => f64::INFINITY,
        }
    }

    /// ∫₀ᵗ α‖d‖, what E would be without amplification.
    pub fn defect(&self, t: f64) -> f64 {
        let after = self.samples.partition_point(|s| s.time < t);
        grow(&self.samples[..=after.min(self.samples.len() - 1)], |_| 0.0)
            .last()
            .copied()
            .unwrap_or(0.0)
    }

    /// The nodes at which ŵ is the solver's own.
    pub fn nodes(&self) -> Vec<f64> {
        self.panels.nodes()
    }
}

impl Tube {
    /// The least tube with E(T) < ρ; Lip(h) on it is at most ‖J₀‖ + r Lip(Dh).
    fn around(
        path: &Computed,
        norm_jacobian: f64,
        lip_on: impl Fn(f64) -> (f64, &'static str),
        alpha: f64,
        smooth: f64,
    ) -> Option<Self> {
        let eps = alpha.recip();
        let farthest = path.farthest();
        let constants = |tube: f64| {
            let radius = eps * (farthest + tube);
            let lip_jacobian = lip_on(radius).0;
            let bend = if radius == 0.0 { 0.0 } else { radius * lip_jacobian };
            (lip_jacobian, norm_jacobian + bend)
        };
        let errors = |tube: f64| {
            let (lip_jacobian, lip) = constants(tube);
            grow(&path.samples, |s| {
                // A linear model, or the limit α = ∞, amplifies nothing.
                if lip_jacobian == 0.0 || (eps == 0.0 && lip_jacobian.is_finite()) {
                    return 0.0;
                }
                let spread = if tube == 0.0 { 0.0 } else { smooth * lip * tube };
                eps * lip_jacobian * (s.gradient + spread)
            })
        };
        let last = |tube: f64| errors(tube).last().copied().unwrap_or(0.0);
        let need = |tube: f64| if last(tube).is_nan() { f64::INFINITY } else { last(tube) };
        let Radius::Found(radius) = least_radius(need, f64::MAX) else { return None };
        // E(T) < ρ strictly, verified on the wider tube.
        let radius = (radius * (1.0 + 1e-6)).max(f64::MIN_POSITIVE);
        let (lip_jacobian, lip) = constants(radius);
        let tube = Tube { radius, lip_jacobian, lip, errors: errors(radius) };
        (last(radius) < radius).then_some(tube)
    }
}

impl Theorem for SolverError {
    fn name(&self) -> String {
        "Theorem 4 (ours: the solver's error)".into()
    }

    fn source(&self) -> &'static str {
        "defect and logarithmic norm (Dahlquist 1958; Hairer, Nørsett, Wanner §I.10); derived for this project"
    }

    fn quantity(&self) -> Quantity {
        Quantity::SolverError
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let convex = self.convex >= 0.0 && self.smooth.is_finite();
        let tube = self.tube.as_ref();
        let reached = tube.and_then(|t| t.errors.last().copied()).unwrap_or(f64::INFINITY);
        let answer = |statement: String, verdict, value, limit, repair: &str| Hypothesis {
            statement,
            verdict,
            value,
            limit,
            evidence: Evidence::Measured,
            repair: (verdict != Verdict::Holds).then(|| repair.into()),
        };
        vec![
            answer(
                "R is convex and M-smooth".into(),
                if convex { Verdict::Holds } else { Verdict::Fails },
                self.smooth,
                f64::INFINITY,
                "use a smooth convex loss",
            ),
            answer(
                "E(T) < ρ for some tube around the computed path".into(),
                if tube.is_some() { Verdict::Holds } else { Verdict::Undecided },
                self.alpha.recip() * reached,
                self.alpha.recip() * tube.map_or(f64::NAN, |t| t.radius),
                "solve at a tighter tolerance, on a shorter horizon or at a larger α",
            ),
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        let scaled = self.scaled(t);
        if scaled < f64::INFINITY { scaled * self.alpha.recip() } else { scaled }
    }

    fn constants(&self) -> Vec<Constant> {
        let found = |get: fn(&Tube) -> f64| self.tube.as_ref().map_or(f64::NAN, get);
        let constant =
            |name: &str, value, evidence| Constant { name: name.into(), value, evidence };
        vec![
            constant("Lip(Dh)", found(|t| t.lip_jacobian), Evidence::Measured),
            constant("Lip(h)", found(|t| t.lip), Evidence::Measured),
            constant("α ρ", found(|t| t.radius), Evidence::Measured),
        ]
    }
}
