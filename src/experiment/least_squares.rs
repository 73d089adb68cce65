//! One draw of a regression, its solution of least norm or the best ridge's, and the risk of that: the cases of
//! [`DoubleDescent`](super::DoubleDescent).

use crate::Result;
use crate::flow::Flow;
use crate::linalg::{Lu, gram, multiply, thin_svd, transposed_product};
use crate::loss::Square;
use crate::model::{Activation, Differentiable, Mlp, TwoLayer, doubled_start};
use crate::random::Generator;
use crate::solve::{Eigen, no_modes};
use crate::theory::Ridgeless;
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

/// n.
pub(super) const SAMPLES: usize = 200;
/// r² and s².
pub(super) const PROBLEM: (f64, f64) = (5.0, 1.0);
/// ψ = d/p of nonlinear features.
pub(super) const DIMENSIONS: f64 = 0.5;
/// Seen features carry the part 1 − (1 + γ)^(−this) of the signal: the work's polynomial law.
pub(super) const DECAY: i32 = 2;
/// d of the lazy network, the number of independent tangent features of each of its relus.
pub(super) const LAZY_DIMENSIONS: usize = 10;
/// Fresh inputs on which a risk without closed form is measured.
const FRESH: usize = 500;

/// What is regressed on, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Isotropic,
    OptimalRidge,
    /// a(|t| − b): uncorrelated with t.
    PurelyNonlinear,
    Misspecified,
    /// a(relu(t) − b): correlated with t.
    Relu,
    /// The lazy predictor of a two-layer network.
    Lazy,
}

impl Case {
    /// In the order of their numbers.
    pub(crate) const ALL: [Case; 6] = [
        Case::Isotropic,
        Case::OptimalRidge,
        Case::PurelyNonlinear,
        Case::Misspecified,
        Case::Relu,
        Case::Lazy,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Case::Isotropic => "ridgeless",
            Case::OptimalRidge => "best ridge",
            Case::PurelyNonlinear => "purely nonlinear features",
            Case::Misspecified => "misspecified features",
            Case::Relu => "relu features",
            Case::Lazy => "lazy two-layer network",
        }
    }

    /// What stands for it in tables.
    pub(crate) fn number(self) -> f64 {
        f64::from(self as u8)
    }

    pub(super) fn ratios(self) -> &'static [f64] {
        match self {
            Case::PurelyNonlinear => &[0.5, 2.0, 4.0],
            Case::Relu => &[0.5, 1.25, 2.0, 4.0],
            _ => &[0.2, 0.5, 0.8, 1.25, 2.0, 4.0, 8.0],
        }
    }

    /// The limit of the risk; NaN where none is known.
    ///
    /// # Errors
    /// [`Error::Value`](crate::Error::Value) for a ratio that is not positive.
    pub(super) fn limit(self, gamma: f64, problem: Ridgeless) -> Result<f64> {
        match self {
            Case::Isotropic => Ok(problem.risk(gamma)),
            Case::PurelyNonlinear | Case::Relu => {
                problem.nonlinear_risk(gamma, DIMENSIONS, self.linear_part())
            }
            Case::OptimalRidge => Ok(problem.optimal_ridge_risk(gamma)),
            Case::Misspecified => Ok(problem.misspecified_risk(gamma, seen(gamma))),
            Case::Lazy => Ok(f64::NAN),
        }
    }

    /// c₁ = (E Gφ(G))².
    fn linear_part(self) -> f64 {
        // Of a relu: E G relu(G) = ½, and its variance is ½ − 1/(2π).
        if self == Case::Relu { 0.25 / (0.5 - 0.5 / PI) } else { 0.0 }
    }

    /// φ(t), of mean 0 and variance 1 for a Gaussian t; t itself where features are inputs.
    fn feature(self, t: f64) -> f64 {
        match self {
            Case::PurelyNonlinear => (t.abs() - (2.0 / PI).sqrt()) / (1.0 - 2.0 / PI).sqrt(),
            Case::Relu => (t.max(0.0) - (0.5 / PI).sqrt()) / (0.5 - 0.5 / PI).sqrt(),
            _ => t,
        }
    }

    fn is_nonlinear(self) -> bool {
        matches!(self, Case::PurelyNonlinear | Case::Relu)
    }
}

