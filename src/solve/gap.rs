//! Both flows and the gap between them, in one integration.

use super::automatic::{Demand, Integrator, Method, Options};
use super::clock::{Clock, smoothness};
use super::comparison::Comparison;
use super::curved::{Failures, TRIALS};
use super::eigen::{ClosedForm, no_modes};
use super::exponential::Tangent;
use super::gap_system::GapSystem;
use super::observer::{Events, Rest};
use super::ode::Setup;
use super::piecewise::Switching;
use super::pilot;
use super::recorder::Recorder;
use super::system::{Setting, is_stationary, per_component};
use crate::flow::{Flow, Stop, Work, check_times};
use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::{Error, Result, linalg};

/// Integrates e = α²(w − w̄) as its own unknown, and with it both flows, at any α in [1e-3, ∞].
///
/// ```
/// use gradflow::prelude::*;
/// struct Parabola;
/// impl Model for Parabola {
///     fn shape(&self) -> Shape {
///         Shape { params: 1, outputs: 1 }
///     }
///     fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
///         y[0] = w[0] * w[0] - S::from(1.0);
///     }
/// }
/// let flow = Flow::new(Parabola.auto(), Square::to([1.5]), [1.0]);
/// let near = Gap::default().solve(&flow.at_scale(1e9), &[0.0, 10.0])?;
/// let limit = Gap::default().solve(&flow.at_scale(f64::INFINITY), &[0.0, 10.0])?;
/// // α² sup‖w − w̄‖ has a limit: the sharp constant of Theorem 2.2.
/// assert!((near.weights_gap.scaled / limit.weights_gap.scaled - 1.0).abs() < 1e-7);
/// # Ok::<(), gradflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Gap {
    /// The integrator.
    pub method: Method,
    /// Tolerance and budget.
    pub options: Options,
    /// Levels at which to stop.
    pub events: Events,
    /// Whether to solve once more at a hundredth of the tolerance, to estimate the error. (At a tenth the error is at
    /// times no smaller: under a Huber loss it is erratic.)
    pub estimate_error: bool,
    /// Weights, three vectors of length p a time, are kept at every such time, counted from the last; 0 and 1: at every
    /// time.
    pub keep_every: usize,
}

impl Gap {
    /// Solves both flows and their gap at `times`, which ascend from 0 or later; the last may be ∞.
    ///
    /// # Errors
    /// As [`Flow::solve`].
    pub fn solve<H: Differentiable, L: Loss>(
        &self,
        flow: &Flow<H, L>,
        times: &[f64],
    ) -> Result<Comparison> {
        // Before the linearization, which takes the start's length for granted.
        flow.initial_outputs()?;
        self.solve_beside(flow, &Linearized::at(&flow.map, &flow.start), times)
    }

    /// The same beside a linearization already at hand: it and its modes do not depend on α.
    ///
    /// # Errors
    /// As [`Flow::solve`]; [`Error::Conflict`] for a linearization elsewhere.
    pub(crate) fn solve_beside<H: Differentiable, L: Loss, G: Differentiable>(
        &self,
        flow: &Flow<H, L>,
        tangent: &Linearized<G>,
        times: &[f64],
    ) -> Result<Comparison> {
        self.options.check()?;
        self.events.check()?;
        check_times(times)?;
        if tangent.start() != flow.start {
            return Err(Error::Conflict {
                found: "the linearization was taken at other weights than the flow starts from"
                    .into(),
                remedy: "linearize at the flow's start".into(),
            });
        }
        let mut found = self.solve_once(flow, tangent, times)?;
        if self.estimate_error && self.options.rtol >= 10.0 * Options::SMALLEST_RTOL {
            let options = Options {
                rtol: (0.01 * self.options.rtol).max(Options::SMALLEST_RTOL),
                ..self.options
            };
            let finer = Gap { options, ..*self }.solve_once(flow, tangent, times)?;
            found.error_estimate = Some(distance(&found, &finer));
            found.work += finer.work;
        }
        Ok(found)
    }

