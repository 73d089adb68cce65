//! Centring: h(w) − h(w₀), the convolutional experiments' way to start from zero (Chizat et al. 2019, §3.2).
//!
//! A frozen copy is subtracted; Dh does not change, and no symmetry is added: the output gap keeps the theorem's rate
//! 1/α (compare [`Doubled`](super::Doubled)).

use super::buffers::Buffers;
use super::kinks::{Kink, Kinked, Piece, Sparse};
use super::{Covector, Differentiable, Displacement, Seed, Shape, Structure};
use nalgebra::DMatrix;
use std::ops::Range;

/// w ↦ h(w) − h(w₀), exactly zero at w₀.
#[derive(Debug, Clone)]
pub struct Centred<H> {
    map: H,
    origin: Vec<f64>,
    buffers: Buffers,
}

impl<H: Differentiable> Centred<H> {
    /// Subtracts h(w₀); `start` has length p.
    pub fn at(map: H, start: &[f64]) -> Self {
        let mut origin = vec![0.0; map.shape().outputs];
        map.value(start, &mut origin);
        Centred { map, origin, buffers: Buffers::default() }
    }
}

impl<H: Differentiable> Differentiable for Centred<H> {
    fn shape(&self) -> Shape {
        self.map.shape()
    }
    fn value(&self, w: &[f64], y: &mut [f64]) {
        self.map.value(w, y);
        y.iter_mut().zip(&self.origin).for_each(|(y, y0)| *y -= y0);
    }
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.map.jvp(w, dw, dy);
    }
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        self.map.vjp(w, dy, dw);
    }
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let mut moved = self.buffers.take(self.origin.len());
        let mut seed = |y: &[f64], v: &mut [f64]| {
            for (moved, (y, y0)) in moved.iter_mut().zip(y.iter().zip(&self.origin)) {
                *moved = y - y0;
            }
            seed(&moved, v);
        };
        self.map.gradient(w, &mut seed, dw);
    }
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        self.map.curvature(w, dy, dw, out);
    }
    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        self.map.increment(at, seed, base, change);
    }
    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        self.map.expand(at, first, rest);
    }
    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        self.map.jacobian(w)
    }
    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        self.map.kernel(w)
    }
    fn is_smooth(&self) -> bool {
        self.map.is_smooth()
    }
    fn is_linear(&self) -> bool {
        self.map.is_linear()
    }

    fn kinked(&self) -> Option<&dyn Kinked> {
        self.map.kinked().map(|_| self as &dyn Kinked)
    }
    fn structure(&self) -> Structure<'_> {
        self.map.structure()
    }
}

impl<H: Differentiable> Kinked for Centred<H> {
    fn kinks(&self) -> usize {
        self.map.kinked().map_or(0, Kinked::kinks)
    }
    fn place(&self, k: usize) -> Option<Kink> {
        self.map.kinked()?.place(k)
    }
    fn width(&self, layer: usize) -> usize {
        self.map.kinked().map_or(0, |map| map.width(layer))
    }
    fn rests(&self, k: usize) -> bool {
        self.map.kinked().is_some_and(|map| map.rests(k))
    }
    fn piece<'a>(&'a self, on: &[bool]) -> Option<Box<dyn Piece + 'a>> {
        let piece = self.map.kinked()?.piece(on)?;
        Some(Box::new(CentredPiece { piece, origin: &self.origin, buffers: &self.buffers }))
    }
}

/// A piece of the model, less h(w₀).
struct CentredPiece<'a> {
    piece: Box<dyn Piece + 'a>,
    origin: &'a [f64],
    buffers: &'a Buffers,
}

impl Piece for CentredPiece<'_> {
    fn turn(&mut self, k: usize, on: bool) {
        self.piece.turn(k, on);
    }
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let mut moved = self.buffers.take(self.origin.len());
        let mut seed = |y: &[f64], v: &mut [f64]| {
            for (moved, (y, y0)) in moved.iter_mut().zip(y.iter().zip(self.origin)) {
                *moved = y - y0;
            }
            seed(&moved, v);
        };
        self.piece.gradient(w, &mut seed, dw);
    }
    fn gradient_seen(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64], z: &mut [f64]) {
        let mut moved = self.buffers.take(self.origin.len());
        let mut seed = |y: &[f64], v: &mut [f64]| {
            for (moved, (y, y0)) in moved.iter_mut().zip(y.iter().zip(self.origin)) {
                *moved = y - y0;
            }
            seed(&moved, v);
        };
        self.piece.gradient_seen(w, &mut seed, dw, z);
    }
    fn reach(&self, k: usize) -> Range<usize> {
        self.piece.reach(k)
    }
    fn local_value(&self, outputs: Range<usize>, w: &[f64], y: &mut [f64]) {
        self.piece.local_value(outputs.clone(), w, y);
        y.iter_mut().zip(&self.origin[outputs]).for_each(|(y, y0)| *y -= y0);
    }
    fn local_gradient(&self, outputs: Range<usize>, w: &[f64], v: &[f64], dw: &mut [f64]) {
        self.piece.local_gradient(outputs, w, v, dw);
    }
    fn arguments(&self, w: &[f64], z: &mut [f64]) {
        self.piece.arguments(w, z);
    }
    fn argument(&self, k: usize, w: &[f64]) -> f64 {
        self.piece.argument(k, w)
    }
    fn normal(&self, k: usize, w: &[f64]) -> Sparse {
        self.piece.normal(k, w)
    }
    fn is_normal_fixed(&self, k: usize) -> bool {
        self.piece.is_normal_fixed(k)
    }
    fn signal(&self, k: usize, w: &[f64], v: &[f64]) -> f64 {
        self.piece.signal(k, w, v)
    }
}
