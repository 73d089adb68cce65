//! A computed path at the nodes of panels, refined until what is made of it is smooth between them.

use super::defect::velocity;
use super::panels::{DEGREE, Fineness, Interpolant, Panels, quadrature};
use crate::constants::Evidence;
use crate::flow::{Flow, check_times};
use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::solve::{Gap, no_modes};
use crate::theory::{Hypothesis, Verdict};
use crate::{Error, Result, linalg};

/// A panel is halved while the polynomial of half its nodes misses the others by more than this share of the integral…
const MISS: f64 = 1e-6;
/// …or while the path moves on it otherwise than its velocity at the nodes says, by more than this share of the farthest
/// displacement: nodes that all lie before or after a motion see none.
const HIDDEN: f64 = 1e-4;
/// Rounds of halving, and panels at most: solves are repeated for each round. A flow that leaves a saddle late moves
/// in a ten-thousandth of its horizon, which takes thirteen rounds; one that does not takes three or four.
const ROUNDS: usize = 24;
const PANELS: usize = 400;
/// The share that may be missed on a panel, in either sense, when rounds are spent. Beyond it, what half the nodes miss is
/// no estimate of what all of them do: a peak can stand between them.
const RESOLVED: f64 = 1e-3;

/// A flow, its gap solver and its linearization: what one sampling after another needs.
pub(super) struct Sampler<'a, H, L> {
    pub(super) flow: &'a Flow<H, L>,
    pub(super) gap: &'a Gap,
    pub(super) asked: &'a [f64],
    tangent: Linearized<&'a H>,
    /// ‖J₀‖.
    pub(super) norm_jacobian: f64,
    /// Largest decay rate at the start: smoothness of the loss times ‖J₀‖².
    fastest: f64,
}

/// The path, and the scaled gap beside it, at nodes and at the times asked for.
pub(super) struct Sampled {
    pub(super) panels: Panels,
    /// u = α(w − w₀) at the nodes.
    pub(super) displacements: Vec<Vec<f64>>,
    /// y = αh(w) at the nodes.
    pub(super) outputs: Vec<Vec<f64>>,
    /// α(y − ȳ) at the times asked for.
    pub(super) asked_gaps: Vec<Vec<f64>>,
    /// α²‖w − w̄‖ at the times asked for.
    pub(super) asked_weights_gaps: Vec<f64>,
    /// The tolerance times sup‖α(y − ȳ)‖ + ‖J₀‖ sup α²‖w − w̄‖: what the solver leaves uncertain in the first.
    pub(super) solver_error: f64,
    /// The largest share that is missed on a panel: of the source's integral, or of the displacement.
    missed: f64,
    /// Whether the gap of the outputs is rounding noise, as in doubled models at α = ∞: nothing to refine for.
    silent: bool,
}

impl<'a, H: Differentiable, L: Loss> Sampler<'a, H, L> {
    pub(super) fn new(flow: &'a Flow<H, L>, gap: &'a Gap, asked: &'a [f64]) -> Result<Self> {
        flow.initial_outputs()?;
        check_times(asked)?;
        let end = asked.last().copied().unwrap_or(0.0);
        if !(end > 0.0 && end.is_finite()) {
            return Err(Error::value("last time", end, "a positive finite time"));
        }
        let tangent = Linearized::at(&flow.map, &flow.start);
        let norm_jacobian = tangent.modes().ok_or_else(no_modes)?.largest().sqrt();
        let smoothness = flow.loss.convexity().big_m;
        let smoothness = if smoothness.is_finite() { smoothness } else { 1.0 };
        let fastest = smoothness * norm_jacobian.powi(2);
        Ok(Sampler { flow, gap, asked, tangent, norm_jacobian, fastest })
    }

    /// Samples, and halves panels until `source` at the nodes is a polynomial on each. Returns the source too.
    pub(super) fn refined(
        &self,
        source: impl Fn(&Sampled) -> Vec<Vec<f64>>,
    ) -> Result<(Sampled, Vec<Vec<f64>>)> {
        let initial = self.flow.initial_outputs()?;
        let mut panels = Panels::graded(self.asked[self.asked.len() - 1], self.fastest);
        for round in 1.. {
            let mut sampled = self.sample(panels)?;
            let values = source(&sampled);
            let misses = self.misses(&sampled.panels, &values);
            let hidden = self.hidden(&sampled, &initial);
            let pairs = || misses.iter().zip(&hidden);
            let marked: Vec<bool> = pairs().map(|(m, h)| *m > MISS || *h > HIDDEN).collect();
            let more = marked.iter().filter(|m| **m).count();
            if more == 0
                || sampled.silent
                || round == ROUNDS
                || sampled.panels.len() + more > PANELS
            {
                let worst = pairs().fold(0.0_f64, |worst, (m, h)| worst.max(*m).max(*h));
                sampled.missed = if sampled.silent { 0.0 } else { worst };
                return Ok((sampled, values));
            }
            panels = sampled.panels.split(&marked);
        }
        unreachable!("the last round returns")
    }

