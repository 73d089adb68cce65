//! The linearization h̄(w) = h(w₀) + Dh(w₀)(w − w₀).

use super::modes::Modes;
use super::{Differentiable, Displacement, Seed, Shape, Structure};
use nalgebra::DMatrix;
use std::sync::OnceLock;

/// The tangent model of a map at w₀, itself a model: the linearized flow is the flow of the linearized model.
pub struct Linearized<H> {
    map: H,
    start: Vec<f64>,
    origin: Vec<f64>,
    modes: OnceLock<Option<Modes>>,
}

impl<H: Differentiable> Linearized<H> {
    /// h̄ of `map` at `start`, which has length p.
    pub fn at(map: H, start: &[f64]) -> Self {
        let mut origin = vec![0.0; map.shape().outputs];
        map.value(start, &mut origin);
        Linearized { map, start: start.to_vec(), origin, modes: OnceLock::new() }
    }

    /// The point of tangency w₀.
    pub fn start(&self) -> &[f64] {
        &self.start
    }

    /// h(w₀).
    pub fn origin(&self) -> &[f64] {
        &self.origin
    }

    /// The model linearized.
    pub fn map(&self) -> &H {
        &self.map
    }

    /// The modes of Dh(w₀), good for a path up to `horizon` in units of 1/λ, computed once.
    pub(crate) fn modes_until(&self, horizon: f64) -> Option<&Modes> {
        self.modes.get_or_init(|| Modes::until(&self.map, &self.start, horizon)).as_ref()
    }

    /// The modes of Dh(w₀), computed once; `None` where Dh(w₀) is not finite.
    pub(crate) fn modes(&self) -> Option<&Modes> {
        self.modes.get_or_init(|| Modes::of(&self.map, &self.start)).as_ref()
    }
}

impl<H: Differentiable> Differentiable for Linearized<H> {
    fn shape(&self) -> Shape {
        self.map.shape()
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        let u: Vec<f64> = w.iter().zip(&self.start).map(|(w, w0)| w - w0).collect();
        self.map.jvp(&self.start, &u, y);
        y.iter_mut().zip(&self.origin).for_each(|(y, y0)| *y += y0);
    }

    fn jvp(&self, _w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.map.jvp(&self.start, dw, dy);
    }

    fn vjp(&self, _w: &[f64], dy: &[f64], dw: &mut [f64]) {
        self.map.vjp(&self.start, dy, dw);
    }

    fn curvature(&self, _w: &[f64], _dy: &[f64], _dw: &[f64], out: &mut [f64]) {
        out.fill(0.0);
    }

    /// Dh(w₀) is constant: J₀u, J₀e forward; J₀ᵀv₀, J₀ᵀv₁ back.
    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let n = self.origin.len();
        let (mut first, mut rest, mut v0, mut v1) =
            (vec![0.0; n], vec![0.0; n], vec![0.0; n], vec![0.0; n]);
        self.map.jvp(&self.start, at.first, &mut first);
        self.map.jvp(&self.start, at.rest, &mut rest);
        seed(&first, &rest, &mut v0, &mut v1);
        self.map.vjp(&self.start, &v0, base);
        self.map.vjp(&self.start, &v1, change);
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        self.map.jvp(&self.start, at.first, first);
        self.map.jvp(&self.start, at.rest, rest);
    }

    fn jacobian(&self, _w: &[f64]) -> DMatrix<f64> {
        self.map.jacobian(&self.start)
    }

    fn kernel(&self, _w: &[f64]) -> DMatrix<f64> {
        self.map.kernel(&self.start)
    }

    fn is_linear(&self) -> bool {
        true
    }

    fn structure(&self) -> Structure<'_> {
        Structure::Linear
    }
}
