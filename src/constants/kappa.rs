//! The criterion of laziness: κ, the one step behind it, and its laws.
//!
//! One small step w₁ = w₀ − η∇F(w₀) of gradient descent lowers the objective F = R∘h by Δ(F) ≈ η‖∇F‖²/F, relative to
//! itself, and changes the differential by Δ(Dh) ≤ η‖∇F‖‖D²h‖/‖Dh‖. Training is lazy where Δ(F) ≫ Δ(Dh). For
//! R = ½‖y − y*‖² and ‖Dhᵀ(h − y*)‖ ≈ ‖Dh‖‖h − y*‖ that is κ ≪ 1 (Chizat et al. 2019, eq. 1), where
//!
//! ```text
//! κ_αh(w₀) = (1/α) ‖α h(w₀) − y*‖ ‖D²h(w₀)‖ / ‖Dh(w₀)‖²
//! ```
//!
//! with operator norms. As η → 0 exactly Δ(Dh)/Δ(F) ≤ (κ/2) ‖Dh‖‖r‖/‖Dhᵀr‖ with r = αh(w₀) − y*.
//!
//! **Laws.** In α: κ falls as 1/α if h(w₀) = 0, else towards ‖h(w₀)‖‖D²h‖/‖Dh‖². In the scale λ of the start, for a
//! positively q-homogeneous h: `κ_h(λw₀) = λ^(−q)‖λ^q h(w₀) − y*‖‖D²h(w₀)‖/‖Dh(w₀)‖²`, so λ^q stands in for α, with
//! time running λ^(2q−2) times as fast. In the width m of α(m) Σ φ(θᵢ) with α(m) = m^(−a): E κ ≲ m^(−½) + m^(a−1); the
//! paper prints (m α(m))^(−½) for the second term, its own estimates and experiments give the exponent −1 used here.

use super::{Enclosure, Neighbourhood};
use crate::flow::Flow;
use crate::linalg::norm;
use crate::loss::Loss;
use crate::model::{Differentiable, Restricted};
use crate::{Error, Result};
use std::ops::Range;

/// κ at one scale, and its factors.
#[derive(Debug, Clone, PartialEq)]
pub struct Laziness {
    /// α.
    pub alpha: f64,
    /// ‖α h(w₀) − y*‖.
    pub residual: f64,
    /// ‖D²h(w₀)‖ as a bilinear map: sampled from below, certified from above.
    pub norm_hessian: Enclosure,
    /// ‖Dh(w₀)‖.
    pub norm_jacobian: Enclosure,
    /// h(w₀) and y*, for the laws.
    ends: (Vec<f64>, Vec<f64>),
}

impl Laziness {
    /// Of the flow at its α; `near` is the neighbourhood of its start. `None` for a loss without a minimizer, for which
    /// κ is not defined ([`OneStep`] is).
    ///
    /// # Errors
    /// As [`Flow::initial_outputs`] and [`Neighbourhood::spectrum`].
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        near: &Neighbourhood<'_>,
    ) -> Result<Option<Self>> {
        flow.initial_outputs()?;
        let Some(target) = flow.loss.minimizer() else { return Ok(None) };
        let mut origin = vec![0.0; target.len()];
        flow.map.value(&flow.start, &mut origin);
        let ends = (origin, target.to_vec());
        Ok(Some(Laziness {
            alpha: flow.alpha,
            residual: distance(flow.alpha, &ends),
            norm_hessian: near.norm_hessian(),
            norm_jacobian: near.spectrum()?.norm_jacobian,
            ends,
        }))
    }

    /// `κ_αh(w₀)`, enclosed; 0 at α = ∞ if h(w₀) = 0.
    pub fn kappa(&self) -> Enclosure {
        self.at_scale(self.alpha)
    }

    /// The same model at another α.
    pub fn at_scale(&self, alpha: f64) -> Enclosure {
        let factor = if alpha.is_infinite() {
            norm(&self.ends.0)
        } else {
            distance(alpha, &self.ends) / alpha
        };
        self.times(factor)
    }

    /// `κ_h(λw₀)` for a positively q-homogeneous h, at α = 1.
    pub fn at_init_scale(&self, degree: f64, lambda: f64) -> Enclosure {
        let power = lambda.powf(degree);
        self.times(distance(power, &self.ends) / power)
    }

    /// factor · ‖D²h‖/‖Dh‖²; 0 where a factor is 0, ∞ where only Dh is.
    fn times(&self, factor: f64) -> Enclosure {
        let over = |hessian: f64, jacobian: f64| {
            if jacobian == 0.0 || hessian == f64::INFINITY {
                f64::INFINITY
            } else if factor == 0.0 || hessian == 0.0 {
                0.0
            } else {
                factor * hessian / (jacobian * jacobian)
            }
        };
        let (hessian, jacobian) = (self.norm_hessian, self.norm_jacobian);
        // Three roundings, each half an ulp.
        let outward =
            |x: f64, by: f64| if x == 0.0 { 0.0 } else { x * (1.0 + by * 4.0 * f64::EPSILON) };
        Enclosure {
            lower: outward(over(hessian.lower, jacobian.upper), -1.0),
            upper: outward(over(hessian.upper, jacobian.lower), 1.0),
            radius: 0.0,
            method: hessian.method,
        }
    }
}

