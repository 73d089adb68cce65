//! Steps cut short where a model has a kink (`solve::piecewise`).

use super::past::Value;
use super::phi::Weights;
use super::stepper::{Stepper, Trial};
use crate::model::Sparse;
use crate::solve::piecewise::{DensePath, Switching, Turn};
use crate::{Result, linalg};

/// A step shorter than this part of the one tried is none.
const NOTHING: f64 = 1e-9;

/// Past values that are taken again after an event.
const RETAKEN: usize = 4;

impl Stepper<'_> {
    /// Ends the trial step early, at `time`, where `switch` changes f; past values are taken again, on the new f and at
    /// the states from which it would have come here. `None` where f is not finite.
    pub(super) fn interrupt(
        &mut self,
        trial: &Trial,
        time: f64,
        switching: &dyn Switching,
    ) -> Result<Option<()>> {
        let length = time - self.time;
        if length > NOTHING * (trial.value.time - self.time) {
            let motion = self.motion_within(trial, time, &mut Weights::default());
            let values = std::iter::once(&trial.value).chain(&self.past);
            for (beta, value) in motion.combination.iter().zip(values) {
                self.base.iter_mut().zip(&value.f).for_each(|(x, f)| *x += beta * f);
            }
            self.modal.iter_mut().zip(&motion.lifted).for_each(|(m, a)| *m += a);
            self.image.iter_mut().zip(&motion.image).for_each(|(x, m)| *x += m);
            self.time = time;
            self.contraction.step();
        } else {
            self.past.pop_front();
        }
        let x = self.state();
        self.evaluations += 1;
        let Some(Turn { velocity, jump, shift }) = switching.switch(self.time, &x)? else {
            return Ok(None);
        };
        let x = match shift {
            Some(shift) => self.shifted(x, &shift),
            None => x,
        };
        let (f_image, jump_image) = (self.tangent.image(&velocity), self.tangent.image(&jump));
        let x_image = self.image.clone();
        let here = Value { time: self.time, f: velocity, f_image, x, x_image };
        let past = std::mem::take(&mut self.past);
        self.past.push_front(here);
        for value in past.into_iter().take(RETAKEN.min(self.degree)) {
            let ago = value.time - self.time;
            let moved = |x: &[f64], jump: &[f64]| -> Vec<f64> {
                x.iter().zip(jump).map(|(x, j)| x + ago * j).collect()
            };
            let (x, image) = (moved(&value.x, &jump), moved(&value.x_image, &jump_image));
            let Some(again) = self.evaluate(value.time, x, image) else { break };
            self.past.push_back(again);
        }
        self.degree = self.degree.min(self.past.len());
        Ok(Some(()))
    }

    /// Moves the state by `shift`.
    fn shifted(&mut self, mut x: Vec<f64>, shift: &[f64]) -> Vec<f64> {
        let image = self.tangent.image(shift);
        self.image.iter_mut().zip(&image).for_each(|(x, s)| *x += s);
        self.base.iter_mut().zip(shift).for_each(|(x, s)| *x += s);
        x.iter_mut().zip(shift).for_each(|(x, s)| *x += s);
        x
    }

    /// ⟨n, x⟩ within a trial step, for many times: what does not depend on time is computed once.
    pub(super) fn along<'b>(
        &'b self,
        trial: &'b Trial,
        n: &'b Sparse,
    ) -> Box<dyn Fn(f64) -> f64 + 'b> {
        let image = self.tangent.image(&n.to_dense(self.base.len()));
        let base = n.dot(&self.base) + linalg::dot(&image, &self.modal);
        let values = std::iter::once(&trial.value).chain(&self.past);
        let parts: Vec<f64> = values.map(|value| n.dot(&value.f)).collect();
        Box::new(move |time| {
            if time == self.time {
                return base;
            }
            let motion = self.motion_within(trial, time, &mut Weights::default());
            let direct: f64 = motion.combination.iter().zip(&parts).map(|(b, f)| b * f).sum();
            base + direct + linalg::dot(&image, &motion.lifted)
        })
    }
}

/// A trial step as a path.
pub(super) struct TrialPath<'b, 'a> {
    pub(super) stepper: &'b Stepper<'a>,
    pub(super) trial: &'b Trial,
    pub(super) ends: (f64, f64),
}

impl DensePath for TrialPath<'_, '_> {
    fn ends(&self) -> (f64, f64) {
        self.ends
    }
    fn near(&self) -> &[f64] {
        self.trial.near()
    }
    fn state(&self, time: f64) -> Vec<f64> {
        self.stepper.within(self.trial, time)
    }
    fn along<'b>(&'b self, n: &'b Sparse) -> Box<dyn Fn(f64) -> f64 + 'b> {
        self.stepper.along(self.trial, n)
    }
}