    fn solve_once<H: Differentiable, L: Loss, G: Differentiable>(
        &self,
        flow: &Flow<H, L>,
        tangent: &Linearized<G>,
        times: &[f64],
    ) -> Result<Comparison> {
        let initial = flow.initial_outputs()?;
        let curvature = smoothness(&flow.loss, &initial);
        let end = times.last().copied().unwrap_or(0.0);
        let modes = tangent.modes_until(curvature * end).ok_or_else(no_modes)?;
        let closed =
            flow.loss.quadratic().map(|loss| ClosedForm::new(tangent, modes, loss, &initial));
        let setting = Setting {
            map: &flow.map,
            loss: &flow.loss,
            start: &flow.start,
            eps: flow.eps(),
            initial,
        };
        let system = GapSystem::new(setting, closed);
        let clock = Clock::new(modes, curvature, times);
        let demand =
            Demand { map: &flow.map, loss: &flow.loss, stiffness: clock.stiffness(), alone: false };
        self.method.check(&demand)?;
        let mut integrator = self.method.integrator(&demand);
        let recorder = |integrator: Integrator| {
            Recorder::new(
                &system,
                (times, self.keep_every),
                &self.events,
                self.options.rtol,
                modes.largest(),
                (flow.alpha, integrator.name()),
            )
        };
        if clock.end == 0.0 {
            return Ok(recorder(integrator).still(Stop::Horizon));
        }
        if let Some(stop) = recorder(integrator).fired_at_start()? {
            return Ok(recorder(integrator).stopped_at_start(stop));
        }
        if is_stationary(&system.setting, modes.largest()) {
            return Ok(recorder(integrator).still(Stop::Stationary));
        }
        let brief = integrator == Integrator::Exponential;
        let linear = (&flow.map as &dyn Differentiable, &flow.start[..]);
        let (sizes, rhs) =
            pilot::sizes(&system, linear, modes, clock.curvature, clock.grid_end, brief);
        if sizes.last().is_some_and(|gap| *gap > 0.0) {
            system.hold_still(self.options.rtol * integrator.safety());
        }
        if self.method == Method::Automatic && system.follow_kinks() {
            integrator = Integrator::Exponential;
        }
        let mut work = Work { rhs, ..Work::default() };
        let farthest = clock.farthest(flow.loss.value(&system.setting.initial));
        let mut scales = Scales::guess(&system, &sizes, clock.grid_end, farthest);
        let mut failures = Failures::default();
        // The scales before a loss that rose had the tolerance tightened.
        let mut loose = None;
        for trial in 1.. {
            let atol = scales.tolerances(&system, self.options.rtol * integrator.safety());
            let setup = Setup {
                rtol: 0.0,
                atol: &atol,
                size: scales.gap.max(scales.straight),
                end: clock.end,
                fastest: clock.fastest,
                budget: self.options.budget,
            };
            let rest =
                clock.end.is_infinite().then(|| Rest::new(modes, self.options.rtol, clock.fastest));
            let mut recorder = recorder(integrator);
            let linear = Some(Tangent::shared(&flow.map, &flow.start, modes, clock.curvature));
            let switch = system.switching();
            let reached = integrator.integrate(
                &system,
                &flow.map,
                (linear, switch.as_ref().map(|switch| switch as &dyn Switching)),
                &setup,
                &mut work,
                &mut |step| recorder.observe(step, rest.as_ref()),
            );
            let measured = Scales::measured(&recorder, system.setting.eps);
            // A gap far below the tolerance asked of the guess is no size to measure by.
            let silent = measured.gap <= 100.0 * self.options.rtol * scales.gap;
            let enough = scales.gap <= 3.0 * measured.gap || silent;
            scales = match reached {
                Ok(_) if enough || trial == TRIALS => {
                    return Ok(recorder.finish(work));
                }
                // The guess was too large, so the tolerance too loose: once more, with what was measured.
                Ok(_) => measured,
                // It may have been so loose that the run went astray.
                Err(e) => match integrator.instead(self.method, &demand, &e) {
                    Some(_) if recorder.rose() && loose.is_none() => {
                        loose = Some(scales);
                        Scales { gap: 1e-2 * scales.gap, ..scales }
                    }
                    Some(other) => {
                        system.ignore_kinks();
                        integrator = other;
                        loose.unwrap_or(scales)
                    }
                    None => {
                        failures.admit(e, trial)?;
                        Scales { gap: 1e-2 * scales.gap, ..scales }
                    }
                },
            };
        }
        unreachable!("the last trial returns")
    }
}

/// Sizes of the unknowns, to which their tolerances are relative.
#[derive(Debug, Clone, Copy)]
struct Scales {
    straight: f64,
    gap: f64,
}

impl Scales {
    /// From the pilot's block sizes; e is also held accurate enough for u = ū + εe, which goes no farther than
    /// `farthest`.
    fn guess(system: &GapSystem<'_>, sizes: &[f64], end: f64, farthest: f64) -> Self {
        let straight = match sizes {
            [straight, _] => *straight,
            _ => linalg::norm(&system.straight(end, &[])),
        };
        let gap =
            sizes.last().copied().unwrap_or(0.0).min((farthest + straight) / system.setting.eps);
        // Where the gap is exactly zero (a linear model) any scale will do.
        Scales { straight, gap: if gap > 0.0 { gap } else { straight } }
    }

    fn measured(recorder: &Recorder<'_, '_>, eps: f64) -> Self {
        let (gap, curved) = (recorder.weights_gap.value, recorder.displacement.value);
        Scales {
            straight: recorder.straight_size,
            gap: if eps > 0.0 { gap.min(curved / eps) } else { gap },
        }
    }

    fn tolerances(&self, system: &GapSystem<'_>, tolerance: f64) -> Vec<f64> {
        let p = system.setting.params();
        let straight = per_component(tolerance, self.straight.max(f64::MIN_POSITIVE), p);
        let gap = per_component(tolerance, self.gap.max(f64::MIN_POSITIVE), p);
        let mut atol = vec![straight; (system.blocks() - 1) * p];
        atol.resize(system.blocks() * p, gap);
        atol
    }
}

/// sup‖e − e'‖/sup‖e‖ over the times both runs have.
fn distance(a: &Comparison, b: &Comparison) -> f64 {
    let pairs = a.weights_gaps.iter().zip(&b.weights_gaps);
    let apart =
        pairs.map(|(a, b)| linalg::norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>()));
    let sup = apart.fold(0.0, f64::max);
    if sup == 0.0 { 0.0 } else { sup / a.weights_gap.scaled }
}
