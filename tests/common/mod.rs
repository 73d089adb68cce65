//! The models that several tests solve, and how they measure distance.
#![allow(dead_code, reason = "every test file uses a part of this one")]

use gradflow::flow::{Flow, Path, Solver};
use gradflow::loss::Loss;
use gradflow::model::{Covector, Differentiable, Displacement, Model, Seed, Shape};
use gradflow::random::Generator;
use gradflow::scalar::Scalar;
use gradflow::solve::{
    Automatic, Bdf, Budget, Comparison, Esdirk34, Exponential, Gap, Method, Options, TrBdf2, Tsit45,
};
use gradflow::{Error, Failure, Result};
use nalgebra::DMatrix;
use std::time::Duration;

/// h = w² − 1; under ½(y − y*)² its flow is logistic in w².
pub(crate) struct Scalar1;

impl Model for Scalar1 {
    fn shape(&self) -> Shape {
        Shape { params: 1, outputs: 1 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = w[0] * w[0] - S::from(1.0);
    }
}

/// h = w₁w₂, whose flow keeps w₁² − w₂².
pub(crate) struct Product;

impl Model for Product {
    fn shape(&self) -> Shape {
        Shape { params: 2, outputs: 1 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = w[0] * w[1];
    }
}

/// h = (sin w₁ + w₂²/2, w₂ + 0.3 sin² w₁); Dh(0) is the identity.
pub(crate) struct Sin2;

impl Model for Sin2 {
    fn shape(&self) -> Shape {
        Shape { params: 2, outputs: 2 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let sine = w[0].sin();
        y[0] = sine + S::from(0.5) * w[1] * w[1];
        y[1] = w[1] + S::from(0.3) * sine * sine;
    }
}

/// hᵢ = m^(−1/2) Σⱼ aⱼ tanh(bⱼ·xᵢ), w = (b, a): the plain twin of `TwoLayer`, one input per column.
pub(crate) struct TinyTanh {
    pub(crate) width: usize,
    pub(crate) inputs: DMatrix<f64>,
}

impl Model for TinyTanh {
    fn shape(&self) -> Shape {
        let (d, n) = self.inputs.shape();
        Shape { params: self.width * (d + 1), outputs: n }
    }
    #[allow(clippy::cast_precision_loss, reason = "a width")]
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let (m, d) = (self.width, self.inputs.nrows());
        for (y, x) in y.iter_mut().zip(self.inputs.column_iter()) {
            *y = S::from(0.0);
            for j in 0..m {
                let mut z = S::from(0.0);
                for k in 0..d {
                    z = z + w[j * d + k] * S::from(x[k]);
                }
                *y = *y + w[m * d + j] * z.tanh();
            }
            *y = *y * S::from((m as f64).sqrt().recip());
        }
    }
}

/// h = A w, of constant differential.
pub(crate) struct Linear(pub(crate) DMatrix<f64>);

impl Model for Linear {
    fn shape(&self) -> Shape {
        Shape { params: self.0.ncols(), outputs: self.0.nrows() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = S::from(0.0);
            for (j, &w) in w.iter().enumerate() {
                *y = *y + S::from(self.0[(i, j)]) * w;
            }
        }
    }
}

/// A matrix of independent normal numbers.
pub(crate) fn gaussian_matrix(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
    DMatrix::from_vec(rows, columns, Generator::seeded(seed).gaussians(rows * columns))
}

/// Every method that takes any loss.
pub(crate) const METHODS: [Method; 5] =
    [Method::Automatic, Method::Bdf, Method::TrBdf2, Method::Esdirk34, Method::Tsit45];

/// That tolerance, and a budget that ends a test rather than an evening.
pub(crate) fn options(rtol: f64) -> Options {
    Options { rtol, budget: Budget { wall: Duration::from_secs(60), ..Budget::default() } }
}

/// The failure and its time.
pub(crate) fn failure<T: std::fmt::Debug>(result: Result<T>) -> (Failure, f64) {
    match result {
        Err(Error::Integration { failure, time, .. }) => (failure, time),
        other => panic!("wanted a failed integration, found {other:?}"),
    }
}

/// A flow by itself, by the method's own type.
pub(crate) fn alone<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    method: Method,
    options: Options,
    times: &[f64],
) -> Result<Path> {
    match method {
        Method::Automatic => Automatic(options).solve(flow, times),
        Method::Bdf => Bdf(options).solve(flow, times),
        Method::TrBdf2 => TrBdf2(options).solve(flow, times),
        Method::Esdirk34 => Esdirk34(options).solve(flow, times),
        Method::Tsit45 => Tsit45(options).solve(flow, times),
        Method::Exponential => Exponential(options).solve(flow, times),
    }
}

/// The gap by that method at that tolerance.
pub(crate) fn gap(method: Method, rtol: f64) -> Gap {
    Gap { method, options: options(rtol), ..Gap::default() }
}

pub(crate) fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

/// sup‖a − b‖/sup‖b‖ over rows; plain sup‖a − b‖ where b is zero.
pub(crate) fn relative(a: &[Vec<f64>], b: &[Vec<f64>]) -> f64 {
    assert_eq!(a.len(), b.len());
    let apart = a.iter().zip(b).map(|(a, b)| distance(a, b)).fold(0.0, f64::max);
    let size = b.iter().map(|b| norm(b)).fold(0.0, f64::max);
    if size > 0.0 { apart / size } else { apart }
}

/// The larger of the relative distances in displacements and in outputs.
pub(crate) fn apart(a: &Path, b: &Path) -> f64 {
    assert_eq!(a.times, b.times);
    relative(&a.displacements, &b.displacements).max(relative(&a.outputs, &b.outputs))
}

/// The largest relative distance in u, α h(w) and e.
pub(crate) fn comparisons_apart(a: &Comparison, b: &Comparison) -> f64 {
    apart(&a.curved, &b.curved).max(relative(&a.weights_gaps, &b.weights_gaps))
}

/// Refuses `found` more than `tolerance` times `wanted` away from it.
pub(crate) fn assert_close(found: f64, wanted: f64, tolerance: f64, what: &str) {
    let error = (found - wanted).abs() / wanted.abs();
    assert!(
        error <= tolerance,
        "{what}: {found:.17e}, wanted {wanted:.17e}, off by {error:.2e} > {tolerance:.1e}"
    );
}

/// A model whose kinks nobody is told of: what steps across them make of it.
pub(crate) struct Unfollowed<H>(pub(crate) H);

impl<H: Differentiable> Differentiable for Unfollowed<H> {
    fn shape(&self) -> Shape {
        self.0.shape()
    }
    fn value(&self, w: &[f64], y: &mut [f64]) {
        self.0.value(w, y);
    }
    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.0.jvp(w, dw, dy);
    }
    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        self.0.vjp(w, dy, dw);
    }
    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        self.0.gradient(w, seed, dw);
    }
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        self.0.curvature(w, dy, dw, out);
    }
    fn increment(&self, at: Displacement<'_>, seed: Seed<'_>, base: &mut [f64], rest: &mut [f64]) {
        self.0.increment(at, seed, base, rest);
    }
    fn is_smooth(&self) -> bool {
        self.0.is_smooth()
    }
}

/// The same flow, across its kinks.
pub(crate) fn unfollowed<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
) -> Flow<Unfollowed<&H>, &L> {
    Flow::new(Unfollowed(&flow.map), &flow.loss, flow.start.clone()).scaled(flow.alpha)
}
