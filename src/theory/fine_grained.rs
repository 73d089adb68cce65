//! Fine-grained analysis of wide two-layer networks (Arora, Du, Hu, Li, Wang 2019, *Fine-grained analysis of optimization and
//! generalization for overparameterized two-layer neural networks*).
//!
//! **Setting.** f(x) = m^(−½) Σᵣ aᵣ relu(wᵣ·x), aᵣ = ±1 held, wᵣ ~ N(0, κ² Id) trained by descent of step η on
//! ½‖y − u‖², u = f(X); ‖xᵢ‖ = 1, no two inputs parallel. The kernel of infinitely many neurons, positive definite,
//!
//! ```text
//! H∞ᵢⱼ = xᵢ·xⱼ (π − arccos xᵢ·xⱼ)/(2π) = Σ λᵢ vᵢvᵢᵀ.
//! ```
//!
//! **Theorem 4.1.** ‖y − u(k)‖ = √(Σ (1 − ηλᵢ)^(2k) (vᵢ·y)²) ± ε for m large enough (Ω(n⁷/(λ₀⁴κ²δ⁴ε²))) and κ, η small
//! enough: labels along the leading eigenvectors are learnt fast.
//!
//! **Lemma 5.3.** ‖W(k) − W(0)‖_F → √(yᵀ(H∞)⁻¹y) + small; on the linear sequence it is the norm of
//! (H∞)^(−½)(Id − (Id − ηH∞)ᵏ)y.
//!
//! **Theorem 5.1.** For losses in [0, 1], 1-Lipschitz and 0 where right, the population's is at most
//! √(2yᵀ(H∞)⁻¹y/n) + O(√(log(n/(λ₀δ))/n)): the complexity measure.
//!
//! **Theorem 6.1.** For yᵢ = α(β·xᵢ)ᵖ, p = 1 or even: √(yᵀ(H∞)⁻¹y) ≤ 3p|α|‖β‖ᵖ.
//!
//! **Departure.** The work takes κ → 0 for f ≈ 0 at the start; where m is moderate neurons then move by more than their size. We
//! take κ = 1 and double the start, so that f = 0 there exactly, and u(0) = 0 in the formulas.

use super::LayerKernels;
use crate::linalg::{norm, symmetric_eigen};
use crate::solve::no_modes;
use crate::{Error, Result};
use nalgebra::{DMatrix, DVector};

/// How far from 1 a norm may be.
const UNIT: f64 = 1e-9;

/// H∞ of n inputs, decomposed.
#[derive(Debug, Clone)]
pub struct FineGrained {
    eigenvalues: Vec<f64>,
    vectors: DMatrix<f64>,
}

