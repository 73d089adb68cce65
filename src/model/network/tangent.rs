//! The Jacobian and the tangent kernel from per-sample signals.
//!
//! Samples do not mix, so one sweep back from the N unit covectors needs a row of width m per output, not of length p:
//! row i of layer l's signal Bₗ is ∂hᵢ/∂Zₗ at the sample of hᵢ. A layer's part of ∇hᵢ is the outer product
//! of that row with the layer's input Aᵢ, whence
//! K = Σₗ (s² Aₗ Aₗᵀ + β²) ∘ (Bₗ Bₗᵀ): O(N² width) work and no N × p Jacobian.

use super::Network;
use super::sweep::Evaluation;
use crate::linalg::{gram_of, row_major};
use nalgebra::DMatrix;

impl Network {
    /// Bₗ of every layer, N × outputs of the layer, row-major.
    fn unit_signals(&self, w: &[f64], at: &Evaluation) -> Vec<Vec<f64>> {
        let (n, k) = (self.samples(), self.outputs_per_sample());
        let mut signal = vec![0.0; n * k * k];
        for (row, slots) in signal.chunks_exact_mut(k).enumerate() {
            slots[row % k] = 1.0;
        }
        let mut signals = vec![signal];
        for (l, layer) in self.layers.iter().enumerate().skip(1).rev() {
            let mut h = vec![0.0; n * k * layer.inputs];
            layer.backward(false, &mut h, &signals[signals.len() - 1], w);
            let slopes = at.hidden[l - 1].slope.chunks_exact(layer.inputs);
            for (rows, slopes) in h.chunks_exact_mut(k * layer.inputs).zip(slopes) {
                for row in rows.chunks_exact_mut(layer.inputs) {
                    row.iter_mut().zip(slopes).for_each(|(h, slope)| *h *= slope);
                }
            }
            signals.push(h);
        }
        signals.reverse();
        signals
    }

    /// Dh(w), N × p.
    pub(crate) fn tangent_jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let (at, n, k) = (self.at(w), self.samples(), self.outputs_per_sample());
        let mut jacobian = DMatrix::zeros(n * k, self.params());
        for (l, (layer, signal)) in self.layers.iter().zip(self.unit_signals(w, &at)).enumerate() {
            let fed =
                DMatrix::from_row_slice(n, layer.inputs, self.fed(l, |l| &at.hidden[l].value))
                    * layer.weight_factor;
            let signal = DMatrix::from_row_slice(n * k, layer.outputs, &signal);
            for (o, signal) in signal.column_iter().enumerate() {
                for (i, fed) in fed.column_iter().enumerate() {
                    let column = layer.weights.start + o * layer.inputs + i;
                    let mut column = jacobian.column_mut(column);
                    let rows = column.as_mut_slice().chunks_exact_mut(k);
                    for ((out, g), a) in rows.zip(signal.as_slice().chunks_exact(k)).zip(&fed) {
                        out.iter_mut().zip(g).for_each(|(out, g)| *out = g * a);
                    }
                }
                if let Some(biases) = &layer.biases {
                    jacobian.column_mut(biases.start + o).axpy(layer.bias_factor, &signal, 0.0);
                }
            }
        }
        jacobian
    }

    /// Dh(w) Dh(w)ᵀ, N × N, bitwise symmetric.
    pub(crate) fn tangent_kernel(&self, w: &[f64]) -> DMatrix<f64> {
        let (at, n, k) = (self.at(w), self.samples(), self.outputs_per_sample());
        let mut kernel = DMatrix::zeros(n * k, n * k);
        for (l, (layer, signal)) in self.layers.iter().zip(self.unit_signals(w, &at)).enumerate() {
            let fed = self.fed(l, |l| &at.hidden[l].value);
            let inner = gram_of(row_major(fed, n, layer.inputs));
            let outer = gram_of(row_major(&signal, n * k, layer.outputs));
            let square = layer.weight_factor * layer.weight_factor;
            let offset = layer.biases.as_ref().map_or(0.0, |_| layer.bias_factor.powi(2));
            for (column, mut out) in kernel.column_iter_mut().enumerate() {
                let outer = outer.column(column);
                for (i, a) in inner.column(column / k).iter().enumerate() {
                    let factor = square * a + offset;
                    for row in i * k..(i + 1) * k {
                        out[row] += factor * outer[row];
                    }
                }
            }
        }
        kernel
    }
}
