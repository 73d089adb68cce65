//! Theorem 2 (ours: infinite horizon): convergence and laziness for all time, under a condition that cannot be relaxed.
//!
//! **Statement.** Let R be m-strongly convex with minimizer y* (the inequality of Polyak and Łojasiewicz suffices), let
//! σ > 0 be the least singular value of Dh(w₀)ᵀ, and ψ₀ = √(2(R(αh(w₀)) − R(y*))/m). If
//!
//! ```text
//! ψ₀ < ασ²/(2L₂),      s = √(σ² − 2L₂ψ₀/α),      l* = (σ − s)/L₂ = 2ψ₀/(α(σ + s))
//! ```
//!
//! and Dh is L₂-Lipschitz on B(w₀, l*), then for all t ≥ 0
//!
//! ```text
//! ‖w(t) − w₀‖ ≤ l*,      σ_min(Dh(w(t))ᵀ) ≥ s,      ‖αh(w(t)) − y*‖ ≤ ψ₀ e^(−ms²t),
//! ```
//!
//! and for R = c/2 ‖y − y*‖², where ψ₀ = e₀ = ‖αh(w₀) − y*‖ and m = c,
//!
//! ```text
//! sup ‖y − ȳ‖ ≤ L₂ l* (c₁e₀/s + αl*/2),      c₁ = 2 max(F)/√(2e) = 0.46408…,
//! ```
//!
//! F(x) = e^(−x²)∫₀ˣ e^(z²)dz being Dawson's function. For large α the bound is 0.9641 L₂e₀²/(ασ²).
//!
//! **Proof.** Let J = Dh(w(t)), l the length of the path, ψ = √(2(R(y) − R(y*))/m) along it; ‖y − y*‖ ≤ ψ by strong
//! convexity.
//!
//! 1. *Slope.* R' = −‖Jᵀ∇R‖² and l' = ‖Jᵀ∇R‖/α, so dψ/dl = −α‖Jᵀ∇R‖/(mψ). Polyak–Łojasiewicz says ‖∇R‖ ≥ mψ, hence
//!    dψ/dl ≤ −α(σ − L₂l), the bracket being at most the least singular value of Jᵀ, as long as l ≤ l*.
//! 2. *Length.* Integrated, 0 ≤ ψ ≤ ψ₀ − α(σl − L₂l²/2). The right-hand side vanishes first at l = l*: the path is no
//!    longer than l*, and along it no singular value of Jᵀ is below σ − L₂l* = s.
//! 3. *Rate.* ψ' = −‖Jᵀ∇R‖²/(mψ) ≤ −ms²ψ.
//! 4. *Gap* (square loss, c = 1: c sets the clock only). By the identity along the path, Δ = y − ȳ is
//!    −∫₀ᵗ exp(−(t−u)S₀)(J₀ Dᵀ + D Jᵀ)e du with D = J − J₀, ‖D‖ ≤ L₂l. First part: ‖exp(−τS₀)J₀‖ ≤ (2eτ)^(−½) and
//!    ‖e‖ ≤ e₀e^(−s²u) give L₂l*e₀ (2e)^(−½) ∫₀ᵗ (t−u)^(−½) e^(−s²u) du, and the integral is (2/s)F(s√t).
//!    Second part: ∫ L₂l αl' = αL₂l(t)²/2. ∎
//!
//! **Sharp.** h(w) = σw − L₂w²/2 has maximum σ²/(2L₂): from w₀ = 0 it cannot reach y* > ασ²/(2L₂).
//!
//! **Against Theorem 2.4** (Chizat et al. 2019). Its proof needs e₀ ≤ 2αC₀ = ασ³/(16κ^(3/2)‖J₀‖L₂). Ours holds, as
//! ψ₀ ≤ √κ e₀, wherever e₀ < ασ²/(2√κ L₂): weaker by the factor 8κ‖J₀‖/σ. (Its statement, α > ‖y*‖/C₀, has another 2.)
//! It gives the rate mσ²/4 in place of ms², and no constant for the gap.
//!
//! **The radius.** L₂ must hold on B(w₀, l*) and l* depends on L₂: the least r with l*(L₂(r)) ≤ r is found by monotone
//! iteration ([`least_radius`]); it exists where σr − L₂(r)r²/2 ≥ ψ₀/α for some r.
//!
//! Path length under a Polyak–Łojasiewicz inequality (Oymak and Soltanolkotabi; Liu, Zhu and Belkin), the quadratic that
//! decides (Newton–Kantorovich) and Duhamel's formula are classical. The combination and c₁ were derived for this
//! project; no more is claimed.

