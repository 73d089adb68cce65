//! The closed form of the linearized flow under a square loss c/2 ‖y − y*‖², in weights and outputs, at any time, ∞
//! included.
//!
//! With J₀ = U diag(σ) Vᵀ, λ = σ², r₀ = α h(w₀) − y* and φ(λ, t) = (1 − e^(−λt))/λ:
//!
//! ```text
//! ū(t) = −V diag(σ c φ(cλ, t)) Uᵀ r₀,      ȳ(t) − y* = (Id − UUᵀ) r₀ + U diag(e^(−cλt)) Uᵀ r₀.
//! ```
//!
//! φ(0, t) = t (such a mode does not move: σ = 0); at t = ∞ the weights are w₀ plus the minimum-norm solution on the
//! range of J₀, modes at or below working precision being left where they are. (Chizat et al. 2019, §1.1 and §2.3;
//! Lee et al. 2019, eqs. 8–10.)

use crate::flow::{Flow, Path, Solver, Stop, Work};
use crate::loss::{Loss, Quadratic};
use crate::model::{Buffers, Differentiable, Linearized, Modes};
use crate::{Error, Failure, Result};

/// The closed form; accepts linear maps under quadratic losses only.
#[derive(Debug, Clone, Copy, Default)]
pub struct Eigen;

/// The closed form of one linearized flow.
pub(crate) struct ClosedForm<'a> {
    map: &'a dyn Differentiable,
    start: &'a [f64],
    modes: &'a Modes,
    curvature: f64,
    target: &'a [f64],
    /// Uᵀ r₀.
    coefficients: Vec<f64>,
    /// (Id − UUᵀ) r₀, which nothing moves.
    fixed: Vec<f64>,
    buffers: Buffers,
}

impl<'a> ClosedForm<'a> {
    /// From α h(w₀) = `initial`.
    pub(crate) fn new<H: Differentiable>(
        tangent: &'a Linearized<H>,
        modes: &'a Modes,
        loss: Quadratic<'a>,
        initial: &[f64],
    ) -> Self {
        let mut fixed: Vec<f64> = initial.iter().zip(loss.target).map(|(y, t)| y - t).collect();
        let coefficients = modes.coefficients(&fixed);
        let negative: Vec<f64> = coefficients.iter().map(|c| -c).collect();
        modes.add_outputs(&negative, &mut fixed);
        let Quadratic { target, curvature } = loss;
        ClosedForm {
            map: tangent.map(),
            start: tangent.start(),
            modes,
            curvature,
            target,
            coefficients,
            fixed,
            buffers: Buffers::default(),
        }
    }

    /// `u` ← ū(t).
    pub(crate) fn displacement(&self, t: f64, u: &mut [f64]) {
        let moved = |(&c, &lambda): (&f64, &f64)| -c * self.curvature * self.phi(lambda, t);
        let mut a = self.buffers.take(self.coefficients.len());
        let pairs = self.coefficients.iter().zip(&self.modes.lambda);
        a.iter_mut().zip(pairs).for_each(|(a, pair)| *a = moved(pair));
        self.modes.lift(self.map, self.start, &a, u);
    }

    /// ‖ū(t)‖, which grows with t.
    pub(crate) fn distance(&self, t: f64) -> f64 {
        let moved = |(&c, &lambda): (&f64, &f64)| {
            lambda * (c * self.curvature * self.phi(lambda, t)).powi(2)
        };
        self.coefficients.iter().zip(&self.modes.lambda).map(moved).sum::<f64>().sqrt()
    }

    /// `r` ← ȳ(t) − y*.
    pub(crate) fn residual(&self, t: f64, r: &mut [f64]) {
        r.copy_from_slice(&self.fixed);
        let left = |(&c, &lambda): (&f64, &f64)| c * self.decay(lambda, t);
        let mut a = self.buffers.take(self.coefficients.len());
        let pairs = self.coefficients.iter().zip(&self.modes.lambda);
        a.iter_mut().zip(pairs).for_each(|(a, pair)| *a = left(pair));
        self.modes.add_outputs(&a, r);
    }

    /// `y` ← ȳ(t).
    pub(crate) fn outputs(&self, t: f64, y: &mut [f64]) {
        self.residual(t, y);
        y.iter_mut().zip(self.target).for_each(|(y, target)| *y += target);
    }

    /// e^(−cλt), where a λ of zero does not decay even in infinite time.
    fn decay(&self, lambda: f64, t: f64) -> f64 {
        if t.is_infinite() {
            f64::from(u8::from(lambda <= self.modes.cutoff))
        } else {
            (-self.curvature * lambda * t).exp()
        }
    }

    /// φ(cλ, t).
    fn phi(&self, lambda: f64, t: f64) -> f64 {
        let rate = self.curvature * lambda;
        if t.is_infinite() {
            return if lambda <= self.modes.cutoff { 0.0 } else { 1.0 / rate };
        }
        let x = rate * t;
        if x == 0.0 { t } else { t * (-(-x).exp_m1() / x) }
    }
}

/// The error for a Jacobian that is not finite.
pub(crate) fn no_modes() -> Error {
    Error::Integration {
        failure: Failure::DomainLeft,
        time: 0.0,
        detail: "the Jacobian of the model at the start is not finite; choose another start".into(),
    }
}

impl<H: Differentiable, L: Loss> Solver<Linearized<H>, L> for Eigen {
    fn solve(&self, flow: &Flow<Linearized<H>, L>, times: &[f64]) -> Result<Path> {
        crate::flow::check_times(times)?;
        let initial = flow.initial_outputs()?;
        let quadratic = flow.loss.quadratic().ok_or_else(|| Error::Conflict {
            found: format!("the closed form needs a square loss, found {}", flow.loss.name()),
            remedy: "solve the linear flow as an ODE (Bdf, Tsit45)".into(),
        })?;
        let end = times.last().copied().unwrap_or(0.0);
        let modes = flow.map.modes_until(quadratic.curvature * end).ok_or_else(no_modes)?;
        let closed = ClosedForm::new(&flow.map, modes, quadratic, &initial);
        let mut path = Path {
            alpha: flow.alpha,
            start: flow.start.clone(),
            times: times.to_vec(),
            displacements: Vec::with_capacity(times.len()),
            outputs: Vec::with_capacity(times.len()),
            stop: if times.last().is_some_and(|t| t.is_infinite()) {
                Stop::Converged
            } else {
                Stop::Horizon
            },
            work: Work::default(),
            solver: "eigen".into(),
            kinks: None,
        };
        for &t in times {
            let (mut u, mut y) = (vec![0.0; flow.start.len()], vec![0.0; initial.len()]);
            closed.displacement(t, &mut u);
            closed.outputs(t, &mut y);
            path.displacements.push(u);
            path.outputs.push(y);
        }
        Ok(path)
    }
}