impl FineGrained {
    /// Of `inputs`, d × n, unit columns.
    ///
    /// # Errors
    /// [`Error::Value`] for a column that is not of norm 1, and where H∞ is singular to working precision: parallel inputs.
    ///
    /// ```
    /// use gradflow::theory::FineGrained;
    /// use nalgebra::dmatrix;
    /// // Two orthogonal inputs: H∞ = ½ Id, the measure is √(2 · 2‖y‖²/2).
    /// let fine = FineGrained::of(&dmatrix![1.0, 0.0; 0.0, 1.0])?;
    /// assert_eq!(fine.eigenvalues(), [0.5, 0.5]);
    /// assert!((fine.measure(&[1.0, 1.0])? - 2.0).abs() < 1e-15);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn of(inputs: &DMatrix<f64>) -> Result<Self> {
        let kernel = FineGrained::kernel(inputs, inputs)?;
        let (eigenvalues, vectors) = symmetric_eigen(&kernel).ok_or_else(no_modes)?;
        let [first, last] =
            [eigenvalues.first(), eigenvalues.last()].map(|l| l.copied().unwrap_or(0.0));
        if last <= first * inputs.ncols() as f64 * f64::EPSILON {
            let wanted = "a positive number: no two inputs parallel, and at least one input";
            return Err(Error::value("least eigenvalue of H∞", last, wanted));
        }
        Ok(FineGrained { eigenvalues, vectors })
    }

    /// H∞ between two sets of inputs, n × n' for d × n and d × n', unit columns.
    ///
    /// # Errors
    /// [`Error::Value`] for a column that is not of norm 1; [`Error::Shape`] for inputs of two dimensions.
    pub fn kernel(inputs: &DMatrix<f64>, others: &DMatrix<f64>) -> Result<DMatrix<f64>> {
        for (i, x) in inputs.column_iter().chain(others.column_iter()).enumerate() {
            let size = norm(x.as_slice());
            if (size - 1.0).abs() > UNIT || size.is_nan() {
                return Err(Error::value(format!("norm of input {i}"), size, "1"));
            }
        }
        let mut kernel = DMatrix::zeros(inputs.ncols(), others.ncols());
        for (i, x) in inputs.column_iter().enumerate() {
            for (j, z) in others.column_iter().enumerate() {
                // The inner layer's kernel with E a² = 1.
                let pair = [x.as_slice(), z.as_slice()];
                kernel[(i, j)] = LayerKernels::relu_limit(pair, 1.0, 0.0)?.inner;
            }
        }
        Ok(kernel)
    }

    /// λ₁ ≥ … ≥ λₙ > 0.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigenvalues
    }

    /// vᵢ of length n, counting from 0 at the largest λ; nothing beyond the last.
    pub fn eigenvector(&self, i: usize) -> Option<Vec<f64>> {
        (i < self.eigenvalues.len()).then(|| self.vectors.column(i).as_slice().to_vec())
    }

    fn fits(&self, what: &str, found: usize) -> Result<()> {
        if found == self.eigenvalues.len() {
            return Ok(());
        }
        Err(Error::Shape {
            what: what.into(),
            found: found.to_string(),
            wanted: self.eigenvalues.len().to_string(),
            remedy: "give one label for each of the inputs that H∞ is of",
        })
    }

    /// Σ weight(λᵢ) (vᵢ·y)².
    fn projected(&self, y: &[f64], weight: impl Fn(f64) -> f64) -> Result<f64> {
        self.fits("labels y", y.len())?;
        let pairs = self.vectors.column_iter().zip(&self.eigenvalues);
        let part = |v: &[f64]| v.iter().zip(y).map(|(v, y)| v * y).sum::<f64>();
        Ok(pairs.map(|(v, lambda)| weight(*lambda) * part(v.as_slice()).powi(2)).sum())
    }

    /// ‖y − u(k)‖ of Theorem 4.1 after `steps` of length `eta` from u = 0; y has length n.
    ///
    /// # Errors
    /// [`Error::Shape`] for a y of another length, here and in what follows.
    pub fn residual(&self, y: &[f64], eta: f64, steps: u32) -> Result<f64> {
        Ok(self.projected(y, |lambda| power(1.0 - eta * lambda, steps).powi(2))?.sqrt())
    }

    /// ‖W(k) − W(0)‖_F of the linear sequence.
    ///
    /// # Errors
    /// As [`FineGrained::residual`].
    pub fn distance(&self, y: &[f64], eta: f64, steps: u32) -> Result<f64> {
        let moved = |lambda: f64| (1.0 - power(1.0 - eta * lambda, steps)).powi(2) / lambda;
        Ok(self.projected(y, moved)?.sqrt())
    }

    /// √(yᵀ(H∞)⁻¹y), the distance in the end.
    ///
    /// # Errors
    /// As [`FineGrained::residual`].
    pub fn least_norm(&self, y: &[f64]) -> Result<f64> {
        Ok(self.projected(y, |lambda| 1.0 / lambda)?.sqrt())
    }

    /// √(2yᵀ(H∞)⁻¹y/n), the complexity measure of Theorem 5.1.
    ///
    /// # Errors
    /// As [`FineGrained::residual`].
    pub fn measure(&self, y: &[f64]) -> Result<f64> {
        Ok(self.least_norm(y)? * (2.0 / self.eigenvalues.len() as f64).sqrt())
    }

    /// What the infinitely wide network predicts once trained to y: `across`ᵀ(H∞)⁻¹y, of length n', for `across` = H∞ between
    /// the inputs and others, n × n'.
    ///
    /// # Errors
    /// As [`FineGrained::residual`], and for an `across` of another number of rows.
    pub fn predict(&self, y: &[f64], across: &DMatrix<f64>) -> Result<Vec<f64>> {
        self.fits("labels y", y.len())?;
        self.fits("rows of the kernel across", across.nrows())?;
        let mut parts = self.vectors.tr_mul(&DVector::from_column_slice(y));
        parts.iter_mut().zip(&self.eigenvalues).for_each(|(part, lambda)| *part /= lambda);
        Ok(across.tr_mul(&(&self.vectors * parts)).as_slice().to_vec())
    }
}