use super::sharp_finite_horizon::norm_at_most;
use super::{Constant, Hypothesis, Quantity, Setting, Theorem, Verdict};
use crate::Result;
use crate::constants::{Enclosure, Evidence, Neighbourhood, Radius, least_radius};
use crate::scalar::{Interval, Scalar};

/// c₁ = 2 max(F)/√(2e), F Dawson's function, rounded up.
pub const SHARP_INFINITE_CONSTANT: f64 = 0.464_088_196_058_626_83;

/// s and αl* of the statement, for given σ, L₂, ψ₀ and α; `None` where the condition fails.
fn balance(sigma: f64, lip: f64, psi: f64, alpha: f64) -> Option<(f64, f64)> {
    let (wide, need) = (Interval::from(sigma), Interval::from(psi));
    let lost = Interval::from(2.0) * Interval::from(lip) * (need / Interval::from(alpha));
    // A linear model loses nothing.
    let least =
        if lip == 0.0 { sigma } else { (wide.squared() - lost).lo().max(0.0).sqrt().next_down() };
    if least.is_nan() || least <= 0.0 {
        return None;
    }
    let far = if psi == 0.0 {
        0.0
    } else {
        (Interval::from(2.0) * need / (wide + Interval::from(least))).hi()
    };
    Some((least, far))
}

/// The numbers that carry every conclusion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Solved {
    radius: f64,
    pub(super) lip: f64,
    method: &'static str,
    /// s.
    pub(super) least: f64,
    /// αl*.
    pub(super) far: f64,
}

/// One conclusion of Theorem 2.
#[derive(Debug, Clone, PartialEq)]
pub struct SharpInfiniteHorizon {
    quantity: Quantity,
    alpha: f64,
    strong: f64,
    sigma: Enclosure,
    /// How σ is known.
    evidence: Evidence,
    psi: Option<f64>,
    square: bool,
    smooth: bool,
    /// A lower bound of Lip(Dh) on every ball: where it already breaks the condition, the answer is *fails*.
    lip_lower: f64,
    solved: Option<Solved>,
}

