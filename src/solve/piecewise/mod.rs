//! Flows of models with kinks, piece by piece.
//!
//! Between two kinks the flow is that of a smooth piece, extended beyond the kink as if it were not there, so that a
//! step may overshoot and every method keeps its order. After a step the arguments z of all kinks are looked at: where
//! one has changed sign, the time is located on the dense output, the step ends there, and the path
//!
//! * *crosses*, if both sides drive z on in the direction it came with;
//! * *slides*, if z > 0 drives it back down and z < 0 back up. Then the slope of relu is the θ in (0, 1) with z' = 0
//!   (Filippov, *Differential Equations with Discontinuous Righthand Sides*, 1988, §4). For a gradient flow
//!   f(θ) = f₀ − Σ θₖ sₖ ∇zₖ, with sₖ what the loss gains for each unit of the relu k and f₀ the velocity with all
//!   sliding units off: so f(θ) is f₀ projected orthogonally to the normals ∇zₖ, and θ comes out of the projection.
//!   The path *leaves* when a θ reaches 0 or 1.
//!
//! Past values of the velocity are taken again on the new piece, at the states the path would have come from, so that
//! a multistep method goes on with its order.

mod projection;

use super::system::Setting;
use crate::flow::{Crossing, KinkLog, Slide};
use crate::model::{Kink, Kinked, Piece};
use crate::{Error, Failure, Result};
use projection::Projection;
use std::cell::RefCell;

/// Arguments this far on the wrong side, relative to the largest, are rounding.
const ROUNDING: f64 = 1e-14;

/// Events at one time, in a row, after which the path is stuck.
const STUCK: usize = 1000;

/// What an integrator asks at the end of a step, and is told when one is cut short.
pub(crate) trait Switching {
    /// The first time in [from, to] at which the path leaves its piece, if it does: `near` is a state near its end,
    /// `at` the state in between.
    fn locate(
        &self,
        from: f64,
        to: f64,
        near: &[f64],
        at: &dyn Fn(f64) -> Vec<f64>,
    ) -> Result<Option<f64>>;
    /// Goes over to the piece that the path takes from the state `x` on, at the time last located.
    fn switch(&self, time: f64, x: &[f64]) -> Result<()>;
}

/// The piece that a path is on, and those it has been on.
pub(crate) struct Pieces<'a> {
    kinked: &'a dyn Kinked,
    state: RefCell<State<'a>>,
}

