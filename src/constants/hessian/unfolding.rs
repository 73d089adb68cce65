//! Norms of matrices that come in blocks of columns: `‖A‖ = √‖AAᵀ‖`, the Gram matrix being summed up block by block.

use crate::constants::verified::{TINY, frobenius, gamma, symmetric_norm};
use crate::linalg::{column_major, gram_of};
use crate::scalar::{add_up, mul_up, norm_up, sqrt_up};
use nalgebra::DMatrix;

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
