//! The one place that names diffsol: an ODE x' = f(t, x), x(0) = 0, by its BDF, TR-BDF2, ESDIRK34 or TSIT45.
//!
//! We drive `step()` ourselves: diffsol has no step limit, and its explicit methods let NaN through as success. Around
//! each step stand a budget of steps and seconds, a check that time moves, and a watch for values that are not finite;
//! every failure becomes a typed [`Error::Integration`] with the time reached.

mod dense;
mod equations;
mod low_rank;
mod path;

pub(crate) use low_rank::{Block, LowRank};

use super::piecewise::Switching;
use crate::flow::Work;
use crate::loss::Root;
use crate::{Error, Failure, Result};
use dense::PartialLu;
use diffsol::matrix::MatrixRef;
use diffsol::{
    FaerMat, FaerVec, OdeBuilder, OdeSolverMethod, OdeSolverProblem, OdeSolverStopReason,
};
use equations::{Equations, SystemMatrix};
use low_rank::{LowRankMatrix, Woodbury};
use nalgebra::DMatrix;
use path::StepPath;
use std::time::{Duration, Instant};

/// The right-hand side of x' = f(t, x) and what Newton's iteration may know of it.
pub(crate) trait System {
    /// The dimension of x.
    fn dim(&self) -> usize;
    /// `dx` ← f(t, x); a value that is not finite means "outside the domain".
    fn rhs(&self, t: f64, x: &[f64], dx: &mut [f64]);
    /// ∂f/∂x, or an approximation good enough for Newton's iteration.
    fn jacobian(&self, t: f64, x: &[f64]) -> DMatrix<f64>;
    /// The part −diag(JᵀHJ, …) of ∂f/∂x that carries the stiffness, where forming ∂f/∂x itself would be too large.
    fn low_rank(&self, t: f64, x: &[f64]) -> Option<LowRank>;
    /// The weights at which Dh gives that part and the root of the loss's Hessian there, where there is one block of it.
    fn tangent(&self, _t: f64, _x: &[f64]) -> Option<(Vec<f64>, Root)> {
        None
    }
}

/// diffsol's methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Bdf,
    TrBdf2,
    Esdirk34,
    Tsit45,
}

/// How Newton's matrix is held; explicit schemes need none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NewtonMatrix {
    Dense,
    LowRank,
}

/// What ends a solve that does not end by itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Accepted steps.
    pub steps: usize,
    /// Wall-clock time.
    pub wall: Duration,
}

impl Default for Budget {
    /// A million steps, five minutes.
    fn default() -> Self {
        Budget { steps: 1_000_000, wall: Duration::from_secs(300) }
    }
}

/// The particulars of one integration.
pub(crate) struct Setup<'a> {
    /// Relative local tolerance, per component.
    pub(crate) rtol: f64,
    /// Absolute local tolerance per component.
    pub(crate) atol: &'a [f64],
    /// The largest size expected of an unknown.
    pub(crate) size: f64,
    /// End of the integration; infinite where only the observer stops it.
    pub(crate) end: f64,
    /// The fastest time scale, 1/‖∂f/∂x‖ at the start. Explicit steps are held within it times [`STABLE`].
    pub(crate) fastest: f64,
    pub(crate) budget: Budget,
}

/// Explicit steps stay within this many fastest time scales, inside TSIT45's interval of stability. Error control
/// alone would let them go to its border, where rounding noise grows up to the tolerance: that would drown quantities
/// that are small by cancellation, such as the output gap of doubled models.
const STABLE: f64 = 2.5;

/// One accepted step, with its dense output.
pub(crate) struct Step<'s> {
    /// Times at its ends.
    pub(crate) from: f64,
    pub(crate) to: f64,
    /// A state within the step's error of x(to), where the velocity was last taken, from methods that have one.
    pub(crate) near: Option<&'s [f64]>,
    interpolate: &'s dyn Fn(f64, &mut [f64]) -> Result<()>,
}

impl<'s> Step<'s> {
    /// A step between these times with that dense output.
    pub(crate) fn new(
        from: f64,
        to: f64,
        near: Option<&'s [f64]>,
        interpolate: &'s dyn Fn(f64, &mut [f64]) -> Result<()>,
    ) -> Self {
        Step { from, to, near, interpolate }
    }

