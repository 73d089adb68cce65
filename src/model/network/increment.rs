//! The exact increment of a network: three planes forward, two back, no cancellation at any ε ≥ 0.
//!
//! With weights W = W₀ + εU + ε²E and activations A = A₀ + εA₁ + ε²A₂, write ΔW = U + εE and ΔA = A₁ + εA₂ for the
//! scaled changes. Then Z = A Wᵀ has `first = A₀ Uᵀ + A₁ W₀ᵀ` and `rest = A₀ Eᵀ + A₂ W₀ᵀ + ΔA ΔWᵀ`
//! (the product rule of `scalar::increment`, plane by plane). Backwards a signal is G₀ + ε ΔG, and the change of a product is
//! a₀ Δb + Δa b.

use super::super::activation::Changed;
use super::super::buffers::Buffer;
use super::super::{Displacement, Seed};
use super::Network;
use super::sweep::Evaluation;

/// What the sweep forward leaves for the sweep back.
struct Forward<'a> {
    /// Change of each hidden layer.
    hidden: Vec<Changed<'a>>,
    /// The outputs' first and rest parts, one after the other: 2 N.
    outputs: Buffer<'a>,
}

impl Network {
    /// [`Differentiable::increment`](super::Differentiable::increment).
    pub(crate) fn sweep_increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let start = self.at(at.start);
        let moved = self.moved_weights(at);
        let forward = self.forward_increment(at, &start, &moved);
        let (first, rest) = forward.outputs.split_at(start.outputs.len());
        let mut signal = self.buffers.take(2 * start.outputs.len());
        signal.fill(0.0);
        let (v0, v1) = signal.split_at_mut(start.outputs.len());
        seed(first, rest, v0, v1);
        for l in (0..self.layers.len()).rev() {
            self.gradient_increment(l, &start, &forward, &signal, (base, change));
            if l > 0 {
                signal = self.signal_increment(l, at, &start, &forward, &moved, &signal);
            }
        }
    }

    /// [`Differentiable::expand`](super::Differentiable::expand): the sweep forward alone.
    pub(crate) fn sweep_expansion(
        &self,
        at: Displacement<'_>,
        first: &mut [f64],
        rest: &mut [f64],
    ) {
        let start = self.at(at.start);
        let moved = self.moved_weights(at);
        let forward = self.forward_increment(at, &start, &moved);
        let (found_first, found_rest) = forward.outputs.split_at(first.len());
        first.copy_from_slice(found_first);
        rest.copy_from_slice(found_rest);
    }

    /// ΔW = U + εE, for the layers after the first (which needs none).
    fn moved_weights(&self, at: Displacement<'_>) -> Buffer<'_> {
        let begin = self.layers[0].params().end;
        let mut moved = self.buffers.take(at.start.len());
        let parts = at.first[begin..].iter().zip(&at.rest[begin..]);
        for (d, (u, e)) in moved[begin..].iter_mut().zip(parts) {
            *d = u + at.eps * e;
        }
        moved
    }

    fn forward_increment(
        &self,
        at: Displacement<'_>,
        start: &Evaluation,
        moved: &[f64],
    ) -> Forward<'_> {
        let n = self.samples();
        let mut hidden: Vec<Changed<'_>> = Vec::with_capacity(start.hidden.len());
        // A₁ over A₂, 2n × width.
        let mut planes = self.buffers.take(0);
        for (l, layer) in self.layers.iter().enumerate() {
            let mut z = self.buffers.take(2 * n * layer.outputs);
            let (first, rest) = z.split_at_mut(n * layer.outputs);
            let fed = self.fed(l, |l| &start.hidden[l].value);
            layer.affine(first, fed, at.first);
            layer.affine(rest, fed, at.rest);
            if l > 0 {
                layer.forward(true, rest, &hidden[l - 1].change, moved);
                layer.forward(true, &mut z, &planes, at.start);
            }
            if let Some(resting) = start.hidden.get(l) {
                let planes = z.split_at_mut(n * layer.outputs);
                hidden.push(self.activation.advance(resting, planes, at.eps, &self.buffers));
            }
            planes = z;
        }
        Forward { hidden, outputs: planes }
    }

    /// Layer `l`'s part of the gradient: base `G₀ᵀ A₀`, change `ΔGᵀ A + G₀ᵀ ΔA`.
    fn gradient_increment(
        &self,
        l: usize,
        start: &Evaluation,
        forward: &Forward<'_>,
        signal: &[f64],
        (base, change): (&mut [f64], &mut [f64]),
    ) {
        let layer = &self.layers[l];
        let (g0, gd) = signal.split_at(signal.len() / 2);
        layer.weight_gradient(false, base, g0, self.fed(l, |l| &start.hidden[l].value));
        layer.weight_gradient(false, change, gd, self.fed(l, |l| &forward.hidden[l].total));
        if l > 0 {
            layer.weight_gradient(true, change, g0, &forward.hidden[l - 1].change);
        }
        layer.bias_gradient(base, g0);
        layer.bias_gradient(change, gd);
    }

    /// The signal before layer `l`'s activation: H₀ = G₀ W₀ and ΔH = ΔG W₀ + G ΔW through the weights, then times the
    /// slope S₀ + ε ΔS.
    fn signal_increment(
        &self,
        l: usize,
        at: Displacement<'_>,
        start: &Evaluation,
        forward: &Forward<'_>,
        moved: &[f64],
        signal: &[f64],
    ) -> Buffer<'_> {
        let layer = &self.layers[l];
        let half = self.samples() * layer.inputs;
        let mut h = self.buffers.take(2 * half);
        layer.backward(false, &mut h, signal, at.start);
        let (h0, hd) = h.split_at_mut(half);
        let (g0, gd) = signal.split_at(signal.len() / 2);
        let mut total = self.buffers.take(g0.len());
        for (total, (g0, gd)) in total.iter_mut().zip(g0.iter().zip(gd)) {
            *total = g0 + at.eps * gd;
        }
        layer.backward(true, hd, &total, moved);
        let (resting, changed) = (&start.hidden[l - 1].slope, &forward.hidden[l - 1].slope);
        for ((h0, hd), (s0, sd)) in h0.iter_mut().zip(hd).zip(resting.iter().zip(changed.iter())) {
            *hd = *h0 * sd + *hd * (s0 + at.eps * sd);
            *h0 *= s0;
        }
        h
    }
}
