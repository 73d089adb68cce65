//! A part of a model: some of its parameters free and the others held, some of its outputs seen.
//!
//! Layers and samples are such parts; what a constant of the whole is made of shows in those of its parts.

use super::{Covector, Differentiable, Displacement, Seed, Shape, Structure, Written};
use crate::scalar::{Germ, Interval, NormJet, Scalar, Var};
use std::ops::Range;

/// h with only the parameters in `params` free, seen through the outputs in `outputs`.
pub(crate) struct Restricted<'a> {
    map: &'a dyn Differentiable,
    start: &'a [f64],
    params: Range<usize>,
    outputs: Range<usize>,
}

impl<'a> Restricted<'a> {
    /// The part of `map` that moves `params` from `start` and shows `outputs`.
    pub(crate) fn to(
        map: &'a dyn Differentiable,
        start: &'a [f64],
        params: Range<usize>,
        outputs: Range<usize>,
    ) -> Self {
        Restricted { map, start, params, outputs }
    }

    /// The parameters of the part at the start.
    pub(crate) fn own_start(&self) -> &'a [f64] {
        &self.start[self.params.clone()]
    }

    /// All parameters, those of the part from `w`, the others as `rest` has them.
    fn embed(&self, w: &[f64], rest: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut all: Vec<f64> = (0..self.start.len()).map(rest).collect();
        all[self.params.clone()].copy_from_slice(w);
        all
    }

    fn weights(&self, w: &[f64]) -> Vec<f64> {
        self.embed(w, |i| self.start[i])
    }

    fn direction(&self, dw: &[f64]) -> Vec<f64> {
        self.embed(dw, |_| 0.0)
    }

    fn all_outputs(&self) -> usize {
        self.map.shape().outputs
    }

    fn covector(&self, dy: &[f64]) -> Vec<f64> {
        let mut all = vec![0.0; self.all_outputs()];
        all[self.outputs.clone()].copy_from_slice(dy);
        all
    }

    /// The whole model on numbers S, its outputs cut to those of the part.
    fn on<S: Scalar>(&self, w: &[S], y: &mut [S], eval: Evaluation<'_, S>) {
        let mut all: Vec<S> = self.start.iter().map(|&w| S::from(w)).collect();
        all[self.params.clone()].copy_from_slice(w);
        let mut outputs = vec![S::from(0.0); self.all_outputs()];
        whole(self.map, &all, &mut outputs, eval);
        y.copy_from_slice(&outputs[self.outputs.clone()]);
    }
}

/// One of the evaluations of [`Written`], on numbers S.
type Evaluation<'a, S> = &'a dyn Fn(&dyn Written, &[S], &mut [S]);

/// Whether a model can be evaluated on other numbers.
fn is_written(map: &dyn Differentiable) -> bool {
    match map.structure() {
        Structure::Written(_) | Structure::Network(_) => true,
        Structure::Difference(half) => is_written(half),
        Structure::Linear | Structure::Opaque => false,
    }
}

/// A model that [`is_written`] on numbers S.
fn whole<S: Scalar>(map: &dyn Differentiable, w: &[S], y: &mut [S], eval: Evaluation<'_, S>) {
    match map.structure() {
        Structure::Written(model) => eval(model, w, y),
        Structure::Network(model) => eval(model, w, y),
        Structure::Difference(half) => {
            let (a, b) = w.split_at(w.len() / 2);
            let mut other = y.to_vec();
            whole(half, a, y, eval);
            whole(half, b, &mut other, eval);
            y.iter_mut().zip(other).for_each(|(y, o)| *y = *y - o);
        }
        Structure::Linear | Structure::Opaque => {}
    }
}

