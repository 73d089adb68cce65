//! A network of relu with its pattern of active units held fixed: one smooth piece of it.
//!
//! With φ(z) = s z, s = 1 for a unit that is on at a sample and 0 for one that is off, whatever the sign of z, every
//! sweep of the network serves the piece as well.

use super::super::kinks::{Kink, Kinked, Piece, Sparse};
use super::super::{Activation, Covector, Differentiable};
use super::Network;
use super::sweep::Planes;
use std::ops::Range;
use std::sync::Arc;

/// Slopes 0 and 1 of each hidden layer, width × n.
pub(super) type Gates = Arc<Vec<Vec<f64>>>;

/// A piece.
struct Gated(Network);

impl Network {
    /// Whether its kinks can be followed.
    pub(super) fn has_kinks(&self) -> bool {
        self.activation == Activation::Relu && self.layers.len() > 1 && self.gates.is_none()
    }

    /// Layer, neuron and sample of kink `k`: layer by layer, neuron by neuron.
    fn kink(&self, mut k: usize) -> (usize, usize, usize) {
        let mut l = 0;
        while k >= self.layers[l].outputs * self.samples() {
            k -= self.layers[l].outputs * self.samples();
            l += 1;
        }
        (l, k / self.samples(), k % self.samples())
    }
}

impl Kinked for Network {
    fn kinks(&self) -> usize {
        let last = self.layers.len() - 1;
        self.samples() * self.layers[..last].iter().map(|layer| layer.outputs).sum::<usize>()
    }

    fn place(&self, k: usize) -> Option<Kink> {
        let (layer, neuron, sample) = self.kink(k);
        Some(Kink { sample, layer, neuron })
    }

    fn width(&self, layer: usize) -> usize {
        self.layers[layer].outputs
    }

    fn piece<'a>(&'a self, on: &[bool]) -> Option<Box<dyn Piece + 'a>> {
        let mut rest = on;
        let last = self.layers.len() - 1;
        let gates = self.layers[..last].iter().map(|layer| {
            let (own, others) = rest.split_at(layer.outputs * self.samples());
            rest = others;
            own.iter().map(|on| f64::from(u8::from(*on))).collect()
        });
        let gates = Some(Arc::new(gates.collect()));
        Some(Box::new(Gated(Network { gates, ..self.clone() })))
    }
}

impl Gated {
    fn gate(&self, l: usize, neuron: usize, sample: usize) -> f64 {
        let gates = self.0.gates.as_ref().map(|gates| &gates[l]);
        gates.map_or(0.0, |gates| gates[neuron * self.0.samples() + sample])
    }

    /// Row `o` of a layer's product with one sample's `a`.
    fn row(&self, l: usize, o: usize, a: &[f64], w: &[f64]) -> f64 {
        let layer = &self.0.layers[l];
        let weights = &w[layer.weights.start + o * layer.inputs..][..layer.inputs];
        let sum: f64 = weights.iter().zip(a).map(|(w, a)| w * a).sum();
        let bias = layer.biases.as_ref().map_or(0.0, |b| layer.bias_factor * w[b.start + o]);
        layer.weight_factor * sum + bias
    }

    /// What layer `l` is fed with at one sample.
    fn fed(&self, l: usize, sample: usize, w: &[f64]) -> Vec<f64> {
        let mut a: Vec<f64> = self.0.inputs.column(sample).iter().copied().collect();
        for l in 0..l {
            let unit = |o: usize| match self.gate(l, o, sample) {
                0.0 => 0.0,
                slope => slope * self.row(l, o, &a, w),
            };
            a = (0..self.0.layers[l].outputs).map(unit).collect();
        }
        a
    }

    /// Wᵀ g of layer `l` at one sample.
    fn back(&self, l: usize, g: &[f64], w: &[f64]) -> Vec<f64> {
        let layer = &self.0.layers[l];
        let mut below = vec![0.0; layer.inputs];
        for (row, g) in w[layer.weights.clone()].chunks_exact(layer.inputs).zip(g) {
            below.iter_mut().zip(row).for_each(|(b, w)| *b += layer.weight_factor * g * w);
        }
        below
    }

