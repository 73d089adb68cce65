//! From piece to piece: zeros of arguments located, kinks met and left.

use super::super::system::Setting;
use super::{DensePath, Event, Pieces, State, Switching, Turn};
use crate::flow::Crossing;
use crate::model::Sparse;
use crate::{Error, Failure, Result};

/// Arguments this far on the wrong side, relative to the largest, are rounding.
const ROUNDING: f64 = 1e-14;

/// A zero that linear interpolation puts this part of the step after another is not before it.
const LATER: f64 = 0.25;

/// Halvings of a step within which a path that left its kink is looked for.
const RETURNS: i32 = 20;

/// Events at one time, in a row, after which the path is stuck.
const STUCK: usize = 1000;

/// The switching of a flow with that setting.
pub(crate) struct Switch<'b, 'a> {
    pub(crate) pieces: &'b Pieces<'a>,
    pub(crate) setting: &'b Setting<'a>,
    /// What the integrator's state is a multiple of u by.
    pub(crate) scale: f64,
}

/// A path of states as one of u.
struct Unscaled<'b> {
    path: &'b dyn DensePath,
    near: Vec<f64>,
    scale: f64,
}

impl DensePath for Unscaled<'_> {
    fn ends(&self) -> (f64, f64) {
        self.path.ends()
    }
    fn near(&self) -> &[f64] {
        &self.near
    }
    fn state(&self, time: f64) -> Vec<f64> {
        self.path.state(time).iter().map(|x| x / self.scale).collect()
    }
    fn along<'b>(&'b self, n: &'b Sparse) -> Box<dyn Fn(f64) -> f64 + 'b> {
        let along = self.path.along(n);
        Box::new(move |time| along(time) / self.scale)
    }
}

impl Switch<'_, '_> {
    /// The first zero of `margin` in [from, to], where it is negative at the end.
    fn first_zero(from: f64, to: f64, margin: &dyn Fn(f64) -> f64) -> Option<f64> {
        let (mut a, mut b) = (from, to);
        let (mut fa, mut fb) = (margin(a), margin(b));
        if fb.is_nan() || fb >= 0.0 {
            return None;
        }
        if fa <= 0.0 {
            // It begins at its zero: unless it first goes the right way and comes back, it is there now.
            let inside = (1..=RETURNS).map(|halvings| from + 0.5_f64.powi(halvings) * (to - from));
            let Some((t, f)) = inside.map(|t| (t, margin(t))).find(|(_, f)| *f > 0.0) else {
                return Some(from);
            };
            (a, fa) = (t, f);
        }
        // Regula falsi, Illinois variant: the end that stays put counts half.
        for _ in 0..80 {
            if b - a <= 4.0 * f64::EPSILON * b || fa == 0.0 {
                break;
            }
            let chord = b - fb * (b - a) / (fb - fa);
            let c = if chord > a && chord < b { chord } else { 0.5 * (a + b) };
            let fc = margin(c);
            if fc.abs() <= 1e-15 * (fa.abs() + fb.abs()) {
                return Some(c);
            }
            if fc < 0.0 {
                (b, fb) = (c, fc);
                fa *= 0.5;
            } else {
                (a, fa) = (c, fc);
                fb *= 0.5;
            }
        }
        Some(b)
    }
}

impl Switch<'_, '_> {
    /// Arguments beyond their zeros, with about the part of the step after which each was there, first to last.
    fn beyond(&self, state: &State<'_>, z: &[f64]) -> Vec<(f64, usize)> {
        let size = z.iter().fold(0.0_f64, |m, z| m.max(z.abs()));
        let late = z.iter().enumerate().filter(|(k, z)| state.margin(*k, **z) < -ROUNDING * size);
        let slides = |k: usize| state.sliding.iter().any(|(sliding, _)| *sliding == k);
        let mut found: Vec<(f64, usize)> = late
            .filter(|(k, _)| !slides(*k))
            .map(|(k, z)| {
                let (before, after) = (state.margin(k, state.arguments[k]), state.margin(k, *z));
                ((before / (before - after)).max(0.0), k)
            })
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        found
    }

