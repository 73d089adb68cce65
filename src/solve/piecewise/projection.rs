//! The orthogonal projection to the kinks that a path slides along.

use crate::linalg;
use crate::model::Sparse;
use nalgebra::DMatrix;

/// Id − Nᵀ (N Nᵀ)⁺ N for normals N, one to a row.
#[derive(Debug, Default)]
pub(super) struct Projection {
    normals: Vec<Sparse>,
    /// (N Nᵀ)⁺.
    inverse: DMatrix<f64>,
    fixed: bool,
}

impl Projection {
    /// Along kinks with these normals; `fixed` where they are the same at all weights.
    pub(super) fn along(normals: Vec<Sparse>, fixed: bool) -> Self {
        let count = normals.len();
        let length = normals.iter().flat_map(|n| &n.0).map(|(i, _)| i + 1).max().unwrap_or(0);
        let mut gram = DMatrix::zeros(count, count);
        let mut spread = vec![0.0; length];
        for (i, normal) in normals.iter().enumerate() {
            normal.add_to(1.0, &mut spread);
            for (j, other) in normals.iter().enumerate() {
                gram[(i, j)] = other.dot(&spread);
            }
            normal.0.iter().for_each(|(i, _)| spread[*i] = 0.0);
        }
        Projection { inverse: pseudo_inverse(&gram), normals, fixed }
    }

    /// Whether it is the same at all weights.
    pub(super) fn is_fixed(&self) -> bool {
        self.fixed
    }

    /// Projects `v`, and returns the multiples of the normals that were taken off.
    pub(super) fn apply(&self, v: &mut [f64]) -> Vec<f64> {
        let seen: Vec<f64> = self.normals.iter().map(|normal| -normal.dot(v)).collect();
        let mut multiples = self.reach(&seen, v);
        multiples.iter_mut().for_each(|c| *c = -*c);
        multiples
    }

    /// Adds to `v` the least vector with these products with the normals, and returns its multiples of them.
    pub(super) fn reach(&self, products: &[f64], v: &mut [f64]) -> Vec<f64> {
        let mut multiples = vec![0.0; products.len()];
        if !products.is_empty() {
            linalg::multiply(&mut multiples, false, &self.inverse, false, products);
        }
        for (normal, c) in self.normals.iter().zip(&multiples) {
            normal.add_to(*c, v);
        }
        multiples
    }
}

/// Of a small symmetric matrix without negative eigenvalues: normals may depend on each other.
fn pseudo_inverse(gram: &DMatrix<f64>) -> DMatrix<f64> {
    let Some((values, vectors)) = linalg::symmetric_eigen(gram) else {
        return DMatrix::zeros(gram.nrows(), gram.ncols());
    };
    let floor = 1e-12 * values.first().copied().unwrap_or(0.0);
    let mut scaled = vectors.clone();
    for (mut column, value) in scaled.column_iter_mut().zip(&values) {
        column *= if *value > floor { value.recip() } else { 0.0 };
    }
    scaled * vectors.transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_orthogonal_even_to_normals_that_depend_on_each_other() {
        let normals = vec![
            Sparse(vec![(0, 1.0), (2, 2.0)]),
            Sparse(vec![(0, 2.0), (2, 4.0)]),
            Sparse(vec![(1, 3.0)]),
        ];
        let projection = Projection::along(normals.clone(), true);
        let mut v = vec![1.0, 2.0, 3.0, 4.0];
        projection.apply(&mut v);
        for normal in &normals {
            assert!(normal.dot(&v).abs() < 1e-14);
        }
        // (1, 2, 3, 4) less its parts along (1, 0, 2, 0)/√5 and the second axis.
        approx::assert_abs_diff_eq!(v[..], [-0.4, 0.0, 0.2, 4.0][..], epsilon = 1e-14);
    }
}
