//! What watches a run step by step: events located in time, rest at an infinite horizon, rising losses.

use super::ode::Step;
use super::system::Setting;
use crate::flow::Stop;
use crate::model::Modes;
use crate::{Error, Failure, Result, linalg};

/// Levels at which a run stops, located in time on the dense output. They look at the curved flow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Events {
    /// Stop when R(α h(w)) falls to this.
    pub loss: Option<f64>,
    /// Stop when ‖Dh(w)ᵀ∇R(α h(w))‖ = α `‖∇F_α(w)‖` falls to this.
    pub gradient: Option<f64>,
    /// Stop when ‖w − w₀‖ grows to this.
    pub distance: Option<f64>,
}

impl Events {
    /// Levels must be numbers above zero.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn check(&self) -> Result<()> {
        for (name, level) in
            [("loss", self.loss), ("gradient", self.gradient), ("distance", self.distance)]
        {
            if let Some(level) = level.filter(|l| !(l.is_finite() && *l > 0.0)) {
                return Err(Error::value(
                    format!("stop at {name}"),
                    level,
                    "a finite number above 0",
                ));
            }
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        *self == Events::default()
    }

    /// The events as functions that turn from positive to negative: value minus level, or the reverse.
    pub(crate) fn signed(
        &self,
        loss: f64,
        gradient: impl FnOnce() -> f64,
        distance: f64,
    ) -> [(Stop, f64); 3] {
        [
            (Stop::Loss, self.loss.map_or(1.0, |level| loss - level)),
            (Stop::Gradient, self.gradient.map_or(1.0, |level| gradient() - level)),
            (Stop::Distance, self.distance.map_or(1.0, |level| level - distance)),
        ]
    }
}

/// The first time in [from, to] at which one of `signed` is no longer positive; it is so at `to`.
pub(crate) fn locate(
    from: f64,
    to: f64,
    signed: &mut dyn FnMut(f64) -> Result<[(Stop, f64); 3]>,
) -> Result<Option<(Stop, f64)>> {
    let fired =
        |values: &[(Stop, f64); 3]| values.iter().find(|(_, v)| *v <= 0.0).map(|(stop, _)| *stop);
    let Some(mut stop) = fired(&signed(to)?) else { return Ok(None) };
    let (mut before, mut after) = (from, to);
    // Bisection down to the resolution of the clock: 2⁻⁵² of the step.
    for _ in 0..52 {
        let middle = 0.5 * (before + after);
        match fired(&signed(middle)?) {
            Some(earlier) => (stop, after) = (earlier, middle),
            None => before = middle,
        }
    }
    Ok(Some((stop, after)))
}

/// Decides when a run with an infinite horizon has come to rest.
pub(crate) struct Rest<'a> {
    modes: &'a Modes,
    /// Distance to rest, relative to the unknown's size, that counts as rest.
    tolerance: f64,
    /// Time past which rest is given up on.
    latest: f64,
}

impl<'a> Rest<'a> {
    pub(crate) fn new(modes: &'a Modes, rtol: f64, fastest: f64) -> Self {
        Rest { modes, tolerance: 0.05 * rtol, latest: 1e18 * fastest }
    }

    /// Whether every unknown of the run, given by its velocity and its size so far, is within the tolerance of rest.
    ///
    /// # Errors
    /// [`Failure::NotConverged`] once no clock will show it.
    pub(crate) fn reached(
        &self,
        setting: &Setting<'_>,
        time: f64,
        outputs: &[f64],
        unknowns: &[(&[f64], f64)],
    ) -> Result<bool> {
        let mut at_rest = true;
        for (velocity, size) in unknowns {
            at_rest &= self.distance(setting, outputs, velocity) <= self.tolerance * size;
        }
        if !at_rest && time > self.latest {
            return Err(Error::Integration {
                failure: Failure::NotConverged,
                time,
                detail: "the flow still moves; it may have no limit (a separable logistic loss has none) — give a \
                         finite --time, or stop at a level with --stop-loss or --stop-gradient"
                    .into(),
            });
        }
        Ok(at_rest)
    }

    /// About how far an unknown with this velocity still has to go: Newton's step ‖(c J₀ᵀJ₀)⁺ v‖ on the range of J₀ᵀ,
    /// and v over the slowest rate off it, with c the loss's curvature along the motion.
    fn distance(&self, setting: &Setting<'_>, outputs: &[f64], velocity: &[f64]) -> f64 {
        if velocity.iter().all(|v| *v == 0.0) {
            return 0.0;
        }
        let Some(slowest) = self.modes.smallest_above(0.0) else { return f64::INFINITY };
        let mut motion = vec![0.0; outputs.len()];
        setting.map.jvp(setting.start, velocity, &mut motion);
        let mut bent = vec![0.0; outputs.len()];
        setting.loss.hessian(outputs, &motion, &mut bent);
        let square = linalg::dot(&motion, &motion);
        let curvature = if square > 0.0 {
            linalg::dot(&motion, &bent) / square
        } else {
            setting.loss.convexity().big_m
        };
        let keep = |l: f64, value: f64| if l > self.modes.cutoff { value } else { 0.0 };
        let mut off_range = velocity.to_vec();
        self.modes.add_filtered(setting.map, setting.start, &mut off_range, |l| keep(l, -1.0 / l));
        let mut step = velocity.to_vec();
        self.modes.add_filtered(setting.map, setting.start, &mut step, |l| {
            keep(l, 1.0 / (curvature * l * l))
        });
        step.iter_mut().zip(velocity).for_each(|(s, v)| *s -= v);
        linalg::norm(&step) + linalg::norm(&off_range) / (curvature * slowest)
    }
}

/// Refuses a loss that rises along a gradient flow: no gradient flow does that, so the solve went wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Descent {
    initial: f64,
    lowest: f64,
    rose: bool,
}

impl Descent {
    pub(crate) fn from(initial: f64) -> Self {
        Descent { initial, lowest: initial, rose: false }
    }

    pub(crate) fn check(&mut self, time: f64, loss: f64, rtol: f64) -> Result<()> {
        let slack = (1e3 * rtol).clamp(1e-6, 0.1) * self.initial.abs();
        if loss > self.lowest + slack {
            self.rose = true;
            return Err(Error::Integration {
                failure: Failure::NonlinearSolve,
                time,
                detail: format!(
                    "the loss rose from {:.6e} to {loss:.6e}; tighten --rtol or try another --solver",
                    self.lowest
                ),
            });
        }
        self.lowest = self.lowest.min(loss);
        Ok(())
    }

    /// Whether it did.
    pub(crate) fn rose(&self) -> bool {
        self.rose
    }
}

/// The times asked for that lie in a step, in order.
pub(crate) struct Grid<'a> {
    left: &'a [f64],
}

impl<'a> Grid<'a> {
    pub(crate) fn new(times: &'a [f64]) -> Self {
        Grid { left: times }
    }

    /// Takes the times up to and including `until`.
    pub(crate) fn take(&mut self, until: f64) -> &'a [f64] {
        let (now, later) = self.left.split_at(self.left.partition_point(|t| *t <= until));
        self.left = later;
        now
    }
}

/// x(t) within a step, in a new vector.
pub(crate) fn state_at(step: &Step<'_>, t: f64, dim: usize) -> Result<Vec<f64>> {
    let mut x = vec![0.0; dim];
    step.at(t, &mut x)?;
    if x.iter().all(|x| x.is_finite()) {
        return Ok(x);
    }
    Err(Error::Integration {
        failure: Failure::DomainLeft,
        time: t,
        detail: "the state is not finite; stop earlier (--time) or change the start".into(),
    })
}
