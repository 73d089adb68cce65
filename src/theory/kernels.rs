//! Tangent kernels: what linearized training predicts, and the two-layer kernels in the limit of many neurons.
//!
//! **Kernel with offset** (Chizat, Oyallon, Bach 2019, Appendix A.1). Training f̄ with the square loss is regression on
//! the features Df(w₀, ·). With k(x, x') = Df(w₀, x) Df(w₀, x')ᵀ its limit predicts at scale α
//!
//! ```text
//! ȳ∞(x) = αf(w₀, x) + k(x, X) k(X, X)⁺ (y* − αf(w₀, X)),
//! ```
//!
//! the pseudo-inverse where k(X, X) is singular: weights move in the range of Df(w₀, X)ᵀ only.
//!
//! **Two layers** (Appendix A.2). For f(x) = m^(−½) Σⱼ bⱼ φ(aⱼ·x) the kernel is the sum of the kernels of the two layers,
//! both of random features:
//!
//! ```text
//! kᵃ(x, x') = (1/m) Σⱼ (x·x') bⱼ² φ'(aⱼ·x) φ'(aⱼ·x'),      kᵇ(x, x') = (1/m) Σⱼ φ(aⱼ·x) φ(aⱼ·x').
//! ```
//!
//! As m → ∞ with independent neurons, a rotation invariant, b independent of a and φ = relu (eq. 8; Cho and Saul 2009), at
//! the angle θ between x and x' in Rᵈ:
//!
//! ```text
//! kᵃ = (x·x') E[b²] (π − θ)/(2π),      kᵇ = ‖x‖‖x'‖ E‖a‖² ((π − θ) cos θ + sin θ)/(2πd).
//! ```
//!
//! In the appendix a is the inner layer and b the outer, as here; the experiments of §3.1 swap the letters.

use crate::linalg::{dot, norm, symmetric_eigen};
use crate::model::{Activation, Differentiable};
use crate::solve::no_modes;
use crate::{Error, Result};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// ȳ∞ over the inputs of `elsewhere`, of length N': what the linearization at `start` predicts there once trained on
/// `train` to `target` (length N) at scale α, by kernel regression with offset.
///
/// # Errors
/// [`Error::Shape`] for models of other parameters or a target of another length; [`Error::Integration`] where Dh(w₀) is
/// not finite.
pub fn predict(
    train: &dyn Differentiable,
    elsewhere: &dyn Differentiable,
    start: &[f64],
    target: &[f64],
    alpha: f64,
) -> Result<Vec<f64>> {
    let shape = train.shape();
    check("start w₀", start.len(), shape.params)?;
    check("parameters of the model elsewhere", elsewhere.shape().params, shape.params)?;
    check("target", target.len(), shape.outputs)?;
    let value = |map: &dyn Differentiable| {
        let mut y = vec![0.0; map.shape().outputs];
        map.value(start, &mut y);
        DVector::from_vec(y) * alpha
    };
    let residual = DVector::from_column_slice(target) - value(train);
    let (eigenvalues, vectors) = symmetric_eigen(&train.kernel(start)).ok_or_else(no_modes)?;
    let largest = eigenvalues.first().copied().unwrap_or(0.0);
    let cutoff = largest * shape.outputs as f64 * f64::EPSILON;
    let mut parts = vectors.tr_mul(&residual);
    for (part, &lambda) in parts.iter_mut().zip(&eigenvalues) {
        *part = if lambda > cutoff { *part / lambda } else { 0.0 };
    }
    // K(·, X) v = Dh_elsewhere (Dhᵀ v): one sweep back and one forward, and no Jacobian.
    let (mut w, mut change) = (vec![0.0; shape.params], vec![0.0; elsewhere.shape().outputs]);
    train.vjp(start, (vectors * parts).as_slice(), &mut w);
    elsewhere.jvp(start, &w, &mut change);
    Ok(value(elsewhere).iter().zip(&change).map(|(y, change)| y + change).collect())
}

