//! Gradient flows: definitions, not methods.
//!
//! For a model h, a loss R and a scale α > 0 the paper studies (Chizat, Oyallon, Bach 2019, §1.1 and eqs. 4, 5)
//!
//! ```text
//! F_α(w) = R(α h(w)) / α²          w' = −(1/α) Dh(w)ᵀ ∇R(α h(w)),        w(0) = w₀
//! F̄_α(w) = R(α h̄(w)) / α²          w̄' = −(1/α) Dh(w₀)ᵀ ∇R(α h̄(w̄)),       w̄(0) = w₀
//! ```
//!
//! with h̄ the linearization of h at w₀. The factor 1/α² keeps the clock: time does not depend on α. Everything here
//! is integrated in u = α (w − w₀), which is of order one whatever α is:
//!
//! ```text
//! u' = −Dh(w₀ + εu)ᵀ ∇R(y),   y = α h(w₀) + J₀u + ε ρ(u),   ε = 1/α,
//! ```
//!
//! where ρ is the exact scaled Taylor remainder (`Differentiable::increment`): nothing cancels at any α, and α = ∞ is
//! the linearized flow itself.

mod divergence;
mod path;
mod times;

pub use divergence::Divergence;
pub use path::{Crossing, KinkLog, Path, Slide, Stop, Work};
pub(crate) use times::check_times;
pub use times::{logarithmic, uniform};

use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::{Error, Failure, Result, linalg};

/// The smallest scale that the solvers are meant for.
pub const SMALLEST_ALPHA: f64 = 1e-3;
/// The largest finite one; beyond it α = ∞ is meant.
pub const LARGEST_ALPHA: f64 = 1e100;

/// The gradient flow of F_α from w₀.
///
/// ```
/// use gradflow::prelude::*;
/// struct Square1;
/// impl Model for Square1 {
///     fn shape(&self) -> Shape {
///         Shape { params: 1, outputs: 1 }
///     }
///     fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
///         y[0] = w[0] * w[0] - S::from(1.0);
///     }
/// }
/// let flow = Flow::new(Square1.auto(), Square::to([1.5]), [1.0]).scaled(10.0);
/// let path = flow.solve(&Bdf::default(), &[0.0, 1.0])?;
/// assert!((path.outputs[1][0] - 1.5).abs() < 0.1); // 1.5 (1 − e^(−4t)) and a little
/// # Ok::<(), gradflow::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Flow<H, L> {
    /// h.
    pub map: H,
    /// R.
    pub loss: L,
    /// α, up to and including ∞.
    pub alpha: f64,
    /// w₀, of length p.
    pub start: Vec<f64>,
}

impl<H: Differentiable, L: Loss> Flow<H, L> {
    /// The flow at α = 1.
    pub fn new(map: H, loss: L, start: impl Into<Vec<f64>>) -> Self {
        Flow { map, loss, alpha: 1.0, start: start.into() }
    }

    /// The same flow at scale `alpha`.
    #[must_use]
    pub fn scaled(self, alpha: f64) -> Self {
        Flow { alpha, ..self }
    }

    /// A flow of the same parts at scale `alpha`.
    pub fn at_scale(&self, alpha: f64) -> Flow<&H, &L> {
        Flow { map: &self.map, loss: &self.loss, alpha, start: self.start.clone() }
    }

    /// ε = 1/α; 0 at α = ∞.
    pub fn eps(&self) -> f64 {
        self.alpha.recip()
    }

    /// The flow of the linearization at w₀, at the same α.
    pub fn linearized(&self) -> Flow<Linearized<&H>, &L> {
        let map = Linearized::at(&self.map, &self.start);
        Flow { map, loss: &self.loss, alpha: self.alpha, start: self.start.clone() }
    }

    /// Solves the flow; `times` ascend from 0 or later, and the last may be ∞.
    ///
    /// # Errors
    /// Inputs that do not fit together, and a solve that does not finish ([`Error::Integration`]).
    pub fn solve(&self, solver: &impl Solver<H, L>, times: &[f64]) -> Result<Path> {
        solver.solve(self, times)
    }

    /// α h(w₀), after checking that everything fits together and is finite.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ, [`Error::Value`] for numbers that are not finite or out of range,
    /// [`Error::Integration`] where h(w₀) is not finite, [`Error::Conflict`] for α = ∞ with h(w₀) ≠ 0.
    pub fn initial_outputs(&self) -> Result<Vec<f64>> {
        let shape = self.map.shape();
        check_sizes(shape.params, shape.outputs, self.start.len(), self.loss.outputs())?;
        check_alpha(self.alpha)?;
        if let Some(i) = self.start.iter().position(|w| !w.is_finite()) {
            return Err(Error::value(format!("start[{i}]"), self.start[i], "a finite weight"));
        }
        let mut h = vec![0.0; shape.outputs];
        self.map.value(&self.start, &mut h);
        if let Some(i) = h.iter().position(|h| !h.is_finite()) {
            return Err(Error::Integration {
                failure: Failure::DomainLeft,
                time: 0.0,
                detail: format!(
                    "output {i} of the model at the start is {}; choose another start",
                    h[i]
                ),
            });
        }
        if self.alpha.is_finite() {
            h.iter_mut().for_each(|h| *h *= self.alpha);
        } else if h.iter().any(|&h| h != 0.0) {
            return Err(Error::Conflict {
                found: format!(
                    "α = ∞ asks for h(w₀) = 0, found ‖h(w₀)‖ = {:.3e}, so that α h(w₀) has no limit",
                    linalg::norm(&h)
                ),
                remedy: "centre the model (--zero centred) or double it (--zero doubled)".into(),
            });
        }
        Ok(h)
    }
}

/// Every size positive, and the pairs that must agree agree.
fn check_sizes(p: usize, n: usize, start: usize, loss: usize) -> Result<()> {
    if p == 0 || n == 0 {
        let what = if p == 0 { "parameters" } else { "outputs" };
        return Err(Error::value(format!("number of {what}"), 0, "at least one"));
    }
    let mismatch = |what: &str, found: usize, wanted: usize, unit: &str, remedy| Error::Shape {
        what: what.into(),
        found: format!("{found} numbers"),
        wanted: format!("{wanted}, one per {unit} of the model"),
        remedy,
    };
    if start != p {
        return Err(mismatch(
            "start w₀",
            start,
            p,
            "parameter",
            "give --start as many numbers as there are parameters",
        ));
    }
    if loss != n {
        return Err(mismatch(
            "target of the loss",
            loss,
            n,
            "output",
            "give as many targets as there are outputs",
        ));
    }
    Ok(())
}

/// α in [1e-3, 1e100] or ∞.
pub(crate) fn check_alpha(alpha: f64) -> Result<()> {
    let in_range = (SMALLEST_ALPHA..=LARGEST_ALPHA).contains(&alpha) || alpha == f64::INFINITY;
    if in_range {
        return Ok(());
    }
    Err(Error::value(
        "α",
        alpha,
        format!("a number in [{SMALLEST_ALPHA:e}, {LARGEST_ALPHA:e}], or inf for the limit"),
    ))
}

/// A way to solve the flows of maps `H` under losses `L`.
pub trait Solver<H, L> {
    /// The path at `times`, which ascend from 0 or later; the last may be ∞.
    ///
    /// # Errors
    /// As [`Flow::solve`].
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path>;
}
