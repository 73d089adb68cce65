//! Ridgeless least squares (Hastie, Montanari, Rosset, Tibshirani 2019, *Surprises in high-dimensional ridgeless least
//! squares interpolation*): the risk of the solution of least norm, where p features and n samples grow with p/n → γ.
//!
//! **Setting.** y = x·β + ε with features x of mean 0 and covariance Id in Rᵖ, ‖β‖² = r², noise of variance s². The risk
//! is E (x·β̂ − x·β)² at a fresh x, without s². The lazy predictor is of this kind: gradient flow on a linearized model
//! ends at the least norm solution on the features Df(w₀, ·).
//!
//! **Limits** of the risk of β̂ = X⁺y:
//!
//! ```text
//! γ < 1:  s² γ/(1 − γ),          γ > 1:  r² (1 − 1/γ) + s²/(γ − 1).
//! ```
//!
//! *Derived afresh*, for Gaussian x. If p ≤ n − 2, β̂ − β = X⁺ε, of mean square s² E tr (XᵀX)⁻¹ = s² p/(n − p − 1) (inverse
//! Wishart). If p ≥ n + 2, β̂ is β projected on n random directions of p, plus X⁺ε: r²(1 − n/p) + s² n/(p − n − 1).
//! Both are exact at any size ([`Ridgeless::gaussian_risk`]), and tend to the limits.
//!
//! **Ridge**, β̂ = (`XᵀX` + nλ Id)⁻¹Xᵀy. With m = m(−λ) the Stieltjes transform of the law of Marchenko and Pastur, the positive
//! root of γλm² + (1 − γ + λ)m − 1 = 0, and m' its derivative in −λ,
//!
//! ```text
//! risk = λ² r² m' + s² γ (m − λ m'),     least at λ* = s² γ/r², where it is s² γ m.
//! ```
//!
//! *Derived afresh*: bias λ²βᵀ(S + λ)⁻²β and variance s²/n tr S(S + λ)⁻², S = XᵀX/n, with tr(S + λ)⁻¹/p → m, tr(S + λ)⁻²/p →
//! m'; λ* is the posterior mean's for β ~ N(0, r²/p), so that no other λ is better.
//!
//! **Misspecified features**: y depends on unseen features too, independent of the seen ones, which carry the part κ of r².
//! *Derived afresh*: what the unseen add is noise to the seen, so that the risk is that of signal κr² and noise
//! s² + (1 − κ)r², plus the (1 − κ)r² that nobody can see.
//!
//! **Nonlinear features** x = φ(Wz): [`Ridgeless::nonlinear_risk`], in a file of its own.
//!
//! All limits are held against simulation by the figure `double_descent`, and m against a sampled covariance below.

use crate::{Error, Result};

/// A regression problem: its signal and its noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ridgeless {
    signal: f64,
    noise: f64,
}

impl Ridgeless {
    /// r² = ‖β‖² and s², the variance of the noise.
    ///
    /// # Errors
    /// [`Error::Value`] unless both are finite and ≥ 0.
    ///
    /// ```
    /// use gradflow::theory::Ridgeless;
    /// let problem = Ridgeless::new(5.0, 1.0)?;
    /// assert_eq!(problem.risk(0.5), 1.0); // s² γ/(1 − γ)
    /// assert_eq!(problem.risk(2.0), 3.5); // r² (1 − 1/γ) + s²/(γ − 1)
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn new(signal: f64, noise: f64) -> Result<Self> {
        for (name, value) in [("signal r²", signal), ("noise s²", noise)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::value(name, value, "a finite number ≥ 0"));
            }
        }
        Ok(Ridgeless { signal, noise })
    }

    /// r².
    pub(super) fn signal(self) -> f64 {
        self.signal
    }

    /// s².
    pub(super) fn noise(self) -> f64 {
        self.noise
    }

    /// The limit of the ridgeless risk at γ = p/n > 0; ∞ at γ = 1 where there is noise. NaN, here and below, for a γ, λ or part that
    /// is none.
    pub fn risk(self, gamma: f64) -> f64 {
        let variance = |part: f64| if self.noise == 0.0 { 0.0 } else { self.noise * part };
        if gamma.is_nan() || gamma <= 0.0 {
            f64::NAN
        } else if gamma < 1.0 {
            variance(gamma / (1.0 - gamma))
        } else {
            self.signal * (1.0 - 1.0 / gamma) + variance(1.0 / (gamma - 1.0))
        }
    }

    /// The expected ridgeless risk for n samples of p Gaussian features; ∞ for p between n − 1 and n + 1 where there is noise.
    pub fn gaussian_risk(self, n: usize, p: usize) -> f64 {
        let bias = if p > n { self.signal * (1.0 - n as f64 / p as f64) } else { 0.0 };
        let (few, many) = (n.min(p) as f64, n.max(p) as f64);
        let variance = if many - few > 1.0 { few / (many - few - 1.0) } else { f64::INFINITY };
        bias + if self.noise == 0.0 { 0.0 } else { self.noise * variance }
    }

    /// Where the risk is least beyond γ = 1, and that risk: γ = √SNR/(√SNR − 1), for SNR = r²/s² > 1; it is the
    /// null risk r² at γ = ∞ otherwise.
    pub fn second_descent(self) -> Option<(f64, f64)> {
        let root = (self.signal / self.noise).sqrt();
        let gamma = root / (root - 1.0);
        (root > 1.0 && root.is_finite()).then(|| (gamma, self.risk(gamma)))
    }

    /// λ* = s² γ/r², of the penalty nλ‖β‖².
    pub fn optimal_ridge(self, gamma: f64) -> f64 {
        self.noise * gamma / self.signal
    }

    /// The limit of the risk with the penalty nλ‖β‖², λ > 0.
    pub fn ridge_risk(self, gamma: f64, lambda: f64) -> f64 {
        let m = stieltjes(gamma, lambda);
        // Of γλm² + (1 − γ + λ)m − 1 = 0, differentiated in −λ.
        let slope = (gamma * m * m + m) / (2.0 * gamma * lambda * m + 1.0 - gamma + lambda);
        lambda * lambda * self.signal * slope + self.noise * gamma * (m - lambda * slope)
    }

    /// The limit of the risk at λ*: s² γ m(−λ*).
    pub fn optimal_ridge_risk(self, gamma: f64) -> f64 {
        // Without noise no ridge is best.
        if self.noise == 0.0 {
            return self.risk(gamma);
        }
        self.noise * gamma * stieltjes(gamma, self.optimal_ridge(gamma))
    }

    /// The limit of the ridgeless risk where the features seen carry the part `seen` of r², from 0 to 1.
    pub fn misspecified_risk(self, gamma: f64, seen: f64) -> f64 {
        if !(0.0..=1.0).contains(&seen) {
            return f64::NAN;
        }
        let unseen = (1.0 - seen) * self.signal;
        let of_the_seen = Ridgeless { signal: seen * self.signal, noise: self.noise + unseen };
        unseen + of_the_seen.risk(gamma)
    }
}

