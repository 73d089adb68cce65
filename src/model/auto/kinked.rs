//! A model written for any number as one with kinks: its relu and abs, followed on the record.
//!
//! abs z = 2 relu z − z has the kink of two relu.

use super::super::kinks::{Kink, Kinked, Piece, Sparse};
use super::super::{Covector, Model};
use super::Auto;
use crate::scalar::{Fold, Recording, Sweep};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl<M: Model> Auto<M> {
    fn record(&self) -> Option<&Arc<Recording>> {
        self.replay.record(&self.model)
    }

    fn folds(&self) -> &[Fold] {
        self.record().and_then(|record| record.folds()).unwrap_or_default()
    }

    /// Whether its kinks can be followed: it has some, none of them is a jump, and it is recorded.
    pub(super) fn has_kinks(&self) -> bool {
        !self.smooth && !self.folds().is_empty()
    }
}

impl<M: Model> Kinked for Auto<M> {
    fn kinks(&self) -> usize {
        self.folds().len()
    }

    fn place(&self, k: usize) -> Option<Kink> {
        let Fold { reach, depth, number, .. } = self.folds().get(k)?;
        Some(Kink { sample: reach.start, layer: *depth, neuron: *number })
    }

    fn width(&self, layer: usize) -> usize {
        let own = self.folds().iter().filter(|fold| fold.depth == layer);
        own.map(|fold| fold.number + 1).max().unwrap_or(0)
    }

    fn rests(&self, k: usize) -> bool {
        self.folds().get(k).is_some_and(|fold| fold.below == 0.0)
    }

    fn piece<'a>(&'a self, on: &[bool]) -> Option<Box<dyn Piece + 'a>> {
        let original = self.record()?;
        let mut record = original.branched();
        let folds = self.folds();
        folds.iter().zip(on).for_each(|(fold, on)| record.hold(fold, *on));
        Some(Box::new(Branched { original, record, folds, work: Mutex::default() }))
    }
}

/// The record with every relu and abs held on one branch.
struct Branched<'a> {
    original: &'a Recording,
    record: Recording,
    folds: &'a [Fold],
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
struct Work {
    /// Sweeps over everything, and over the cones of single outputs.
    whole: Sweep<f64>,
    part: Sweep<f64>,
    outputs: [Vec<f64>; 2],
}

impl Branched<'_> {
    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The register of the argument of kink `k`, and the operations on which it depends.
    fn below(&self, k: usize) -> (usize, Vec<(u32, u32)>) {
        let Fold { node, reach, .. } = &self.folds[k];
        let first = reach.start..reach.start + 1;
        (self.record.argument_of(*node), self.original.cone(first))
    }

    fn seeds<'b>(
        &'b self,
        outputs: Range<usize>,
        v: &'b [f64],
    ) -> impl Iterator<Item = (usize, f64)> + 'b {
        outputs.map(|i| self.record.output_place(i)).zip(v.iter().copied())
    }
}

impl Piece for Branched<'_> {
    fn turn(&mut self, k: usize, on: bool) {
        self.record.hold(&self.folds[k], on);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let Work { whole, outputs: [y, v], .. } = &mut *self.work();
        whole.forward(&self.record, w.iter().copied());
        y.clear();
        y.extend(whole.outputs(&self.record));
        v.clear();
        v.resize(y.len(), 0.0);
        seed(y, v);
        dw.copy_from_slice(whole.back(&self.record, v.iter().copied()));
    }

    fn gradient_seen(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64], z: &mut [f64]) {
        self.gradient(w, seed, dw);
        let work = self.work();
        for (z, fold) in z.iter_mut().zip(self.folds) {
            *z = work.whole.register(self.record.argument_of(fold.node));
        }
    }

    fn reach(&self, k: usize) -> Range<usize> {
        self.folds[k].reach.clone()
    }

    fn local_value(&self, outputs: Range<usize>, w: &[f64], y: &mut [f64]) {
        let part = &mut self.work().part;
        part.forward_over(&self.record, &self.original.cone(outputs.clone()), w);
        let places = outputs.map(|i| self.record.output_place(i));
        y.iter_mut().zip(places).for_each(|(y, place)| *y = part.register(place));
    }

    fn local_gradient(&self, outputs: Range<usize>, w: &[f64], v: &[f64], dw: &mut [f64]) {
        let part = &mut self.work().part;
        let runs = self.original.cone(outputs.clone());
        part.forward_over(&self.record, &runs, w);
        let seeds = self.seeds(outputs, v);
        part.back_over(&self.record, (&runs, usize::MAX), seeds, None, &mut |i, x| dw[i] += x);
    }

    fn arguments(&self, w: &[f64], z: &mut [f64]) {
        let whole = &mut self.work().whole;
        whole.forward(&self.record, w.iter().copied());
        for (z, fold) in z.iter_mut().zip(self.folds) {
            *z = whole.register(self.record.argument_of(fold.node));
        }
    }

    fn argument(&self, k: usize, w: &[f64]) -> f64 {
        let (argument, runs) = self.below(k);
        let part = &mut self.work().part;
        part.forward_over(&self.record, &runs, w);
        part.register(argument)
    }

    fn normal(&self, k: usize, w: &[f64]) -> Sparse {
        let (argument, runs) = self.below(k);
        if argument < w.len() {
            return Sparse(vec![(argument, 1.0)]);
        }
        let part = &mut self.work().part;
        part.forward_over(&self.record, &runs, w);
        let mut entries = Vec::new();
        let seed = std::iter::once((argument, 1.0));
        part.back_over(&self.record, (&runs, self.folds[k].node), seed, None, &mut |i, x| {
            entries.push((i, x));
        });
        Sparse(entries)
    }

    fn is_normal_fixed(&self, k: usize) -> bool {
        self.folds[k].affine
    }

    fn signal(&self, k: usize, w: &[f64], v: &[f64]) -> f64 {
        let Fold { node, reach, below, .. } = &self.folds[k];
        let part = &mut self.work().part;
        let runs = self.original.cone(reach.clone());
        part.forward_over(&self.record, &runs, w);
        let seeds = self.seeds(reach.clone(), &v[reach.clone()]);
        let over = (&runs[..], usize::MAX);
        let came = part.back_over(&self.record, over, seeds, Some(*node), &mut |_, _| {});
        (1.0 - below) * came
    }
}
