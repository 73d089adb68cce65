//! Forward and back in one go, nothing remembered: the right-hand side of a flow, at points that never come again.

use super::super::Covector;
use super::Network;

impl Network {
    /// [`Differentiable::gradient`](super::Differentiable::gradient). The remembered start stays as it is.
    pub(crate) fn sweep_gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let (n, last) = (self.samples(), self.layers.len() - 1);
        // Values of every hidden layer one after the other, and their slopes; then the outputs.
        let neurons: usize = self.layers[..last].iter().map(|layer| layer.outputs).sum();
        let mut values = self.buffers.take(n * neurons);
        let mut slopes = self.buffers.take(n * neurons);
        let mut outputs = self.buffers.take(n * self.layers[last].outputs);
        let mut begin = 0;
        for (l, layer) in self.layers[..last].iter().enumerate() {
            let size = n * layer.outputs;
            let mut z = self.buffers.take(size);
            let (before, value) = values.split_at_mut(begin);
            layer.affine(&mut z, self.fed(l, |_| &before[begin - n * layer.inputs..]), w);
            let slope = &mut slopes[begin..begin + size];
            self.activation.fill(&z, &mut value[..size], slope);
            begin += size;
        }
        let feed = |l: usize, end: usize| &values[end - n * self.layers[l].inputs..end];
        self.layers[last].affine(&mut outputs, self.fed(last, |_| feed(last, begin)), w);
        let mut signal = self.buffers.take(outputs.len());
        seed(&outputs, &mut signal);
        for (l, layer) in self.layers.iter().enumerate().rev() {
            layer.weight_gradient(false, dw, &signal, self.fed(l, |_| feed(l, begin)));
            layer.bias_gradient(dw, &signal);
            if l > 0 {
                let size = n * layer.inputs;
                let mut h = self.buffers.take(size);
                layer.backward(false, &mut h, &signal, w);
                let slope = &slopes[begin - size..begin];
                h.iter_mut().zip(slope).for_each(|(h, slope)| *h *= slope);
                signal = h;
                begin -= size;
            }
        }
    }
}
