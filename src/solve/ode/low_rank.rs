//! Newton matrices Id + c JᵀHJ that are never formed: p × p in name, N × N in work (Woodbury).
//!
//! The Jacobian of a flow is −(JᵀHJ + ε Σᵢ ∂ᵢR D²hᵢ), H = ∇²R; the second part is left out, which costs Newton's
//! iteration a little and the result nothing (tried in `benches`' problem sizes: steps within 11 %).

use crate::linalg::{Lu, column_major, column_major_mut, gemm};
use diffsol::matrix::sparsity::{Dense, DenseRef};
use diffsol::{
    FaerContext, FaerVec, FaerVecIndex, LaError, LaLinearOp, Matrix, MatrixCommon, Scale, Vector,
    VectorCommon,
};
use nalgebra::DMatrix;
use std::ops::Mul;
use std::sync::Arc;

/// One diagonal block JᵀHJ.
#[derive(Debug)]
pub(crate) struct Block {
    /// Dh, N × p.
    pub(crate) jacobian: DMatrix<f64>,
    /// ∇²R, N × N.
    pub(crate) hessian: DMatrix<f64>,
    /// ∇²R Dh Dhᵀ, N × N.
    pub(crate) product: DMatrix<f64>,
}

/// diag(JᵀHJ, …), shared between Newton matrices that differ in the step size only.
pub(crate) type LowRank = Arc<Vec<Block>>;

/// eye · Id + coef · diag(JᵀHJ, …).
#[derive(Debug, Clone)]
pub(super) struct LowRankMatrix {
    size: usize,
    eye: f64,
    coef: f64,
    blocks: Option<LowRank>,
    context: FaerContext,
}

impl LowRankMatrix {
    /// Becomes −diag(JᵀHJ, …).
    pub(super) fn set_stiffness(&mut self, blocks: Option<LowRank>) {
        (self.eye, self.coef, self.blocks) = (0.0, -1.0, blocks);
    }
}

impl MatrixCommon for LowRankMatrix {
    type V = FaerVec<f64>;
    type T = f64;
    type C = FaerContext;
    type Inner = Self;
    fn nrows(&self) -> usize {
        self.size
    }
    fn ncols(&self) -> usize {
        self.size
    }
    fn inner(&self) -> &Self {
        self
    }
}

impl Mul<Scale<f64>> for LowRankMatrix {
    type Output = Self;
    fn mul(mut self, s: Scale<f64>) -> Self {
        self.eye *= s.value();
        self.coef *= s.value();
        self
    }
}

impl Mul<Scale<f64>> for &LowRankMatrix {
    type Output = LowRankMatrix;
    fn mul(self, s: Scale<f64>) -> LowRankMatrix {
        self.clone() * s
    }
}

/// What diffsol's interface asks of every matrix and its integrators never ask of this one.
const UNUSED: &str = "an integrator of ordinary equations does not touch single entries";

impl Matrix for LowRankMatrix {
    type Sparsity = Dense<Self>;
    type SparsityRef<'a> = DenseRef<'a, Self>;
    fn sparsity(&self) -> Option<DenseRef<'_, Self>> {
        None
    }
    fn context(&self) -> &FaerContext {
        &self.context
    }
    fn inner_mut(&mut self) -> &mut Self {
        self
    }
    fn copy_from(&mut self, other: &Self) {
        self.clone_from(other);
    }
    fn zeros(rows: usize, _columns: usize, context: FaerContext) -> Self {
        LowRankMatrix { size: rows, eye: 0.0, coef: 0.0, blocks: None, context }
    }
    fn new_from_sparsity(
        rows: usize,
        columns: usize,
        _: Option<Dense<Self>>,
        context: FaerContext,
    ) -> Self {
        Self::zeros(rows, columns, context)
    }
    fn from_diagonal(v: &FaerVec<f64>) -> Self {
        let diagonal = v.inner().col_as_slice(0);
        LowRankMatrix {
            eye: diagonal.first().copied().unwrap_or(1.0),
            ..Self::zeros(diagonal.len(), diagonal.len(), *v.context())
        }
    }
    fn scale_add_and_assign(&mut self, x: &Self, beta: f64, y: &Self) {
        self.eye = x.eye + beta * y.eye;
        self.coef = beta * y.coef;
        self.blocks.clone_from(&y.blocks);
    }
    fn gemv(&self, alpha: f64, x: &FaerVec<f64>, beta: f64, y: &mut FaerVec<f64>) {
        let x = x.inner().col_as_slice(0);
        let y = y.inner_mut().col_as_slice_mut(0);
        let mut product = vec![0.0; y.len()];
        self.stiffness_times(x, &mut product);
        for ((y, x), s) in y.iter_mut().zip(x).zip(&product) {
            *y = if beta == 0.0 { 0.0 } else { beta * *y } + alpha * (self.eye * x + self.coef * s);
        }
    }
    fn partition_indices_by_zero_diagonal(&self) -> (FaerVecIndex, FaerVecIndex) {
        unreachable!("{UNUSED}")
    }
    fn set_column(&mut self, _: usize, _: &FaerVec<f64>) {
        unreachable!("{UNUSED}")
    }
    fn add_column_to_vector(&self, _: usize, _: &mut FaerVec<f64>) {
        unreachable!("{UNUSED}")
    }
    fn add_columns_to_batched_vector(&self, _: &mut FaerVec<f64>) {
        unreachable!("{UNUSED}")
    }
    fn set_data_with_indices(&mut self, _: &FaerVecIndex, _: &FaerVecIndex, _: &FaerVec<f64>) {
        unreachable!("{UNUSED}")
    }
    fn gather(&mut self, _: &Self, _: &FaerVecIndex) {
        unreachable!("{UNUSED}")
    }
    fn triplet_iter(
        &self,
    ) -> (impl Iterator<Item = (usize, usize)> + '_, impl Iterator<Item = f64> + '_) {
        (std::iter::empty(), std::iter::empty())
    }
    fn try_from_triplets(
        _: usize,
        _: usize,
        _: Vec<(usize, usize)>,
        _: Vec<f64>,
        _: FaerContext,
    ) -> Result<Self, LaError> {
        Err(LaError::Other(UNUSED.into()))
    }
}

