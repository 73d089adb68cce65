//! Networks with one hidden layer, neuron by neuron.
//!
//! hᵢₒ = c Σⱼ aₒⱼ φ(bⱼ·x̃ᵢ) + a linear part, with x̃ᵢ the scaled input, extended by the bias's factor where there are
//! biases. No two neurons share a parameter, hence D²h is block-diagonal and **‖D²h‖ is the largest norm of a block**,
//! exactly. For one neuron and v = (u, e), u along its inner weights and e ∈ Rᵏ along its outer ones, tᵢ = x̃ᵢ·u,
//!
//! ```text
//! D²hᵢₒ[v, v] = c (aₒ φ''(zᵢ) tᵢ² + 2 eₒ φ'(zᵢ) tᵢ)
//! ‖D²h[v, v]‖ ≤ c (|a| A |u|² + 2 S |e||u|),      A = sup_{|u|=1} √(Σᵢ φ''(zᵢ)² tᵢ⁴),   S = ‖diag(φ'(z)) X̃‖
//!             ≤ c (|a|A + √(|a|²A² + 4S²))/2      for |u|² + |e|² = 1
//! ```
//!
//! with the norm over samples and outputs together: both terms are a tensor product of a vector in Rᵏ (a, e) with one in
//! Rⁿ, so that k outputs change nothing but |a| and |e|, which are now norms. On the ball, |a| grows by r and zᵢ moves
//! by r|x̃ᵢ|; φ' and φ'' are replaced by their largest sizes there.
//!
//! A is a quartic form. With Pᵢ ≥ |φ''(zᵢ)| and the matrices Bᵢ = Pᵢ x̃ᵢx̃ᵢᵀ, A = sup_u |(⟨Bᵢ, uuᵀ⟩)ᵢ|, and Cauchy–Schwarz
//! in the inner product ⟨M, M'⟩ − κ tr M tr M', 0 ≤ κ < 1/n in dimension n, gives
//!
//! ```text
//! A² ≤ λ_max(Gram matrix of the Bᵢ in this product) · (1 + κ/(1 − nκ)),      ⟨Bᵢ, Bⱼ⟩ = PᵢPⱼ (x̃ᵢ·x̃ⱼ)²,  tr Bᵢ = Pᵢ|x̃ᵢ|²
//! ```
//!
//! for uuᵀ has trace 1 and norm 1. κ = 0 is the norm of the unfolded tensor; inputs spread over all directions want
//! κ > 0 (on a regular polygon it makes the bound exact, where the unfolding is off by √(4/3)). The bound of A and this
//! use of κ were made for this project.

use super::activation;
use super::spectral::{self, DECOMPOSED, gamma, root_of_gram};
use crate::linalg::symmetric_eigen;
use crate::model::Network;
use crate::scalar::{
    Interval, add_up, div_up, mul_up, norm_up, sqrt_up, sub_down, sum_up, symmetric_2_by_2,
};
use nalgebra::{DMatrix, DVector};

/// The most evaluations of φ' and φ''; beyond, their extremes over all neurons serve each.
const EVALUATIONS: usize = 10_000_000;
/// The most multiplications spent on tight bounds of single neurons.
const REFINEMENT: f64 = 3e9;

/// At least Lip(Dh) on the ball, for a network with one hidden layer.
pub(super) fn lip_jacobian(network: &Network, w: &[f64], radius: f64) -> f64 {
    let inputs = Inputs::of(network);
    let neurons = neurons(network, &inputs, w, radius);
    let mut rough: Vec<(f64, &Neuron)> =
        neurons.iter().map(|neuron| (neuron.bend(inputs.rough(neuron)), neuron)).collect();
    rough.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut budget = REFINEMENT;
    let mut largest = 0.0_f64;
    for (upper, neuron) in rough {
        if upper <= largest {
            break;
        }
        if budget < 0.0 {
            largest = upper;
            break;
        }
        budget -= inputs.cost();
        largest = largest.max(neuron.bend(inputs.tight(neuron)).min(upper));
    }
    let factor = network.layers().last().map_or(0.0, |layer| layer.weight_factor.abs());
    mul_up(factor, largest)
}

