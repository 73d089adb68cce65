//! Exact finite changes of an activation, without cancellation at any ε ≥ 0 (`scalar::increment` for whole layers).
//!
//! For z = z₀ + ε z₁ + ε² r with the scaled change d = z₁ + ε r and δ = ε d, the value φ(z) has
//! first = φ'(z₀) z₁ and rest = φ'(z₀) r + d² φ₂(z₀, δ), and the slope's scaled change
//! [φ'(z) − φ'(z₀)]/ε is d · [φ'(z₀ + δ) − φ'(z₀)]/δ. Both divided remainders tend to derivatives as δ → 0.

use super::{Activation, gelu_second};
use crate::linalg;
use crate::scalar::{
    Elementary, Scalar, TanhChange, by_quadrature, mean_by_quadrature, remainder, sech2,
    tanh_change, tanh_change_near,
};
use std::f64::consts::FRAC_2_SQRT_PI;

/// A hidden layer, or some of its neurons, at w₀: width × n each, a row per neuron.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resting<'a> {
    /// Z₀, before the activation.
    pub(crate) z: &'a [f64],
    /// φ(Z₀).
    pub(crate) value: &'a [f64],
    /// φ'(Z₀).
    pub(crate) slope: &'a [f64],
}

impl<'a> Resting<'a> {
    /// Some of its numbers.
    pub(crate) fn part(self, range: std::ops::Range<usize>) -> Resting<'a> {
        Resting {
            z: &self.z[range.clone()],
            value: &self.value[range.clone()],
            slope: &self.slope[range],
        }
    }
}

/// The same neurons' change from w₀ to w₀ + εu + ε²e; all slices have one length.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// The first part of Z, then of φ(Z).
    pub(crate) first: &'a mut [f64],
    /// The rest of Z, then of φ(Z).
    pub(crate) rest: &'a mut [f64],
    /// φ(Z).
    pub(crate) total: &'a mut [f64],
    /// [φ(Z) − φ(Z₀)]/ε.
    pub(crate) change: &'a mut [f64],
    /// [φ'(Z) − φ'(Z₀)]/ε.
    pub(crate) slope: &'a mut [f64],
}

/// Elements looked at together: all near their start, or not.
const BLOCK: usize = 64;

impl Activation {
    /// φ₂(x₀, δ) = [φ(x₀ + δ) − φ(x₀) − φ'(x₀) δ]/δ², which is φ''(x₀)/2 at δ = 0.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// assert_eq!(Activation::Erf.remainder(0.0, 0.0), 0.0);
    /// assert_eq!(Activation::Relu.remainder(-1.0, 2.0), 0.25); // (1 − 0 − 0)/2²
    /// ```
    pub fn remainder(self, x0: f64, delta: f64) -> f64 {
        match self {
            Activation::Tanh => remainder(Elementary::Tanh, x0, delta),
            Activation::Relu => remainder(Elementary::Relu, x0, delta),
            Activation::Softplus => remainder(Elementary::Softplus, x0, delta),
            Activation::Erf => remainder(Elementary::Erf, x0, delta),
            Activation::Sigmoid => remainder(Elementary::Sigmoid, x0, delta),
            Activation::Gelu => gelu_remainder(x0, delta),
            Activation::Identity => 0.0 * (x0 + delta),
        }
    }

    /// [φ'(x₀ + δ) − φ'(x₀)]/δ, which is φ''(x₀) at δ = 0.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// assert_eq!(Activation::Relu.slope_change(-1.0, 2.0), 0.5); // (1 − 0)/2
    /// ```
    pub fn slope_change(self, x0: f64, delta: f64) -> f64 {
        match self {
            Activation::Tanh => tanh_change(x0, x0.tanh(), sech2(x0), delta).slope,
            Activation::Relu => {
                let jump = (x0 + delta).step() - x0.step();
                if jump == 0.0 { 0.0 } else { jump / delta }
            }
            // σ = (1 + tanh(x/2))/2 is softplus' slope; σ' = tanh'(x/2)/4.
            Activation::Softplus => 0.25 * half_angle(x0, delta).first,
            Activation::Sigmoid => 0.125 * half_angle(x0, delta).slope,
            Activation::Erf => erf_slope_change(x0, delta),
            Activation::Gelu => gelu_slope_change(x0, delta),
            Activation::Identity => 0.0 * (x0 + delta),
        }
    }

    /// Carries increments through the activation: `first` and `rest` of Z become those of φ(Z), the other parts of
    /// `out` are filled.
    pub(crate) fn advance(self, at: Resting<'_>, out: &mut Change<'_>, eps: f64) {
        linalg::vectorized(
            #[inline(always)]
            || {
                for begin in (0..at.z.len()).step_by(BLOCK) {
                    let range = begin..(begin + BLOCK).min(at.z.len());
                    self.advance_block(&mut Block {
                        z: &at.z[range.clone()],
                        value: &at.value[range.clone()],
                        at: &at.slope[range.clone()],
                        first: &mut out.first[range.clone()],
                        rest: &mut out.rest[range.clone()],
                        total: &mut out.total[range.clone()],
                        change: &mut out.change[range.clone()],
                        slope: &mut out.slope[range],
                        eps,
                    });
                }
            },
        );
    }

