//! An exponential multistep method for flows that are nearly linear: exact in the linear part, so that what it costs
//! falls as α grows.
//!
//! Near w₀ a flow is x' = −L x + g with L = `J₀ᵀHJ₀`, H = ∇²R, and under a square loss g varies
//! only as fast as the kernel changes along the path, by O(1/α). The stiffness is all in L, which in the modes of the tangent kernel is a number
//! per mode. So L is solved exactly and g is a polynomial in time through past values (exponential Adams methods:
//! Nørsett 1969; Hochbruck and Ostermann, *Exponential multistep methods of Adams-type*, 2011), here with variable
//! step and variable degree, a corrector, and error control on the part that L does not damp as much as on that it
//! does. A step costs one right-hand side, one product with J₀ and one with J₀ᵀ, whatever the stiffness; its size is
//! bounded by accuracy alone as long as the corrector contracts, that is while the flow is lazy. Where it is not, the
//! method finds out: the contraction is measured as it goes.

mod contraction;
mod events;
mod past;
mod phi;
#[cfg(test)]
mod plain;
mod polynomial;
mod states;
mod stepper;
mod tangent;
mod workspace;

pub(crate) use tangent::Tangent;

use super::ode::{Decision, Setup, Step, System, out_of_budget};
use super::piecewise::Switching;
use crate::flow::Work;
use crate::{Error, Failure, Result, linalg};
use events::{Rest, TrialPath};
use past::Value;
use std::time::Instant;
use stepper::{Errors, HIGHEST, Outcome, Stepper};

/// A step grows by this at most, and while the method starts by that.
const GROWTH: f64 = 2.5;
const FIRST_GROWTH: f64 = 8.0;

/// By how much rounding errors of past values may be multiplied.
const AMPLIFICATION: f64 = 100.0;

/// Steps that fail to contract, in a row, after which the flow counts as not lazy.
const PATIENCE: usize = 6;

/// A flow counts as not lazy, too, where more than one attempt in three goes wrong for lack of contraction, so many
/// times, and at least so many more steps of that length lie ahead: then it is stiff in the curvature of the model,
/// which L does not know.
const HELD: usize = 300;

/// Integrates from x(0) = 0; tolerances per component are taken as one for the Euclidean norm.
///
/// # Errors
/// As `ode::integrate`; [`Failure::NonlinearSolve`] where the flow is too far from its tangent.
#[allow(clippy::cast_precision_loss, reason = "sizes")]
pub(crate) fn integrate<'a>(
    system: &'a dyn System,
    tangent: Tangent<'a>,
    switching: Option<&'a dyn Switching>,
    setup: &Setup<'_>,
    work: &mut Work,
    observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
) -> Result<f64> {
    let Some(mut stepper) = Stepper::new(system, tangent, switching) else {
        return Err(escaped(0.0));
    };
    let tolerance =
        linalg::norm(setup.atol) * (system.dim() as f64 / setup.atol.len() as f64).sqrt();
    let reached = run(&mut stepper, (tolerance, setup), work, observe).map_err(|e| match e {
        // Where a velocity has a singularity at the border, steps end before they cross it.
        Error::Integration {
            failure: Failure::NonlinearSolve | Failure::StepTooSmall,
            time,
            ..
        } if time == stepper.time && stepper.borders() => escaped(time),
        other => other,
    });
    work.rhs += stepper.evaluations + switching.map_or(0, |switching| switching.spent());
    work.linear_solves += stepper.lifts;
    work.jacobians += stepper.tangents;
    reached
}