fn power(base: f64, exponent: u32) -> f64 {
    base.powi(i32::try_from(exponent).unwrap_or(i32::MAX))
}

/// 3p|α|‖β‖ᵖ, Theorem 6.1's bound of √(yᵀ(H∞)⁻¹y) for y = α(β·x)ᵖ.
///
/// # Errors
/// [`Error::Value`] unless p is 1 or even and positive.
///
/// ```
/// use gradflow::theory::polynomial_norm;
/// assert_eq!(polynomial_norm(2, -1.0, 2.0)?, 24.0); // 3 · 2 · 1 · 2²
/// assert!(polynomial_norm(3, 1.0, 1.0).is_err());
/// # Ok::<(), gradflow::Error>(())
/// ```
pub fn polynomial_norm(p: u32, alpha: f64, beta: f64) -> Result<f64> {
    if p != 1 && (p == 0 || p % 2 == 1) {
        return Err(Error::value("power p", p, "1, or an even number from 2 on"));
    }
    Ok(3.0 * f64::from(p) * alpha.abs() * power(beta, p))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linalg::dot;
    use crate::random::Generator;
    use std::f64::consts::PI;

    fn sphere(d: usize, n: usize, seed: u64) -> DMatrix<f64> {
        let mut generator = Generator::seeded(seed);
        DMatrix::from_vec(d, n, (0..n).flat_map(|_| generator.sphere(d)).collect())
    }

    /// The closed form, term by term, and by 2·10⁵ draws of E x·x' 1{w·x ≥ 0} 1{w·x' ≥ 0}, to four standard errors.
    #[test]
    fn the_kernel_is_its_closed_form_and_its_expectation() {
        let x = sphere(4, 3, 0);
        let found = FineGrained::kernel(&x, &x).unwrap();
        let mut generator = Generator::seeded(1);
        let draws = 200_000;
        let mut both = DMatrix::<f64>::zeros(3, 3);
        for _ in 0..draws {
            let w = generator.gaussians(4);
            let on: Vec<bool> = x.column_iter().map(|x| dot(&w, x.as_slice()) >= 0.0).collect();
            both += DMatrix::from_fn(3, 3, |i, j| f64::from(u8::from(on[i] && on[j])));
        }
        for i in 0..3 {
            for j in 0..3 {
                let product = x.column(i).dot(&x.column(j)).clamp(-1.0, 1.0);
                let closed = product * (PI - product.acos()) / (2.0 * PI);
                // acos loses half the digits near 1.
                assert!((found[(i, j)] - closed).abs() < 1e-8);
                let mean = product * both[(i, j)] / f64::from(draws);
                assert!((found[(i, j)] - mean).abs() < 4.0 * 0.5 / f64::from(draws).sqrt());
            }
        }
    }

    /// The formulas beside the descent that they sum up: u ← u − ηH(u − y) and its weights.
    #[test]
    fn residual_and_distance_are_those_of_the_sequence() {
        let (x, n) = (sphere(3, 6, 2), 6);
        let fine = FineGrained::of(&x).unwrap();
        let kernel = FineGrained::kernel(&x, &x).unwrap();
        let y = DVector::from_vec(Generator::seeded(3).gaussians(n));
        let eta = 0.9 / fine.eigenvalues()[0];
        let (mut u, mut sum) = (DVector::zeros(n), DVector::zeros(n));
        for k in 0..40 {
            let off: f64 = (&y - &u).norm();
            assert!((fine.residual(y.as_slice(), eta, k).unwrap() - off).abs() < 1e-12);
            // W(k) − W(0) = Z Σ η(y − u), ZᵀZ = H.
            let moved = sum.dot(&(&kernel * &sum)).sqrt();
            assert!((fine.distance(y.as_slice(), eta, k).unwrap() - moved).abs() < 1e-12);
            let step = (&y - &u) * eta;
            sum += &step;
            u += &kernel * step;
        }
        let far = fine.distance(y.as_slice(), eta, 1_000_000).unwrap();
        assert!((far / fine.least_norm(y.as_slice()).unwrap() - 1.0).abs() < 1e-9);
        assert!(
            fine.predict(y.as_slice(), &kernel)
                .unwrap()
                .iter()
                .zip(&y)
                .all(|(a, b)| (a - b).abs() < 1e-10)
        );
        assert!(fine.eigenvector(n).is_none());
    }

    /// Theorem 6.1 on random inputs, and that it is no empty bound for p = 3, where it says nothing.
    #[test]
    fn polynomials_have_small_norms() {
        let x = sphere(5, 60, 4);
        let fine = FineGrained::of(&x).unwrap();
        let beta = [0.6, 0.0, -0.8, 0.0, 0.0];
        for p in [1, 2, 4, 6] {
            let y: Vec<f64> =
                x.column_iter().map(|x| 2.0 * power(dot(&beta, x.as_slice()), p)).collect();
            let (found, bound) =
                (fine.least_norm(&y).unwrap(), polynomial_norm(p, 2.0, 1.0).unwrap());
            assert!(found <= bound && found > 0.0, "p = {p}: {found} {bound}");
        }
        assert!(polynomial_norm(0, 1.0, 1.0).is_err() && polynomial_norm(5, 1.0, 1.0).is_err());
    }

    /// Theorem 5.1 where the measure is below 1: a linear function, loss min(|f − y|, 1) on fresh inputs.
    #[test]
    fn the_population_loss_is_below_the_measure() {
        let (x, fresh) = (sphere(5, 150, 5), sphere(5, 500, 6));
        let fine = FineGrained::of(&x).unwrap();
        let value = |x: &DMatrix<f64>| x.row(0).iter().copied().collect::<Vec<f64>>();
        let measure = fine.measure(&value(&x)).unwrap();
        let found = fine.predict(&value(&x), &FineGrained::kernel(&x, &fresh).unwrap()).unwrap();
        let losses = found.iter().zip(value(&fresh)).map(|(f, y)| (f - y).abs().min(1.0));
        let loss = losses.sum::<f64>() / 500.0;
        assert!(loss < measure && measure < 0.5, "{loss} {measure}");
    }

    #[test]
    fn inputs_that_are_no_directions_or_parallel_are_refused() {
        let twice = DMatrix::from_column_slice(2, 2, &[0.6, 0.8, 0.6, 0.8]);
        assert!(FineGrained::of(&twice).is_err());
        assert!(FineGrained::of(&(twice * 2.0)).is_err());
        assert!(FineGrained::of(&DMatrix::from_element(2, 1, f64::NAN)).is_err());
        assert!(FineGrained::of(&DMatrix::zeros(2, 0)).is_err());
        assert!(FineGrained::kernel(&sphere(2, 1, 0), &sphere(3, 1, 0)).is_err());
        let fine = FineGrained::of(&sphere(3, 4, 0)).unwrap();
        for y in [&[1.0; 3][..], &[1.0; 5]] {
            assert!(fine.residual(y, 0.1, 3).is_err() && fine.distance(y, 0.1, 3).is_err());
            assert!(fine.measure(y).is_err() && fine.predict(y, &DMatrix::zeros(4, 2)).is_err());
        }
        assert!(fine.predict(&[1.0; 4], &DMatrix::zeros(3, 2)).is_err());
    }
}
