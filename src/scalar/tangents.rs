//! [`Dual`](super::Dual) along several directions at once: the value is computed once for W of them, and their
//! tangents in loops of fixed length, which become vector instructions.

use super::dual::{powf_slope, powi_slope};
use super::{Elementary, Scalar};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and its derivatives along W directions of the parameters, bit for bit those of [`Dual`](super::Dual).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tangents<const W: usize> {
    pub(crate) value: f64,
    pub(crate) tangents: [f64; W],
}

impl<const W: usize> Tangents<W> {
    /// A parameter, moving along direction `lane` where it is one of the W.
    pub(crate) fn variable(value: f64, lane: Option<usize>) -> Self {
        let mut tangents = [0.0; W];
        if let Some(slot) = lane.and_then(|lane| tangents.get_mut(lane)) {
            *slot = 1.0;
        }
        Tangents { value, tangents }
    }

    fn map(self, value: f64, f: impl Fn(f64) -> f64) -> Self {
        Tangents { value, tangents: std::array::from_fn(|i| f(self.tangents[i])) }
    }

    fn zip(self, o: Self, value: f64, f: impl Fn(f64, f64) -> f64) -> Self {
        Tangents { value, tangents: std::array::from_fn(|i| f(self.tangents[i], o.tangents[i])) }
    }

    /// Product rule.
    fn product(self, o: Self) -> Self {
        self.zip(o, self.value * o.value, |a, b| a * o.value + self.value * b)
    }

    /// Quotient rule.
    fn quotient(self, o: Self) -> Self {
        let value = self.value / o.value;
        self.zip(o, value, |a, b| (a - value * b) / o.value)
    }
}

impl<const W: usize> From<f64> for Tangents<W> {
    fn from(x: f64) -> Self {
        Self::variable(x, None)
    }
}

impl<const W: usize> Add for Tangents<W> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.zip(o, self.value + o.value, |a, b| a + b)
    }
}

impl<const W: usize> Sub for Tangents<W> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.zip(o, self.value - o.value, |a, b| a - b)
    }
}

impl<const W: usize> Mul for Tangents<W> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.product(o)
    }
}

impl<const W: usize> Div for Tangents<W> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        self.quotient(o)
    }
}

impl<const W: usize> Neg for Tangents<W> {
    type Output = Self;
    fn neg(self) -> Self {
        self.map(-self.value, |a| -a)
    }
}

impl<const W: usize> Scalar for Tangents<W> {
    fn apply(self, f: Elementary) -> Self {
        let y = f.at(self.value);
        let slope = self.value.slope(f, y);
        self.map(y, |a| slope * a)
    }
    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Self::from(1.0);
        }
        let slope = powi_slope(self.value, n);
        self.map(self.value.powi(n), |a| slope * a)
    }
    fn powf(self, a: f64) -> Self {
        if a == 0.0 {
            return Self::from(1.0);
        }
        let slope = powf_slope(self.value, a);
        self.map(self.value.powf(a), |t| slope * t)
    }
}
