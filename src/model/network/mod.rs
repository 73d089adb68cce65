//! Dense networks over a data set, h : Rᵖ → Rᴺ, batched on matrix products with their own sweeps.
//!
//! [`TwoLayer`](super::TwoLayer) and [`Mlp`](super::Mlp) describe architectures; over inputs they become a [`Network`].
//! `sweep` runs forward over one plane (values) or its tangent, `backward` back, `gradient` both in one go, `increment`
//! over the planes (Z₀, first, rest) of an exact increment, `single` its passes for one output; `tangent` builds the Jacobian and `kernel` the tangent kernel
//! from per-sample signals. The plain model, a few loops, is [`Model::eval`]; `tests/networks.rs` holds the two against
//! each other.
//!
//! Planes hold a row per neuron and a column per sample. Layers are worked on in blocks of neurons (`blocks`), products
//! and elementwise work together while a block is in cache; blocks are shared out among cores where that is worth it.

mod backward;
mod blocks;
mod changes;
mod gates;
mod gradient;
mod increment;
mod kernel;
mod single;
mod size;
mod sweep;
mod tangent;

pub(crate) use size::LayerPlan;

use super::buffers::Buffers;
use super::dense::Dense;
use super::kinks::Kinked;
use super::last_start::LastStart;
use super::{Activation, Covector, Differentiable, Displacement, Model, Seed, Shape, Structure};
use crate::Result;
use crate::linalg::{View, column_major, row_major};
use crate::scalar::Scalar;
use gates::Gates;
use nalgebra::DMatrix;
use std::sync::Arc;
use sweep::Evaluation;

/// A dense network over n samples of dimension d; N = k·n outputs, sample i's k outputs first to last, then sample
/// i + 1's.
///
/// The last point at which it was evaluated is remembered (p + 3 n Σ widths numbers), so that the many increments
/// from one start do not compute the start again.
#[derive(Debug, Clone)]
pub struct Network {
    layers: Vec<Dense>,
    activation: Activation,
    inputs: Arc<DMatrix<f64>>,
    /// Where this is one piece of a network of relu: its slopes.
    gates: Option<Gates>,
    last_start: LastStart<Evaluation>,
    buffers: Buffers,
}

impl Network {
    /// Lays the layers out one after the other.
    pub(crate) fn assemble(
        inputs: DMatrix<f64>,
        plan: &[LayerPlan],
        activation: Activation,
    ) -> Result<Self> {
        size::check(&inputs, plan)?;
        let (mut fan_in, mut begin) = (inputs.nrows(), 0);
        let mut layers = Vec::with_capacity(plan.len());
        for layer in plan {
            let weights = begin..begin + layer.outputs * fan_in;
            let biases = layer.biases.then_some(weights.end..weights.end + layer.outputs);
            let (weight_factor, bias_factor) = layer.factors;
            let dense = Dense {
                inputs: fan_in,
                outputs: layer.outputs,
                weights,
                biases,
                weight_factor,
                bias_factor,
            };
            (fan_in, begin) = (layer.outputs, dense.params().end);
            layers.push(dense);
        }
        Ok(Network {
            layers,
            activation,
            inputs: Arc::new(inputs),
            gates: None,
            last_start: LastStart::default(),
            buffers: Buffers::default(),
        })
    }

    /// The same architecture over other inputs of the same dimension, d × n': what a trained network says elsewhere.
    ///
    /// # Errors
    /// As for [`TwoLayer::on`](super::TwoLayer::on), and [`Shape`](crate::Error::Shape) for another dimension.
    ///
    /// ```
    /// use gradflow::prelude::*;
    /// use nalgebra::DMatrix;
    /// let train = TwoLayer::default().on(DMatrix::from_element(3, 7, 0.1)).unwrap();
    /// let test = train.with_inputs(DMatrix::from_element(3, 5, 0.2)).unwrap();
    /// assert_eq!((test.params(), test.samples()), (train.params(), 5));
    /// ```
    pub fn with_inputs(&self, inputs: DMatrix<f64>) -> Result<Self> {
        if inputs.nrows() != self.inputs.nrows() {
            return Err(crate::Error::Shape {
                what: "dimension of the inputs".into(),
                found: inputs.nrows().to_string(),
                wanted: format!("{}, which the network was built for", self.inputs.nrows()),
                remedy: "give inputs as d × n, a column per sample",
            });
        }
        let plan: Vec<LayerPlan> = self.layers.iter().map(LayerPlan::of).collect();
        Network::assemble(inputs, &plan, self.activation)
    }