struct State<'a> {
    piece: Box<dyn Piece + 'a>,
    on: Vec<bool>,
    /// Kinks that the path slides along, and since when.
    sliding: Vec<(usize, f64)>,
    projection: Projection,
    /// What was located last.
    pending: Option<Event>,
    log: KinkLog,
    /// Time of the last event, and events there.
    repeated: (f64, usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Event {
    /// An argument has changed sign.
    Zero(usize),
    /// A slope has reached 0 or 1.
    Leaves(usize, bool),
}

impl<'a> Pieces<'a> {
    /// The piece at the start; `None` where the model has none.
    pub(crate) fn at(kinked: &'a dyn Kinked, start: &[f64]) -> Option<Self> {
        let all_off = vec![false; kinked.kinks()];
        // The arguments of deeper layers depend on what is on before them.
        let (mut on, mut z) = (all_off, vec![0.0; kinked.kinks()]);
        loop {
            let piece = kinked.piece(&on)?;
            piece.arguments(start, &mut z);
            let next: Vec<bool> = z.iter().map(|z| *z > 0.0).collect();
            if next == on {
                let state = State {
                    piece,
                    on,
                    sliding: Vec::new(),
                    projection: Projection::default(),
                    pending: None,
                    log: KinkLog::default(),
                    repeated: (f64::NAN, 0),
                };
                return Some(Pieces { kinked, state: RefCell::new(state) });
            }
            on = next;
        }
    }

    /// `velocity` ← −Dhᵀ∇R on the present piece, along the kinks that the path slides on; returns R.
    pub(crate) fn velocity(&self, setting: &Setting<'_>, u: &[f64], velocity: &mut [f64]) -> f64 {
        let state = self.state.borrow();
        let weights = setting.weights(u);
        let loss = state.drive(setting, &weights, velocity).0;
        state.project(&weights, velocity);
        loss
    }

    /// What happened at kinks so far, with the units that are off at every sample.
    pub(crate) fn log(&self, end: f64) -> KinkLog {
        let state = self.state.borrow();
        let mut log = state.log.clone();
        for (k, since) in &state.sliding {
            log.slides.extend(self.slide(*k, *since, end));
        }
        log.dead = self.dead(&state.on);
        log
    }

    fn slide(&self, k: usize, from: f64, to: f64) -> Option<Slide> {
        Some(Slide { kink: self.kinked.place(k)?, from, to })
    }

    /// (Layer, neuron) of units that are off at every sample.
    fn dead(&self, on: &[bool]) -> Vec<(usize, usize)> {
        let places = (0..on.len()).filter_map(|k| self.kinked.place(k));
        let mut units: Vec<((usize, usize), bool)> = Vec::new();
        for (Kink { layer, neuron, .. }, on) in places.zip(on) {
            match units.last_mut() {
                Some((unit, alive)) if *unit == (layer, neuron) => *alive |= on,
                _ => units.push(((layer, neuron), *on)),
            }
        }
        units.into_iter().filter(|(_, alive)| !alive).map(|(unit, _)| unit).collect()
    }
}

impl State<'_> {
    /// The velocity with sliding units off, R, and ∇R.
    fn drive(
        &self,
        setting: &Setting<'_>,
        weights: &[f64],
        velocity: &mut [f64],
    ) -> (f64, Vec<f64>) {
        let (mut loss, mut covector) = (f64::NAN, Vec::new());
        let mut seed = |h: &[f64], v: &mut [f64]| {
            let y: Vec<f64> = h.iter().map(|h| h / setting.eps).collect();
            loss = setting.loss.value(&y);
            setting.loss.gradient(&y, v);
            covector = v.to_vec();
            v.iter_mut().for_each(|v| *v = -*v);
        };
        self.piece.gradient(weights, &mut seed, velocity);
        (loss, covector)
    }

    fn project(&self, weights: &[f64], velocity: &mut [f64]) {
        if self.sliding.is_empty() {
            return;
        }
        if self.projection.is_fixed() {
            self.projection.apply(velocity);
        } else {
            self.projection_at(weights).apply(velocity);
        }
    }

    fn projection_at(&self, weights: &[f64]) -> Projection {
        let kinks = || self.sliding.iter().map(|(k, _)| *k);
        let fixed = kinks().all(|k| self.piece.is_normal_fixed(k));
        Projection::along(kinks().map(|k| self.piece.normal(k, weights)).collect(), fixed)
    }

    /// The slope θ of every sliding kink.
    fn slopes(&self, setting: &Setting<'_>, u: &[f64]) -> Vec<f64> {
        let weights = setting.weights(u);
        let mut velocity = vec![0.0; u.len()];
        let (_, covector) = self.drive(setting, &weights, &mut velocity);
        let multipliers = self.projection_at(&weights).apply(&mut velocity);
        let signals = self.sliding.iter().map(|(k, _)| self.piece.signal(*k, &weights, &covector));
        multipliers.iter().zip(signals).map(|(mu, s)| mu / s).collect()
    }

    /// How far kink `k` is from its zero, negative beyond.
    fn margin(&self, k: usize, z: f64) -> f64 {
        if self.on[k] { z } else { -z }
    }
}