/// ‖α h(w₀) − y*‖.
fn distance(alpha: f64, (origin, target): &(Vec<f64>, Vec<f64>)) -> f64 {
    let scaled = |h: &f64| if *h == 0.0 { 0.0 } else { alpha * h };
    norm(&origin.iter().zip(target).map(|(h, y)| scaled(h) - y).collect::<Vec<_>>())
}

/// One gradient step of size η → 0 on F_α, per unit of η.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneStep {
    /// Δ(F)/η = ‖∇F‖²/F, the relative decrease of the objective.
    pub objective: f64,
    /// Δ(Dh)/η = ‖D²h[∇F, ·]‖/‖Dh‖, the relative change of the differential.
    pub differential: f64,
    /// Δ(Dh)/Δ(F): lazy where it is small; ∞ where the start is stationary.
    pub ratio: f64,
}

impl OneStep {
    /// Of the flow at its α; F counts from the infimum of R where it is known.
    ///
    /// # Errors
    /// As [`Flow::initial_outputs`] and [`Neighbourhood::spectrum`].
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        near: &Neighbourhood<'_>,
    ) -> Result<Self> {
        let y = flow.initial_outputs()?;
        let (mut slope, mut gradient) = (vec![0.0; y.len()], vec![0.0; flow.start.len()]);
        flow.loss.gradient(&y, &mut slope);
        flow.map.vjp(&flow.start, &slope, &mut gradient);
        let least = flow.loss.minimizer().map_or(0.0, |y| flow.loss.value(y));
        let risk = flow.loss.value(&y) - least;
        // F_α = R/α², ∇F_α = Jᵀ∇R/α: Δ(F)/η does not feel α, Δ(Dh)/η carries 1/α.
        let size = norm(&gradient);
        let objective = size * size / risk;
        let jacobian = near.spectrum()?.norm_jacobian.lower;
        let differential = flow.eps() * turning(&flow.map, &flow.start, &gradient) / jacobian;
        let still = size == 0.0 || differential == 0.0;
        let ratio = match (size == 0.0, still) {
            (true, _) => f64::INFINITY,
            (_, true) => 0.0,
            _ => differential / objective,
        };
        Ok(OneStep {
            objective: if size == 0.0 { 0.0 } else { objective },
            differential: if still { 0.0 } else { differential },
            ratio,
        })
    }
}

/// ‖D²h(w)[g, ·]‖, by power iteration on v ↦ (D²h[g,·])ᵀ(D²h[g, v]).
fn turning(map: &dyn Differentiable, w: &[f64], g: &[f64]) -> f64 {
    let size = norm(g);
    if size == 0.0 {
        return 0.0;
    }
    let unit: Vec<f64> = g.iter().map(|g| g / size).collect();
    let outputs = map.shape().outputs;
    // ½D²h[u, u] is the rest of an expansion at ε = 0; polarisation gives the mixed one.
    let half = |u: &[f64]| {
        let (mut first, mut rest) = (vec![0.0; outputs], vec![0.0; outputs]);
        let zero = vec![0.0; u.len()];
        let at = crate::model::Displacement { start: w, first: u, rest: &zero, eps: 0.0 };
        map.expand(at, &mut first, &mut rest);
        rest
    };
    let mut q = vec![1.0 / f64::from(u32::try_from(outputs).unwrap_or(u32::MAX)).sqrt(); outputs];
    let (mut v, mut found) = (vec![0.0; w.len()], 0.0_f64);
    for _ in 0..60 {
        map.curvature(w, &q, &unit, &mut v);
        let length = norm(&v);
        if length == 0.0 || !length.is_finite() {
            break;
        }
        v.iter_mut().for_each(|v| *v /= length);
        let sum: Vec<f64> = unit.iter().zip(&v).map(|(a, b)| a + b).collect();
        let difference: Vec<f64> = unit.iter().zip(&v).map(|(a, b)| a - b).collect();
        let image: Vec<f64> =
            half(&sum).iter().zip(half(&difference)).map(|(a, b)| 0.5 * (a - b)).collect();
        let now = norm(&image);
        let settled = (now - found).abs() <= 1e-10 * now;
        found = found.max(now);
        if settled || now == 0.0 {
            break;
        }
        q = image.iter().map(|y| y / now).collect();
    }
    size * found
}

/// κ of a part of the model: a layer, or a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct PartLaziness {
    /// As `layer 2` or `sample 7`.
    pub name: String,
    /// ‖Dh‖ of the part.
    pub norm_jacobian: f64,
    /// ‖D²h‖ of the part.
    pub norm_hessian: Enclosure,
    /// κ of the part: its residual, its ‖D²h‖, its ‖Dh‖.
    pub kappa: Enclosure,
}

