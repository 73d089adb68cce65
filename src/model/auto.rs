//! Every derivative of a [`Model`], by evaluating it on other numbers.

use super::{Covector, Differentiable, Displacement, Model, Seed, Shape, Structure};
use crate::scalar::{Dual, Increment, Probe, Scalar, Tape, Var};

/// A model with all its derivatives. One call costs a few evaluations of the model; `jacobian` costs min(N, p) of them.
#[derive(Debug, Clone)]
pub struct Auto<M> {
    model: M,
    smooth: bool,
}

impl<M: Model> Auto<M> {
    /// Joins `model` with its derivatives; one evaluation finds out whether it has kinks.
    pub fn new(model: M) -> Self {
        let shape = model.shape();
        let w = vec![Probe::from(0.5); shape.params];
        let smooth = on(&model, &w).iter().all(|y| !y.kinked);
        Auto { model, smooth }
    }

    /// The model itself.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Dhᵀ v on numbers S: a record forward, a sweep back.
    fn reverse<S: Scalar>(
        &self,
        w: impl Iterator<Item = S>,
        seed: impl FnOnce(&[S]) -> Vec<S>,
    ) -> Vec<S> {
        let tape = Tape::new();
        let variables = tape.variables(w);
        let outputs = on(&self.model, &variables);
        let values: Vec<S> = outputs.iter().map(|y: &Var<'_, S>| y.value()).collect();
        tape.gradient(&outputs, seed(&values).into_iter(), variables.len())
    }
}

/// h on any numbers.
fn on<M: Model, S: Scalar>(model: &M, w: &[S]) -> Vec<S> {
    let mut y = vec![S::from(0.0); model.shape().outputs];
    model.eval(w, &mut y);
    y
}

impl<M: Model> Differentiable for Auto<M> {
    fn shape(&self) -> Shape {
        self.model.shape()
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        self.model.eval(w, y);
    }

    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        let dual: Vec<_> = w.iter().zip(dw).map(|(&w, &d)| Dual::new(w, d)).collect();
        for (dy, y) in dy.iter_mut().zip(on(&self.model, &dual)) {
            *dy = y.tangent;
        }
    }

    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        dw.copy_from_slice(&self.reverse(w.iter().copied(), |_| dy.to_vec()));
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let gradient = self.reverse(w.iter().copied(), |y| {
            let mut v = vec![0.0; y.len()];
            seed(y, &mut v);
            v
        });
        dw.copy_from_slice(&gradient);
    }

    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let dual = w.iter().zip(dw).map(|(&w, &d)| Dual::new(w, d));
        let gradient = self.reverse(dual, |_| dy.iter().map(|&v| Dual::from(v)).collect());
        for (out, g) in out.iter_mut().zip(gradient) {
            *out = g.tangent;
        }
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let weights = (0..at.start.len())
            .map(|i| Increment::new(at.start[i], at.first[i], at.rest[i], at.eps));
        let gradient = self.reverse(weights, |y| {
            let first: Vec<f64> = y.iter().map(|y| y.first).collect();
            let rest: Vec<f64> = y.iter().map(|y| y.rest).collect();
            let (mut v0, mut v1) = (vec![0.0; y.len()], vec![0.0; y.len()]);
            seed(&first, &rest, &mut v0, &mut v1);
            v0.iter().zip(&v1).map(|(&v0, &v1)| Increment::new(v0, v1, 0.0, at.eps)).collect()
        });
        for (i, g) in gradient.into_iter().enumerate() {
            base[i] = g.base;
            change[i] = g.change();
        }
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        let weights: Vec<_> = at.increments().collect();
        for (i, y) in on(&self.model, &weights).into_iter().enumerate() {
            (first[i], rest[i]) = (y.first, y.rest);
        }
    }

    fn is_smooth(&self) -> bool {
        self.smooth
    }

    fn structure(&self) -> Structure<'_> {
        Structure::Written(&self.model)
    }
}
