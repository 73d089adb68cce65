//! One step of the method: predict, evaluate, correct, estimate.

use super::contraction::Contraction;
use super::past::{Motion, Value, View};
use super::phi::Weights;
use super::tangent::Tangent;
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
    system: &'a dyn System,
    pub(super) switching: Option<&'a dyn Switching>,
    pub(super) tangent: Tangent<'a>,
    /// Where the tangent was taken.
    tangent_time: f64,
    /// Values of f, the newest first: `HIGHEST` + 1 at most.
    pub(super) past: VecDeque<Value>,
    /// x = base + `JᵀU` modal, and its image.
    pub(super) base: Vec<f64>,
    pub(super) modal: Vec<f64>,
    pub(super) image: Vec<f64>,
    pub(super) time: f64,
    /// The degree of the correcting polynomial.
    pub(super) degree: usize,
    weights: Weights,
    /// Normals of kinks with their images, the last asked for first.
    pub(super) normals: RefCell<VecDeque<(Sparse, Vec<f64>)>>,
    pub(super) contraction: Contraction,
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
    motion: Motion,
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
            past: VecDeque::new(),
            base: vec![0.0; p],
            modal: vec![0.0; modes],
            image: vec![0.0; modes],
            time: 0.0,
            degree: 1,
            weights: Weights::default(),
            normals: RefCell::default(),
            contraction: Contraction::unknown(),
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
        let mut f = vec![0.0; x.len()];
        self.evaluations += 1;
        self.system.rhs(time, &x, &mut f);
        if !f.iter().all(|f| f.is_finite()) {
            return None;
        }
        let f_image = self.tangent.image(&f);
        let note = self.switching.map_or_else(Vec::new, |switching| switching.note());
        Some(Value { time, f, f_image, x, x_image, note })
    }

    /// x + motion, as a vector.
    pub(super) fn moved(&self, view: &View<'_>, motion: &Motion) -> Vec<f64> {
        let total: Vec<f64> = self.modal.iter().zip(&motion.lifted).map(|(m, a)| m + a).collect();
        let mut x = vec![0.0; self.base.len()];
        self.tangent.lift(&total, &mut x);
        x.iter_mut().zip(&self.base).for_each(|(x, b)| *x += b);
        view.add_combination(&motion.combination, &mut x);
        x
    }

    /// Tries a step of that length; the error must come out below `tolerance` for it to be kept.
    pub(super) fn attempt(&mut self, length: f64, tolerance: f64) -> (Outcome, Option<Trial>) {
        let degree = self.degree.min(self.past.len());
        self.degree = degree;
        if self.contraction.wants_tangent(length) {
            self.take_tangent();
        }
        self.weights.fill(length, self.tangent.rates(), degree + 2);
        let weights = std::mem::take(&mut self.weights);
        let (nearby, x_image) = {
            let view = self.view(self.past.iter(), length);
            let motion = view.motion(degree, &weights);
            (self.moved(&view, &motion), self.moved_image(&motion))
        };
        self.lifts += 1;
        let result = match self.evaluate(self.time + length, nearby, x_image) {
            Some(value) => {
                let corrected = self.correct(&value, degree, (length, tolerance), &weights);
                self.settle(value, corrected, tolerance, &weights)
            }
            None => (Outcome::Escaped, None),
        };
        self.weights = weights;
        result
    }

    /// Tries a step to where `ahead` was taken, which is known already, near the state that the path comes to.
    pub(super) fn attempt_to(&mut self, ahead: Value, tolerance: f64) -> (Outcome, Option<Trial>) {
        let (degree, length) = (self.degree.min(self.past.len()), ahead.time - self.time);
        self.degree = degree;
        self.weights.fill(length, self.tangent.rates(), degree + 2);
        let weights = std::mem::take(&mut self.weights);
        let (motion, errors, _) = self.correct(&ahead, degree, (length, tolerance), &weights);
        let reached =
            self.moved(&self.view(std::iter::once(&ahead).chain(&self.past), length), &motion);
        self.lifts += 1;
        let apart: f64 = reached.iter().zip(&ahead.x).map(|(a, b)| (a - b).powi(2)).sum();
        let result = self.settle(ahead, (motion, errors, apart.sqrt()), tolerance, &weights);
        self.weights = weights;
        result
    }

    /// The image of x + motion.
    fn moved_image(&self, motion: &Motion) -> Vec<f64> {
        self.image.iter().zip(&motion.image).map(|(x, m)| x + m).collect()
    }

    /// Corrects again, from a first corrected step and how far that is from where its value was taken, until the error
    /// of that does no harm.
    fn settle(
        &mut self,
        mut value: Value,
        (mut motion, mut errors, mut change): (Motion, Errors, f64),
        tolerance: f64,
        weights: &Weights,
    ) -> (Outcome, Option<Trial>) {
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
                return (Outcome::Diverged, None);
            }
            let nearby = {
                let view = self.view(std::iter::once(&value).chain(&self.past), length);
                self.moved(&view, &motion)
            };
            let x_image = self.moved_image(&motion);
            self.lifts += 1;
            self.contraction.spend();
            let Some(again) = self.evaluate(end, nearby, x_image) else {
                return (Outcome::Escaped, None);
            };
            let (next, next_errors, _) = self.correct(&again, degree, (length, tolerance), weights);
            let next_change = self.apart((&value, &again), (&motion, &next), tolerance);
            let factor = if change > 0.0 { next_change / change } else { 0.0 };
            if round == 0 && (factor < HOPELESS || !quiet(next_change)) {
                self.contraction.measured(factor, length);
            }
            left = if factor < 1.0 { factor / (1.0 - factor) * next_change } else { f64::INFINITY };
            if quiet(next_change) {
                left = next_change;
            }
            if factor > HOPELESS && left > CORRECTED * tolerance {
                return (Outcome::Diverged, None);
            }
            (value, motion, errors, change) = (again, next, next_errors, next_change);
        }
        (Outcome::Done(errors), Some(Trial { value, motion }))
    }

    /// Corrects with a new value: the motion, its errors, and how far it is from the prediction.
    fn correct(
        &self,
        value: &Value,
        degree: usize,
        (length, tolerance): (f64, f64),
        weights: &Weights,
    ) -> (Motion, Errors, f64) {
        let view = self.view(std::iter::once(value).chain(&self.past), length);
        let motion = view.motion(degree + 1, weights);
        let [here, corrected] = view.differences(degree, [degree, 0], weights, tolerance);
        let lone = |degree: usize| view.differences(degree, [degree], weights, tolerance)[0];
        let errors = Errors {
            below: (degree > 1).then(|| lone(degree - 1)),
            here,
            above: (degree < HIGHEST && view.len() > degree + 1).then(|| lone(degree + 1)),
        };
        (motion, errors, corrected)
    }

    /// ‖difference of two corrected steps‖ that differ in their newest value.
    fn apart(
        &self,
        (old, new): (&Value, &Value),
        (before, after): (&Motion, &Motion),
        tolerance: f64,
    ) -> f64 {
        let difference =
            |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let f = difference(&new.f, &old.f);
        let f_image = difference(&new.f_image, &old.f_image);
        let image = difference(&after.image, &before.image);
        let still = after.combination[0];
        let unseen = self.tangent.unseen(&f, &f_image, QUIET * tolerance / still.abs());
        (still * still * unseen + self.tangent.seen(&image)).sqrt()
    }

    pub(super) fn view<'b>(
        &'b self,
        values: impl Iterator<Item = &'b Value>,
        length: f64,
    ) -> View<'b> {
        View::new(values, (self.time, length), &self.image, &self.tangent)
    }

    /// x at `time` within a trial step.
    pub(super) fn within(&self, trial: &Trial, time: f64) -> Vec<f64> {
        if time == self.time {
            return self.state();
        }
        let motion = self.motion_within(trial, time, &mut Weights::default());
        let values = std::iter::once(&trial.value).chain(&self.past);
        self.moved(&self.view(values, time - self.time), &motion)
    }

    /// Makes the trial step one's own.
    pub(super) fn advance(&mut self, trial: Trial) {
        let values = std::iter::once(&trial.value).chain(&self.past);
        for (beta, value) in trial.motion.combination.iter().zip(values) {
            self.base.iter_mut().zip(&value.f).for_each(|(x, f)| *x += beta * f);
        }
        self.modal.iter_mut().zip(&trial.motion.lifted).for_each(|(m, a)| *m += a);
        self.image.iter_mut().zip(&trial.motion.image).for_each(|(x, m)| *x += m);
        let weight: f64 = trial.motion.combination.iter().map(|b| b.abs()).sum();
        self.amplification = weight / (trial.value.time - self.time);
        self.time = trial.value.time;
        self.past.push_front(trial.value);
        self.past.truncate(HIGHEST + 1);
        self.contraction.step();
    }

    /// The motion from the trial step's beginning to a time within it.
    pub(super) fn motion_within(&self, trial: &Trial, time: f64, weights: &mut Weights) -> Motion {
        let length = time - self.time;
        weights.fill(length, self.tangent.rates(), self.degree + 1);
        let values = std::iter::once(&trial.value).chain(&self.past);
        self.view(values, length).motion(self.degree + 1, weights)
    }

    /// x.
    pub(super) fn state(&self) -> Vec<f64> {
        let mut x = vec![0.0; self.base.len()];
        self.tangent.lift(&self.modal, &mut x);
        x.iter_mut().zip(&self.base).for_each(|(x, b)| *x += b);
        x
    }

    /// Takes the tangent afresh at the present state; whether that was possible, and not done here already.
    pub(super) fn take_tangent(&mut self) -> bool {
        if self.tangent_time == self.time || !self.contraction.allows_tangent() {
            return false;
        }
        let x = self.state();
        let Some((weights, root)) = self.system.tangent(self.time, &x) else { return false };
        let Some(tangent) = self.tangent.moved_to(weights, root) else { return false };
        self.tangent = tangent;
        self.normals.borrow_mut().clear();
        self.tangent_time = self.time;
        self.tangents += 1;
        for value in &mut self.past {
            value.f_image = self.tangent.image(&value.f);
            let away: Vec<f64> = value.x.iter().zip(&x).map(|(v, x)| v - x).collect();
            value.x_image = self.tangent.image(&away);
        }
        self.base = x;
        self.modal = vec![0.0; self.tangent.rates().len()];
        self.image = self.modal.clone();
        self.contraction.tangent_taken();
        true
    }

    /// Whether going straight on for a thousandth of the time so far would leave the domain.
    pub(super) fn borders(&mut self) -> bool {
        let mut x = vec![0.0; self.base.len()];
        self.tangent.lift(&self.modal, &mut x);
        let ahead = 1e-3 * self.time;
        let velocity = self.past.front().map_or(&[][..], |value| &value.f);
        for ((x, b), v) in x.iter_mut().zip(&self.base).zip(velocity) {
            *x += b + ahead * v;
        }
        self.evaluations += 1;
        let mut beyond = vec![0.0; x.len()];
        self.system.rhs(self.time, &x, &mut beyond);
        !beyond.iter().all(|v| v.is_finite())
    }

    /// Values at hand.
    pub(super) fn remembered(&self) -> usize {
        self.past.len()
    }

    /// Forgets all but the newest value, after which the method starts again with low degree.
    pub(super) fn forget(&mut self) {
        self.past.truncate(1);
        self.degree = 1;
    }
}
