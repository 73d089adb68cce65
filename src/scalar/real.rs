//! `f64` as a [`Scalar`]: the model itself.

use super::{Elementary, Scalar};

impl Scalar for f64 {
    fn apply(self, f: Elementary) -> f64 {
        f.at(self)
    }
    fn powi(self, n: i32) -> f64 {
        f64::powi(self, n)
    }
    fn powf(self, a: f64) -> f64 {
        f64::powf(self, a)
    }
}
