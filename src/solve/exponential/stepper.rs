//! One step of the method: predict, evaluate, correct, estimate.

use super::contraction::Contraction;
use super::past::{Motion, Value, add_sum};
use super::tangent::Tangent;
use super::workspace::Workspace;
use crate::linalg;
use crate::model::Sparse;
use crate::solve::ode::System;
use crate::solve::piecewise::Switching;
use std::cell::RefCell;
use std::collections::VecDeque;

/// The highest degree of the polynomial that a step is corrected with.
pub(super) const HIGHEST: usize = 9;

/// A corrector whose error is this part of the tolerance has done its work.
const CORRECTED: f64 = 0.25;

/// A change of less than this part of the tolerance is let be: its factor may be that of rounding errors, and where it
/// grows from step to step it is seen before it counts.
const QUIET: f64 = 0.01;

/// Evaluations after the first that a step may take, and the factor of contraction at which no more are made.
const ROUNDS: usize = 4;
const HOPELESS: f64 = 0.8;

/// The state between steps.
pub(super) struct Stepper<'a> {
    pub(super) system: &'a dyn System,
    pub(super) switching: Option<&'a dyn Switching>,
    pub(super) tangent: Tangent<'a>,
    /// Where the tangent was taken.
    pub(super) tangent_time: f64,
    /// Values of f, the newest first: as many as the next step may look at.
    pub(super) past: VecDeque<Value>,
    /// x = base + `JᵀU` modal, and its image.
    pub(super) base: Vec<f64>,
    pub(super) modal: Vec<f64>,
    pub(super) image: Vec<f64>,
    pub(super) time: f64,
    /// The degree of the correcting polynomial.
    pub(super) degree: usize,
    /// Normals of kinks with their images, the last asked for first.
    pub(super) normals: RefCell<VecDeque<(Sparse, Vec<f64>)>>,
    pub(super) contraction: Contraction,
    pub(super) work: Workspace,
    pub(super) evaluations: usize,
    pub(super) lifts: usize,
    pub(super) tangents: usize,
    /// By how much the last step multiplied rounding errors of past values.
    pub(super) amplification: f64,
}

/// What became of a step.
pub(super) enum Outcome {
    /// Its error at the present degree, and at the degrees below and above where they can be told.
    Done(Errors),
    /// f is not finite at the predicted point.
    Escaped,
    /// Correcting does not converge.
    Diverged,
}

/// Errors of a step, as norms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errors {
    pub(super) below: Option<f64>,
    pub(super) here: f64,
    pub(super) above: Option<f64>,
}

/// A step carried out, and not yet made one's own.
pub(super) struct Trial {
    pub(super) value: Value,
    pub(super) motion: Motion,
}

impl Trial {
    /// The state that f was last taken at, within the step's error of its end.
    pub(super) fn near(&self) -> &[f64] {
        &self.value.x
    }
}

impl<'a> Stepper<'a> {
    /// At x = 0, t = 0; `None` where f is not finite there.
    pub(super) fn new(
        system: &'a dyn System,
        tangent: Tangent<'a>,
        switching: Option<&'a dyn Switching>,
    ) -> Option<Self> {
        let (p, modes) = (system.dim(), tangent.rates().len());
        let mut stepper = Stepper {
            system,
            switching,
            tangent,
            tangent_time: 0.0,
            past: VecDeque::with_capacity(HIGHEST + 2),
            base: vec![0.0; p],
            modal: vec![0.0; modes],
            image: vec![0.0; modes],
            time: 0.0,
            degree: 1,
            normals: RefCell::default(),
            contraction: Contraction::unknown(),
            work: Workspace::new(p, modes),
            evaluations: 0,
            lifts: 0,
            tangents: 0,
            amplification: 1.0,
        };
        let first = stepper.evaluate(0.0, vec![0.0; p], vec![0.0; modes])?;
        stepper.past.push_front(first);
        Some(stepper)
    }

    /// f at x; `None` where it is not finite.
    pub(super) fn evaluate(&mut self, time: f64, x: Vec<f64>, x_image: Vec<f64>) -> Option<Value> {
        let (f, f_image) = (vec![0.0; x.len()], vec![0.0; x_image.len()]);
        self.evaluated(Value { time, f, f_image, x, x_image, note: Vec::new() })
    }

    /// The value with f at its x filled in.
    fn evaluated(&mut self, mut value: Value) -> Option<Value> {
        self.evaluations += 1;
        self.system.rhs(value.time, &value.x, &mut value.f);
        if !value.f.iter().all(|f| f.is_finite()) {
            self.work.values.push(value);
            return None;
        }
        self.tangent.take_image(&value.f, &mut value.f_image);
        match self.switching {
            Some(switching) => value.note = switching.note(),
            None => value.note.clear(),
        }
        Some(value)
    }

