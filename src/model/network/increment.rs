//! The exact increment of a network: three planes forward, two back, no cancellation at any ε ≥ 0.
//!
//! With weights W = W₀ + εU + ε²E and activations A = A₀ + εA₁ + ε²A₂, write ΔW = U + εE and ΔA = A₁ + εA₂ for the
//! scaled changes. Then Z = W A has `first = U A₀ + W₀ A₁` and `rest = E A₀ + W₀ A₂ + ΔW ΔA`
//! (the product rule of `scalar::increment`, plane by plane). Backwards a signal is G₀ + ε ΔG, and the change of a product is
//! a₀ Δb + Δa b. Blocks of neurons as in `sweep` and `backward`.

use super::super::activation::Change;
use super::super::buffers::Buffer;
use super::super::{Displacement, Seed};
use super::backward::split_off;
use super::blocks::cut;
use super::changes::{Changed, Changes};
use super::sweep::Evaluation;
use super::{Network, single};
use crate::linalg::{
    View, ViewMut, column_blocks, column_major, only_row, only_row_mut, row_major, row_major_mut,
    vectorized,
};
use crate::model::Dense;
use crate::threads;
use std::ops::Range;

/// The weights at the start, and ΔW = U + εE for the layers after the first (which needs none).
#[derive(Clone, Copy)]
struct Weights<'a> {
    start: &'a [f64],
    moved: &'a [f64],
    eps: f64,
}

/// A signal: G₀, ΔG and G = G₀ + ε ΔG, outputs × n each.
#[derive(Clone, Copy)]
struct Signal<'a>([View<'a>; 3]);

