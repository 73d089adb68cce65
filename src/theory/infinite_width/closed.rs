//! Dual activations in closed form.

use super::{Apart, Means, Pair};
use std::f64::consts::PI;

/// The arc-cosine kernels of orders 1 and 0 (Cho and Saul 2009, eqs. 3–6), θ being the angle with cos θ = the correlation:
///
/// ```text
/// A = √(q q') (sin θ + (π − θ) cos θ)/(2π),      Ȧ = (π − θ)/(2π).
/// ```
///
/// A null variance means z = 0, where relu and, as everywhere here, its slope are 0.
///
/// Ȧ has a kink at θ = 0, so that an angle known to √ε only would be seen in it. With `1 − k` where `A = ½ √(qq') k`,
///
/// ```text
/// 1 − k = (1 − cos θ) − (sin θ − θ cos θ)/π,
/// 1 − A²/(A(q) A(q')) = (1 − k)(1 + k),      E (φ(u) − φ(v))² = ½ (√q − √q')² + √(q q') (1 − k),
/// ```
///
/// in which nothing cancels, nearly parallel inputs stay known to ε through any number of layers.
pub(super) fn relu(Pair { first, second, covariance, sine_squared }: Pair) -> Means {
    if first == 0.0 || second == 0.0 {
        // φ(v) for u = 0: E φ(v)² = q'/2.
        let apart = Apart { sine_squared: 1.0, distance: 0.5 * (first + second) };
        return Means { values: 0.0, slopes: 0.0, apart: Some(apart) };
    }
    let size = first.sqrt() * second.sqrt();
    let sine = sine_squared.sqrt();
    let theta = sine.atan2(covariance / size);
    let left = PI - theta;
    let values = (size * sine + left * covariance) / (2.0 * PI);
    let away = 2.0 * (0.5 * theta).sin().powi(2) - sine_less_cosine(theta) / PI;
    let apart = Apart {
        sine_squared: away * (2.0 - away),
        distance: 0.5 * (first.sqrt() - second.sqrt()).powi(2) + size * away,
    };
    Means { values, slopes: left / (2.0 * PI), apart: Some(apart) }
}

/// sin θ − θ cos θ = Σₙ (−1)ⁿ⁺¹ 2n θ²ⁿ⁺¹/(2n + 1)!, by its series where both are nearly θ.
fn sine_less_cosine(theta: f64) -> f64 {
    if theta > 0.3 {
        return theta.sin() - theta * theta.cos();
    }
    let square = theta * theta;
    // Seven terms: the next is below 1e-20.
    let terms = (1..8).map(f64::from);
    let (mut sum, mut power) = (0.0, theta);
    for n in terms {
        power *= square / (2.0 * n * (2.0 * n + 1.0));
        sum += 2.0 * n * power;
        power = -power;
    }
    sum
}

/// Williams 1997, eq. 11, and its derivative (Lee et al. 2019, Appendix C):
///
/// ```text
/// A = (2/π) asin(2c/√((1 + 2q)(1 + 2q'))),      Ȧ = (4/π)/√((1 + 2q)(1 + 2q') − 4c²).
/// ```
pub(super) fn erf(pair: Pair) -> Means {
    let Pair { first, second, covariance, sine_squared } = pair;
    // (1 + 2q)(1 + 2q') − 4c², so written that nothing cancels: tan of asin's argument is 2c over its root.
    let rest = 1.0 + 2.0 * (first + second) + 4.0 * first * second * sine_squared;
    let values = 2.0 / PI * (2.0 * covariance).atan2(rest.sqrt());
    Means { values, slopes: 4.0 / PI / rest.sqrt(), apart: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [θ, 1 − k] by mpmath at 50 digits, for the double nearest to θ; on both sides of the series' end.
    const AWAY: [(f64, f64); 6] = [
        (1e-12, 4.999_999_999_998_939e-25),
        (1e-6, 4.999_998_938_966_629e-13),
        (0.05, 1.236_480_008_541_376_6e-3),
        (0.3, 4.182_442_226_325_083e-2),
        (0.31, 4.453_577_924_278_232e-2),
        (2.5, 0.973_114_182_768_996_6),
    ];

    #[test]
    fn nearly_parallel_inputs_keep_their_digits() {
        for (theta, away) in AWAY {
            for (q, r) in [(2.0_f64, 2.0_f64), (0.5, 3.0)] {
                let size = (q * r).sqrt();
                let sine_squared = f64::sin(theta).powi(2);
                let covariance = size * f64::cos(theta);
                let found = relu(Pair { first: q, second: r, covariance, sine_squared });
                let apart = found.apart.unwrap();
                let wanted = [
                    0.5 * (q.sqrt() - r.sqrt()).powi(2) + size * away,
                    away * (2.0 - away),
                    (PI - theta) / (2.0 * PI),
                ];
                let found = [apart.distance, apart.sine_squared, found.slopes];
                for (found, wanted) in found.into_iter().zip(wanted) {
                    assert!((found / wanted - 1.0).abs() < 4e-15, "θ = {theta}: {found} {wanted}");
                }
            }
        }
    }
}
