//! How a layer is cut into blocks of neurons, each worked on while its numbers are in cache.
//!
//! The cut depends on the sizes of the layer alone, never on threads: [`threads::share`](crate::threads) may give the
//! blocks to anybody. Outputs are sums over the neurons below them: each block of the last hidden layer makes its part
//! of the sum while it is in cache, and the parts are added in order.

use super::Network;
use crate::linalg::{View, column_major_mut, gemm};
use crate::model::Dense;
use std::ops::Range;

/// Numbers of one plane of a block: a megabyte.
const BLOCK: usize = 1 << 17;
/// Fewer neurons than this make slow products.
const FEWEST: usize = 64;
/// Products are fastest in whole multiples of this.
const MULTIPLE: usize = 16;
/// What an activation costs beside a product, in operations.
const ACTIVATION: f64 = 20.0;

impl Network {
    /// Neurons in a block of a layer of `width`.
    pub(super) fn block(&self, width: usize) -> usize {
        let n = self.samples();
        if n.saturating_mul(width) <= BLOCK / 2 {
            return width.max(1);
        }
        let in_cache = BLOCK / n / MULTIPLE * MULTIPLE;
        in_cache.min(width.div_ceil(8).next_multiple_of(MULTIPLE)).max(FEWEST)
    }

    /// Operations of `products` products with the layer, and of its activation.
    pub(super) fn operations(&self, products: usize, layer: &Dense) -> f64 {
        let each = 2.0 * (products * layer.inputs) as f64 + ACTIVATION;
        self.samples() as f64 * layer.outputs as f64 * each
    }

    /// Numbers in all parts of the outputs: N for each block of neurons below them.
    pub(super) fn parts(&self) -> usize {
        let last = &self.layers[self.layers.len() - 1];
        let blocks =
            if self.layers.len() == 1 { 1 } else { last.inputs.div_ceil(self.block(last.inputs)) };
        blocks * self.samples() * last.outputs
    }

    /// `part` ← s W `a` of the output layer, of some `neurons` below it; `part` + that where `add`.
    pub(super) fn output_part(
        &self,
        add: bool,
        part: &mut [f64],
        neurons: Range<usize>,
        a: View<'_>,
        w: &[f64],
    ) {
        let last = &self.layers[self.layers.len() - 1];
        let matrix = last.matrix(w).subcols(neurons.start, neurons.len());
        let part = column_major_mut(part, last.outputs, a.ncols());
        gemm(part, add, matrix, a, last.weight_factor);
    }

    /// `y` ← the sum of `parts`, + β b; sample by sample.
    pub(super) fn add_parts(&self, parts: &[f64], w: &[f64], y: &mut [f64]) {
        let last = &self.layers[self.layers.len() - 1];
        let (first, others) = parts.split_at(y.len());
        y.copy_from_slice(first);
        for part in others.chunks_exact(y.len()) {
            y.iter_mut().zip(part).for_each(|(y, part)| *y += part);
        }
        if let Some(biases) = &last.biases {
            for sample in y.chunks_exact_mut(last.outputs) {
                let pairs = sample.iter_mut().zip(&w[biases.clone()]);
                pairs.for_each(|(y, b)| *y += last.bias_factor * b);
            }
        }
    }
}

/// Takes `len` numbers, or all that are left, from the front of `rest`.
pub(super) fn cut<'a>(rest: &mut &'a mut [f64], len: usize) -> &'a mut [f64] {
    let len = len.min(rest.len());
    let (front, back) = std::mem::take(rest).split_at_mut(len);
    *rest = back;
    front
}
