//! The closed form of training a linear model, given its kernel alone.

use super::Schedule;
use crate::linalg::symmetric_eigen;
use crate::solve::no_modes;
use crate::{Error, Result};
use nalgebra::{DMatrix, DVector};

/// A kernel Θ over the training inputs, decomposed: what any [`Schedule`] does under ½ Σ (f − y)².
///
/// With r₀ = f₀(X) − y the residual at the start, training leaves p(Θ) r₀ of it, moves the weights by −J₀ᵀ q(Θ) r₀ with
/// q(λ) = (1 − p(λ))/λ, and elsewhere predicts (Lee et al. 2019, eqs. 8–11)
///
/// ```text
/// f(x) = f₀(x) − Θ(x, X) q(Θ) r₀.
/// ```
#[derive(Debug, Clone)]
pub struct KernelTraining {
    lambda: Vec<f64>,
    vectors: DMatrix<f64>,
    /// λ at or below this is zero to working precision.
    cutoff: f64,
}

impl KernelTraining {
    /// Of a symmetric positive semi-definite `kernel`, N × N.
    ///
    /// # Errors
    /// [`Error::Shape`] for one that is not square; [`Error::Integration`] for one that is not finite.
    ///
    /// ```
    /// use gradflow::theory::{KernelTraining, Schedule};
    /// use nalgebra::dmatrix;
    /// let training = KernelTraining::new(&dmatrix![3.0, 0.0; 0.0, 1.0])?;
    /// assert_eq!(training.critical_rate(), 0.5); // 2/(λ_min + λ_max)
    /// let left = training.residual(&dmatrix![1.0; 1.0], Schedule::Descent { rate: 0.5, steps: 3 })?;
    /// assert!((left[0].abs() - 0.125).abs() < 1e-15 && (left[1] - 0.125).abs() < 1e-15); // both modes at ½ a step
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(kernel: &DMatrix<f64>) -> Result<Self> {
        let n = kernel.nrows();
        check("kernel", kernel.shape(), (n, n))?;
        let (values, vectors) = symmetric_eigen(kernel).ok_or_else(no_modes)?;
        let cutoff = values.first().map_or(0.0, |l| l * n as f64 * f64::EPSILON);
        let lambda = values.into_iter().map(|l| l.max(0.0)).collect();
        Ok(KernelTraining { lambda, vectors, cutoff })
    }

    /// λ₁ ≥ λ₂ ≥ … ≥ 0.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.lambda
    }

    /// `η_crit` = 2/(`λ_min` + `λ_max`) (Lee et al. 2019, Theorem 2.1): below it descent converges in all modes.
    pub fn critical_rate(&self) -> f64 {
        let ends = self.lambda.first().zip(self.lambda.last());
        ends.map_or(f64::INFINITY, |(most, least)| 2.0 / (most + least))
    }

    /// p(Θ) r₀, a column for each column of `residual`, N × k.
    ///
    /// # Errors
    /// [`Error::Shape`] unless there are N rows; [`Error::Value`] for a schedule that no training has.
    pub fn residual(&self, residual: &DMatrix<f64>, schedule: Schedule) -> Result<DMatrix<f64>> {
        self.filtered(residual, schedule, Schedule::left)
    }

    /// q(Θ) r₀, a column for each column of `residual`, N × k: −J₀ᵀ times it is what the weights move by.
    ///
    /// # Errors
    /// As [`KernelTraining::residual`].
    pub fn moved(&self, residual: &DMatrix<f64>, schedule: Schedule) -> Result<DMatrix<f64>> {
        self.filtered(residual, schedule, Schedule::moved)
    }

    /// f over other inputs, n' × k, from f₀ there, the kernel `across` = Θ(x, X), n' × N, and `residual` = r₀, N × k.
    ///
    /// # Errors
    /// As [`KernelTraining::residual`], and [`Error::Shape`] where `across` or `before` do not fit.
    pub fn outputs(
        &self,
        before: &DMatrix<f64>,
        across: &DMatrix<f64>,
        residual: &DMatrix<f64>,
        schedule: Schedule,
    ) -> Result<DMatrix<f64>> {
        check("kernel across", across.shape(), (before.nrows(), self.lambda.len()))?;
        check("outputs at the start", before.shape(), (across.nrows(), residual.ncols()))?;
        Ok(before - across * self.moved(residual, schedule)?)
    }

    fn filtered(
        &self,
        residual: &DMatrix<f64>,
        schedule: Schedule,
        of: fn(Schedule, f64, f64) -> f64,
    ) -> Result<DMatrix<f64>> {
        schedule.check()?;
        check("residual", residual.shape(), (self.lambda.len(), residual.ncols()))?;
        let factors: Vec<f64> =
            self.lambda.iter().map(|lambda| of(schedule, *lambda, self.cutoff)).collect();
        let mut parts = self.vectors.tr_mul(residual);
        for mut column in parts.column_iter_mut() {
            column.component_mul_assign(&DVector::from_column_slice(&factors));
        }
        Ok(&self.vectors * parts)
    }
}

pub(super) fn check(what: &str, found: (usize, usize), wanted: (usize, usize)) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    let words = |(rows, columns)| format!("{rows} × {columns}");
    Err(Error::Shape {
        what: what.into(),
        found: words(found),
        wanted: words(wanted),
        remedy: "take all matrices from the same inputs, a row per sample",
    })
}
