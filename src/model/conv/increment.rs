//! The exact increment of a convolutional network: three planes forward, two back, no cancellation at any ε ≥ 0.
//!
//! A convolution is bilinear, hence treated as a dense layer is (`network::increment`): `first = U A₀ + W₀ A₁`,
//! `rest = E A₀ + W₀ A₂ + ΔW ΔA`; back `H₀ = W₀ᵀ G₀`, `ΔH = W₀ᵀ ΔG + ΔWᵀ G`, and for W itself `G₀ A₀ᵀ` and
//! `ΔG Aᵀ + G₀ ΔAᵀ`. Rectifiers and pools go number by number.

use super::architecture::Operation;
use super::backward::pass;
use super::convolution::Convolution;
use super::group::groups;
use super::planes::{Moved, Planes, Signals};
use super::sweep::sum;
use super::{Architecture, ConvNet};
use crate::model::buffers::Buffers;
use crate::model::{Displacement, Seed};
use crate::threads;
use std::ops::Range;

/// The nodes of a group.
#[derive(Clone, Copy)]
struct Group<'a> {
    planes: Planes<'a>,
    samples: usize,
    buffers: &'a Buffers,
}

impl<'a> Group<'a> {
    fn node(&self, net: &Architecture, node: usize) -> Planes<'a> {
        let place = net.place(node, self.samples);
        let Planes { base, first, rest } = self.planes;
        Planes { base: &base[place.clone()], first: &first[place.clone()], rest: &rest[place] }
    }
}

impl Architecture {
    /// Fills the first and second order of the nodes of a group, those of the images with 0.
    fn advance(
        &self,
        base: &[f64],
        [first, rest]: [&mut [f64]; 2],
        weights: &Moved<'_>,
        (samples, buffers): (usize, &Buffers),
    ) {
        let images = self.place(0, samples);
        first[images.clone()].fill(0.0);
        rest[images].fill(0.0);
        for (k, step) in self.steps.iter().enumerate() {
            let place = self.place(k + 1, samples);
            let (done_first, first) = first.split_at_mut(place.start);
            let (done_rest, rest) = rest.split_at_mut(place.start);
            let planes = Planes { base, first: done_first, rest: done_rest };
            let group = Group { planes, samples, buffers };
            let out = [&mut first[..place.len()], &mut rest[..place.len()]];
            let a = group.node(self, step.from.node);
            match &step.operation {
                Operation::Convolution(c) => {
                    c.advance(step.from.node > 0, out, a, weights, (samples, buffers));
                }
                Operation::Rectifier(r) => r.advance(out, a, weights, samples),
                Operation::Pool(pool) => pool.advance(out, a, weights.at.eps, samples),
                Operation::Sum(other) => {
                    let b = group.node(self, other.node);
                    let [first, rest] = out;
                    sum(first, a.first, b.first);
                    sum(rest, a.rest, b.rest);
                }
            }
        }
    }

    /// From the signals at the last node, base and change, to the gradient's, which are added to `out`.
    fn retreat(
        &self,
        group: Group<'_>,
        weights: &Moved<'_>,
        [signals, changes]: [&mut [f64]; 2],
        out: [&mut [f64]; 2],
    ) {
        let [base_out, change_out] = out;
        for (k, step) in self.steps.iter().enumerate().rev() {
            let place = self.place(k + 1, group.samples);
            let (below, own) = signals.split_at_mut(place.start);
            let (below_change, own_change) = changes.split_at_mut(place.start);
            let g = Signals { base: &own[..place.len()], change: &own_change[..place.len()] };
            let from = self.place(step.from.node, group.samples);
            let a = group.node(self, step.from.node);
            let h = [&mut below[from.clone()], &mut below_change[from]];
            let (add, out) = (step.from.adds, [&mut *base_out, &mut *change_out]);
            match &step.operation {
                Operation::Convolution(c) => {
                    c.gradient_change(g, a, weights.at.eps, out, group);
                    if step.from.node > 0 {
                        c.signal_change(add, h, g, weights, group);
                    }
                }
                Operation::Rectifier(r) => r.retreat(add, h, g, a, (weights, group.samples), out),
                Operation::Pool(pool) => {
                    pool.retreat(add, h, g, a, weights.at.eps, group.samples);
                }
                Operation::Sum(other) => {
                    let [base, change] = h;
                    pass(add, base, g.base);
                    pass(add, change, g.change);
                    let place = self.place(other.node, group.samples);
                    pass(other.adds, &mut below[place.clone()], g.base);
                    pass(other.adds, &mut below_change[place], g.change);
                }
            }
        }
    }
}

impl Convolution {
    /// `first` ← U A₀ + W₀ A₁ and `rest` ← E A₀ + W₀ A₂ + ΔW ΔA; where the input has not `moved`, the first terms.
    fn advance(
        &self,
        moved: bool,
        [first, rest]: [&mut [f64]; 2],
        a: Planes<'_>,
        weights: &Moved<'_>,
        with: (usize, &Buffers),
    ) {
        let at = weights.at;
        self.forward(false, true, first, a.base, at.first, with);
        self.forward(false, true, rest, a.base, at.rest, with);
        if moved {
            self.forward(true, false, first, a.first, at.start, with);
            self.forward(true, false, rest, a.rest, at.start, with);
            let mut change = with.1.take(a.base.len());
            a.change(&mut change, at.eps);
            self.forward(true, false, rest, &change, weights.change, with);
        }
    }

