//! diffsol's view of a [`System`]: operators, counters, and what its failures mean.

use super::{LowRankMatrix, PartialLu, System, Woodbury};
use crate::{Error, Failure, linalg};
use diffsol::error::OdeSolverError;
use diffsol::{
    ConstantOp, DiffsolError, FaerContext, FaerMat, FaerVec, LinearSolver, Matrix, NonLinearOp,
    NonLinearOpJacobian, OdeEquations, OdeEquationsRef, Op, ParameterisedOp, UnitCallable, Vector,
    VectorCommon,
};
use std::cell::Cell;
use std::marker::PhantomData;

/// A matrix type that can hold ∂f/∂x, with the solver of its linear systems.
pub(super) trait SystemMatrix: Matrix<T = f64, V = FaerVec<f64>, C = FaerContext> {
    type Solver: LinearSolver<Self>;
    fn fill(&mut self, system: &dyn System, t: f64, x: &[f64]);
}

impl SystemMatrix for FaerMat<f64> {
    type Solver = PartialLu;
    fn fill(&mut self, system: &dyn System, t: f64, x: &[f64]) {
        self.inner_mut().copy_from(linalg::to_faer(&system.jacobian(t, x)));
    }
}

impl SystemMatrix for LowRankMatrix {
    type Solver = Woodbury;
    fn fill(&mut self, system: &dyn System, t: f64, x: &[f64]) {
        self.set_stiffness(system.low_rank(t, x));
    }
}

/// The entries of diffsol's vector.
pub(super) fn as_slice(v: &FaerVec<f64>) -> &[f64] {
    v.inner().col_as_slice(0)
}

/// The same, to be written to.
pub(super) fn as_mut_slice(v: &mut FaerVec<f64>) -> &mut [f64] {
    v.inner_mut().col_as_slice_mut(0)
}

/// x' = f(t, x), x(0) = 0.
pub(super) struct Equations<'s, M> {
    system: &'s dyn System,
    context: FaerContext,
    /// Explicit schemes take NaN for success: they are shown a huge number instead, and reject the step.
    explicit: bool,
    rhs: Cell<usize>,
    jacobians: Cell<usize>,
    /// Time of the last value that was not finite.
    escaped: Cell<Option<f64>>,
    /// The largest entry of x met so far, and the size expected of x.
    largest: Cell<f64>,
    size: f64,
    matrix: PhantomData<M>,
}

impl<'s, M: SystemMatrix> Equations<'s, M> {
    pub(super) fn new(system: &'s dyn System, explicit: bool, size: f64) -> Self {
        Equations {
            system,
            context: FaerContext::default(),
            explicit,
            rhs: Cell::new(0),
            jacobians: Cell::new(0),
            escaped: Cell::new(None),
            largest: Cell::new(0.0),
            size,
            matrix: PhantomData,
        }
    }

    /// The dimension of x.
    pub(super) fn dim(&self) -> usize {
        self.system.dim()
    }

    /// Right-hand sides and Jacobians evaluated so far.
    pub(super) fn counters(&self) -> (usize, usize) {
        (self.rhs.get(), self.jacobians.get())
    }

    /// `dx` ← f(t, x).
    pub(super) fn call(&self, t: f64, x: &[f64], dx: &mut [f64]) {
        self.rhs.set(self.rhs.get() + 1);
        self.largest.set(x.iter().fold(self.largest.get(), |m, x| m.max(x.abs())));
        self.system.rhs(t, x, dx);
        if dx.iter().all(|d| d.is_finite()) {
            return;
        }
        self.escaped.set(Some(t));
        if self.explicit {
            dx.fill(1e150);
        }
    }

    /// What a failed step means. A step cut down to nothing has either met the border of the domain, a pole in
    /// finite time, or a problem too rough for the scheme.
    pub(super) fn explain(&self, e: &DiffsolError, time: f64, x: &[f64]) -> Error {
        use OdeSolverError::{
            StepSizeTooSmall, TooManyErrorTestFailures, TooManyNonlinearSolverFailures,
        };
        let (failure, detail) = match e {
            _ if self.escaped.get().is_some_and(|t| (t - time).abs() <= 1e-3 * t.abs())
                || self.borders_at(time, x) => (
                Failure::DomainLeft,
                "the model, the loss or a derivative is not finite just beyond; stop earlier (--time) or change the \
                 start"
                    .to_string(),
            ),
            _ if self.largest.get() > 1e6 * self.size => (
                Failure::BlowUp,
                format!("an unknown of size {:.1e} has reached {:.1e}; stop earlier (--time)", self.size, self.largest.get()),
            ),
            DiffsolError::OdeSolverError(StepSizeTooSmall { .. } | TooManyErrorTestFailures { .. }) => {
                (Failure::StepTooSmall, self.roughness(e))
            }
            DiffsolError::OdeSolverError(TooManyNonlinearSolverFailures { num_failures, .. }) => {
                (Failure::NonlinearSolve, format!("{num_failures} failures; {}", self.roughness(e)))
            }
            other => (Failure::StepTooSmall, format!("the integrator says: {other}")),
        };
        Error::Integration { failure, time, detail }
    }

