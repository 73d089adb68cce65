//! The recursion over layers, pair by pair of inputs.

use super::net::{WideLayer, WideNet};
use super::quadrature::LARGEST_VARIANCE;
use super::{Pair, dual};
use crate::linalg::dot;
use crate::model::Activation;
use crate::threads;
use crate::{Error, Result};
use nalgebra::DMatrix;

/// Kernels of an infinitely wide net with one output, n × n' for n and n' inputs; with k outputs each is Kronecker's
/// product with the identity of k.
#[derive(Debug, Clone, PartialEq)]
pub struct WideKernels {
    /// K: the covariance of outputs at the start.
    pub nngp: DMatrix<f64>,
    /// Θ: the tangent kernel, all layers training.
    pub ntk: DMatrix<f64>,
    /// The part of Θ that comes from the last layer; K itself in the NTK parametrization.
    pub last_layer: DMatrix<f64>,
}

/// Of one pair of inputs, after all layers.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    nngp: f64,
    ntk: f64,
    last_layer: f64,
}

impl WideNet {
    /// At all pairs of columns of `inputs`, d × n: n × n, bitwise symmetric.
    ///
    /// # Errors
    /// [`Error::Value`] for no inputs, for inputs that are not finite, and where a variance exceeds what the quadrature of a
    /// smooth activation resolves, 1000 (for relu, erf and the identity, in closed form, 1e150).
    pub fn kernels(&self, inputs: &DMatrix<f64>) -> Result<WideKernels> {
        let variances = self.variances(inputs)?;
        let n = inputs.ncols();
        let mut found = self.pairs(inputs, inputs, [&variances, &variances], true);
        for kernel in [&mut found.nngp, &mut found.ntk, &mut found.last_layer] {
            debug_assert_eq!(kernel.nrows(), n);
            kernel.fill_lower_triangle_with_upper_triangle();
        }
        Ok(found)
    }

    /// Between columns of `inputs`, d × n, and of `others`, d × n': n × n'.
    ///
    /// # Errors
    /// As [`WideNet::kernels`], and [`Error::Shape`] for inputs of two dimensions.
    pub fn kernels_between(
        &self,
        inputs: &DMatrix<f64>,
        others: &DMatrix<f64>,
    ) -> Result<WideKernels> {
        if inputs.nrows() != others.nrows() {
            return Err(Error::Shape {
                what: "dimension of the other inputs".into(),
                found: others.nrows().to_string(),
                wanted: format!("{}, as the inputs", inputs.nrows()),
                remedy: "give both as d × n, a column per sample",
            });
        }
        let (first, second) = (self.variances(inputs)?, self.variances(others)?);
        Ok(self.pairs(inputs, others, [&first, &second], false))
    }

    /// The variance of z at every layer but the last, for each input.
    fn variances(&self, inputs: &DMatrix<f64>) -> Result<Vec<Vec<f64>>> {
        if inputs.is_empty() {
            return Err(Error::value("inputs", 0, "at least one sample and one dimension"));
        }
        if let Some(i) = inputs.iter().position(|x| !x.is_finite()) {
            let name = format!("input {} of sample {}", i % inputs.nrows(), i / inputs.nrows());
            return Err(Error::value(name, inputs[i], "a finite number"));
        }
        let through = |x: &[f64]| {
            let mut mean_square = dot(x, x) / x.len() as f64;
            let mut all = Vec::with_capacity(self.hidden());
            for layer in &self.layers[..self.hidden()] {
                let variance = layer.weight_variance * mean_square + layer.bias_variance;
                if !(0.0..=self.largest_variance()).contains(&variance) {
                    return Err(self.too_large(variance));
                }
                let alone = Pair { first: variance, second: variance, covariance: variance };
                mean_square = dual(self.activation, alone).values;
                all.push(variance);
            }
            Ok(all)
        };
        inputs.column_iter().map(|x| through(x.as_slice())).collect()
    }

    fn by_quadrature(&self) -> bool {
        !matches!(self.activation, Activation::Relu | Activation::Erf | Activation::Identity)
    }

    /// What the quadrature resolves, or what the products of closed forms leave finite.
    fn largest_variance(&self) -> f64 {
        if self.by_quadrature() { LARGEST_VARIANCE } else { 1e150 }
    }

    fn too_large(&self, variance: f64) -> Error {
        let instead = if self.by_quadrature() { ", or take relu or erf" } else { "" };
        let most = self.largest_variance();
        let wanted = format!("at most {most:e}; scale the inputs or the weights down{instead}");
        Error::value("variance of a neuron", format!("{variance:e}"), wanted)
    }

    /// All pairs, a column of the result by one thread; of a symmetric one the upper triangle.
    fn pairs(
        &self,
        inputs: &DMatrix<f64>,
        others: &DMatrix<f64>,
        variances: [&[Vec<f64>]; 2],
        symmetric: bool,
    ) -> WideKernels {
        let (n, m) = (inputs.ncols(), others.ncols());
        let mut entries = vec![Entry::default(); n * m];
        let columns = entries.chunks_mut(n).enumerate();
        // A quadrature is some 10⁵ operations, and there is at least one for each hidden layer.
        let each = if self.by_quadrature() { 1e5 } else { 1e2 };
        let work = each * (n * m * self.layers.len()) as f64;
        threads::share(work, columns, |(j, column)| {
            let rows = if symmetric { j + 1 } else { n };
            for (i, entry) in column.iter_mut().enumerate().take(rows) {
                let (x, y) = (inputs.column(i), others.column(j));
                let covariance = dot(x.as_slice(), y.as_slice()) / inputs.nrows() as f64;
                *entry = self.entry(covariance, &variances[0][i], &variances[1][j]);
            }
        });
        let matrix = |of: fn(&Entry) -> f64| DMatrix::from_iterator(n, m, entries.iter().map(of));
        WideKernels {
            nngp: matrix(|entry| entry.nngp),
            ntk: matrix(|entry| entry.ntk),
            last_layer: matrix(|entry| entry.last_layer),
        }
    }

    /// From A⁰ and the variances of both inputs at every layer.
    fn entry(&self, mut product: f64, first: &[f64], second: &[f64]) -> Entry {
        let (mut slopes, mut found) = (0.0, Entry::default());
        for (l, layer) in self.layers.iter().enumerate() {
            let &WideLayer { weight_variance, bias_variance, weight_rate, bias_rate } = layer;
            found.nngp = weight_variance * product + bias_variance;
            found.last_layer = weight_rate * product + bias_rate;
            found.ntk = found.last_layer + weight_variance * slopes * found.ntk;
            if l < self.hidden() {
                let pair = Pair { first: first[l], second: second[l], covariance: found.nngp };
                let means = dual(self.activation, pair);
                (product, slopes) = (means.values, means.slopes);
            }
        }
        found
    }
}