/// The part of the signal that the features seen carry.
fn seen(gamma: f64) -> f64 {
    1.0 - (1.0 + gamma).powi(-DECAY)
}

/// The risk of one draw of everything, p = γn.
///
/// # Errors
/// What goes wrong in the flow.
pub(super) fn simulated(case: Case, gamma: f64, mut stream: Generator) -> Result<f64> {
    let p = count(gamma * SAMPLES as f64);
    let (signal, noise) = PROBLEM;
    let unseen = if case == Case::Misspecified { (1.0 - seen(gamma)) * signal } else { 0.0 };
    let beta: Vec<f64> = stream.sphere(p).iter().map(|b| b * (signal - unseen).sqrt()).collect();
    let features = Features::drawn(case, p, &mut stream);
    let x = features.at(SAMPLES, &mut stream);
    let mut y = vec![0.0; SAMPLES];
    multiply(&mut y, false, &x, true, &beta);
    // Unseen features are Gaussian and independent of the seen ones: their sum is.
    y.iter_mut().for_each(|y| *y += noise.sqrt() * stream.gaussian());
    y.iter_mut().for_each(|y| *y += unseen.sqrt() * stream.gaussian());
    let ridge = noise * gamma / signal;
    let mut off = if case == Case::OptimalRidge { ridged(&x, y, ridge) } else { ridgeless(&x, y)? };
    off.iter_mut().zip(&beta).for_each(|(off, beta)| *off -= beta);
    if !case.is_nonlinear() {
        return Ok(unseen + square(&off));
    }
    let mut errors = vec![0.0; FRESH];
    multiply(&mut errors, false, &features.at(FRESH, &mut stream), true, &off);
    Ok(square(&errors) / FRESH as f64)
}

/// The risk of the lazy predictor f̄(x) = Df(w₀, x)ū(∞) of a doubled two-layer relu network of γn independent tangent features,
/// a·relu(b·x) and its gradients in b and a, of which the last lies in the span of the others; with it, if
/// `inverted`, that of least squares on these features by a pseudo-inverse, Df(w₀, x) X⁺y, and NaN if not. The target is
/// linear, on the sphere √d S^(d−1).
///
/// # Errors
/// What goes wrong in the flow.
pub(super) fn lazy(gamma: f64, mut stream: Generator, inverted: bool) -> Result<(f64, f64)> {
    const D: usize = LAZY_DIMENSIONS;
    let width = 2 * count(gamma * SAMPLES as f64 / D as f64);
    let (signal, noise) = PROBLEM;
    let sphere = |n: usize, stream: &mut Generator| {
        let unit = (0..n).flat_map(|_| stream.sphere(D)).collect();
        DMatrix::<f64>::from_vec(D, n, unit) * (D as f64).sqrt()
    };
    let beta = DVector::from_vec(stream.sphere(D)) * signal.sqrt();
    let (x, fresh) = (sphere(SAMPLES, &mut stream), sphere(FRESH, &mut stream));
    let mut y = x.tr_mul(&beta);
    y.iter_mut().for_each(|y| *y += noise.sqrt() * stream.gaussian());
    let net = TwoLayer { width, activation: Activation::Relu, ..TwoLayer::default() }.on(x)?;
    let elsewhere = net.with_inputs(fresh.clone())?;
    let mut start = stream.gaussians(D * width);
    start.extend((0..width).map(|_| stream.sign()));
    doubled_start(&net, &mut start)?;
    let risk = |moved: &[f64]| {
        let mut found = vec![0.0; FRESH];
        elsewhere.jvp(&start, moved, &mut found);
        square((DVector::from_vec(found) - fresh.tr_mul(&beta)).as_slice()) / FRESH as f64
    };
    let flow = Flow::new(&net, Square::to(y.as_slice().to_vec()), start.clone());
    let mut path = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY])?;
    let by_flow = risk(&path.displacements.pop().unwrap_or_default());
    let by_inverse = inverted.then(|| least_norm(&net.jacobian(&start), &y)).transpose()?;
    Ok((by_flow, by_inverse.map_or(f64::NAN, |moved| risk(&moved))))
}

/// Singular values below this part of the largest are those of features that depend on others: there are many, zero up to
/// rounding (10⁻¹⁶), and others lie above 10⁻⁵.
const INDEPENDENT: f64 = 1e-10;

