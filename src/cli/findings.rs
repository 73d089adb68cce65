//! What `gradflow flow` solved and found, from which the table, the JSON and the figure are made.

use super::flow_options::FlowOptions;
use super::problem::{Problem, Zero};
use crate::experiment::Slopes;
use crate::loss::Loss;
use crate::solve::Comparison;
use crate::{Error, Result};

/// What was solved and found: all that reports need.
pub(super) struct Findings<'a> {
    pub(super) options: &'a FlowOptions,
    pub(super) problem: &'a Problem,
    pub(super) loss: &'a dyn Loss,
    pub(super) shape: crate::model::Shape,
    /// The last time asked for.
    pub(super) horizon: f64,
    /// λ₁ of the tangent kernel at the start.
    pub(super) largest_eigenvalue: f64,
    /// The tolerance in force.
    pub(super) rtol: f64,
    pub(super) runs: Vec<Comparison>,
    /// Scales whose solve failed, with the reason.
    pub(super) failures: Vec<(f64, Error)>,
}

impl Findings<'_> {
    /// The order in 1/α of sup‖y − ȳ‖ by theory.
    pub(super) fn outputs_order(&self) -> i32 {
        if self.problem.zero == Zero::Doubled { 2 } else { 1 }
    }

    /// Slopes of the runs.
    pub(super) fn slopes(&self) -> Slopes {
        Slopes::of(&self.runs)
    }

    /// The scales in order, each with what was found or why it failed.
    pub(super) fn by_scale(&self) -> Vec<(f64, Result<&Comparison, &Error>)> {
        let found = self.runs.iter().map(|run| (run.curved.alpha, Ok(run)));
        let failed = self.failures.iter().map(|(alpha, error)| (*alpha, Err(error)));
        let mut all: Vec<_> = found.chain(failed).collect();
        all.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        all
    }
}
