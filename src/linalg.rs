//! Products, decompositions and views: the only file (beside diffsol's matrices in `solve::ode`) that names faer.
//!
//! faer's AVX-512 kernels leave the upper halves of the vector registers dirty, after which `exp` and `tanh` run three
//! to four times slower; [`gemm`] and its relatives clear them. That call and nothing else is why `unsafe` may stand
//! here. Every product runs on one thread: the same bits for any machine load. What is large is cut into blocks by
//! whoever asks, and the blocks are shared out by [`threads`]. Large eigendecompositions alone are shared
//! out by faer, in a fixed number of shares.

use crate::threads;
use faer::diag::DiagMut;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd;
use faer::linalg::matmul::matmul;
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::{Accum, Mat, Par, Spec};
use nalgebra::DMatrix;

/// A matrix seen in place: from [`row_major`] or [`column_major`], transposed by `.transpose()`.
pub(crate) type View<'a> = faer::MatRef<'a, f64>;
/// The same, to write to.
pub(crate) type ViewMut<'a> = faer::MatMut<'a, f64>;

/// A slice as a matrix whose rows are contiguous.
pub(crate) fn row_major(data: &[f64], rows: usize, columns: usize) -> View<'_> {
    View::from_row_major_slice(data, rows, columns)
}

/// The same, to write to.
pub(crate) fn row_major_mut(data: &mut [f64], rows: usize, columns: usize) -> ViewMut<'_> {
    ViewMut::from_row_major_slice_mut(data, rows, columns)
}

/// A slice as a matrix whose columns are contiguous.
pub(crate) fn column_major(data: &[f64], rows: usize, columns: usize) -> View<'_> {
    View::from_column_major_slice(data, rows, columns)
}

/// The same, to write to.
pub(crate) fn column_major_mut(data: &mut [f64], rows: usize, columns: usize) -> ViewMut<'_> {
    ViewMut::from_column_major_slice_mut(data, rows, columns)
}

/// Cuts `matrix` into blocks of `size` columns (the last may have fewer), from the first on.
pub(crate) fn column_blocks<'a>(
    matrix: ViewMut<'a>,
    size: usize,
) -> impl Iterator<Item = ViewMut<'a>> + Send {
    let mut rest = Some(matrix);
    std::iter::from_fn(move || {
        let matrix = rest.take().filter(|matrix| matrix.ncols() > 0)?;
        let size = size.min(matrix.ncols());
        let (block, others) = matrix.split_at_col_mut(size);
        rest = Some(others);
        Some(block)
    })
}

/// Runs `loops` compiled for the best vector instructions that this machine has: what it calls must be inlined into it.
pub(crate) fn vectorized<R>(loops: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(loops)
}

/// `out` ← s a b, or `out` + s a b where `add`.
pub(crate) fn gemm(out: ViewMut<'_>, add: bool, a: View<'_>, b: View<'_>, s: f64) {
    matmul(out, if add { Accum::Add } else { Accum::Replace }, a, b, s, Par::Seq);
    clear_vector_state();
}

/// `out` ← m x, or mᵀ x where `transposed`; or `out` + that where `add`.
pub(crate) fn multiply(out: &mut [f64], add: bool, m: &DMatrix<f64>, transposed: bool, x: &[f64]) {
    let view = column_major(m.as_slice(), m.nrows(), m.ncols());
    let view = if transposed { view.transpose() } else { view };
    let (rows, columns) = (view.nrows(), view.ncols());
    gemm(column_major_mut(out, rows, 1), add, view, column_major(x, columns, 1), 1.0);
}

/// aᵀ b.
pub(crate) fn transposed_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    let mut out = DMatrix::zeros(a.ncols(), b.ncols());
    gemm(
        column_major_mut(out.as_mut_slice(), a.ncols(), b.ncols()),
        false,
        column_major(a.as_slice(), a.nrows(), a.ncols()).transpose(),
        column_major(b.as_slice(), b.nrows(), b.ncols()),
        1.0,
    );
    out
}

