//! The sweep back: from a covector of the outputs to the gradient.

use super::super::activation::Resting;
use super::Network;
use super::blocks::cut;
use super::sweep::multiply;
use crate::linalg::{
    View, ViewMut, column_blocks, column_major, row_major, row_major_mut, vectorized,
};
use crate::model::Dense;
use crate::threads;

/// A block of neurons on the way back, and what it fills.
struct Block<'a> {
    begin: usize,
    /// The block's columns of the weights above it.
    above: ViewMut<'a>,
    /// Its own signal, empty where nobody below needs it.
    signal: &'a mut [f64],
    /// Its own weights and biases; the weights stay empty where a layer below fills them.
    weights: &'a mut [f64],
    biases: &'a mut [f64],
}

impl Network {
    /// `dw` ← Dh(w)ᵀ dy at the point where the hidden layers are `hidden`: dW = s G Aᵀ, then G ← φ'(Z) ∘ s Wᵀ G.
    ///
    /// One pass over the blocks of each hidden layer: its columns of the weights above, its own signal, and in the
    /// first layer its rows of the weights below, all while the signal is in cache.
    pub(super) fn sweep_back<'a>(
        &self,
        w: &[f64],
        hidden: impl Fn(usize) -> Resting<'a>,
        dy: &[f64],
        dw: &mut [f64],
    ) {
        let (n, last) = (self.samples(), self.layers.len() - 1);
        let inputs = self.fed(0, |_| &[]);
        let mut signal = self.buffers.take(0);
        let (mut below, (mut upper, biases)) = split_off(&self.layers[last], dw);
        self.layers[last].bias_gradient(biases, column_major(dy, self.outputs_per_sample(), n));
        for (l, above) in self.layers.iter().enumerate().skip(1).rev() {
            let layer = &self.layers[l - 1];
            let g = if l == last {
                column_major(dy, above.outputs, n)
            } else {
                row_major(&signal, above.outputs, n)
            };
            let Resting { value, slope, .. } = hidden(l - 1);
            let mut next = self.buffers.take(if l > 1 { n * layer.outputs } else { 0 });
            let (rest, (weights, mut biases)) = split_off(layer, below);
            // Weights of deeper layers wait for the next turn.
            let (mut own, waiting): (&mut [f64], _) =
                if l == 1 { (weights, Default::default()) } else { (Default::default(), weights) };
            let size = self.block(layer.outputs);
            let mut signals = &mut next[..];
            let columns = column_blocks(row_major_mut(upper, above.outputs, above.inputs), size);
            let blocks = columns.enumerate().map(|(block, above)| Block {
                begin: block * size,
                above,
                signal: cut(&mut signals, size * n),
                weights: cut(&mut own, size * layer.inputs),
                biases: cut(&mut biases, size),
            });
            let operations = self.operations(2, above) + self.operations(1, layer);
            threads::share(operations, blocks, |block| {
                let neurons = block.begin..block.begin + block.above.ncols();
                let part = neurons.start * n..neurons.end * n;
                let value = row_major(&value[part.clone()], neurons.len(), n);
                above.weight_gradient(false, block.above, g, value);
                let mut local = self.buffers.take(if l == 1 { part.len() } else { 0 });
                let signal = if l == 1 { &mut local[..] } else { block.signal };
                pull_back(above, neurons.clone(), signal, &slope[part], g, w);
                let signal = row_major(signal, neurons.len(), n);
                layer.bias_gradient(block.biases, signal);
                if l == 1 {
                    let rows = row_major_mut(block.weights, neurons.len(), layer.inputs);
                    layer.weight_gradient(false, rows, signal, inputs);
                }
            });
            (below, upper, signal) = (rest, waiting, next);
        }
        if last == 0 {
            let k = self.outputs_per_sample();
            let rows = row_major_mut(upper, k, self.layers[0].inputs);
            self.layers[0].weight_gradient(false, rows, column_major(dy, k, n), inputs);
        }
    }
}

/// The part of `dw` before the layer, its weights' and its biases'.
pub(super) fn split_off<'a>(
    layer: &Dense,
    dw: &'a mut [f64],
) -> (&'a mut [f64], (&'a mut [f64], &'a mut [f64])) {
    let (below, own) = dw[..layer.params().end].split_at_mut(layer.params().start);
    (below, own.split_at_mut(layer.weights.len()))
}

/// `signal` (the `neurons` × n) ← `slope` ∘ s Wᵀ `g` with the weights of the layer above.
pub(super) fn pull_back(
    above: &Dense,
    neurons: std::ops::Range<usize>,
    signal: &mut [f64],
    slope: &[f64],
    g: View<'_>,
    w: &[f64],
) {
    let n = g.ncols();
    // One output: an outer product, made and multiplied in one pass.
    let only = (above.outputs == 1).then(|| g.row(0).try_as_row_major()).flatten();
    let Some(g) = only else {
        above.backward(false, neurons, signal, g, w);
        return multiply(signal, slope);
    };
    let (g, weights) = (g.as_slice(), &w[above.weights.clone()][neurons]);
    vectorized(
        #[inline(always)]
        || {
            let rows = signal.chunks_exact_mut(n).zip(slope.chunks_exact(n));
            for ((signal, slope), weight) in rows.zip(weights) {
                let factor = above.weight_factor * weight;
                for ((signal, slope), g) in signal.iter_mut().zip(slope).zip(g) {
                    *signal = slope * (factor * g);
                }
            }
        },
    );
}
