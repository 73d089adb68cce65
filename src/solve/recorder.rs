//! Gathers a comparison step by step: values on the grid, suprema over continuous time, events.

use super::comparison::{Comparison, Peak};
use super::gap_system::{GapSystem, Glimpse, Moment};
use super::observer::{Descent, Events, Grid, Rest, locate, state_at};
use super::ode::{Decision, Step};
use super::supremum::{End, Supremum, may_hold_top};
use crate::flow::{Path, Stop, Work};
use crate::{Error, Failure, Result, linalg};

/// The run so far.
pub(crate) struct Recorder<'a, 's> {
    system: &'a GapSystem<'s>,
    events: &'a Events,
    rtol: f64,
    alpha: f64,
    solver: &'static str,
    grid: Grid<'a>,
    rows: Vec<Row>,
    /// Of so many rows asked for weights are kept at every `keep_every`-th, counted from the last.
    asked: usize,
    keep_every: usize,
    descent: Descent,
    stop: Stop,
    /// The ends of steps seen last, the newest first.
    last: [Node; 2],
    /// ‖s‖ over ‖e‖ below which s is rounding noise.
    noise: f64,
    /// sup ‖ū‖ over the steps, and about sup ‖u‖ and sup ‖e‖.
    pub(crate) straight_size: f64,
    curved_size: f64,
    gap_size: f64,
    pub(crate) displacement: Supremum,
    pub(crate) weights_gap: Supremum,
    pub(crate) outputs_gap: Supremum,
}

/// What is returned of one time.
struct Row {
    time: f64,
    /// Without weights where they are not kept.
    moment: Moment,
    /// ‖u‖, ‖e‖ and ‖s‖.
    norms: [f64; 3],
}

/// An end of a step.
#[derive(Debug, Clone, Copy)]
struct Node {
    time: f64,
    /// Norms of u, e and s, within the step's error.
    norms: [f64; 3],
    /// Slopes of the first two, where the velocity was taken there; else NaN.
    slopes: [f64; 2],
}

impl Node {
    fn of(time: f64, glimpse: &Glimpse) -> Self {
        Node { time, norms: glimpse.norms, slopes: glimpse.slopes }
    }

    fn end(&self, i: usize) -> End {
        End { time: self.time, value: self.norms[i], slope: self.slopes[i] }
    }
}