    /// Whether going straight on for a thousandth of the time so far would leave the domain. Where the velocity has a
    /// singularity at the border, error control stops a run before any stage crosses it.
    fn borders_at(&self, time: f64, x: &[f64]) -> bool {
        let (mut velocity, mut beyond) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        self.system.rhs(time, x, &mut velocity);
        let ahead: Vec<f64> = x.iter().zip(&velocity).map(|(x, v)| x + 1e-3 * time * v).collect();
        self.system.rhs(time, &ahead, &mut beyond);
        !beyond.iter().all(|d| d.is_finite())
    }

    /// Time stood still.
    pub(super) fn stalled(&self, time: f64) -> Error {
        let detail =
            "a step no longer moves the clock; the flow has a pole or a jump here".to_string();
        Error::Integration { failure: Failure::StepTooSmall, time, detail }
    }

    fn roughness(&self, e: &DiffsolError) -> String {
        format!("{e}; loosen --rtol, or try --solver tsit45 where the model has kinks")
    }
}

impl<M: SystemMatrix> Op for Equations<'_, M> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = M;
    type C = FaerContext;
    fn context(&self) -> &FaerContext {
        &self.context
    }
    fn nstates(&self) -> usize {
        self.system.dim()
    }
    fn nout(&self) -> usize {
        self.system.dim()
    }
    fn nparams(&self) -> usize {
        0
    }
}

/// An operator of the equations: the right-hand side, or the start.
pub(super) struct Part<'a, 's, M>(&'a Equations<'s, M>);

impl<M: SystemMatrix> Op for Part<'_, '_, M> {
    type T = f64;
    type V = FaerVec<f64>;
    type M = M;
    type C = FaerContext;
    fn context(&self) -> &FaerContext {
        &self.0.context
    }
    fn nstates(&self) -> usize {
        self.0.system.dim()
    }
    fn nout(&self) -> usize {
        self.0.system.dim()
    }
    fn nparams(&self) -> usize {
        0
    }
}

impl<M: SystemMatrix> NonLinearOp for Part<'_, '_, M> {
    fn call_inplace(&self, x: &FaerVec<f64>, t: f64, y: &mut FaerVec<f64>) {
        self.0.call(t, as_slice(x), y.inner_mut().col_as_slice_mut(0));
    }
}

impl<M: SystemMatrix> NonLinearOpJacobian for Part<'_, '_, M> {
    /// Asked for only by sensitivities and sparsity detection, which we do not use; a difference, for completeness.
    fn jac_mul_inplace(&self, x: &FaerVec<f64>, t: f64, v: &FaerVec<f64>, y: &mut FaerVec<f64>) {
        let h = 1e-7 * (1.0 + linalg::norm(as_slice(x)))
            / linalg::norm(as_slice(v)).max(f64::MIN_POSITIVE);
        let shifted: Vec<f64> =
            as_slice(x).iter().zip(as_slice(v)).map(|(x, v)| x + h * v).collect();
        let mut base = vec![0.0; shifted.len()];
        self.0.call(t, as_slice(x), &mut base);
        let out = y.inner_mut().col_as_slice_mut(0);
        self.0.call(t, &shifted, out);
        out.iter_mut().zip(&base).for_each(|(y, b)| *y = (*y - b) / h);
    }
    fn jacobian_inplace(&self, x: &FaerVec<f64>, t: f64, y: &mut M) {
        self.0.jacobians.set(self.0.jacobians.get() + 1);
        y.fill(self.0.system, t, as_slice(x));
    }
}

impl<M: SystemMatrix> ConstantOp for Part<'_, '_, M> {
    fn call_inplace(&self, _t: f64, y: &mut FaerVec<f64>) {
        y.fill(0.0);
    }
}

impl<'a, 's, M: SystemMatrix> OdeEquationsRef<'a> for Equations<'s, M> {
    type Rhs = Part<'a, 's, M>;
    type Init = Part<'a, 's, M>;
    type Mass = ParameterisedOp<'a, UnitCallable<M>>;
    type Root = ParameterisedOp<'a, UnitCallable<M>>;
    type Out = ParameterisedOp<'a, UnitCallable<M>>;
    type Reset = ParameterisedOp<'a, UnitCallable<M>>;
}

impl<'s, M: SystemMatrix> OdeEquations for Equations<'s, M> {
    fn rhs(&self) -> Part<'_, 's, M> {
        Part(self)
    }
    fn init(&self) -> Part<'_, 's, M> {
        Part(self)
    }
    fn mass(&self) -> Option<ParameterisedOp<'_, UnitCallable<M>>> {
        None
    }
    fn set_params(&mut self, _p: &FaerVec<f64>) {}
    fn get_params(&self, _p: &mut FaerVec<f64>) {}
}
