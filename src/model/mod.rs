//! Differentiable models h : Rᵖ → Rᴺ.
//!
//! [`Model`] is what an author writes: one function, generic over the number. [`Differentiable`] is what solvers see:
//! the model by its actions. [`Auto`] joins the two for any model; networks implement the second by hand, batched, and
//! a test says that both agree.

mod activation;
mod auto;
mod buffers;
mod centred;
mod conv;
mod dense;
mod doubled;
mod formula;
mod init;
mod kinks;
mod last_start;
mod linearized;
mod mlp;
mod modes;
mod network;
mod parametrization;
mod restricted;
mod structure;
mod two_layer;

pub use activation::Activation;
pub use auto::Auto;
pub(crate) use buffers::Buffers;
pub use centred::Centred;
pub use conv::{
    Architecture, CIFAR10, ConvNet, Extent, FilterInitialization, Layer, Pooling, Rectification,
};
pub(crate) use dense::Dense;
pub use doubled::Doubled;
pub use formula::{Formula, FormulaModel, System};
pub use init::{Initialization, doubled_start};
pub use kinks::Kink;
#[doc(hidden)]
pub use kinks::Kinked;
pub(crate) use kinks::{Piece, Sparse};
pub use linearized::Linearized;
pub use mlp::Mlp;
pub(crate) use modes::Modes;
pub use network::Network;
pub use parametrization::{Parametrization, Scaling};
pub(crate) use restricted::Restricted;
pub use structure::{Structure, Written};
pub use two_layer::TwoLayer;

use crate::scalar::{Increment, Scalar};
use nalgebra::DMatrix;

/// Sizes of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// p, the number of parameters.
    pub params: usize,
    /// N, the number of outputs: samples times outputs per sample, sample by sample.
    pub outputs: usize,
}

/// `h : Rᵖ → Rᴺ`, as its author writes it.
///
/// The function must not branch on its numbers (it cannot: [`Scalar`] has no order), must be deterministic, and must
/// compute the same function on every number.
///
/// ```
/// use gradflow::prelude::*;
/// /// h(w) = (w₁², w₁ w₂)
/// struct Parabola;
/// impl Model for Parabola {
///     fn shape(&self) -> Shape {
///         Shape { params: 2, outputs: 2 }
///     }
///     fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
///         y[0] = w[0] * w[0];
///         y[1] = w[0] * w[1];
///     }
/// }
/// let jacobian = Parabola.auto().jacobian(&[3.0, 5.0]);
/// assert_eq!(jacobian.as_slice(), [6.0, 5.0, 0.0, 3.0]); // columns (2w₁, w₂) and (0, w₁)
/// ```
pub trait Model: Sync {
    /// p and N.
    fn shape(&self) -> Shape;
    /// `y` ← h(w); `w` has length p, `y` length N.
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]);
    /// Every derivative, by evaluating on other numbers.
    fn auto(self) -> Auto<Self>
    where
        Self: Sized,
    {
        Auto::new(self)
    }
}

/// Weights written as an exact increment: w = w₀ + ε `first` + ε² `rest`, each of length p.
#[derive(Debug, Clone, Copy)]
pub struct Displacement<'a> {
    /// w₀.
    pub start: &'a [f64],
    /// The first-order displacement u.
    pub first: &'a [f64],
    /// The second-order displacement e.
    pub rest: &'a [f64],
    /// ε ≥ 0.
    pub eps: f64,
}

impl<'a> Displacement<'a> {
    /// The weights as increment numbers.
    pub fn increments(self) -> impl Iterator<Item = Increment> + 'a {
        (0..self.start.len())
            .map(move |i| Increment::new(self.start[i], self.first[i], self.rest[i], self.eps))
    }

    /// The same displacement of some of the parameters.
    pub(crate) fn part(self, range: std::ops::Range<usize>) -> Displacement<'a> {
        Displacement {
            start: &self.start[range.clone()],
            first: &self.first[range.clone()],
            rest: &self.rest[range],
            eps: self.eps,
        }
    }
}

/// Chooses the covector for the sweep back from what the sweep forward found: called as
/// `seed(first, rest, v0, v1)` with the outputs h(w₀) + ε `first` + ε² `rest`, it fills v = `v0` + ε `v1`; all of
/// length N.
pub type Seed<'a> = &'a mut dyn FnMut(&[f64], &[f64], &mut [f64], &mut [f64]);

/// Chooses the covector for the sweep back of a gradient: called as `seed(y, v)` with the outputs y = h(w), it fills
/// v; both of length N. What v held before is unspecified.
pub type Covector<'a> = &'a mut dyn FnMut(&[f64], &mut [f64]);

