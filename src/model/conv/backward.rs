//! Back: from a covector of the outputs to signals at every node, and to the gradient.

use super::architecture::Operation;
use super::group::{LANES, groups};
use super::{Architecture, ConvNet};
use crate::linalg::vectorized;
use crate::model::buffers::Buffers;
use crate::threads;
use std::ops::Range;

/// A step on the way back: what it read, and the signal at what it made.
pub(super) struct Meeting<'a> {
    pub(super) step: usize,
    pub(super) operation: &'a Operation,
    pub(super) input: &'a [f64],
    pub(super) signal: &'a [f64],
}

impl Architecture {
    /// From the signal at the last node down to the step `end`, which is met but not passed; `meet` sees every step.
    pub(super) fn backward(
        &self,
        w: &[f64],
        nodes: &[f64],
        signals: &mut [f64],
        end: usize,
        (samples, buffers): (usize, &Buffers),
        mut meet: impl FnMut(Meeting<'_>),
    ) {
        for (k, step) in self.steps.iter().enumerate().skip(end).rev() {
            let place = self.place(k + 1, samples);
            let (below, own) = signals.split_at_mut(place.start);
            let (g, from) = (&own[..place.len()], self.place(step.from.node, samples));
            let (a, operation) = (&nodes[from.clone()], &step.operation);
            meet(Meeting { step: k, operation, input: a, signal: g });
            if k == end {
                return;
            }
            let add = step.from.adds;
            match operation {
                // Nobody asks for the signal at the images.
                Operation::Convolution(_) if step.from.node == 0 => {}
                Operation::Convolution(c) => {
                    c.backward(add, &mut below[from], g, w, (samples, buffers));
                }
                Operation::Rectifier(r) => r.backward(add, &mut below[from], g, a, w, samples),
                Operation::Pool(pool) => {
                    pool.backward(add, &mut below[from], g, [&nodes[place], a], samples);
                }
                Operation::Sum(other) => {
                    pass(add, &mut below[from], g);
                    pass(other.adds, &mut below[self.place(other.node, samples)], g);
                }
            }
        }
    }
}

/// `h` ← `g`, or `h` + `g` where `add`.
pub(super) fn pass(add: bool, h: &mut [f64], g: &[f64]) {
    if add {
        h.iter_mut().zip(g).for_each(|(h, g)| *h += g);
    } else {
        h.copy_from_slice(g);
    }
}

impl ConvNet {
    /// `dw` ← Dh(w)ᵀ dy, where the nodes at w are `nodes`.
    pub(super) fn sweep_back(&self, w: &[f64], nodes: &[f64], dy: &[f64], dw: &mut [f64]) {
        let (net, k) = (&self.architecture, self.architecture.outputs());
        let operations = self.operations(2);
        self.in_lanes(operations, [dw], |lane, [part]| {
            for group in lane.groups() {
                let mut signals = self.buffers.take(group.len() * net.total());
                let with = (group.len(), &self.buffers);
                self.write_outputs(group.len(), self.group_of(dy, &group, k), &mut signals);
                let nodes = self.group_of(nodes, &group, net.total());
                net.backward(w, nodes, &mut signals, 0, with, |met| match met.operation {
                    Operation::Convolution(c) => {
                        c.add_gradient(part, met.signal, met.input, true, with);
                    }
                    Operation::Rectifier(r) => {
                        r.add_gradient(part, met.signal, met.input, group.len());
                    }
                    Operation::Pool(_) | Operation::Sum(_) => {}
                });
            }
        });
    }

    /// Each of `out`, of length p, ← the sum over groups of what `work` adds to its parts, lane by lane.
    pub(super) fn in_lanes<const K: usize>(
        &self,
        operations: f64,
        mut out: [&mut [f64]; K],
        work: impl Fn(Lane, [&mut [f64]; K]) + Sync,
    ) {
        let p = self.architecture.params();
        let lanes = groups(self.samples).count().min(LANES);
        // The first lane's part is the result itself.
        let mut parts = out.each_ref().map(|_| self.buffers.take(p * (lanes - 1)));
        let mut rests = parts.each_mut().map(|part| &mut part[..]);
        let mut first = Some(out.each_mut().map(|out| &mut **out));
        let blocks = (0..lanes).map(|lane| {
            let own = first.take().unwrap_or_else(|| rests.each_mut().map(|rest| cut(rest, p)));
            (Lane { samples: self.samples, lane, lanes }, own)
        });
        threads::share(operations, blocks, |(lane, mut own)| {
            own.iter_mut().for_each(|part| part.fill(0.0));
            work(lane, own);
        });
        for (out, parts) in out.iter_mut().zip(&parts) {
            for part in parts.chunks_exact(p) {
                vectorized(
                    #[inline(always)]
                    || out.iter_mut().zip(part).for_each(|(out, part)| *out += part),
                );
            }
        }
    }
}

/// Every so many-th group.
#[derive(Clone, Copy)]
pub(super) struct Lane {
    samples: usize,
    lane: usize,
    lanes: usize,
}

impl Lane {
    /// Its groups, in order.
    pub(super) fn groups(self) -> impl Iterator<Item = Range<usize>> {
        groups(self.samples).skip(self.lane).step_by(self.lanes)
    }
}

/// Takes `len` numbers from the front of `rest`.
fn cut<'a>(rest: &mut &'a mut [f64], len: usize) -> &'a mut [f64] {
    let (front, back) = std::mem::take(rest).split_at_mut(len);
    *rest = back;
    front
}