    #[inline(always)]
    fn advance_block(self, block: &mut Block<'_>) {
        match self {
            Activation::Relu => block.relu(),
            Activation::Identity => block.each(|_, _, _, _| (0.0, 0.0)),
            Activation::Tanh if block.is_near() => block.each(|_, value, slope, delta| {
                let change = tanh_change_near(value, slope, delta);
                (change.second, change.slope)
            }),
            Activation::Tanh => block.each(|z, value, slope, delta| {
                let change = tanh_change(z, value, slope, delta);
                (change.second, change.slope)
            }),
            Activation::Sigmoid => block.each(|z, _, _, delta| {
                let change = half_angle(z, delta);
                (0.125 * change.second, 0.125 * change.slope)
            }),
            _ => {
                block
                    .each(|z, _, _, delta| (self.remainder(z, delta), self.slope_change(z, delta)));
            }
        }
    }
}

/// A few elements of a layer; all slices have one length.
struct Block<'a> {
    z: &'a [f64],
    value: &'a [f64],
    at: &'a [f64],
    first: &'a mut [f64],
    rest: &'a mut [f64],
    total: &'a mut [f64],
    change: &'a mut [f64],
    slope: &'a mut [f64],
    eps: f64,
}

impl Block<'_> {
    /// Whether |δ| ≤ 1 throughout (a NaN is not near).
    #[inline(always)]
    fn is_near(&self) -> bool {
        let eps = self.eps;
        let pairs = self.first.iter().zip(self.rest.iter());
        pairs.fold(true, |near, (first, rest)| near & ((eps * (first + eps * rest)).abs() <= 1.0))
    }

    /// `pieces(z₀, φ, φ', δ)` gives the divided remainder of the value and the divided difference of the slope.
    #[inline(always)]
    fn each(&mut self, pieces: impl Fn(f64, f64, f64, f64) -> (f64, f64)) {
        let (n, eps) = (self.z.len(), self.eps);
        let (z, value, at) = (&self.z[..n], &self.value[..n], &self.at[..n]);
        let (first, rest) = (&mut self.first[..n], &mut self.rest[..n]);
        let (total, changes) = (&mut self.total[..n], &mut self.change[..n]);
        let slopes = &mut self.slope[..n];
        for i in 0..n {
            let d = first[i] + eps * rest[i];
            let (second, slope) = pieces(z[i], value[i], at[i], eps * d);
            first[i] *= at[i];
            rest[i] = at[i] * rest[i] + d * (d * second);
            changes[i] = first[i] + eps * rest[i];
            total[i] = value[i] + eps * changes[i];
            slopes[i] = d * slope;
        }
    }

    /// Between kinks relu is linear; across one, φ(x) − φ(z₀) − φ'(z₀) δ = |x| and the slope jumps by ±1.
    fn relu(&mut self) {
        let eps = self.eps;
        for i in 0..self.z.len() {
            let d = self.first[i] + eps * self.rest[i];
            let x = self.z[i] + eps * d;
            let jump = x.step() - self.at[i];
            self.first[i] *= self.at[i];
            self.rest[i] *= self.at[i];
            if jump == 0.0 {
                self.slope[i] = 0.0;
            } else {
                self.rest[i] += x.abs() / eps / eps;
                self.slope[i] = jump / eps;
            }
            self.change[i] = self.first[i] + eps * self.rest[i];
            self.total[i] = x.relu();
        }
    }
}

/// tanh from x₀/2 by δ/2.
fn half_angle(x0: f64, delta: f64) -> TanhChange {
    let half = 0.5 * x0;
    tanh_change(half, half.tanh(), sech2(half), 0.5 * delta)
}

/// With q = −δ(2x₀ + δ): e^(−x²) − e^(−x₀²) = e^(−x₀²) (e^q − 1), from whichever end is higher.
fn erf_slope_change(x0: f64, delta: f64) -> f64 {
    let x = x0 + delta;
    let (top, q) = if x.abs() < x0.abs() { (x, delta * (x0 + x)) } else { (x0, -delta * (x0 + x)) };
    let growth = if q == 0.0 { 1.0 } else { q.exp_m1() / q };
    -FRAC_2_SQRT_PI * (-top * top).exp() * growth * (x0 + x)
}

/// φ(x) = x + φ(−x), so the remainder is even in (x₀, δ): work in the left tail, where φ keeps its digits.
fn gelu_remainder(x0: f64, delta: f64) -> f64 {
    let (x0, delta) = if x0 > 0.0 { (-x0, -delta) } else { (x0, delta) };
    if delta.abs() > 1.0 {
        let gelu = Activation::Gelu;
        return (gelu.value(x0 + delta) - gelu.value(x0) - gelu.slope(x0) * delta) / delta / delta;
    }
    by_quadrature(gelu_second, x0, delta)
}

/// φ'(x) = 1 − φ'(−x), so the divided difference is even in (x₀, δ) as well.
fn gelu_slope_change(x0: f64, delta: f64) -> f64 {
    let (x0, delta) = if x0 > 0.0 { (-x0, -delta) } else { (x0, delta) };
    if delta.abs() > 1.0 {
        return (Activation::Gelu.slope(x0 + delta) - Activation::Gelu.slope(x0)) / delta;
    }
    mean_by_quadrature(gelu_second, x0, delta)
}
