//! Dual activations by quadrature in two dimensions.
//!
//! With u = √q s and v = √q'(ρ s + √(1 − ρ²) t) for independent normal s, t, both expectations are integrals over the plane
//! against e^(−(s² + t²)/2)/(2π), here by the trapezoidal rule with spacing h in both directions inside a disc.
//!
//! Why not the rule of Gauss and Hermite: for a function analytic in a strip the trapezoidal rule has an error of
//! e^(−2πa/h), a being the distance of its poles from the axis (Goodwin 1949; Trefethen and Weideman 2014, §5), while that
//! of Gauss and Hermite with m nodes falls as e^(−c a √m) only.
//!
//! Here poles of φ(√q s) lie at distance π/(2√q) (tanh) or π/√q (sigmoid, softplus) and are of order up to four. At h = 0.12
//! times that distance e^(−2πa/h) is e⁻⁵², and the relative error of E φ'(u)², the worst case, 2e-16 at most over variances
//! from 0.3 to 100 (3e-12 at 0.15; both in mpmath). gelu is entire and grows as e^(y²/2) off the axis: shifting the path
//! of integration by b bounds the error by e^(−2πb/h + (1 + 2q)b²/2), least e^(−2π²/((1 + 2q)h²)): e⁻⁴⁶ for h = 0.65/√(1 + 2q).
//! Always h ≤ ½, for the normal density itself, and what lies outside the disc of radius 8.6 has weight e⁻³⁷. The tests below
//! find 1e-13 against tables, at variances from 0 to 100.

use super::{Means, Pair};
use crate::model::Activation;
use std::f64::consts::PI;

/// Radius of the disc, in standard deviations.
const RADIUS: f64 = 8.6;

/// The largest variance accepted: 2900² nodes for tanh.
pub(super) const LARGEST_VARIANCE: f64 = 1e3;

/// E[φ(u) φ(v)] and E[φ'(u) φ'(v)] for a smooth φ, to 1e-13 of √(E φ(u)² E φ(v)²) and of the same for slopes.
pub(super) fn dual(activation: Activation, pair: Pair) -> Means {
    let Pair { first, second, covariance } = pair;
    let (p, q) = (first.max(0.0).sqrt(), second.max(0.0).sqrt());
    let correlation = if p * q > 0.0 { (covariance / (p * q)).clamp(-1.0, 1.0) } else { 0.0 };
    let other = ((1.0 - correlation) * (1.0 + correlation)).sqrt();
    let h = spacing(activation, first.max(second));
    let mut total = Means { values: 0.0, slopes: 0.0 };
    let (mut values, mut slopes) = (Vec::new(), Vec::new());
    for s in nodes(h, RADIUS) {
        let rest = (RADIUS * RADIUS - s * s).max(0.0).sqrt();
        values.clear();
        values.extend(nodes(h, rest).map(|t| q * (correlation * s + other * t)));
        slopes.resize(values.len(), 0.0);
        activation.fill(&mut values, &mut slopes);
        let mut inner = Means { values: 0.0, slopes: 0.0 };
        for ((t, value), slope) in nodes(h, rest).zip(&values).zip(&slopes) {
            let weight = (-0.5 * t * t).exp();
            inner.values += weight * value;
            inner.slopes += weight * slope;
        }
        let weight = h * h / (2.0 * PI) * (-0.5 * s * s).exp();
        total.values += weight * activation.value(p * s) * inner.values;
        total.slopes += weight * activation.slope(p * s) * inner.slopes;
    }
    total
}

/// Multiples of h in [−radius, radius].
fn nodes(h: f64, radius: f64) -> impl Iterator<Item = f64> {
    #[allow(clippy::cast_possible_truncation, reason = "a few thousand at most")]
    let most = (radius / h).floor() as i32;
    (-most..=most).map(move |k| h * f64::from(k))
}

/// h, for the larger of two variances.
fn spacing(activation: Activation, variance: f64) -> f64 {
    let poles = |distance: f64| 0.12 * distance / variance.sqrt();
    let entire = |growth: f64| 0.65 / (1.0 + growth * variance).sqrt();
    let h = match activation {
        Activation::Tanh => poles(0.5 * PI),
        Activation::Sigmoid | Activation::Softplus => poles(PI),
        Activation::Gelu => entire(2.0),
        // erf grows as e^(y²); those in closed form come here in tests only.
        Activation::Erf => entire(4.0),
        Activation::Relu | Activation::Identity => f64::INFINITY,
    };
    h.min(0.5)
}