    /// The margin of kink `k` as a function of time.
    fn margin<'b>(
        &'b self,
        state: &'b State<'_>,
        k: usize,
        normal: &'b Sparse,
        step: &'b dyn DensePath,
    ) -> Box<dyn Fn(f64) -> f64 + 'b> {
        if !state.piece.is_normal_fixed(k) {
            return Box::new(move |t| {
                let weights = self.setting.weights(&step.state(t));
                state.margin(k, state.piece.argument(k, &weights))
            });
        }
        // Linear in the weights: one product per time.
        let origin = state.piece.argument(k, self.setting.start);
        let along = step.along(normal);
        Box::new(move |t| state.margin(k, origin + self.setting.eps * along(t)))
    }

    /// The first zero of an argument; `z` are those at the step's end.
    fn first_kink(
        &self,
        state: &State<'_>,
        step: &dyn DensePath,
        z: &[f64],
    ) -> Option<(f64, Event)> {
        let (from, to) = step.ends();
        let mut found: Option<(f64, Event)> = None;
        for (part, k) in self.beyond(state, z) {
            let until = found.map_or(to, |(t, _)| t);
            // One that seems to come much later can wait: it is looked at again from there.
            if found.is_some() && from + (part - LATER) * (to - from) > until {
                break;
            }
            let normal = state.piece.normal(k, self.setting.start);
            let margin = self.margin(state, k, &normal, step);
            if let Some(t) = Self::first_zero(from, until, &*margin) {
                found = Some((t, Event::Zero(k)));
            }
        }
        found
    }

    /// The first time before `until` at which a slope leaves [0, 1].
    fn first_leave(
        &self,
        state: &State<'_>,
        step: &dyn DensePath,
        mut until: f64,
    ) -> Option<(f64, Event)> {
        if state.sliding.is_empty() {
            return None;
        }
        let mut found = None;
        for (i, slope) in state.slopes(self.setting, step.near()).into_iter().enumerate() {
            if (0.0..=1.0).contains(&slope) {
                continue;
            }
            let above = slope > 1.0;
            let margin = |t: f64| {
                let slope = state.slopes(self.setting, &step.state(t))[i];
                if above { 1.0 - slope } else { slope }
            };
            if let Some(t) = Self::first_zero(step.ends().0, until, &margin) {
                found = Some((t, Event::Leaves(state.sliding[i].0, above)));
                until = t;
            }
        }
        found
    }

    /// Kink `k` is met.
    fn meet(&self, state: &mut State<'_>, k: usize, time: f64, x: &[f64]) -> Turn {
        let weights = self.setting.weights(x);
        let was_on = std::mem::replace(&mut state.on[k], false);
        state.piece.turn(k, false);
        let mut velocity = vec![0.0; x.len()];
        let (_, covector) = state.drive(self.setting, &weights, &mut velocity);
        let projection = state.projection_at(&weights);
        projection.apply(&mut velocity);
        let normal = state.piece.normal(k, &weights);
        let mut free = normal.to_dense(x.len());
        projection.apply(&mut free);
        // Velocities differ by multiples of the normal's free part: 0 with k off, `signal` with k on.
        let (speed, length) = (normal.dot(&velocity), normal.dot(&free));
        let signal = state.piece.signal(k, &weights, &covector);
        let on_speed = speed - signal * length;
        // A speed of zero with k off is a unit that dies at its kink: it is held there.
        let after = if speed >= 0.0 && on_speed < 0.0 {
            state.sliding.push((k, time));
            speed / length
        } else {
            // Where both sides drive it away it goes on as it came.
            let on = speed > 0.0 || (on_speed > 0.0 && !was_on);
            state.on[k] = on;
            state.piece.turn(k, on);
            if on != was_on {
                let kink = self.pieces.kinked.place(k);
                state.log.crossings.extend(kink.map(|kink| Crossing { time, kink, on }));
            }
            if on { signal } else { 0.0 }
        };
        let before = if was_on { signal } else { 0.0 };
        velocity.iter_mut().zip(&free).for_each(|(v, f)| *v -= after * f);
        free.iter_mut().for_each(|f| *f *= before - after);
        Turn { velocity, jump: free, shift: None }
    }

    /// Kink `k` is left: at slope 0 or 1 the velocity goes on as it was.
    fn leave(&self, state: &mut State<'_>, (k, on): (usize, bool), time: f64, x: &[f64]) -> Turn {
        if let Some(i) = state.sliding.iter().position(|(sliding, _)| *sliding == k) {
            let (_, since) = state.sliding.remove(i);
            state.log.slides.extend(self.pieces.slide(k, since, time));
        }
        state.on[k] = on;
        state.piece.turn(k, on);
        let weights = self.setting.weights(x);
        let mut velocity = vec![0.0; x.len()];
        state.drive(self.setting, &weights, &mut velocity);
        state.projection_at(&weights).apply(&mut velocity);
        Turn { jump: vec![0.0; x.len()], velocity, shift: None }
    }
}

impl Switching for Switch<'_, '_> {
    fn locate(&self, step: &dyn DensePath) -> Result<Option<f64>> {
        let near = step.near().iter().map(|x| x / self.scale).collect();
        let step = &Unscaled { path: step, near, scale: self.scale };
        let (from, to) = step.ends();
        let mut z = self.pieces.spare.take();
        let found = {
            let state = self.pieces.state.borrow();
            z.resize(state.on.len(), 0.0);
            state.piece.arguments(&self.setting.weights(step.near()), &mut z);
            let kink = self.first_kink(&state, step, &z);
            let until = kink.map_or(to, |(t, _)| t);
            self.first_leave(&state, step, until).or(kink)
        };
        let state = &mut *self.pieces.state.borrow_mut();
        state.pending = found.map(|(_, event)| event);
        let part = found.map_or(1.0, |(t, _)| (t - from) / (to - from));
        for (before, after) in state.arguments.iter_mut().zip(&z) {
            *before += part * (after - *before);
        }
        self.pieces.spare.replace(z);
        Ok(found.map(|(t, _)| t))
    }

    fn switch(&self, time: f64, x: &[f64]) -> Result<Option<Turn>> {
        let state = &mut *self.pieces.state.borrow_mut();
        state.repeated = match state.repeated {
            (last, times) if last == time => (time, times + 1),
            _ => (time, 1),
        };
        if state.repeated.1 > STUCK {
            return Err(stuck(time));
        }
        let mut u: Vec<f64> = x.iter().map(|x| x / self.scale).collect();
        let shift = state.shift(self.setting, &u);
        if let Some(shift) = &shift {
            u.iter_mut().zip(shift).for_each(|(u, s)| *u += s);
        }
        let x = &u[..];
        let turn = match state.pending.take() {
            Some(Event::Zero(k)) => self.meet(state, k, time, x),
            Some(Event::Leaves(k, on)) => self.leave(state, (k, on), time, x),
            None => return Ok(None),
        };
        let turn = Turn { shift, ..turn }.scaled(self.scale);
        state.projection = state.projection_at(&self.setting.weights(x));
        Ok(turn.velocity.iter().all(|v| v.is_finite()).then_some(turn))
    }
}

fn stuck(time: f64) -> Error {
    let detail = format!("{STUCK} kinks in a row were met at one time; use --solver tsit45");
    Error::Integration { failure: Failure::StepTooSmall, time, detail }
}
