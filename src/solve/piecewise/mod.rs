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
mod switch;

pub(crate) use switch::Switch;

use super::system::Setting;
use crate::Result;
use crate::flow::{KinkLog, Slide};
use crate::model::{Kink, Kinked, Piece, Sparse};
use projection::Projection;
use std::cell::RefCell;

/// What an integrator asks at the end of a step, and is told when one is cut short.
pub(crate) trait Switching {
    /// The first time in the step at which the path leaves its piece, if it does.
    fn locate(&self, step: &dyn DensePath) -> Result<Option<f64>>;
    /// Goes over to the piece that the path takes from the state `x` on, at the time last located: the velocity on it,
    /// and by how much that differs from the velocity before. `None` where it is not finite.
    fn switch(&self, time: f64, x: &[f64]) -> Result<Option<Turn>>;
}

/// The path over a step.
pub(crate) trait DensePath {
    /// Times at its ends.
    fn ends(&self) -> (f64, f64);
    /// A state within the step's error of its end.
    fn near(&self) -> &[f64];
    /// The state at a time.
    fn state(&self, time: f64) -> Vec<f64>;
    /// ⟨n, x⟩ at a time.
    fn along<'b>(&'b self, n: &'b Sparse) -> Box<dyn Fn(f64) -> f64 + 'b>;
}

/// What changes when a path goes over to another piece.
pub(crate) struct Turn {
    pub(crate) velocity: Vec<f64>,
    pub(crate) jump: Vec<f64>,
    /// What puts the state back on the kinks it slides along, from which steps stray by their error.
    pub(crate) shift: Option<Vec<f64>>,
}

impl Turn {
    /// The same for a multiple of the state.
    fn scaled(mut self, scale: f64) -> Self {
        let parts = [Some(&mut self.velocity), Some(&mut self.jump), self.shift.as_mut()];
        for v in parts.into_iter().flatten() {
            v.iter_mut().for_each(|v| *v *= scale);
        }
        self
    }
}

/// The piece that a path is on, and those it has been on.
pub(crate) struct Pieces<'a> {
    kinked: &'a dyn Kinked,
    state: RefCell<State<'a>>,
    /// Room for arguments.
    spare: RefCell<Vec<f64>>,
}

struct State<'a> {
    piece: Box<dyn Piece + 'a>,
    on: Vec<bool>,
    /// The arguments where the step begins, about.
    arguments: Vec<f64>,
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
        let state = RefCell::new(State::at(kinked, start)?);
        Some(Pieces { kinked, state, spare: RefCell::default() })
    }

    /// Goes back to the piece at the start.
    pub(crate) fn restart(&self, start: &[f64]) {
        if let Some(state) = State::at(self.kinked, start) {
            self.state.replace(state);
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
        log.dead = self.dead(&state.on);
        let slides = state.sliding.iter().filter_map(|(k, since)| self.slide(*k, *since, end));
        // What holds a dead unit at its kink is no slide.
        let alive = slides.filter(|s| !log.dead.contains(&(s.kink.layer, s.kink.neuron)));
        let alive: Vec<Slide> = alive.collect();
        log.slides.extend(alive);
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

impl<'a> State<'a> {
    /// On the piece at the start.
    fn at(kinked: &'a dyn Kinked, start: &[f64]) -> Option<Self> {
        // The arguments of deeper layers depend on what is on before them.
        let (mut on, mut z) = (vec![false; kinked.kinks()], vec![0.0; kinked.kinks()]);
        loop {
            let piece = kinked.piece(&on)?;
            piece.arguments(start, &mut z);
            let next: Vec<bool> = z.iter().map(|z| *z > 0.0).collect();
            if next == on {
                return Some(State {
                    piece,
                    on,
                    arguments: z,
                    sliding: Vec::new(),
                    projection: Projection::default(),
                    pending: None,
                    log: KinkLog::default(),
                    repeated: (f64::NAN, 0),
                });
            }
            on = next;
        }
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

    /// What to add to u for the arguments of all sliding kinks to be zero.
    fn shift(&self, setting: &Setting<'_>, u: &[f64]) -> Option<Vec<f64>> {
        if self.sliding.is_empty() {
            return None;
        }
        let weights = setting.weights(u);
        let strayed: Vec<f64> = self
            .sliding
            .iter()
            .map(|(k, _)| -self.piece.argument(*k, &weights) / setting.eps)
            .collect();
        let mut shift = vec![0.0; u.len()];
        self.projection_at(&weights).reach(&strayed, &mut shift);
        Some(shift)
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
