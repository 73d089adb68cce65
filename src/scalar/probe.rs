//! A number that remembers whether a kink lies behind it: how the crate learns that a model is piecewise smooth.

use super::{Elementary, Scalar};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A value and whether any function with a kink was applied on the way to it.
///
/// ```
/// use gradflow::scalar::{Probe, Scalar};
/// assert!(Probe::from(1.0).relu().kinked);
/// assert!(!Probe::from(1.0).tanh().kinked);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    value: f64,
    /// Whether [`Scalar::relu`], [`Scalar::abs`] or a jump was met.
    pub kinked: bool,
}

impl From<f64> for Probe {
    fn from(value: f64) -> Self {
        Probe { value, kinked: false }
    }
}

impl Add for Probe {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Probe { value: self.value + o.value, kinked: self.kinked | o.kinked }
    }
}

impl Sub for Probe {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Probe { value: self.value - o.value, kinked: self.kinked | o.kinked }
    }
}

impl Mul for Probe {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        Probe { value: self.value * o.value, kinked: self.kinked | o.kinked }
    }
}

impl Div for Probe {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        Probe { value: self.value / o.value, kinked: self.kinked | o.kinked }
    }
}

impl Neg for Probe {
    type Output = Self;
    fn neg(self) -> Self {
        Probe { value: -self.value, ..self }
    }
}

impl Scalar for Probe {
    fn apply(self, f: Elementary) -> Self {
        Probe { value: f.at(self.value), kinked: self.kinked || !f.is_smooth() }
    }
    fn powi(self, n: i32) -> Self {
        Probe { value: self.value.powi(n), ..self }
    }
    fn powf(self, a: f64) -> Self {
        Probe { value: self.value.powf(a), ..self }
    }
}
