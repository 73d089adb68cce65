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
//! Two pieces that meet differ by one unit at one sample. At any point the velocity on one follows from that on the
//! other by sweeping that sample alone (`again`): a multistep method takes its past values over to the new piece at a
//! small part of their price, and goes on with its order. Where a path slides, the multipliers of the projection and
//! the s are remembered with each velocity (a *note*), so that θ is a smooth function of time, known wherever the
//! velocity is, and leaving is located without another evaluation. A method without such a memory is restarted on the
//! new piece.

mod again;
mod projection;
mod switch;
mod zeros;

pub(crate) use again::Taken;
pub(crate) use switch::Switch;

use super::system::Setting;
use crate::Result;
use crate::flow::{KinkLog, Slide};
use crate::model::{Kink, Kinked, Piece, Sparse};
use nalgebra::DMatrix;
use projection::Projection;
use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::ops::Range;

/// What an integrator asks at the end of a step, and is told when one is cut short.
pub(crate) trait Switching {
    /// What to remember of the velocity last taken, beside it: numbers that vary as smoothly as it along the path, and
    /// may be interpolated.
    fn note(&self) -> Vec<f64>;
    /// The first time in the step at which the path leaves its piece, if it does.
    fn locate(&self, step: &dyn DensePath) -> Result<Option<f64>>;
    /// Goes over to the piece that the path takes from the state `x` on, at the time last located within that step;
    /// what to add to x to put it back on the kinks it slides along, from which steps stray by their error.
    fn switch(&self, time: f64, x: &[f64], step: &dyn DensePath) -> Result<Option<Vec<f64>>>;
    /// A velocity taken on the piece before, as it is on the new one at the same point; `None` where it is not finite.
    fn again(&self, taken: Taken<'_>) -> Option<Taken<'static>>;
    /// Arranges a note made on the piece before like those of the new one, with zeros for what it does not hold.
    fn recast(&self, note: &[f64]) -> Vec<f64>;
    /// What finding and switching cost since this was last asked, in right-hand sides, rounded up: a sweep over some of
    /// the outputs counts as their part of all.
    fn spent(&self) -> usize;
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
    /// ⟨n, x'⟩ at a time, from methods that know it without another evaluation.
    fn speed(&self, n: &Sparse, time: f64) -> Option<f64>;
    /// These entries of the note at a time, from methods that keep notes.
    fn noted(&self, time: f64, entries: Range<usize>) -> Option<Vec<f64>>;
}

/// The piece that a path is on, and those it has been on.
pub(crate) struct Pieces<'a> {
    kinked: &'a dyn Kinked,
    state: RefCell<State<'a>>,
    last: RefCell<Last>,
}

/// What was found where the velocity was last taken.
#[derive(Default)]
struct Last {
    /// There.
    u: Vec<f64>,
    /// The arguments of all kinks.
    arguments: Vec<f64>,
    note: Vec<f64>,
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
    change: Change,
    /// Work done, in right-hand sides.
    spent: Cell<f64>,
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

/// What the last switch changed.
#[derive(Debug, Default)]
struct Change {
    /// The kink whose unit went on or off.
    turned: Option<usize>,
    /// Kinks that the path was sliding along before.
    before: Vec<usize>,
}

/// A velocity as it comes out of a sweep, with sliding units off.
struct Drive {
    loss: f64,
    /// α h.
    outputs: Vec<f64>,
    /// ∇R.
    covector: Vec<f64>,
}

impl<'a> Pieces<'a> {
    /// The piece at the start; `None` where the model has none.
    pub(crate) fn at(kinked: &'a dyn Kinked, start: &[f64]) -> Option<Self> {
        let state = RefCell::new(State::at(kinked, start)?);
        Some(Pieces { kinked, state, last: RefCell::default() })
    }

    /// Goes back to the piece at the start.
    pub(crate) fn restart(&self, start: &[f64]) {
        if let Some(state) = State::at(self.kinked, start) {
            self.state.replace(state);
            self.last.take();
        }
    }

    /// `velocity` ← −Dhᵀ∇R on the present piece, along the kinks that the path slides on; returns R.
    pub(crate) fn velocity(&self, setting: &Setting<'_>, u: &[f64], velocity: &mut [f64]) -> f64 {
        let state = self.state.borrow();
        let last = &mut *self.last.borrow_mut();
        let weights = setting.weights(u);
        last.u.clear();
        last.u.extend_from_slice(u);
        last.arguments.resize(state.on.len(), 0.0);
        let drive = state.drive(setting, &weights, velocity, Some(&mut last.arguments));
        last.note = state.project(&weights, velocity, &drive);
        drive.loss
    }

