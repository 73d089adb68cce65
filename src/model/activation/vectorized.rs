//! φ and φ' over many numbers at once, without branches or calls, so that loops over them compile to vector code.
//!
//! One rational function serves all. With y ≤ 0, y = k ln 2 + r and |r| ≤ ½ ln 2, Lambert's continued fraction for
//! tanh(r/2), cut where its error is below 2⁻⁶⁰, gives e^y = s (P + Q)/(P − Q) with s = 2ᵏ. Hence, without cancellation
//! and with one division,
//!
//! ```text
//! 1 − e^y = diff/(P − Q),   1 + e^y = sum/(P − Q),   diff = (1 − s) P − (1 + s) Q,   sum = (1 + s) P − (1 − s) Q
//! ```
//!
//! from which tanh, the logistic function, softplus and their slopes follow, each with full relative accuracy at both
//! ends. The plain twins are [`Activation::value`](super::Activation::value) and
//! [`Activation::slope`](super::Activation::slope); `tests/activations.rs` holds both against an oracle of 106 bits.

use std::f64::consts::{LN_2, LOG2_E};

/// 1.5 · 2⁵²: adding it rounds to the nearest integer, which then stands in the lowest bits.
const ROUNDING: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first of 33 bits, so that k times it is exact.
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// Below it e^y is 0 in double precision.
const LOWEST: f64 = -1000.0;

/// e^y for y ≤ 0, as a quotient.
#[derive(Clone, Copy)]
struct Exponential {
    /// P + Q.
    plus: f64,
    /// P − Q.
    minus: f64,
    /// (1 − s) P − (1 + s) Q.
    diff: f64,
    /// (1 + s) P − (1 − s) Q.
    sum: f64,
    /// s, in two factors, as it may be too small for one.
    scale: (f64, f64),
}

/// 2ᵏ for an integer k from −1022 to 1023.
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k + (ROUNDING + 1023.0)).to_bits() << 52)
}

#[inline(always)]
fn exponential(y: f64) -> Exponential {
    // Written so that a NaN passes.
    let y = if y < LOWEST { LOWEST } else { y };
    let k = y.mul_add(LOG2_E, ROUNDING) - ROUNDING;
    let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, y));
    let x = 0.5 * r;
    let t = x * x;
    let p = (t + 210.0).mul_add(t, 4725.0).mul_add(t, 10395.0);
    let q = x * 21.0_f64.mul_add(t, 1260.0).mul_add(t, 10395.0);
    let first = if k < -1021.0 { -1021.0 } else { k };
    let s = power_of_two(first);
    Exponential {
        plus: p + q,
        minus: p - q,
        diff: (1.0 - s).mul_add(p, -(1.0 + s) * q),
        sum: (1.0 + s).mul_add(p, -(1.0 - s) * q),
        scale: (s, power_of_two(k - first)),
    }
}

/// tanh x and 1 − tanh² x = 4 e^y/(1 + e^y)² with y = −2|x|.
#[inline(always)]
pub(super) fn tanh(x: f64) -> (f64, f64) {
    let e = exponential(-2.0 * x.abs());
    let inverse = 1.0 / e.sum;
    let slope = (4.0 * e.minus * inverse) * (e.plus * inverse) * e.scale.0 * e.scale.1;
    ((e.diff * inverse).copysign(x), slope)
}

/// The logistic function and its slope e^y/(1 + e^y)² with y = −|x|.
#[inline(always)]
pub(super) fn sigmoid(x: f64) -> (f64, f64) {
    let e = exponential(-x.abs());
    let inverse = 1.0 / e.sum;
    let (near, far) = (e.minus * inverse, e.plus * inverse * e.scale.0 * e.scale.1);
    let slope = near * (e.plus * inverse) * e.scale.0 * e.scale.1;
    // In this order a NaN is neither.
    (if x < 0.0 { far } else { near }, slope)
}

/// Coefficients of (atanh w − w)/w³ in w², to a relative error of 3·10⁻¹⁷ for w² ≤ (3 − 2√2)².
const ATANH: [f64; 9] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
];

/// softplus x = max(x, 0) + ln(1 + e^y), y = −|x|, and its slope, the logistic function.
///
/// ln v = ln c + 2 atanh((v − c)/(v + c)) with c = 2 where e^y > √2 − 1, else c = 1.
#[inline(always)]
pub(super) fn softplus(x: f64) -> (f64, f64) {
    let e = exponential(-x.abs());
    let n = e.plus * e.scale.0 * e.scale.1;
    let large = n > (std::f64::consts::SQRT_2 - 1.0) * e.minus;
    let (top, bottom) = if large { (-e.diff, 3.0) } else { (n, 2.0) };
    let w = top / e.minus.mul_add(bottom, n);
    let t = w * w;
    let series = ATANH.iter().rev().fold(0.0, |sum: f64, a| sum.mul_add(t, *a));
    let twice = 2.0 * w;
    let log = (twice * t).mul_add(series, twice) + if large { LN_2 } else { 0.0 };
    let inverse = 1.0 / e.sum;
    let (near, far) = (e.minus * inverse, n * inverse);
    if x < 0.0 { (log, far) } else { (x + log, near) }
}
