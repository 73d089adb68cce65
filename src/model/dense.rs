//! One dense layer, Z = s A Wᵀ + β b, over a batch: where its weights lie and its four products.
//!
//! Batches are row-major, a row per sample; W is outputs × inputs, row-major. Every product takes the whole parameter
//! vector (or one of its shape: a displacement, a gradient) and finds its own part.

use crate::linalg::{gemm, row_major, row_major_mut};
use std::ops::Range;

/// Shape, place and factors of a layer.
#[derive(Debug, Clone)]
pub(crate) struct Dense {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Place of W in the parameter vector.
    pub(crate) weights: Range<usize>,
    /// Place of b, directly after W.
    pub(crate) biases: Option<Range<usize>>,
    /// s.
    pub(crate) weight_factor: f64,
    /// β.
    pub(crate) bias_factor: f64,
}

impl Dense {
    /// Place of all its parameters.
    pub(crate) fn params(&self) -> Range<usize> {
        self.weights.start..self.biases.as_ref().map_or(self.weights.end, |b| b.end)
    }

    /// `z` (rows × outputs) ← s `a` Wᵀ + β b.
    pub(crate) fn affine(&self, z: &mut [f64], a: &[f64], w: &[f64]) {
        if let Some(biases) = &self.biases {
            for row in z.chunks_exact_mut(self.outputs) {
                for (z, b) in row.iter_mut().zip(&w[biases.clone()]) {
                    *z = self.bias_factor * b;
                }
            }
        }
        self.forward(self.biases.is_some(), z, a, w);
    }

    /// `z` (rows × outputs) ← s `a` Wᵀ, or `z` + that where `add`.
    pub(crate) fn forward(&self, add: bool, z: &mut [f64], a: &[f64], w: &[f64]) {
        let rows = z.len() / self.outputs;
        let matrix = row_major(&w[self.weights.clone()], self.outputs, self.inputs);
        let (z, a) = (row_major_mut(z, rows, self.outputs), row_major(a, rows, self.inputs));
        gemm(z, add, a, matrix.transpose(), self.weight_factor);
    }

    /// `h` (rows × inputs) ← s `g` W, or `h` + that where `add`.
    pub(crate) fn backward(&self, add: bool, h: &mut [f64], g: &[f64], w: &[f64]) {
        let rows = h.len() / self.inputs;
        let matrix = row_major(&w[self.weights.clone()], self.outputs, self.inputs);
        let (h, g) = (row_major_mut(h, rows, self.inputs), row_major(g, rows, self.outputs));
        gemm(h, add, g, matrix, self.weight_factor);
    }

    /// W's part of `out` ← s `g`ᵀ `a`, or itself + that where `add`.
    pub(crate) fn weight_gradient(&self, add: bool, out: &mut [f64], g: &[f64], a: &[f64]) {
        let rows = g.len() / self.outputs;
        let out = row_major_mut(&mut out[self.weights.clone()], self.outputs, self.inputs);
        let (g, a) = (row_major(g, rows, self.outputs), row_major(a, rows, self.inputs));
        gemm(out, add, g.transpose(), a, self.weight_factor);
    }

    /// b's part of `out` ← β times the column sums of `g`.
    pub(crate) fn bias_gradient(&self, out: &mut [f64], g: &[f64]) {
        let Some(biases) = &self.biases else { return };
        let out = &mut out[biases.clone()];
        out.fill(0.0);
        for row in g.chunks_exact(self.outputs) {
            out.iter_mut().zip(row).for_each(|(out, g)| *out += g);
        }
        out.iter_mut().for_each(|out| *out *= self.bias_factor);
    }
}