fn check(what: &str, found: usize, wanted: usize) -> Result<()> {
    if found == wanted {
        return Ok(());
    }
    Err(Error::Shape {
        what: what.into(),
        found: found.to_string(),
        wanted: format!("{wanted}, as the model that is trained"),
        remedy: "take both models from one architecture, over other inputs",
    })
}

/// The tangent kernel of a two-layer network at a pair of inputs, layer by layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerKernels {
    /// kᵃ: inner weights train.
    pub inner: f64,
    /// kᵇ: outer weights train.
    pub outer: f64,
}

impl LayerKernels {
    /// Of a network of m neurons scaled by m^(−½): `inner` is d × m with aⱼ as columns, `outer` has length m, x and x'
    /// have length d.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that do not fit.
    ///
    /// ```
    /// use gradflow::model::Activation;
    /// use gradflow::theory::LayerKernels;
    /// use nalgebra::dmatrix;
    /// // Two neurons on the line, both active: kᵃ = x x' (b₁² + b₂²)/2, kᵇ = x x' (a₁² + a₂²)/2.
    /// let (inner, outer) = (dmatrix![1.0, 2.0], [3.0, -1.0]);
    /// let k = LayerKernels::of(&inner, &outer, Activation::Relu, [&[2.0], &[0.5]]).unwrap();
    /// assert_eq!((k.inner, k.outer), (5.0, 2.5));
    /// ```
    pub fn of(
        inner: &DMatrix<f64>,
        outer: &[f64],
        activation: Activation,
        [x, other]: [&[f64]; 2],
    ) -> Result<Self> {
        let fits = inner.ncols() == outer.len();
        if !fits || x.len() != inner.nrows() || other.len() != inner.nrows() || outer.is_empty() {
            return Err(Error::Shape {
                what: "two-layer kernel".into(),
                found: format!(
                    "inner weights {:?}, {} outer weights, inputs of length {} and {}",
                    inner.shape(),
                    outer.len(),
                    x.len(),
                    other.len()
                ),
                wanted: "d × m, m and d twice, with m ≥ 1".into(),
                remedy: "give inner weights with a column per neuron",
            });
        }
        let (mut slopes, mut values) = (0.0, 0.0);
        for (a, b) in inner.column_iter().zip(outer) {
            let (z, w) = (dot(a.as_slice(), x), dot(a.as_slice(), other));
            slopes += b * b * activation.slope(z) * activation.slope(w);
            values += activation.value(z) * activation.value(w);
        }
        let m = outer.len() as f64;
        Ok(LayerKernels { inner: dot(x, other) * slopes / m, outer: values / m })
    }

    /// The limit for relu: `E[b²]` and E‖a‖² of a neuron.
    ///
    /// # Errors
    /// [`Error::Shape`] for inputs of two dimensions or none.
    pub fn relu_limit(
        [x, other]: [&[f64]; 2],
        outer_square: f64,
        inner_square: f64,
    ) -> Result<Self> {
        if x.is_empty() {
            return Err(Error::value("input dimension", 0, "at least one"));
        }
        check("dimension of the other input", other.len(), x.len())?;
        let (size, product) = (norm(x) * norm(other), dot(x, other));
        let theta = angle(x, other);
        let left = PI - theta;
        Ok(LayerKernels {
            inner: product * outer_square * left / (2.0 * PI),
            outer: size * inner_square * (left * theta.cos() + theta.sin())
                / (2.0 * PI * x.len() as f64),
        })
    }

    /// kᵃ + kᵇ.
    pub fn sum(self) -> f64 {
        self.inner + self.outer
    }
}

/// The angle between two vectors, accurate near 0 and π (Kahan 2006); 0 for a null vector.
fn angle(x: &[f64], other: &[f64]) -> f64 {
    let (a, b) = (norm(x), norm(other));
    let combined = |sign: f64| {
        norm(&x.iter().zip(other).map(|(x, y)| b * x + sign * a * y).collect::<Vec<_>>())
    };
    2.0 * combined(-1.0).atan2(combined(1.0))
}