#[cfg(test)]
mod tests {
    use super::super::closed;
    use super::*;

    /// erf has both; its quadrature is that of gelu, with a faster growth.
    #[test]
    fn quadrature_agrees_with_williams() {
        for first in [0.0, 1e-3, 0.4, 3.0, 100.0] {
            for second in [0.02, 1.7, 30.0] {
                for correlation in [-1.0, -0.8, 0.0, 0.3, 0.999_999, 1.0] {
                    let covariance = correlation * f64::sqrt(first * second);
                    let pair = Pair { first, second, covariance };
                    let (a, b) = (dual(Activation::Erf, pair), closed::erf(pair));
                    assert!((a.values - b.values).abs() < 1e-13, "{pair:?}: {a:?}, {b:?}");
                    assert!((a.slopes - b.slopes).abs() < 1e-13, "{pair:?}: {a:?}, {b:?}");
                }
            }
        }
    }

    /// x² /4-like moments: E[u v] = c and E 1 = 1 are exact for any spacing that resolves the density.
    #[test]
    fn the_identity_has_its_moments() {
        let pair = Pair { first: 2.0, second: 0.5, covariance: -0.7 };
        let found = dual(Activation::Identity, pair);
        assert!((found.values + 0.7).abs() < 1e-14 && (found.slopes - 1.0).abs() < 1e-14);
    }

    /// [φ, q, q', c, A, Ȧ] by mpmath, 30 digits: Hermite expansions of φ(√q ·) and φ(√q' ·), 130 terms, their
    /// coefficients by sums of spacing 1/60 in one dimension; for q = q' = c such a sum alone. Composite rules of Gauss and
    /// Legendre with 24 nodes a unit are wrong here from the tenth digit on, for the poles lie as near as 0.16.
    #[allow(clippy::excessive_precision, reason = "as tabulated")]
    const TABLE: [(Activation, [f64; 5]); 12] = [
        (Activation::Tanh, [100.0, 60.0, 50.0, 0.44091158396174468, 0.010564195898548226]),
        (Activation::Tanh, [100.0, 100.0, 100.0, 0.920536863430516671, 0.0531067877481158341]),
        (Activation::Tanh, [0.01, 2.0, -0.1, -0.0475887068658864181, 0.477031403144839496]),
        (Activation::Sigmoid, [100.0, 60.0, 50.0, 0.356190992969948806, 0.00250828472245182039]),
        (Activation::Sigmoid, [100.0, 100.0, 100.0, 0.460740439890635923, 0.0066066455035341533]),
        (Activation::Sigmoid, [0.01, 2.0, -0.1, 0.245470931757415497, 0.0453074470984661939]),
        (Activation::Softplus, [100.0, 60.0, 50.0, 27.9173506514736367, 0.356190992969948806]),
        (Activation::Softplus, [100.0, 100.0, 100.0, 50.0936170272515672, 0.460740439890635923]),
        (Activation::Softplus, [0.01, 2.0, -0.1, 0.602030910453352392, 0.245470931757415497]),
        (Activation::Gelu, [100.0, 60.0, 50.0, 27.374976485589125, 0.363408102301034563]),
        (Activation::Gelu, [100.0, 100.0, 100.0, 49.9814827300228222, 0.505399864183416932]),
        (Activation::Gelu, [0.01, 2.0, -0.1, -0.0219572972311641919, 0.225698747954070226]),
    ];

    /// To what the function promises, with the size of its own values as the unit.
    #[test]
    fn quadrature_agrees_with_high_precision() {
        for (activation, [first, second, covariance, values, slopes]) in TABLE {
            let found = dual(activation, Pair { first, second, covariance });
            let alone = |q| dual(activation, Pair { first: q, second: q, covariance: q });
            let (a, b) = (alone(first), alone(second));
            let off = [
                (found.values - values) / (a.values * b.values).sqrt(),
                (found.slopes - slopes) / (a.slopes * b.slopes).sqrt(),
            ];
            assert!(
                off.iter().all(|x| x.abs() < 1e-13),
                "{activation:?} {first} {second}: {off:?}"
            );
        }
    }
}