/// What the ball allows one neuron.
struct Neuron {
    /// sup |φ'(zᵢ)|, per sample.
    slopes: Vec<f64>,
    /// sup |φ''(zᵢ)|, per sample.
    bends: Vec<f64>,
    /// sup |a|.
    outer: f64,
}

impl Neuron {
    /// The norm of its block but for c, from (A, S).
    fn bend(&self, (a, s): (f64, f64)) -> f64 {
        symmetric_2_by_2(mul_up(self.outer, a), s, 0.0)
    }
}

fn neurons(network: &Network, inputs: &Inputs, w: &[f64], radius: f64) -> Vec<Neuron> {
    let [inner, outer] = network.layers() else { return Vec::new() };
    let size = |z: Interval, order| activation::on(network.activation(), order, z).magnitude();
    let sizes = |z: &[Interval], order| z.iter().map(|z| size(*z, order)).collect::<Vec<f64>>();
    let arguments = |j: usize| {
        let row = &w[inner.weights.start + j * inner.inputs..][..inner.inputs];
        inputs.arguments(row, inner.biases.as_ref().map(|b| w[b.start + j]), radius)
    };
    let weight = |j: usize| {
        let column = (0..outer.outputs).map(|o| w[outer.weights.start + o * outer.inputs + j]);
        add_up(norm_up(column), radius)
    };
    let neuron = |j, slopes, bends| Neuron { slopes, bends, outer: weight(j) };
    if inner.outputs.saturating_mul(network.samples()) <= EVALUATIONS {
        let at = |j| {
            let z = arguments(j);
            neuron(j, sizes(&z, 1), sizes(&z, 2))
        };
        return (0..inner.outputs).map(at).collect();
    }
    // All arguments lie in one interval, and the neurons differ by their outer weights only.
    let all = (0..inner.outputs).flat_map(arguments).reduce(Interval::hull);
    let all = vec![all.unwrap_or(Interval::WHOLE); network.samples()];
    let largest = (0..inner.outputs).map(weight).fold(0.0, f64::max);
    vec![Neuron { slopes: sizes(&all, 1), bends: sizes(&all, 2), outer: largest }]
}

/// X̃, a column per sample.
struct Inputs {
    matrix: DMatrix<f64>,
    /// At least |x̃ᵢ|.
    norms: Vec<f64>,
    /// At least ‖X̃‖.
    norm: f64,
    /// X̃ᵀX̃ where there are few samples.
    kernel: Option<DMatrix<f64>>,
}

impl Inputs {
    fn of(network: &Network) -> Self {
        let (x, inner) = (network.inputs(), &network.layers()[0]);
        let rows = x.nrows() + usize::from(inner.biases.is_some());
        let matrix = DMatrix::from_fn(rows, x.ncols(), |i, j| {
            if i < x.nrows() { inner.weight_factor * x[(i, j)] } else { inner.bias_factor }
        });
        let error = mul_up(gamma(2), spectral::frobenius(&matrix));
        let norms = matrix
            .column_iter()
            .map(|x| mul_up(norm_up(x.iter().copied()), 1.0 + 2.0 * f64::EPSILON))
            .collect();
        let norm = spectral::norm(&matrix, error);
        let kernel =
            (matrix.ncols() <= DECOMPOSED).then(|| crate::linalg::gram(&matrix.transpose()));
        Inputs { matrix, norms, norm, kernel }
    }

    fn samples(&self) -> usize {
        self.matrix.ncols()
    }

    /// The most roundings in an entry made of a product over one column, and of a few factors more.
    fn roundings(&self) -> usize {
        self.matrix.nrows() + 16
    }

    /// zᵢ on the ball for a row of inner weights and its bias.
    fn arguments(&self, row: &[f64], bias: Option<f64>, radius: f64) -> Vec<Interval> {
        let gamma = gamma(2 * self.roundings());
        let argument = |(x, norm): (&[f64], &f64)| {
            let terms = row.iter().chain(&bias).zip(x.iter()).map(|(w, x)| w * x);
            let (z, size) = terms.fold((0.0, 0.0), |(z, size), t| (z + t, size + t.abs()));
            // The smallest number stands for underflows.
            let error = add_up(mul_up(gamma, size), f64::MIN_POSITIVE);
            Interval::around(z, add_up(error, mul_up(radius, *norm)))
        };
        let columns = self.matrix.as_slice().chunks_exact(self.matrix.nrows());
        columns.zip(&self.norms).map(argument).collect()
    }