    /// The arguments of all kinks at u, to be read once.
    fn arguments(&self, setting: &Setting<'_>, u: &[f64]) -> RefMut<'_, Vec<f64>> {
        let mut last = self.last.borrow_mut();
        if last.u != u {
            let state = self.state.borrow();
            last.arguments.resize(state.on.len(), 0.0);
            state.spend(0.5);
            state.piece.arguments(&setting.weights(u), &mut last.arguments);
        }
        last.u.clear();
        RefMut::map(last, |last| &mut last.arguments)
    }

    /// Takes the normals of sliding kinks off the columns of a derivative of the velocity at u, p × p.
    pub(crate) fn project_columns(&self, setting: &Setting<'_>, u: &[f64], m: &mut DMatrix<f64>) {
        let state = self.state.borrow();
        if !state.sliding.is_empty() {
            let projection = state.projection_at(&setting.weights(u));
            for mut column in m.column_iter_mut() {
                projection.apply(column.as_mut_slice());
            }
        }
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
        let mut alive: BTreeMap<(usize, usize), bool> = BTreeMap::new();
        // Kinks of one unit mostly come one after the other.
        let mut run: Option<((usize, usize), bool)> = None;
        let mut close = |run: Option<((usize, usize), bool)>| {
            run.into_iter().for_each(|(unit, is)| *alive.entry(unit).or_default() |= is);
        };
        for (k, on) in on.iter().enumerate() {
            let Some(Kink { layer, neuron, .. }) = self.kinked.place(k) else { continue };
            let is = *on || !self.kinked.rests(k);
            match &mut run {
                Some((unit, alive)) if *unit == (layer, neuron) => *alive |= is,
                _ => close(run.replace(((layer, neuron), is))),
            }
        }
        close(run);
        alive.into_iter().filter(|(_, alive)| !alive).map(|(unit, _)| unit).collect()
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
                    change: Change::default(),
                    spent: Cell::default(),
                    log: KinkLog::default(),
                    repeated: (f64::NAN, 0),
                });
            }
            on = next;
        }
    }
}

impl State<'_> {
    /// The velocity with sliding units off; `arguments`, where wanted, ← those of all kinks.
    fn drive(
        &self,
        setting: &Setting<'_>,
        weights: &[f64],
        velocity: &mut [f64],
        arguments: Option<&mut [f64]>,
    ) -> Drive {
        let mut drive = Drive { loss: f64::NAN, outputs: Vec::new(), covector: Vec::new() };
        let mut seed = |h: &[f64], v: &mut [f64]| {
            drive.outputs = h.iter().map(|h| h / setting.eps).collect();
            drive.loss = setting.loss.value(&drive.outputs);
            setting.loss.gradient(&drive.outputs, v);
            drive.covector = v.to_vec();
            v.iter_mut().for_each(|v| *v = -*v);
        };
        match arguments {
            Some(z) => self.piece.gradient_seen(weights, &mut seed, velocity, z),
            None => self.piece.gradient(weights, &mut seed, velocity),
        }
        drive
    }

    /// Takes the normals of sliding kinks off a velocity and returns its note: for each sliding kink the multiple that
    /// was taken off and s, then α h.
    fn project(&self, weights: &[f64], velocity: &mut [f64], drive: &Drive) -> Vec<f64> {
        let mut note = Vec::with_capacity(2 * self.sliding.len() + drive.outputs.len());
        if !self.sliding.is_empty() {
            let multiples = if self.projection.is_fixed() {
                self.projection.apply(velocity)
            } else {
                self.projection_at(weights).apply(velocity)
            };
            for (multiple, (k, _)) in multiples.iter().zip(&self.sliding) {
                note.extend([*multiple, self.piece.signal(*k, weights, &drive.covector)]);
            }
        }
        note.extend_from_slice(&drive.outputs);
        note
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

    /// The multiple μ and s of every sliding kink at `time`: from the notes of the path, or from a sweep at its state.
    fn held(&self, setting: &Setting<'_>, step: &dyn DensePath, time: f64) -> Vec<f64> {
        let entries = 0..2 * self.sliding.len();
        step.noted(time, entries.clone()).unwrap_or_else(|| {
            let weights = setting.weights(&step.state(time));
            let mut velocity = vec![0.0; weights.len()];
            self.spend(1.0);
            let drive = self.drive(setting, &weights, &mut velocity, None);
            let mut note = self.project(&weights, &mut velocity, &drive);
            note.truncate(entries.end);
            note
        })
    }

    /// Work was done, in right-hand sides.
    fn spend(&self, work: f64) {
        self.spent.set(self.spent.get() + work);
    }

    /// How far kink `k` is from its zero, negative beyond.
    fn margin(&self, k: usize, z: f64) -> f64 {
        if self.on[k] { z } else { -z }
    }
}
