//! From piece to piece: zeros of arguments located, kinks met and left.

use super::super::system::Setting;
use super::zeros::first_zero;
use super::{Change, DensePath, Event, Pieces, State, Switching, Taken};
use crate::flow::Crossing;
use crate::model::Sparse;
use crate::{Error, Failure, Result};
use std::borrow::Cow;
use std::ops::Range;

/// Arguments this far on the wrong side, relative to the largest, are rounding.
const ROUNDING: f64 = 1e-14;

/// A zero that linear interpolation puts this part of the step after another is not before it.
const LATER: f64 = 0.25;

/// A slope may be this far beyond 0 or 1 before the path leaves: what it does wrong until then is of second order in
/// that, and a unit that has died at its kink, whose slope is 0 up to the error of interpolation, stays there.
const SLACK: f64 = 1e-6;

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
    fn speed(&self, n: &Sparse, time: f64) -> Option<f64> {
        self.path.speed(n, time).map(|speed| speed / self.scale)
    }
    fn noted(&self, time: f64, entries: Range<usize>) -> Option<Vec<f64>> {
        self.path.noted(time, entries)
    }
}

impl Switch<'_, '_> {
    /// Arguments beyond their zeros, with about the part of the step after which each was there, first to last.
    fn beyond(&self, state: &State<'_>, z: &[f64]) -> Vec<(f64, usize)> {
        if z.iter().zip(&state.on).all(|(z, on)| (*z > 0.0) == *on) {
            return Vec::new();
        }
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
            if let Some(t) = first_zero(from, until, &*margin) {
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
        let slope = |held: &[f64]| held[0] / held[1];
        let mut found = None;
        for (i, held) in state.held(self.setting, step, step.ends().1).chunks(2).enumerate() {
            if (-SLACK..=1.0 + SLACK).contains(&slope(held)) {
                continue;
            }
            let above = slope(held) > 1.0;
            let margin = |t: f64| {
                let slope = slope(&state.held(self.setting, step, t)[2 * i..]);
                SLACK + if above { 1.0 - slope } else { slope }
            };
            if let Some(t) = first_zero(step.ends().0, until, &margin) {
                found = Some((t, Event::Leaves(state.sliding[i].0, above)));
                until = t;
            }
        }
        found
    }

    /// ⟨n, x'⟩ at u on the piece that the path comes on, and s of kink `k`.
    fn approach(
        &self,
        state: &State<'_>,
        (k, normal): (usize, &Sparse),
        (time, step): (f64, &dyn DensePath),
        u: &[f64],
    ) -> (f64, f64) {
        let weights = self.setting.weights(u);
        let outputs = 2 * state.sliding.len()..2 * state.sliding.len() + self.setting.outputs();
        if let (Some(speed), Some(y)) = (step.speed(normal, time), step.noted(time, outputs)) {
            let mut covector = vec![0.0; y.len()];
            self.setting.loss.gradient(&y, &mut covector);
            return (speed, state.piece.signal(k, &weights, &covector));
        }
        let mut velocity = vec![0.0; u.len()];
        state.spend(1.0);
        let drive = state.drive(self.setting, &weights, &mut velocity, None);
        state.project(&weights, &mut velocity, &drive);
        (normal.dot(&velocity), state.piece.signal(k, &weights, &drive.covector))
    }

    /// Kink `k` is met.
    fn meet(
        &self,
        state: &mut State<'_>,
        k: usize,
        (time, step): (f64, &dyn DensePath),
        u: &[f64],
    ) {
        let weights = self.setting.weights(u);
        let was_on = state.on[k];
        let normal = state.piece.normal(k, &weights);
        let (speed, signal) = self.approach(state, (k, &normal), (time, step), u);
        let mut free = normal.to_dense(u.len());
        state.projection_at(&weights).apply(&mut free);
        // Velocities differ by multiples of the normal's free part: 0 with k off, `signal` with k on.
        let jump = signal * normal.dot(&free);
        let (off_speed, on_speed) =
            if was_on { (speed + jump, speed) } else { (speed, speed - jump) };
        // A speed of zero with k off is a unit that dies at its kink: it is held there.
        let on = if off_speed >= -SLACK * jump.abs() && on_speed < 0.0 {
            state.sliding.push((k, time));
            false
        } else {
            // Where both sides drive it away it goes on as it came.
            let on = off_speed > 0.0 || (on_speed > 0.0 && !was_on);
            if on != was_on {
                let kink = self.pieces.kinked.place(k);
                state.log.crossings.extend(kink.map(|kink| Crossing { time, kink, on }));
            }
            on
        };
        state.turn(k, on);
    }

    /// Kink `k` is left: at slope 0 or 1 the velocity goes on as it was.
    fn leave(&self, state: &mut State<'_>, (k, on): (usize, bool), time: f64) {
        if let Some(i) = state.sliding.iter().position(|(sliding, _)| *sliding == k) {
            let (_, since) = state.sliding.remove(i);
            state.log.slides.extend(self.pieces.slide(k, since, time));
        }
        state.turn(k, on);
    }
}

impl State<'_> {
    /// Kink `k` is on or off from here on.
    pub(super) fn turn(&mut self, k: usize, on: bool) {
        let was_on = std::mem::replace(&mut self.on[k], on);
        self.change.turned = (on != was_on).then_some(k);
        self.piece.turn(k, on);
    }
}