/// `h` as solvers see it: by its actions. Object-safe.
///
/// Laws (`tests/laws.rs`): ⟨v, jvp(u)⟩ = ⟨vjp(v), u⟩; jvp and vjp are the rows and columns of `jacobian`; `kernel` is
/// Dh Dhᵀ; `gradient` is value, then vjp; `increment` at ε agrees with the differences it replaces.
pub trait Differentiable: Sync {
    /// p and N.
    fn shape(&self) -> Shape;
    /// `y` ← h(w).
    fn value(&self, w: &[f64], y: &mut [f64]);
    /// `dy` ← Dh(w) dw.
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]);
    /// `dw` ← Dh(w)ᵀ dy.
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]);
    /// One sweep forward and one back: y = h(w), `seed(y, v)` chooses the covector v, `dw` ← Dh(w)ᵀ v.
    ///
    /// The right-hand side of a flow, where v = ∇R(αy).
    ///
    /// ```
    /// use gradflow::prelude::*;
    /// use nalgebra::dmatrix;
    /// let net = TwoLayer { width: 1, ..TwoLayer::default() }.on(dmatrix![1.0]).unwrap(); // a tanh b
    /// let (mut y, mut dw) = (0.0, [0.0; 2]);
    /// net.gradient(&[0.5, 3.0], &mut |h, v| (y, v[0]) = (h[0], 2.0), &mut dw);
    /// let z = 0.5_f64.tanh();
    /// assert!((y - 3.0 * z).abs() < 1e-15 && (dw[0] - 6.0 * (1.0 - z * z)).abs() < 1e-15);
    /// ```
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let n = self.shape().outputs;
        let (mut y, mut v) = (vec![0.0; n], vec![0.0; n]);
        self.value(w, &mut y);
        seed(&y, &mut v);
        self.vjp(w, &v, dw);
    }
    /// `out` ← D[w ↦ Dh(w)ᵀ dy] dw = Σᵢ dyᵢ D²hᵢ(w) dw.
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]);

    /// One sweep forward and one back over increments, without cancellation at any ε ≥ 0.
    ///
    /// Forward: with w = w₀ + ε u + ε² e, the outputs h(w) = h(w₀) + ε J₀u + ε² s; `seed` sees J₀u and
    /// s = [h(w) − h(w₀) − ε J₀ u]/ε², and answers with v = v₀ + ε v₁. Back: `base` ← J₀ᵀ v₀ and
    /// `change` ← [Dh(w)ᵀ v − J₀ᵀ v₀]/ε, of length p each. At ε = 0 these are the limits.
    fn increment(&self, at: Displacement<'_>, seed: Seed<'_>, base: &mut [f64], change: &mut [f64]);

    /// The forward half of [`Differentiable::increment`]: `first` ← J₀u, `rest` ← s.
    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        let (mut base, mut change) = (vec![0.0; at.start.len()], vec![0.0; at.start.len()]);
        self.increment(
            at,
            &mut |f, r, _, _| {
                first.copy_from_slice(f);
                rest.copy_from_slice(r);
            },
            &mut base,
            &mut change,
        );
    }

    /// Dh(w), N × p: row i is ∇hᵢ.
    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let Shape { params, outputs } = self.shape();
        let mut jacobian = DMatrix::zeros(outputs, params);
        if params <= outputs {
            let mut dw = vec![0.0; params];
            for j in 0..params {
                dw[j] = 1.0;
                self.jvp(w, &dw, jacobian.column_mut(j).as_mut_slice());
                dw[j] = 0.0;
            }
        } else {
            let (mut dy, mut row) = (vec![0.0; outputs], vec![0.0; params]);
            for i in 0..outputs {
                dy[i] = 1.0;
                self.vjp(w, &dy, &mut row);
                jacobian.row_mut(i).copy_from_slice(&row);
                dy[i] = 0.0;
            }
        }
        jacobian
    }

    /// The tangent kernel Dh(w) Dh(w)ᵀ, N × N; of a model without structure on the [`device`](crate::device) chosen.
    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        crate::device::gram(&self.jacobian(w))
    }

    /// Whether h is continuously differentiable: no relu, no abs.
    fn is_smooth(&self) -> bool {
        true
    }

    /// The model as one with kinks that can be followed, where it is one.
    #[doc(hidden)]
    fn kinked(&self) -> Option<&dyn Kinked> {
        None
    }

    /// Whether Dh is known to be constant.
    fn is_linear(&self) -> bool {
        false
    }

    /// How h is made, from which its constants can be certified; nothing, unless the model says so.
    fn structure(&self) -> Structure<'_> {
        Structure::Opaque
    }
}

/// A model is as good through a reference.
impl<H: Differentiable + ?Sized> Differentiable for &H {
    fn shape(&self) -> Shape {
        (**self).shape()
    }
    fn value(&self, w: &[f64], y: &mut [f64]) {
        (**self).value(w, y);
    }
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        (**self).jvp(w, dw, dy);
    }
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        (**self).vjp(w, dy, dw);
    }
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        (**self).gradient(w, seed, dw);
    }
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        (**self).curvature(w, dy, dw, out);
    }
    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        (**self).increment(at, seed, base, change);
    }
    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        (**self).expand(at, first, rest);
    }
    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        (**self).jacobian(w)
    }
    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        (**self).kernel(w)
    }
    fn is_smooth(&self) -> bool {
        (**self).is_smooth()
    }
    fn kinked(&self) -> Option<&dyn Kinked> {
        (**self).kinked()
    }
    fn is_linear(&self) -> bool {
        (**self).is_linear()
    }
    fn structure(&self) -> Structure<'_> {
        (**self).structure()
    }
}
