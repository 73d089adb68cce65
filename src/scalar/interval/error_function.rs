//! erf and its derivatives, enclosed.
//!
//! For x ≤ 1.5 by the series erf x = 2/√π e^(−x²) x Σ (2x²)ⁿ/(2n+1)!! (Abramowitz and Stegun 7.1.6), all of whose terms
//! are positive; up to 6 by Laplace's continued fraction of the complement (7.1.14); beyond, 1 − erf 6 < 2.2·10⁻¹⁷.

use super::Interval;
use super::exponential::gauss;
use std::f64::consts::FRAC_2_SQRT_PI;

/// 2/√π.
const SLOPE: Interval = Interval::from_below(FRAC_2_SQRT_PI);

/// erf x; odd.
pub(super) fn erf_at(x: f64) -> Interval {
    if x < 0.0 {
        return -erf_at(-x);
    }
    if x > 6.0 {
        return Interval::new(1.0_f64.next_down(), 1.0);
    }
    let one = Interval::from(1.0);
    let y = if x <= 1.5 {
        SLOPE * gauss(x) * Interval::from(x) * series(x)
    } else {
        one - SLOPE * Interval::from(0.5) * gauss(x) / fraction(x)
    };
    Interval::new(y.lo, y.hi.min(1.0))
}

/// 1 + y/3 (1 + y/5 (1 + …)), y = 2x² ≤ 4.5; the bracket after y/61 lies between 1 and 1/(1 − 4.5/63) < 1.08.
fn series(x: f64) -> Interval {
    let (one, y) = (Interval::from(1.0), Interval::from(2.0) * Interval::from(x).squared());
    (1..=30)
        .rev()
        .fold(Interval::new(1.0, 1.08), |sum, n| one + y * sum / f64::from(2 * n + 1).into())
}

/// K = x + ½/(x + 1/(x + (3/2)/(x + …))), with which √π e^(x²) erfc x = 1/K. What follows the numerator n/2 is at least
/// x and at most x + (n + 1)/(2x).
fn fraction(x: f64) -> Interval {
    let x = Interval::from(x);
    let half = |n: u8| Interval::from(0.5 * f64::from(n));
    (1..=130).rev().fold(x.hull(x + half(131) / x), |rest, n| x + half(n) / rest)
}

/// The derivatives of erf on a narrow interval: g, −2x g and (4x² − 2) g with g = 2/√π e^(−x²). Beyond |x| = 40 all fall
/// to 0 monotonically.
pub(super) fn erf_derivative(order: usize, x: Interval) -> Interval {
    if x.mignitude() > 40.0 {
        let end = Interval::from(if x.lo > 0.0 { 40.0 } else { -40.0 });
        return erf_derivative(order, end).hull(Interval::from(0.0));
    }
    let g = SLOPE * Interval::new(gauss(x.magnitude()).lo, gauss(x.mignitude()).hi);
    let [two, four] = [2.0, 4.0].map(Interval::from);
    match order {
        1 => g,
        2 => -two * x * g,
        _ => (four * x.squared() - two) * g,
    }
}
