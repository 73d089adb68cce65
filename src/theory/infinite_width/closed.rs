//! Dual activations in closed form.

use super::{Means, Pair};
use std::f64::consts::PI;

/// The arc-cosine kernels of orders 1 and 0 (Cho and Saul 2009, eqs. 3–6), θ being the angle with cos θ = the correlation:
///
/// ```text
/// A = √(q q') (sin θ + (π − θ) cos θ)/(2π),      Ȧ = (π − θ)/(2π).
/// ```
///
/// Nearly parallel inputs have Ȧ to √ε only, as their covariance has no more digits. A null variance means z = 0, where relu and, as everywhere here, its slope are 0.
pub(super) fn relu(Pair { first, second, covariance }: Pair) -> Means {
    if first == 0.0 || second == 0.0 {
        return Means { values: 0.0, slopes: 0.0 };
    }
    let size = first.sqrt() * second.sqrt();
    // Of one input with itself rounding must not make an angle: √ε of one would be 1e-8 in Ȧ. Else (√(qq') − c)(√(qq') + c)
    // keeps the digits of 1 − cos²θ.
    let same = first == second && first == covariance;
    let square =
        if same { 0.0 } else { (size - covariance).max(0.0) * (size + covariance).max(0.0) };
    let sine = square.sqrt();
    let left = PI - sine.atan2(covariance);
    Means { values: (sine + left * covariance) / (2.0 * PI), slopes: left / (2.0 * PI) }
}

/// Williams 1997, eq. 11, and its derivative (Lee et al. 2019, Appendix C):
///
/// ```text
/// A = (2/π) asin(2c/√((1 + 2q)(1 + 2q'))),      Ȧ = (4/π)/√((1 + 2q)(1 + 2q') − 4c²).
/// ```
pub(super) fn erf(Pair { first, second, covariance }: Pair) -> Means {
    let (a, b) = (1.0 + 2.0 * first, 1.0 + 2.0 * second);
    let twice = 2.0 * covariance;
    let sine = twice / (a * b).sqrt();
    // ab − 4c² is at least 1 + 2q + 2q': written so, nothing cancels.
    let rest =
        1.0 + 2.0 * (first + second) + 4.0 * (first * second - covariance * covariance).max(0.0);
    // asin near ±1 through the cosine, which keeps its digits.
    Means { values: 2.0 / PI * sine.atan2((rest / (a * b)).sqrt()), slopes: 4.0 / PI / rest.sqrt() }
}
