//! Where the path is: states of a step and between steps, and the tangent taken afresh at one.

use super::past::{Motion, Value, View, add_sum};
use super::phi::Weights;
use super::stepper::{Stepper, Trial};

impl Stepper<'_> {
    /// `x` ← x + motion, where that combines `values`.
    pub(super) fn write_moved<'v>(
        &self,
        values: impl Iterator<Item = &'v Value> + Clone,
        motion: &Motion,
        total: &mut Vec<f64>,
        x: &mut [f64],
    ) {
        total.clear();
        total.extend(self.modal.iter().zip(&motion.lifted).map(|(m, a)| m + a));
        self.tangent.lift(total, x);
        x.iter_mut().zip(&self.base).for_each(|(x, b)| *x += b);
        add_sum(x, &motion.combination, values);
    }

    /// x at `time` within a trial step.
    pub(super) fn within(&self, trial: &Trial, time: f64) -> Vec<f64> {
        if time == self.time {
            return self.state();
        }
        let motion = self.motion_within(trial, time, &mut Weights::default());
        let mut x = vec![0.0; self.base.len()];
        let values = std::iter::once(&trial.value).chain(&self.past);
        self.write_moved(values, &motion, &mut Vec::new(), &mut x);
        x
    }

    /// The motion from the trial step's beginning to a time within it.
    pub(super) fn motion_within(&self, trial: &Trial, time: f64, weights: &mut Weights) -> Motion {
        let length = time - self.time;
        weights.fill(length, self.tangent.rates(), self.degree + 1);
        let values = std::iter::once(&trial.value).chain(&self.past);
        let (mut view, mut motion) = (View::default(), Motion::default());
        let seen = values.clone().take(self.degree + 1);
        view.look(seen, (self.time, length), &self.image, self.tangent.rates());
        view.motion(values, self.degree + 1, weights, &self.image, &mut motion);
        motion
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
        let modes = self.tangent.rates().len();
        let away = &mut self.work.long;
        for value in &mut self.past {
            value.f_image.resize(modes, 0.0);
            value.x_image.resize(modes, 0.0);
            self.tangent.take_image(&value.f, &mut value.f_image);
            away.clear();
            away.extend(value.x.iter().zip(&x).map(|(v, x)| v - x));
            self.tangent.take_image(away, &mut value.x_image);
        }
        self.base = x;
        for vector in [&mut self.modal, &mut self.image] {
            vector.clear();
            vector.resize(modes, 0.0);
        }
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
}
