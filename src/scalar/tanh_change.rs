//! What the addition theorem tanh(x + δ) = (z + t)/(1 + z t), z = tanh x, t = tanh δ, gives without cancellation.
//!
//! tanh(x + δ) − tanh x = (1 − z²) t / (1 + z t), in which nothing cancels while |δ| ≤ 1. Beyond, 1 + z t may (x and δ
//! of opposite sign, both large); there the complement 1 − tanh|x| = 2/(1 + e^(2|x|)) keeps the digits that tanh has
//! lost. The logistic function and softplus' slope are tanh in disguise.

/// How tanh changes from x₀ to x₀ + δ.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TanhChange {
    /// [tanh(x₀ + δ) − tanh x₀]/δ.
    pub(crate) first: f64,
    /// [tanh(x₀ + δ) − tanh x₀ − δ tanh' x₀]/δ².
    pub(crate) second: f64,
    /// [tanh'(x₀ + δ) − tanh' x₀]/δ.
    pub(crate) slope: f64,
}

/// The change from x₀ by δ; `z` = tanh x₀, `slope` = 1 − z² with full relative accuracy.
pub(crate) fn tanh_change(x0: f64, z: f64, slope: f64, delta: f64) -> TanhChange {
    if delta.abs() <= 1.0 {
        tanh_change_near(z, slope, delta)
    } else {
        tanh_change_far(x0, slope, delta)
    }
}

/// For |δ| ≤ 1, free of branches and of calls, so that loops over it vectorize.
///
/// tanh δ/δ = D₁/D₀ by Lambert's continued fraction Dₖ = (2k+1) Dₖ₊₁ + δ² Dₖ₊₂, all of whose terms have one
/// sign; hence (tanh δ − δ)/δ² = −δ D₂/D₀.
#[inline(always)]
pub(crate) fn tanh_change_near(z: f64, slope: f64, delta: f64) -> TanhChange {
    let y = delta * delta;
    let d9 = 399.0 + y; // 19 · 21 + δ²: the fraction ends at the eleventh term, with a relative error below 1e-20.
    let d8 = 17.0 * d9 + y * 21.0;
    let d7 = 15.0 * d8 + y * d9;
    let d6 = 13.0 * d7 + y * d8;
    let d5 = 11.0 * d6 + y * d7;
    let d4 = 9.0 * d5 + y * d6;
    let d3 = 7.0 * d4 + y * d5;
    let d2 = 5.0 * d3 + y * d4;
    let d1 = 3.0 * d2 + y * d3;
    let d0 = d1 + y * d2;
    // 1 + z t = (D₀ + z δ D₁)/D₀: one division serves all.
    let scale = slope / (d0 + z * delta * d1);
    let first = scale * d1;
    let second = -scale * (delta * d2 + z * d1);
    // −(t₁ + t₀)(t₁ − t₀)/δ.
    TanhChange { first, second, slope: -(2.0 * z + delta * first) * first }
}

/// For |δ| > 1: differences of tanh or of its complement, whichever does not cancel.
fn tanh_change_far(x0: f64, slope: f64, delta: f64) -> TanhChange {
    let x = x0 + delta;
    let (c0, c1) = (complement(x0), complement(x));
    let (near, far) = (c0 - c1, 2.0 - c0 - c1);
    // Signs alike: the complements carry the difference; signs apart: they carry the sum.
    let (difference, sum) = if (x0 < 0.0) == (x < 0.0) { (near, far) } else { (far, near) };
    let sign = 1.0_f64.copysign(x);
    let first = sign * difference / delta;
    TanhChange { first, second: (first - slope) / delta, slope: -sign * sum * first }
}

/// 1 − tanh|x|.
fn complement(x: f64) -> f64 {
    let e = (-2.0 * x.abs()).exp();
    2.0 * e / (1.0 + e)
}
