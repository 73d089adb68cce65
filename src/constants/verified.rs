//! Norms of floating-point matrices, from above.
//!
//! For a symmetric M and any Q near to orthogonal, `‖M‖ ≤ ‖QᵀMQ‖/σ_min(Q)² ≤ ‖QᵀMQ‖_∞/(1 − ‖QᵀQ − I‖_∞)`; with Q the
//! computed eigenvectors the quotient is ‖M‖ but for rounding. A product with n terms an entry, summed in any order, is
//! off by at most γₙ|A||B|, γₙ = n u/(1 − n u) (Higham 2002, §3.5).

use crate::linalg::{column_major, column_major_mut, gemm, gram_of, symmetric_eigen};
use crate::scalar::{add_up, div_up, mul_up, norm_up, sqrt_up, sub_down, sum_up};
use nalgebra::DMatrix;

/// The largest matrix that is decomposed; larger ones are bounded by the sums of their rows and columns.
pub(super) const DECOMPOSED: usize = 700;
/// More than the underflows of any product here.
pub(super) const TINY: f64 = 1e-280;

/// γₙ, rounded up, for n below 10¹².
pub(super) fn gamma(n: usize) -> f64 {
    0.5 * f64::EPSILON * 1.001 * n as f64
}

/// √(Σ xᵢ²), rounded up: at least ‖A‖.
pub(super) fn frobenius(m: &DMatrix<f64>) -> f64 {
    norm_up(m.as_slice().iter().copied())
}

/// The largest sum of absolute values of a row, rounded up.
fn row_norm(m: &DMatrix<f64>) -> f64 {
    m.row_iter().map(|row| sum_up(row.iter().map(|x| x.abs()))).fold(0.0, f64::max)
}

/// op(a) b, where op transposes or not.
pub(super) fn product(a: &DMatrix<f64>, transpose: bool, b: &DMatrix<f64>) -> DMatrix<f64> {
    let view = column_major(a.as_slice(), a.nrows(), a.ncols());
    let view = if transpose { view.transpose() } else { view };
    let rows = view.nrows();
    let mut out = DMatrix::zeros(rows, b.ncols());
    let target = column_major_mut(out.as_mut_slice(), rows, b.ncols());
    gemm(target, false, view, column_major(b.as_slice(), b.nrows(), b.ncols()), 1.0);
    out
}

/// At least ‖M‖ for a symmetric M; ∞ where it is not finite.
pub(super) fn symmetric_norm(m: &DMatrix<f64>) -> f64 {
    let n = m.nrows();
    let size = row_norm(m);
    if n > DECOMPOSED {
        return size.min(frobenius(m));
    }
    let Some((_, q)) = symmetric_eigen(m) else { return f64::INFINITY };
    let mut defect = product(&q, true, &q);
    (0..n).for_each(|i| defect[(i, i)] -= 1.0);
    let diagonal = product(&q, true, &product(m, false, &q));
    let factors = mul_up(row_norm(&q), row_norm(&q.transpose()));
    // |fl(QᵀQ − I) − (QᵀQ − I)| ≤ γₙ₊₂ |Qᵀ||Q| and, for both products together, ≤ γ₂ₙ₊₂ |Qᵀ||M||Q|.
    let defect = add_up(row_norm(&defect), mul_up(gamma(n + 2), factors));
    let rounding = mul_up(gamma(2 * n + 2), mul_up(factors, size));
    let rest = sub_down(1.0, defect);
    if rest <= 0.0 {
        return size.min(frobenius(m));
    }
    div_up(add_up(add_up(row_norm(&diagonal), rounding), TINY), rest).min(size).min(frobenius(m))
}

/// At least √‖G‖ for a Gram matrix whose entries are computed with relative errors of `roundings` half-ulps of
/// √(Gᵢᵢ Gⱼⱼ), of which the matrix of norms has the norm `trace`.
pub(super) fn root_of_gram(gram: &DMatrix<f64>, roundings: usize, trace: f64) -> f64 {
    let error = add_up(mul_up(gamma(roundings), trace), TINY);
    sqrt_up(add_up(symmetric_norm(gram), error)).min(sqrt_up(add_up(trace, error)))
}

/// At least ‖A + E‖ where ‖E‖ ≤ `error`.
pub(super) fn norm(a: &DMatrix<f64>, error: f64) -> f64 {
    let size = frobenius(a);
    let (rows, columns) = a.shape();
    if rows.min(columns) > DECOMPOSED {
        let by_sums = sqrt_up(mul_up(row_norm(a), row_norm(&a.transpose())));
        return add_up(size.min(by_sums), error);
    }
    let view = column_major(a.as_slice(), rows, columns);
    let gram = if rows <= columns { gram_of(view) } else { gram_of(view.transpose()) };
    let root = root_of_gram(&gram, rows.max(columns) + 2, mul_up(size, size));
    add_up(root.min(size), error)
}

/// A matrix and how far the true one may be from it, in the Frobenius norm.
#[derive(Debug, Clone)]
pub(super) struct Approximate {
    pub(super) matrix: DMatrix<f64>,
    pub(super) error: f64,
}

impl Approximate {
    /// At least the norm of the true matrix.
    pub(super) fn norm(&self) -> f64 {
        norm(&self.matrix, self.error)
    }

    /// The product, with the rounding of its own.
    pub(super) fn times(&self, o: &Self) -> Self {
        let (a, b) = (frobenius(&self.matrix), frobenius(&o.matrix));
        let rounding = mul_up(gamma(o.matrix.nrows() + 2), mul_up(a, b));
        let carried = [mul_up(a, o.error), mul_up(self.error, b), mul_up(self.error, o.error)];
        Approximate {
            matrix: product(&self.matrix, false, &o.matrix),
            error: sum_up(carried.into_iter().chain([rounding, TINY])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn norms_are_just_above_the_singular_values() {
        for (seed, (rows, columns)) in [(5, 5), (3, 40), (60, 7), (1, 1)].into_iter().enumerate() {
            let mut generator = Generator::seeded(seed as u64);
            let a = DMatrix::from_vec(rows, columns, generator.gaussians(rows * columns));
            let svd = crate::linalg::thin_svd(&a).expect("finite").values[0];
            let found = norm(&a, 0.0);
            // The decomposition itself is good to a few dozen ulps.
            assert!(found >= svd * (1.0 - 1e-14) && found <= svd * (1.0 + 1e-12), "{found} {svd}");
        }
    }
}
