//! The elementary functions and their derivatives, written once for every number.

use super::Scalar;

/// A function of one number whose derivative the crate knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is documented as the method of Scalar that bears its name")]
pub enum Elementary {
    Exp,
    Ln,
    Sqrt,
    Sin,
    Cos,
    Tanh,
    Atan,
    Sigmoid,
    Softplus,
    Erf,
    Relu,
    Abs,
    Step,
    Sign,
}

impl Elementary {
    /// All of them.
    pub const ALL: [Elementary; 14] = {
        use Elementary::*;
        [Exp, Ln, Sqrt, Sin, Cos, Tanh, Atan, Sigmoid, Softplus, Erf, Relu, Abs, Step, Sign]
    };

    /// f(x).
    pub fn at(self, x: f64) -> f64 {
        match self {
            Elementary::Exp => x.exp(),
            Elementary::Ln => x.ln(),
            Elementary::Sqrt => x.sqrt(),
            Elementary::Sin => x.sin(),
            Elementary::Cos => x.cos(),
            Elementary::Tanh => x.tanh(),
            Elementary::Atan => x.atan(),
            Elementary::Sigmoid => sigmoid(x),
            Elementary::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Elementary::Erf => libm::erf(x),
            // `max` would swallow a NaN.
            Elementary::Relu if x > 0.0 || x.is_nan() => x,
            Elementary::Relu => 0.0,
            Elementary::Abs => x.abs(),
            Elementary::Step if x.is_nan() => x,
            Elementary::Step => f64::from(u8::from(x > 0.0)),
            Elementary::Sign if x == 0.0 || x.is_nan() => x * 0.0,
            Elementary::Sign => x.signum(),
        }
    }

    /// f'(x), where `y` = f(x) is at hand; 0 at the kinks of relu and abs, and for step and sign.
    pub fn derivative<S: Scalar>(self, x: S, y: S) -> S {
        let one = S::from(1.0);
        match self {
            Elementary::Exp => y,
            // The second term is 0, and NaN where ln is.
            Elementary::Ln => one / x + S::from(0.0) * y,
            Elementary::Sqrt => S::from(0.5) / y,
            Elementary::Sin => x.cos(),
            Elementary::Cos => -x.sin(),
            Elementary::Tanh => one - y * y,
            Elementary::Atan => one / (one + x * x),
            Elementary::Sigmoid => y * (-x).sigmoid(),
            Elementary::Softplus => x.sigmoid(),
            Elementary::Erf => S::from(std::f64::consts::FRAC_2_SQRT_PI) * (-(x * x)).exp(),
            Elementary::Relu => x.step(),
            Elementary::Abs => x.sign(),
            // Flat, and NaN where they are.
            Elementary::Step | Elementary::Sign => S::from(0.0) * y,
        }
    }

    /// Whether the function has a kink or a jump.
    pub fn is_smooth(self) -> bool {
        !matches!(self, Elementary::Relu | Elementary::Abs | Elementary::Step | Elementary::Sign)
    }
}

/// 1 / (1 + e⁻ˣ) with full relative accuracy at both ends.
fn sigmoid(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}
