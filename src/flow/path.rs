//! What a solve returns.

use crate::model::Kink;

/// A flow's path at the times asked for, stored as the displacement u = α (w − w₀), which keeps its digits at any α.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    /// α.
    pub alpha: f64,
    /// w₀, of length p.
    pub start: Vec<f64>,
    /// Times, ascending, in units of the flow; those past an early stop are dropped and the stop's time added.
    pub times: Vec<f64>,
    /// u = α (w − w₀) at each time, of length p.
    pub displacements: Vec<Vec<f64>>,
    /// α h(w) at each time, of length N.
    pub outputs: Vec<Vec<f64>>,
    /// Why the path ends.
    pub stop: Stop,
    /// What it cost.
    pub work: Work,
    /// The solver's name.
    pub solver: String,
    /// What happened at kinks of the model, from solvers that follow them.
    pub kinks: Option<KinkLog>,
}

/// How a path met the kinks of its model: where the argument of a relu or abs became zero.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct KinkLog {
    /// Arguments that changed sign, in the order of time.
    pub crossings: Vec<Crossing>,
    /// Times over which an argument stayed zero.
    pub slides: Vec<Slide>,
    /// (Layer, neuron) of units that are off at every sample at the end: with weights that no longer move.
    pub dead: Vec<(usize, usize)>,
}

/// An argument that changed sign.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Crossing {
    /// When.
    pub time: f64,
    /// Which.
    pub kink: Kink,
    /// Whether it became positive.
    pub on: bool,
}

/// An argument that stayed zero: the path slid along its kink (Filippov 1988).
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Slide {
    /// Which.
    pub kink: Kink,
    /// From when.
    pub from: f64,
    /// Until when: until the end of the path, if it did not leave before.
    pub to: f64,
}

impl Path {
    /// w = w₀ + u/α at time number `i`.
    pub fn weights(&self, i: usize) -> Vec<f64> {
        let eps = self.alpha.recip();
        self.start.iter().zip(&self.displacements[i]).map(|(w0, u)| w0 + eps * u).collect()
    }
}

/// Why a path ends. A budget spent is not among them: that is an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// The last time asked for was reached.
    Horizon,
    /// An infinite horizon, and the flow has come to rest to within the tolerance.
    Converged,
    /// The gradient at w₀ is zero: the flow does not move.
    Stationary,
    /// The loss fell to the level asked for.
    Loss,
    /// The gradient's norm fell to the level asked for.
    Gradient,
    /// The distance from w₀ grew to the level asked for.
    Distance,
}

impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Stop::Horizon => "horizon",
            Stop::Converged => "converged",
            Stop::Stationary => "stationary at start",
            Stop::Loss => "loss",
            Stop::Gradient => "gradient",
            Stop::Distance => "distance",
        })
    }
}

/// Work counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Work {
    /// Accepted steps.
    pub steps: usize,
    /// Rejected steps and failed Newton iterations.
    pub rejected: usize,
    /// Evaluations of a right-hand side: a sweep forward and one back. What kinks take besides, sweeps over the outputs
    /// that one of them reaches, counts as the part of all outputs that those are, rounded up over the whole solve.
    pub rhs: usize,
    /// Jacobians of the right-hand side (or their low-rank factors).
    pub jacobians: usize,
    /// Solves with Newton's matrix; of the exponential method, lifts from the modes of its tangent, and images in them of
    /// what a kink changes.
    pub linear_solves: usize,
}

impl std::ops::AddAssign for Work {
    fn add_assign(&mut self, o: Work) {
        self.steps += o.steps;
        self.rejected += o.rejected;
        self.rhs += o.rhs;
        self.jacobians += o.jacobians;
        self.linear_solves += o.linear_solves;
    }
}
