//! LU with partial pivoting for diffsol's dense matrices: its own solver pivots fully, an order of magnitude slower.

use crate::linalg;
use diffsol::{FaerContext, FaerMat, FaerVec, LaError, LaLinearOp, Matrix, MatrixCommon, Vector};
use faer::linalg::solvers::{PartialPivLu, Solve};

/// Holds the Newton matrix and its factors.
#[derive(Default)]
pub(super) struct PartialLu {
    matrix: Option<FaerMat<f64>>,
    factors: Option<PartialPivLu<f64>>,
}

impl diffsol_la::LinearSolver<FaerMat<f64>> for PartialLu {
    fn set_sparsity<O>(&mut self, op: &O)
    where
        O: LaLinearOp<V = FaerVec<f64>, T = f64, M = FaerMat<f64>, C = FaerContext>,
    {
        self.matrix =
            Some(FaerMat::new_from_sparsity(op.nrows(), op.ncols(), op.sparsity(), *op.context()));
    }

    fn set_linearisation<O>(&mut self, op: &O)
    where
        O: LaLinearOp<V = FaerVec<f64>, T = f64, M = FaerMat<f64>, C = FaerContext>,
    {
        if let Some(matrix) = &mut self.matrix {
            op.matrix_inplace(matrix);
            self.factors = Some(matrix.inner().partial_piv_lu());
            linalg::clear_vector_state();
        }
    }

    fn solve_in_place(&self, b: &mut FaerVec<f64>) -> Result<(), LaError> {
        let factors = self.factors.as_ref().ok_or_else(|| LaError::Other("no factors".into()))?;
        factors.solve_in_place(b.inner_mut().as_mut());
        linalg::clear_vector_state();
        Ok(())
    }

    fn solve_transpose_in_place(&self, b: &mut FaerVec<f64>) -> Result<(), LaError> {
        let factors = self.factors.as_ref().ok_or_else(|| LaError::Other("no factors".into()))?;
        factors.solve_transpose_in_place(b.inner_mut().as_mut());
        linalg::clear_vector_state();
        Ok(())
    }
}
