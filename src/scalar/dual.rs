//! Dual numbers a + b ε with ε² = 0: forward derivatives. Chain, product and quotient rule stand here once each.

use super::{Elementary, Scalar};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and the derivative along one direction of the parameters.
///
/// ```
/// use gradflow::scalar::{Dual, Scalar};
/// let x = Dual::variable(2.0_f64);
/// assert_eq!((x * x * x).tangent, 12.0); // 3x²
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dual<S> {
    /// f(w).
    pub value: S,
    /// Df(w) dw.
    pub tangent: S,
}

impl<S: Scalar> Dual<S> {
    /// w + dw ε.
    pub fn new(value: S, tangent: S) -> Self {
        Dual { value, tangent }
    }
    /// The variable of differentiation, w + ε.
    pub fn variable(value: S) -> Self {
        Dual { value, tangent: S::from(1.0) }
    }
    /// Chain rule: f(a) + f'(a) b ε.
    fn chain(self, value: S, derivative: S) -> Self {
        Dual { value, tangent: derivative * self.tangent }
    }
}

impl<S: Scalar> From<f64> for Dual<S> {
    fn from(x: f64) -> Self {
        Dual { value: S::from(x), tangent: S::from(0.0) }
    }
}

impl<S: Scalar> Add for Dual<S> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Dual { value: self.value + o.value, tangent: self.tangent + o.tangent }
    }
}

impl<S: Scalar> Sub for Dual<S> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Dual { value: self.value - o.value, tangent: self.tangent - o.tangent }
    }
}

/// Product rule.
impl<S: Scalar> Mul for Dual<S> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Dual {
            value: self.value * o.value,
            tangent: self.tangent * o.value + self.value * o.tangent,
        }
    }
}

/// Quotient rule.
impl<S: Scalar> Div for Dual<S> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let value = self.value / o.value;
        Dual { value, tangent: (self.tangent - value * o.tangent) / o.value }
    }
}

impl<S: Scalar> Neg for Dual<S> {
    type Output = Self;
    fn neg(self) -> Self {
        Dual { value: -self.value, tangent: -self.tangent }
    }
}

impl<S: Scalar> Scalar for Dual<S> {
    fn apply(self, f: Elementary) -> Self {
        let y = self.value.apply(f);
        self.chain(y, self.value.slope(f, y))
    }
    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Self::from(1.0);
        }
        self.chain(self.value.powi(n), powi_slope(self.value, n))
    }
    fn powf(self, a: f64) -> Self {
        if a == 0.0 {
            return Self::from(1.0);
        }
        self.chain(self.value.powf(a), powf_slope(self.value, a))
    }
    fn derivative_of(self, f: Elementary, order: usize) -> Option<Self> {
        let (value, slope) =
            (self.value.derivative_of(f, order)?, self.value.derivative_of(f, order + 1)?);
        Some(self.chain(value, slope))
    }
    fn power_derivative(self, a: f64, order: usize) -> Option<Self> {
        let (value, slope) =
            (self.value.power_derivative(a, order)?, self.value.power_derivative(a, order + 1)?);
        Some(self.chain(value, slope))
    }
}

/// n xⁿ⁻¹.
pub(super) fn powi_slope<S: Scalar>(x: S, n: i32) -> S {
    x.power_derivative(f64::from(n), 1)
        .unwrap_or_else(|| S::from(f64::from(n)) * x.powi(n.saturating_sub(1)))
}

/// a xᵃ⁻¹.
pub(super) fn powf_slope<S: Scalar>(x: S, a: f64) -> S {
    x.power_derivative(a, 1).unwrap_or_else(|| S::from(a) * x.powf(a - 1.0))
}
