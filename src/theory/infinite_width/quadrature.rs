//! Dual activations by quadrature.
//!
//! With u = √q s and v = √q'(ρ s + √(1 − ρ²) t) for independent normal s, t, both expectations are integrals over the plane
//! against e^(−(s² + t²)/2)/(2π), here by the trapezoidal rule with a spacing in each direction inside a disc.
//!
//! Why not the rule of Gauss and Hermite: for a function analytic in a strip the trapezoidal rule with spacing h has an error
//! of e^(−2πa/h), a being the distance of its poles from the axis (Goodwin 1949; Trefethen and Weideman 2014, §5), while that
//! of Gauss and Hermite with m nodes falls as e^(−c a √m) only.
//!
//! Here poles of φ(√q s) lie at distance π/(2√q) (tanh) or π/√q (softplus) and are of order up to four. At h = 0.12
//! times that distance e^(−2πa/h) is e⁻⁵², and the relative error of E φ'(u)², the worst case, 2e-16 at most over variances
//! from 0.3 to 100 (3e-12 at 0.15; both in mpmath). gelu is entire and grows as e^(y²/2) off the axis: shifting the path
//! of integration by b bounds the error by e^(−2πb/h + (1 + 2q)b²/2), least e^(−2π²/((1 + 2q)h²)): e⁻⁴⁶ for h = 0.65/√(1 + 2q).
//! Always h ≤ ½, for the normal density itself, and what lies outside the disc of radius 8.6 has weight e⁻³⁷.
//!
//! **Large variances.** The nodes in a unit of x stay as many, and the disc reaches to 8.6 √q of it. Where that is beyond the
//! [reach](Smoothed::reach) of what is left of φ without its smoothed step or ramp S, φ = S + g: the mean of S(u) S(v) is
//! known, those of S(u) g(v) are integrals in one dimension, and that of g(u) g(v) one over |u|, |v| within reach, of some
//! 150² nodes at most, whatever the variances ([`Smoothed`]).

use super::smoothed::Smoothed;
use super::{Means, Pair};
use crate::model::Activation;
use std::f64::consts::PI;

/// Radius of the disc, in standard deviations.
const RADIUS: f64 = 8.6;

/// The largest variance accepted. For inputs of one direction (1 − ρ² below 1/q) and very different lengths an integral in
/// one dimension takes some 40 √q nodes: four million here.
pub(super) const LARGEST_VARIANCE: f64 = 1e10;

/// E[φ(u) φ(v)] and E[φ'(u) φ'(v)] for a smooth φ, to 1e-13 of √(E φ(u)² E φ(v)²) and of the same for slopes.
pub(super) fn dual(activation: Activation, pair: Pair) -> Means {
    // The larger variance first: the spacing in s suits both.
    let Pair { first, second, .. } = pair;
    let pair = Pair { first: first.max(second), second: first.min(second), ..pair };
    let [u, v] = [pair.first, pair.second].map(|variance| Part::of(activation, variance));
    let mut total = u.plane(&v, &pair);
    let mut add = |found: Means| {
        total.values += found.values;
        total.slopes += found.slopes;
    };
    if let Some(smoothed) = u.smoothed {
        add(v.beside(smoothed, pair.first, &pair));
    }
    if let Some(smoothed) = v.smoothed {
        add(u.beside(smoothed, pair.second, &pair));
        add(smoothed.pair(pair));
    }
    total
}

/// What is left to integrate of φ(u): all of it, or all but S.
struct Part {
    activation: Activation,
    /// The variance of u and its root.
    variance: f64,
    sigma: f64,
    smoothed: Option<Smoothed>,
    /// |u| beyond which nothing is left.
    reach: f64,
}

impl Part {
    fn of(activation: Activation, variance: f64) -> Part {
        let sigma = variance.max(0.0).sqrt();
        let reach = Smoothed::reach(activation);
        let smoothed = Smoothed::of(activation).filter(|_| RADIUS * sigma > reach);
        let reach = if smoothed.is_some() { reach } else { f64::INFINITY };
        Part { activation, variance, sigma, smoothed, reach }
    }

    /// g and g' of every x, in place.
    fn fill(&self, x: &mut [f64], slopes: &mut [f64]) {
        match self.smoothed {
            None => self.activation.fill(x, slopes),
            Some(smoothed) => smoothed.rest(self.activation, x, slopes),
        }
    }