    /// f where `motion` leads, the newest of the values that it combines being `newest`, if it is not of the past.
    fn evaluate_moved(
        &mut self,
        end: f64,
        newest: Option<&Value>,
        motion: &Motion,
    ) -> Option<Value> {
        let mut value = self.work.value(self.base.len(), self.modal.len());
        let mut total = std::mem::take(&mut self.work.short[0]);
        value.time = end;
        self.write_moved(newest.into_iter().chain(&self.past), motion, &mut total, &mut value.x);
        self.work.short[0] = total;
        let images = self.image.iter().zip(&motion.image);
        value.x_image.iter_mut().zip(images).for_each(|(to, (x, m))| *to = x + m);
        self.lifts += 1;
        self.evaluated(value)
    }

    /// Tries a step of that length; the error must come out below `tolerance` for it to be kept.
    pub(super) fn attempt(&mut self, length: f64, tolerance: f64) -> (Outcome, Option<Trial>) {
        let degree = self.degree.min(self.past.len());
        self.degree = degree;
        if self.contraction.wants_tangent(length) {
            self.take_tangent();
        }
        self.look_back(degree, length);
        let mut motion = self.work.motion();
        {
            let Workspace { before, weights, .. } = &mut self.work;
            before.motion(self.past.iter(), degree, weights, &self.image, &mut motion);
        }
        let result = match self.evaluate_moved(self.time + length, None, &motion) {
            Some(value) => {
                let (errors, change) = self.correct(&value, degree, tolerance, &mut motion);
                self.settle(value, motion, (errors, change), tolerance)
            }
            None => (Outcome::Escaped, None, motion),
        };
        self.tried(result)
    }

    /// Tries a step to where `ahead` was taken, which is known already, near the state that the path comes to.
    pub(super) fn attempt_to(&mut self, ahead: Value, tolerance: f64) -> (Outcome, Option<Trial>) {
        let (degree, length) = (self.degree.min(self.past.len()), ahead.time - self.time);
        self.degree = degree;
        self.look_back(degree, length);
        let mut motion = self.work.motion();
        let (errors, _) = self.correct(&ahead, degree, tolerance, &mut motion);
        let mut reached = vec![0.0; self.base.len()];
        let values = std::iter::once(&ahead).chain(&self.past);
        self.write_moved(values, &motion, &mut Vec::new(), &mut reached);
        self.lifts += 1;
        let apart: f64 = reached.iter().zip(&ahead.x).map(|(a, b)| (a - b).powi(2)).sum();
        let result = self.settle(ahead, motion, (errors, apart.sqrt()), tolerance);
        self.tried(result)
    }

    /// Looks at the past from the beginning of a step of that length.
    fn look_back(&mut self, degree: usize, length: f64) {
        let rates = self.tangent.rates();
        let Workspace { before, weights, .. } = &mut self.work;
        weights.fill(length, rates, degree + 2);
        let seen = self.past.iter().take(degree + 1);
        before.look(seen, (self.time, length), &self.image, rates);
    }

    /// The trial step, if it was one; else its value and its motion are let go.
    fn tried(
        &mut self,
        (outcome, value, motion): (Outcome, Option<Value>, Motion),
    ) -> (Outcome, Option<Trial>) {
        match (value, matches!(outcome, Outcome::Done(_))) {
            (Some(value), true) => (outcome, Some(Trial { value, motion })),
            (value, _) => {
                self.work.values.extend(value);
                self.work.motions.push(motion);
                (outcome, None)
            }
        }
    }

    /// Lets a trial step go.
    pub(super) fn reject(&mut self, trial: Trial) {
        self.work.values.push(trial.value);
        self.work.motions.push(trial.motion);
    }