/// The switching of a flow with that setting.
pub(crate) struct Switch<'b, 'a> {
    pub(crate) pieces: &'b Pieces<'a>,
    pub(crate) setting: &'b Setting<'a>,
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
            return Some(from);
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

impl Switching for Switch<'_, '_> {
    fn locate(
        &self,
        from: f64,
        to: f64,
        near: &[f64],
        at: &dyn Fn(f64) -> Vec<f64>,
    ) -> Result<Option<f64>> {
        let mut found: Option<(f64, Event)> = None;
        {
            let state = self.pieces.state.borrow();
            let mut z = vec![0.0; state.on.len()];
            state.piece.arguments(&self.setting.weights(near), &mut z);
            let size = z.iter().fold(0.0_f64, |m, z| m.max(z.abs()));
            let slides = |k: usize| state.sliding.iter().any(|(sliding, _)| *sliding == k);
            let beyond =
                (0..z.len()).filter(|k| state.margin(*k, z[*k]) < -ROUNDING * size && !slides(*k));
            for k in beyond {
                let margin = |t: f64| {
                    let w = self.setting.weights(&at(t));
                    state.margin(k, state.piece.argument(k, &w))
                };
                let until = found.map_or(to, |(t, _)| t);
                if let Some(t) = Self::first_zero(from, until, &margin) {
                    found = Some((t, Event::Zero(k)));
                }
            }
            if !state.sliding.is_empty() {
                let slopes = state.slopes(self.setting, near);
                for (i, slope) in slopes.iter().enumerate() {
                    if (0.0..=1.0).contains(slope) {
                        continue;
                    }
                    let above = *slope > 1.0;
                    let margin = |t: f64| {
                        let slope = state.slopes(self.setting, &at(t))[i];
                        if above { 1.0 - slope } else { slope }
                    };
                    let until = found.map_or(to, |(t, _)| t);
                    if let Some(t) = Self::first_zero(from, until, &margin) {
                        found = Some((t, Event::Leaves(state.sliding[i].0, above)));
                    }
                }
            }
        }
        self.pieces.state.borrow_mut().pending = found.map(|(_, event)| event);
        Ok(found.map(|(t, _)| t))
    }

    fn switch(&self, time: f64, x: &[f64]) -> Result<()> {
        let mut state = self.pieces.state.borrow_mut();
        let Some(event) = state.pending.take() else { return Ok(()) };
        state.repeated = match state.repeated {
            (last, times) if last == time => (time, times + 1),
            _ => (time, 1),
        };
        if state.repeated.1 > STUCK {
            return Err(stuck(time));
        }
        let weights = self.setting.weights(x);
        match event {
            Event::Zero(k) => {
                let was_on = state.on[k];
                state.on[k] = false;
                state.piece = self.pieces.kinked.piece(&state.on).ok_or_else(|| stuck(time))?;
                let mut velocity = vec![0.0; x.len()];
                let (_, covector) = state.drive(self.setting, &weights, &mut velocity);
                let projection = state.projection_at(&weights);
                projection.apply(&mut velocity);
                let normal = state.piece.normal(k, &weights);
                let free = projection.free_length(&normal, x.len());
                let off = normal.dot(&velocity);
                let on = off - state.piece.signal(k, &weights, &covector) * free;
                if off > 0.0 && on < 0.0 {
                    state.sliding.push((k, time));
                } else if !was_on {
                    state.on[k] = true;
                    state.piece = self.pieces.kinked.piece(&state.on).ok_or_else(|| stuck(time))?;
                }
                if !(off > 0.0 && on < 0.0) {
                    let kink = self.pieces.kinked.place(k);
                    state.log.crossings.extend(kink.map(|kink| Crossing {
                        time,
                        kink,
                        on: !was_on,
                    }));
                }
            }
            Event::Leaves(k, on) => {
                let since = state.sliding.iter().position(|(sliding, _)| *sliding == k);
                if let Some(i) = since {
                    let (_, since) = state.sliding.remove(i);
                    let slide = self.pieces.slide(k, since, time);
                    state.log.slides.extend(slide);
                }
                if on {
                    state.on[k] = true;
                    state.piece = self.pieces.kinked.piece(&state.on).ok_or_else(|| stuck(time))?;
                }
            }
        }
        state.projection = state.projection_at(&weights);
        Ok(())
    }
}

fn stuck(time: f64) -> Error {
    let detail = format!("{STUCK} kinks in a row were met at one time; use --solver tsit45");
    Error::Integration { failure: Failure::StepTooSmall, time, detail }
}
