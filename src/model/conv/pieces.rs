//! What a convolution's part of Dh is made of, output by output: the patches it saw and the signals it got.
//!
//! The part of ∇hᵢ that belongs to W is `Σ_q B(q) P(q)ᵀ` over the places q of the filter in hᵢ's sample, P(q) the numbers
//! under it and B(q) = ∂hᵢ/∂Z(q). Samples do not mix, so k sweeps back give the signals of all k n outputs.

use super::ConvNet;
use super::architecture::Operation;
use super::convolution::Convolution;
use super::group::groups;
use super::rectifier::Rectifier;
use super::sweep::Evaluation;
use crate::linalg::{View, column_major};
use crate::scalar::Scalar;
use crate::threads;
use std::ops::Range;

/// Patches and signals of one convolution on the whole batch.
pub(super) struct Pieces<'a> {
    pub(super) convolution: &'a Convolution,
    /// Places of the filter.
    pub(super) places: usize,
    /// k.
    pub(super) outputs: usize,
    /// K × (n · places), by columns.
    patches: Vec<f64>,
    /// Channels × (n · k · places), by columns.
    signals: Vec<f64>,
}

impl Pieces<'_> {
    /// The patches of some samples, a column per place.
    pub(super) fn patches(&self, samples: Range<usize>) -> View<'_> {
        let (k, q) = (self.convolution.patch(), self.places);
        column_major(
            &self.patches[samples.start * q * k..samples.end * q * k],
            k,
            samples.len() * q,
        )
    }

    /// The signals of some outputs, a column per output and place.
    pub(super) fn signals(&self, outputs: Range<usize>) -> View<'_> {
        let (c, q) = (self.convolution.output.channels, self.places);
        column_major(
            &self.signals[outputs.start * q * c..outputs.end * q * c],
            c,
            outputs.len() * q,
        )
    }
}

impl ConvNet {
    /// The pieces of the convolution that is step `step`.
    pub(super) fn pieces<'a>(
        &self,
        w: &[f64],
        at: &Evaluation,
        step: usize,
        convolution: &'a Convolution,
    ) -> Pieces<'a> {
        let (places, outputs) = (convolution.output.area(), self.architecture.outputs());
        let (k, c) = (convolution.patch(), convolution.output.channels);
        let mut patches = vec![0.0; self.samples * places * k];
        let mut signals = vec![0.0; self.samples * outputs * places * c];
        let blocks = self.blocks(&mut patches, places * k);
        let blocks = blocks.zip(self.blocks(&mut signals, outputs * places * c));
        let operations = self.operations(outputs);
        threads::share(operations, groups(self.samples).zip(blocks), |(group, parts)| {
            let (patches, signals) = parts;
            let samples = group.len();
            let mut columns = self.buffers.take(k * places * samples);
            self.meet_outputs(w, at, step, &group, |output, input, signal| {
                if output == 0 {
                    convolution.gather(&mut columns, input, 0..convolution.output.height, samples);
                    turn(patches, &columns, (k, samples), |t, q| t * places + q);
                }
                let column = |t: usize, q: usize| (t * outputs + output) * places + q;
                turn(signals, signal, (c, samples), column);
            });
        });
        Pieces { convolution, places, outputs, patches, signals }
    }

    /// The part of Dh that belongs to a rectifier's slopes: N × channels, row by row.
    pub(super) fn slope_rows(
        &self,
        w: &[f64],
        at: &Evaluation,
        step: usize,
        rectifier: &Rectifier,
    ) -> Vec<f64> {
        let (outputs, c) = (self.architecture.outputs(), rectifier.extent.channels);
        let mut rows = vec![0.0; self.samples * outputs * c];
        let blocks = groups(self.samples).zip(self.blocks(&mut rows, outputs * c));
        threads::share(self.operations(outputs), blocks, |(group, rows)| {
            let samples = group.len();
            self.meet_outputs(w, at, step, &group, |output, input, signal| {
                let pairs = signal.iter().zip(input).enumerate();
                for (i, (g, z)) in pairs {
                    let (t, channel) = (i % samples, i / (rectifier.extent.area() * samples));
                    rows[(t * outputs + output) * c + channel] += g * (z - z.relu());
                }
            });
        });
        rows
    }

    /// Sweeps back from each of the k outputs of a group's samples: `meet(output, input, signal)` at step `step`.
    fn meet_outputs(
        &self,
        w: &[f64],
        at: &Evaluation,
        step: usize,
        group: &Range<usize>,
        mut meet: impl FnMut(usize, &[f64], &[f64]),
    ) {
        let net = &self.architecture;
        let samples = group.len();
        let nodes = self.group_of(&at.nodes, group, net.total());
        let mut signals = self.buffers.take(samples * net.total());
        for output in 0..net.outputs() {
            let last = net.place(net.nodes.len() - 1, samples);
            let unit = &mut signals[last];
            unit.fill(0.0);
            unit[output * samples..(output + 1) * samples].fill(1.0);
            let with = (samples, &self.buffers);
            net.backward(w, nodes, &mut signals, step, with, |met| {
                if met.step == step {
                    meet(output, met.input, met.signal);
                }
            });
        }
    }

    /// The steps that have parameters, with their convolutions or rectifiers.
    pub(super) fn trained(&self) -> impl Iterator<Item = (usize, &Operation)> {
        let steps = self.architecture.steps.iter().map(|step| &step.operation).enumerate();
        steps.filter(|(_, operation)| match operation {
            Operation::Convolution(_) => true,
            Operation::Rectifier(rectifier) => rectifier.slopes.is_some(),
            Operation::Pool(_) | Operation::Sum(_) => false,
        })
    }
}

/// From rows (a row each, pixel by pixel the samples side by side) to columns: that of sample t and pixel q is number
/// `column(t, q)`.
fn turn(
    out: &mut [f64],
    from: &[f64],
    (rows, samples): (usize, usize),
    column: impl Fn(usize, usize) -> usize,
) {
    let row = from.len() / rows;
    for (r, from) in from.chunks_exact(row).enumerate() {
        for (q, pixel) in from.chunks_exact(samples).enumerate() {
            for (t, x) in pixel.iter().enumerate() {
                out[column(t, q) * rows + r] = *x;
            }
        }
    }
}
