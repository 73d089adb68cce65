//! Activations φ: value, slope, second derivative, and (in `change`) their exact finite changes.

mod change;

pub(crate) use change::{Changed, Resting};

use crate::scalar::{Elementary, Scalar, sech2};
use crate::{Error, Result};
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// A function applied to each neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// tanh x.
    Tanh,
    /// max(x, 0), with slope 0 at 0 as in the paper's code.
    Relu,
    /// ln(1 + eˣ).
    Softplus,
    /// 2/√π ∫₀ˣ e^(−s²) ds.
    Erf,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// x.
    Identity,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 7] = {
        use Activation::*;
        [Tanh, Relu, Softplus, Erf, Sigmoid, Gelu, Identity]
    };

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Softplus => "softplus",
            Activation::Erf => "erf",
            Activation::Sigmoid => "sigmoid",
            Activation::Gelu => "gelu",
            Activation::Identity => "identity",
        }
    }

    /// The activation of that name.
    ///
    /// # Errors
    /// [`Error::Unknown`] with the nearest legal word.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// assert_eq!(Activation::parse("tanh").unwrap(), Activation::Tanh);
    /// assert!(Activation::parse("tan").unwrap_err().to_string().contains("did you mean `tanh`?"));
    /// ```
    pub fn parse(word: &str) -> Result<Self> {
        let known = Activation::ALL.map(Activation::name);
        Activation::ALL
            .into_iter()
            .find(|activation| activation.name() == word)
            .ok_or_else(|| Error::unknown("activation", word, known))
    }

    /// Whether φ' is continuous.
    pub fn is_smooth(self) -> bool {
        self != Activation::Relu
    }

    /// φ(x) on any number.
    pub fn apply<S: Scalar>(self, x: S) -> S {
        match self {
            Activation::Tanh => x.tanh(),
            Activation::Relu => x.relu(),
            Activation::Softplus => x.softplus(),
            Activation::Erf => x.erf(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Gelu => x.gelu(),
            Activation::Identity => x,
        }
    }

    /// φ(x).
    pub fn value(self, x: f64) -> f64 {
        match self {
            // The complement of erf keeps the digits of the left tail.
            Activation::Gelu => 0.5 * x * libm::erfc(-x * FRAC_1_SQRT_2),
            _ => self.apply(x),
        }
    }

    /// φ'(x).
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// assert_eq!(Activation::Tanh.slope(0.0), 1.0); // 1 − tanh² 0
    /// assert_eq!(Activation::Relu.slope(0.0), 0.0); // by convention
    /// ```
    pub fn slope(self, x: f64) -> f64 {
        match self {
            Activation::Tanh => sech2(x),
            Activation::Relu => x.step(),
            Activation::Softplus => x.sigmoid(),
            Activation::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
            Activation::Sigmoid => 0.25 * sech2(0.5 * x),
            Activation::Gelu => 0.5 * libm::erfc(-x * FRAC_1_SQRT_2) + x * normal_density(x),
            Activation::Identity => 1.0 + 0.0 * x,
        }
    }

    /// φ''(x), zero at the kink of relu.
    pub fn second(self, x: f64) -> f64 {
        match self {
            Activation::Tanh => -2.0 * x.tanh() * sech2(x),
            Activation::Relu | Activation::Identity => 0.0 * x,
            Activation::Softplus => Activation::Sigmoid.slope(x),
            Activation::Erf => -2.0 * x * self.slope(x),
            Activation::Sigmoid => -(0.5 * x).tanh() * self.slope(x),
            Activation::Gelu => gelu_second(x),
        }
    }

    /// φ and φ' of many numbers at once: `value` and `slope` have the length of `x`.
    pub(crate) fn fill(self, x: &[f64], value: &mut [f64], slope: &mut [f64]) {
        match self {
            Activation::Tanh => each(x, value, slope, tanh_with_slope),
            Activation::Relu => each(x, value, slope, |x| (Elementary::Relu.at(x), x.step())),
            Activation::Identity => each(x, value, slope, |x| (x, 1.0)),
            _ => each(x, value, slope, |x| (self.value(x), self.slope(x))),
        }
    }
}

fn each(x: &[f64], value: &mut [f64], slope: &mut [f64], f: impl Fn(f64) -> (f64, f64)) {
    for ((x, value), slope) in x.iter().zip(value).zip(slope) {
        (*value, *slope) = f(*x);
    }
}

/// tanh and 1 − tanh² from one q = e^(−2|x|): (1 − q)/(1 + q) and 4q/(1 + q)²; 1 − q without cancellation near 0, q
/// with full relative accuracy far out.
fn tanh_with_slope(x: f64) -> (f64, f64) {
    let y = -2.0 * x.abs();
    let (q, rest) = if y < -0.5 {
        let q = y.exp();
        (q, 1.0 - q)
    } else {
        let rest = -y.exp_m1();
        (1.0 - rest, rest)
    };
    let inverse = 1.0 / (1.0 + q);
    ((rest * inverse).copysign(x), 4.0 * q * inverse * inverse)
}

/// e^(−x²/2)/√(2π).
fn normal_density(x: f64) -> f64 {
    0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * (-0.5 * x * x).exp()
}

/// (2 − x²) times the normal density.
fn gelu_second(x: f64) -> f64 {
    (2.0 - x * x) * normal_density(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_exponential_gives_tanh_and_its_slope() {
        for x in [0.0, 1e-300, -1e-9, 0.3, -1.0, 5.0, -20.0, 400.0] {
            let (value, slope) = tanh_with_slope(x);
            // Three roundings beyond expm1's own.
            assert!((value - x.tanh()).abs() <= 8.0 * f64::EPSILON * x.tanh().abs(), "{x}");
            assert!((slope - sech2(x)).abs() <= 8.0 * f64::EPSILON * sech2(x), "{x}");
        }
        assert!(tanh_with_slope(f64::NAN).0.is_nan());
    }
}
