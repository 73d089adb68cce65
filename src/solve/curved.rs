//! One flow by itself, integrated in u = α (w − w₀).

use super::automatic::{Demand, Integrator, Method, Options};
use super::clock::{Clock, smoothness};
use super::eigen::{ClosedForm, no_modes};
use super::exponential::Tangent;
use super::observer::{Descent, Grid, Rest, state_at};
use super::ode::{Decision, Setup, Step};
use super::piecewise::Switching;
use super::pilot;
use super::system::{CurvedSystem, Setting, is_stationary, per_component};
use crate::flow::{Flow, Path, Solver, Stop, Work, check_times};
use crate::linalg;
use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::{Error, Failure, Result};
use std::borrow::Cow;

/// A method by its name, or the one chosen by the rule in the module's documentation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct By(
    /// The method.
    pub Method,
    /// Tolerance and budget.
    pub Options,
);

/// The method chosen by the rule in the module's documentation.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Automatic(
    /// Tolerance and budget.
    pub Options,
);

/// Backward differentiation formulas of orders 1 to 5 (diffsol), for stiff flows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bdf(
    /// Tolerance and budget.
    pub Options,
);

/// TR-BDF2 (diffsol), order 2.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrBdf2(
    /// Tolerance and budget.
    pub Options,
);

/// ESDIRK34 (diffsol), order 3.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Esdirk34(
    /// Tolerance and budget.
    pub Options,
);

/// Exponential multistep steps of degrees 1 to 9, exact in the linear part (ours), for nearly linear and stiff flows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exponential(
    /// Tolerance and budget.
    pub Options,
);

/// Tsitouras 5(4) (diffsol), explicit, for mild flows and models with kinks that cannot be followed otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tsit45(
    /// Tolerance and budget.
    pub Options,
);

