//! Theorem 3 (ours: any convex loss): how far the weights of a flow are from those of its linearization.
//!
//! **Statement.** Let R be convex and differentiable, h be C¹, w the gradient flow and w̄ the linearized one. With
//!
//! ```text
//! g = (1/α)[J₀ᵀ∇R(αh̄(w)) − Jᵀ∇R(αh(w))],      J = Dh(w(t)), J₀ = Dh(w₀),
//! ```
//!
//! evaluated along w alone,
//!
//! ```text
//! ‖w(t) − w̄(t)‖ ≤ ∫₀ᵗ ‖g‖,      ‖y − ȳ‖ ≤ α‖h(w) − h̄(w)‖ + α‖J₀‖ ∫₀ᵗ ‖g‖.
//! ```
//!
//! For any differentiable R bounded below, the length of the path is l(t) ≤ √(t(R(αh(w₀)) − inf R))/α.
//!
//! **Proof.** F̄(w) = R(αh̄(w))/α² is convex, being a convex function of an affine one, and ∇F̄(w) = J₀ᵀ∇R(αh̄(w))/α. The
//! path w satisfies w' = −∇F̄(w) + g. Let δ = w − w̄: ½(‖δ‖²)' = −⟨δ, ∇F̄(w) − ∇F̄(w̄)⟩ + ⟨δ, g⟩ ≤ ‖δ‖‖g‖, as the gradient of a
//! convex function is monotone. Hence ‖δ‖' ≤ ‖g‖ wherever δ ≠ 0, and δ(0) = 0. For the outputs,
//! y − ȳ = α(h(w) − h̄(w)) + αJ₀(w − w̄). For the length, F_α falls at the rate ‖w'‖², so ∫₀ᵗ‖w'‖² ≤ (R(αh(w₀)) − inf R)/α², and
//! Cauchy–Schwarz. ∎
//!
//! That gradient flows of convex functions are contractions is classical; the bound was written down for this project, and
//! no more is claimed.
//!
//! **As computed.** With u = α(w − w₀) one increment gives everything without cancellation: forward, αh̄(w) = αh(w₀) + J₀u
//! and ρ = α²(h(w) − h̄(w)); back, on ∇R(αh̄(w)) + ε[∇R(αh̄(w) + ερ) − ∇R(αh̄(w))]/ε, the change α²g up to sign.

use super::curve::{Curve, Integral, integrate};
use super::sampled::{Sampled, Sampler};
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::{Differentiable, Displacement};
use crate::solve::Gap;
use crate::theory::{Hypothesis, Quantity};
use crate::{Result, linalg};

const SOURCE: &str = "gradient flows of convex functions contract; written down for this project";

/// Theorem 3 along one path.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvexLoss {
    /// The times asked for.
    pub times: Vec<f64>,
    /// α²‖w − w̄‖ at each, as the solver measured it.
    pub weights_gap: Vec<f64>,
    /// α‖y − ȳ‖ at each, as the solver measured it.
    pub outputs_gap: Vec<f64>,
    /// The bound of ‖w − w̄‖; scaled by α².
    pub weights: Curve,
    /// The bound of ‖y − ȳ‖; scaled by α.
    pub outputs: Curve,
    /// The bound of ‖w − w₀‖, from the loss at the start alone; scaled by α.
    pub displacement: Curve,
}