    /// Where s may lie for σ s to be within reach.
    fn limit(&self) -> f64 {
        if self.sigma > 0.0 { RADIUS.min(self.reach / self.sigma) } else { RADIUS }
    }

    /// E[g(u) g(v)] and that of slopes; u has the larger variance.
    fn plane(&self, other: &Part, pair: &Pair) -> Means {
        let (p, q) = (self.sigma, other.sigma);
        let size = p * q;
        let (along, across) = if size > 0.0 {
            (q * (pair.covariance / size).clamp(-1.0, 1.0), q * pair.sine_squared.sqrt())
        } else {
            (0.0, q)
        };
        let steps = [self.variance, across * across].map(|q| spacing(self.activation, q));
        let mut total = Means { values: 0.0, slopes: 0.0, apart: None };
        let (mut values, mut slopes) = (Vec::new(), Vec::new());
        let end = self.limit();
        for s in nodes(steps[0], -end, end) {
            let rest = (RADIUS * RADIUS - s * s).max(0.0).sqrt();
            // Within the disc, and v = along s + across t within reach.
            let (mut from, mut to) = (-rest, rest);
            if other.reach.is_finite() {
                let left = Smoothed::left(self.activation, other.reach, p * s);
                let ends = [-left, left].map(|end| (end - along * s) / across);
                (from, to) = (from.max(ends[0]), to.min(ends[1]));
            }
            values.clear();
            values.extend(nodes(steps[1], from, to).map(|t| along * s + across * t));
            slopes.resize(values.len(), 0.0);
            other.fill(&mut values, &mut slopes);
            let (mut value, mut slope) = (0.0, 0.0);
            for ((t, g), dg) in nodes(steps[1], from, to).zip(&values).zip(&slopes) {
                let weight = (-0.5 * t * t).exp();
                value += weight * g;
                slope += weight * dg;
            }
            let weight = steps[0] * steps[1] / (2.0 * PI) * (-0.5 * s * s).exp();
            let (mut here, mut slope_here) = ([p * s], [0.0]);
            self.fill(&mut here, &mut slope_here);
            total.values += weight * here[0] * value;
            total.slopes += weight * slope_here[0] * slope;
        }
        total
    }

    /// E[S(w) g(u)] and that of slopes, for the other w, of that variance: given u, w is normal.
    fn beside(&self, smoothed: Smoothed, variance: f64, pair: &Pair) -> Means {
        let slope = if self.sigma > 0.0 { pair.covariance / self.sigma } else { 0.0 };
        let left = variance * pair.sine_squared;
        // E[S(w) | u = σ s] is a step or ramp in s of width 1/z, and grows as e^(z²y²/2) off the axis.
        let square = slope * slope / (smoothed.width() + left);
        let h = spacing(self.activation, self.variance).min(entire(2.0, square));
        let mut total = Means { values: 0.0, slopes: 0.0, apart: None };
        let end = self.limit();
        for s in nodes(h, -end, end) {
            let (mut here, mut slope_here) = ([self.sigma * s], [0.0]);
            self.fill(&mut here, &mut slope_here);
            let (value, derivative) = smoothed.given(slope * s, left);
            let weight = h / (2.0 * PI).sqrt() * (-0.5 * s * s).exp();
            total.values += weight * here[0] * value;
            total.slopes += weight * slope_here[0] * derivative;
        }
        total
    }
}

/// Multiples of h in [from, to].
fn nodes(h: f64, from: f64, to: f64) -> impl Iterator<Item = f64> {
    #[allow(clippy::cast_possible_truncation, reason = "a few million at most")]
    let [first, last] = [(from / h).ceil(), (to / h).floor()].map(|k| k as i64);
    (first..=last).map(move |k| h * k as f64)
}

/// h, for that variance.
fn spacing(activation: Activation, variance: f64) -> f64 {
    let poles = |distance: f64| 0.12 * distance / variance.sqrt();
    let h = match activation {
        Activation::Tanh => poles(0.5 * PI),
        Activation::Sigmoid | Activation::Softplus => poles(PI),
        Activation::Gelu => entire(2.0, variance),
        // erf grows as e^(y²); those in closed form come here in tests only.
        Activation::Erf => entire(4.0, variance),
        Activation::Relu | Activation::Identity => f64::INFINITY,
    };
    h.min(0.5)
}