impl<H: Differentiable, L: Loss> Solver<H, L> for By {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, self.0, &self.1, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Automatic {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::Automatic, &self.0, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Bdf {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::Bdf, &self.0, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for TrBdf2 {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::TrBdf2, &self.0, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Esdirk34 {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::Esdirk34, &self.0, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Tsit45 {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::Tsit45, &self.0, times)
    }
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Exponential {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        solve(flow, Method::Exponential, &self.0, times)
    }
}

fn solve<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    method: Method,
    options: &Options,
    times: &[f64],
) -> Result<Path> {
    options.check()?;
    check_times(times)?;
    let initial = flow.initial_outputs()?;
    let tangent = Linearized::at(&flow.map, &flow.start);
    let curvature = smoothness(&flow.loss, &initial);
    let end = times.last().copied().unwrap_or(0.0);
    let modes = tangent.modes_until(curvature * end).ok_or_else(no_modes)?;
    // A few ulps of α h, h taken to be of size one, must stay below what correctors look at, some hundredths of rtol
    // times the residual, which is about how far the flow goes: else noise passes for a failure to converge. Pieces of
    // kinked models know α h as it stands only.
    let residual = (2.0 * flow.loss.value(&initial) / curvature).sqrt();
    let plainly = if flow.map.is_smooth() {
        flow.alpha * 2e-13 <= options.rtol * residual.min(1.0)
    } else {
        flow.alpha * 1e-14 <= options.rtol
    };
    let setting =
        Setting { map: &flow.map, loss: &flow.loss, start: &flow.start, eps: flow.eps(), initial };
    let mut system = CurvedSystem::new(setting, plainly);
    let clock = Clock::new(modes, curvature, times);
    let demand =
        Demand { map: &flow.map, loss: &flow.loss, stiffness: clock.stiffness(), alone: true };
    method.check(&demand)?;
    let mut integrator = method.integrator(&demand);
    let followed = !flow.map.is_smooth() && plainly && system.follow_kinks();
    if !(flow.map.is_smooth() || followed) {
        integrator = match integrator {
            Integrator::Exponential => Method::Tsit45.integrator(&demand),
            other => other,
        };
    }
    let mut recorder = Recorder::new(&system, flow, times, integrator);
    recorder.record(0.0, &vec![0.0; system.setting.params()], times.first() == Some(&0.0));
    if is_stationary(&system.setting, modes.largest()) || clock.end == 0.0 {
        return Ok(recorder.at_start(clock.end));
    }
    let (size, rhs) = match flow.loss.quadratic() {
        // That of the linearized flow, which only moves away.
        Some(loss) => {
            let closed = ClosedForm::new(&tangent, modes, loss, &system.setting.initial);
            (closed.distance(clock.end), 0)
        }
        None => {
            let linear = (&flow.map as &dyn Differentiable, &flow.start[..]);
            let (sizes, rhs) =
                pilot::sizes(&system, linear, modes, clock.curvature, clock.grid_end, false);
            (sizes[0], rhs)
        }
    };
    let mut scale = size.min(clock.farthest(flow.loss.value(&system.setting.initial)));
    let (mut trials, mut failures) = (0, Failures::default());
    let mut work = Work { rhs, ..Work::default() };
    // The scale before a loss that rose had the tolerance tightened.
    let mut loose = None;
    loop {
        let tolerance =
            per_component(options.rtol * integrator.safety(), scale, system.setting.params());
        let setup = Setup {
            rtol: 0.0,
            atol: &[tolerance],
            size: scale,
            end: clock.end,
            fastest: clock.fastest,
            budget: options.budget,
        };
        let rest = clock.end.is_infinite().then(|| Rest::new(modes, options.rtol, clock.fastest));
        let linear = flow
            .loss
            .quadratic()
            .map(|_| Tangent::shared(&flow.map, &flow.start, modes, clock.curvature));
        let switch = system.switching();
        let switching = switch.as_ref().map(|switch| switch as &dyn Switching);
        let reached = integrator.integrate(
            &system,
            &flow.map,
            (linear, switching),
            &setup,
            &mut work,
            &mut |step| recorder.observe(step, options, rest.as_ref()),
        );
        trials += 1;
        scale = match reached {
            Ok(_) if scale <= 3.0 * recorder.size || trials == TRIALS => {
                return Ok(recorder.finish(work));
            }
            // The pilot overestimated the motion: the tolerance was too loose. Once more, with the size measured.
            Ok(_) => recorder.size,
            // It may have been so loose that the run went astray.
            Err(e) => match integrator.instead(method, &demand, &e) {
                Some(_) if recorder.descent.rose() && loose.is_none() => {
                    loose = Some(scale);
                    1e-2 * scale
                }
                Some(other) => {
                    integrator = other;
                    scale
                }
                // Too many kinks at once: steps of any length across them.
                None if system.follows_kinks() && too_short(&e) => {
                    drop(recorder);
                    system.ignore_kinks();
                    loose.unwrap_or(scale)
                }
                None => {
                    failures.admit(e, trials)?;
                    1e-2 * scale
                }
            },
        };
        recorder = Recorder::new(&system, flow, times, integrator);
        recorder.record(0.0, &vec![0.0; system.setting.params()], times.first() == Some(&0.0));
    }
}

fn too_short(e: &Error) -> bool {
    matches!(e, Error::Integration { failure: Failure::StepTooSmall, .. })
}

/// Runs at most, each with a better idea of the size of the unknowns.
pub(crate) const TRIALS: usize = 5;

/// The first failure of a series of trials, which is the one to report.
#[derive(Default)]
pub(crate) struct Failures {
    first: Option<Error>,
}

impl Failures {
    /// Lets another trial be made after `e`, unless no tighter tolerance would mend it or three have been made.
    pub(crate) fn admit(&mut self, e: Error, trial: usize) -> Result<()> {
        use Failure::{DomainLeft, NonlinearSolve, StepTooSmall};
        let mendable = matches!(
            e,
            Error::Integration { failure: NonlinearSolve | StepTooSmall | DomainLeft, .. }
        );
        let first = self.first.take().unwrap_or(e);
        if !mendable || trial >= 3 {
            return Err(first);
        }
        self.first = Some(first);
        Ok(())
    }
}

/// Gathers a path step by step.
struct Recorder<'s, 'a> {
    system: &'s CurvedSystem<'a>,
    path: Path,
    grid: Grid<'s>,
    descent: Descent,
    /// sup ‖u‖ over the steps so far.
    size: f64,
    /// The last time asked for.
    end: f64,
}

impl<'s, 'a> Recorder<'s, 'a> {
    fn new<H: Differentiable, L: Loss>(
        system: &'s CurvedSystem<'a>,
        flow: &Flow<H, L>,
        times: &'s [f64],
        integrator: Integrator,
    ) -> Self {
        let path = Path {
            alpha: flow.alpha,
            start: flow.start.clone(),
            times: Vec::new(),
            displacements: Vec::new(),
            outputs: Vec::new(),
            stop: Stop::Horizon,
            work: Work::default(),
            solver: integrator.name().into(),
            kinks: None,
        };
        let descent = Descent::from(flow.loss.value(&system.setting.initial));
        let grid = Grid::new(if times.first() == Some(&0.0) { &times[1..] } else { times });
        let end = times.last().copied().unwrap_or(0.0);
        Recorder { system, path, grid, descent, size: 0.0, end }
    }

