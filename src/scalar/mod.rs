//! Numbers: one model, many of them.
//!
//! A model is one function generic over [`Scalar`]. On `f64` it is the model; on [`Dual`] its forward derivative;
//! on a tape's [`Var`] its reverse derivative; on [`Increment`] its exact finite change and Taylor remainder at
//! scale ε = 1/α. They nest: `Var<Dual<f64>>` is the curvature, `Var<Increment>` the change of the gradient.
//!
//! **A scalar has no order.** A model cannot take one path on reals and another on tapes, so `if w > 0.0` in a model
//! is an error of the compiler. What a model may do at a kink are [`Scalar::relu`] and [`Scalar::abs`], for which each
//! number answers itself; their derivative at the kink is 0.

mod dual;
mod elementary;
mod germ;
mod increment;
mod interval;
mod norm_jet;
mod probe;
mod real;
mod recording;
mod remainder;
mod tangents;
mod tanh_change;
mod tape;

pub use dual::Dual;
pub use elementary::Elementary;
pub(crate) use germ::{Effort, LAST_CLASS, MOST_DEGREE, Polynomial, bending, monomials, positions};
pub use germ::{Germ, Germs};
pub use increment::Increment;
pub use interval::Interval;
#[allow(unused_imports, reason = "directed rounding is one set, whoever uses which")]
pub(crate) use interval::rounding::{
    add_down, add_up, div_down, div_up, hypot_up, mul_down, mul_up, norm_down, norm_up, sqrt_down,
    sqrt_up, sub_down, sum_up,
};
pub use norm_jet::NormJet;
pub(crate) use norm_jet::{Support, symmetric_2_by_2};
pub use probe::Probe;
pub(crate) use recording::{Covectors, Fold, Recordable, Recording, Sweep};
pub(crate) use remainder::{by_quadrature, mean_by_quadrature, remainder, sech2};
pub(crate) use tangents::Tangents;
pub(crate) use tanh_change::{TanhChange, tanh_change, tanh_change_near};
pub use tape::{Tape, Var};

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number without an order: field operations and elementary functions.
///
/// Laws, tested in `tests/laws.rs` for every implementation: the value part of `f(x)` is `f` of the value part; the
/// derivative parts follow the chain, product and quotient rules.
///
/// ```
/// use gradflow::scalar::{Dual, Scalar};
/// fn model<S: Scalar>(w: S) -> S {
///     w.tanh() * S::from(3.0)
/// }
/// let y = model(Dual::variable(0.5_f64));
/// assert_eq!(y.value, 3.0 * 0.5_f64.tanh());
/// assert!((y.tangent - 3.0 * (1.0 - 0.5_f64.tanh().powi(2))).abs() < 1e-15); // 3 (1 − tanh² w)
/// ```
pub trait Scalar:
    Copy
    + Debug
    + From<f64>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// f(x) for an elementary f; the methods below are its names.
    fn apply(self, f: Elementary) -> Self;
    /// xⁿ for a whole exponent, negative ones included; x⁰ = 1.
    fn powi(self, n: i32) -> Self;
    /// xᵃ for a real exponent; x ≥ 0 unless a is whole.
    fn powf(self, a: f64) -> Self;

    /// f⁽ᵒʳᵈᵉʳ⁾(x) where this kind of number knows better than the formulas of [`Elementary::derivative`], as intervals
    /// do, whose ranges are tighter than any formula evaluated on them; `None`: take the formulas.
    fn derivative_of(self, f: Elementary, order: usize) -> Option<Self> {
        let _ = (f, order);
        None
    }
    /// dᵏ/dxᵏ xᵃ, k = `order`, where this kind of number knows better than a xᵃ⁻¹; `None`: take the formula.
    fn power_derivative(self, a: f64, order: usize) -> Option<Self> {
        let _ = (a, order);
        None
    }
    /// f'(x), where `y` = f(x) is at hand.
    fn slope(self, f: Elementary, y: Self) -> Self {
        self.derivative_of(f, 1).unwrap_or_else(|| f.derivative(self, y))
    }

    /// eˣ.
    fn exp(self) -> Self {
        self.apply(Elementary::Exp)
    }
    /// Natural logarithm, for x > 0.
    fn ln(self) -> Self {
        self.apply(Elementary::Ln)
    }
    /// √x, for x > 0.
    fn sqrt(self) -> Self {
        self.apply(Elementary::Sqrt)
    }
    /// Sine.
    fn sin(self) -> Self {
        self.apply(Elementary::Sin)
    }
    /// Cosine.
    fn cos(self) -> Self {
        self.apply(Elementary::Cos)
    }
    /// Hyperbolic tangent.
    fn tanh(self) -> Self {
        self.apply(Elementary::Tanh)
    }
    /// Inverse tangent.
    fn atan(self) -> Self {
        self.apply(Elementary::Atan)
    }
    /// 1 / (1 + e⁻ˣ).
    fn sigmoid(self) -> Self {
        self.apply(Elementary::Sigmoid)
    }
    /// ln(1 + eˣ).
    fn softplus(self) -> Self {
        self.apply(Elementary::Softplus)
    }
    /// The error function, 2/√π ∫₀ˣ e^(−s²) ds.
    fn erf(self) -> Self {
        self.apply(Elementary::Erf)
    }
    /// max(x, 0); its derivative at 0 is 0.
    fn relu(self) -> Self {
        self.apply(Elementary::Relu)
    }
    /// |x|; its derivative at 0 is 0.
    fn abs(self) -> Self {
        self.apply(Elementary::Abs)
    }
    /// relu': 1 for x > 0, else 0.
    fn step(self) -> Self {
        self.apply(Elementary::Step)
    }
    /// abs': −1, 0 or 1.
    fn sign(self) -> Self {
        self.apply(Elementary::Sign)
    }
    /// x Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016; the exact form, not its approximation).
    fn gelu(self) -> Self {
        let half = Self::from(0.5);
        half * self * (Self::from(1.0) + (self * Self::from(std::f64::consts::FRAC_1_SQRT_2)).erf())
    }
}
