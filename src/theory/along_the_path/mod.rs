//! Bounds along a computed path: the identity of the gap, what follows from it, and what a solver's error can be.
//!
//! **Identity (along the path).** Let h be C¹ with locally Lipschitz Dh, R = c/2 ‖y − y*‖², and w the gradient flow on
//! [0, T]; nothing else is asked, neither a ball nor smallness nor that J₀ be onto. With e = y − y*, J = Dh(w(t)),
//! J₀ = Dh(w₀), S = J Jᵀ, S₀ = J₀J₀ᵀ and Δ = y − ȳ,
//!
//! ```text
//! (1)   Δ(t) = −∫₀ᵗ exp(−c(t−u)S₀) c(S(u) − S₀)e(u) du.
//! ```
//!
//! **Bounds.** Let S₀ = Q diag(λᵢ)Qᵀ with least eigenvalue λ (0 where J₀ is not onto).
//!
//! ```text
//! (2)   bᵢ' = −cλᵢbᵢ + c|(Qᵀ(S − S₀)e)ᵢ|,  b(0) = 0     ⇒  ‖Δ(t)‖ ≤ ‖b(t)‖       componentwise
//! (3)   β' = −cλβ + c‖(S − S₀)e‖,          β(0) = 0     ⇒  ‖Δ(t)‖ ≤ β(t)         scalar
//! (4)   the source c η(2‖J₀‖ + η)‖e‖ in (3), η = ‖J − J₀‖                        norms only
//! ```
//!
//! **Proof.** y' = −cSe and ȳ' = −cS₀(ȳ − y*), so Δ' = −cSe + cS₀(ȳ − y*) = −cS₀Δ − c(S − S₀)e with Δ(0) = 0, and
//! variation of constants (Duhamel) is (1). In the basis Q, (1) reads componentwise
//! |Δᵢ(t)| ≤ ∫₀ᵗ e^(−cλᵢ(t−u)) c|(Qᵀ(S − S₀)e)ᵢ| du = bᵢ(t), which is (2). Taking norms under the integral, with
//! ‖exp(−cτS₀)‖ = e^(−cλτ), is (3). And S − S₀ = J₀ Dᵀ + D Jᵀ with D = J − J₀, ‖J‖ ≤ ‖J₀‖ + η, so
//! ‖S − S₀‖ ≤ η(2‖J₀‖ + η), is (4). ∎
//!
//! (2) and (3) see where (S − S₀)e cancels, as in doubled models; no bound by norms alone can.
//!
//! **As computed.** Everything is scaled by α, so that nothing cancels at any α up to ∞: with G = (J − J₀)/ε,
//! α(S − S₀)e = J₀ Gᵀ e + G Jᵀ e (`change`). The path is sampled at Chebyshev–Lobatto nodes of graded panels
//! (`panels`, `sampled`), the source is a polynomial of degree 8 on each, and the equations are integrated exactly
//! against their exponentials (`duhamel`): stiffness restricts no step. Panels are halved until half their nodes
//! tell the others and the path moves as its velocity at the nodes says; where that is not reached, no bound is given. A
//! bound states its quadrature error (the
//! distance to half the nodes) and what the solver's tolerance leaves uncertain, and contains both. Its evidence is
//! *measured*: it is as good as the path.
//!
//! Variation of constants is classical; these bounds were written down for this project, and no more is claimed.
//!
//! Also here: Theorem 3 ([`ConvexLoss`]), for losses that are convex only, and Theorem 4 ([`SolverError`]), how far a
//! computed path can be from the true one.

mod change;
mod convex_loss;
mod curve;
mod defect;
mod duhamel;
mod panels;
mod sampled;
mod solver_error;

pub use convex_loss::ConvexLoss;
pub use curve::Curve;
pub use solver_error::SolverError;

pub(super) use change::Change;

use super::{Hypothesis, Quantity};
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::{Gap, no_modes};
use crate::{Error, Result, linalg};
use curve::{distance, integrate, once};
use nalgebra::DMatrix;
use panels::Fineness;
use sampled::{Sampled, Sampler};

/// The largest Jacobian, in numbers, that is decomposed itself.
const SVD_LIMIT: usize = 4_000_000;

/// How bounds along a path are computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Along {
    /// The solver of the path and of the gap beside it.
    pub gap: Gap,
    /// Whether ‖Dh(w) − Dh(w₀)‖ is computed too, with N sweeps per node, for the bound (4).
    pub norms: bool,
}