impl LowRankMatrix {
    /// `out` ← diag(JᵀHJ, …) x.
    fn stiffness_times(&self, x: &[f64], out: &mut [f64]) {
        let mut offset = 0;
        for block in self.blocks.iter().flat_map(|b| b.iter()) {
            let p = block.jacobian.ncols();
            let outputs = block.times(&x[offset..offset + p]);
            let weighted = block.weighted(&outputs);
            block.add_transposed(&weighted, 1.0, &mut out[offset..offset + p]);
            offset += p;
        }
    }
}

impl Block {
    /// J b.
    fn times(&self, b: &[f64]) -> Vec<f64> {
        let (n, p) = self.jacobian.shape();
        let mut out = vec![0.0; n];
        let view = column_major(self.jacobian.as_slice(), n, p);
        gemm(column_major_mut(&mut out, n, 1), false, view, column_major(b, p, 1), 1.0);
        out
    }

    /// H v.
    fn weighted(&self, v: &[f64]) -> Vec<f64> {
        let n = v.len();
        let mut out = vec![0.0; n];
        let view = column_major(self.hessian.as_slice(), n, n);
        gemm(column_major_mut(&mut out, n, 1), false, view, column_major(v, n, 1), 1.0);
        out
    }

    /// `b` += s Jᵀ v.
    fn add_transposed(&self, v: &[f64], s: f64, b: &mut [f64]) {
        let (n, p) = self.jacobian.shape();
        let view = column_major(self.jacobian.as_slice(), n, p).transpose();
        gemm(column_major_mut(b, p, 1), true, view, column_major(v, n, 1), s);
    }
}

/// (e Id + c JᵀHJ)⁻¹ = e⁻¹ [Id − a Jᵀ (Id + a HK)⁻¹ H J], a = c/e, block by block.
#[derive(Default)]
pub(super) struct Woodbury {
    matrix: Option<LowRankMatrix>,
    factors: Vec<Lu>,
}

impl diffsol_la::LinearSolver<LowRankMatrix> for Woodbury {
    fn set_sparsity<O>(&mut self, op: &O)
    where
        O: LaLinearOp<V = FaerVec<f64>, T = f64, M = LowRankMatrix, C = FaerContext>,
    {
        self.matrix = Some(LowRankMatrix::zeros(op.nrows(), op.ncols(), *op.context()));
    }

    fn set_linearisation<O>(&mut self, op: &O)
    where
        O: LaLinearOp<V = FaerVec<f64>, T = f64, M = LowRankMatrix, C = FaerContext>,
    {
        let Some(matrix) = &mut self.matrix else { return };
        op.matrix_inplace(matrix);
        let a = matrix.coef / matrix.eye;
        let factor = |block: &Block| {
            let n = block.product.nrows();
            Lu::new(&(DMatrix::identity(n, n) + &block.product * a))
        };
        self.factors = matrix.blocks.iter().flat_map(|b| b.iter()).map(factor).collect();
    }

    fn solve_in_place(&self, b: &mut FaerVec<f64>) -> Result<(), LaError> {
        let matrix = self.matrix.as_ref().ok_or_else(|| LaError::Other("no matrix".into()))?;
        let b = b.inner_mut().col_as_slice_mut(0);
        b.iter_mut().for_each(|b| *b /= matrix.eye);
        let mut offset = 0;
        for (block, factors) in matrix.blocks.iter().flat_map(|b| b.iter()).zip(&self.factors) {
            let part = &mut b[offset..offset + block.jacobian.ncols()];
            let mut v = block.weighted(&block.times(part));
            factors.solve(&mut v);
            block.add_transposed(&v, -matrix.coef / matrix.eye, part);
            offset += block.jacobian.ncols();
        }
        Ok(())
    }

    fn solve_transpose_in_place(&self, b: &mut FaerVec<f64>) -> Result<(), LaError> {
        // JᵀHJ is symmetric.
        self.solve_in_place(b)
    }
}
