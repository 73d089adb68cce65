//! tanh, its derivatives, and the functions made from it: the logistic function and softplus.
//!
//! All come from e^(−2|x|) or e^(−|x|) in forms where nothing cancels: near 0 and near saturation the enclosures are a
//! few ulp wide, relatively.

use super::Interval;
use super::exponential::{exp, exp_m1, ln_1p};

/// tanh x = −m/(2 + m) with m = e^(−2x) − 1, falling in m; odd.
pub(super) fn tanh_at(x: f64) -> Interval {
    if x < 0.0 {
        return -tanh_at(-x);
    }
    let m = exp_m1(-2.0 * x);
    let at = |m: f64| -Interval::from(m) / (Interval::from(2.0) + m.into());
    Interval::new(at(m.hi).lo.max(0.0), at(m.lo).hi.min(1.0))
}

/// The derivatives of tanh on a narrow interval: s = 1 − t², −2ts and 2s(2t² − s), t = tanh x.
pub(super) fn tanh_derivative(order: usize, x: Interval) -> Interval {
    let (two, s) = (Interval::from(2.0), sech_squared(x));
    let t = super::increasing(x, tanh_at);
    match order {
        1 => s,
        2 => -two * t * s,
        _ => two * s * (two * t.squared() - s),
    }
}

/// 1 − tanh² x = 4e/(1 + e)² with e = e^(−2|x|) ≤ 1, in which it grows.
fn sech_squared(x: Interval) -> Interval {
    let e = exp(Interval::from(-2.0) * Interval::new(x.mignitude(), x.magnitude()));
    super::increasing(Interval::new(e.lo, e.hi.min(1.0)), |e| {
        let e = Interval::from(e);
        Interval::from(4.0) * e / (Interval::from(1.0) + e).squared()
    })
}

/// 1/(1 + e⁻ˣ) for x ≥ 0, and e/(1 + e) with e = eˣ, in which it grows, for x < 0.
pub(super) fn sigmoid_at(x: f64) -> Interval {
    let one = Interval::from(1.0);
    if x >= 0.0 {
        return one / (one + exp(Interval::from(-x)));
    }
    super::increasing(exp(Interval::from(x)), |e| Interval::from(e) / (one + e.into()))
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^(−|x|)).
pub(super) fn softplus_at(x: f64) -> Interval {
    let e = exp(Interval::from(-x.abs()));
    let tail = super::increasing(Interval::new(e.lo, e.hi.min(1.0)), ln_1p);
    Interval::from(x.max(0.0)) + tail
}
