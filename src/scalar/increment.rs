//! Increment numbers: the dual number that knows α.
//!
//! `(x₀, x₁, r)` at scale ε stands for x(ε) = x₀ + ε x₁ + ε² r, where r is the **exact finite remainder**, not a
//! truncation. Every rule below is exact algebra in which nothing cancels, for every ε from 1 (and beyond) down to and
//! including 0, where the number is the ordinary second-order Taylor number. This is what makes the gap between a
//! flow and its linearization computable at any α: with weights w₀ + ε ū + ε² e, the output's first part is
//! Dh(w₀) ū and its remainder is the scaled output gap, in one sweep (`flow::gap`).
//!
//! The operators are marked `inline` because models, and with them all that evaluates them, are compiled in the crates
//! of their authors.

use super::{Elementary, Scalar};
use crate::scalar::remainder::{power_remainder, remainder};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// x(ε) = x₀ + ε x₁ + ε² r, exactly.
///
/// ```
/// use gradflow::scalar::{Increment, Scalar};
/// let eps = 1e-9;
/// let w = Increment::new(2.0, 3.0, 0.0, eps); // w = 2 + 3ε
/// let y = w * w; // 4 + 12 ε + 9 ε²
/// assert_eq!((y.base, y.first, y.rest), (4.0, 12.0, 9.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Increment {
    /// x₀, the value at ε = 0.
    pub base: f64,
    /// x₁, the derivative at ε = 0.
    pub first: f64,
    /// r = (x(ε) − x₀ − ε x₁)/ε², exactly; x''/2 at ε = 0.
    pub rest: f64,
    /// ε ≥ 0, the same for all numbers of one evaluation (0 in constants).
    pub eps: f64,
}

impl Increment {
    /// x₀ + ε x₁ + ε² r.
    #[inline]
    pub fn new(base: f64, first: f64, rest: f64, eps: f64) -> Self {
        Increment { base, first, rest, eps }
    }

    /// The scaled change (x(ε) − x₀)/ε.
    #[inline]
    pub fn change(self) -> f64 {
        self.first + self.eps * self.rest
    }

    /// f(x) from f(x₀), f'(x₀) and the remainder f₂(x₀, δ) at δ = ε · change.
    #[inline]
    fn chain(self, base: f64, slope: f64, second: impl Fn(f64, f64) -> f64) -> Self {
        let d = self.change();
        let rest = if d == 0.0 {
            slope * self.rest
        } else {
            // A second order that is zero stays zero, whatever the square of d.
            let f2 = second(self.base, self.eps * d);
            slope * self.rest + if f2 == 0.0 { 0.0 } else { d * (d * f2) }
        };
        Increment { base, first: slope * self.first, rest, eps: self.eps }
    }

    #[inline]
    fn common_eps(self, o: Self) -> f64 {
        self.eps.max(o.eps)
    }
}

impl From<f64> for Increment {
    #[inline]
    fn from(x: f64) -> Self {
        Increment::new(x, 0.0, 0.0, 0.0)
    }
}

impl Add for Increment {
    type Output = Self;
    #[inline]
    fn add(self, o: Self) -> Self {
        Increment::new(
            self.base + o.base,
            self.first + o.first,
            self.rest + o.rest,
            self.common_eps(o),
        )
    }
}

impl Sub for Increment {
    type Output = Self;
    #[inline]
    fn sub(self, o: Self) -> Self {
        Increment::new(
            self.base - o.base,
            self.first - o.first,
            self.rest - o.rest,
            self.common_eps(o),
        )
    }
}

impl Mul for Increment {
    type Output = Self;
    #[inline]
    fn mul(self, o: Self) -> Self {
        let eps = self.common_eps(o);
        // a b − a₀b₀ − ε(a₀b₁ + a₁b₀), over ε²: the products of total changes carry the higher orders.
        let (da, db) = (self.first + eps * self.rest, o.first + eps * o.rest);
        Increment {
            base: self.base * o.base,
            first: self.base * o.first + self.first * o.base,
            rest: self.base * o.rest + self.rest * o.base + da * db,
            eps,
        }
    }
}

/// From a = q b: q₁ = (a₁ − q₀ b₁)/b₀, and the remainders r, s, t of q, a, b obey r (b₀ + ε d) = s − q₀ t − q₁ d with
/// d = b₁ + ε t.
impl Div for Increment {
    type Output = Self;
    #[inline]
    fn div(self, o: Self) -> Self {
        let eps = self.common_eps(o);
        let base = self.base / o.base;
        let first = (self.first - base * o.first) / o.base;
        let change = o.first + eps * o.rest;
        let rest = (self.rest - base * o.rest - first * change) / (o.base + eps * change);
        Increment { base, first, rest, eps }
    }
}

impl Neg for Increment {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Increment { base: -self.base, first: -self.first, rest: -self.rest, eps: self.eps }
    }
}

impl Scalar for Increment {
    fn apply(self, f: Elementary) -> Self {
        let y = f.at(self.base);
        let slope = match f {
            // 1 − tanh² has lost its digits where tanh is near ±1.
            Elementary::Tanh => super::sech2(self.base),
            _ => f.derivative(self.base, y),
        };
        match f {
            // The remainder from the value and the slope at hand.
            Elementary::Tanh => {
                self.chain(y, slope, |x0, delta| super::tanh_change(x0, y, slope, delta).second)
            }
            _ => self.chain(y, slope, |x0, delta| remainder(f, x0, delta)),
        }
    }

    fn powi(self, n: i32) -> Self {
        if n < 0 {
            return Self::from(1.0) / power(self, n.unsigned_abs());
        }
        power(self, n.unsigned_abs())
    }

    fn powf(self, a: f64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            reason = "guarded: a whole number below 64 in size"
        )]
        if a.fract() == 0.0 && a.abs() <= 64.0 {
            return self.powi(a as i32);
        }
        self.chain(self.base.powf(a), a * self.base.powf(a - 1.0), |x0, delta| {
            power_remainder(a, x0, delta)
        })
    }
}

/// xⁿ by repeated squaring with the exact product.
fn power(x: Increment, n: u32) -> Increment {
    let (mut result, mut square, mut left) = (Increment::from(1.0), x, n);
    while left > 0 {
        if left & 1 == 1 {
            result = result * square;
        }
        left >>= 1;
        if left > 0 {
            square = square * square;
        }
    }
    result
}
