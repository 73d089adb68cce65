//! What gradient descent on the linearization does, in closed form (Chizat et al. 2019, §3.1: the plateau of Figure 1(c)).
//!
//! With K = J₀J₀ᵀ on the training samples and K̃ = J̃₀J₀ᵀ between test and training samples, k steps of length η on
//! 1/(2n) ‖ȳ − y*‖² from h(w₀) = 0 predict on the test samples
//!
//! ```text
//! ỹₖ = K̃ K⁺ (I − (I − (η/n) K)ᵏ) y*.
//! ```

use super::students::{Student, half_mean_square};
use crate::linalg::{column_major, column_major_mut, gemm, symmetric_eigen};
use crate::model::Differentiable;
use crate::solve::no_modes;
use crate::{Result, linalg};
use nalgebra::DMatrix;

/// Iterates predicted together.
const BLOCK: usize = 64;

/// The linearization of a student at its start, in the modes of its kernel.
pub(super) struct LinearDescent<'a> {
    student: &'a Student,
    /// λ of K.
    eigenvalues: Vec<f64>,
    /// K̃ times the modes, n' × n.
    across: DMatrix<f64>,
    /// The target in the modes.
    parts: Vec<f64>,
}

impl<'a> LinearDescent<'a> {
    /// From the neurons times `tau`.
    pub(super) fn at(student: &'a Student, tau: f64) -> Result<Self> {
        let start = student.start(tau);
        let (n, test) = (student.net.samples(), student.elsewhere.samples());
        // The kernel of all samples at once holds K, and K̃ below it.
        let columns = |j: usize| match j.checked_sub(n) {
            None => student.net.inputs().column(j),
            Some(j) => student.elsewhere.inputs().column(j),
        };
        let all: Vec<_> = (0..n + test).map(columns).collect();
        let joint = student.net.with_inputs(DMatrix::from_columns(&all))?.kernel(&start);
        let k = joint.view((0, 0), (n, n)).into_owned();
        let below = joint.view((n, 0), (test, n)).into_owned();
        let (eigenvalues, modes) = symmetric_eigen(&k).ok_or_else(no_modes)?;
        let mut across = DMatrix::zeros(test, n);
        gemm(
            column_major_mut(across.as_mut_slice(), test, n),
            false,
            column_major(below.as_slice(), test, n),
            column_major(modes.as_slice(), n, n),
            1.0,
        );
        let mut parts = vec![0.0; n];
        linalg::multiply(&mut parts, false, &modes, true, &student.target);
        Ok(LinearDescent { student, eigenvalues, across, parts })
    }

    /// (1 − (1 − x)ᵏ)/λ with x = ηλ/n, whose limit for λ → 0 is kη/n.
    fn filter(&self, lambda: f64, step: f64, k: usize) -> f64 {
        let rate = step / self.parts.len() as f64;
        let (x, k) = (lambda * rate, k as f64);
        if x.abs() < 1e-300 {
            return k * rate;
        }
        // ln|1 − x| is accurate for small x; beyond 1 the sign alternates.
        if x < 1.0 {
            return -(k * (-x).ln_1p()).exp_m1() / lambda;
        }
        let odd = k % 2.0 == 1.0;
        let power = (x - 1.0).powf(k);
        (1.0 - if odd { -power } else { power }) / lambda
    }

    /// The test loss after 0, `stride`, 2 `stride`, … and `iterations` steps of length `step`: the last, and the least.
    pub(super) fn end_and_best(&self, step: f64, iterations: usize, stride: usize) -> (f64, f64) {
        let mut wanted: Vec<usize> = (0..iterations).step_by(stride).collect();
        wanted.push(iterations);
        let (test, n) = self.across.shape();
        let (mut end, mut best) = (f64::NAN, f64::INFINITY);
        for block in wanted.chunks(BLOCK) {
            let filtered = DMatrix::from_fn(n, block.len(), |i, j| {
                self.filter(self.eigenvalues[i].max(0.0), step, block[j]) * self.parts[i]
            });
            let mut y = DMatrix::zeros(test, block.len());
            gemm(
                column_major_mut(y.as_mut_slice(), test, block.len()),
                false,
                column_major(self.across.as_slice(), test, n),
                column_major(filtered.as_slice(), n, block.len()),
                1.0,
            );
            for y in y.column_iter() {
                end = half_mean_square(y.as_slice(), &self.student.test_target);
                best = best.min(end);
            }
        }
        (end, best)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Order;
    use super::super::students::{Neurons, Sizes, Student};
    use super::*;
    use crate::solve::GradientDescent;

    /// The plain twin: descent itself, on the linearization.
    #[test]
    fn the_closed_form_is_descent_on_the_linearization() {
        let sizes = Sizes { d: 4, n: 12, test: 9, width: 6 };
        let student =
            Student::drawn(&Order::default(), sizes, Neurons::GaussianDoubled, 0).unwrap();
        let (tau, step, iterations) = (1.5, 0.05, 300);
        let flow = student.flow(tau);
        let linear = flow.linearized();
        let (mut end, mut best) = (f64::NAN, f64::INFINITY);
        let mut y = vec![0.0; 9];
        GradientDescent { step }
            .descend(&linear, iterations, &mut |at| {
                student.elsewhere.jvp(&flow.start, at.displacement, &mut y);
                end = student.test_loss(&y);
                if at.number % 10 == 0 {
                    best = best.min(end);
                }
            })
            .unwrap();
        let closed = LinearDescent::at(&student, tau).unwrap();
        let found = closed.end_and_best(step, iterations, 10);
        approx::assert_relative_eq!(found.0, end, max_relative = 1e-10);
        approx::assert_relative_eq!(found.1, best, max_relative = 1e-10);
    }
}
