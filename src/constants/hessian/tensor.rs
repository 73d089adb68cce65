//! Certified norms of the symmetric tensors behind homogeneous polynomials of several outputs.
//!
//! Part n of output i is Sᵢ[ε, …, ε] with a symmetric tensor Sᵢ; the norm wanted is
//! sup q·S[u₁, …, uₙ] over unit vectors. Any way to read the tensor as a matrix gives an upper bound, its spectral norm:
//!
//! ```text
//! (k | i, rest)     p rows: a parameter against all else
//! (i, k | rest)     N p rows: an output and a parameter against the rest
//! ```
//!
//! Columns that differ by the order of their indices are kept once, times the root of their number.

use super::unfolding::Unfolding;
use crate::scalar::monomials::{self, Places};
use crate::scalar::{Polynomial, norm_up, positions};
use nalgebra::DMatrix;
use std::rc::Rc;

/// Columns of one block.
const BLOCK: usize = 2048;
/// Rounding errors in an entry: weight, root and two products.
const ROUNDINGS: usize = 16;
/// The largest matrix whose eigenvalues are computed.
const LARGEST: usize = 512;

/// The parts of one degree of all outputs.
pub(super) struct Parts<'a> {
    pub(super) outputs: &'a [Rc<Polynomial>],
    pub(super) params: usize,
    pub(super) degree: usize,
}

impl Parts<'_> {
    /// At least the norm of the tensor of this degree, n ≥ 2.
    pub(super) fn norm(&self) -> f64 {
        let by_parameter = self.by_parameter();
        let rows = self.params * self.outputs.len();
        // For n = 2 the second reading is the first with the outputs on the other side.
        if self.degree == 3 && rows <= LARGEST {
            by_parameter.min(self.by_output_and_parameter())
        } else {
            by_parameter
        }
    }

    /// At least the norm of the tensor that this degree lacks by rounding.
    pub(super) fn error(&self) -> f64 {
        norm_up(self.outputs.iter().map(|p| p.errors[self.degree]))
    }

    fn by_parameter(&self) -> f64 {
        let mut unfolding = Unfolding::new(self.params);
        for p in self.outputs.iter() {
            self.blocks(p, |block| unfolding.append(&block, &p.support));
        }
        unfolding.norm(ROUNDINGS)
    }

    /// Row i p + k; all columns of one monomial block at once, so that outputs meet in the same columns.
    fn by_output_and_parameter(&self) -> f64 {
        let rows = self.params * self.outputs.len();
        let columns = monomials::count(self.params, self.degree - 1);
        let all: Vec<usize> = (0..rows).collect();
        let places = Places::new(self.params);
        let mut a = DMatrix::zeros(rows, columns);
        for (i, p) in self.outputs.iter().enumerate() {
            let identity: Vec<usize> = positions(&p.support, &(0..self.params).collect::<Vec<_>>());
            self.columns(p, |rest, column| {
                let lifted: Vec<usize> = rest.iter().map(|&k| identity[k]).collect();
                let to = places.of(&lifted);
                for (k, x) in column.iter().enumerate() {
                    a[(i * self.params + identity[k], to)] = *x;
                }
            });
        }
        let mut unfolding = Unfolding::new(rows);
        unfolding.append(&a, &all);
        unfolding.norm(ROUNDINGS)
    }

    fn blocks(&self, p: &Polynomial, mut with: impl FnMut(DMatrix<f64>)) {
        let s = p.support.len();
        let mut block: Vec<f64> = Vec::with_capacity(s * BLOCK);
        self.columns(p, |_, column| {
            block.extend_from_slice(column);
            if block.len() == s * BLOCK {
                with(DMatrix::from_column_slice(s, BLOCK, &block));
                block.clear();
            }
        });
        if !block.is_empty() {
            with(DMatrix::from_column_slice(s, block.len() / s, &block));
        }
    }

    /// Calls `with` for each monomial of degree n − 1 of the support: its variables, and the column of the tensor's
    /// entries with one more variable.
    fn columns(&self, p: &Polynomial, mut with: impl FnMut(&[usize], &[f64])) {
        let (s, n) = (p.support.len(), self.degree);
        let part = &p.parts[n];
        if part.is_empty() {
            return;
        }
        let places = Places::new(s);
        let mut column = vec![0.0; s];
        for rest in monomials::all(s, n - 1) {
            let rest = &rest[..n - 1];
            let inverse = monomials::weight(rest);
            for (k, x) in column.iter_mut().enumerate() {
                // The entry is c α!/n!; with α = rest + k, α!/n! = (rest!/(n−1)!) (rest_k + 1)/n.
                let times = rest.iter().filter(|&&j| j == k).count() + 1;
                let c = part[places.of_product(rest, &[k])];
                *x = c * inverse.sqrt() * times as f64 / n as f64;
            }
            with(rest, &column);
        }
    }
}
