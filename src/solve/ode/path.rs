//! A step as a path on which kinks are looked for: all that is known of it is its dense output.

use super::super::piecewise::{DensePath, Switching};
use crate::Result;
use crate::model::Sparse;
use std::ops::Range;

/// x(t) within a step.
type Interpolate<'s> = dyn Fn(f64, &mut [f64]) -> Result<()> + 's;

/// A step's dense output.
pub(super) struct StepPath<'s> {
    ends: (f64, f64),
    near: Vec<f64>,
    interpolate: &'s Interpolate<'s>,
}

impl<'s> StepPath<'s> {
    /// Of a step between these times, of `length` unknowns.
    pub(super) fn new(
        ends: (f64, f64),
        length: usize,
        interpolate: &'s Interpolate<'s>,
    ) -> Result<Self> {
        let mut near = vec![0.0; length];
        interpolate(ends.1, &mut near)?;
        Ok(StepPath { ends, near, interpolate })
    }

    /// The state at `time`, from which the path goes on with another f.
    pub(super) fn begin_at(&self, time: f64, switching: &dyn Switching) -> Result<Vec<f64>> {
        let mut x = self.state(time);
        if let Some(shift) = switching.switch(time, &x, self)? {
            x.iter_mut().zip(&shift).for_each(|(x, s)| *x += s);
        }
        Ok(x)
    }
}

impl DensePath for StepPath<'_> {
    fn ends(&self) -> (f64, f64) {
        self.ends
    }
    fn near(&self) -> &[f64] {
        &self.near
    }
    /// Not a number where there is none within the step: no kink is found there.
    fn state(&self, time: f64) -> Vec<f64> {
        let mut x = vec![f64::NAN; self.near.len()];
        match (self.interpolate)(time, &mut x) {
            Ok(()) => x,
            Err(_) => vec![f64::NAN; self.near.len()],
        }
    }
    fn along<'b>(&'b self, n: &'b Sparse) -> Box<dyn Fn(f64) -> f64 + 'b> {
        Box::new(move |time| n.dot(&self.state(time)))
    }
    fn speed(&self, _n: &Sparse, _time: f64) -> Option<f64> {
        None
    }
    fn noted(&self, _time: f64, _entries: Range<usize>) -> Option<Vec<f64>> {
        None
    }
}
