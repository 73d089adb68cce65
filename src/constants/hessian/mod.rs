//! sup ‖D²h(w)‖ over a Euclidean ball, certified, for models of a few hundred parameters.
//!
//! ‖·‖ is the norm of the bilinear map, sup q·D²h[u, v] over unit u, v in Rᵖ and q in Rᴺ. With h on germs of degree K at
//! w₀ (see [`crate::scalar`]), hᵢ = Σₙ Sᵢₙ[ε, …, ε] + Rᵢ(ε) for |ε| ≤ r, and
//!
//! ```text
//! ‖D²h(w₀ + ε)‖ ≤ 2‖S₂‖ + Σ_{n=3}^{K} n(n−1) rⁿ⁻² ‖Sₙ‖ + Σ_{n>K} n(n−1) rⁿ⁻² √(Σᵢ Mᵢₙ²)
//! ```
//!
//! where Mᵢₙ is the majorant of Rᵢ and ‖Sₙ‖ = sup q·Sₙ[u₁, …, uₙ] is bounded by unfoldings (`tensor`), for n = 2 also by a search over q
//! (`directions`). More degrees are tighter on small balls, fewer on large ones: the least of K = 1 … 5 is taken. The
//! outputs' tensors have N C(p + n − 1, n) entries and are computed for n ≤ 4 as far as that is cheap (n = 4 reaches
//! p ≈ 100 for a few outputs, n = 3 p ≈ 300); hidden numbers that depend on few parameters keep all K degrees.

mod directions;
mod tensor;
mod unfolding;

use crate::model::{Differentiable, Structure, Written};
use crate::scalar::{
    Effort, Germ, Germs, LAST_CLASS, MOST_DEGREE, Polynomial, add_up, bending, monomials, mul_up,
    norm_up, sum_up,
};
use nalgebra::DMatrix;
use std::collections::BTreeMap;
use tensor::Parts;

/// The most parameters for which a bound is tried.
const PARAMS: usize = 320;
/// The highest degree of which the outputs' tensors are computed; beyond it majorants serve.
const TENSORS: usize = 4;
/// The most coefficients of all outputs' last parts together.
const COEFFICIENTS: usize = 30_000_000;
/// The most multiplications for the unfolding of a part.
const UNFOLDING: f64 = 4e10;
/// What one evaluation may cost.
const EFFORT: Effort = Effort { products: 200_000_000, coefficients: 60_000_000 };

/// The bound for any model that is written on numbers and has at most `largest` parameters (each half of a difference);
/// `None` else.
pub(super) fn bound_up_to(
    map: &dyn Differentiable,
    start: &[f64],
    radius: f64,
    largest: usize,
) -> Option<f64> {
    match map.structure() {
        Structure::Difference(half) => {
            let (a, b) = start.split_at(start.len() / 2);
            let first = bound_up_to(half, a, radius, largest)?;
            Some(first.max(bound_up_to(half, b, radius, largest)?))
        }
        _ if start.len() > largest || !map.is_smooth() => None,
        Structure::Written(model) => bound(model, start, radius),
        Structure::Network(model) => bound(model, start, radius),
        Structure::Linear | Structure::Opaque => None,
    }
}

/// At least sup ‖D²h(w)‖ over |w − `start`| ≤ `radius`; `None` where p is too large or the bound is not finite.
///
/// ```
/// use gradflow::constants::hessian;
/// use gradflow::prelude::*;
/// // h = w³: h'' = 6 w, at most 6 · 1.5 on the ball of radius ½ around 1.
/// let h = Formula::parse("w^3", &[]).unwrap().without_inputs().unwrap();
/// let bound = hessian::bound(&h, &[1.0], 0.5).unwrap();
/// assert!(bound >= 9.0 && bound < 9.0 + 1e-9);
/// ```
pub fn bound(map: &dyn Written, start: &[f64], radius: f64) -> Option<f64> {
    let sensible = radius >= 0.0 && radius.is_finite() && start.iter().all(|w| w.is_finite());
    if start.len() > PARAMS || !sensible {
        return None;
    }
    let mut norms = Norms::default();
    // The highest degree measures all tensors; the others differ in what they leave to majorants.
    let highest = if radius == 0.0 { 2 } else { MOST_DEGREE };
    let all =
        (1..=highest).rev().map(|degree| bound_of_degree(map, start, radius, degree, &mut norms));
    let least = all.fold(f64::INFINITY, f64::min);
    least.is_finite().then_some(least)
}

/// ‖S₂‖, ‖S₃‖, …, computed once.
#[derive(Default)]
struct Norms(BTreeMap<usize, f64>);

/// The bound with polynomials of that degree; ∞ where they cost too much.
fn bound_of_degree(
    map: &dyn Written,
    start: &[f64],
    radius: f64,
    degree: usize,
    norms: &mut Norms,
) -> f64 {
    let (params, count) = (start.len(), map.shape().outputs);
    let tensors = degree.min(TENSORS);
    let size = count.saturating_mul(monomials::count(params, tensors));
    if size > COEFFICIENTS || size as f64 * (tensors * params) as f64 > UNFOLDING {
        return f64::INFINITY;
    }
    let germs = Germs::new(degree, radius, EFFORT);
    let mut outputs = vec![Germ::from(0.0); count];
    map.on_germs(&germs.variables(start), &mut outputs);
    let Some(polynomials) =
        outputs.iter().map(|y| y.polynomial(tensors)).collect::<Option<Vec<_>>>()
    else {
        return f64::INFINITY;
    };
    let joined = |n: usize| norm_up(outputs.iter().map(|y| y.majorant(n)));
    if !(2..=LAST_CLASS).all(|n| joined(n).is_finite()) {
        return f64::INFINITY;
    }
    sum_up((2..=LAST_CLASS).map(|n| {
        let mut norm = joined(n);
        if n <= tensors {
            let parts = Parts { outputs: &polynomials, params, degree: n };
            norm = norm.min(*norms.0.entry(n).or_insert_with(|| tensor_norm(&parts)));
        }
        mul_up(norm, bending(n, radius))
    }))
}

/// ‖Sₙ‖, what it lacks by rounding included.
fn tensor_norm(parts: &Parts<'_>) -> f64 {
    let norm = if parts.degree == 2 { centre(parts) } else { parts.norm() };
    add_up(norm, parts.error())
}

/// ‖S₂‖ without its errors.
fn centre(parts: &Parts<'_>) -> f64 {
    let matrices: Vec<DMatrix<f64>> =
        parts.outputs.iter().map(|p| symmetric(p, parts.params)).collect();
    let unfolded = parts.norm();
    if matrices.is_empty() { 0.0 } else { unfolded.min(directions::norm(&matrices)) }
}

/// Part 2 as a symmetric matrix; halving is exact.
fn symmetric(p: &Polynomial, params: usize) -> DMatrix<f64> {
    let mut m = DMatrix::zeros(params, params);
    for (pair, c) in monomials::all(p.support.len(), 2).zip(&p.parts[2]) {
        let (i, j) = (p.support[pair[0]], p.support[pair[1]]);
        let entry = if i == j { *c } else { 0.5 * c };
        m[(i, j)] = entry;
        m[(j, i)] = entry;
    }
    m
}
