//! How a model is made, for those who certify: derivatives can be bounded only where h can be evaluated on other numbers.

use super::{Differentiable, Model, Network, Shape};
use crate::scalar::{Germ, Interval, NormJet, Var};

/// What is known of how h is written. An added constant is not seen: only derivatives are certified.
#[derive(Clone, Copy)]
pub enum Structure<'a> {
    /// Nothing: no constant of this model can be certified.
    Opaque,
    /// Dh is constant.
    Linear,
    /// One function of numbers.
    Written(&'a dyn Written),
    /// A dense network, itself also a function of numbers.
    Network(&'a Network),
    /// g(w) − g(w') with parameters (w, w').
    Difference(&'a dyn Differentiable),
}

impl Structure<'_> {
    /// Whether products with Dh are a few matrix products, cheaper than with a Jacobian written out.
    pub(crate) fn is_batched(&self) -> bool {
        match self {
            Structure::Network(_) => true,
            Structure::Difference(half) => half.structure().is_batched(),
            Structure::Opaque | Structure::Linear | Structure::Written(_) => false,
        }
    }
}

/// A [`Model`] on the numbers that certificates need; object-safe.
pub trait Written: Sync {
    /// p and N.
    fn shape(&self) -> Shape;
    /// h on recorded intervals, whose sweeps back enclose the rows of Dh.
    fn on_recorded<'t>(&self, w: &[Var<'t, Interval>], y: &mut [Var<'t, Interval>]);
    /// h on norm jets: bounds of each output's first and second derivatives on a ball.
    fn on_norm_jets(&self, w: &[NormJet], y: &mut [NormJet]);
    /// h on germs: its Taylor polynomials at a point, and bounds of what they lack on a ball.
    fn on_germs<'g>(&self, w: &[Germ<'g>], y: &mut [Germ<'g>]);
}

impl<M: Model> Written for M {
    fn shape(&self) -> Shape {
        Model::shape(self)
    }
    fn on_recorded<'t>(&self, w: &[Var<'t, Interval>], y: &mut [Var<'t, Interval>]) {
        self.eval(w, y);
    }
    fn on_norm_jets(&self, w: &[NormJet], y: &mut [NormJet]) {
        self.eval(w, y);
    }
    fn on_germs<'g>(&self, w: &[Germ<'g>], y: &mut [Germ<'g>]) {
        self.eval(w, y);
    }
}
