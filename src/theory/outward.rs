//! Products of bounds, rounded so that they stay bounds.
//!
//! Every factor is a number ≥ 0, possibly infinite where nothing is known; 0 · ∞ = 0, for the infinite one stands for
//! some finite number. So the limits of a formula at a vanishing constant are exact, and there is no 0/0.

use crate::scalar::{Interval, Scalar, div_down, div_up, mul_down, mul_up, sqrt_down, sqrt_up};

/// At least the product.
pub(super) fn product_up<const N: usize>(factors: [f64; N]) -> f64 {
    if factors.contains(&0.0) { 0.0 } else { factors.into_iter().fold(1.0, mul_up) }
}

/// At most the product.
pub(super) fn product_down<const N: usize>(factors: [f64; N]) -> f64 {
    factors.into_iter().fold(1.0, mul_down).max(0.0)
}

/// At least a/b; 0/b = 0 even for b = 0, a/0 = ∞ otherwise, and a/∞ = 0 for a finite a: the scale α = ∞.
pub(super) fn over_up(a: f64, b: f64) -> f64 {
    if a == 0.0 || (b == f64::INFINITY && a < f64::INFINITY) {
        0.0
    } else if b == 0.0 {
        f64::INFINITY
    } else {
        div_up(a, b)
    }
}

/// At most a/b, as [`over_up`].
pub(super) fn over_down(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == f64::INFINITY {
        0.0
    } else if b == 0.0 {
        f64::INFINITY
    } else {
        div_down(a, b).max(0.0)
    }
}

/// At least xⁿ.
pub(super) fn power_up(x: f64, n: u32) -> f64 {
    (0..n).fold(1.0, |y, _| product_up([y, x]))
}

/// At most xⁿ.
pub(super) fn power_down(x: f64, n: u32) -> f64 {
    (0..n).fold(1.0, |y, _| product_down([y, x]))
}

/// At least x^(3/2).
pub(super) fn three_halves_up(x: f64) -> f64 {
    product_up([x, sqrt_up(x)])
}

/// At most x^(3/2).
pub(super) fn three_halves_down(x: f64) -> f64 {
    product_down([x, sqrt_down(x)])
}

/// At least e^(−rate t); exactly 1 for no rate or no time.
pub(super) fn decayed(rate: f64, t: f64) -> f64 {
    if rate == 0.0 || t == 0.0 {
        1.0
    } else if t == f64::INFINITY {
        0.0
    } else {
        (-(Interval::from(rate) * Interval::from(t))).exp().hi().min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_hold_and_limits_are_exact() {
        let tenth = product_up([0.1, 0.1, 0.1]);
        assert!(tenth >= 1e-3 && product_down([0.1, 0.1, 0.1]) <= 1e-3 && tenth < 1.000_001e-3);
        assert_eq!(product_up([0.0, f64::INFINITY]), 0.0);
        assert_eq!((over_up(0.0, 0.0), over_up(1.0, 0.0)), (0.0, f64::INFINITY));
        assert_eq!((over_up(1.0, f64::INFINITY), over_down(3.0, 2.0)), (0.0, 1.5));
        // 2^(3/2)² = 8.
        let (low, high) = (three_halves_down(2.0), three_halves_up(2.0));
        assert!(power_down(low, 2) <= 8.0 && power_up(high, 2) >= 8.0 && high - low < 1e-14);
    }
}