impl Switching for Switch<'_, '_> {
    fn note(&self) -> Vec<f64> {
        self.pieces.last.borrow().note.clone()
    }

    fn locate(&self, step: &dyn DensePath) -> Result<Option<f64>> {
        let near = step.near().iter().map(|x| x / self.scale).collect();
        let step = &Unscaled { path: step, near, scale: self.scale };
        let (from, to) = step.ends();
        let z = &mut *self.pieces.arguments(self.setting, step.near());
        let state = &mut *self.pieces.state.borrow_mut();
        let kink = self.first_kink(state, step, z);
        let until = kink.map_or(to, |(t, _)| t);
        let found = self.first_leave(state, step, until).or(kink);
        state.pending = found.map(|(_, event)| event);
        match found {
            // What is left where z was is of no use to anybody.
            None => std::mem::swap(&mut state.arguments, z),
            Some((t, _)) => {
                let part = (t - from) / (to - from);
                let pairs = state.arguments.iter_mut().zip(&*z);
                pairs.for_each(|(before, after)| *before += part * (after - *before));
            }
        }
        Ok(found.map(|(t, _)| t))
    }

    fn switch(&self, time: f64, x: &[f64], step: &dyn DensePath) -> Result<Option<Vec<f64>>> {
        let step = &Unscaled { path: step, near: Vec::new(), scale: self.scale };
        let state = &mut *self.pieces.state.borrow_mut();
        state.repeated = match state.repeated {
            (last, times) if last == time => (time, times + 1),
            _ => (time, 1),
        };
        if state.repeated.1 > STUCK {
            return Err(stuck(time));
        }
        let mut u: Vec<f64> = x.iter().map(|x| x / self.scale).collect();
        let mut shift = state.shift(self.setting, &u);
        if let Some(shift) = &mut shift {
            u.iter_mut().zip(&mut *shift).for_each(|(u, s)| *u += *s);
            shift.iter_mut().for_each(|s| *s *= self.scale);
        }
        let before = state.sliding.iter().map(|(k, _)| *k).collect();
        state.change = Change { turned: None, before };
        match state.pending.take() {
            Some(Event::Zero(k)) => self.meet(state, k, (time, step), &u),
            Some(Event::Leaves(k, on)) => self.leave(state, (k, on), time),
            None => {}
        }
        state.projection = state.projection_at(&self.setting.weights(&u));
        // What was seen there was seen on the piece before.
        self.pieces.last.borrow_mut().u.clear();
        Ok(shift)
    }

    fn again(&self, Taken { x, f, note }: Taken<'_>) -> Option<Taken<'static>> {
        let state = &mut *self.pieces.state.borrow_mut();
        let [u, velocity] = [x, &f].map(|v| v.iter().map(|v| v / self.scale).collect::<Vec<f64>>());
        let (mut f, note) = state.again(self.setting, &u, (&velocity, &note));
        f.iter_mut().for_each(|f| *f *= self.scale);
        let finite = f.iter().chain(&note).all(|v| v.is_finite());
        finite.then_some(Taken { x: &[], f: Cow::Owned(f), note: Cow::Owned(note) })
    }

    fn recast(&self, note: &[f64]) -> Vec<f64> {
        let state = self.pieces.state.borrow();
        let before = &state.change.before;
        let (held, outputs) = note.split_at(2 * before.len());
        let pair = |k: usize| match before.iter().position(|b| *b == k) {
            Some(i) => [held[2 * i], held[2 * i + 1]],
            None => [0.0; 2],
        };
        let held = state.sliding.iter().flat_map(|(k, _)| pair(*k));
        held.chain(outputs.iter().copied()).collect()
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of small positive parts"
    )]
    fn spent(&self) -> usize {
        self.pieces.state.borrow().spent.take().ceil() as usize
    }
}

fn stuck(time: f64) -> Error {
    let detail = format!("{STUCK} kinks in a row were met at one time");
    Error::Integration { failure: Failure::StepTooSmall, time, detail }
}
