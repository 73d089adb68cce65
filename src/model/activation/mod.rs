//! Activations φ: value, slope, second derivative; many at once (in `vectorized`); and (in `change`) their exact finite
//! changes.

mod change;
mod vectorized;

pub(crate) use change::{Change, Resting};

use crate::linalg;

use crate::scalar::{Scalar, sech2};
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

    /// φ and φ' of many numbers at once: each of `x` becomes φ(x), and `slope`, of the same length, φ'(x).
    ///
    /// tanh, sigmoid and softplus run as vector code where the machine has it, within 4 ulps of the exact value and
    /// slope; the others are [`Activation::value`] and [`Activation::slope`] one by one.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// let (mut x, mut slope) = ([0.0, -40.0], [0.0; 2]);
    /// Activation::Tanh.fill(&mut x, &mut slope);
    /// assert_eq!((x, slope[0]), ([0.0, -1.0], 1.0));
    /// assert!((slope[1] / (4.0 * (-80.0_f64).exp()) - 1.0).abs() < 1e-15); // not 1 − 1² = 0
    /// ```
    pub fn fill(self, x: &mut [f64], slope: &mut [f64]) {
        match self {
            Activation::Tanh => each(x, slope, vectorized::tanh),
            Activation::Sigmoid => each(x, slope, vectorized::sigmoid),
            Activation::Softplus => each(x, slope, vectorized::softplus),
            Activation::Relu => each(x, slope, |x| (x.relu(), x.step())),
            Activation::Identity => each(x, slope, |x| (x, 1.0 + 0.0 * x)),
            Activation::Erf | Activation::Gelu => {
                for (x, slope) in x.iter_mut().zip(slope) {
                    (*x, *slope) = (self.value(*x), self.slope(*x));
                }
            }
        }
    }
}

#[inline(always)]
fn each(x: &mut [f64], slope: &mut [f64], f: impl Fn(f64) -> (f64, f64)) {
    linalg::vectorized(
        #[inline(always)]
        || {
            for (x, slope) in x.iter_mut().zip(slope) {
                (*x, *slope) = f(*x);
            }
        },
    );
}

/// e^(−x²/2)/√(2π).
fn normal_density(x: f64) -> f64 {
    0.5 * FRAC_1_SQRT_2 * FRAC_2_SQRT_PI * (-0.5 * x * x).exp()
}

/// (2 − x²) times the normal density.
fn gelu_second(x: f64) -> f64 {
    (2.0 - x * x) * normal_density(x)
}
