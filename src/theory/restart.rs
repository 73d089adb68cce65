//! Theorem 2 (ours) begun anew at a time T of a computed path: a certificate that training converges, and a bound of
//! the gap beyond T.
//!
//! **Statement.** The flow from w(T) is a flow like any other. Let
//!
//! ```text
//! σ = σ_min(Dh(w(T))ᵀ),      ψ = √(2(R(y(T)) − R(y*))/m) < ασ²/(2L₂),
//! ```
//!
//! and s, l* as in [`SharpInfiniteHorizon`](super::SharpInfiniteHorizon) with these, L₂ on B(w(T), l*). Then for t ≥ T
//!
//! ```text
//! ‖w(t) − w₀‖ ≤ ‖w(T) − w₀‖ + l*,      ‖y(t) − y*‖ ≤ ψ e^(−ms²(t−T)),
//! ```
//!
//! and for R = c/2 ‖y − y*‖², with λ > 0 the least eigenvalue of Dh(w₀)Dh(w₀)ᵀ, μ = min(λ, s²), τ = c(t − T) and
//! β = ‖y(T) − ȳ(T)‖,
//!
//! ```text
//! ‖y − ȳ‖ ≤ e^(−λτ)β + C‖e(T)‖ τe^(−μτ) ≤ β + C‖e(T)‖/(e μ),
//! C = η(2‖J₀‖ + η),      η = ‖Dh(w(T)) − Dh(w₀)‖ + L₂l*.
//! ```
//!
//! **Proof.** The first line is Theorem 2 from w(T). For the gap, Δ' = −cS₀Δ − c(S − S₀)e from Δ(T); beyond T,
//! ‖S − S₀‖ ≤ C as ‖J − J₀‖ ≤ η, and ‖e‖ ≤ ‖e(T)‖e^(−s²τ). Duhamel: ∫₀^τ e^(−λ(τ−v)) C‖e(T)‖e^(−s²v) dv ≤ C‖e(T)‖ τe^(−μτ), and
//! τe^(−μτ) ≤ 1/(eμ). ∎
//!
//! The statement on the flow from the computed w(T) is certified but for the evaluation of h there; that this is the
//! flow from w₀ holds to the solver's tolerance. So the evidence is *measured*.

use super::along_the_path::Change;
use super::sharp_infinite_horizon::{Solved, potential, solve};
use super::{Constant, Hypothesis, Quantity, Setting, Theorem, Verdict};
use crate::constants::{Evidence, Neighbourhood};
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::{Comparison, no_modes};
use crate::{Error, Result, linalg};

/// One conclusion of Theorem 2 from time T on.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart {
    quantity: Quantity,
    alpha: f64,
    time: f64,
    strong: f64,
    sigma: f64,
    psi: Option<f64>,
    solved: Option<Solved>,
    /// α‖w(T) − w₀‖.
    moved: f64,
    gap: Option<Beyond>,
}

/// What the gap beyond T needs; in scaled units.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Beyond {
    curvature: f64,
    /// αβ.
    begin: f64,
    /// αC‖e(T)‖.
    source: f64,
    /// λ.
    straight: f64,
}

impl Restart {
    /// The conclusions on ‖w − w₀‖, ‖y − y*‖ and ‖y − ȳ‖, in this order, from row `i` of a comparison of the flow.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`]; [`Error::Conflict`] for a row that is not there.
    pub fn conclusions<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        path: &Comparison,
        i: usize,
    ) -> Result<[Self; 3]> {
        Self::given(flow, path, i, |here, r| here.lip_jacobian_upper(r))
    }

    /// The same with an upper bound of Lip(Dh) on the ball of each radius around a point, and its name, from elsewhere.
    ///
    /// # Errors
    /// As [`Restart::conclusions`].
    pub fn given<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        path: &Comparison,
        i: usize,
        lip: impl Fn(&Neighbourhood<'_>, f64) -> (f64, &'static str),
    ) -> Result<[Self; 3]> {
        let Some(&time) = path.curved.times.get(i).filter(|t| t.is_finite()) else {
            return Err(Error::Conflict {
                found: format!("row {i} of {} times, or an infinite one", path.curved.times.len()),
                remedy: "restart at a finite time of the path".into(),
            });
        };
        let (y, w) = (&path.curved.outputs[i], path.curved.weights(i));
        let here = Neighbourhood::of(&flow.map, &w)?;
        let start = Setting::of(flow)?;
        let target = flow.loss.minimizer();
        let away = |t: &[f64]| -> Vec<f64> { y.iter().zip(t).map(|(y, t)| y - t).collect() };
        let setting = Setting {
            risk: flow.loss.value(y),
            residual: target.map(|t| linalg::norm(&away(t))),
            ..start
        };
        let sigma = here.spectrum()?.sigma_min.lower;
        let psi = potential(&setting, y.len());
        let solved = psi.and_then(|psi| solve(&|r| lip(&here, r), sigma, psi, flow.alpha));
        let gap = match (setting.square, solved, psi) {
            (Some(c), Some(solved), Some(e)) => Some(beyond(flow, path, i, (c, e), &solved)?),
            _ => None,
        };
        let with = |quantity| Restart {
            quantity,
            alpha: flow.alpha,
            time,
            strong: setting.convexity.m,
            sigma,
            psi,
            solved,
            moved: linalg::norm(&path.curved.displacements[i]),
            gap,
        };
        Ok([Quantity::Displacement, Quantity::Residual, Quantity::OutputsGap].map(with))
    }

    /// Whether training is proved to converge from here.
    pub fn converges(&self) -> bool {
        self.solved.is_some()
    }

    /// T.
    pub fn time(&self) -> f64 {
        self.time
    }

    /// α times the formula where it bounds ‖w − w₀‖ or ‖y − ȳ‖; the formula itself for the residual. ∞ before T.
    pub fn scaled(&self, t: f64) -> f64 {
        let (Some(solved), Some(psi)) = (self.solved, self.psi) else { return f64::INFINITY };
        if t.is_nan() || t < self.time {
            return f64::INFINITY;
        }
        let after = t - self.time;
        // Measured: a few roundings more or less do not matter, but the bound is to stay above.
        let up = 1.0 + 16.0 * f64::EPSILON;
        match (self.quantity, self.gap) {
            (Quantity::Residual, _) => {
                psi * (-self.strong * solved.least.powi(2) * after).exp() * up
            }
            (Quantity::Displacement, _) => (self.moved + solved.far) * up,
            (_, Some(gap)) if gap.straight > 0.0 => {
                let clock = gap.curvature * after;
                let slowest = gap.straight.min(solved.least.powi(2));
                let driven =
                    if after.is_infinite() { 0.0 } else { clock * (-slowest * clock).exp() };
                ((-gap.straight * clock).exp() * gap.begin + gap.source * driven) * up
            }
            _ => f64::INFINITY,
        }
    }

    /// sup of the formula over t ≥ T, scaled likewise.
    pub fn supremum(&self) -> f64 {
        match (self.quantity, self.gap, self.solved) {
            (Quantity::OutputsGap, Some(gap), Some(solved)) if gap.straight > 0.0 => {
                let slowest = gap.straight.min(solved.least.powi(2));
                gap.begin + gap.source / (std::f64::consts::E * slowest)
            }
            _ => self.scaled(self.time),
        }
    }
}