/// m(−λ) of Marchenko and Pastur's law: the mean of 1/(x + λ) over the eigenvalues x of a p × p sample covariance. The root is
/// written so that nothing cancels where 1 − γ + λ > 0.
pub(super) fn stieltjes(gamma: f64, lambda: f64) -> f64 {
    if !(gamma > 0.0 && lambda > 0.0) {
        return f64::NAN;
    }
    let b = 1.0 - gamma + lambda;
    let root = (b * b + 4.0 * gamma * lambda).sqrt();
    if b > 0.0 { 2.0 / (b + root) } else { (root - b) / (2.0 * gamma * lambda) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Flow;
    use crate::linalg::{gram, symmetric_eigen, thin_svd};
    use crate::loss::Square;
    use crate::model::{Differentiable, TwoLayer};
    use crate::random::Generator;
    use crate::solve::Eigen;
    use crate::theory::predict;
    use nalgebra::{DMatrix, DVector};

    fn problem() -> Ridgeless {
        Ridgeless::new(5.0, 1.0).unwrap()
    }

    /// The numbers that the formulas give for r² = 5, s² = 1.
    #[test]
    fn limits_are_the_tabulated_ones() {
        let close = |found: f64, wanted: f64| {
            assert!((found - wanted).abs() < 6e-4 * wanted.max(1.0), "{found} {wanted}");
        };
        let rows = [
            (0.2, 0.25),
            (0.5, 1.0),
            (0.8, 4.0),
            (1.25, 5.0),
            (2.0, 3.5),
            (4.0, 4.0833),
            (8.0, 4.5179),
        ];
        rows.iter().for_each(|(gamma, wanted)| close(problem().risk(*gamma), *wanted));
        let (gamma, risk) = problem().second_descent().unwrap();
        close(gamma, 1.809);
        close(risk, 3.472);
        assert!(Ridgeless::new(1.0, 2.0).unwrap().second_descent().is_none(), "SNR < 1");
        assert!(Ridgeless::new(-1.0, 1.0).is_err() && Ridgeless::new(1.0, f64::NAN).is_err());
    }

    #[test]
    fn exact_risks_tend_to_the_limits() {
        for (n, p) in [(40_000, 8_000), (40_000, 160_000)] {
            let (found, limit) =
                (problem().gaussian_risk(n, p), problem().risk(p as f64 / n as f64));
            assert!((found / limit - 1.0).abs() < 1e-4, "{found} {limit}");
        }
        assert_eq!(problem().gaussian_risk(10, 11), f64::INFINITY);
        // Without noise everything below n is found.
        assert_eq!(Ridgeless::new(5.0, 0.0).unwrap().gaussian_risk(10, 10), 0.0);
    }

    /// m is the mean of 1/(x + λ) over a sample covariance's eigenvalues; fluctuations are of order 1/n.
    #[test]
    fn the_stieltjes_transform_is_that_of_a_covariance() {
        let mut generator = Generator::seeded(1);
        for (n, p) in [(300, 150), (150, 300)] {
            let x = DMatrix::from_vec(p, n, generator.gaussians(n * p));
            let (values, _) = symmetric_eigen(&(gram(&x) / n as f64)).unwrap();
            for lambda in [0.1, 1.0] {
                let mean =
                    values.iter().map(|v| 1.0 / (v.max(0.0) + lambda)).sum::<f64>() / p as f64;
                let found = stieltjes(p as f64 / n as f64, lambda);
                assert!((found / mean - 1.0).abs() < 0.02, "{found} {mean}");
            }
        }
    }

    #[test]
    fn the_optimal_ridge_is_optimal_and_ridgeless_is_its_limit() {
        for gamma in [0.3, 0.9, 1.1, 3.0] {
            let best = problem().optimal_ridge(gamma);
            let least = problem().optimal_ridge_risk(gamma);
            assert!((problem().ridge_risk(gamma, best) / least - 1.0).abs() < 1e-12);
            for factor in [0.5, 0.9, 1.1, 2.0] {
                assert!(problem().ridge_risk(gamma, factor * best) > least, "γ = {gamma}");
            }
            assert!(least < problem().risk(gamma));
            let small = problem().ridge_risk(gamma, 1e-6);
            assert!((small / problem().risk(gamma) - 1.0).abs() < 1e-2, "{small}");
        }
    }

    #[test]
    fn without_noise_no_ridge_is_best_and_without_signal_nothing_is() {
        let clean = Ridgeless::new(5.0, 0.0).unwrap();
        assert_eq!([0.5, 2.0].map(|gamma| clean.optimal_ridge_risk(gamma)), [0.0, 2.5]);
        assert_eq!(Ridgeless::new(0.0, 1.0).unwrap().optimal_ridge_risk(2.0), 0.0);
    }

    #[test]
    fn misspecification_is_noise_and_a_floor() {
        assert_eq!(problem().misspecified_risk(2.0, 1.0), problem().risk(2.0));
        // Half of the signal unseen: 2.5 + 2.5 (1 − ½) + (1 + 2.5)/(2 − 1).
        assert!((problem().misspecified_risk(2.0, 0.5) - 7.25).abs() < 1e-14);
        for none in
            [problem().misspecified_risk(2.0, 1.5), problem().risk(-1.0), problem().risk(f64::NAN)]
        {
            assert!(none.is_nan());
        }
        assert!(problem().ridge_risk(0.0, 1.0).is_nan() && problem().ridge_risk(2.0, 0.0).is_nan());
    }

    /// Three ways to the lazy predictor of a two-layer network, elsewhere: the closed-form flow at t = ∞, kernel regression
    /// with offset, and ridgeless least squares on the tangent features by a pseudo-inverse. They agree to rounding, times
    /// the condition of the features.
    #[test]
    fn the_lazy_predictor_is_ridgeless_regression_on_tangent_features() {
        let mut generator = Generator::seeded(3);
        let (d, n, test) = (3, 9, 5);
        let x = DMatrix::from_vec(d, n, generator.gaussians(d * n));
        let net = TwoLayer { width: 12, ..TwoLayer::default() }.on(x).unwrap();
        let elsewhere =
            net.with_inputs(DMatrix::from_vec(d, test, generator.gaussians(d * test))).unwrap();
        let start = generator.gaussians(net.params());
        let (target, alpha) = (generator.gaussians(n), 3.0);
        let flow = Flow::new(&net, Square::to(target.clone()), start.clone()).scaled(alpha);
        let lazy = flow.linearized();
        let path = lazy.solve(&Eigen, &[0.0, f64::INFINITY]).unwrap();
        let value = |net: &dyn Differentiable, size: usize| {
            let mut y = vec![0.0; size];
            net.value(&start, &mut y);
            DVector::from_vec(y) * alpha
        };
        let features = elsewhere.jacobian(&start);
        let by_flow = value(&elsewhere, test)
            + &features * DVector::from_column_slice(&path.displacements[1]);
        let by_kernel = predict(&net, &elsewhere, &start, &target, alpha).unwrap();
        // β̂ = X⁺(y − αf(w₀)), X the features of the samples, and what it predicts.
        let svd = thin_svd(&net.jacobian(&start)).unwrap();
        let residual = DVector::from_vec(target) - value(&net, n);
        let mut parts = svd.left.tr_mul(&residual);
        parts.iter_mut().zip(&svd.values).for_each(|(c, s)| *c /= s);
        let by_least_squares = value(&elsewhere, test) + features * (svd.right * parts);
        let condition = svd.values[0] / svd.values[n - 1];
        let rounding = 100.0 * f64::EPSILON * condition * condition * by_flow.norm();
        for i in 0..test {
            let found = by_least_squares[i];
            assert!(
                (by_flow[i] - found).abs() < rounding && (by_kernel[i] - found).abs() < rounding
            );
        }
        assert!(rounding < 1e-8, "the test would see nothing: {rounding}");
    }
}
