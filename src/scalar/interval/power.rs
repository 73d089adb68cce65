//! Powers: xⁿ by repeated squaring with directed rounding, xᵃ = e^(a ln x), and their derivatives.

use super::rounding::{mul_down, mul_up};
use super::{Interval, exponential};
use crate::scalar::Scalar;

/// xⁿ for n ≥ 1: rising in x for odd n, in |x| for even n.
fn whole_power(x: Interval, n: u32) -> Interval {
    let of_size = Interval {
        lo: repeated(x.mignitude(), n, mul_down),
        hi: repeated(x.magnitude(), n, mul_up),
    };
    if n.is_multiple_of(2) || x.lo >= 0.0 {
        of_size
    } else if x.hi <= 0.0 {
        -of_size
    } else {
        Interval { lo: -repeated(-x.lo, n, mul_up), hi: repeated(x.hi, n, mul_up) }
    }
}

/// xⁿ for x ≥ 0 and n ≥ 1 by squaring, each product rounded by `times` to the same side.
fn repeated(x: f64, n: u32, times: fn(f64, f64) -> f64) -> f64 {
    let (mut square, mut left) = (x, n);
    while left.is_multiple_of(2) {
        square = times(square, square);
        left /= 2;
    }
    let mut power = square;
    while left > 1 {
        left /= 2;
        square = times(square, square);
        if left % 2 == 1 {
            power = times(power, square);
        }
    }
    power
}

/// xⁿ; the whole line for n < 0 where x contains 0.
pub(super) fn powi(x: Interval, n: i32) -> Interval {
    match n {
        0 => Interval::from(1.0),
        1.. => whole_power(x, n.unsigned_abs()),
        _ if x.contains(0.0) => Interval::WHOLE,
        // 1/xⁿ, and not the inverse of a power that may have fallen to 0.
        _ => whole_power(Interval::from(1.0) / x, n.unsigned_abs()),
    }
}

/// xᵃ; the whole line where it is not defined on all of x.
pub(super) fn powf(x: Interval, a: f64) -> Interval {
    if let Some(n) = whole(a) {
        powi(x, n)
    } else if a.abs() == 0.5 && x.lo >= 0.0 {
        let root = x.sqrt();
        if a > 0.0 { root } else { Interval::from(1.0) / root }
    } else {
        real_power(x, Interval::from(a))
    }
}

/// e^(a ln x) for an exponent of one sign; 0ᵃ = 0 for a > 0.
fn real_power(x: Interval, a: Interval) -> Interval {
    let at = |x: Interval| exponential::exp(a * exponential::ln(x));
    if x.lo > 0.0 {
        at(x)
    } else if x.lo == 0.0 && a.lo > 0.0 {
        let most = if x.hi == 0.0 { 0.0 } else { at(Interval::from(x.hi)).hi };
        Interval { lo: 0.0, hi: most }
    } else {
        Interval::WHOLE
    }
}

/// a as a whole number, where it is one of moderate size.
fn whole(a: f64) -> Option<i32> {
    #[allow(clippy::cast_possible_truncation, reason = "guarded: a whole number below 2³⁰")]
    (a.fract() == 0.0 && a.abs() <= 1_073_741_824.0).then_some(a as i32)
}

/// dᵏ/dxᵏ xᵃ = a (a − 1) … (a − k + 1) xᵃ⁻ᵏ. The exponent a − k is rounded outward: it need not be a number.
pub(super) fn power_derivative(x: Interval, a: f64, order: usize) -> Interval {
    let (mut factor, mut exponent) = (Interval::from(1.0), Interval::from(a));
    for _ in 0..order {
        factor = factor * exponent;
        exponent = exponent - Interval::from(1.0);
    }
    if factor == Interval::from(0.0) {
        return factor;
    }
    let power =
        if exponent.lo == exponent.hi { powf(x, exponent.lo) } else { real_power(x, exponent) };
    factor * power
}