impl<'a, 's> Recorder<'a, 's> {
    pub(crate) fn new(
        system: &'a GapSystem<'s>,
        (times, keep_every): (&'a [f64], usize),
        events: &'a Events,
        rtol: f64,
        largest_eigenvalue: f64,
        (alpha, solver): (f64, &'static str),
    ) -> Self {
        let mut recorder = Recorder {
            system,
            events,
            rtol,
            alpha,
            solver,
            grid: Grid::new(times),
            rows: Vec::with_capacity(times.len()),
            asked: times.len(),
            keep_every,
            descent: Descent::from(system.setting.loss.value(&system.setting.initial)),
            stop: Stop::Horizon,
            last: [Node { time: 0.0, norms: [0.0; 3], slopes: [f64::NAN; 2] }; 2],
            noise: outputs_noise(largest_eigenvalue),
            straight_size: 0.0,
            curved_size: 0.0,
            gap_size: 0.0,
            displacement: Supremum::default(),
            weights_gap: Supremum::default(),
            outputs_gap: Supremum::default(),
        };
        let origin = vec![0.0; system.blocks() * system.setting.params()];
        for &t in recorder.grid.take(0.0) {
            recorder.see(t, system.moment(0.0, &origin), false);
        }
        recorder
    }

    /// Takes in a step; the run stops at an event, or at rest where `rest` watches for it.
    pub(crate) fn observe(&mut self, step: &Step<'_>, rest: Option<&Rest<'_>>) -> Result<Decision> {
        let dim = self.system.blocks() * self.system.setting.params();
        // Of a state near the end, where the velocity was just taken.
        let shown = step.near.filter(|_| !self.system.follows_kinks());
        let glimpse = shown.map(|_| self.system.last_glimpse());
        let event = if self.events.is_empty() {
            None
        } else {
            locate(step.from, step.to, &mut |t| self.signed(t, &state_at(step, t, dim)?))?
        };
        let until = event.map_or(step.to, |(_, t)| t);
        let glimpse = glimpse.filter(|_| until == step.to);
        let mut here = None;
        match glimpse {
            Some(glimpse) => {
                self.check(until, glimpse.loss)?;
                self.grow(glimpse.straight, glimpse.norms);
                self.measure_by_slopes(step, Node::of(until, &glimpse))?;
            }
            None => {
                let moment = self.moment(step, until)?;
                let y = self.system.curved_outputs(&moment);
                self.check(until, self.system.setting.loss.value(&y))?;
                let norms = self.norms(&moment);
                self.grow(linalg::norm(&moment.straight), norms);
                self.measure_by_middle(step, until, norms)?;
                here = Some(moment);
            }
        }
        for &t in self.grid.take(until) {
            let row = match &here {
                Some(moment) if t == until => moment.clone(),
                _ => self.moment(step, t)?,
            };
            self.see(t, row, false);
        }
        let rested = match rest {
            Some(rest) => self.rested(rest, step, until)?,
            None => false,
        };
        let stop = event.map(|(stop, _)| stop).or(rested.then_some(Stop::Converged));
        if let Some(stop) = stop {
            self.stop = stop;
            if self.rows.last().is_none_or(|row| row.time < until) {
                let row = self.moment(step, until)?;
                self.see(until, row, true);
            }
            return Ok(Decision::StopAt(until));
        }
        Ok(Decision::Continue)
    }

    /// The moment at time t of a step.
    fn moment(&self, step: &Step<'_>, t: f64) -> Result<Moment> {
        let dim = self.system.blocks() * self.system.setting.params();
        Ok(self.system.moment(t, &state_at(step, t, dim)?))
    }

    /// Finite, and not uphill.
    fn check(&mut self, t: f64, loss: f64) -> Result<()> {
        if loss.is_finite() {
            return self.descent.check(t, loss, self.rtol);
        }
        Err(Error::Integration {
            failure: Failure::DomainLeft,
            time: t,
            detail: "the loss is not finite; stop earlier (--time) or change the start".into(),
        })
    }

    fn grow(&mut self, straight: f64, [curved, gap, _]: [f64; 3]) {
        self.straight_size = self.straight_size.max(straight);
        self.curved_size = self.curved_size.max(curved);
        self.gap_size = self.gap_size.max(gap);
    }

    /// Takes a moment into the suprema and the rows; its weights are kept if it is one of those, or `anyhow`.
    fn see(&mut self, time: f64, mut moment: Moment, anyhow: bool) {
        let norms = self.norms(&moment);
        let [u, e, s] = norms;
        self.displacement.see(time, u);
        self.weights_gap.see(time, e);
        self.outputs_gap.see(time, s);
        let left = self.asked.saturating_sub(self.rows.len() + 1);
        if !anyhow && !left.is_multiple_of(self.keep_every.max(1)) {
            (moment.straight, moment.gap) = (Vec::new(), Vec::new());
        }
        self.rows.push(Row { time, moment, norms });
    }

    /// Norms of u, e and s.
    fn norms(&self, moment: &Moment) -> [f64; 3] {
        let u = self.system.curved(moment);
        [linalg::norm(&u), linalg::norm(&moment.gap), linalg::norm(&moment.outputs_gap)]
    }

    /// Suprema over a step whose end is `node`: tops inside are told by slopes of ‖u‖ and ‖e‖, and by past values of
    /// ‖s‖. What `node` holds are values near the end only, so the suprema leave it out; a supremum there is that of
    /// the run, whose end is looked at, or a top that the slopes show.
    fn measure_by_slopes(&mut self, step: &Step<'_>, node: Node) -> Result<()> {
        let [from, before] = self.last;
        self.last = [node, from];
        let (system, dim) = (self.system, self.system.blocks() * self.system.setting.params());
        let at = |t: f64| -> Result<Moment> { Ok(system.moment(t, &state_at(step, t, dim)?)) };
        self.displacement.see_between(from.end(0), node.end(0), &mut |t| {
            let x = state_at(step, t, dim)?;
            let straight = system.straight(t, &x);
            Ok(linalg::norm(&system.curved_from(&straight, &system.gap_at(t, &x))))
        })?;
        self.weights_gap.see_between(from.end(1), node.end(1), &mut |t| {
            Ok(linalg::norm(&system.gap_at(t, &state_at(step, t, dim)?)))
        })?;
        let points = [before, from, node].map(|node| (node.time, node.norms[2]));
        let highest = points[1].1.max(points[2].1);
        let noise = self.noise * self.gap_size;
        let above = highest >= 0.9 * self.outputs_gap.value && highest > noise;
        if above && (before.time == from.time || may_hold_top(points)) {
            let middle = 0.5 * (from.time + node.time);
            let values = [points[1], (middle, linalg::norm(&at(middle)?.outputs_gap)), points[2]];
            self.outputs_gap
                .see_inside(values, noise, &mut |t| Ok(linalg::norm(&at(t)?.outputs_gap)))?;
        }
        Ok(())
    }

    /// The same for a step up to `until`, where the norms are `after`, by a look at its middle wherever a norm is near
    /// its supremum so far.
    fn measure_by_middle(&mut self, step: &Step<'_>, until: f64, after: [f64; 3]) -> Result<()> {
        let [Node { time: from, norms: before, .. }, _] = self.last;
        let node = Node { time: until, norms: after, slopes: [f64::NAN; 2] };
        self.last = [node, self.last[0]];
        let sups = [&self.displacement, &self.weights_gap, &self.outputs_gap];
        let near = sups
            .iter()
            .zip(before.iter().zip(&after))
            .any(|(sup, (b, a))| b.max(*a) >= 0.5 * sup.value);
        if !near {
            return Ok(());
        }
        let (system, dim) = (self.system, self.system.blocks() * self.system.setting.params());
        let at = |t: f64| -> Result<Moment> { Ok(system.moment(t, &state_at(step, t, dim)?)) };
        let middle = 0.5 * (from + until);
        let between = self.norms(&at(middle)?);
        let values = |i: usize| [(from, before[i]), (middle, between[i]), (until, after[i])];
        let noise = self.noise * self.gap_size;
        let (u, e, s) = (values(0), values(1), values(2));
        self.displacement.see_step(u, 0.0, &mut |t| Ok(linalg::norm(&system.curved(&at(t)?))))?;
        self.weights_gap.see_step(e, 0.0, &mut |t| {
            Ok(linalg::norm(&system.gap_at(t, &state_at(step, t, dim)?)))
        })?;
        self.outputs_gap.see_step(s, noise, &mut |t| Ok(linalg::norm(&at(t)?.outputs_gap)))
    }

    /// The events at one time.
    fn signed(&self, t: f64, state: &[f64]) -> Result<[(Stop, f64); 3]> {
        let moment = self.system.moment(t, state);
        let eps = self.system.setting.eps;
        let loss = self.system.setting.loss.value(&self.system.curved_outputs(&moment));
        let distance = eps * linalg::norm(&self.system.curved(&moment));
        let gradient = || {
            let (straight, gap) = self.system.velocity(t, state);
            linalg::norm(&straight.iter().zip(&gap).map(|(u, e)| u + eps * e).collect::<Vec<_>>())
        };
        Ok(self.events.signed(loss, gradient, distance))
    }

    fn rested(&self, rest: &Rest<'_>, step: &Step<'_>, t: f64) -> Result<bool> {
        let setting = &self.system.setting;
        let state = state_at(step, t, self.system.blocks() * setting.params())?;
        let (straight, gap) = self.system.velocity(t, &state);
        let curved = self.system.curved_from(&straight, &gap);
        let outputs = self.system.curved_outputs(&self.system.moment(t, &state));
        let unknowns = [
            (&straight[..], self.straight_size),
            (&curved, self.curved_size),
            (&gap, self.gap_size),
        ];
        rest.reached(setting, t, &outputs, &unknowns)
    }

    /// Whether the run ended because the loss rose.
    pub(crate) fn rose(&self) -> bool {
        self.descent.rose()
    }

    /// The state at time zero.
    fn origin(&self) -> Vec<f64> {
        vec![0.0; self.system.blocks() * self.system.setting.params()]
    }

    /// The event, if any, that needs no motion.
    pub(crate) fn fired_at_start(&self) -> Result<Option<Stop>> {
        if self.events.is_empty() {
            return Ok(None);
        }
        let signed = self.signed(0.0, &self.origin())?;
        Ok(signed.iter().find(|(_, value)| *value <= 0.0).map(|(stop, _)| *stop))
    }

    /// The comparison of a run that an event ends at time zero.
    pub(crate) fn stopped_at_start(mut self, stop: Stop) -> Comparison {
        if self.rows.is_empty() {
            self.see(0.0, self.system.moment(0.0, &self.origin()), true);
        }
        self.stop = stop;
        self.finish(Work::default())
    }

    /// The comparison of a flow that does not move.
    pub(crate) fn still(mut self, stop: Stop) -> Comparison {
        let origin = self.origin();
        for &t in self.grid.take(f64::INFINITY) {
            self.see(t, self.system.moment(0.0, &origin), false);
        }
        self.stop = stop;
        self.finish(Work::default())
    }

    /// The finished comparison.
    pub(crate) fn finish(self, work: Work) -> Comparison {
        let path = || Path {
            alpha: self.alpha,
            start: self.system.setting.start.to_vec(),
            times: self.rows.iter().map(|row| row.time).collect(),
            displacements: Vec::with_capacity(self.rows.len()),
            outputs: Vec::with_capacity(self.rows.len()),
            stop: self.stop,
            work,
            solver: self.solver.into(),
            kinks: None,
        };
        let (mut curved, mut straight) = (path(), path());
        let norms = self.rows.iter().map(|row| row.norms).collect();
        let [mut weights_gaps, mut outputs_gaps] =
            [(); 2].map(|()| Vec::with_capacity(self.rows.len()));
        for Row { moment, .. } in self.rows {
            curved.displacements.push(self.system.curved(&moment));
            curved.outputs.push(self.system.curved_outputs(&moment));
            straight.displacements.push(moment.straight);
            straight.outputs.push(moment.straight_outputs);
            weights_gaps.push(moment.gap);
            outputs_gaps.push(moment.outputs_gap);
        }
        let loss =
            |p: &Path| p.outputs.last().map_or(f64::NAN, |y| self.system.setting.loss.value(y));
        let peak = |s: Supremum| Peak { scaled: s.value, time: s.time };
        let end = curved.times.last().copied().unwrap_or(0.0);
        let curved = Path { kinks: self.system.kinks(end), ..curved };
        Comparison {
            loss: loss(&curved),
            linear_loss: loss(&straight),
            weights_gaps,
            outputs_gaps,
            norms,
            displacement: peak(self.displacement),
            weights_gap: peak(self.weights_gap),
            outputs_gap: peak(self.outputs_gap),
            outputs_noise: self.noise * self.weights_gap.value,
            error_estimate: None,
            work,
            curved,
            straight,
        }
    }
}

/// Rounding noise in s = J₀e + ρ, relative to ‖e‖: a few ulps of J₀e.
fn outputs_noise(largest_eigenvalue: f64) -> f64 {
    8.0 * f64::EPSILON * largest_eigenvalue.sqrt()
}