    /// Corrects again, from a first corrected step and how far that is from where its value was taken, until the error
    /// of that does no harm; what became of the step, with the last value and motion.
    fn settle(
        &mut self,
        mut value: Value,
        mut motion: Motion,
        (mut errors, mut change): (Errors, f64),
        tolerance: f64,
    ) -> (Outcome, Option<Value>, Motion) {
        let (degree, end) = (self.degree, value.time);
        let length = end - self.time;
        // What is left of the corrector's error; as long as it was never measured, too much.
        let quiet = |change: f64| change <= QUIET * tolerance;
        let mut left =
            if quiet(change) { change } else { self.contraction.expected(length) * change };
        for round in 0.. {
            if left <= CORRECTED * tolerance {
                break;
            }
            if round == ROUNDS {
                return (Outcome::Diverged, Some(value), motion);
            }
            self.contraction.spend();
            let Some(again) = self.evaluate_moved(end, Some(&value), &motion) else {
                return (Outcome::Escaped, Some(value), motion);
            };
            let mut next = self.work.motion();
            let (next_errors, _) = self.correct(&again, degree, tolerance, &mut next);
            let next_change = self.apart((&value, &again), (&motion, &next), tolerance);
            self.work.values.push(std::mem::replace(&mut value, again));
            self.work.motions.push(std::mem::replace(&mut motion, next));
            let factor = if change > 0.0 { next_change / change } else { 0.0 };
            if round == 0 && (factor < HOPELESS || !quiet(next_change)) {
                self.contraction.measured(factor, length);
            }
            left = if factor < 1.0 { factor / (1.0 - factor) * next_change } else { f64::INFINITY };
            if quiet(next_change) {
                left = next_change;
            }
            if factor > HOPELESS && left > CORRECTED * tolerance {
                return (Outcome::Diverged, Some(value), motion);
            }
            (errors, change) = (next_errors, next_change);
        }
        (Outcome::Done(errors), Some(value), motion)
    }

    /// Corrects with a new value at the end of the step: the motion, its errors, and how far it is from the prediction.
    fn correct(
        &mut self,
        value: &Value,
        degree: usize,
        tolerance: f64,
        motion: &mut Motion,
    ) -> (Errors, f64) {
        let Workspace { before, after, weights, .. } = &mut self.work;
        let values = std::iter::once(value).chain(&self.past);
        after.look_before(before, value, 1.0, &self.image, self.tangent.rates());
        after.motion(values.clone(), degree + 1, weights, &self.image, motion);
        let degrees = [
            (degree > 1).then(|| degree - 1),
            Some(degree),
            (degree < HIGHEST && after.len() > degree + 1).then_some(degree + 1),
        ];
        let ([below, here, above], corrected) =
            after.differences(values, degrees, weights, &self.tangent, tolerance);
        (Errors { below, here: here.unwrap_or(f64::INFINITY), above }, corrected)
    }

    /// ‖difference of two corrected steps‖ that differ in their newest value.
    fn apart(
        &mut self,
        (old, new): (&Value, &Value),
        (before, after): (&Motion, &Motion),
        tolerance: f64,
    ) -> f64 {
        let difference = |into: &mut Vec<f64>, a: &[f64], b: &[f64]| {
            into.clear();
            into.extend(a.iter().zip(b).map(|(a, b)| a - b));
        };
        let Workspace { long: f, short: [f_image, image], .. } = &mut self.work;
        difference(f, &new.f, &old.f);
        difference(f_image, &new.f_image, &old.f_image);
        difference(image, &after.image, &before.image);
        let still = after.combination[0];
        let negligible = QUIET * tolerance / still.abs();
        let add = |v: &mut [f64]| v.iter_mut().zip(&*f).for_each(|(v, f)| *v += f);
        let unseen = self.tangent.unseen(linalg::dot(f, f), f_image, negligible, &add);
        (still * still * unseen + self.tangent.seen(image)).sqrt()
    }

    /// Makes the trial step one's own.
    pub(super) fn advance(&mut self, trial: Trial) {
        let values = std::iter::once(&trial.value).chain(&self.past);
        add_sum(&mut self.base, &trial.motion.combination, values);
        self.modal.iter_mut().zip(&trial.motion.lifted).for_each(|(m, a)| *m += a);
        self.image.iter_mut().zip(&trial.motion.image).for_each(|(x, m)| *x += m);
        let weight: f64 = trial.motion.combination.iter().map(|b| b.abs()).sum();
        self.amplification = weight / (trial.value.time - self.time);
        self.time = trial.value.time;
        self.past.push_front(trial.value);
        // A step looks at one more than its degree, which rises by one at most.
        let seen = (self.degree + 2).min(HIGHEST + 1);
        self.work.values.extend(self.past.drain(seen.min(self.past.len())..));
        self.work.motions.push(trial.motion);
        self.contraction.step();
    }

    /// Values at hand.
    pub(super) fn remembered(&self) -> usize {
        self.past.len()
    }

    /// Forgets all but the newest value, after which the method starts again with low degree.
    pub(super) fn forget(&mut self) {
        self.work.values.extend(self.past.drain(1..));
        self.degree = 1;
    }
}
