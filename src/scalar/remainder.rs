//! The second-order remainder f₂(x₀, δ) = [f(x₀ + δ) − f(x₀) − f'(x₀) δ] / δ² without cancellation.
//!
//! It tends to f''(x₀)/2 as δ → 0 and is what lets [`Increment`](super::Increment) carry an *exact* Taylor remainder
//! at every scale. Where an addition theorem gives it in closed form, that is used; elsewhere the integral form
//! f₂ = ∫₀¹ (1 − s) f''(x₀ + sδ) ds by twelve Gauss points while the nearest singularity of f is far compared with δ,
//! and the definition itself where δ is so large that nothing cancels. Tested against 200-bit values
//! (`tests/increments.rs`).

use super::Elementary;
use super::tanh_change::tanh_change;

/// Gauss–Legendre nodes s on (0, 1) with the weights of ∫₀¹ (1 − s) g(s) ds.
const GAUSS: [(f64, f64); 12] = [
    (0.009_219_682_876_640_375, 0.023_370_197_372_714_677),
    (0.047_941_371_814_762_57, 0.050_906_254_003_078_38),
    (0.115_048_662_902_847_65, 0.070_830_765_442_355_74),
    (0.206_341_022_856_691_3, 0.080_622_826_040_933_32),
    (0.316_084_250_500_909_9, 0.079_844_611_564_536_3),
    (0.437_383_295_744_265_54, 0.070_087_144_895_294_58),
    (0.562_616_704_255_734_5, 0.054_486_378_011_406_815),
    (0.683_915_749_499_090_1, 0.036_901_656_704_641_1),
    (0.793_658_977_143_308_7, 0.020_960_887_320_599_65),
    (0.884_951_337_097_152_3, 0.009_208_398_829_317_368),
    (0.952_058_628_185_237_5, 0.002_563_408_994_580_832_7),
    (0.990_780_317_123_359_6, 0.000_217_470_820_541_236_35),
];

/// ∫₀¹ (1 − s) f''(x₀ + sδ) ds.
pub(crate) fn by_quadrature(second: impl Fn(f64) -> f64, x0: f64, delta: f64) -> f64 {
    GAUSS.iter().map(|(s, weight)| weight * second(x0 + s * delta)).sum()
}

/// ∫₀¹ f''(x₀ + sδ) ds, the divided difference of f'.
pub(crate) fn mean_by_quadrature(second: impl Fn(f64) -> f64, x0: f64, delta: f64) -> f64 {
    GAUSS.iter().map(|(s, weight)| weight / (1.0 - s) * second(x0 + s * delta)).sum()
}

/// f₂(x₀, δ) of an elementary function.
pub(crate) fn remainder(f: Elementary, x0: f64, delta: f64) -> f64 {
    let x = x0 + delta;
    match f {
        // e^δ alone may overflow where e^x does not.
        Elementary::Exp if delta > 300.0 => (x.exp() / delta - x0.exp()) / delta,
        Elementary::Exp => x0.exp() * exp_tail(delta),
        Elementary::Ln => ln_tail(delta / x0) / (x0 * x0),
        Elementary::Sqrt => -0.5 / (x0.sqrt() * (x.sqrt() + x0.sqrt()).powi(2)),
        Elementary::Sin => x0.cos() * sin_tail(delta) - x0.sin() * half_square_sinc(delta),
        Elementary::Cos => -x0.cos() * half_square_sinc(delta) - x0.sin() * sin_tail(delta),
        Elementary::Tanh => tanh_change(x0, x0.tanh(), sech2(x0), delta).second,
        Elementary::Sigmoid => {
            // σ(x) = (1 + tanh(x/2))/2; σ' = sech²(x/2)/4.
            let half = 0.5 * x0;
            tanh_change(half, half.tanh(), sech2(half), 0.5 * delta).second / 8.0
        }
        Elementary::Atan => atan_remainder(x0, delta),
        Elementary::Softplus => softplus_remainder(x0, delta),
        Elementary::Erf => erf_remainder(x0, delta),
        Elementary::Relu if (x0 > 0.0) == (x > 0.0) => 0.0 * x,
        Elementary::Relu => (x.abs() / delta.abs()) / delta.abs(),
        Elementary::Abs if x0 == 0.0 && delta != 0.0 => 1.0 / delta.abs(),
        Elementary::Abs if (x0 > 0.0) == (x > 0.0) || delta == 0.0 => 0.0 * x,
        Elementary::Abs => 2.0 * (x.abs() / delta.abs()) / delta.abs(),
        Elementary::Step | Elementary::Sign => {
            let jump = f.at(x) - f.at(x0);
            if jump == 0.0 { 0.0 } else { (jump / delta.abs()) / delta.abs() }
        }
    }
}

