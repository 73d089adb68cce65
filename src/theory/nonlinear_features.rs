//! Ridgeless least squares on nonlinear features x = φ(Wz) (Hastie, Montanari, Rosset, Tibshirani 2019, the section on nonlinear
//! models): what of the double descent depends on φ.
//!
//! **Setting.** y = x·β + ε as in [`Ridgeless`], β of random direction, x = φ(Wz) ∈ Rᵖ, z ∼ N(0, Id) in Rᵈ, W of p × d entries
//! N(0, 1/d), and with G ∼ N(0, 1)
//!
//! ```text
//! E φ(G) = 0,   E φ(G)² = 1,   c₁ = (E Gφ(G))² < 1,   n, p, d → ∞,   p/n → γ,   d/p → ψ.
//! ```
//!
//! **Limit** of the risk E (x·β̂ − x·β)² of β̂ = X⁺y: with δ = γψ = lim d/n and D = √((1 − c₁/δ)² + 4c₁(1 − c₁)/δ),
//!
//! ```text
//! γ < 1:  s² γ/(1 − γ),
//! γ > 1:  r² (1 − 1/γ) (1 − c₁/δ + D)/2 + s² (1/(γ − 1) + (1 + c₁/δ − D)/(2D)).
//! ```
//!
//! *Purely* nonlinear φ, c₁ = 0, as a(|t| − b), have D = 1: the limits of isotropic features, at any ψ.
//!
//! *Derived afresh*; the work has a longer formula for c₁ ≠ 0, which was not at hand. 1. To first order features are Gaussian,
//! x ≈ √c₁ Wz + √(1 − c₁) g, with g independent of z and of W (the part of φ that is not linear is uncorrelated with it and
//! between neurons). *This step is taken for granted*; it is the work's theorem for c₁ = 0 in kind, and proved as
//! Gaussian equivalence by others (Mei and Montanari 2019; Hu and Lu 2020). 2. Given W this is regression with the
//! covariance Σ = c₁WWᵀ + (1 − c₁)Id. With κ where γ tr Σ(Σ + κ)⁻¹/p = 1 and v = γ tr Σ²(Σ + κ)⁻²/p its limits are
//! r²κ² tr Σ(Σ + κ)⁻²/(p(1 − v)) + s² v/(1 − v) (the same work's theorem for covariances, from memory; the test has it in
//! other letters). As κ tr Σ(Σ + κ)⁻²/p = (1 − v)/γ, the first part is r²κ/γ. 3. `WWᵀ` has the law of Marchenko and Pastur
//! of ratio 1/ψ, whose equation for tr(WWᵀ + l)⁻¹/p
//! makes γ tr Σ(Σ + κ)⁻¹/p = f a quadratic equation: κ = (γ − f) w, f w² − (1 − c₁f/δ) w − c₁(1 − c₁)/δ = 0. At f = 1, w is
//! (1 − c₁/δ + D)/2; and 1 − v = −κ/κ'(f), from the derivative of the same equation. The variance is Mei and Montanari's as well.

use super::Ridgeless;
use crate::{Error, Result};

