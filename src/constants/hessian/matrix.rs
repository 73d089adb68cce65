//! Certified norms of floating-point matrices.
//!
//! For a symmetric M and any Q near to orthogonal, `‖M‖ ≤ ‖QᵀMQ‖/σ_min(Q)² ≤ ‖QᵀMQ‖_∞/(1 − ‖QᵀQ − I‖_∞)`; with Q the
//! computed eigenvectors the quotient is ‖M‖ but for rounding. A product of matrices with n terms an entry, summed in
//! any order, is off by at most γₙ |A| |B| entry by entry, γₙ = n u/(1 − n u) (Higham 2002, §3.5).

use crate::linalg::{column_major, column_major_mut, gemm, gram_of, symmetric_eigen};
use crate::scalar::{add_up, div_up, mul_up, norm_up, sqrt_up, sub_down, sum_up};
use nalgebra::DMatrix;

/// γₙ, rounded up, for n below 10¹².
pub(super) fn gamma(n: usize) -> f64 {
    0.5 * f64::EPSILON * 1.001 * n as f64
}

/// More than the underflows of any product here.
const TINY: f64 = 1e-280;

/// The largest sum of absolute values of a row, rounded up.
fn row_norm(m: &DMatrix<f64>) -> f64 {
    m.row_iter().map(|row| sum_up(row.iter().map(|x| x.abs()))).fold(0.0, f64::max)
}

/// √(Σ xᵢ²), rounded up: at least ‖A‖.
pub(super) fn frobenius(m: &DMatrix<f64>) -> f64 {
    norm_up(m.iter().copied())
}

/// aᵀ b.
fn transposed_product(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
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

/// At least ‖M‖ for a symmetric M; ∞ where it is not finite.
pub(super) fn symmetric_norm(m: &DMatrix<f64>) -> f64 {
    let n = m.nrows();
    let Some((_, q)) = symmetric_eigen(m) else { return f64::INFINITY };
    let mut defect = transposed_product(&q, &q);
    (0..n).for_each(|i| defect[(i, i)] -= 1.0);
    let diagonal = transposed_product(&q, &transposed_product(m, &q));
    let (rows, columns, size) = (row_norm(&q), row_norm(&q.transpose()), row_norm(m));
    // |fl(QᵀQ − I) − (QᵀQ − I)| ≤ γₙ₊₂ |Qᵀ||Q| and, for both products together, ≤ γ₂ₙ₊₂ |Qᵀ||M||Q|.
    let defect = add_up(row_norm(&defect), mul_up(gamma(n + 2), mul_up(rows, columns)));
    let rounding = mul_up(gamma(2 * n + 2), mul_up(mul_up(rows, columns), size));
    let rest = sub_down(1.0, defect);
    if rest <= 0.0 {
        return frobenius(m);
    }
    div_up(add_up(add_up(row_norm(&diagonal), rounding), TINY), rest).min(frobenius(m))
}

/// Collects A Aᵀ of a matrix that comes in blocks of columns, for ‖A‖ = √‖A Aᵀ‖.
pub(super) struct Unfolding {
    gram: DMatrix<f64>,
    /// √(Σ of squares), rounded up.
    size: f64,
    terms: usize,
}

impl Unfolding {
    pub(super) fn new(rows: usize) -> Self {
        Unfolding { gram: DMatrix::zeros(rows, rows), size: 0.0, terms: 0 }
    }

    /// Appends columns; row i of the block is row `rows[i]` of A.
    pub(super) fn append(&mut self, block: &DMatrix<f64>, rows: &[usize]) {
        let gram = gram_of(column_major(block.as_slice(), block.nrows(), block.ncols()));
        for (j, &to_j) in rows.iter().enumerate() {
            for (i, &to_i) in rows.iter().enumerate() {
                self.gram[(to_i, to_j)] += gram[(i, j)];
            }
        }
        self.size = norm_up([self.size, frobenius(block)]);
        self.terms += block.ncols() + 1;
    }

    /// At least ‖A‖, each entry of A being off by at most `roundings` of its ulps' halves.
    pub(super) fn norm(&self, roundings: usize) -> f64 {
        // ‖fl(AAᵀ) − AAᵀ‖ ≤ γ ‖A‖_F².
        let error = mul_up(gamma(self.terms + 2), mul_up(self.size, self.size));
        let norm = sqrt_up(add_up(add_up(symmetric_norm(&self.gram), error), TINY));
        add_up(norm, mul_up(gamma(roundings + 1), self.size)).min(mul_up(self.size, 1.001))
    }
}