/// A block of neurons on the way back, and what it fills; pairs are base and change.
struct Block<'a> {
    begin: usize,
    above: [ViewMut<'a>; 2],
    signal: [&'a mut [f64]; 3],
    weights: [&'a mut [f64]; 2],
    biases: [&'a mut [f64]; 2],
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
        let (start, moved) = (self.at_with_z(at.start), self.moved_weights(at));
        let weights = Weights { start: at.start, moved: &moved, eps: at.eps };
        let outputs = start.outputs.len();
        let [mut first, mut rest, mut v0, mut v1, mut total] =
            [(); 5].map(|()| self.buffers.take(outputs));
        let hidden = self.forward_increment(at, &start, weights, &mut first, &mut rest);
        v0.fill(0.0);
        v1.fill(0.0);
        seed(&first, &rest, &mut v0, &mut v1);
        add_scaled(&mut total, &v0, at.eps, &v1);
        let view = |v| column_major(v, self.outputs_per_sample(), self.samples());
        let signal = Signal([view(&v0), view(&v1), view(&total)]);
        self.back_increment(weights, &start, &hidden, signal, [base, change]);
    }

    /// [`Differentiable::expand`](super::Differentiable::expand): the sweep forward alone.
    pub(crate) fn sweep_expansion(
        &self,
        at: Displacement<'_>,
        first: &mut [f64],
        rest: &mut [f64],
    ) {
        let (start, moved) = (self.at_with_z(at.start), self.moved_weights(at));
        let weights = Weights { start: at.start, moved: &moved, eps: at.eps };
        self.forward_increment(at, &start, weights, first, rest);
    }

    fn moved_weights(&self, at: Displacement<'_>) -> Buffer<'_> {
        let begin = self.layers[0].params().end;
        let mut moved = self.buffers.take(at.start.len());
        add_scaled(&mut moved[begin..], &at.first[begin..], at.eps, &at.rest[begin..]);
        moved
    }

    /// Hidden layers' changes; the outputs' parts go to `first` and `rest`.
    fn forward_increment(
        &self,
        at: Displacement<'_>,
        start: &Evaluation,
        weights: Weights<'_>,
        first: &mut [f64],
        rest: &mut [f64],
    ) -> Changes<'_> {
        let last = self.layers.len() - 1;
        let mut parts = [(); 2].map(|()| self.buffers.take(self.parts()));
        let all = self.place(last).start;
        // Nobody above the last hidden layer asks for its first and rest.
        let passed_on = self.place(last.saturating_sub(1)).start;
        let lengths = [passed_on, passed_on, all, all, all];
        let mut hidden = Changes(lengths.map(|len| self.buffers.take(len)));
        for l in 0..last {
            let parts =
                if l + 1 == last { Some(parts.each_mut().map(|part| &mut part[..])) } else { None };
            let before = if l == 0 { 0..0 } else { self.place(l - 1) };
            let (below, own) = hidden.split(before);
            let below = (l > 0).then_some(below);
            self.hidden_increment(l, at, start, weights, (below, own), parts);
        }
        let [first_parts, rest_parts] = &mut parts;
        self.outputs(at.first, first_parts, first);
        self.outputs(at.rest, rest_parts, rest);
        hidden
    }

    /// Where layer `l` lies in planes that hold one hidden layer after the other.
    fn place(&self, l: usize) -> Range<usize> {
        let size = |layer: &Dense| self.samples() * layer.outputs;
        let begin: usize = self.layers[..l].iter().map(size).sum();
        begin..begin + size(&self.layers[l])
    }

    /// Hidden layer `l`, at the front of planes with the one below it aside; `parts` are those of the outputs' first
    /// and rest, where this is the last hidden layer.
    fn hidden_increment(
        &self,
        l: usize,
        at: Displacement<'_>,
        start: &Evaluation,
        weights: Weights<'_>,
        (below, [first, rest, total, change, slope]): (Option<Changed<'_>>, [&mut [f64]; 5]),
        parts: Option<[&mut [f64]; 2]>,
    ) {
        let (layer, n) = (&self.layers[l], self.samples());
        let size = self.block(layer.outputs) * n;
        let fed = self.fed(l, |l| start.hidden(l).value);
        let [first, rest, total, change, slope] =
            [first, rest, total, change, slope].map(|mut plane| cut(&mut plane, n * layer.outputs));
        let mut increments = [first, rest];
        let mut planes = [total, change, slope].map(|plane| plane.chunks_mut(size));
        let outputs = start.outputs.len();
        let mut parts = parts.map(|parts| parts.map(|part| part.chunks_mut(outputs)));
        let blocks = std::iter::from_fn(|| {
            let [total, change, slope] = planes.each_mut().map(Iterator::next);
            let [first, rest] = increments.each_mut().map(|plane| cut(plane, size));
            let out = Change { first, rest, total: total?, change: change?, slope: slope? };
            Some((out, parts.as_mut().map(|parts| parts.each_mut().map(Iterator::next))))
        });
        threads::share(
            self.operations(5, layer),
            blocks.enumerate(),
            |(block, (mut out, parts))| {
                let len = if parts.is_some() { out.total.len() } else { 0 };
                let mut local = [(); 2].map(|()| self.buffers.take(len));
                if parts.is_some() {
                    [out.first, out.rest] = local.each_mut().map(|plane| &mut plane[..]);
                }
                let range = block * size..block * size + out.total.len();
                let neurons = range.start / n..range.end / n;
                layer.affine(neurons.clone(), out.first, fed, at.first);
                layer.affine(neurons.clone(), out.rest, fed, at.rest);
                if let Some(below) = below {
                    let view = |plane| row_major(plane, layer.inputs, n);
                    layer.forward(
                        true,
                        neurons.clone(),
                        out.rest,
                        view(below.change),
                        weights.moved,
                    );
                    layer.forward(
                        true,
                        neurons.clone(),
                        out.first,
                        view(below.first),
                        weights.start,
                    );
                    layer.forward(true, neurons.clone(), out.rest, view(below.rest), weights.start);
                }
                let resting = start.hidden(l).part(range);
                self.activation.advance(resting, &mut out, weights.eps);
                if let Some([Some(first), Some(rest)]) = parts {
                    if self.outputs_per_sample() == 1 {
                        let last = &self.layers[l + 1];
                        let displacement = [at.first, at.rest];
                        let planes = [resting.value, out.first, out.rest, out.change];
                        return single::outputs(
                            [first, rest],
                            planes,
                            displacement.map(|w| single::part(last, neurons.clone(), w)),
                            &single::Weights::of(last, neurons, [weights.start, weights.moved]),
                        );
                    }
                    let part = |add, part: &mut [f64], plane: &[f64], w: &[f64]| {
                        let plane = row_major(plane, neurons.len(), n);
                        self.output_part(add, part, neurons.clone(), plane, w);
                    };
                    part(false, first, resting.value, at.first);
                    part(true, first, out.first, weights.start);
                    part(false, rest, resting.value, at.rest);
                    part(true, rest, out.rest, weights.start);
                    part(true, rest, out.change, weights.moved);
                }
            },
        );
    }

    /// Base `G₀ A₀ᵀ` and change `ΔG Aᵀ + G₀ ΔAᵀ` of every layer; `H₀ = W₀ᵀ G₀` and
    /// `ΔH = W₀ᵀ ΔG + ΔWᵀ G` between them, times the slope S₀ + ε ΔS.
    fn back_increment(
        &self,
        weights: Weights<'_>,
        start: &Evaluation,
        hidden: &Changes<'_>,
        top: Signal<'_>,
        out: [&mut [f64]; 2],
    ) {
        let (n, last) = (self.samples(), self.layers.len() - 1);
        let inputs = self.fed(0, |_| &[]);
        let pair = top.0[0..2].iter().copied();
        let [(b_base, (mut u_base, bias_base)), (b_change, (mut u_change, bias_change))] =
            out.map(|out| split_off(&self.layers[last], out));
        for (out, g) in [bias_base, bias_change].into_iter().zip(pair) {
            self.layers[last].bias_gradient(out, g);
        }
        let mut below = [b_base, b_change];
        let mut planes = [(); 3].map(|()| self.buffers.take(0));
        for (l, above) in self.layers.iter().enumerate().skip(1).rev() {
            let layer = &self.layers[l - 1];
            let g = if l == last {
                top
            } else {
                Signal(planes.each_ref().map(|plane| row_major(plane, above.outputs, n)))
            };
            let kept = if l > 1 { n * layer.outputs } else { 0 };
            let mut next = [(); 3].map(|()| self.buffers.take(kept));
            let [(r_base, (w_base, mut bias_base)), (r_change, (w_change, mut bias_change))] =
                below.map(|below| split_off(layer, below));
            let (mut own, waiting) = if l == 1 {
                ([w_base, w_change], [&mut [][..], &mut []])
            } else {
                ([&mut [][..], &mut []], [w_base, w_change])
            };
            let size = self.block(layer.outputs);
            let mut signals = next.each_mut().map(|plane| &mut plane[..]);
            let columns = [u_base, u_change].map(|upper| {
                column_blocks(row_major_mut(upper, above.outputs, above.inputs), size)
            });
            let [base, change] = columns;
            let blocks = base.zip(change).enumerate().map(|(block, (base, change))| Block {
                begin: block * size,
                above: [base, change],
                signal: signals.each_mut().map(|plane| cut(plane, size * n)),
                weights: own.each_mut().map(|own| cut(own, size * layer.inputs)),
                biases: [cut(&mut bias_base, size), cut(&mut bias_change, size)],
            });
            let operations = self.operations(6, above) + self.operations(2, layer);
            threads::share(operations, blocks, |block| {
                let Block { begin, above: [base, change], signal, weights: own, biases } = block;
                let neurons = begin..begin + base.ncols();
                let part = neurons.start * n..neurons.end * n;
                let (rest, moved) =
                    (start.hidden(l - 1).part(part.clone()), hidden.kept(self.place(l - 1)));
                let view = |plane| row_major(plane, neurons.len(), n);
                let len = if l == 1 { part.len() } else { 0 };
                let mut local = [len, len, 0].map(|len| self.buffers.take(len));
                let mut signal =
                    if l == 1 { local.each_mut().map(|plane| &mut plane[..]) } else { signal };
                let hidden = single::Hidden {
                    value: rest.value,
                    total: &moved.total[part.clone()],
                    change: &moved.change[part.clone()],
                    slope: rest.slope,
                    slope_change: &moved.slope[part],
                };
                back_through(
                    above,
                    neurons.clone(),
                    g,
                    &hidden,
                    weights,
                    [base, change],
                    &mut signal,
                );
                for ((signal, own), biases) in signal.into_iter().zip(own).zip(biases) {
                    layer.bias_gradient(biases, view(signal));
                    if l == 1 {
                        let rows = row_major_mut(own, neurons.len(), layer.inputs);
                        layer.weight_gradient(false, rows, view(signal), inputs);
                    }
                }
            });
            below = [r_base, r_change];
            [u_base, u_change] = waiting;
            planes = next;
        }
        if last == 0 {
            for (upper, g) in [u_base, u_change].into_iter().zip(top.0) {
                let rows = row_major_mut(upper, self.outputs_per_sample(), self.layers[0].inputs);
                self.layers[0].weight_gradient(false, rows, g, inputs);
            }
        }
    }
}

/// From the signal `g` of the layer above some neurons: the gradient of its weights and its change, and the neurons' own
/// signals H₀, ΔH and, where there is room for it, H₀ + ε ΔH.
fn back_through(
    above: &Dense,
    neurons: Range<usize>,
    g: Signal<'_>,
    hidden: &single::Hidden<'_>,
    weights: Weights<'_>,
    [mut base, mut change]: [ViewMut<'_>; 2],
    signal: &mut [&mut [f64]; 3],
) {
    let Signal([g0, gd, _]) = g;
    let view = |plane| row_major(plane, neurons.len(), g0.ncols());
    if let ([Some(g0), Some(gd), Some(g)], Some(base), Some(change)) =
        (g.0.map(only_row), only_row_mut(base.as_mut()), only_row_mut(change.as_mut()))
    {
        let above = single::Weights::of(above, neurons, [weights.start, weights.moved]);
        let signal = signal.each_mut().map(|plane| &mut **plane);
        return single::back([g0, gd, g], hidden, &above, weights.eps, [base, change], signal);
    }
    above.weight_gradient(false, base, g0, view(hidden.value));
    above.weight_gradient(false, change.as_mut(), gd, view(hidden.total));
    above.weight_gradient(true, change, g0, view(hidden.change));
    pull_back(above, neurons, signal, g, weights);
    through_slopes(signal, hidden.slope, hidden.slope_change, weights.eps);
}

/// `out` ← a + ε b.
fn add_scaled(out: &mut [f64], a: &[f64], eps: f64, b: &[f64]) {
    vectorized(
        #[inline(always)]
        || out.iter_mut().zip(a.iter().zip(b)).for_each(|(out, (a, b))| *out = a + eps * b),
    );
}

/// H₀ and ΔH, before the slopes.
fn pull_back(
    above: &Dense,
    neurons: Range<usize>,
    [h0, hd, _]: &mut [&mut [f64]; 3],
    Signal([g0, gd, total]): Signal<'_>,
    weights: Weights<'_>,
) {
    above.backward(false, neurons.clone(), h0, g0, weights.start);
    above.backward(false, neurons.clone(), hd, gd, weights.start);
    above.backward(true, neurons, hd, total, weights.moved);
}

/// (H₀ + ε ΔH) ∘ (S₀ + ε ΔS): base, change, and total where there is room for it.
fn through_slopes([h0, hd, total]: &mut [&mut [f64]; 3], s0: &[f64], sd: &[f64], eps: f64) {
    vectorized(
        #[inline(always)]
        || {
            let signals = h0.iter_mut().zip(hd.iter_mut());
            for ((h0, hd), (s0, sd)) in signals.zip(s0.iter().zip(sd)) {
                *hd = *h0 * sd + *hd * (s0 + eps * sd);
                *h0 *= s0;
            }
            let signals = h0.iter().zip(hd.iter());
            total.iter_mut().zip(signals).for_each(|(total, (h0, hd))| *total = h0 + eps * hd);
        },
    );
}
