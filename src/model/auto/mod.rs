//! Every derivative of a [`Model`], by evaluating it on other numbers.
//!
//! Forward, the model runs on those numbers itself: `value`, `jvp` and `expand`. Back, its operations are recorded once
//! and replayed ([`Recording`](crate::scalar::Recording), where the measurements stand): `vjp`, `curvature`,
//! `increment` and the rows of the Jacobian. Where p ≤ N and columns are cheaper than rows, they come by evaluating on
//! eight tangents at a time. The kernel is the product of the Jacobian with its transpose: N × N beside N × p numbers.
//!
//! A record takes 12 bytes an operation. What a replay needs is kept for the next, for each thread that replays at once:
//! 16 bytes an operation for gradients and Jacobians, 32 for curvatures, 64 for increments, and 64 for the Jacobian of
//! outputs that share their operations. Models with more than ten million operations are not recorded: each call then
//! writes a [`Tape`], of 40 to 112 bytes an operation for as long as it runs.

mod kinked;
mod replay;
mod workspace;

use super::kinks::Kinked;
use super::{Covector, Differentiable, Displacement, Model, Seed, Shape, Structure};
use crate::scalar::{Dual, Increment, Probe, Scalar, Tangents, Tape, Var};
use nalgebra::DMatrix;
use replay::Replay;

/// Tangents carried together; a compromise between registers and repeated values.
const LANES: usize = 8;
/// A model with all its derivatives. One call costs a few evaluations of the model; `jacobian` costs min(N, p) of them,
/// and far fewer where each output depends on a part of the operations only, as those of samples do.
///
/// The first derivative asked for records the model's operations; a model that changes after that, or that computes
/// something else on other numbers, breaks the contract of [`Model`] and gets the derivatives of what it was.
#[derive(Debug, Clone)]
pub struct Auto<M> {
    model: M,
    smooth: bool,
    replay: Replay,
}

impl<M: Model> Auto<M> {
    /// Joins `model` with its derivatives; one evaluation finds out whether it has kinks.
    pub fn new(model: M) -> Self {
        let shape = model.shape();
        let w = vec![Probe::from(0.5); shape.params];
        let smooth = on(&model, &w).iter().all(|y| !y.kinked);
        Auto { model, smooth, replay: Replay::default() }
    }