fn run(
    stepper: &mut Stepper<'_>,
    (tolerance, setup): (f64, &Setup<'_>),
    work: &mut Work,
    observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
) -> Result<f64> {
    let deadline = Instant::now() + setup.budget.wall;
    let mut length = 0.1 * setup.fastest.min(setup.end);
    let (mut failures, first) = (0, work.steps);
    let mut held = Held::default();
    // What is left of a step that a kink has cut short.
    let mut rest: Option<Value> = None;
    loop {
        let from = stepper.time;
        if work.steps - first >= setup.budget.steps || Instant::now() > deadline {
            return Err(out_of_budget(setup, from, work.steps - first));
        }
        if from + 1.05 * length >= setup.end {
            length = setup.end - from;
        }
        // The length of steps is what the error allows; what is left of one is shorter.
        let (whole, ahead) = (length, rest.take());
        if let Some(ahead) = &ahead {
            length = ahead.time - from;
        }
        let resumed = ahead.is_some();
        if from + length <= from {
            return Err(stalled(from));
        }
        let (outcome, trial) = match ahead {
            Some(ahead) => stepper.attempt_to(ahead, tolerance),
            None => stepper.attempt(length, tolerance),
        };
        let errors = match outcome {
            Outcome::Done(errors) if errors.here <= tolerance => errors,
            Outcome::Done(errors) => {
                if let Some(trial) = trial {
                    stepper.reject(trial);
                }
                work.rejected += 1;
                failures += 1;
                length *= (0.8 * ratio(tolerance, errors.here, stepper.degree)).clamp(0.1, 0.7);
                if failures > 3 {
                    stepper.forget();
                }
                continue;
            }
            // The clock may stand still before that.
            Outcome::Escaped if length <= 1e-14 * setup.fastest || from + 0.4 * length <= from => {
                return Err(escaped(from));
            }
            Outcome::Diverged if stepper.take_tangent() => {
                work.rejected += 1;
                continue;
            }
            Outcome::Diverged if failures > PATIENCE => return Err(not_lazy(from)),
            Outcome::Diverged if held.hopeless(length, setup.end - from) => {
                return Err(not_lazy(from));
            }
            Outcome::Escaped | Outcome::Diverged => {
                work.rejected += 1;
                failures += usize::from(matches!(outcome, Outcome::Diverged));
                length *= 0.4;
                continue;
            }
        };
        failures = 0;
        held.released();
        let Some(trial) = trial else { return Err(stalled(from)) };
        work.steps += 1;
        let end = trial.value.time;
        let end = if end >= setup.end * (1.0 - 2.0 * f64::EPSILON) { setup.end } else { end };
        let event = match stepper.switching {
            Some(switching) => {
                switching.locate(&TrialPath { stepper, trial: &trial, ends: (from, end) })?
            }
            None => None,
        };
        let to = event.unwrap_or(end);
        let interpolate = |t: f64, x: &mut [f64]| -> Result<()> {
            x.copy_from_slice(&stepper.within(&trial, t));
            Ok(())
        };
        let near = if event.is_none() && !resumed { Some(trial.near()) } else { None };
        let decision = if to > from {
            observe(&Step::new(from, to, near, &interpolate))?
        } else {
            Decision::Continue
        };
        if let Decision::StopAt(t) = decision {
            return Ok(t);
        }
        if to >= setup.end {
            return Ok(to);
        }
        if let (Some(switching), Some(time)) = (stepper.switching, event) {
            rest = match stepper.interrupt(trial, time, switching)? {
                Rest::Escaped => return Err(escaped(time)),
                Rest::Ahead(ahead) => Some(ahead),
                Rest::Nothing => None,
            };
            length = whole;
            continue;
        }
        let degree = stepper.degree;
        stepper.advance(trial);
        length *= adapt(stepper, degree, &errors, tolerance);
        if resumed {
            length = length.max(whole);
        }
    }
}

/// How long steps have been held short by contraction alone.
#[derive(Default)]
struct Held {
    balance: usize,
}

impl Held {
    /// An attempt did not contract; whether there is no hope that `left` will be reached.
    #[allow(clippy::cast_precision_loss, reason = "a count of steps")]
    fn hopeless(&mut self, length: f64, left: f64) -> bool {
        self.balance += 2;
        self.balance > HELD && left > HELD as f64 * length
    }

    /// A step was made.
    fn released(&mut self) {
        self.balance = self.balance.saturating_sub(1);
    }
}

/// Chooses the next degree, and by how much the step may change.
///
/// While steps grow, past values lie close together as seen from the next, and a polynomial through many of them
/// multiplies their rounding errors: the degree is held where that factor is below [`AMPLIFICATION`].
fn adapt(stepper: &mut Stepper<'_>, degree: usize, errors: &Errors, tolerance: f64) -> f64 {
    let starting = stepper.remembered() <= degree + 1;
    let noisy = stepper.amplification;
    let gain = |error: f64, degree: usize| 0.9 * ratio(tolerance, error, degree);
    let mut best = (gain(errors.here, degree), degree);
    if let Some(below) = errors.below {
        best = larger(best, (gain(below, degree - 1), degree - 1));
    }
    if noisy > AMPLIFICATION && degree > 1 {
        best.1 = degree - 1;
    } else if noisy > 0.2 * AMPLIFICATION {
        best.1 = best.1.min(degree);
    } else if let Some(above) = errors.above {
        best = larger(best, (gain(above, degree + 1), degree + 1));
    } else if starting && degree < HIGHEST && best.1 == degree {
        best.1 = degree + 1;
    }
    stepper.degree = best.1;
    best.0.clamp(0.3, if starting && degree <= 2 { FIRST_GROWTH } else { GROWTH })
}

fn larger(a: (f64, usize), b: (f64, usize)) -> (f64, usize) {
    if b.0 > a.0 { b } else { a }
}

/// By how much a step may grow for its error, of order `degree` + 1 in its length, to be half the tolerance.
#[allow(clippy::cast_precision_loss, reason = "a small degree")]
fn ratio(tolerance: f64, error: f64, degree: usize) -> f64 {
    if error == 0.0 { f64::MAX } else { (0.5 * tolerance / error).powf(1.0 / (degree + 1) as f64) }
}

fn escaped(time: f64) -> Error {
    let detail = "the model, the loss or a derivative is not finite just beyond; stop earlier (--time) or change the \
                  start"
        .to_string();
    Error::Integration { failure: Failure::DomainLeft, time, detail }
}

fn stalled(time: f64) -> Error {
    let detail = "a step no longer moves the clock; the flow has a pole or a jump here".to_string();
    Error::Integration { failure: Failure::StepTooSmall, time, detail }
}

fn not_lazy(time: f64) -> Error {
    let detail =
        "the flow is too far from its tangent for the exponential method; use --solver bdf"
            .to_string();
    Error::Integration { failure: Failure::NonlinearSolve, time, detail }
}
