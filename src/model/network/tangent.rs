//! The Jacobian from per-sample signals.
//!
//! Samples do not mix, so one sweep back from the N unit covectors needs a column of length m per output, not of
//! length p: column i of layer l's signal Bₗ is ∂hᵢ/∂Zₗ at the sample of hᵢ. A layer's part of ∇hᵢ is the outer
//! product of that column with the layer's input Aᵢ.

use super::Network;
use super::sweep::{Evaluation, multiply};
use crate::linalg::{row_major, vectorized};
use crate::model::buffers::Buffer;
use crate::threads;
use nalgebra::DMatrix;

impl Network {
    /// Bₗ of every hidden layer, width × N, a row per neuron. That of the outputs is the identity per sample: not kept.
    pub(super) fn unit_signals(&self, w: &[f64], at: &Evaluation) -> Vec<Buffer<'_>> {
        let (n, k) = (self.samples(), self.outputs_per_sample());
        let mut signals: Vec<Buffer<'_>> = Vec::with_capacity(self.layers.len() - 1);
        for (l, above) in self.layers.iter().enumerate().skip(1).rev() {
            let layer = &self.layers[l - 1];
            let mut signal = self.buffers.take(n * k * layer.outputs);
            let size = self.block(layer.outputs);
            let slopes = at.hidden(l - 1).slope.chunks(size * n);
            let blocks = signal.chunks_mut(size * n * k).zip(slopes).enumerate();
            threads::share(self.operations(k, above), blocks, |(block, (signal, slope))| {
                let neurons = block * size..block * size + slope.len() / n;
                match signals.last() {
                    Some(g) => {
                        let g = row_major(g, above.outputs, n * k);
                        above.backward(false, neurons, signal, g, w);
                        if k == 1 {
                            return multiply(signal, slope);
                        }
                        for (signal, slope) in signal.chunks_exact_mut(k).zip(slope) {
                            signal.iter_mut().for_each(|signal| *signal *= slope);
                        }
                    }
                    None if k == 1 => {
                        let weights = &w[above.weights.clone()][neurons];
                        let rows = signal.chunks_exact_mut(n).zip(slope.chunks_exact(n));
                        for ((signal, slope), weight) in rows.zip(weights) {
                            scaled(signal, slope, above.weight_factor * weight);
                        }
                    }
                    None => {
                        let rows = signal.chunks_exact_mut(n * k).zip(slope.chunks_exact(n));
                        for (neuron, (signal, slope)) in neurons.zip(rows) {
                            for (signal, slope) in signal.chunks_exact_mut(k).zip(slope) {
                                for (o, signal) in signal.iter_mut().enumerate() {
                                    let weight = w[above.weights.start + o * above.inputs + neuron];
                                    *signal = slope * (above.weight_factor * weight);
                                }
                            }
                        }
                    }
                }
            });
            signals.push(signal);
        }
        signals.reverse();
        signals
    }

    /// Dh(w), N × p.
    pub(crate) fn tangent_jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let (at, n, k) = (self.at(w), self.samples(), self.outputs_per_sample());
        let signals = self.unit_signals(w, &at);
        let mut jacobian = DMatrix::zeros(n * k, self.params());
        for (l, layer) in self.layers.iter().enumerate() {
            let fed = self.fed(l, |l| at.hidden(l).value);
            for o in 0..layer.outputs {
                let signal = |r: usize| match signals.get(l) {
                    Some(signal) => signal[o * n * k + r],
                    None => f64::from(u8::from(r % k == o)),
                };
                for i in 0..layer.inputs {
                    let mut column =
                        jacobian.column_mut(layer.weights.start + o * layer.inputs + i);
                    let rows = column.as_mut_slice().chunks_exact_mut(k).enumerate();
                    for (sample, out) in rows {
                        let a = fed[(i, sample)] * layer.weight_factor;
                        let out = out.iter_mut().enumerate();
                        out.for_each(|(o, out)| *out = signal(sample * k + o) * a);
                    }
                }
                if let Some(biases) = &layer.biases {
                    let mut column = jacobian.column_mut(biases.start + o);
                    let out = column.iter_mut().enumerate();
                    out.for_each(|(r, out)| *out = layer.bias_factor * signal(r));
                }
            }
        }
        jacobian
    }
}

/// `out` ← factor `x`.
fn scaled(out: &mut [f64], x: &[f64], factor: f64) {
    vectorized(
        #[inline(always)]
        || out.iter_mut().zip(x).for_each(|(out, x)| *out = factor * x),
    );
}