    /// The gradient of ⟨signal, Z⟩ at one sample, Z what layer `top` puts out before its activation: given to `add`
    /// entry by entry, without those of neurons that no signal reaches.
    fn pull_back(
        &self,
        (top, sample): (usize, usize),
        mut signal: Vec<f64>,
        w: &[f64],
        add: &mut dyn FnMut(usize, f64),
    ) {
        for l in (0..=top).rev() {
            let layer = &self.0.layers[l];
            let fed = self.fed(l, sample, w);
            for (o, g) in signal.iter().enumerate().filter(|(_, g)| **g != 0.0) {
                let begin = layer.weights.start + o * layer.inputs;
                let factor = layer.weight_factor * g;
                fed.iter().enumerate().for_each(|(i, a)| add(begin + i, factor * a));
                if let Some(biases) = &layer.biases {
                    add(biases.start + o, layer.bias_factor * g);
                }
            }
            if l > 0 {
                signal = self.back(l, &signal, w);
                for (o, g) in signal.iter_mut().enumerate() {
                    *g *= self.gate(l - 1, o, sample);
                }
            }
        }
    }
}

impl Piece for Gated {
    fn turn(&mut self, k: usize, on: bool) {
        let (l, neuron, sample) = self.0.kink(k);
        let n = self.0.samples();
        if let Some(gates) = &mut self.0.gates {
            Arc::make_mut(gates)[l][neuron * n + sample] = f64::from(u8::from(on));
        }
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        Differentiable::gradient(&self.0, w, seed, dw);
    }

    fn gradient_seen(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64], z: &mut [f64]) {
        self.0.sweep_gradient(w, seed, dw, z);
    }

    fn reach(&self, k: usize) -> Range<usize> {
        let (_, _, sample) = self.0.kink(k);
        let outputs = self.0.outputs_per_sample();
        sample * outputs..(sample + 1) * outputs
    }

    fn local_value(&self, outputs: Range<usize>, w: &[f64], y: &mut [f64]) {
        let last = self.0.layers.len() - 1;
        let fed = self.fed(last, outputs.start / self.0.outputs_per_sample(), w);
        y.iter_mut().enumerate().for_each(|(o, y)| *y = self.row(last, o, &fed, w));
    }

    fn local_gradient(&self, outputs: Range<usize>, w: &[f64], v: &[f64], dw: &mut [f64]) {
        let (sample, last) = (outputs.start / self.0.outputs_per_sample(), self.0.layers.len() - 1);
        self.pull_back((last, sample), v.to_vec(), w, &mut |entry, x| dw[entry] += x);
    }

    fn arguments(&self, w: &[f64], z: &mut [f64]) {
        let (net, last) = (&self.0, self.0.layers.len() - 1);
        let mut rest = z;
        let mut below = net.buffers.take(0);
        for (l, layer) in net.layers[..last].iter().enumerate() {
            let (z, others) = rest.split_at_mut(net.samples() * layer.outputs);
            let mut value = net.buffers.take(z.len());
            let mut slope = net.buffers.take(z.len());
            let planes = Planes { z, value: &mut value, slope: &mut slope, parts: &mut [] };
            net.hidden_layer(l, net.fed(l, |_| &below), w, planes);
            (rest, below) = (others, value);
        }
    }

    fn argument(&self, k: usize, w: &[f64]) -> f64 {
        let (l, neuron, sample) = self.0.kink(k);
        self.row(l, neuron, &self.fed(l, sample, w), w)
    }

    fn normal(&self, k: usize, w: &[f64]) -> Sparse {
        let (top, neuron, sample) = self.0.kink(k);
        let mut entries = Vec::new();
        // The signal from z down: one row of the top layer, whole layers below.
        let mut signal = vec![0.0; self.0.layers[top].outputs];
        signal[neuron] = 1.0;
        self.pull_back((top, sample), signal, w, &mut |entry, x| entries.push((entry, x)));
        Sparse(entries)
    }

    fn is_normal_fixed(&self, k: usize) -> bool {
        self.0.kink(k).0 == 0
    }

    fn signal(&self, k: usize, w: &[f64], v: &[f64]) -> f64 {
        let (own, neuron, sample) = self.0.kink(k);
        let outputs = self.0.outputs_per_sample();
        let mut signal = v[sample * outputs..][..outputs].to_vec();
        for l in (own + 1..self.0.layers.len()).rev() {
            signal = self.back(l, &signal, w);
            if l > own + 1 {
                for (o, g) in signal.iter_mut().enumerate() {
                    *g *= self.gate(l - 1, o, sample);
                }
            }
        }
        signal[neuron]
    }
}