    /// (A, S) from above without decompositions: tᵢ ≤ |x̃ᵢ| for all but one factor, |X̃u| ≤ ‖X̃‖ for that.
    fn rough(&self, neuron: &Neuron) -> (f64, f64) {
        let bent = neuron.bends.iter().zip(&self.norms).map(|(p, x)| mul_up(*p, *x));
        let slope = neuron.slopes.iter().copied().fold(0.0, f64::max);
        (mul_up(bent.fold(0.0, f64::max), self.norm), mul_up(slope, self.norm))
    }

    /// (A, S) from above.
    fn tight(&self, neuron: &Neuron) -> (f64, f64) {
        let roots: Vec<f64> = neuron.bends.iter().map(|p| sqrt_up(*p)).collect();
        let largest = neuron.bends.iter().zip(&self.norms);
        let largest = largest.map(|(p, x)| mul_up(*p, mul_up(*x, *x))).fold(0.0, f64::max);
        // Σ P²t⁴ ≤ max(P t²) Σ P t².
        let by_product = mul_up(sqrt_up(largest), self.weighted_norm(&roots));
        (by_product.min(self.quartic(&neuron.bends)), self.weighted_norm(&neuron.slopes))
    }

    /// ‖diag(s) X̃‖ from above for s ≥ 0.
    fn weighted_norm(&self, s: &[f64]) -> f64 {
        let scaled = s.iter().zip(&self.norms).map(|(s, x)| mul_up(*s, *x));
        let trace = sum_up(scaled.map(|x| mul_up(x, x)));
        match &self.kernel {
            Some(k) if self.samples() <= self.matrix.nrows() => {
                let gram = DMatrix::from_fn(s.len(), s.len(), |i, j| (s[i] * s[j]) * k[(i, j)]);
                root_of_gram(&gram, self.roundings(), trace)
            }
            _ if self.matrix.nrows() <= DECOMPOSED => {
                let mut rows = self.matrix.clone();
                rows.column_iter_mut().zip(s).for_each(|(mut x, s)| x *= *s);
                root_of_gram(&crate::linalg::gram(&rows), self.samples() + 16, trace)
            }
            _ => sqrt_up(trace),
        }
    }

    /// A from above, by the weighted unfolding.
    fn quartic(&self, p: &[f64]) -> f64 {
        let Some(k) = &self.kernel else { return f64::INFINITY };
        let n = self.samples().min(self.matrix.nrows());
        let traces = DVector::from_fn(p.len(), |i, _| p[i] * self.norms[i] * self.norms[i]);
        let squares =
            DMatrix::from_fn(p.len(), p.len(), |i, j| (p[i] * p[j]) * (k[(i, j)] * k[(i, j)]));
        let gram = |kappa: f64| &squares - (&traces * traces.transpose()) * kappa;
        // κ = τ/n.
        let factor = |tau: f64| {
            let kappa = tau / n as f64;
            add_up(1.0, div_up(kappa, sub_down(1.0, mul_up(n as f64, kappa))))
        };
        let guess = |tau: f64| {
            let largest = symmetric_eigen(&gram(tau / n as f64)).map_or(f64::INFINITY, |e| e.0[0]);
            largest * factor(tau)
        };
        let steps = if p.len() <= 64 { 10 } else { 3 };
        let tau = (0..steps)
            .map(|i| f64::from(i) / f64::from(steps))
            .min_by(|a, b| guess(*a).total_cmp(&guess(*b)))
            .unwrap_or(0.0);
        // Both terms of an entry are of the size of traces[i] traces[j].
        let trace = sum_up(traces.iter().map(|t| mul_up(*t, mul_up(*t, 1.0 + 1e-12))));
        let root = root_of_gram(&gram(tau / n as f64), 6 * self.roundings(), trace);
        mul_up(root, sqrt_up(factor(tau)))
    }

    /// Multiplications for one tight bound, roughly.
    fn cost(&self) -> f64 {
        let (n, d) = (self.samples() as f64, self.matrix.nrows() as f64);
        let quartic = if self.kernel.is_some() { 80.0 * n.powi(3) } else { 0.0 };
        quartic + 40.0 * n.min(d).powi(3) + 2.0 * n * d * n.min(d)
    }
}