/// αβ, αC‖e(T)‖ and λ.
fn beyond<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    path: &Comparison,
    i: usize,
    (curvature, residual): (f64, f64),
    solved: &Solved,
) -> Result<Beyond> {
    let origin = Neighbourhood::of(&flow.map, &flow.start)?;
    let spectrum = origin.spectrum()?;
    let eps = flow.eps();
    let first = &path.curved.displacements[i];
    let change = Change { map: &flow.map, start: &flow.start, first, eps };
    let drift = if solved.lip == 0.0 { 0.0 } else { solved.lip * solved.far };
    let eta = change.norm().ok_or_else(no_modes)? + drift;
    Ok(Beyond {
        curvature,
        begin: linalg::norm(&path.outputs_gaps[i]),
        source: eta * (2.0 * spectrum.norm_jacobian.upper + eps * eta) * residual,
        straight: spectrum.sigma_min.lower.powi(2),
    })
}

impl Theorem for Restart {
    fn name(&self) -> String {
        let of = match self.quantity {
            Quantity::Displacement => "displacement",
            Quantity::Residual => "residual",
            _ => "gap of the outputs",
        };
        format!("Theorem 2 (ours: infinite horizon) from t = {:.3e}, {of}", self.time)
    }

    fn source(&self) -> &'static str {
        "Theorem 2 (ours) from a point of the computed path; derived for this project"
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let answer =
            |statement: String, holds: bool, otherwise, value, limit, repair: &str| Hypothesis {
                statement,
                verdict: if holds { Verdict::Holds } else { otherwise },
                value,
                limit,
                evidence: Evidence::Measured,
                repair: (!holds).then(|| repair.into()),
            };
        let lip = self.solved.map_or(f64::NAN, |s| s.lip);
        let mut all = vec![
            answer(
                "R is strongly convex: m > 0".into(),
                self.strong > 0.0 && self.psi.is_some(),
                Verdict::Fails,
                self.strong,
                0.0,
                "nothing is claimed for other losses",
            ),
            answer(
                "√(2(R(y(T)) − R(y*))/m) < α σ_min(Dh(w(T)))²/(2 Lip(Dh)) on B(w(T), l*)".into(),
                self.solved.is_some(),
                Verdict::Undecided,
                self.psi.unwrap_or(f64::NAN),
                self.alpha * self.sigma.powi(2) / (2.0 * lip),
                "restart later, when the residual is smaller",
            ),
        ];
        if self.quantity == Quantity::OutputsGap {
            all.push(answer(
                "R = c/2 ‖y − y*‖² and σ_min(Dh(w₀)) > 0".into(),
                self.gap.is_some_and(|g| g.straight > 0.0),
                Verdict::Fails,
                self.gap.map_or(f64::NAN, |g| g.straight),
                0.0,
                "use the bounds along the path",
            ));
        }
        all
    }

    fn formula(&self, t: f64) -> f64 {
        let scaled = self.scaled(t);
        let weights_or_outputs = self.quantity != Quantity::Residual && scaled < f64::INFINITY;
        if weights_or_outputs { scaled * self.alpha.recip() } else { scaled }
    }

    fn constants(&self) -> Vec<Constant> {
        let measured =
            |name: &str, value| Constant { name: name.into(), value, evidence: Evidence::Measured };
        vec![
            measured("T", self.time),
            measured("σ_min(Dh(w(T)))", self.sigma),
            measured("ψ_T", self.psi.unwrap_or(f64::NAN)),
            measured("s", self.solved.map_or(f64::NAN, |s| s.least)),
            measured("α l*", self.solved.map_or(f64::NAN, |s| s.far)),
        ]
    }
}