/// The default solver, with norms.
impl Default for Along {
    fn default() -> Self {
        Along { gap: Gap::default(), norms: true }
    }
}

/// The identity and its bounds along one path; every curve is α times a gap of outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct AlongThePath {
    /// The times asked for.
    pub times: Vec<f64>,
    /// α‖y − ȳ‖ at each, as the solver measured it.
    pub gap: Vec<f64>,
    /// (2).
    pub componentwise: Curve,
    /// (3).
    pub scalar: Curve,
    /// (4), where norms were asked for.
    pub norm_only: Option<Curve>,
    /// sup over the times asked for of the distance, scaled by α, between (1) and the gap measured.
    pub identity_residual: f64,
    /// The quadrature error of (1), scaled by α: sup of the distance to half the nodes.
    pub quadrature_error: f64,
    /// What the solver's tolerance leaves uncertain in α(y − ȳ).
    pub solver_error: f64,
    /// Nodes at which the path was sampled.
    pub nodes: usize,
}

impl AlongThePath {
    /// Of a flow under a square loss, on [0, T] with T the last of `times`, which ascend and are finite.
    ///
    /// # Errors
    /// As [`Flow::solve`]; [`Error::Conflict`] for a loss that is not a square, [`Error::Value`] for an infinite time.
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        times: &[f64],
        along: &Along,
    ) -> Result<Self> {
        let Some(quadratic) = flow.loss.quadratic() else {
            return Err(Error::Conflict {
                found: format!("the identity is for square losses, not for {}", flow.loss.name()),
                remedy: "use Theorem 3, which asks for convexity only".into(),
            });
        };
        let (c, target) = (quadratic.curvature, quadratic.target);
        let sampler = Sampler::new(flow, &along.gap, times)?;
        let basis = Basis::of(flow)?;
        let source = |s: &Sampled| sources(flow, s, target, c, &basis.vectors);
        let (sampled, values) = sampler.refined(source)?;
        let rates: Vec<f64> = basis.values.iter().map(|l| c * l).collect();
        let least = rates.last().copied().unwrap_or(0.0);
        let hypotheses = hypotheses(flow, &sampled);
        let curve = |name, integral| Curve {
            name,
            source: "variation of constants along the computed path; written down for this project",
            quantity: Quantity::OutputsGap,
            unit: flow.eps(),
            hypotheses: hypotheses.clone(),
            integral,
            allowance: sampled.solver_error,
        };
        let absolute = |v: &[f64], q: &mut [f64]| {
            q.iter_mut().zip(v).for_each(|(q, v)| *q = v.abs());
        };
        let norm = |v: &[f64], q: &mut [f64]| q[0] = linalg::norm(v);
        let norm_only = if along.norms {
            let values = norm_sources(flow, &sampled, target, c, sampler.norm_jacobian)?;
            let integral = integrate(&sampled, times, &values, &[least], &norm);
            Some(curve("norm bound (along the path)", integral))
        } else {
            None
        };
        let (identity_residual, quadrature_error) =
            check_identity(&sampled, times, &values, &rates, &basis.vectors);
        Ok(AlongThePath {
            times: times.to_vec(),
            gap: sampled.asked_gaps.iter().map(|s| linalg::norm(s)).collect(),
            componentwise: curve(
                "componentwise bound (along the path)",
                integrate(&sampled, times, &values, &rates, &absolute),
            ),
            scalar: curve(
                "scalar bound (along the path)",
                integrate(&sampled, times, &values, &[least], &norm),
            ),
            norm_only,
            identity_residual,
            quadrature_error,
            solver_error: sampled.solver_error,
            nodes: sampled.displacements.len(),
        })
    }
}

/// S₀ = Q diag(λ) Qᵀ with all N vectors, λ descending.
struct Basis {
    values: Vec<f64>,
    vectors: DMatrix<f64>,
}