/// X⁺y by the singular values of `x`, n × p.
fn least_norm(x: &DMatrix<f64>, y: &DVector<f64>) -> Result<Vec<f64>> {
    let svd = thin_svd(x).ok_or_else(no_modes)?;
    let least = svd.values.first().copied().unwrap_or(0.0) * INDEPENDENT;
    let inverse = |s: f64| if s > least { 1.0 / s } else { 0.0 };
    let mut parts = svd.left.tr_mul(y);
    parts.iter_mut().zip(&svd.values).for_each(|(part, s)| *part *= inverse(*s));
    Ok((svd.right * parts).as_slice().to_vec())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of features, a few times the samples"
)]
pub(super) fn count(features: f64) -> usize {
    features.round() as usize
}

fn square(v: &[f64]) -> f64 {
    v.iter().map(|v| v * v).sum()
}

/// X⁺y for features `x`, p × n: where the linear flow from 0 ends.
fn ridgeless(x: &DMatrix<f64>, y: Vec<f64>) -> Result<Vec<f64>> {
    let map = Mlp { hidden: Vec::new(), biases: false, ..Mlp::default() }.on(x.clone())?;
    let flow = Flow::new(map, Square::to(y), vec![0.0; x.nrows()]);
    let path = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY])?;
    Ok(path.weights(1))
}

/// (xxᵀ + nλ)⁻¹xy = x(xᵀx + nλ)⁻¹y.
fn ridged(x: &DMatrix<f64>, mut y: Vec<f64>, lambda: f64) -> Vec<f64> {
    let mut kernel = gram(&x.transpose());
    (0..SAMPLES).for_each(|i| kernel[(i, i)] += SAMPLES as f64 * lambda);
    Lu::new(&kernel).solve(&mut y);
    let mut beta = vec![0.0; x.nrows()];
    multiply(&mut beta, false, x, false, &y);
    beta
}

/// How inputs become features.
struct Features {
    case: Case,
    count: usize,
    /// Wᵀ, of entries N(0, 1/d), d × p; nothing where features are the inputs.
    weights: Option<DMatrix<f64>>,
}

impl Features {
    fn drawn(case: Case, features: usize, stream: &mut Generator) -> Self {
        let d = count(DIMENSIONS * features as f64);
        let scale = 1.0 / (d as f64).sqrt();
        let weights = case
            .is_nonlinear()
            .then(|| DMatrix::from_vec(d, features, stream.gaussians(d * features)) * scale);
        Features { case, count: features, weights }
    }

    /// Of `n` fresh inputs, p × n.
    fn at(&self, n: usize, stream: &mut Generator) -> DMatrix<f64> {
        let Some(weights) = &self.weights else {
            return DMatrix::from_vec(self.count, n, stream.gaussians(self.count * n));
        };
        let inputs = DMatrix::from_vec(weights.nrows(), n, stream.gaussians(weights.nrows() * n));
        transposed_product(weights, &inputs).map(|t| self.case.feature(t))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, variance and correlation with t of φ(t) under a Gaussian t: 0, 1, √c₁; by the trapezoidal rule, whose error is the
    /// square of its step at the kink.
    #[test]
    fn features_are_standardized_and_as_linear_as_said() {
        for case in [Case::PurelyNonlinear, Case::Relu] {
            let step = 1e-3;
            let mean = |f: &dyn Fn(f64) -> f64| {
                let points = (-10_000..=10_000).map(|k| f64::from(k) * step);
                points.map(|t| f(t) * (-0.5 * t * t).exp()).sum::<f64>() * step / (2.0 * PI).sqrt()
            };
            let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-5, "{found}");
            close(mean(&|t| case.feature(t)), 0.0);
            close(mean(&|t| case.feature(t).powi(2)), 1.0);
            close(mean(&|t| t * case.feature(t)).powi(2), case.linear_part());
        }
    }

    /// Below, at twice and at eight times as many features as samples; the risks agree to the rounding of a condition number of
    /// some hundreds, squared by the kernel.
    #[test]
    fn the_lazy_predictor_is_ridgeless_regression_on_tangent_features() {
        for gamma in [0.5, 2.0, 8.0] {
            let (flow, inverse) = lazy(gamma, Generator::seeded(5), true).unwrap();
            assert!((flow / inverse - 1.0).abs() < 1e-8, "γ = {gamma}: {flow} {inverse}");
        }
    }
}
