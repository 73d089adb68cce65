//! Steps cut short where a model has a kink (`solve::piecewise`).
//!
//! The step ends at the kink, and what is remembered goes over to the new piece, the value at the end of the step
//! included, which lies ahead now: it is what the next step, over the rest of this one, begins with. With x the path
//! on the old piece and x + d that on the new one, continued backwards beyond the kink,
//!
//! ```text
//! f_new(x + d) = f_old(x) + c + [f_new(x + d) − f_new(x)],   c = f_new(x) − f_old(x).
//! ```
//!
//! c differs from zero by one sample's part and is cheap at any remembered x. It is smooth in time: the polynomial through
//! its values at the newest three is added to all, so that images have to be taken of three only. d is (t − t*) c to
//! first order. The bracket, Df d, is known from one evaluation, where the path comes to on the new piece or, where that
//! is too near, at the value before the kink; elsewhere it is that in proportion to t − t*.

use super::past::{Motion, Value, View, add_sum};
use super::phi::Weights;
use super::stepper::{Stepper, Trial};
use crate::model::Sparse;
use crate::solve::piecewise::{DensePath, Switching, Taken};
use crate::{Result, linalg};
use std::borrow::Cow;
use std::ops::Range;

/// A part of a step shorter than this is none.
const NOTHING: f64 = 1e-9;

/// A value ahead by less than this part of the step is one of the past: a step that short would do harm to the degree.
const AT_HAND: f64 = 1e-3;

/// Which of the values are taken over one by one.
const SAMPLES: [usize; 3] = [0, 1, 2];

/// Normals whose images are remembered.
const REMEMBERED: usize = 8;

/// What is left of a step after it was cut short.
pub(super) enum Rest {
    /// Where the new piece leads, f is not finite.
    Escaped,
    /// The value at the end of the step, on the new piece.
    Ahead(Value),
    /// Too little for another step.
    Nothing,
}

impl Stepper<'_> {
    /// Ends the trial step early, at `time`, where `switching` changes f, and takes what is remembered over to the new f.
    pub(super) fn interrupt(
        &mut self,
        trial: Trial,
        time: f64,
        switching: &dyn Switching,
    ) -> Result<Rest> {
        let ends = (self.time, trial.value.time);
        let shift = {
            let path = TrialPath { stepper: self, trial: &trial, ends };
            let x = path.state(time);
            let shift = switching.switch(time, &x, &path)?;
            if time - self.time > NOTHING * (ends.1 - ends.0) {
                let motion = self.motion_within(&trial, time, &mut Weights::default());
                self.image.iter_mut().zip(&motion.image).for_each(|(x, m)| *x += m);
                self.modal.fill(0.0);
                self.base = x;
                self.time = time;
                self.contraction.step();
            }
            shift
        };
        self.lifts += 1;
        if let Some(shift) = shift.filter(|shift| linalg::norm(shift) > 0.0) {
            self.shift(&shift);
        }
        let mut values = vec![trial.value];
        values.extend(self.past.drain(..));
        let finite = self.take_over(&mut values, switching);
        let mut values = values.into_iter();
        let ahead = values.next();
        self.past.extend(values);
        Ok(match ahead {
            Some(ahead) if finite => {
                if ahead.time - self.time > AT_HAND * (ends.1 - ends.0) {
                    Rest::Ahead(ahead)
                } else {
                    self.past.push_front(ahead);
                    Rest::Nothing
                }
            }
            _ => Rest::Escaped,
        })
    }

    /// Moves the state by `shift`.
    fn shift(&mut self, shift: &[f64]) {
        let image = self.tangent.image(shift);
        self.image.iter_mut().zip(&image).for_each(|(x, s)| *x += s);
        self.base.iter_mut().zip(shift).for_each(|(x, s)| *x += s);
    }

    /// Takes values over to the new piece, where the path is at the kink; whether they are finite there.
    fn take_over(&mut self, values: &mut [Value], switching: &dyn Switching) -> bool {
        let Some(changes) = self.changes(values, switching) else { return false };
        let times: Vec<f64> = changes.iter().map(|change| change.time).collect();
        for value in &mut *values {
            value.note = switching.recast(&value.note);
            for (share, change) in shares(&times, value.time).iter().zip(&changes) {
                value.add(*share, change);
            }
        }
        // The kink divides the step: the longer part tells more of what lies beyond.
        let (after, before) = (values[0].time - self.time, self.time - values[1].time);
        let far = usize::from(before > after);
        let span = values[far].time - self.time;
        if span == 0.0 {
            return true;
        }
        let moved = if far == 0 {
            self.motion_of(&changes, after)
        } else {
            let mut moved = Value { time: self.time, ..changes[0].clone() };
            let shares = shares(&times, self.time);
            moved.add(-before * shares[0] - 1.0, &changes[0]);
            for (share, change) in shares.iter().zip(&changes).skip(1) {
                moved.add(-before * share, change);
            }
            (moved.f, moved.f_image)
        };
        let (mut x, mut image) = (values[far].x.clone(), values[far].x_image.clone());
        x.iter_mut().zip(&moved.0).for_each(|(x, d)| *x += d);
        image.iter_mut().zip(&moved.1).for_each(|(x, d)| *x += d);
        let Some(mut bent) = self.evaluate(values[far].time, x, image) else { return false };
        bent.add(-1.0, &values[far]);
        for value in &mut *values {
            value.add((value.time - self.time) / span, &bent);
        }
        true
    }

    /// c at some of the values, as a value of its own; `None` where it is not finite.
    fn changes(&mut self, values: &[Value], switching: &dyn Switching) -> Option<Vec<Value>> {
        let samples = SAMPLES.iter().take_while(|i| **i < values.len());
        samples
            .map(|i| {
                let Value { time, f, x, note, .. } = &values[*i];
                let taken = Taken { x, f: Cow::Borrowed(f), note: Cow::Borrowed(note) };
                let taken = switching.again(taken)?;
                let less = |a: Cow<'_, [f64]>, b: &[f64]| -> Vec<f64> {
                    a.iter().zip(b).map(|(a, b)| a - b).collect()
                };
                let change = less(taken.f, f);
                self.lifts += 1;
                Some(Value {
                    time: *time,
                    f_image: self.tangent.image(&change),
                    f: change,
                    // None: it is taken where the value was.
                    x: Vec::new(),
                    x_image: vec![0.0; self.image.len()],
                    note: less(taken.note, &switching.recast(note)),
                })
            })
            .collect()
    }

    /// How far the changes of f move the path in a time `length` from now, and the image of that.
    fn motion_of(&mut self, changes: &[Value], length: f64) -> (Vec<f64>, Vec<f64>) {
        let mut weights = Weights::default();
        weights.fill(length, self.tangent.rates(), changes.len());
        let still = vec![0.0; self.image.len()];
        let (mut view, mut motion) = (View::default(), Motion::default());
        view.look(changes.iter(), (self.time, length), &still, self.tangent.rates());
        view.motion(changes.iter(), changes.len(), &weights, &still, &mut motion);
        let mut d = vec![0.0; self.base.len()];
        self.tangent.lift(&motion.lifted, &mut d);
        add_sum(&mut d, &motion.combination, changes.iter());
        self.lifts += 1;
        (d, motion.image)
    }

    /// The image of a kink's normal, remembered for when that kink is looked at again.
    fn image_of_normal(&self, n: &Sparse) -> Vec<f64> {
        let mut known = self.normals.borrow_mut();
        if let Some((_, image)) = known.iter().find(|(known, _)| known == n) {
            return image.clone();
        }
        let image = self.tangent.image(&n.to_dense(self.base.len()));
        known.truncate(REMEMBERED - 1);
        known.push_front((n.clone(), image.clone()));
        image
    }

    /// ⟨n, x⟩ within a trial step, for many times: what does not depend on time is computed once.
    pub(super) fn along<'b>(
        &'b self,
        trial: &'b Trial,
        n: &'b Sparse,
    ) -> Box<dyn Fn(f64) -> f64 + 'b> {
        let image = self.image_of_normal(n);
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