/// `out` ← a b; of a square `half` only the lower triangle, the rest of which is left as it is.
pub(crate) fn inner_products(out: ViewMut<'_>, half: bool, a: View<'_>, b: View<'_>) {
    if !half {
        return gemm(out, false, a, b, 1.0);
    }
    let (lower, whole) = (BlockStructure::TriangularLower, BlockStructure::Rectangular);
    triangular::matmul(out, lower, Accum::Replace, a, whole, b, whole, 1.0, Par::Seq);
    clear_vector_state();
}

/// `out` ← a.
pub(crate) fn copy(mut out: ViewMut<'_>, a: View<'_>) {
    out.copy_from(a);
}

/// Sums of rows.
pub(crate) fn row_sums(a: View<'_>) -> impl Iterator<Item = f64> {
    (0..a.nrows()).map(move |i| match a.row(i).try_as_row_major() {
        Some(row) => lane_sum(row.as_slice()),
        None => a.row(i).iter().sum(),
    })
}

/// A matrix of one row, as a slice, where its numbers are contiguous.
pub(crate) fn only_row<'a>(a: View<'a>) -> Option<&'a [f64]> {
    if a.nrows() != 1 {
        return None;
    }
    a.row(0).try_as_row_major().map(|row| row.as_slice())
}

/// The same, to write to.
pub(crate) fn only_row_mut<'a>(a: ViewMut<'a>) -> Option<&'a mut [f64]> {
    if a.nrows() != 1 {
        return None;
    }
    a.row_mut(0).try_as_row_major_mut().map(|row| row.as_slice_mut())
}

/// A sum in eight lanes, in an order that vector code can keep.
fn lane_sum(v: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let chunks = v.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().sum();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, x)| *lane += x);
    }
    lanes.iter().sum::<f64>() + rest
}

/// J Jᵀ, bitwise symmetric: the lower half is computed, the upper copied.
pub(crate) fn gram(j: &DMatrix<f64>) -> DMatrix<f64> {
    gram_of(column_major(j.as_slice(), j.nrows(), j.ncols()))
}

