//! Theorem 2.5 (under-parameterized): geometric convergence to a local minimum near the linear one.
//!
//! **Statement** (Chizat, Oyallon, Bach 2019, Theorem 2.5). Let R be strongly convex, h(w₀) = 0 and the rank of Dh(w)
//! constant near w₀. Then there is α₀ such that for all α ≥ α₀ the flow of F_α converges geometrically, at a rate
//! asymptotically independent of α, to a local minimum of F_α.
//!
//! No constant is given, nor α₀: the formula is ∞. What can be checked on a path is in [`LocalMinimum`]:
//!
//! * the gradient vanishes at the limit and the Hessian of F_α there is positive;
//! * its least eigenvalue, the rate of convergence, tends to m σ_min⁺(Dh(w₀))² for the square loss m/2‖y − y*‖², where
//!   σ_min⁺ is the least positive singular value;
//! * the limit tends to that of the linearized flow, y* projected onto the range of Dh(w₀): ‖y − ȳ‖ = O(1/α) there.
//!
//! **The rank.** A full rank, min(p, N), at w₀ is full nearby, for Dh is continuous: by Weyl's theorem on any ball with
//! r Lip(Dh) < σ_min⁺. So a certified σ_min⁺ > 0 proves the hypothesis. A lower rank can only be sampled; constant
//! rank holds on an open dense set, but w₀ may lie outside.

use super::condition::verdict;
use super::{Constant, Hypothesis, Quantity, Setting, Theorem};
use crate::constants::{Enclosure, Evidence, Neighbourhood};
use crate::flow::Flow;
use crate::linalg;
use crate::loss::Loss;
use crate::model::{Differentiable, Shape};
use crate::random::Generator;
use crate::solve::{Gap, no_modes};
use crate::{Error, Result};
use nalgebra::DMatrix;

/// Theorem 2.5, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct UnderParameterized {
    /// α.
    pub alpha: f64,
    /// m, and whether R has a minimizer.
    pub strong: (f64, bool),
    /// ‖h(w₀)‖.
    pub norm_origin: f64,
    /// p and N.
    pub shape: Shape,
    /// Rank of Dh(w₀), to working precision.
    pub rank: usize,
    /// Ranks at points nearby, where rank is not full.
    pub nearby: Vec<usize>,
    /// σ_min⁺, the least positive singular value of Dh(w₀).
    pub sigma_min_positive: Enclosure,
    /// Whether Dh is locally Lipschitz.
    pub smooth: bool,
    /// How σ_min⁺ is known.
    pub evidence: Evidence,
}

/// Points at which a rank that is not full is looked at, and how far from w₀, relative to 1 + ‖w₀‖.
const POINTS: u64 = 6;
const NEARBY: f64 = 1e-3;

impl UnderParameterized {
    /// For a flow.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn for_flow(setting: &Setting, near: &Neighbourhood<'_>) -> Result<Self> {
        let (spectrum, shape) = (near.spectrum()?, near.map().shape());
        let full = spectrum.rank == shape.params.min(shape.outputs);
        Ok(UnderParameterized {
            alpha: setting.alpha,
            strong: (setting.convexity.m, setting.norm_target.is_some()),
            norm_origin: setting.norm_origin,
            shape,
            rank: spectrum.rank,
            nearby: if full { Vec::new() } else { ranks_nearby(near)? },
            sigma_min_positive: spectrum.sigma_min_positive,
            smooth: near.map().is_smooth(),
            evidence: spectrum.evidence,
        })
    }

    /// m σ_min⁺², the rate of convergence as α → ∞: for the square loss exactly, else from below.
    pub fn limiting_rate(&self) -> f64 {
        self.strong.0 * self.sigma_min_positive.lower.powi(2)
    }

    fn constant_rank(&self) -> Hypothesis {
        let full = self.shape.params.min(self.shape.outputs);
        let proven = self.rank == full && self.sigma_min_positive.lower > 0.0;
        let (statement, evidence) = if proven {
            (format!("the rank of Dh is constant near w₀: full there, {full}"), self.evidence)
        } else {
            let seen = format!(
                "the rank of Dh is constant near w₀: {} of {full} there, {:?} at points nearby",
                self.rank, self.nearby
            );
            (seen, Evidence::Estimate)
        };
        #[allow(clippy::cast_precision_loss, reason = "a rank")]
        let numbers = (self.rank as f64, full as f64);
        Hypothesis::of(statement, numbers, verdict(proven, false), evidence, || {
            "start elsewhere: ranks are constant near almost every start".into()
        })
    }
}