impl SharpInfiniteHorizon {
    /// The conclusions on ‖w − w₀‖, ‖y − y*‖ and ‖y − ȳ‖, in this order.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn conclusions(setting: &Setting, near: &Neighbourhood<'_>) -> Result<[Self; 3]> {
        Self::given(setting, near, |r| near.lip_jacobian_upper(r))
    }

    /// The same with an upper bound of Lip(Dh) on the ball of each radius, and its name, from elsewhere.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn given(
        setting: &Setting,
        near: &Neighbourhood<'_>,
        lip: impl Fn(f64) -> (f64, &'static str),
    ) -> Result<[Self; 3]> {
        let terms = near.map().shape().outputs;
        let spectrum = near.spectrum()?;
        let sigma = spectrum.sigma_min;
        let psi = potential(setting, terms);
        let solved = psi.and_then(|psi| solve(&lip, sigma.lower, psi, setting.alpha));
        let with = |quantity| SharpInfiniteHorizon {
            quantity,
            alpha: setting.alpha,
            strong: setting.convexity.m,
            sigma,
            evidence: spectrum.evidence,
            psi,
            square: setting.square.is_some(),
            smooth: near.map().is_smooth(),
            lip_lower: if solved.is_some() { 0.0 } else { near.lip_jacobian_lower(0.0) },
            solved,
        };
        Ok([Quantity::Displacement, Quantity::Residual, Quantity::OutputsGap].map(with))
    }

    /// s, below which no singular value of Dh(w(t))ᵀ ever falls; `None` where the condition fails.
    pub fn least_singular_value(&self) -> Option<f64> {
        self.solved.map(|s| s.least)
    }

    /// l*, which the path's length does not exceed; `None` where the condition fails.
    pub fn length(&self) -> Option<f64> {
        self.solved.map(|s| unscaled(s.far, self.alpha))
    }

    /// α times the formula where it bounds ‖w − w₀‖ or ‖y − ȳ‖; the formula itself for the residual.
    pub fn scaled(&self, t: f64) -> f64 {
        let (Some(Solved { lip, least, far, .. }), Some(psi)) = (self.solved, self.psi) else {
            return f64::INFINITY;
        };
        match self.quantity {
            Quantity::Residual if psi > 0.0 => {
                let rate = Interval::from(self.strong) * Interval::from(least).squared();
                (Interval::from(psi) * (-(rate * Interval::from(t))).exp()).hi()
            }
            Quantity::Displacement => far,
            Quantity::OutputsGap if !self.square => f64::INFINITY,
            Quantity::OutputsGap if lip > 0.0 && far > 0.0 => {
                let c1 = Interval::from(SHARP_INFINITE_CONSTANT);
                let first = c1 * Interval::from(psi) / Interval::from(least);
                let second = Interval::from(0.5) * Interval::from(far);
                (Interval::from(lip) * Interval::from(far) * (first + second)).hi()
            }
            _ => 0.0,
        }
    }

    fn condition(&self) -> Hypothesis {
        let psi = self.psi.unwrap_or(f64::NAN);
        // Without a ball, what would be enough if Dh were no more curved than is attained at w₀.
        let lip = self.solved.map_or(self.lip_lower, |s| s.lip);
        let limit = self.alpha * self.sigma.lower.powi(2) / (2.0 * lip);
        let least = 2.0 * self.lip_lower * psi / self.sigma.lower.powi(2);
        let hopeless =
            !self.smooth || 2.0 * self.lip_lower * psi >= self.alpha * self.sigma.upper.powi(2);
        let verdict = match self.solved {
            Some(_) => Verdict::Holds,
            None if hopeless || self.psi.is_none() => Verdict::Fails,
            None => Verdict::Undecided,
        };
        let ball = self.solved.map_or_else(
            || "no ball certifies itself".to_owned(),
            |s| format!("Lip(Dh) ≤ {:.3e} ({}) on B(w₀, {:.3e})", s.lip, s.method, s.radius),
        );
        Hypothesis {
            statement: format!("√(2(R(αh(w₀)) − R(y*))/m) < α σ_min²/(2 Lip(Dh)), {ball}"),
            verdict,
            value: psi,
            limit,
            evidence: Evidence::Certified,
            repair: (verdict != Verdict::Holds).then(|| match least.is_finite() && least > 0.0 {
                true => format!("take α well above {least:.3e}, with h(w₀) = 0"),
                false => {
                    "take a smooth model whose constants can be certified, and σ_min > 0".into()
                }
            }),
        }
    }
}

/// ψ₀ with its rounding; `None` without a minimizer or strong convexity.
pub(super) fn potential(setting: &Setting, terms: usize) -> Option<f64> {
    let (residual, m) = (setting.residual?, setting.convexity.m);
    if setting.square.is_some() {
        return Some(if residual == 0.0 { 0.0 } else { norm_at_most(residual, terms) });
    }
    if m.is_nan() || m <= 0.0 {
        return None;
    }
    let drop = setting.excess_risk(terms);
    if drop == 0.0 {
        return Some(0.0);
    }
    Some((Interval::from(2.0) * Interval::from(drop) / Interval::from(m)).hi().sqrt().next_up())
}