    /// `x` ← x(t) for `from` ≤ t ≤ `to`.
    pub(crate) fn at(&self, t: f64, x: &mut [f64]) -> Result<()> {
        (self.interpolate)(t, x)
    }
}

/// The observer's answer to a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Decision {
    Continue,
    /// Stop at this time, within the step.
    StopAt(f64),
}

/// Integrates from x(0) = 0 and returns the time reached: the end, or where the observer stopped.
///
/// Where kinks are followed, each is where a step ends, and the method starts anew from there: explicitly with the
/// length it had, implicitly with order one.
pub(crate) fn integrate(
    system: &dyn System,
    (scheme, newton): (Scheme, NewtonMatrix),
    switching: Option<&dyn Switching>,
    setup: &Setup<'_>,
    work: &mut Work,
    observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
) -> Result<f64> {
    match (scheme, newton) {
        (Scheme::Tsit45, _) | (_, NewtonMatrix::Dense) => {
            with_matrix::<FaerMat<f64>>(system, (scheme, switching), setup, work, observe)
        }
        (_, NewtonMatrix::LowRank) => {
            with_matrix::<LowRankMatrix>(system, (scheme, switching), setup, work, observe)
        }
    }
}

fn with_matrix<M: SystemMatrix>(
    system: &dyn System,
    (scheme, switching): (Scheme, Option<&dyn Switching>),
    setup: &Setup<'_>,
    work: &mut Work,
    observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
) -> Result<f64>
where
    for<'m> &'m M: MatrixRef<M>,
{
    let equations = Equations::<M>::new(system, scheme == Scheme::Tsit45, setup.size);
    let problem = OdeBuilder::<M>::new()
        .rtol(setup.rtol)
        .atol(setup.atol.iter().copied())
        .h0(setup.fastest * 1e-3)
        .build_from_eqn(equations);
    let mut problem = problem.map_err(|e| unexpected(&e, 0.0))?;
    problem.ode_options.min_timestep = setup.fastest * 1e-14;
    // diffsol counts failed iterations over the whole run, where a long one at small α meets hundreds. A single step
    // cannot fail for ever: each failure shortens it, down to the smallest step.
    problem.ode_options.max_nonlinear_solver_failures = setup.budget.steps.max(200);
    let started = |e| unexpected(&e, 0.0);
    let longest = if scheme == Scheme::Tsit45 { STABLE * setup.fastest } else { f64::INFINITY };
    let reached = match scheme {
        Scheme::Bdf => drive(
            problem.bdf::<M::Solver>().map_err(started)?,
            &problem,
            (setup, longest, switching),
            work,
            observe,
        ),
        Scheme::TrBdf2 => drive(
            problem.tr_bdf2::<M::Solver>().map_err(started)?,
            &problem,
            (setup, longest, switching),
            work,
            observe,
        ),
        Scheme::Esdirk34 => drive(
            problem.esdirk34::<M::Solver>().map_err(started)?,
            &problem,
            (setup, longest, switching),
            work,
            observe,
        ),
        Scheme::Tsit45 => drive(
            problem.tsit45().map_err(started)?,
            &problem,
            (setup, longest, switching),
            work,
            observe,
        ),
    };
    let (rhs, jacobians) = problem.eqn.counters();
    work.rhs += rhs;
    work.jacobians += jacobians;
    work.rhs += switching.map_or(0, |switching| switching.spent());
    reached
}

