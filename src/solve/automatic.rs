//! The choice of a method: by name, or by the rule of the module's documentation.

use super::ode::{Budget, NewtonMatrix, Scheme};
use crate::model::{Differentiable, Shape};
use crate::{Error, Result};

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
}

impl Method {
    const NAMES: [(&'static str, Method); 5] = [
        ("auto", Method::Automatic),
        ("bdf", Method::Bdf),
        ("tr-bdf2", Method::TrBdf2),
        ("esdirk34", Method::Esdirk34),
        ("tsit45", Method::Tsit45),
    ];

    /// The method of that name: `auto`, `bdf`, `tr-bdf2`, `esdirk34` or `tsit45`.
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
    pub(crate) fn newton_numbers(self, map: &dyn Differentiable, stiffness: f64) -> f64 {
        let Shape { params, outputs } = map.shape();
        let (p, n) = (params as f64, outputs as f64);
        match self.scheme(map, stiffness) {
            (Scheme::Tsit45, _) => 0.0,
            (_, NewtonMatrix::Dense) => 3.0 * (2.0 * p).powi(2),
            (_, NewtonMatrix::LowRank) => 2.0 * (n * p + 3.0 * n * n),
        }
    }

    /// The scheme for a model of that shape at that stiffness.
    pub(crate) fn scheme(self, map: &dyn Differentiable, stiffness: f64) -> (Scheme, NewtonMatrix) {
        let Shape { params, outputs } = map.shape();
        let newton = if params <= 600 || params <= outputs {
            NewtonMatrix::Dense
        } else {
            NewtonMatrix::LowRank
        };
        // Where a right-hand side is dear, implicit steps pay earlier.
        let mild = if params.saturating_mul(outputs) > LARGE { 100.0 } else { 1000.0 };
        let scheme = match self {
            Method::Automatic if !map.is_smooth() || stiffness <= mild => Scheme::Tsit45,
            Method::Automatic | Method::Bdf => Scheme::Bdf,
            Method::TrBdf2 => Scheme::TrBdf2,
            Method::Esdirk34 => Scheme::Esdirk34,
            Method::Tsit45 => Scheme::Tsit45,
        };
        (scheme, newton)
    }
}

impl Scheme {
    /// The name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Scheme::Bdf => "bdf",
            Scheme::TrBdf2 => "tr-bdf2",
            Scheme::Esdirk34 => "esdirk34",
            Scheme::Tsit45 => "tsit45",
        }
    }

    /// Local over global tolerance.
    pub(crate) fn safety(self) -> f64 {
        match self {
            Scheme::Bdf => 0.02,
            Scheme::TrBdf2 | Scheme::Esdirk34 => 0.05,
            Scheme::Tsit45 => 0.2,
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
                failure: crate::Failure::TooMuchAccuracy,
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
