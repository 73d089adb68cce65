//! The choice of a method: by name, or by the rule of the module's documentation.

use super::eigen::no_modes;
use super::exponential::{self, Tangent};
use super::ode::{Budget, Decision, NewtonMatrix, Scheme, Setup, Step, System, integrate};
use super::piecewise::Switching;
use crate::flow::Work;
use crate::loss::Loss;
use crate::model::{Differentiable, Shape};
use crate::{Error, Failure, Result};
use std::borrow::Cow;

/// p N above which one right-hand side takes milliseconds.
pub(crate) const LARGE: usize = 1_000_000;

/// A method for the curved flow and the gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By the rule: kinks and mild problems explicitly, stiff ones by BDF.
    #[default]
    Automatic,
    /// Backward differentiation, orders 1 to 5.
    Bdf,
    /// The trapezoidal rule with BDF2, order 2.
    TrBdf2,
    /// Explicit first stage, diagonally implicit, order 3.
    Esdirk34,
    /// Tsitouras' explicit pair, order 5.
    Tsit45,
    /// Ours, exact in the linear part: for nearly linear flows under a loss that gives a root of its Hessian.
    Exponential,
}

impl Method {
    const NAMES: [(&'static str, Method); 6] = [
        ("auto", Method::Automatic),
        ("bdf", Method::Bdf),
        ("tr-bdf2", Method::TrBdf2),
        ("esdirk34", Method::Esdirk34),
        ("tsit45", Method::Tsit45),
        ("exponential", Method::Exponential),
    ];

    /// The method of that name: `auto`, `bdf`, `tr-bdf2`, `esdirk34`, `tsit45` or `exponential`.
    ///
    /// # Errors
    /// [`Error::Unknown`], with the nearest name.
    pub fn named(name: &str) -> Result<Method> {
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, m)| *m)
            .ok_or_else(|| Error::unknown("solver", name, Self::NAMES.iter().map(|(n, _)| *n)))
    }

    /// About how many numbers the Newton matrices of a gap hold: two blocks of an explicit method's none, of dense
    /// matrices with their factors, or of the factors J and HJ.
    #[allow(clippy::cast_precision_loss, reason = "sizes")]
    pub(crate) fn newton_numbers(self, demand: &Demand<'_>) -> f64 {
        let Shape { params, outputs } = demand.map.shape();
        let (p, n) = (params as f64, outputs as f64);
        match self.integrator(demand) {
            Integrator::Exponential | Integrator::Diffsol(Scheme::Tsit45, _) => 0.0,
            Integrator::Diffsol(_, NewtonMatrix::Dense) => 3.0 * (2.0 * p).powi(2),
            Integrator::Diffsol(_, NewtonMatrix::LowRank) => 2.0 * (n * p + 3.0 * n * n),
        }
    }

    /// Refuses a method that the problem is not made for.
    pub(crate) fn check(self, demand: &Demand<'_>) -> Result<()> {
        if self != Method::Exponential || demand.suits_exponential() {
            return Ok(());
        }
        let found = format!("the exponential method, and the loss {}", demand.loss.name());
        let remedy = if demand.alone {
            "it needs a loss that gives a root of its Hessian (Loss::root); use bdf"
        } else {
            "beside its linearization it solves flows under a square loss only; use bdf"
        };
        Err(Error::Conflict { found, remedy: remedy.into() })
    }

    /// The integrator for a problem, by name or by the rule.
    pub(crate) fn integrator(self, demand: &Demand<'_>) -> Integrator {
        let Shape { params, outputs } = demand.map.shape();
        let newton = if params <= 600 || params <= outputs {
            NewtonMatrix::Dense
        } else {
            NewtonMatrix::LowRank
        };
        // Where a right-hand side is dear, implicit steps pay earlier.
        let mild = if params.saturating_mul(outputs) > LARGE { 100.0 } else { 1000.0 };
        let scheme = match self {
            Method::Exponential => return Integrator::Exponential,
            Method::Automatic if demand.suits_exponential() => return Integrator::Exponential,
            Method::Automatic if !demand.map.is_smooth() => Scheme::Tsit45,
            Method::Automatic if demand.stiffness <= mild => Scheme::Tsit45,
            Method::Automatic | Method::Bdf => Scheme::Bdf,
            Method::TrBdf2 => Scheme::TrBdf2,
            Method::Esdirk34 => Scheme::Esdirk34,
            Method::Tsit45 => Scheme::Tsit45,
        };
        Integrator::Diffsol(scheme, newton)
    }
}

