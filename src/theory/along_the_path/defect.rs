//! The defect of a computed path: û' + Dh(w)ᵀ∇R(y) for û = α(ŵ − w₀), the polynomial of degree 8 through a solver's values at
//! the nodes of each panel, continuous from panel to panel.
//!
//! The derivative at the nodes is that of the barycentric differentiation matrix (Berrut and Trefethen 2004, §9.3), between
//! them its interpolant.

use super::panels::{DEGREE, Fineness, Interpolant, Panels, position};
use crate::flow::{Flow, Solver};
use crate::loss::Loss;
use crate::model::{Differentiable, Displacement};
use crate::{Error, Result, linalg};
use nalgebra::DMatrix;

/// Cells per panel between which the defect is sampled.
const CELLS: u32 = 32;

/// Defect and gradient at one time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sample {
    pub(super) time: f64,
    /// α‖d‖.
    pub(super) defect: f64,
    /// ‖∇R(ŷ)‖.
    pub(super) gradient: f64,
}

/// A path on given panels, with its defect.
pub(super) struct Computed {
    pub(super) panels: Panels,
    pub(super) nodes: Vec<Vec<f64>>,
    pub(super) samples: Vec<Sample>,
}

impl Computed {
    pub(super) fn on<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        solver: &impl Solver<H, L>,
        initial: &[f64],
        panels: Panels,
    ) -> Result<Self> {
        let path = flow.solve(solver, &panels.nodes())?;
        let nodes = path.displacements;
        if nodes.len() < panels.len() * DEGREE + 1 {
            return Err(Error::Conflict {
                found: format!("the solver's path ends at t = {:?}", path.times.last()),
                remedy: "solve without stopping events".into(),
            });
        }
        let mut samples = Vec::new();
        for i in 0..panels.len() {
            let (a, b) = (panels.edges[i], panels.edges[i + 1]);
            let slopes = slopes(&nodes[i * DEGREE..=(i + 1) * DEGREE], b - a);
            for k in 0..=CELLS {
                let part = f64::from(k) / f64::from(CELLS);
                let time = if k == CELLS { b } else { a + (b - a) * part };
                let u = interpolate(&panels, &nodes, i, time);
                let here = panels.lagrange(i, time, Fineness::Full);
                let (velocity, gradient) = velocity(flow, initial, &u);
                let mut defect = velocity;
                for (l, slope) in here.iter().zip(&slopes) {
                    defect.iter_mut().zip(slope).for_each(|(d, s)| *d += l * s);
                }
                samples.push(Sample { time, defect: linalg::norm(&defect), gradient });
            }
        }
        Ok(Computed { panels, nodes, samples })
    }

    /// ∫ α‖d‖ over each panel.
    fn shares(&self) -> Vec<f64> {
        let cells = CELLS as usize + 1;
        let over = |panel: &[Sample]| grow(panel, |_| 0.0).last().copied().unwrap_or(0.0);
        self.samples.chunks(cells).map(over).collect()
    }

    pub(super) fn total(&self) -> f64 {
        self.shares().iter().sum()
    }

    /// The panels with more than half the average defect.
    pub(super) fn poor(&self) -> Vec<bool> {
        let shares = self.shares();
        let average = shares.iter().sum::<f64>() / shares.len() as f64;
        shares.iter().map(|s| *s > 0.5 * average).collect()
    }

    /// sup‖û‖ over nodes and samples, a little more for what lies between them.
    pub(super) fn farthest(&self) -> f64 {
        let node = self.nodes.iter().map(|u| linalg::norm(u)).fold(0.0, f64::max);
        let sample = |s: &Sample| {
            let i = self.panels.holding(s.time);
            linalg::norm(&interpolate(&self.panels, &self.nodes, i, s.time))
        };
        1.01 * self.samples.iter().map(sample).fold(node, f64::max)
    }
}

/// E at each sample: E' = μE + ‖d‖, with the larger of two neighbours in between.
pub(super) fn grow(samples: &[Sample], rate: impl Fn(&Sample) -> f64) -> Vec<f64> {
    let mut error = 0.0;
    let mut found = vec![0.0; 1.min(samples.len())];
    for pair in samples.windows(2) {
        let h = pair[1].time - pair[0].time;
        let mu = rate(&pair[0]).max(rate(&pair[1]));
        let source = pair[0].defect.max(pair[1].defect);
        let mean = if mu * h == 0.0 { h } else { (mu * h).exp_m1() / mu };
        error = error * (mu * h).exp() + source * mean;
        found.push(error);
    }
    found
}

pub(super) fn interpolate(panels: &Panels, nodes: &[Vec<f64>], i: usize, t: f64) -> Vec<f64> {
    let mut out = vec![0.0; nodes[0].len()];
    Interpolant { panels, values: nodes, fineness: Fineness::Full }.at(i, t, &mut out);
    out
}

/// The derivative of a panel's polynomial at its nodes, by the barycentric differentiation matrix.
fn slopes(values: &[Vec<f64>], width: f64) -> Vec<Vec<f64>> {
    let weight = |j: usize| {
        let sign = if j.is_multiple_of(2) { 1.0 } else { -1.0 };
        if j == 0 || j == DEGREE { 0.5 * sign } else { sign }
    };
    let mut matrix = DMatrix::zeros(DEGREE + 1, DEGREE + 1);
    for i in 0..=DEGREE {
        for j in (0..=DEGREE).filter(|j| *j != i) {
            let entry = weight(j) / weight(i) / (width * (position(i) - position(j)));
            matrix[(i, j)] = entry;
            matrix[(i, i)] -= entry;
        }
    }
    let combine = |i: usize| {
        let mut slope = vec![0.0; values[0].len()];
        for (j, value) in values.iter().enumerate() {
            slope.iter_mut().zip(value).for_each(|(s, v)| *s += matrix[(i, j)] * v);
        }
        slope
    };
    (0..=DEGREE).map(combine).collect()
}

/// J(w₀ + εu)ᵀ∇R(y), which is −u', and ‖∇R(y)‖.
pub(super) fn velocity<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    initial: &[f64],
    u: &[f64],
) -> (Vec<f64>, f64) {
    let zeros = vec![0.0; u.len()];
    let at = Displacement { start: &flow.start, first: u, rest: &zeros, eps: flow.eps() };
    let (mut base, mut change, mut size) = (zeros.clone(), zeros.clone(), 0.0);
    let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
        let y: Vec<f64> =
            (0..first.len()).map(|i| initial[i] + first[i] + flow.eps() * rest[i]).collect();
        flow.loss.gradient(&y, v0);
        size = linalg::norm(v0);
        v1.fill(0.0);
    };
    flow.map.increment(at, &mut seed, &mut base, &mut change);
    base.iter_mut().zip(&change).for_each(|(b, c)| *b += flow.eps() * c);
    (base, size)
}