/// Ranks of Dh at seeded points nearby.
fn ranks_nearby(near: &Neighbourhood<'_>) -> Result<Vec<usize>> {
    let far = NEARBY * (1.0 + linalg::norm(near.start()));
    let rank = |number: u64| {
        let step = Generator::seeded(number).split("rank nearby").sphere(near.start().len());
        let w: Vec<f64> = near.start().iter().zip(&step).map(|(w, s)| w + far * s).collect();
        Ok(Neighbourhood::of(near.map(), &w)?.spectrum()?.rank)
    };
    (0..POINTS).map(rank).collect()
}

impl Theorem for UnderParameterized {
    fn name(&self) -> String {
        "Theorem 2.5 (under-parameterized)".into()
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Theorem 2.5: for all α from some α₀ on, which it does not give"
    }

    /// ‖y − ȳ‖, at the limit t → ∞.
    fn quantity(&self) -> Quantity {
        Quantity::OutputsGap
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        vec![
            Hypothesis::strongly_convex(self.strong.0, self.strong.1),
            Hypothesis::centred(self.norm_origin),
            Hypothesis::smooth(self.smooth),
            self.constant_rank(),
        ]
    }

    fn formula(&self, _t: f64) -> f64 {
        f64::INFINITY
    }

    fn constants(&self) -> Vec<Constant> {
        vec![
            Constant::of("σ_min⁺", self.sigma_min_positive.lower, self.evidence),
            Constant::of("limiting rate m σ_min⁺²", self.limiting_rate(), self.evidence),
        ]
    }

    fn rate(&self) -> Option<f64> {
        Some(-1.0)
    }
}

/// Where a flow has come to rest, and what Theorem 2.5 says of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalMinimum {
    /// When.
    pub time: f64,
    /// ‖Dhᵀ∇R(αh)‖ = α‖∇F_α‖: 0 at a critical point.
    pub gradient: f64,
    /// The least eigenvalue of ∇²F_α: the rate of convergence, where it is positive.
    pub least_curvature: f64,
    /// R(αh) there.
    pub risk: f64,
    /// R(αh̄) at the linearized flow's own limit.
    pub linear_risk: f64,
    /// ‖y − ȳ‖ between the limits; for the square loss ȳ is y* projected onto the range of Dh(w₀), if h(w₀) = 0.
    pub from_projection: f64,
}

/// The largest number of parameters for which the Hessian is formed and decomposed.
const LARGEST: usize = 2000;

impl LocalMinimum {
    /// The limit of the flow, with `gap` as its solver; `time` may be ∞.
    ///
    /// # Errors
    /// As [`Gap::solve`]; [`Error::Value`] for more parameters than a Hessian can have here.
    pub fn of<H: Differentiable, L: Loss>(flow: &Flow<H, L>, gap: &Gap, time: f64) -> Result<Self> {
        let params = flow.start.len();
        if params > LARGEST {
            return Err(Error::value("parameters", params, format!("at most {LARGEST}")));
        }
        let run = gap.solve(flow, &[0.0, time])?;
        let end = run.curved.times.len() - 1;
        let (w, y) = (run.curved.weights(end), &run.curved.outputs[end]);
        let (mut slope, mut gradient) = (vec![0.0; y.len()], vec![0.0; params]);
        flow.loss.gradient(y, &mut slope);
        flow.map.vjp(&w, &slope, &mut gradient);
        let hessian = hessian(flow, &w, y);
        let (eigenvalues, _) = linalg::symmetric_eigen(&hessian).ok_or_else(no_modes)?;
        Ok(LocalMinimum {
            time: run.time(),
            gradient: linalg::norm(&gradient),
            least_curvature: eigenvalues.last().copied().unwrap_or(0.0),
            risk: run.loss,
            linear_risk: run.linear_loss,
            from_projection: flow.eps() * linalg::norm(&run.outputs_gaps[end]),
        })
    }
}

/// ∇²F_α(w) = Dhᵀ ∇²R Dh + (1/α) Σᵢ ∂ᵢR D²hᵢ, with y = αh(w).
fn hessian<H: Differentiable, L: Loss>(flow: &Flow<H, L>, w: &[f64], y: &[f64]) -> DMatrix<f64> {
    let (p, n) = (w.len(), y.len());
    let mut slope = vec![0.0; n];
    flow.loss.gradient(y, &mut slope);
    let (mut direction, mut dy, mut bent) = (vec![0.0; p], vec![0.0; n], vec![0.0; n]);
    let (mut inner, mut outer) = (vec![0.0; p], vec![0.0; p]);
    let mut all = DMatrix::zeros(p, p);
    for j in 0..p {
        direction[j] = 1.0;
        flow.map.jvp(w, &direction, &mut dy);
        flow.loss.hessian(y, &dy, &mut bent);
        flow.map.vjp(w, &bent, &mut inner);
        flow.map.curvature(w, &slope, &direction, &mut outer);
        for i in 0..p {
            all[(i, j)] = inner[i] + flow.eps() * outer[i];
        }
        direction[j] = 0.0;
    }
    (&all + all.transpose()) * 0.5
}