/// The step loop.
fn drive<'a, M: SystemMatrix, S: OdeSolverMethod<'a, Equations<'a, M>>>(
    mut solver: S,
    problem: &'a OdeSolverProblem<Equations<'a, M>>,
    (setup, longest, switching): (&Setup<'_>, f64, Option<&dyn Switching>),
    work: &mut Work,
    observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
) -> Result<f64> {
    let mut next_stop = None;
    let deadline = Instant::now() + setup.budget.wall;
    let mut done = Ok(0.0);
    for taken in 0.. {
        let from = solver.state().t;
        if taken >= setup.budget.steps || Instant::now() > deadline {
            done = Err(out_of_budget(setup, from, taken));
            break;
        }
        if next_stop.is_none() && (setup.end.is_finite() || longest.is_finite()) {
            let last = from + 1.01 * longest >= setup.end;
            let stop = if last { setup.end } else { from + longest };
            solver.set_stop_time(stop).map_err(|e| unexpected(&e, from))?;
            next_stop = Some(stop);
        }
        let reason = match solver.step() {
            Ok(reason) => reason,
            Err(e) => {
                done = Err(problem.eqn.explain(&e, from, equations::as_slice(solver.state().y)));
                break;
            }
        };
        let here = solver.state().t;
        // A stop counts as reached within a few ulps of it.
        let to = match next_stop {
            Some(stop) if matches!(reason, OdeSolverStopReason::TstopReached) => {
                next_stop = None;
                stop
            }
            _ => here,
        };
        // A step whose length was computed from infinities leaves the clock at NaN, short of any stop.
        if here.is_nan() || to <= from {
            done = Err(problem.eqn.stalled(from));
            break;
        }
        let interpolate = |t: f64, x: &mut [f64]| -> Result<()> {
            let dense: FaerVec<f64> =
                solver.interpolate(t.clamp(from.min(here), here)).map_err(|e| unexpected(&e, t))?;
            x.copy_from_slice(equations::as_slice(&dense));
            Ok(())
        };
        let path = switching.map(|_| StepPath::new((from, to), problem.eqn.dim(), &interpolate));
        let event = match (switching, path.transpose()) {
            (Some(switching), Ok(Some(path))) => switching.locate(&path).map(|t| t.zip(Some(path))),
            (_, Err(e)) => Err(e),
            _ => Ok(None),
        };
        let event = match event {
            Ok(event) => event,
            Err(e) => {
                done = Err(e);
                break;
            }
        };
        let until = event.as_ref().map_or(to, |(time, _)| *time);
        let decision = if until > from {
            observe(&Step::new(from, until, None, &interpolate))
        } else {
            Ok(Decision::Continue)
        };
        match decision {
            Err(e) => {
                done = Err(e);
                break;
            }
            Ok(Decision::StopAt(t)) => {
                done = Ok(t);
                break;
            }
            Ok(Decision::Continue) if until >= setup.end => {
                done = Ok(until);
                break;
            }
            Ok(Decision::Continue) => {}
        }
        if let (Some(switching), Some((time, path))) = (switching, event) {
            match path.begin_at(time, switching) {
                Ok(x) => restart(&mut solver, problem, (time, &x)),
                Err(e) => {
                    done = Err(e);
                    break;
                }
            }
        }
    }
    let statistics = solver.get_statistics();
    work.steps += statistics.number_of_steps;
    work.rejected +=
        statistics.number_of_error_test_failures + statistics.number_of_nonlinear_solver_fails;
    work.linear_solves += statistics.number_of_nonlinear_solver_iterations;
    done
}

/// Goes on from the state `x` at `time`, where f is another one from here on.
fn restart<'a, M: SystemMatrix, S: OdeSolverMethod<'a, Equations<'a, M>>>(
    solver: &mut S,
    problem: &'a OdeSolverProblem<Equations<'a, M>>,
    (time, x): (f64, &[f64]),
) {
    let state = solver.state_mut();
    *state.t = time;
    equations::as_mut_slice(state.y).copy_from_slice(x);
    problem.eqn.call(time, x, equations::as_mut_slice(state.dy));
}

/// The error for a budget that is spent.
pub(crate) fn out_of_budget(setup: &Setup<'_>, time: f64, steps: usize) -> Error {
    let spent = if steps >= setup.budget.steps {
        format!("{steps} steps taken")
    } else {
        format!("{:.0} s spent, {steps} steps taken", setup.budget.wall.as_secs_f64())
    };
    Error::Integration {
        failure: Failure::TooMuchWork,
        time,
        detail: format!(
            "{spent}; allow more (--max-steps, --max-seconds), loosen --rtol (where a model has kinks its \
                 flow may slide along one, in steps as short as rtol), or try another --solver"
        ),
    }
}

/// A refusal of diffsol's that our checks should have made impossible: reported, not hidden.
fn unexpected(e: &diffsol::DiffsolError, time: f64) -> Error {
    Error::Integration {
        failure: Failure::StepTooSmall,
        time,
        detail: format!("the integrator says: {e}"),
    }
}
