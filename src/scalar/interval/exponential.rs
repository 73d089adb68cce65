//! exp and ln of a number, enclosed: reduction by powers of two, then series with proven remainders.
//!
//! eˣ = 2ᵏ eʳ with k the whole number nearest x/ln 2 and |r| ≤ ½ ln 2 + 10⁻¹² < 0.36; ln 2 is split into 40 bits, whose
//! product with k is exact, and a tail in an interval (Cody and Waite, *Software Manual for the Elementary Functions*,
//! 1980). eʳ by its Taylor series. ln x = k ln 2 + 2 artanh s with x = 2ᵏm, √½ ≤ m ≤ √2 and s = (m − 1)/(m + 1), so
//! |s| < 0.1716. Everything is evaluated in interval arithmetic, and what a series leaves out is added as an interval:
//! no rounding is argued away.

use super::{Interval, increasing};
use std::f64::consts::{LN_2, SQRT_2};

/// ln 2 = head + tail; the head has 40 bits.
const LN2_HEAD: f64 = 0.693_147_180_559_208_2;
const LN2_TAIL: Interval = Interval::from_below(7.371_002_565_167_799e-13);

/// eˣ over an interval.
pub(super) fn exp(x: Interval) -> Interval {
    increasing(x, exp_at)
}

/// eˣ.
fn exp_at(x: f64) -> Interval {
    if x > 710.0 {
        return Interval::from(f64::INFINITY);
    }
    if x < -746.0 {
        // e⁻⁷⁴⁶ < 2⁻¹⁰⁷⁴, the least positive number.
        return Interval::new(0.0, 0.0_f64.next_up());
    }
    let (k, r) = reduced(x);
    scaled(Interval::from(1.0) + r * slope(r), k)
}

/// eˣ − 1, with full relative accuracy near 0.
pub(super) fn exp_m1(x: f64) -> Interval {
    if x > 710.0 {
        return Interval::from(f64::INFINITY);
    }
    if x < -746.0 {
        return Interval::from_below(-1.0);
    }
    let (k, r) = reduced(x);
    let fraction = r * slope(r);
    if k == 0.0 {
        return fraction;
    }
    let one = Interval::from(1.0);
    scaled(fraction, k) + (scaled(one, k) - one)
}

/// e^(−x²). The square is taken in two parts, h² exact and (x − h)(x + h) small, for an error of x² is one of the
/// exponent.
pub(super) fn gauss(x: f64) -> Interval {
    if x.abs() > 27.3 {
        return Interval::new(0.0, 0.0_f64.next_up());
    }
    // The leading 26 bits.
    let head = f64::from_bits(x.to_bits() & !0x07FF_FFFF);
    let rest = -(Interval::from(x - head) * (Interval::from(head) + Interval::from(x)));
    exp_at(-(head * head)) * (Interval::from(1.0) + rest * slope(rest))
}

/// k and r with x = k ln 2 + r, |r| < 0.36, for |x| < 750.
fn reduced(x: f64) -> (f64, Interval) {
    let k = (x / LN_2).round();
    if k == 0.0 {
        return (k, Interval::from(x));
    }
    let times = Interval::from(k);
    (k, (Interval::from(x) - times * Interval::from(LN2_HEAD)) - times * LN2_TAIL)
}

/// (eʳ − 1)/r = Σ rᵏ/(k+1)! for |r| < 0.36. From k = 14 on the sum is at most 0.36¹⁴/15! · 1/(1 − 0.36/16) < 5·10⁻¹⁹.
fn slope(r: Interval) -> Interval {
    let one = Interval::from(1.0);
    let sum = (2..=14).rev().fold(one, |sum, k| one + r * sum / Interval::from(f64::from(k)));
    sum + Interval::new(-5e-19, 5e-19)
}

/// 2ᵏ x for whole |k| < 2000, in two steps that each stay in the range of exponents.
fn scaled(x: Interval, k: f64) -> Interval {
    let half = (0.5 * k).floor();
    x * Interval::from(power_of_two(half)) * Interval::from(power_of_two(k - half))
}

/// 2ᵏ for a whole −1022 ≤ k ≤ 1023: adding 2⁵² leaves the whole number in the last bits, whence it moves to the exponent.
fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k + 1023.0 + 4_503_599_627_370_496.0).to_bits() << 52)
}

/// ln x over a positive interval.
pub(super) fn ln(x: Interval) -> Interval {
    increasing(x, ln_at)
}

/// ln x for x > 0.
fn ln_at(x: f64) -> Interval {
    if x == f64::INFINITY {
        return ln_at(f64::MAX).hull(Interval::from(x));
    }
    let (k, m) = split(x);
    let (m, one, times) = (Interval::from(m), Interval::from(1.0), Interval::from(k));
    let fraction = twice_artanh((m - one) / (m + one));
    if k == 0.0 {
        return fraction;
    }
    times * Interval::from(LN2_HEAD) + (times * LN2_TAIL + fraction)
}

/// k and m with x = 2ᵏ m and √½ ≤ m ≤ √2, to rounding.
fn split(x: f64) -> (f64, f64) {
    if x < f64::MIN_POSITIVE {
        // Times 2⁵⁴, exactly.
        let (k, m) = split(x * 18_014_398_509_481_984.0);
        return (k - 54.0, m);
    }
    let k = (x.to_bits() >> 52) as f64 - 1023.0;
    let m = f64::from_bits((x.to_bits() << 12 >> 12) | 1.0_f64.to_bits());
    if m > SQRT_2 { (k + 1.0, 0.5 * m) } else { (k, m) }
}

/// ln(1 + z) for 0 ≤ z ≤ 1, with full relative accuracy near 0.
pub(super) fn ln_1p(z: f64) -> Interval {
    let (point, whole) = (Interval::from(z), |n: f64| Interval::from(n));
    if z < 0.414 {
        return twice_artanh(point / (whole(2.0) + point));
    }
    // ln 2 + ln((1 + z)/2).
    let fraction = twice_artanh((point - whole(1.0)) / (whole(3.0) + point));
    whole(LN2_HEAD) + (LN2_TAIL + fraction)
}

/// 2 artanh s = 2s Σ s²ʲ/(2j+1) for |s| < 0.172. From j = 12 on the sum is s²⁴ times a number between 0 and
/// 1/25/(1 − s²) < 0.042.
fn twice_artanh(s: Interval) -> Interval {
    let y = s.squared();
    let one = Interval::from(1.0);
    let tail = Interval::new(0.0, 0.042);
    let sum =
        (0..12).rev().fold(tail, |sum, j| y * sum + one / Interval::from(f64::from(2 * j + 1)));
    Interval::from(2.0) * s * sum
}