    /// Adds `G₀ A₀ᵀ` and `ΔG Aᵀ + G₀ ΔAᵀ`.
    fn gradient_change(
        &self,
        g: Signals<'_>,
        a: Planes<'_>,
        eps: f64,
        [base, change]: [&mut [f64]; 2],
        group: Group<'_>,
    ) {
        let with = (group.samples, group.buffers);
        let [mut moved, mut total] = [(); 2].map(|()| with.1.take(a.base.len()));
        a.change(&mut moved, eps);
        let pairs = a.base.iter().zip(&moved[..]);
        total.iter_mut().zip(pairs).for_each(|(total, (a, moved))| *total = a + eps * moved);
        self.add_gradient(base, g.base, a.base, true, with);
        self.add_gradient(change, g.change, &total, true, with);
        self.add_gradient(change, g.base, &moved, false, with);
    }

    /// `H₀ = W₀ᵀ G₀` and `ΔH = W₀ᵀ ΔG + ΔWᵀ G`.
    fn signal_change(
        &self,
        add: bool,
        [base, change]: [&mut [f64]; 2],
        g: Signals<'_>,
        weights: &Moved<'_>,
        group: Group<'_>,
    ) {
        let with = (group.samples, group.buffers);
        let mut total = with.1.take(g.base.len());
        let pairs = g.base.iter().zip(g.change);
        total.iter_mut().zip(pairs).for_each(|(total, (g, d))| *total = g + weights.at.eps * d);
        self.backward(add, base, g.base, weights.at.start, with);
        self.backward(add, change, g.change, weights.at.start, with);
        self.backward(true, change, &total, weights.change, with);
    }
}

impl ConvNet {
    /// ΔW = U + ε E.
    fn moved_weights(&self, at: Displacement<'_>, change: &mut [f64]) {
        let pairs = at.first.iter().zip(at.rest);
        change.iter_mut().zip(pairs).for_each(|(change, (u, e))| *change = u + at.eps * e);
    }

    /// [`Differentiable::expand`](crate::model::Differentiable::expand).
    pub(super) fn sweep_expansion(
        &self,
        at: Displacement<'_>,
        first: &mut [f64],
        rest: &mut [f64],
    ) {
        let (start, net) = (self.at(at.start), &self.architecture);
        let mut change = self.buffers.take(at.start.len());
        self.moved_weights(at, &mut change);
        let weights = Moved { at, change: &change };
        let blocks = self.blocks(first, net.outputs()).zip(self.blocks(rest, net.outputs()));
        let blocks = groups(self.samples).zip(blocks);
        threads::share(self.operations(5), blocks, |(group, (first, rest))| {
            let mut nodes = [(); 2].map(|()| self.buffers.take(group.len() * net.total()));
            let base = self.group_of(&start.nodes, &group, net.total());
            let parts = nodes.each_mut().map(|part| &mut part[..]);
            net.advance(base, parts, &weights, (group.len(), &self.buffers));
            self.read_outputs(group.len(), &nodes[0], first);
            self.read_outputs(group.len(), &nodes[1], rest);
        });
    }

    /// [`Differentiable::increment`](crate::model::Differentiable::increment).
    pub(super) fn sweep_increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let (start, net) = (self.at(at.start), &self.architecture);
        let (total, k) = (net.total(), net.outputs());
        let mut moved = self.buffers.take(at.start.len());
        self.moved_weights(at, &mut moved);
        let weights = Moved { at, change: &moved };
        // The sweep back needs every group's nodes again, once all outputs have been seen.
        let [mut firsts, mut rests] = [(); 2].map(|()| self.buffers.take(self.samples * total));
        let [mut first, mut rest, mut v0, mut v1] =
            [(); 4].map(|()| self.buffers.take(self.samples * k));
        let nodes = self.blocks(&mut firsts, total).zip(self.blocks(&mut rests, total));
        let outputs = self.blocks(&mut first, k).zip(self.blocks(&mut rest, k));
        let blocks = groups(self.samples).zip(nodes.zip(outputs));
        threads::share(self.operations(5), blocks, |(group, (nodes, outputs))| {
            let at_rest = self.group_of(&start.nodes, &group, total);
            let (first, rest) = nodes;
            let planes = [&mut *first, &mut *rest];
            net.advance(at_rest, planes, &weights, (group.len(), &self.buffers));
            self.read_outputs(group.len(), first, outputs.0);
            self.read_outputs(group.len(), rest, outputs.1);
        });
        v0.fill(0.0);
        v1.fill(0.0);
        seed(&first, &rest, &mut v0, &mut v1);
        self.in_lanes(self.operations(6), [base, change], |lane, mut out| {
            for group in lane.groups() {
                let mut signals = [(); 2].map(|()| self.buffers.take(group.len() * total));
                let part = |all, range: &Range<usize>| self.group_of(all, range, total);
                for (signals, v) in signals.iter_mut().zip([&v0, &v1]) {
                    self.write_outputs(group.len(), self.group_of(v, &group, k), signals);
                }
                let planes = Planes {
                    base: part(&start.nodes, &group),
                    first: part(&firsts, &group),
                    rest: part(&rests, &group),
                };
                let group = Group { planes, samples: group.len(), buffers: &self.buffers };
                let signals = signals.each_mut().map(|plane| &mut plane[..]);
                net.retreat(group, &weights, signals, out.each_mut().map(|out| &mut **out));
            }
        });
    }
}