impl ConvexLoss {
    /// Of a flow on [0, T], T the last of `times`, which ascend and are finite.
    ///
    /// # Errors
    /// As [`Flow::solve`]; [`Value`](crate::Error::Value) for an infinite time.
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        times: &[f64],
        gap: &Gap,
    ) -> Result<Self> {
        let initial = flow.initial_outputs()?;
        let sampler = Sampler::new(flow, gap, times)?;
        let source = |sampled: &Sampled| {
            let at = |u: &Vec<f64>| Defect::at(flow, &initial, u);
            sampled.displacements.iter().map(|u| vec![at(u).defect, at(u).remainder]).collect()
        };
        let (sampled, values) = sampler.refined(source)?;
        // Norms are not negative; their interpolants may be, by a rounding.
        let first = |v: &[f64], q: &mut [f64]| q[0] = v[0].max(0.0);
        let integral = integrate(&sampled, times, &values, &[0.0], &first);
        let outputs = outputs_bound(&sampled, &values, sampler.norm_jacobian, &integral);
        let weights_error = sampled.solver_error / sampler.norm_jacobian.max(f64::MIN_POSITIVE);
        let curve = |name, quantity, integral, unit, allowance| Curve {
            name,
            source: SOURCE,
            quantity,
            unit,
            hypotheses: vec![
                convexity(flow),
                Hypothesis::smooth(flow.map.is_smooth()),
                sampled.resolved(),
            ],
            integral,
            allowance,
        };
        let eps = flow.eps();
        let displacement = Curve {
            hypotheses: vec![],
            ..curve(
                "Theorem 3 (ours: any convex loss), displacement",
                Quantity::Displacement,
                length_bound(flow, &initial, &integral.times),
                eps,
                0.0,
            )
        };
        Ok(ConvexLoss {
            times: times.to_vec(),
            weights_gap: sampled.asked_weights_gaps.clone(),
            outputs_gap: sampled.asked_gaps.iter().map(|s| linalg::norm(s)).collect(),
            weights: curve(
                "Theorem 3 (ours: any convex loss), weights",
                Quantity::WeightsGap,
                integral,
                eps * eps,
                if sampled.solver_error > 0.0 { weights_error } else { 0.0 },
            ),
            outputs: curve(
                "Theorem 3 (ours: any convex loss), outputs",
                Quantity::OutputsGap,
                outputs,
                eps,
                2.0 * sampled.solver_error,
            ),
            displacement,
        })
    }
}

/// α²‖g‖ and ‖ρ‖ at one point of the path.
struct Defect {
    defect: f64,
    remainder: f64,
}

impl Defect {
    fn at<H: Differentiable, L: Loss>(flow: &Flow<H, L>, initial: &[f64], u: &[f64]) -> Self {
        let zeros = vec![0.0; u.len()];
        let at = Displacement { start: &flow.start, first: u, rest: &zeros, eps: flow.eps() };
        let (mut base, mut change) = (zeros.clone(), zeros.clone());
        let mut remainder = 0.0;
        let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            let straight: Vec<f64> = initial.iter().zip(first).map(|(y, f)| y + f).collect();
            remainder = linalg::norm(rest);
            flow.loss.gradient(&straight, v0);
            flow.loss.increment(&straight, rest, flow.eps(), v1);
        };
        flow.map.increment(at, &mut seed, &mut base, &mut change);
        Defect { defect: linalg::norm(&change), remainder }
    }
}

/// ‖ρ‖ + ‖J₀‖ ∫ α²‖g‖ on the integral's grid.
fn outputs_bound(
    sampled: &Sampled,
    values: &[Vec<f64>],
    norm_jacobian: f64,
    integral: &Integral,
) -> Integral {
    use super::panels::{Fineness, Interpolant};
    let remainder = |fineness| {
        let interpolant = Interpolant { panels: &sampled.panels, values, fineness };
        let mut out = [0.0; 2];
        let at = |&t: &f64| {
            interpolant.at(sampled.panels.holding(t), t, &mut out);
            out[1].max(0.0)
        };
        integral.times.iter().map(at).collect::<Vec<_>>()
    };
    let (full, half) = (remainder(Fineness::Full), remainder(Fineness::Half));
    let miss = full.iter().zip(&half).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    Integral {
        times: integral.times.clone(),
        values: full.iter().zip(&integral.values).map(|(r, i)| r + norm_jacobian * i).collect(),
        error: miss + norm_jacobian * integral.error,
    }
}

/// √(t (R(αh(w₀)) − inf R)); inf R is 0 where no minimizer is known.
fn length_bound<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    initial: &[f64],
    times: &[f64],
) -> Integral {
    let least = flow.loss.minimizer().map_or(0.0, |y| flow.loss.value(y));
    let drop = (flow.loss.value(initial) - least).max(0.0);
    let bound = |t: &f64| (t * drop).sqrt() * (1.0 + 8.0 * f64::EPSILON);
    Integral { times: times.to_vec(), values: times.iter().map(bound).collect(), error: 0.0 }
}

/// Every loss of the crate is convex; a user's says so by m ≥ 0.
fn convexity<H, L: Loss>(flow: &Flow<H, L>) -> Hypothesis {
    let m = flow.loss.convexity().m;
    Hypothesis::plain("R is convex: m ≥ 0", (m, 0.0), m >= 0.0, "use a convex loss")
}