/// 1 − tanh² with full relative accuracy.
pub(crate) fn sech2(x: f64) -> f64 {
    let e = (-2.0 * x.abs()).exp();
    4.0 * e / ((1.0 + e) * (1.0 + e))
}

/// (e^δ − 1 − δ)/δ².
fn exp_tail(delta: f64) -> f64 {
    if delta.abs() > 0.5 {
        return (delta.exp_m1() - delta) / delta / delta;
    }
    // Σ δᵏ/(k+2)!, the first omitted term below 2⁻⁵³.
    (0..14).rev().fold(0.0, |sum, k| (1.0 + delta * sum) / f64::from(k + 2))
}

/// (ln(1 + z) − z)/z².
fn ln_tail(z: f64) -> f64 {
    if z.abs() > 0.5 {
        return (z.ln_1p() - z) / z / z;
    }
    by_quadrature(|x| -1.0 / (x * x), 1.0, z)
}

/// (sin δ − δ)/δ².
fn sin_tail(delta: f64) -> f64 {
    if delta.abs() > 1.0 {
        return (delta.sin() - delta) / delta / delta;
    }
    let y = delta * delta;
    -delta / 6.0
        * (1..9).rev().fold(1.0, |sum, k| 1.0 - y * sum / f64::from((2 * k + 2) * (2 * k + 3)))
}

/// (1 − cos δ)/δ² = ½ (sin(δ/2)/(δ/2))².
fn half_square_sinc(delta: f64) -> f64 {
    let h = 0.5 * delta;
    let sinc = if h == 0.0 { 1.0 } else { h.sin() / h };
    0.5 * sinc * sinc
}

/// atan x − atan x₀ is the angle of 1 + x x₀ + iδ. With q = 1/(1 + x x₀) and v = qδ its tangent, the remainder is
/// q² (atan v − v)/v² − x₀ q/(1 + x₀²).
fn atan_remainder(x0: f64, delta: f64) -> f64 {
    let scale = 1.0 + x0 * x0;
    let across = scale + x0 * delta;
    let v = delta / across;
    if across <= 0.0 || v.abs() > 0.5 {
        return (delta.atan2(across) - delta / scale) / delta / delta;
    }
    let tail = by_quadrature(|x| -2.0 * x / (1.0 + x * x).powi(2), 0.0, v);
    tail / across / across - x0 / scale / across
}

/// Poles at ±iπ. softplus(x) = x + softplus(−x), so the remainder is even in (x₀, δ): work where e^x₀ ≤ 1.
pub(crate) fn softplus_remainder(x0: f64, delta: f64) -> f64 {
    let (x0, delta) = if x0 > 0.0 { (-x0, -delta) } else { (x0, delta) };
    if delta.abs() > 2.0 {
        let slope = Elementary::Sigmoid.at(x0);
        return (Elementary::Softplus.at(x0 + delta) - Elementary::Softplus.at(x0) - slope * delta)
            / delta
            / delta;
    }
    by_quadrature(|x| 0.25 * sech2(0.5 * x), x0, delta)
}

/// erf'' = −4x/√π e^(−x²); far out the complement keeps the digits that erf has lost.
pub(crate) fn erf_remainder(x0: f64, delta: f64) -> f64 {
    if x0 < 0.0 {
        return -erf_remainder(-x0, -delta);
    }
    let slope = |x: f64| std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp();
    if delta.abs() > 1.0 {
        return (libm::erfc(x0) - libm::erfc(x0 + delta) - slope(x0) * delta) / delta / delta;
    }
    by_quadrature(|x| -2.0 * x * slope(x), x0, delta)
}

/// The remainder of xᵃ; the origin is its singularity.
pub(crate) fn power_remainder(a: f64, x0: f64, delta: f64) -> f64 {
    if delta.abs() * a.abs().max(2.0) > x0.abs() {
        return ((x0 + delta).powf(a) - x0.powf(a) - a * x0.powf(a - 1.0) * delta) / delta / delta;
    }
    by_quadrature(|x| a * (a - 1.0) * x.powf(a - 2.0), x0, delta)
}
