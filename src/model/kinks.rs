//! Models with kinks, seen piece by piece.
//!
//! relu has two smooth branches, and a network of them one smooth piece for every pattern of units that are on. Where
//! an argument z of a relu changes sign, the path goes from one piece to another, or slides along the kink z = 0 with a
//! slope between both (Filippov 1988). A solver needs to know the arguments, the pieces, and the normals ∇z.

use super::Covector;
use std::ops::Range;

/// A vector of length p by its entries other than zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Sparse(pub(crate) Vec<(usize, f64)>);

impl Sparse {
    /// With zeros filled in.
    pub fn to_dense(&self, length: usize) -> Vec<f64> {
        let mut v = vec![0.0; length];
        self.add_to(1.0, &mut v);
        v
    }

    /// ⟨self, v⟩.
    pub fn dot(&self, v: &[f64]) -> f64 {
        self.0.iter().map(|(i, x)| x * v[*i]).sum()
    }

    /// `v` += c self.
    pub fn add_to(&self, c: f64, v: &mut [f64]) {
        self.0.iter().for_each(|(i, x)| v[*i] += c * x);
    }
}

/// A model whose kinks are those of relu, or of abs z = 2 relu z − z, at K arguments z.
pub trait Kinked: Sync {
    /// K.
    fn kinks(&self) -> usize;
    /// Sample, layer and neuron of argument `k`.
    fn place(&self, k: usize) -> Option<Kink>;
    /// How many neurons layer `layer` has.
    fn width(&self, layer: usize) -> usize;
    /// Whether nothing of argument `k` is passed on where it is off: relu, and not abs.
    fn rests(&self, _k: usize) -> bool {
        true
    }
    /// The piece on which relu at argument k is z where `on[k]`, else 0.
    fn piece<'a>(&'a self, on: &[bool]) -> Option<Box<dyn Piece + 'a>>;
}

/// A smooth piece of a model with kinks, everywhere defined.
pub trait Piece: Sync {
    /// Goes over to the piece on which relu at kink `k` is z where `on`, else 0.
    fn turn(&mut self, k: usize, on: bool);
    /// As [`Differentiable::gradient`](super::Differentiable::gradient).
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]);
    /// The same, and `z` ← [`Piece::arguments`]: what the sweep forward passes on its way.
    fn gradient_seen(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64], z: &mut [f64]) {
        self.gradient(w, seed, dw);
        self.arguments(w, z);
    }
    /// The outputs that depend on kink `k`.
    fn reach(&self, k: usize) -> Range<usize>;
    /// `y` ← h(w) at these `outputs`, those that one kink reaches.
    fn local_value(&self, outputs: Range<usize>, w: &[f64], y: &mut [f64]);
    /// `dw` += Dh(w)ᵀ v, where v is zero but at these `outputs`, those that one kink reaches.
    fn local_gradient(&self, outputs: Range<usize>, w: &[f64], v: &[f64], dw: &mut [f64]);
    /// z(w) of every kink, of length K.
    fn arguments(&self, w: &[f64], z: &mut [f64]);
    /// z(w) of kink `k`.
    fn argument(&self, k: usize, w: &[f64]) -> f64;
    /// ∇z of kink `k` at w, units that are off passing nothing on.
    fn normal(&self, k: usize, w: &[f64]) -> Sparse;
    /// Whether that is the same at every w.
    fn is_normal_fixed(&self, k: usize) -> bool;
    /// ∂⟨v, h⟩/∂φ for the relu φ at kink `k`: what ⟨v, h⟩ gains for each unit of φ.
    fn signal(&self, k: usize, w: &[f64], v: &[f64]) -> f64;
}

/// Where a kink is: the relu of one neuron at one sample.
///
/// In a function of a user's own, which has neither, `sample` is the first output that depends on the relu or abs,
/// `layer` the number of others that it is behind at most, and `neuron` its number among those where both are the same.
/// A network written sample by sample and neuron by neuron thus has the numbers of a built-in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Kink {
    /// Which sample.
    pub sample: usize,
    /// Which hidden layer.
    pub layer: usize,
    /// Which neuron of that layer.
    pub neuron: usize,
}
