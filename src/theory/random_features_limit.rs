//! The limit of the risk in distribution of [`RandomFeatures`]: the theory behind "predictors from independent features have the
//! same risk" (D'Amour et al. 2020; the limit is Mei and Montanari's 2019, *The generalization error of random features regression*).
//!
//! **Setting.** y = β·x + noise of variance s², ‖β‖ = 1, x uniform on √d S^(d−1); f(x) = Σⱼ tⱼ φ(wⱼ·x) of least norm ‖t‖ among the
//! best (λ → 0), N, n, d → ∞ with N/d → ψ₁ and n/d → ψ₂. Of φ(G), G ∼ N(0, 1), less its mean, the part
//! c₁ = (E Gφ(G))²/Var φ(G) is linear.
//!
//! **Limit**, with γ = ψ₁/ψ₂ = lim N/n, b = 1 − c₁, h = c₁ψ₂, D = √((1 − h)² + 4hb), κ = (γ − 1)(1 − h + D)/2 for γ > 1 and 0 below:
//!
//! ```text
//! E (f − β·x)² → (b T₁ + κ(κ + b) T₂)/(1 − v) + s² v/(1 − v),
//! v = γ,                                              T₁ = (ψ₁ m(b/c₁)/c₁ − (ψ₁ − 1)/b)              for γ < 1,
//! 1 − v = (γ − 1)/(1 + (γ − 1)(1 + h + D)/(2D)),      T₁ = (ψ₁ − ψ₂)/κ − (ψ₁ − 1)/(b + κ),
//!                                                     T₂ = ψ₁(v + γ − 2)/(γκ²) − (ψ₁ − 1)/(b + κ)²    for γ > 1,
//! ```
//!
//! m being the Stieltjes transform of Marchenko and Pastur's law of ratio ψ₁.
//!
//! *Derived afresh*: 1. to first order features are Gaussian, as in [`Ridgeless::nonlinear_risk`](super::Ridgeless::nonlinear_risk), where this
//! step is taken for granted too. 2. Then y = θ·features + a residual that is independent of them, with θ = √c₁ Σ⁻¹Wβ,
//! Σ = c₁WWᵀ + b Id, and variance 1 − c₁βᵀWᵀΣ⁻¹Wβ: ridgeless regression with covariance Σ, whose risk is
//! (κ² θᵀΣ(Σ + κ)⁻²θ + variance)/(1 − v). 3. In the eigenvalues q of `WᵀW`, s = c₁q + b, the sum of both parts is the mean of
//! b/(s + κ) + κ(κ + b)/(s + κ)²: T₁ and T₂ are the means of 1/(s + κ) and 1/(s + κ)², and follow from the traces over features, which
//! κ's own equation gives. The tests hold it against the work's polynomials (from memory), the figure `underspecification`
//! against simulation.

use super::RandomFeatures;
use super::ridgeless::stieltjes;
use crate::{Error, Result};

