//! Forward and back in one go, nothing remembered: the right-hand side of a flow, at points that never come again.

use super::super::Covector;
use super::super::activation::Resting;
use super::Network;
use super::blocks::cut;
use super::sweep::Planes;

impl Network {
    /// [`Differentiable::gradient`](super::Differentiable::gradient). The remembered start stays as it is. `z`, unless it
    /// is empty, ← what the activations are taken of: width × n for each hidden layer.
    pub(crate) fn sweep_gradient(
        &self,
        w: &[f64],
        seed: Covector<'_>,
        dw: &mut [f64],
        mut z: &mut [f64],
    ) {
        let (n, last) = (self.samples(), self.layers.len() - 1);
        let begin =
            |l: usize| n * self.layers[..l].iter().map(|layer| layer.outputs).sum::<usize>();
        // Hidden layers one after the other.
        let mut values = self.buffers.take(begin(last));
        let mut slopes = self.buffers.take(begin(last));
        let mut parts = self.buffers.take(self.parts());
        for (l, layer) in self.layers[..last].iter().enumerate() {
            let (before, value) = values.split_at_mut(begin(l));
            let size = n * layer.outputs;
            let planes = Planes {
                z: cut(&mut z, size),
                value: &mut value[..size],
                slope: &mut slopes[begin(l)..begin(l) + size],
                parts: if l + 1 == last { &mut parts[..] } else { &mut [] },
            };
            self.hidden_layer(l, self.fed(l, |l| &before[begin(l)..]), w, planes);
        }
        let outputs = n * self.outputs_per_sample();
        let (mut y, mut v) = (self.buffers.take(outputs), self.buffers.take(outputs));
        self.outputs(w, &mut parts, &mut y);
        seed(&y, &mut v);
        let hidden = |l: usize| {
            let range = begin(l)..begin(l + 1);
            Resting { z: &[], value: &values[range.clone()], slope: &slopes[range] }
        };
        self.sweep_back(w, hidden, &v, dw);
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;
    use nalgebra::DMatrix;
    use std::sync::Arc;

    #[test]
    fn a_gradient_elsewhere_leaves_the_remembered_start() {
        let net = TwoLayer { width: 3, ..TwoLayer::default() };
        let net = net.on(DMatrix::from_element(2, 4, 0.5)).unwrap();
        let (start, elsewhere, mut dw) = ([0.1; 9], [0.2; 9], [0.0; 9]);
        let remembered = net.at(&start);
        net.gradient(&elsewhere, &mut |y, v| v.copy_from_slice(y), &mut dw);
        assert!(Arc::ptr_eq(&remembered, &net.at(&start)));
    }

    /// Both make the outputs from the same blocks in the same order.
    #[test]
    fn a_gradient_sees_the_bits_of_the_value() {
        let net = TwoLayer { width: 150, outputs: 2, ..TwoLayer::default() };
        let net = net.on(DMatrix::from_fn(3, 700, |i, j| (i + j) as f64 / 700.0)).unwrap();
        let w: Vec<f64> = (0..net.params()).map(|i| (i as f64).sin()).collect();
        let (mut y, mut seen, mut dw) = (vec![0.0; 1400], vec![0.0; 1400], w.clone());
        net.value(&w, &mut y);
        net.gradient(&w, &mut |y, _| seen.copy_from_slice(y), &mut dw);
        assert_eq!(y, seen);
    }
}