    fn record(&mut self, t: f64, u: &[f64], wanted: bool) {
        if wanted {
            self.path.times.push(t);
            self.path.outputs.push(self.system.outputs(u));
            self.path.displacements.push(u.to_vec());
        }
    }

    /// Looks at the end of a step: how far it is, and that the loss has not risen.
    fn check(&mut self, step: &Step<'_>, rtol: f64) -> Result<()> {
        let near = match step.near {
            Some(near) => Cow::Borrowed(near),
            None => Cow::Owned(state_at(step, step.to, self.system.setting.params())?),
        };
        self.size = self.size.max(linalg::norm(&near));
        // A state near the end is one that the velocity was just taken at.
        let loss = match step.near {
            Some(_) => self.system.last_loss(),
            None => self.system.setting.loss.value(&self.system.outputs(&near)),
        };
        if !loss.is_finite() {
            return Err(Error::Integration {
                failure: Failure::DomainLeft,
                time: step.to,
                detail: "the loss is not finite; stop earlier (--time) or change the start".into(),
            });
        }
        self.descent.check(step.to, loss, rtol)
    }

    fn observe(
        &mut self,
        step: &Step<'_>,
        options: &Options,
        rest: Option<&Rest<'_>>,
    ) -> Result<Decision> {
        let dim = self.system.setting.params();
        // A step that a kink cuts short ends at no point that was looked at; one that is not follows.
        let cut = self.system.follows_kinks() && step.near.is_none() && step.to < self.end;
        if !cut {
            self.check(step, options.rtol)?;
        }
        for &t in self.grid.take(step.to) {
            self.record(t, &state_at(step, t, dim)?, true);
        }
        let Some(rest) = rest else { return Ok(Decision::Continue) };
        let u = state_at(step, step.to, dim)?;
        let outputs = self.system.outputs(&u);
        let mut velocity = vec![0.0; dim];
        super::ode::System::rhs(self.system, step.to, &u, &mut velocity);
        if rest.reached(&self.system.setting, step.to, &outputs, &[(&velocity, self.size)])? {
            self.path.stop = Stop::Converged;
            self.record(step.to, &u, true);
            return Ok(Decision::StopAt(step.to));
        }
        Ok(Decision::Continue)
    }

    fn finish(self, work: Work) -> Path {
        let end = self.path.times.last().copied().unwrap_or(0.0);
        Path { work, kinks: self.system.kinks(end), ..self.path }
    }

    /// The path of a flow that does not move.
    fn at_start(mut self, end: f64) -> Path {
        self.path.stop = if end == 0.0 { Stop::Horizon } else { Stop::Stationary };
        let still = vec![0.0; self.system.setting.params()];
        for &t in self.grid.take(f64::INFINITY) {
            self.record(t, &still, true);
        }
        self.path
    }
}