impl RandomFeatures {
    /// The limit of the risk as N/d → `features`, n/d → `samples`, for c₁ = `linear` (of relu π/(2(π − 1))), noise s² and
    /// ‖β‖ = 1; ∞ at N = n.
    ///
    /// # Errors
    /// [`Error::Value`] unless ratios are positive and finite, 0 < c₁ < 1 and s² finite and ≥ 0.
    ///
    /// ```
    /// use gradflow::theory::RandomFeatures;
    /// let relu = std::f64::consts::PI / (2.0 * (std::f64::consts::PI - 1.0));
    /// let risk = RandomFeatures::limit_risk(2.0, 4.0, relu, 0.0)?;
    /// assert!((risk - 0.4566).abs() < 1e-4);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn limit_risk(features: f64, samples: f64, linear: f64, noise: f64) -> Result<f64> {
        for (name, value) in [("N/d", features), ("n/d", samples)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::value(name, value, "a positive number"));
            }
        }
        if !(linear > 0.0 && linear < 1.0) {
            return Err(Error::value("c₁", linear, "a number between 0 and 1"));
        }
        if !(noise.is_finite() && noise >= 0.0) {
            return Err(Error::value("noise s²", noise, "a finite number ≥ 0"));
        }
        let (gamma, rest) = (features / samples, 1.0 - linear);
        if gamma == 1.0 {
            return Ok(f64::INFINITY);
        }
        if gamma < 1.0 {
            let mean = features * stieltjes(features, rest / linear) / linear;
            let first = mean - (features - 1.0) / rest;
            return Ok((rest * first + noise * gamma) / (1.0 - gamma));
        }
        let share = linear * samples;
        let root = ((1.0 - share).powi(2) + 4.0 * share * rest).sqrt();
        let kappa = 0.5 * (gamma - 1.0) * (1.0 - share + root);
        let left = (gamma - 1.0) / (1.0 + 0.5 * (gamma - 1.0) * (1.0 + share + root) / root);
        let first = (features - samples) / kappa - (features - 1.0) / (rest + kappa);
        let second = features * (gamma - 1.0 - left) / (gamma * kappa * kappa)
            - (features - 1.0) / (rest + kappa).powi(2);
        let bias = rest * first + kappa * (kappa + rest) * second;
        Ok((bias + noise * (1.0 - left)) / left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    /// Mei and Montanari's bias and variance for λ → 0, from memory: rational functions of
    /// χ = −(√((ψζ² − ζ² − 1)² + 4ζ²ψ) + ψζ² − ζ² − 1)/(2ζ²), ψ = min(ψ₁, ψ₂), ζ² = c₁/(1 − c₁).
    fn polynomials(a: f64, b: f64, linear: f64) -> (f64, f64) {
        let (z, psi) = (linear / (1.0 - linear), a.min(b));
        let edge = psi * z - z - 1.0;
        let x = -((edge * edge + 4.0 * z * psi).sqrt() + edge) / (2.0 * z);
        let p = |k: i32| x.powi(k);
        let (z2, z3) = (z * z, z * z * z);
        let e0 = -p(5) * z3 + 3.0 * p(4) * z2 + (a * b - b - a + 1.0) * p(3) * z3
            - 2.0 * p(3) * z2
            - 3.0 * p(3) * z
            + (a + b - 3.0 * a * b + 1.0) * p(2) * z2
            + 2.0 * p(2) * z
            + p(2)
            + 3.0 * a * b * x * z
            - a * b;
        let e1 = b * p(3) * z2 - b * p(2) * z + a * b * x * z - a * b;
        let e2 =
            p(5) * z3 - 3.0 * p(4) * z2 + (a - 1.0) * p(3) * z3 + 2.0 * p(3) * z2 + 3.0 * p(3) * z
                - (a + 1.0) * p(2) * z2
                - 2.0 * p(2) * z
                - p(2);
        (e1 / e0, e2 / e0)
    }

    /// They agree to what the polynomials lose by cancellation.
    #[test]
    fn the_limit_is_mei_and_montanaris() {
        for linear in [0.2, PI / (2.0 * (PI - 1.0)), 0.95] {
            for (features, samples) in [(2.0, 4.0), (6.0, 4.0), (24.0, 4.0), (0.5, 2.0), (3.0, 0.4)]
            {
                let (bias, variance) = polynomials(features, samples, linear);
                for noise in [0.0, 1.5] {
                    let wanted = bias + noise * variance;
                    let found =
                        RandomFeatures::limit_risk(features, samples, linear, noise).unwrap();
                    assert!(
                        (found / wanted - 1.0).abs() < 1e-10,
                        "ψ = {features}, {samples}: {found} {wanted}"
                    );
                }
            }
        }
    }

    /// Many features and samples find a linear target; none find nothing.
    #[test]
    fn ends_are_known_cases() {
        let risk = |a, b| RandomFeatures::limit_risk(a, b, 0.7, 0.0).unwrap();
        assert!(risk(1e6, 100.0) < 1e-3 && (risk(1e-6, 4.0) - 1.0).abs() < 1e-5);
        assert!(risk(4.0, 4.0).is_infinite());
        let bad = [
            (0.0, 1.0, 0.5, 0.0),
            (1.0, f64::NAN, 0.5, 0.0),
            (1.0, 1.0, 1.0, 0.0),
            (1.0, 2.0, 0.5, -1.0),
        ];
        for (a, b, linear, noise) in bad {
            assert!(RandomFeatures::limit_risk(a, b, linear, noise).is_err());
        }
    }
}
