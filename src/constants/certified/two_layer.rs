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
//! A is a quartic form. With Pᵢ ≥ |φ''(zᵢ)| and the matrices Bᵢ = Pᵢ x̃ᵢx̃ᵢᵀ, `A = sup_u |(⟨Bᵢ, uuᵀ⟩)ᵢ|`, and Cauchy–Schwarz
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
use crate::constants::verified::{self, DECOMPOSED, gamma, root_of_gram};
use crate::linalg::symmetric_eigen;
use crate::model::{Dense, Network};
use crate::scalar::{
    Interval, add_up, div_up, mul_up, norm_up, sqrt_up, sub_down, sum_up, symmetric_2_by_2,
};
use nalgebra::{DMatrix, DVector};

/// The most evaluations of φ' and φ'' for the ranges of single neurons.
const EVALUATIONS: usize = 2_000_000;
/// The most multiplications spent on tight bounds of single neurons.
const REFINEMENT: f64 = 3e9;

/// At least Lip(Dh) on the ball; `None` but for one hidden layer.
///
/// The neurons are taken in the order of a bound that only sees |a| and the extremes of φ' and φ'' over all arguments.
/// Once that falls below the largest tight bound, the rest need not be looked at.
pub(super) fn lip_jacobian(network: &Network, w: &[f64], radius: f64) -> Option<f64> {
    let [inner, outer] = network.layers() else { return None };
    let block = Block { network, inner, outer, w, radius, inputs: Inputs::of(network) };
    let anywhere = block.anywhere();
    let coarse = block.inputs.rough(&anywhere);
    let mut order: Vec<(f64, usize)> =
        (0..inner.outputs).map(|j| (bend(block.outer_weight(j), coarse), j)).collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut effort, mut evaluations) = (REFINEMENT, EVALUATIONS);
    let mut largest = 0.0_f64;
    for (coarse, j) in order {
        if coarse <= largest {
            break;
        }
        if evaluations < network.samples() || effort < 0.0 {
            largest = coarse;
            break;
        }
        evaluations -= network.samples();
        let (a, ranges) = (block.outer_weight(j), block.ranges(&block.arguments(j)));
        let rough = bend(a, block.inputs.rough(&ranges));
        if rough > largest {
            effort -= block.inputs.cost();
            largest = largest.max(rough.min(bend(a, block.inputs.tight(&ranges))));
        }
    }
    Some(mul_up(outer.weight_factor.abs(), largest))
}

/// The norm of a neuron's block but for c.
fn bend(outer: f64, (a, s): (f64, f64)) -> f64 {
    symmetric_2_by_2(mul_up(outer, a), s, 0.0)
}

/// What φ' and φ'' do on the ball, sample by sample.
struct Ranges {
    /// sup |φ'(zᵢ)|.
    slopes: Vec<f64>,
    /// sup |φ''(zᵢ)|.
    bends: Vec<f64>,
}

/// A network with one hidden layer on a ball.
struct Block<'a> {
    network: &'a Network,
    inner: &'a Dense,
    outer: &'a Dense,
    w: &'a [f64],
    radius: f64,
    inputs: Inputs,
}

impl Block<'_> {
    /// zᵢ of neuron j on the ball.
    fn arguments(&self, j: usize) -> Vec<Interval> {
        let row = &self.w[self.inner.weights.start + j * self.inner.inputs..][..self.inner.inputs];
        let bias = self.inner.biases.as_ref().map(|b| self.w[b.start + j]);
        self.inputs.arguments(row, bias, self.radius)
    }

    /// sup |a| of neuron j.
    fn outer_weight(&self, j: usize) -> f64 {
        let place = |o| self.outer.weights.start + o * self.outer.inputs + j;
        add_up(norm_up((0..self.outer.outputs).map(|o| self.w[place(o)])), self.radius)
    }

    fn ranges(&self, z: &[Interval]) -> Ranges {
        let phi = |order, z| activation::on(self.network.activation(), order, z).magnitude();
        Ranges {
            slopes: z.iter().map(|z| phi(1, *z)).collect(),
            bends: z.iter().map(|z| phi(2, *z)).collect(),
        }
    }

    /// Ranges that hold those of every neuron.
    fn anywhere(&self) -> Ranges {
        let hull = |a: Vec<Interval>, b: Vec<Interval>| {
            a.into_iter().zip(b).map(|(a, b)| a.hull(b)).collect()
        };
        let all = (0..self.inner.outputs).map(|j| self.arguments(j)).reduce(hull);
        self.ranges(&all.unwrap_or_default())
    }
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
        let error = mul_up(gamma(2), verified::frobenius(&matrix));
        let norms = matrix
            .column_iter()
            .map(|x| mul_up(norm_up(x.iter().copied()), 1.0 + 2.0 * f64::EPSILON))
            .collect();
        let norm = verified::norm(&matrix, error);
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
    fn rough(&self, ranges: &Ranges) -> (f64, f64) {
        let bent = ranges.bends.iter().zip(&self.norms).map(|(p, x)| mul_up(*p, *x));
        let slope = ranges.slopes.iter().copied().fold(0.0, f64::max);
        (mul_up(bent.fold(0.0, f64::max), self.norm), mul_up(slope, self.norm))
    }

    /// (A, S) from above.
    fn tight(&self, ranges: &Ranges) -> (f64, f64) {
        let roots: Vec<f64> = ranges.bends.iter().map(|p| sqrt_up(*p)).collect();
        let largest = ranges.bends.iter().zip(&self.norms);
        let largest = largest.map(|(p, x)| mul_up(*p, mul_up(*x, *x))).fold(0.0, f64::max);
        // Σ P²t⁴ ≤ max(P t²) Σ P t².
        let by_product = mul_up(sqrt_up(largest), self.weighted_norm(&roots));
        (by_product.min(self.quartic(&ranges.bends)), self.weighted_norm(&ranges.slopes))
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