    /// φ.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// d × n, a column per sample.
    pub fn inputs(&self) -> &DMatrix<f64> {
        &self.inputs
    }

    /// p and N; the same from either trait.
    pub fn shape(&self) -> Shape {
        Shape { params: self.params(), outputs: self.samples() * self.outputs_per_sample() }
    }

    /// n.
    pub fn samples(&self) -> usize {
        self.inputs.ncols()
    }

    /// p.
    pub fn params(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.params().end)
    }

    /// k, the outputs per sample.
    pub fn outputs_per_sample(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    pub(crate) fn layers(&self) -> &[Dense] {
        &self.layers
    }

    /// The inputs of layer `l`: the data or the activations before it, width × n.
    fn fed<'a>(&'a self, l: usize, hidden: impl FnOnce(usize) -> &'a [f64]) -> View<'a> {
        let (width, n) = (self.layers[l].inputs, self.samples());
        if l == 0 {
            column_major(self.inputs.as_slice(), width, n)
        } else {
            row_major(hidden(l - 1), width, n)
        }
    }
}

/// The plain twin: loops over samples, layers and neurons.
impl Model for Network {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (x, y) in self.inputs.column_iter().zip(y.chunks_mut(self.outputs_per_sample())) {
            let mut a: Vec<S> = x.iter().map(|&x| S::from(x)).collect();
            for (l, layer) in self.layers.iter().enumerate() {
                if l > 0 {
                    a.iter_mut().for_each(|a| *a = self.activation.apply(*a));
                }
                let row = |o: usize| {
                    let begin = layer.weights.start + o * layer.inputs;
                    let weights = &w[begin..begin + layer.inputs];
                    let sum = weights.iter().zip(&a).fold(S::from(0.0), |z, (&w, &a)| z + w * a);
                    let z = S::from(layer.weight_factor) * sum;
                    match &layer.biases {
                        Some(biases) => z + S::from(layer.bias_factor) * w[biases.start + o],
                        None => z,
                    }
                };
                a = (0..layer.outputs).map(row).collect();
            }
            y.copy_from_slice(&a);
        }
    }
}

impl Differentiable for Network {
    fn shape(&self) -> Shape {
        self.shape()
    }

    fn value(&self, w: &[f64], y: &mut [f64]) {
        y.copy_from_slice(&self.at(w).outputs);
    }

    fn jvp(&self, w: &[f64], dw: &[f64], dy: &mut [f64]) {
        self.forward_tangent(w, dw, dy);
    }

    fn vjp(&self, w: &[f64], dy: &[f64], dw: &mut [f64]) {
        let at = self.at(w);
        self.sweep_back(w, |l| at.hidden(l), dy, dw);
    }

    fn gradient(&self, w: &[f64], seed: Covector<'_>, dw: &mut [f64]) {
        self.sweep_gradient(w, seed, dw, &mut []);
    }

    /// The change of the gradient at ε = 0.
    fn curvature(&self, w: &[f64], dy: &[f64], dw: &[f64], out: &mut [f64]) {
        let mut zero = self.buffers.take(w.len());
        zero.fill(0.0);
        let mut base = self.buffers.take(w.len());
        let at = Displacement { start: w, first: dw, rest: &zero, eps: 0.0 };
        self.sweep_increment(at, &mut |_, _, v0, _| v0.copy_from_slice(dy), &mut base, out);
    }

    fn increment(
        &self,
        at: Displacement<'_>,
        seed: Seed<'_>,
        base: &mut [f64],
        change: &mut [f64],
    ) {
        self.sweep_increment(at, seed, base, change);
    }

    fn expand(&self, at: Displacement<'_>, first: &mut [f64], rest: &mut [f64]) {
        self.sweep_expansion(at, first, rest);
    }

    fn jacobian(&self, w: &[f64]) -> DMatrix<f64> {
        self.tangent_jacobian(w)
    }

    fn kernel(&self, w: &[f64]) -> DMatrix<f64> {
        self.tangent_kernel(w)
    }

    fn is_smooth(&self) -> bool {
        self.layers.len() == 1 || self.activation.is_smooth()
    }

    fn kinked(&self) -> Option<&dyn Kinked> {
        if self.has_kinks() { Some(self) } else { None }
    }

    fn is_linear(&self) -> bool {
        self.layers.len() == 1
    }

    fn structure(&self) -> Structure<'_> {
        if self.layers.len() == 1 { Structure::Linear } else { Structure::Network(self) }
    }
}
