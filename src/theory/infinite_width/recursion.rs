//! The recursion over layers, pair by pair of inputs.

use super::net::{WideLayer, WideNet};
use super::quadrature::LARGEST_VARIANCE;
use super::{Apart, Means, Pair, dual};
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

/// Of one input, layer by layer.
#[derive(Debug, Clone)]
struct Alone {
    /// The mean square over the numbers that layer l + 1 takes: ‖x‖²/d, then E φ(zˡ)².
    mean_squares: Vec<f64>,
    /// The variance of zˡ⁺¹ for every layer but the last.
    variances: Vec<f64>,
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
    /// [`Error::Value`] for no inputs, for inputs that are not finite, and where a variance exceeds 1e10 (for relu, erf and
    /// the identity, in closed form, 1e150).
    pub fn kernels(&self, inputs: &DMatrix<f64>) -> Result<WideKernels> {
        let alone = self.alone(inputs)?;
        let n = inputs.ncols();
        let mut found = self.pairs(inputs, inputs, [&alone, &alone], true);
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
        let (first, second) = (self.alone(inputs)?, self.alone(others)?);
        Ok(self.pairs(inputs, others, [&first, &second], false))
    }

    /// What each input is at every layer but the last.
    fn alone(&self, inputs: &DMatrix<f64>) -> Result<Vec<Alone>> {
        if inputs.is_empty() {
            return Err(Error::value("inputs", 0, "at least one sample and one dimension"));
        }
        if let Some(i) = inputs.iter().position(|x| !x.is_finite()) {
            let name = format!("input {} of sample {}", i % inputs.nrows(), i / inputs.nrows());
            return Err(Error::value(name, inputs[i], "a finite number"));
        }
        let through = |x: &[f64]| {
            let mut mean_square = dot(x, x) / x.len() as f64;
            let mut found = Alone { mean_squares: vec![mean_square], variances: Vec::new() };
            for layer in &self.layers[..self.hidden()] {
                let variance = layer.weight_variance * mean_square + layer.bias_variance;
                if !(0.0..=self.largest_variance()).contains(&variance) {
                    return Err(self.too_large(variance));
                }
                mean_square = dual(self.activation, Pair::alone(variance)).values;
                found.variances.push(variance);
                found.mean_squares.push(mean_square);
            }
            Ok(found)
        };
        inputs.column_iter().map(|x| through(x.as_slice())).collect()
    }

    /// Whether its means have no closed form here.
    pub(crate) fn by_quadrature(&self) -> bool {
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
        alone: [&[Alone]; 2],
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
                let (first, second) = (&alone[0][i], &alone[1][j]);
                let product = dot(x.as_slice(), y.as_slice()) / inputs.nrows() as f64;
                let squares = [first.mean_squares[0], second.mean_squares[0]];
                let apart = apart([x.as_slice(), y.as_slice()], squares, product);
                *entry = self.entry(product, apart, first, second);
            }
        });
        let matrix = |of: fn(&Entry) -> f64| DMatrix::from_iterator(n, m, entries.iter().map(of));
        WideKernels {
            nngp: matrix(|entry| entry.nngp),
            ntk: matrix(|entry| entry.ntk),
            last_layer: matrix(|entry| entry.last_layer),
        }
    }

    /// From A⁰, how far the inputs are apart and what each is at every layer.
    fn entry(&self, product: f64, apart: Apart, first: &Alone, second: &Alone) -> Entry {
        let mut means = Means { values: product, slopes: 0.0, apart: Some(apart) };
        let mut found = Entry::default();
        for (l, layer) in self.layers.iter().enumerate() {
            let &WideLayer { weight_variance, bias_variance, weight_rate, bias_rate } = layer;
            found.nngp = weight_variance * means.values + bias_variance;
            found.last_layer = weight_rate * means.values + bias_rate;
            found.ntk = found.last_layer + weight_variance * means.slopes * found.ntk;
            if l < self.hidden() {
                let squares = [first.mean_squares[l], second.mean_squares[l]];
                let apart = means.apart.unwrap_or_else(|| difference(squares, means.values));
                let [first, second] = [first.variances[l], second.variances[l]];
                let pair = Pair {
                    first,
                    second,
                    covariance: found.nngp,
                    sine_squared: layer.sine_squared(apart, squares, [first, second]),
                };
                means = dual(self.activation, pair);
            }
        }
        found
    }
}

impl WideLayer {
    /// 1 − ρ² of what this layer makes, by (v a + b)(v a' + b) − (v A + b)² = v² (a a' − A²) + v b (a + a' − 2A).
    fn sine_squared(&self, apart: Apart, [a, b]: [f64; 2], [first, second]: [f64; 2]) -> f64 {
        if first == 0.0 || second == 0.0 {
            return 1.0;
        }
        let v = self.weight_variance;
        let scaled = (v * a / first) * (v * b / second) * apart.sine_squared;
        (scaled + (v * apart.distance / first) * (self.bias_variance / second)).min(1.0)
    }
}

/// 1 − A²/(a a') and a + a' − 2A from mean squares a, a' and A itself: to rounding of the squares.
fn difference([a, b]: [f64; 2], product: f64) -> Apart {
    let size = a.sqrt() * b.sqrt();
    let cosine = if size > 0.0 { product / size } else { 0.0 };
    Apart {
        sine_squared: ((1.0 - cosine) * (1.0 + cosine)).max(0.0),
        distance: (a + b - 2.0 * product).max(0.0),
    }
}

/// The same of inputs, to rounding of their difference: with t = x·x'/‖x‖² for the longer x, 1 − ρ² = ‖x' − t x‖²/‖x'‖²,
/// where the plain difference cancels.
fn apart([x, y]: [&[f64]; 2], squares: [f64; 2], product: f64) -> Apart {
    let plain = difference(squares, product);
    let [a, b] = squares;
    if plain.sine_squared > 1e-2 || a == 0.0 || b == 0.0 {
        return plain;
    }
    let (longer, shorter, [long, short]) = if a >= b { (x, y, [a, b]) } else { (y, x, [b, a]) };
    let t = product / long;
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        let squares = longer.iter().zip(shorter).map(|(x, y)| of(*x, *y).powi(2));
        squares.sum::<f64>() / x.len() as f64
    };
    Apart { sine_squared: mean(&|x, y| y - t * x) / short, distance: mean(&|x, y| x - y) }
}
