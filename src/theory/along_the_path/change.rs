//! Products with G = [Dh(w) − Dh(w₀)]/ε, the scaled change of the differential, ε = 1/α and w = w₀ + εu.
//!
//! Gᵀv is what [`Differentiable::increment`] gives, exactly at every ε ≥ 0. For Gx there are two ways:
//!
//! * *Differences.* Up to α = 1e4, [Dh(w)x − Dh(w₀)x]/ε loses at most four digits. Beyond, with
//!   ρ(u) = [h(w₀ + εu) − h(w₀) − εJ₀u]/ε², which expansions give exactly, Gx is the derivative of ρ at u along x. In u
//!   all derivatives of ρ beyond the second are small (the k-th is ε^(k−2)Dᵏh), so the central difference of fourth order
//!   over a tenth of ‖u‖ is exact but for (‖u‖/10)⁴ε³‖D⁵h‖/30 and a few dozen ulps; at ε = 0 it is exact.
//! * *Rows.* Gᵀ of each unit covector: exact, and gives ‖G‖, at the price of N sweeps.

use crate::linalg;
use crate::model::{Differentiable, Displacement, Shape};
use nalgebra::DMatrix;

/// The α up to which the difference of two products keeps 12 digits.
const PLAIN: f64 = 1e4;

/// G at one point of a path.
pub(in crate::theory) struct Change<'a> {
    pub(in crate::theory) map: &'a dyn Differentiable,
    pub(in crate::theory) start: &'a [f64],
    /// u = (w − w₀)/ε.
    pub(in crate::theory) first: &'a [f64],
    pub(in crate::theory) eps: f64,
}

impl Change<'_> {
    /// Jᵀv and Gᵀv.
    pub(in crate::theory) fn back(&self, v: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let Shape { params, .. } = self.map.shape();
        let (mut base, mut change) = (vec![0.0; params], vec![0.0; params]);
        let zeros = vec![0.0; params];
        let at = Displacement { start: self.start, first: self.first, rest: &zeros, eps: self.eps };
        let mut seed = |_: &[f64], _: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            v0.copy_from_slice(v);
            v1.fill(0.0);
        };
        self.map.increment(at, &mut seed, &mut base, &mut change);
        base.iter_mut().zip(&change).for_each(|(b, c)| *b += self.eps * c);
        (base, change)
    }

    /// Gx by differences.
    pub(in crate::theory) fn forward(&self, x: &[f64]) -> Vec<f64> {
        let (size, length) = (linalg::norm(self.first), linalg::norm(x));
        if size == 0.0 || length == 0.0 {
            return vec![0.0; self.map.shape().outputs];
        }
        if self.eps * PLAIN >= 1.0 { self.plain(x) } else { self.central(x, 0.1 * size / length) }
    }

    fn plain(&self, x: &[f64]) -> Vec<f64> {
        let n = self.map.shape().outputs;
        let (mut there, mut here) = (vec![0.0; n], vec![0.0; n]);
        let w: Vec<f64> =
            self.start.iter().zip(self.first).map(|(w0, u)| w0 + self.eps * u).collect();
        self.map.jvp(&w, x, &mut there);
        self.map.jvp(self.start, x, &mut here);
        there.iter().zip(&here).map(|(a, b)| (a - b) / self.eps).collect()
    }

    fn central(&self, x: &[f64], step: f64) -> Vec<f64> {
        let n = self.map.shape().outputs;
        let (zeros, mut first) = (vec![0.0; x.len()], vec![0.0; n]);
        let mut found = vec![0.0; n];
        for (steps, weight) in [(1.0, 8.0), (-1.0, -8.0), (2.0, -1.0), (-2.0, 1.0)] {
            let moved: Vec<f64> =
                self.first.iter().zip(x).map(|(u, x)| u + steps * step * x).collect();
            let mut rest = vec![0.0; n];
            let at = Displacement { start: self.start, first: &moved, rest: &zeros, eps: self.eps };
            self.map.expand(at, &mut first, &mut rest);
            found.iter_mut().zip(&rest).for_each(|(f, r)| *f += weight * r / (12.0 * step));
        }
        found
    }

    /// G itself, N × p.
    pub(in crate::theory) fn rows(&self) -> DMatrix<f64> {
        let Shape { params, outputs } = self.map.shape();
        let mut rows = DMatrix::zeros(outputs, params);
        let mut unit = vec![0.0; outputs];
        for i in 0..outputs {
            unit[i] = 1.0;
            rows.row_mut(i).copy_from_slice(&self.back(&unit).1);
            unit[i] = 0.0;
        }
        rows
    }

    /// ‖G‖; `None` where it is not finite.
    pub(in crate::theory) fn norm(&self) -> Option<f64> {
        let (values, _) = linalg::symmetric_eigen(&linalg::gram(&self.rows()))?;
        Some(values.first().map_or(0.0, |l| l.max(0.0).sqrt()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TwoLayer;
    use crate::random::Generator;

    /// Differences against exact rows: at α = 1e4 a difference of products loses four of 16 digits and its neighbour on
    /// the other side none; at 100 two; at α = ∞ the central difference is exact. 1e-10 leaves the sums a factor.
    #[test]
    fn both_products_agree() {
        let mut draws = Generator::seeded(4);
        let inputs = DMatrix::from_vec(2, 3, draws.gaussians(6));
        let net = TwoLayer { width: 5, ..TwoLayer::default() }.on(inputs).unwrap();
        let (start, first, x) = (draws.gaussians(15), draws.gaussians(15), draws.gaussians(15));
        for alpha in [1.0, 100.0, 1e4, 1.001e4, 1e6, 1e10, 1e80, f64::INFINITY] {
            let change = Change { map: &net, start: &start, first: &first, eps: alpha.recip() };
            let exact = change.rows() * DMatrix::from_column_slice(15, 1, &x);
            let found = change.forward(&x);
            let off: Vec<f64> = exact.iter().zip(&found).map(|(a, b)| a - b).collect();
            let relative = linalg::norm(&off) / exact.norm();
            assert!(relative < 1e-10, "{relative:e} at α = {alpha}");
        }
    }
}