impl Basis {
    /// From J₀ itself where its left singular vectors are all of Rᴺ, which keeps twice the digits of small λ.
    fn of<H: Differentiable, L>(flow: &Flow<H, L>) -> Result<Self> {
        let shape = flow.map.shape();
        let small = shape.params.saturating_mul(shape.outputs) <= SVD_LIMIT;
        if shape.params >= shape.outputs && small {
            let svd = linalg::thin_svd(&flow.map.jacobian(&flow.start)).ok_or_else(no_modes)?;
            let values = svd.values.iter().map(|s| s * s).collect();
            return Ok(Basis { values, vectors: svd.left });
        }
        let kernel = flow.map.kernel(&flow.start);
        let (mut values, vectors) = linalg::symmetric_eigen(&kernel).ok_or_else(no_modes)?;
        values.iter_mut().enumerate().for_each(|(i, l)| {
            *l = if i < shape.params { l.max(0.0) } else { 0.0 };
        });
        Ok(Basis { values, vectors })
    }
}

/// e = y − y*.
fn residual(y: &[f64], target: &[f64]) -> Vec<f64> {
    y.iter().zip(target).map(|(y, t)| y - t).collect()
}

/// The change of the differential at each node.
fn changes<'a, H: Differentiable, L: Loss>(
    flow: &'a Flow<H, L>,
    sampled: &'a Sampled,
) -> impl Iterator<Item = Change<'a>> {
    let eps = flow.eps();
    sampled.displacements.iter().map(move |first| Change {
        map: &flow.map,
        start: &flow.start,
        first,
        eps,
    })
}

/// αc Qᵀ(S − S₀)e = c Qᵀ(J₀Gᵀe + G Jᵀe) at each node.
fn sources<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    sampled: &Sampled,
    target: &[f64],
    c: f64,
    q: &DMatrix<f64>,
) -> Vec<Vec<f64>> {
    let source = |(change, y): (Change<'_>, &Vec<f64>)| {
        let e = residual(y, target);
        let (jacobian_back, change_back) = change.back(&e);
        let mut first = vec![0.0; e.len()];
        flow.map.jvp(&flow.start, &change_back, &mut first);
        let second = change.forward(&jacobian_back);
        let sum: Vec<f64> = first.iter().zip(&second).map(|(a, b)| c * (a + b)).collect();
        (0..sum.len()).map(|i| linalg::dot(q.column(i).as_slice(), &sum)).collect()
    };
    changes(flow, sampled).zip(&sampled.outputs).map(source).collect()
}

/// c ‖G‖(2‖J₀‖ + ε‖G‖)‖e‖ at each node.
fn norm_sources<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    sampled: &Sampled,
    target: &[f64],
    c: f64,
    norm_jacobian: f64,
) -> Result<Vec<Vec<f64>>> {
    let source = |(change, y): (Change<'_>, &Vec<f64>)| {
        let norm = change.norm().ok_or_else(no_modes)?;
        let size = linalg::norm(&residual(y, target));
        Ok(vec![c * norm * (2.0 * norm_jacobian + flow.eps() * norm) * size])
    };
    changes(flow, sampled).zip(&sampled.outputs).map(source).collect()
}

/// sup of the distance between (1) and the gap measured at the times asked for, and the quadrature error of (1).
fn check_identity(
    sampled: &Sampled,
    times: &[f64],
    values: &[Vec<f64>],
    rates: &[f64],
    q: &DMatrix<f64>,
) -> (f64, f64) {
    let negative = |v: &[f64], out: &mut [f64]| out.iter_mut().zip(v).for_each(|(o, v)| *o = -v);
    let (stops, full) = once(sampled, times, values, rates, &negative, Fineness::Full);
    let (half_stops, half) = once(sampled, times, values, rates, &negative, Fineness::Half);
    let at = |t: f64| &full[stops.partition_point(|s| *s < t)];
    let missed = times.iter().zip(&sampled.asked_gaps).map(|(t, s)| {
        let measured: Vec<f64> =
            (0..s.len()).map(|i| linalg::dot(q.column(i).as_slice(), s)).collect();
        distance(at(*t), &measured)
    });
    let coarse = half_stops.iter().zip(&half).map(|(t, b)| distance(at(*t), b));
    (missed.fold(0.0, f64::max), coarse.fold(0.0, f64::max))
}

/// What the identity asks of the flow, and the bounds of its sampling.
fn hypotheses<H: Differentiable, L: Loss>(flow: &Flow<H, L>, sampled: &Sampled) -> Vec<Hypothesis> {
    vec![
        Hypothesis::plain("R = c/2 ‖y − y*‖²", (flow.loss.convexity().m, f64::INFINITY), true, ""),
        Hypothesis::smooth(flow.map.is_smooth()),
        sampled.resolved(),
    ]
}