/// The least ball that certifies itself.
pub(super) fn solve(
    lip_on: &dyn Fn(f64) -> (f64, &'static str),
    sigma: f64,
    psi: f64,
    alpha: f64,
) -> Option<Solved> {
    let need = |r: f64| {
        let (lip, _) = lip_on(r);
        balance(sigma, lip, psi, alpha).map_or(f64::INFINITY, |(_, far)| unscaled(far, alpha))
    };
    let Radius::Found(radius) = least_radius(need, f64::MAX) else { return None };
    let (lip, method) = lip_on(radius);
    // Without a residual nothing moves, and a ball of radius 0 would do: but then nothing is Lipschitz on it, either.
    if lip == f64::INFINITY {
        return None;
    }
    let (least, far) = balance(sigma, lip, psi, alpha)?;
    Some(Solved { radius, lip, method, least, far })
}

/// x/α rounded up; 0 at α = ∞.
fn unscaled(x: f64, alpha: f64) -> f64 {
    if x == 0.0 || (alpha == f64::INFINITY && x < f64::INFINITY) {
        return 0.0;
    }
    (Interval::from(x) / Interval::from(alpha)).hi()
}

impl Theorem for SharpInfiniteHorizon {
    fn name(&self) -> String {
        let of = match self.quantity {
            Quantity::Displacement => "displacement",
            Quantity::Residual => "residual",
            _ => "gap of the outputs",
        };
        format!("Theorem 2 (ours: infinite horizon), {of}")
    }

    fn source(&self) -> &'static str {
        "derived for this project, from path lengths under a Polyak–Łojasiewicz inequality and Duhamel's formula; \
         sharpens Theorem 2.4 of Chizat, Oyallon, Bach 2019"
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let answer = |statement: &str, value: f64, verdict: Verdict, repair: &str| Hypothesis {
            statement: statement.into(),
            verdict,
            value,
            limit: 0.0,
            evidence: Evidence::Certified,
            repair: (verdict != Verdict::Holds).then(|| repair.into()),
        };
        let yes_or_no = |holds: bool| if holds { Verdict::Holds } else { Verdict::Fails };
        let onto = match self.sigma {
            Enclosure { lower, .. } if lower > 0.0 => Verdict::Holds,
            Enclosure { upper, .. } if upper > 0.0 => Verdict::Undecided,
            _ => Verdict::Fails,
        };
        let mut all = vec![
            answer(
                "R is strongly convex: m > 0",
                self.strong,
                yes_or_no(self.strong > 0.0 && self.psi.is_some()),
                "use Theorem 3, which asks for convexity only",
            ),
            Hypothesis {
                evidence: self.evidence,
                ..answer(
                    "Dh(w₀) is onto: σ_min > 0",
                    self.sigma.lower,
                    onto,
                    "use more parameters than outputs, and no sample twice",
                )
            },
            self.condition(),
        ];
        if self.quantity == Quantity::OutputsGap {
            let repair = "the gap is bounded for square losses only";
            all.push(answer("R = c/2 ‖y − y*‖²", self.strong, yes_or_no(self.square), repair));
        }
        all
    }

    fn formula(&self, t: f64) -> f64 {
        let scaled = self.scaled(t);
        if self.quantity == Quantity::Residual { scaled } else { unscaled(scaled, self.alpha) }
    }

    fn constants(&self) -> Vec<Constant> {
        let certified = |name: &str, value| Constant {
            name: name.into(),
            value,
            evidence: Evidence::Certified,
        };
        let found = |get: fn(&Solved) -> f64| self.solved.as_ref().map_or(f64::NAN, get);
        vec![
            Constant { evidence: self.evidence, ..certified("σ_min", self.sigma.lower) },
            certified("ψ₀", self.psi.unwrap_or(f64::NAN)),
            certified("Lip(Dh)", found(|s| s.lip)),
            certified("r", found(|s| s.radius)),
            certified("s", found(|s| s.least)),
            certified("α l*", found(|s| s.far)),
            certified("rate m s²", found(|s| s.least.powi(2)) * self.strong),
        ]
    }

    fn rate(&self) -> Option<f64> {
        (self.quantity != Quantity::Residual).then_some(-1.0)
    }
}