/// `κ_αh` of the model with only the parameters of one of `blocks` moving, each seen through all outputs; `near` is the
/// neighbourhood of the whole.
///
/// # Errors
/// As [`Laziness::of`].
pub fn by_block<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    blocks: &[(String, Range<usize>)],
) -> Result<Vec<PartLaziness>> {
    let outputs = 0..flow.map.shape().outputs;
    blocks
        .iter()
        .map(|(name, block)| part(flow, near, name, block.clone(), outputs.clone()))
        .collect()
}

/// κ_αh of each sample, `per_sample` outputs at a time, all parameters moving.
///
/// # Errors
/// As [`Laziness::of`].
pub fn by_sample<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    per_sample: usize,
) -> Result<Vec<PartLaziness>> {
    let n = flow.map.shape().outputs;
    if per_sample == 0 || !n.is_multiple_of(per_sample) {
        return Err(Error::value("outputs per sample", per_sample, format!("a divisor of {n}")));
    }
    let sample = |i: usize| {
        let outputs = i * per_sample..(i + 1) * per_sample;
        part(flow, near, &format!("sample {}", i + 1), 0..flow.start.len(), outputs)
    };
    (0..n / per_sample).map(sample).collect()
}

fn part<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    name: &str,
    params: Range<usize>,
    outputs: Range<usize>,
) -> Result<PartLaziness> {
    let map = Restricted::to(&flow.map, &flow.start, params, outputs.clone());
    let own = Neighbourhood::of(&map, map.own_start())?;
    let y = flow.initial_outputs()?;
    let residual = flow.loss.minimizer().map_or(f64::NAN, |target| {
        let away = |(a, b): (&f64, &f64)| a - b;
        norm(&y[outputs.clone()].iter().zip(&target[outputs]).map(away).collect::<Vec<_>>())
    });
    let (mut norm_hessian, norm_jacobian) = (own.norm_hessian(), own.spectrum()?.norm_jacobian);
    // A part is no more curved than the whole, whose structure may be certified more tightly.
    let (whole, method) = near.lip_jacobian_upper(0.0);
    if whole < norm_hessian.upper {
        (norm_hessian.upper, norm_hessian.method) = (whole, method);
    }
    let times = |hessian: f64, jacobian: f64| {
        if hessian == 0.0 { 0.0 } else { flow.eps() * residual * hessian / (jacobian * jacobian) }
    };
    Ok(PartLaziness {
        name: name.into(),
        norm_jacobian: norm_jacobian.upper,
        norm_hessian,
        kappa: Enclosure {
            lower: times(norm_hessian.lower, norm_jacobian.upper),
            upper: times(norm_hessian.upper, norm_jacobian.lower),
            radius: 0.0,
            method: norm_hessian.method,
        },
    })
}

/// The degree q of a positively homogeneous h, h(λw) = λ^q h(w), if it is one near `start`; tried at λ = ½, 2 and at a
/// point beside the start, to 1e-9. An estimate: no proof for other points.
pub fn homogeneity(map: &dyn Differentiable, start: &[f64]) -> Option<f64> {
    let value = |w: &[f64]| {
        let mut y = vec![0.0; map.shape().outputs];
        map.value(w, &mut y);
        y
    };
    let scaled = |w: &[f64], lambda: f64| value(&w.iter().map(|w| lambda * w).collect::<Vec<_>>());
    // Beside the start, where doubled models are not zero.
    let beside: Vec<f64> =
        start.iter().enumerate().map(|(i, w)| w * (1.0 + 0.1 * (1.0 + i as f64).sin())).collect();
    let (one, two) = (value(&beside), scaled(&beside, 2.0));
    if norm(&one) == 0.0 || !norm(&one).is_finite() {
        return None;
    }
    let degree = (norm(&two) / norm(&one)).log2();
    let whole = degree.round();
    let degree = if (degree - whole).abs() < 1e-6 { whole } else { degree };
    let agrees = |w: &[f64], lambda: f64| {
        let (base, moved) = (value(w), scaled(w, lambda));
        let off: Vec<f64> =
            moved.iter().zip(&base).map(|(m, b)| m - lambda.powf(degree) * b).collect();
        norm(&off) <= 1e-9 * norm(&moved).max(1e-6 * norm(&one))
    };
    let all = [0.5, 2.0, 3.0].iter().all(|&l| agrees(&beside, l) && agrees(start, l));
    (all && degree.is_finite()).then_some(degree)
}

/// The exponent of E κ ≲ m^(−½) + m^(a−1) in the width m, for the scaling m^(−a) of iid neurons; for a symmetrized
/// start (h(w₀) = 0) the first term is absent and it is a − 1.
pub fn width_exponent(a: f64, symmetrized: bool) -> f64 {
    if symmetrized { a - 1.0 } else { (a - 1.0).max(-0.5) }
}