impl Ridgeless {
    /// The limit of the ridgeless risk on features φ(Wz), at γ = p/n, ψ = d/p and c₁ = (E Gφ(G))²; ∞ at γ = 1 where there is noise.
    ///
    /// # Errors
    /// [`Error::Value`] unless γ and ψ are positive and finite and 0 ≤ c₁ < 1: with c₁ = 1 features are linear, and no more than d
    /// of them independent.
    ///
    /// ```
    /// use gradflow::theory::Ridgeless;
    /// let problem = Ridgeless::new(5.0, 1.0)?;
    /// // Purely nonlinear: as isotropic features.
    /// assert_eq!(problem.nonlinear_risk(2.0, 0.5, 0.0)?, problem.risk(2.0));
    /// // A centred relu has c₁ = π/(2(π − 1)): its linear part helps.
    /// let relu = std::f64::consts::PI / (2.0 * (std::f64::consts::PI - 1.0));
    /// assert!(problem.nonlinear_risk(2.0, 0.5, relu)? < 3.0);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn nonlinear_risk(self, gamma: f64, psi: f64, linear: f64) -> Result<f64> {
        for (name, value) in [("γ = p/n", gamma), ("ψ = d/p", psi)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::value(name, value, "a positive number"));
            }
        }
        if !(0.0..1.0).contains(&linear) {
            return Err(Error::value("c₁ = (E Gφ(G))²", linear, "a number from 0 to below 1"));
        }
        let isotropic = self.risk(gamma);
        if gamma <= 1.0 || linear == 0.0 {
            return Ok(isotropic);
        }
        let share = linear / (gamma * psi);
        let root = ((1.0 - share).powi(2) + 4.0 * share * (1.0 - linear)).sqrt();
        // (1 − share + root)/2, written so that nothing cancels.
        let bias = if share < 1.0 {
            0.5 * (1.0 - share + root)
        } else {
            2.0 * share * (1.0 - linear) / (root + share - 1.0)
        };
        let variance = 1.0 / (gamma - 1.0) + (1.0 + share - root) / (2.0 * root);
        Ok(self.signal() * (1.0 - 1.0 / gamma) * bias + self.noise() * variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn problem() -> Ridgeless {
        Ridgeless::new(5.0, 1.0).unwrap()
    }

    /// The mean of `f` over the law of Marchenko and Pastur of p × p matrices `WWᵀ`, p/d = `ratio`, W's entries N(0, 1/d): by the
    /// trapezoidal rule in θ, x = ½(a + b) − ½(b − a) cos θ, and the mass 1 − 1/ratio at 0 that there is beyond 1.
    fn over_spectrum(ratio: f64, f: &dyn Fn(f64) -> f64) -> f64 {
        let [low, high] = [-1.0, 1.0].map(|s: f64| (1.0 + s * ratio.sqrt()).powi(2));
        let (middle, half) = (0.5 * (high + low), 0.5 * (high - low));
        let points = 4000;
        let sum: f64 = (1..points)
            .map(|k| {
                let theta = PI * f64::from(k) / f64::from(points);
                let x = middle - half * theta.cos();
                f(x) * (half * theta.sin()).powi(2) / (2.0 * PI * ratio * x)
            })
            .sum();
        sum * PI / f64::from(points) + (1.0 - 1.0 / ratio).max(0.0) * f(0.0)
    }

    /// The work's theorem for a covariance of spectrum H, in its own letters, every integral by quadrature: c₀ where
    /// 1 − 1/γ = ∫ dH/(1 + c₀γs), iⱼ = ∫ sʲ/(1 + c₀γs)² dH, bias r²(1 + γc₀ i₂/i₁) i₁, variance s²γc₀ i₂/i₁.
    fn by_quadrature(gamma: f64, psi: f64, linear: f64) -> f64 {
        let mean =
            |f: &dyn Fn(f64) -> f64| over_spectrum(1.0 / psi, &|x| f(linear * x + 1.0 - linear));
        assert!((mean(&|_| 1.0) - 1.0).abs() < 1e-10, "a law");
        let (mut low, mut high) = (1e-9_f64, 1e9_f64);
        for _ in 0..200 {
            let c = (low * high).sqrt();
            let left = mean(&|s| 1.0 / (1.0 + c * gamma * s));
            if left > 1.0 - 1.0 / gamma { low = c } else { high = c }
        }
        let c = (low * high).sqrt();
        let part = |power: i32| mean(&|s| s.powi(power) / (1.0 + c * gamma * s).powi(2));
        let (first, second) = (part(1), part(2));
        let factor = gamma * c * second / first;
        5.0 * (1.0 + factor) * first + factor
    }

    #[test]
    fn the_closed_form_is_the_theorem_for_covariances() {
        for linear in [0.05, 0.5, PI / (2.0 * (PI - 1.0)), 0.95] {
            for psi in [0.25, 0.7, 3.0] {
                for gamma in [1.25, 2.0, 4.0, 8.0] {
                    let found = problem().nonlinear_risk(gamma, psi, linear).unwrap();
                    let wanted = by_quadrature(gamma, psi, linear);
                    assert!(
                        (found / wanted - 1.0).abs() < 1e-9,
                        "γ = {gamma}, ψ = {psi}, c₁ = {linear}: {found} {wanted}"
                    );
                }
            }
        }
    }

    #[test]
    fn ends_are_known_cases() {
        let risk = |gamma, psi, linear| problem().nonlinear_risk(gamma, psi, linear).unwrap();
        // Hardly linear: isotropic. Below γ = 1 the covariance does not matter.
        assert!((risk(4.0, 0.3, 1e-9) / problem().risk(4.0) - 1.0).abs() < 1e-8);
        assert_eq!(risk(0.5, 0.3, 0.7), problem().risk(0.5));
        // Inputs of many more dimensions than features: W's rows are orthogonal, WWᵀ = Id.
        assert!((risk(4.0, 1e9, 0.7) / problem().risk(4.0) - 1.0).abs() < 1e-8);
        // Linear features of d < n dimensions: all of the signal is found.
        let part = Ridgeless::new(1.0, 0.0).unwrap();
        assert!(part.nonlinear_risk(4.0, 0.1, 1.0 - 1e-12).unwrap() < 1e-11);
        assert!(risk(1.0, 0.5, 0.7).is_infinite());
    }

    #[test]
    fn numbers_that_are_none_of_features_are_refused() {
        for (gamma, psi, linear) in [
            (0.0, 1.0, 0.5),
            (2.0, f64::NAN, 0.5),
            (2.0, 1.0, 1.0),
            (2.0, 1.0, -0.1),
            (2.0, 0.0, 0.1),
        ] {
            assert!(problem().nonlinear_risk(gamma, psi, linear).is_err());
        }
    }
}
