//! One dense layer, Z = s W A + β b, over a batch: where its weights lie and its products.
//!
//! Batches hold a row per neuron and a column per sample; W is outputs × inputs, row-major. So the rows of a block of
//! neurons are contiguous in W, in b and in every batch, and layers are worked on block by block: each function
//! here does some of the layer's neurons, takes the whole parameter vector (or one of its shape: a displacement) and
//! finds its own part.

use crate::linalg::{View, ViewMut, gemm, row_major, row_major_mut, row_sums};
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

    /// W.
    pub(crate) fn matrix<'a>(&self, w: &'a [f64]) -> View<'a> {
        row_major(&w[self.weights.clone()], self.outputs, self.inputs)
    }

    /// `z` (the `neurons` × samples) ← s W `a` + β b.
    pub(crate) fn affine(&self, neurons: Range<usize>, z: &mut [f64], a: View<'_>, w: &[f64]) {
        if let Some(biases) = &self.biases {
            let biases = &w[biases.clone()][neurons.clone()];
            for (row, b) in z.chunks_exact_mut(a.ncols()).zip(biases) {
                row.fill(self.bias_factor * b);
            }
        }
        self.forward(self.biases.is_some(), neurons, z, a, w);
    }

    /// `z` (the `neurons` × samples) ← s W `a`, or `z` + that where `add`.
    pub(crate) fn forward(
        &self,
        add: bool,
        neurons: Range<usize>,
        z: &mut [f64],
        a: View<'_>,
        w: &[f64],
    ) {
        let matrix = self.matrix(w).subrows(neurons.start, neurons.len());
        gemm(row_major_mut(z, neurons.len(), a.ncols()), add, matrix, a, self.weight_factor);
    }

    /// `h` (the layer's `inputs` × samples) ← s Wᵀ `g`, or `h` + that where `add`.
    pub(crate) fn backward(
        &self,
        add: bool,
        inputs: Range<usize>,
        h: &mut [f64],
        g: View<'_>,
        w: &[f64],
    ) {
        let matrix = self.matrix(w).subcols(inputs.start, inputs.len());
        gemm(
            row_major_mut(h, inputs.len(), g.ncols()),
            add,
            matrix.transpose(),
            g,
            self.weight_factor,
        );
    }

    /// `out`, the part of W of some outputs and inputs, ← s `g` `a`ᵀ, or itself + that where `add`.
    pub(crate) fn weight_gradient(&self, add: bool, out: ViewMut<'_>, g: View<'_>, a: View<'_>) {
        gemm(out, add, g, a.transpose(), self.weight_factor);
    }

    /// `out`, the part of b of some outputs, ← β times the row sums of `g`; empty where there is none.
    pub(crate) fn bias_gradient(&self, out: &mut [f64], g: View<'_>) {
        out.iter_mut().zip(row_sums(g)).for_each(|(out, sum)| *out = self.bias_factor * sum);
    }
}