impl TrialPath<'_, '_> {
    /// The values that the step was made from, each with its share in the polynomial through them at a time.
    fn shares(&self, time: f64) -> impl Iterator<Item = (f64, &Value)> {
        let count = (self.stepper.degree + 1).min(self.stepper.past.len() + 1);
        let values = || std::iter::once(&self.trial.value).chain(&self.stepper.past).take(count);
        let times: Vec<f64> = values().map(|value| value.time).collect();
        shares(&times, time).into_iter().zip(values())
    }
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

    /// x' = g − L (x − xₙ), with g the polynomial that the step was made with.
    fn speed(&self, n: &Sparse, time: f64) -> Option<f64> {
        let stepper = self.stepper;
        let image = stepper.image_of_normal(n);
        let mut away = stepper.image.clone();
        if time != stepper.time {
            let motion = stepper.motion_within(self.trial, time, &mut Weights::default());
            away.iter_mut().zip(&motion.image).for_each(|(x, m)| *x += m);
        }
        let (mut speed, mut drawn) = (0.0, -linalg::dot(&image, &away));
        for (share, value) in self.shares(time) {
            speed += share * n.dot(&value.f);
            drawn += share * linalg::dot(&image, &value.x_image);
        }
        Some(speed + drawn)
    }

    fn noted(&self, time: f64, entries: Range<usize>) -> Option<Vec<f64>> {
        let mut found = vec![0.0; entries.len()];
        for (share, value) in self.shares(time) {
            let noted = value.note.get(entries.clone())?;
            found.iter_mut().zip(noted).for_each(|(sum, x)| *sum += share * x);
        }
        Some(found)
    }
}

/// The share of each of the values at `times` in the polynomial through them at `time`.
fn shares(times: &[f64], time: f64) -> Vec<f64> {
    let others = |j: usize| times.iter().enumerate().filter(move |(i, _)| *i != j);
    (0..times.len())
        .map(|j| others(j).map(|(_, other)| (time - other) / (times[j] - other)).product())
        .collect()
}
