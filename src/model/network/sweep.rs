//! Forward sweeps: values and tangents, and the evaluation that is remembered.

use super::super::activation::Resting;
use super::Network;
use super::blocks::cut;
use crate::linalg::{View, row_major, vectorized};
use crate::model::last_start::same_bits;
use crate::threads;
use std::sync::Arc;

/// The network evaluated at one point.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    w: Vec<f64>,
    /// Each hidden layer.
    hidden: Vec<Hidden>,
    /// h(w), of length N.
    pub(crate) outputs: Vec<f64>,
}

/// Z, φ(Z) and φ'(Z) of one layer, width × n each; Z is empty until an increment asks for it.
#[derive(Debug, Default)]
struct Hidden {
    z: Vec<f64>,
    value: Vec<f64>,
    slope: Vec<f64>,
}

impl Evaluation {
    /// Hidden layer `l`.
    pub(crate) fn hidden(&self, l: usize) -> Resting<'_> {
        let Hidden { z, value, slope } = &self.hidden[l];
        Resting { z, value, slope }
    }
}

/// Where one hidden layer goes: width × n each. `z` may be empty; `parts`, the parts of the outputs, is empty for all
/// layers but the last hidden one.
pub(super) struct Planes<'a> {
    pub(super) z: &'a mut [f64],
    pub(super) value: &'a mut [f64],
    pub(super) slope: &'a mut [f64],
    pub(super) parts: &'a mut [f64],
}

impl Network {
    /// What one evaluation at `w` finds, but for Z.
    pub(crate) fn at(&self, w: &[f64]) -> Arc<Evaluation> {
        self.last_start.get(|last| same_bits(&last.w, w), |made| self.evaluate(w, false, made))
    }

    /// The same with Z.
    pub(super) fn at_with_z(&self, w: &[f64]) -> Arc<Evaluation> {
        let has_z = |last: &Evaluation| last.hidden.iter().all(|layer| !layer.z.is_empty());
        let fits = |last: &Evaluation| same_bits(&last.w, w) && has_z(last);
        self.last_start.get(fits, |made| self.evaluate(w, true, made))
    }

    fn evaluate(&self, w: &[f64], with_z: bool, made: &mut Evaluation) {
        let (n, last) = (self.samples(), self.layers.len() - 1);
        made.w.resize(w.len(), 0.0);
        made.w.copy_from_slice(w);
        made.hidden.resize_with(last, Hidden::default);
        made.outputs.resize(n * self.outputs_per_sample(), 0.0);
        let mut parts = self.buffers.take(self.parts());
        for (l, layer) in self.layers[..last].iter().enumerate() {
            let (below, own) = made.hidden.split_at_mut(l);
            let Hidden { z, value, slope } = &mut own[0];
            for plane in [&mut *value, &mut *slope] {
                plane.resize(n * layer.outputs, 0.0);
            }
            z.resize(if with_z { n * layer.outputs } else { 0 }, 0.0);
            let parts = if l + 1 == last { &mut parts[..] } else { &mut [] };
            let planes = Planes { z, value, slope, parts };
            self.hidden_layer(l, self.fed(l, |l| &below[l].value), w, planes);
        }
        self.outputs(w, &mut parts, &mut made.outputs);
    }

    /// Hidden layer `l`, fed with `a`.
    pub(super) fn hidden_layer(&self, l: usize, a: View<'_>, w: &[f64], planes: Planes<'_>) {
        let (layer, n) = (&self.layers[l], self.samples());
        let (size, outputs) = (self.block(layer.outputs), n * self.outputs_per_sample());
        let Planes { mut z, value, slope, mut parts } = planes;
        let blocks = value.chunks_mut(size * n).zip(slope.chunks_mut(size * n)).enumerate();
        let blocks = blocks.map(|(block, (value, slope))| {
            (block * size, value, slope, cut(&mut z, size * n), cut(&mut parts, outputs))
        });
        threads::share(self.operations(1, layer), blocks, |(begin, value, slope, z, part)| {
            let neurons = begin..begin + value.len() / n;
            layer.affine(neurons.clone(), value, a, w);
            if !z.is_empty() {
                z.copy_from_slice(value);
            }
            match &self.gates {
                None => self.activation.fill(value, slope),
                Some(gates) => {
                    slope.copy_from_slice(&gates[l][begin * n..][..slope.len()]);
                    multiply(value, slope);
                }
            }
            if !part.is_empty() {
                let value = row_major(value, neurons.len(), n);
                self.output_part(false, part, neurons, value, w);
            }
        });
    }

    /// The outputs, sample by sample, from the parts that the last hidden layer left; without one, from the inputs.
    pub(super) fn outputs(&self, w: &[f64], parts: &mut [f64], y: &mut [f64]) {
        if self.layers.len() == 1 {
            let inputs = self.fed(0, |_| &[]);
            self.output_part(false, parts, 0..inputs.nrows(), inputs, w);
        }
        self.add_parts(parts, w, y);
    }

    /// `dy` ← Dh(w) dw: Ż = s (dW A + W Ȧ) + β db, Ȧ = φ'(Z) Ż.
    pub(crate) fn forward_tangent(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        let (at, n, last) = (self.at(w), self.samples(), self.layers.len() - 1);
        let mut parts = self.buffers.take(self.parts());
        let mut tangent = self.buffers.take(0);
        for (l, layer) in self.layers[..last].iter().enumerate() {
            let is_last = l + 1 == last;
            let fed = self.fed(l, |l| at.hidden(l).value);
            let Resting { value, slope, .. } = at.hidden(l);
            let mut next = self.buffers.take(if is_last { 0 } else { n * layer.outputs });
            let (size, mut planes, mut left) =
                (self.block(layer.outputs), &mut next[..], &mut parts[..]);
            let pairs = value.chunks(size * n).zip(slope.chunks(size * n)).enumerate();
            let blocks = pairs.map(|(block, (value, slope))| {
                let part = if is_last { cut(&mut left, dy.len()) } else { &mut [] };
                (block * size, value, slope, cut(&mut planes, size * n), part)
            });
            let operations = self.operations(2, layer);
            threads::share(operations, blocks, |(begin, value, slope, plane, part)| {
                let neurons = begin..begin + value.len() / n;
                let mut local = self.buffers.take(if is_last { value.len() } else { 0 });
                let z = if is_last { &mut local[..] } else { plane };
                layer.affine(neurons.clone(), z, fed, dw);
                if l > 0 {
                    layer.forward(
                        true,
                        neurons.clone(),
                        z,
                        row_major(&tangent, layer.inputs, n),
                        w,
                    );
                }
                multiply(z, slope);
                if is_last {
                    let (value, z) =
                        (row_major(value, neurons.len(), n), row_major(z, neurons.len(), n));
                    self.output_part(false, part, neurons.clone(), z, w);
                    self.output_part(true, part, neurons, value, dw);
                }
            });
            tangent = next;
        }
        self.outputs(dw, &mut parts, dy);
    }
}

/// `x` ← `x` ∘ `factor`.
pub(super) fn multiply(x: &mut [f64], factor: &[f64]) {
    vectorized(
        #[inline(always)]
        || x.iter_mut().zip(factor).for_each(|(x, f)| *x *= f),
    );
}
