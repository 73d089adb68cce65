//! Gathers a comparison step by step: values on the grid, suprema over continuous time, events.

use super::comparison::{Comparison, Peak};
use super::observer::{Descent, Events, Grid, Rest, locate, state_at};
use super::ode::{Decision, Step};
use super::supremum::Supremum;
use super::system::{GapSystem, Moment};
use crate::flow::{Path, Stop, Work};
use crate::{Error, Failure, Result, linalg};

/// The run so far.
pub(crate) struct Recorder<'a> {
    system: &'a GapSystem<'a>,
    events: &'a Events,
    rtol: f64,
    alpha: f64,
    solver: &'static str,
    grid: Grid<'a>,
    rows: Vec<(f64, Moment)>,
    descent: Descent,
    stop: Stop,
    /// The last moment seen, and the norms of u, e and s at it.
    last: (f64, [f64; 3]),
    /// sup ‖ū‖ over the steps.
    pub(crate) straight_size: f64,
    pub(crate) displacement: Supremum,
    pub(crate) weights_gap: Supremum,
    pub(crate) outputs_gap: Supremum,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(
        system: &'a GapSystem<'a>,
        times: &'a [f64],
        events: &'a Events,
        rtol: f64,
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
            descent: Descent::from(system.setting.loss.value(&system.setting.initial)),
            stop: Stop::Horizon,
            last: (0.0, [0.0; 3]),
            straight_size: 0.0,
            displacement: Supremum::default(),
            weights_gap: Supremum::default(),
            outputs_gap: Supremum::default(),
        };
        let origin = vec![0.0; system.blocks() * system.setting.params()];
        for &t in recorder.grid.take(0.0) {
            recorder.rows.push((t, system.moment(0.0, &origin)));
        }
        recorder
    }

    /// Takes in a step; the run stops at an event, or at rest where `rest` watches for it.
    pub(crate) fn observe(&mut self, step: &Step<'_>, rest: Option<&Rest<'_>>) -> Result<Decision> {
        let dim = self.system.blocks() * self.system.setting.params();
        let event = if self.events.is_empty() {
            None
        } else {
            locate(step.from, step.to, &mut |t| self.signed(t, &state_at(step, t, dim)?))?
        };
        let until = event.map_or(step.to, |(_, t)| t);
        let state = state_at(step, until, dim)?;
        let moment = self.system.moment(until, &state);
        self.check(until, &moment)?;
        self.straight_size = self.straight_size.max(linalg::norm(&moment.straight));
        self.measure(step, until, &moment)?;
        for &t in self.grid.take(until) {
            let row = if t == until {
                moment.clone()
            } else {
                self.system.moment(t, &state_at(step, t, dim)?)
            };
            self.rows.push((t, row));
        }
        let rested = match rest {
            Some(rest) => self.rested(rest, until, &state, &moment)?,
            None => false,
        };
        let stop = event.map(|(stop, _)| stop).or(rested.then_some(Stop::Converged));
        if let Some(stop) = stop {
            self.stop = stop;
            if self.rows.last().is_none_or(|(t, _)| *t < until) {
                self.rows.push((until, moment));
            }
            return Ok(Decision::StopAt(until));
        }
        Ok(Decision::Continue)
    }

    /// Finite, and not uphill.
    fn check(&mut self, t: f64, moment: &Moment) -> Result<()> {
        let y = self.system.curved_outputs(moment);
        let loss = self.system.setting.loss.value(&y);
        if loss.is_finite() {
            return self.descent.check(t, loss, self.rtol);
        }
        Err(Error::Integration {
            failure: Failure::DomainLeft,
            time: t,
            detail: "the loss is not finite; stop earlier (--time) or change the start".into(),
        })
    }

    /// Norms of u, e and s.
    fn norms(&self, moment: &Moment) -> [f64; 3] {
        let u = self.system.curved(moment);
        [linalg::norm(&u), linalg::norm(&moment.gap), linalg::norm(&moment.outputs_gap)]
    }

    /// Suprema over the step up to `until`. Its middle is looked at only where a norm is near its supremum so far.
    fn measure(&mut self, step: &Step<'_>, until: f64, moment: &Moment) -> Result<()> {
        let (from, before) = std::mem::replace(&mut self.last, (until, [0.0; 3]));
        let after = self.norms(moment);
        self.last.1 = after;
        let sups = [&self.displacement, &self.weights_gap, &self.outputs_gap];
        let near = sups
            .iter()
            .zip(before.iter().zip(&after))
            .any(|(sup, (b, a))| b.max(*a) >= 0.5 * sup.value);
        if !near {
            return Ok(());
        }
        let dim = self.system.blocks() * self.system.setting.params();
        let system = self.system;
        let at = |t: f64| -> Result<Moment> { Ok(system.moment(t, &state_at(step, t, dim)?)) };
        let middle = 0.5 * (from + until);
        let between = self.norms(&at(middle)?);
        let values = |i: usize| [(from, before[i]), (middle, between[i]), (until, after[i])];
        let (u, e, s) = (values(0), values(1), values(2));
        self.displacement.see_step(u, &mut |t| Ok(linalg::norm(&system.curved(&at(t)?))))?;
        self.weights_gap
            .see_step(e, &mut |t| Ok(linalg::norm(&system.gap_at(t, &state_at(step, t, dim)?))))?;
        self.outputs_gap.see_step(s, &mut |t| Ok(linalg::norm(&at(t)?.outputs_gap)))
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

    fn rested(&self, rest: &Rest<'_>, t: f64, state: &[f64], moment: &Moment) -> Result<bool> {
        let setting = &self.system.setting;
        let (straight, gap) = self.system.velocity(t, state);
        let curved: Vec<f64> =
            straight.iter().zip(&gap).map(|(u, e)| u + setting.eps * e).collect();
        let outputs = self.system.curved_outputs(moment);
        let unknowns = [
            (&straight[..], self.straight_size),
            (&curved, self.displacement.value),
            (&gap, self.weights_gap.value),
        ];
        rest.reached(setting, t, &outputs, &unknowns)
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
            self.rows.push((0.0, self.system.moment(0.0, &self.origin())));
        }
        self.stop = stop;
        self.finish(Work::default(), 0.0)
    }

    /// The comparison of a flow that does not move.
    pub(crate) fn still(mut self, stop: Stop) -> Comparison {
        let origin = self.origin();
        for &t in self.grid.take(f64::INFINITY) {
            self.rows.push((t, self.system.moment(0.0, &origin)));
        }
        self.stop = stop;
        self.finish(Work::default(), 0.0)
    }

    /// The finished comparison.
    pub(crate) fn finish(self, work: Work, largest_eigenvalue: f64) -> Comparison {
        let path = |displacements, outputs| Path {
            alpha: self.alpha,
            start: self.system.setting.start.to_vec(),
            times: self.rows.iter().map(|(t, _)| *t).collect(),
            displacements,
            outputs,
            stop: self.stop,
            work,
            solver: self.solver.into(),
            kinks: None,
        };
        let moments = || self.rows.iter().map(|(_, m)| m);
        let curved = path(
            moments().map(|m| self.system.curved(m)).collect(),
            moments().map(|m| self.system.curved_outputs(m)).collect(),
        );
        let straight = path(
            moments().map(|m| m.straight.clone()).collect(),
            moments().map(|m| m.straight_outputs.clone()).collect(),
        );
        let loss =
            |p: &Path| p.outputs.last().map_or(f64::NAN, |y| self.system.setting.loss.value(y));
        let peak = |s: Supremum| Peak { scaled: s.value, time: s.time };
        Comparison {
            loss: loss(&curved),
            linear_loss: loss(&straight),
            weights_gaps: moments().map(|m| m.gap.clone()).collect(),
            outputs_gaps: moments().map(|m| m.outputs_gap.clone()).collect(),
            displacement: peak(self.displacement),
            weights_gap: peak(self.weights_gap),
            outputs_gap: peak(self.outputs_gap),
            outputs_noise: 8.0 * f64::EPSILON * largest_eigenvalue.sqrt() * self.weights_gap.value,
            error_estimate: None,
            work,
            curved,
            straight,
        }
    }
}