/// What the rule looks at.
pub(crate) struct Demand<'a> {
    pub(crate) map: &'a dyn Differentiable,
    pub(crate) loss: &'a dyn Loss,
    /// M λ₁ T.
    pub(crate) stiffness: f64,
    /// Whether the flow is integrated by itself, and not beside its linearization.
    pub(crate) alone: bool,
}

impl Demand<'_> {
    /// Whether the stiffness is in one block JᵀHJ whose root is at hand, and kinks, if there are, can be followed.
    fn suits_exponential(&self) -> bool {
        if !(self.map.is_smooth() || self.alone && self.map.kinked().is_some()) {
            return false;
        }
        let rooted = || self.loss.root(&vec![0.0; self.loss.outputs()]).is_some();
        self.loss.quadratic().is_some() || (self.alone && rooted())
    }
}

/// A method with its particulars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integrator {
    /// One of diffsol's, with how Newton's matrix is held.
    Diffsol(Scheme, NewtonMatrix),
    /// Ours, exact in the linear part.
    Exponential,
}

impl Integrator {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Integrator::Exponential => "exponential",
            Integrator::Diffsol(Scheme::Bdf, _) => "bdf",
            Integrator::Diffsol(Scheme::TrBdf2, _) => "tr-bdf2",
            Integrator::Diffsol(Scheme::Esdirk34, _) => "esdirk34",
            Integrator::Diffsol(Scheme::Tsit45, _) => "tsit45",
        }
    }

    /// Local over global tolerance.
    pub(crate) fn safety(self) -> f64 {
        match self {
            Integrator::Diffsol(Scheme::Bdf, _) => 0.02,
            Integrator::Diffsol(Scheme::TrBdf2 | Scheme::Esdirk34, _) => 0.05,
            Integrator::Diffsol(Scheme::Tsit45, _) => 0.2,
            Integrator::Exponential => 0.02,
        }
    }

    /// What to try where this one does not get through, unless it was asked for by name.
    pub(crate) fn instead(self, method: Method, demand: &Demand<'_>, e: &Error) -> Option<Self> {
        use Failure::{NonlinearSolve, StepTooSmall};
        let lost = matches!(e, Error::Integration { failure: NonlinearSolve | StepTooSmall, .. });
        (self == Integrator::Exponential && method == Method::Automatic && lost).then(|| {
            if demand.map.is_smooth() { Method::Bdf } else { Method::Tsit45 }.integrator(demand)
        })
    }

    /// Integrates `system` from zero. `tangent` is the one at the start, where it is at hand.
    pub(crate) fn integrate<'a>(
        self,
        system: &'a dyn System,
        map: &'a dyn Differentiable,
        (tangent, switching): (Option<Tangent<'a>>, Option<&dyn Switching>),
        setup: &Setup<'_>,
        work: &mut Work,
        observe: &mut dyn FnMut(&Step<'_>) -> Result<Decision>,
    ) -> Result<f64> {
        match self {
            Integrator::Diffsol(scheme, newton) => {
                integrate(system, (scheme, newton), switching, setup, work, observe)
            }
            Integrator::Exponential => {
                let tangent = tangent.or_else(|| {
                    let (weights, root) = system.tangent(0.0, &vec![0.0; system.dim()])?;
                    Tangent::at(map, Cow::Owned(weights), root)
                });
                let tangent = tangent.ok_or_else(no_modes)?;
                exponential::integrate(system, tangent, switching, setup, work, observe)
            }
        }
    }
}

/// Tolerance and budget of a solve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Error aimed at, relative to the supremum of each unknown's norm.
    pub rtol: f64,
    /// Steps and seconds.
    pub budget: Budget,
}

impl Default for Options {
    /// rtol = 1e-8 and the default budget.
    fn default() -> Self {
        Options { rtol: 1e-8, budget: Budget::default() }
    }
}

impl Options {
    /// The smallest rtol that double precision reaches.
    pub const SMALLEST_RTOL: f64 = 1e-12;

    /// Refuses tolerances that cannot be meant, and those that cannot be reached.
    ///
    /// # Errors
    /// [`Error::Value`] outside (0, 0.1], [`Error::Integration`] below [`Options::SMALLEST_RTOL`].
    pub fn check(&self) -> Result<()> {
        if !(self.rtol > 0.0 && self.rtol <= 0.1) {
            return Err(Error::value("rtol", self.rtol, "a number in (0, 0.1]"));
        }
        if self.rtol < Self::SMALLEST_RTOL {
            return Err(Error::Integration {
                failure: Failure::TooMuchAccuracy,
                time: 0.0,
                detail: format!(
                    "rtol = {:e}; the smallest reachable is {:e}",
                    self.rtol,
                    Self::SMALLEST_RTOL
                ),
            });
        }
        Ok(())
    }
}