/// h for an entire function that, times the density, grows as e^((1 + growth variance) y²/2) off the axis.
fn entire(growth: f64, variance: f64) -> f64 {
    0.65 / (1.0 + growth * variance).sqrt()
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
                    let sine_squared = 1.0 - correlation * correlation;
                    let pair = Pair { first, second, covariance, sine_squared };
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
        let pair = Pair { first: 2.0, second: 0.5, covariance: -0.7, sine_squared: 0.51 };
        let found = dual(Activation::Identity, pair);
        assert!((found.values + 0.7).abs() < 1e-14 && (found.slopes - 1.0).abs() < 1e-14);
    }

    /// [φ, q, q', c, A, Ȧ] by mpmath, 30 digits: Hermite expansions of φ(√q ·) and φ(√q' ·), 130 terms, their
    /// coefficients by sums of spacing 1/60 in one dimension; for q = q' = c such a sum alone. Composite rules of Gauss and
    /// Legendre with 24 nodes a unit are wrong here from the tenth digit on, for the poles lie as near as 0.16.
    #[allow(clippy::excessive_precision, reason = "as tabulated")]
    ///
    /// Variances in the thousands and above, by the plain sums over the plane in s and t (up to 7·10⁸ nodes) that the
    /// parting of φ saves; for q = q' = c over the line.
    const TABLE: [(Activation, [f64; 5]); 21] = [
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
        (Activation::Tanh, [4000.0, 2500.0, 3000.0, 0.7946576497065333, 0.00063492607047897147]),
        (Activation::Tanh, [4000.0, 0.5, 44.0, 0.44134180530429501, 0.012417538369913108]),
        (Activation::Tanh, [1e9, 1e9, 1e9, 0.9999747686747904, 1.6820883477422315e-05]),
        (Activation::Softplus, [4000.0, 2500.0, 3000.0, 1505.7014999569747, 0.44828495268166763]),
        (Activation::Softplus, [4000.0, 0.5, 44.0, 31.381428370196744, 0.31439963091880246]),
        (Activation::Softplus, [1e9, 1e9, 1e9, 500000000.0000304, 0.49998738433741075]),
        (Activation::Gelu, [4000.0, 2500.0, 3000.0, 1505.4785777449808, 0.44894662584514466]),
        (Activation::Gelu, [4000.0, 0.5, 44.0, 18.612534219609518, 0.41940845548211064]),
        (Activation::Gelu, [1e9, 1e9, 1e9, 499999999.9999941, 0.50000177940635138]),
    ];

    /// To what the function promises, with the size of its own values as the unit.
    #[test]
    fn quadrature_agrees_with_high_precision() {
        for (activation, [first, second, covariance, values, slopes]) in TABLE {
            let sine_squared = 1.0 - covariance * covariance / (first * second);
            let pair = Pair { first, second, covariance, sine_squared };
            let found = super::super::dual(activation, pair);
            let swapped = Pair { first: second, second: first, ..pair };
            assert_eq!(found, super::super::dual(activation, swapped));
            let alone = |q| super::super::dual(activation, Pair::alone(q));
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

    /// Where φ begins to be parted nothing jumps: a relative change of the variances by 1e-12 changes nothing more.
    #[test]
    fn parted_and_whole_activations_meet() {
        for activation in [Activation::Tanh, Activation::Softplus, Activation::Gelu] {
            let border = (Smoothed::reach(activation) / RADIUS).powi(2);
            for (other, correlation) in [(0.1, -0.5), (1.0, 1.0), (0.99, 0.9), (40.0, 0.99)] {
                let at = |q: f64| {
                    let (first, second) = (q, q * other);
                    let covariance = correlation * (first * second).sqrt();
                    let sine_squared = 1.0 - correlation * correlation;
                    dual(activation, Pair { first, second, covariance, sine_squared })
                };
                let (below, above) = (at(border * (1.0 - 1e-12)), at(border * (1.0 + 1e-12)));
                let size = 1.0 + below.values.abs();
                assert!((above.values - below.values).abs() < 1e-11 * size, "{activation:?}");
                assert!((above.slopes - below.slopes).abs() < 1e-11, "{activation:?}");
            }
        }
    }
}