    /// The model itself.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Dhᵀ v on numbers S without a record: a tape forward, a sweep back.
    fn retraced<S: Scalar>(
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

    /// Dh(w) by columns.
    fn columns(&self, w: &[f64]) -> DMatrix<f64> {
        let Shape { params, outputs } = self.model.shape();
        let mut jacobian = DMatrix::zeros(outputs, params);
        let mut moving: Vec<Tangents<LANES>> = w.iter().map(|&w| w.into()).collect();
        let mut y = vec![Tangents::from(0.0); outputs];
        for first in (0..params).step_by(LANES) {
            let block = first..params.min(first + LANES);
            for j in block.clone() {
                moving[j] = Tangents::variable(w[j], Some(j - first));
            }
            y.fill(Tangents::from(0.0));
            self.model.eval(&moving, &mut y);
            for j in block {
                moving[j] = w[j].into();
                jacobian
                    .column_mut(j)
                    .iter_mut()
                    .zip(&y)
                    .for_each(|(d, y)| *d = y.tangents[j - first]);
            }
        }
        jacobian
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
        self.gradient(w, &mut |_, v| v.copy_from_slice(dy), dw);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        let replayed =
            self.replay.with(&self.model, |record, work| work.gradient(record, w, seed, dw));
        if replayed.is_none() {
            let gradient = self.retraced(w.iter().copied(), |y| {
                let mut v = vec![0.0; y.len()];
                seed(y, &mut v);
                v
            });
            dw.copy_from_slice(&gradient);
        }
    }

    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let replayed =
            self.replay.with(&self.model, |record, work| work.curvature(record, w, dy, dw, out));
        if replayed.is_none() {
            let dual = w.iter().zip(dw).map(|(&w, &d)| Dual::new(w, d));
            let gradient = self.retraced(dual, |_| dy.iter().map(|&v| Dual::from(v)).collect());
            out.iter_mut().zip(gradient).for_each(|(out, g)| *out = g.tangent);
        }
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        let replayed = self
            .replay
            .with(&self.model, |record, work| work.increment(record, at, seed, base, change));
        if replayed.is_none() {
            let gradient = self.retraced(at.increments(), |y| {
                let first: Vec<f64> = y.iter().map(|y| y.first).collect();
                let rest: Vec<f64> = y.iter().map(|y| y.rest).collect();
                let (mut v0, mut v1) = (vec![0.0; y.len()], vec![0.0; y.len()]);
                seed(&first, &rest, &mut v0, &mut v1);
                v0.iter().zip(&v1).map(|(&v0, &v1)| Increment::new(v0, v1, 0.0, at.eps)).collect()
            });
            for (i, g) in gradient.iter().enumerate() {
                (base[i], change[i]) = (g.base, g.change());
            }
        }
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        let weights: Vec<_> = at.increments().collect();
        for (i, y) in on(&self.model, &weights).into_iter().enumerate() {
            (first[i], rest[i]) = (y.first, y.rest);
        }
    }

    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        let Shape { params, outputs } = self.model.shape();
        if let Some(jacobian) =
            self.replay.with(&self.model, |record, work| work.jacobian(record, w)).flatten()
        {
            return jacobian;
        }
        if params <= outputs.saturating_mul(LANES) {
            return self.columns(w);
        }
        let mut jacobian = DMatrix::zeros(outputs, params);
        for i in 0..outputs {
            let unit = |y: &[f64]| (0..y.len()).map(|j| f64::from(u8::from(i == j))).collect();
            let row = self.retraced(w.iter().copied(), unit);
            jacobian.row_mut(i).copy_from_slice(&row);
        }
        jacobian
    }

    fn is_smooth(&self) -> bool {
        self.smooth
    }

    fn kinked(&self) -> Option<&dyn Kinked> {
        if self.has_kinks() { Some(self) } else { None }
    }

    fn structure(&self) -> Structure<'_> {
        Structure::Written(&self.model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (w₁ tanh(w₂)/w₃, relu w₂), which one can record and not.
    #[derive(Clone)]
    struct Small;
    impl Model for Small {
        fn shape(&self) -> Shape {
            Shape { params: 3, outputs: 2 }
        }
        fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
            y[0] = w[0] * w[1].tanh() / w[2];
            y[1] = w[1].relu();
        }
    }

    /// Every derivative there is, one after the other.
    fn derivatives(h: &Auto<Small>) -> Vec<f64> {
        let (w, u, v) = ([0.3, 0.7, -1.1], [0.2, -0.4, 0.6], [1.5, -0.5]);
        let (mut all, mut a, mut b) = (Vec::new(), [0.0; 3], [0.0; 3]);
        h.vjp(&w, &v, &mut a);
        all.extend(a);
        h.curvature(&w, &v, &u, &mut a);
        all.extend(a);
        let at = Displacement { start: &w, first: &u, rest: &u, eps: 0.1 };
        let seed: Seed<'_> = &mut |first, rest, v0, v1| {
            v0.copy_from_slice(first);
            v1.copy_from_slice(rest);
        };
        h.increment(at, seed, &mut a, &mut b);
        all.extend(a.iter().chain(&b));
        all.extend(h.jacobian(&w).as_slice());
        all
    }

    #[test]
    fn what_is_too_large_to_be_recorded_gets_the_same_derivatives() {
        let (recorded, retraced) = (Small.auto(), Small.auto());
        retraced.replay.never_record();
        let (found, wanted) = (derivatives(&recorded), derivatives(&retraced));
        // The Jacobian of three parameters comes by columns where there is no record: two products and a quotient.
        assert_eq!(found.len(), 18);
        assert_eq!(found[..12], wanted[..12]);
        assert!(
            found[12..]
                .iter()
                .zip(&wanted[12..])
                .all(|(a, b)| (a - b).abs() <= 4.0 * f64::EPSILON * b.abs())
        );
    }

    #[test]
    fn replays_one_after_the_other_share_their_room() {
        let h = Small.auto();
        let first = derivatives(&h);
        assert_eq!(derivatives(&h), first);
        assert_eq!((h.replay.rooms(), h.clone().replay.rooms()), (1, 0));
        assert_eq!(derivatives(&h.clone()), first);
    }
}