/// The same for any view.
pub(crate) fn gram_of(view: View<'_>) -> DMatrix<f64> {
    let n = view.nrows();
    let mut k = DMatrix::zeros(n, n);
    triangular::matmul(
        column_major_mut(k.as_mut_slice(), n, n),
        BlockStructure::TriangularLower,
        Accum::Replace,
        view,
        BlockStructure::Rectangular,
        view.transpose(),
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
    clear_vector_state();
    k.fill_upper_triangle_with_lower_triangle();
    k
}

/// J = U diag(σ) Vᵀ with min(N, p) terms, σ descending; `None` where J is not finite.
pub(crate) struct ThinSvd {
    /// N × k, orthonormal columns.
    pub(crate) left: DMatrix<f64>,
    /// σ₁ ≥ σ₂ ≥ … ≥ 0.
    pub(crate) values: Vec<f64>,
    /// p × k, orthonormal columns.
    pub(crate) right: DMatrix<f64>,
}

/// The thin singular value decomposition; the singular values of a rectangular J keep twice the digits that the
/// eigenvalues of J Jᵀ have.
pub(crate) fn thin_svd(j: &DMatrix<f64>) -> Option<ThinSvd> {
    if j.iter().any(|x| !x.is_finite()) {
        return None;
    }
    faer::set_global_parallelism(Par::Seq);
    let svd = column_major(j.as_slice(), j.nrows(), j.ncols()).thin_svd().ok();
    clear_vector_state();
    let svd = svd?;
    let values = (0..svd.S().dim()).map(|i| svd.S()[i]).collect();
    Some(ThinSvd { left: from_faer(svd.U()), values, right: from_faer(svd.V()) })
}

/// From this size on an eigendecomposition is shared out among [`SHARES`] threads.
const LARGE: usize = 256;

/// Shares of a large eigendecomposition: how sums are parted depends on their number, so it is the same for any number
/// of threads.
const SHARES: usize = 2;

/// K = U diag(λ) Uᵀ for a symmetric matrix: eigenvalues descending, with their vectors as columns; `None` where K is
/// not finite.
pub(crate) fn symmetric_eigen(k: &DMatrix<f64>) -> Option<(Vec<f64>, DMatrix<f64>)> {
    if k.is_empty() {
        return Some((Vec::new(), k.clone()));
    }
    if k.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let n = k.nrows();
    let (mut values, mut vectors) = (vec![0.0; n], DMatrix::zeros(n, n));
    let mut decompose = |par: Par| {
        let with_vectors = evd::ComputeEigenvectors::Yes;
        let needed = evd::self_adjoint_evd_scratch::<f64>(n, with_vectors, par, Spec::default());
        let done = evd::self_adjoint_evd(
            column_major(k.as_slice(), n, n),
            DiagMut::from_slice_mut(&mut values),
            Some(column_major_mut(vectors.as_mut_slice(), n, n)),
            par,
            MemStack::new(&mut MemBuffer::new(needed)),
            Spec::default(),
        );
        clear_vector_state();
        done.ok()
    };
    if n < LARGE {
        decompose(Par::Seq)?;
    } else {
        threads::in_shares(SHARES, || decompose(Par::rayon(SHARES)))?;
    }
    values.reverse();
    for j in 0..n / 2 {
        vectors.swap_columns(j, n - 1 - j);
    }
    Some((values, vectors))
}

/// The LU factors of a square matrix, with partial pivoting.
pub(crate) struct Lu(faer::linalg::solvers::PartialPivLu<f64>);

impl Lu {
    /// Factors `a`; one that is singular shows as solutions that are not finite.
    pub(crate) fn new(a: &DMatrix<f64>) -> Self {
        let factors = column_major(a.as_slice(), a.nrows(), a.ncols()).partial_piv_lu();
        clear_vector_state();
        Lu(factors)
    }

    /// `b` ← a⁻¹ b.
    pub(crate) fn solve(&self, b: &mut [f64]) {
        use faer::linalg::solvers::Solve;
        let n = b.len();
        self.0.solve_in_place(column_major_mut(b, n, 1));
        clear_vector_state();
    }
}

fn from_faer(m: View<'_>) -> DMatrix<f64> {
    DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)])
}

/// Euclidean norm without overflow or underflow.
pub(crate) fn norm(v: &[f64]) -> f64 {
    let square = dot(v, v);
    // Here no square that matters has overflowed or lost digits.
    if square > 1e-200 && square < 1e200 {
        return square.sqrt();
    }
    let largest = v.iter().fold(0.0_f64, |m, x| if x.is_nan() { f64::NAN } else { m.max(x.abs()) });
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * v.iter().map(|x| (x / largest).powi(2)).sum::<f64>().sqrt()
}

/// ⟨a, b⟩ of two vectors of one length, in eight lanes as [`lane_sum`].
#[inline(always)]
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        lanes.iter_mut().zip(a.iter().zip(b)).for_each(|(lane, (a, b))| *lane += a * b);
    }
    lanes.iter().sum::<f64>() + rest
}

/// Clears the upper halves of the vector registers (`vzeroupper`).
pub(crate) fn clear_vector_state() {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx") {
        // SAFETY: the instruction exists where AVX does, touches no memory, and clears only register halves whose
        // values no caller may rely on across a function call.
        #[allow(unsafe_code, reason = "one instruction without a safe name")]
        unsafe {
            std::arch::x86_64::_mm256_zeroupper();
        }
    }
}

/// Kept for diffsol's side of the border: a dense matrix in its own layout.
pub(crate) fn to_faer(m: &DMatrix<f64>) -> Mat<f64> {
    Mat::from_fn(m.nrows(), m.ncols(), |i, j| m[(i, j)])
}