    /// Per panel, the share of the integral that half the nodes miss; 0 within what the solver's tolerance explains.
    fn misses(&self, panels: &Panels, values: &[Vec<f64>]) -> Vec<f64> {
        let sizes: Vec<f64> = values.iter().map(|v| linalg::norm(v)).collect();
        let largest = sizes.iter().copied().fold(0.0, f64::max);
        let width = |i: usize| panels.edges[i + 1] - panels.edges[i];
        let mean = |i: usize| {
            sizes[i * DEGREE..=(i + 1) * DEGREE].iter().sum::<f64>() / (DEGREE + 1) as f64
        };
        let integral: f64 = (0..panels.len()).map(|i| width(i) * mean(i)).sum();
        let noise = 10.0 * self.gap.options.rtol * largest;
        let interpolant = Interpolant { panels, values, fineness: Fineness::Full };
        let share = |(i, miss)| if miss > noise { miss * width(i) / integral } else { 0.0 };
        interpolant.misses().into_iter().enumerate().map(share).collect()
    }

    /// Per panel, ‖u(b) − u(a) − ∫u'‖ as a share of sup‖u‖, the integral being that of the polynomial through u' at the
    /// nodes; 0 within what the solver's tolerance and the stiffness at the start explain.
    fn hidden(&self, sampled: &Sampled, initial: &[f64]) -> Vec<f64> {
        let (weights, nodes) = (quadrature(), &sampled.displacements);
        let farthest = nodes.iter().map(|u| linalg::norm(u)).fold(0.0, f64::max);
        // u' = −Jᵀ∇R.
        let back: Vec<Vec<f64>> = nodes.iter().map(|u| velocity(self.flow, initial, u).0).collect();
        let share = |i: usize| {
            let width = sampled.panels.edges[i + 1] - sampled.panels.edges[i];
            let (first, last) = (i * DEGREE, (i + 1) * DEGREE);
            let mut missed: Vec<f64> =
                nodes[last].iter().zip(&nodes[first]).map(|(b, a)| b - a).collect();
            for (weight, back) in weights.iter().zip(&back[first..=last]) {
                missed.iter_mut().zip(back).for_each(|(m, v)| *m += width * weight * v);
            }
            let share = linalg::norm(&missed) / farthest;
            let noise = 10.0 * self.gap.options.rtol * (1.0 + width * self.fastest);
            if share > noise { share } else { 0.0 }
        };
        (0..sampled.panels.len()).map(share).collect()
    }

    fn sample(&self, panels: Panels) -> Result<Sampled> {
        let nodes = panels.nodes();
        let mut times = [&nodes, self.asked].concat();
        times.sort_unstable_by(f64::total_cmp);
        times.dedup();
        let found = self.gap.solve_beside(self.flow, &self.tangent, &times)?;
        if found.curved.times.len() < times.len() {
            return Err(Error::Conflict {
                found: format!("the solve stopped at t = {}", found.time()),
                remedy: "ask for bounds along the path without stopping events".into(),
            });
        }
        let at = |wanted: &[f64], rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
            wanted.iter().map(|t| rows[times.partition_point(|other| other < t)].clone()).collect()
        };
        let sup = found.outputs_gap.scaled + self.norm_jacobian * found.weights_gap.scaled;
        Ok(Sampled {
            displacements: at(&nodes, &found.curved.displacements),
            outputs: at(&nodes, &found.curved.outputs),
            asked_gaps: at(self.asked, &found.outputs_gaps),
            asked_weights_gaps: at(self.asked, &found.weights_gaps)
                .iter()
                .map(|e| linalg::norm(e))
                .collect(),
            solver_error: self.gap.options.rtol * sup,
            missed: 0.0,
            silent: found.outputs_gap.scaled <= found.outputs_noise,
            panels,
        })
    }
}

impl Sampled {
    /// That the nodes tell what is between them.
    pub(super) fn resolved(&self) -> Hypothesis {
        let decided = if self.missed <= RESOLVED { Verdict::Holds } else { Verdict::Undecided };
        let statement =
            "the path is resolved: its nodes tell what is between them, but for this share";
        Hypothesis::of(statement, (self.missed, RESOLVED), decided, Evidence::Measured, || {
            "ask for a shorter horizon (--time) or a larger α: the path moves in too short a part of it"
                .into()
        })
    }

    /// Times at which integrals are kept: each panel in that many equal steps, and the times asked for.
    pub(super) fn stops(&self, steps: u32, asked: &[f64]) -> Vec<f64> {
        let mut stops: Vec<f64> = asked.to_vec();
        for pair in self.panels.edges.windows(2) {
            let h = (pair[1] - pair[0]) / f64::from(steps);
            stops.extend((0..steps).map(|k| pair[0] + h * f64::from(k)));
            stops.push(pair[1]);
        }
        stops.push(0.0);
        stops.sort_unstable_by(f64::total_cmp);
        stops.dedup();
        stops
    }
}