impl Differentiable for Restricted<'_> {
    fn shape(&self) -> Shape {
        Shape { params: self.params.len(), outputs: self.outputs.len() }
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        let mut all = vec![0.0; self.all_outputs()];
        self.map.value(&self.weights(w), &mut all);
        y.copy_from_slice(&all[self.outputs.clone()]);
    }

    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        let mut all = vec![0.0; self.all_outputs()];
        self.map.jvp(&self.weights(w), &self.direction(dw), &mut all);
        dy.copy_from_slice(&all[self.outputs.clone()]);
    }

    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        let mut all = vec![0.0; self.start.len()];
        self.map.vjp(&self.weights(w), &self.covector(dy), &mut all);
        dw.copy_from_slice(&all[self.params.clone()]);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let mut all = vec![0.0; self.start.len()];
        let seen = self.outputs.clone();
        self.map.gradient(
            &self.weights(w),
            &mut |y, v| {
                v.fill(0.0);
                seed(&y[seen.clone()], &mut v[seen.clone()]);
            },
            &mut all,
        );
        dw.copy_from_slice(&all[self.params.clone()]);
    }

    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let mut all = vec![0.0; self.start.len()];
        self.map.curvature(&self.weights(w), &self.covector(dy), &self.direction(dw), &mut all);
        out.copy_from_slice(&all[self.params.clone()]);
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let (start, first, rest) =
            (self.weights(at.start), self.direction(at.first), self.direction(at.rest));
        let whole = Displacement { start: &start, first: &first, rest: &rest, eps: at.eps };
        let (mut all_base, mut all_change) = (vec![0.0; start.len()], vec![0.0; start.len()]);
        let seen = self.outputs.clone();
        self.map.increment(
            whole,
            &mut |f, r, v0, v1| {
                v0.fill(0.0);
                v1.fill(0.0);
                let (v0, v1) = (&mut v0[seen.clone()], &mut v1[seen.clone()]);
                seed(&f[seen.clone()], &r[seen.clone()], v0, v1);
            },
            &mut all_base,
            &mut all_change,
        );
        base.copy_from_slice(&all_base[self.params.clone()]);
        change.copy_from_slice(&all_change[self.params.clone()]);
    }

    fn is_smooth(&self) -> bool {
        self.map.is_smooth()
    }

    fn is_linear(&self) -> bool {
        self.map.is_linear()
    }

    fn structure(&self) -> Structure<'_> {
        match self.map.structure() {
            Structure::Linear => Structure::Linear,
            _ if is_written(self.map) => Structure::Written(self),
            _ => Structure::Opaque,
        }
    }
}

impl Written for Restricted<'_> {
    fn shape(&self) -> Shape {
        Differentiable::shape(self)
    }
    fn on_recorded<'t>(&self, w: &[Var<'t, Interval>], y: &mut [Var<'t, Interval>]) {
        self.on(w, y, &|model, w, y| model.on_recorded(w, y));
    }
    fn on_norm_jets(&self, w: &[NormJet], y: &mut [NormJet]) {
        self.on(w, y, &|model, w, y| model.on_norm_jets(w, y));
    }
    fn on_germs<'g>(&self, w: &[Germ<'g>], y: &mut [Germ<'g>]) {
        self.on(w, y, &|model, w, y| model.on_germs(w, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;
    use nalgebra::DMatrix;

    #[test]
    fn a_gradient_of_a_part_is_its_value_and_its_vjp() {
        let net = TwoLayer { width: 3, outputs: 2, ..TwoLayer::default() };
        let net = net.on(DMatrix::from_fn(2, 4, |i, j| (i + 2 * j) as f64 / 5.0)).unwrap();
        let start: Vec<f64> = (0..net.params()).map(|i| (i as f64).cos()).collect();
        let part = Restricted::to(&net, &start, 2..9, 3..6);
        let (w, mut y, mut seen) = ([0.3; 7], [0.0; 3], [0.0; 3]);
        let (mut dw, mut wanted) = ([0.0; 7], [0.0; 7]);
        let mut seed = |y: &[f64], v: &mut [f64]| {
            seen.copy_from_slice(y);
            v.copy_from_slice(y);
        };
        part.gradient(&w, &mut seed, &mut dw);
        part.value(&w, &mut y);
        part.vjp(&w, &y, &mut wanted);
        assert_eq!(seen, y);
        assert!(dw.iter().zip(wanted).all(|(a, b)| (a - b).abs() <= 1e-14));
    }
}
