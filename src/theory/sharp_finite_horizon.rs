//! Theorem 1 (ours: finite horizon): the paper's Theorem 2.3 with K in place of K², on a smaller ball.
//!
//! **Statement.** Let R = c/2 ‖y − y*‖², e₀ = ‖α h(w₀) − y*‖ and T > 0. If Dh is L₂-Lipschitz on the ball B(w₀, r) with
//! r = √(cT/2) e₀/α, then for all t ≤ T
//!
//! ```text
//! ‖y(t) − ȳ(t)‖ ≤ c₀ ct L₂ e₀²/α,      c₀ = π/(4√e) + 1/4 = 0.72636…
//! ```
//!
//! With c = 1 and T = K/Lip(h)² this is c₀ (K/α) Lip(Dh)/Lip(h)² e₀². Theorem 2.3 (Chizat et al. 2019) has K² for c₀K
//! and asks for the radius K e₀/(α Lip(h)) instead of √(K/2) e₀/(α Lip(h)). So ours is the better value for K > c₀, the
//! smaller ball for K > ½, and needs no Lipschitz constant of h at all: its radius is explicit.
//!
//! **Proof.** Write e = y − y*, J = Dh(w(t)), J₀ = Dh(w₀), D = J − J₀, S = J Jᵀ, S₀ = J₀J₀ᵀ, Δ = y − ȳ, and l(t) for the
//! length of the path w on [0, t]. The factor c only sets the clock, so let c = 1.
//!
//! 1. *Length.* e' = −Se, so ‖e‖² decreases at the rate 2‖Jᵀe‖², and ‖e‖ ≤ e₀. Since w' = −Jᵀe/α, Cauchy–Schwarz gives
//!    l(t) = (1/α)∫₀ᵗ‖Jᵀe‖ ≤ (1/α)√t (∫₀ᵗ‖Jᵀe‖²)^½ ≤ √(t/2) e₀/α ≤ r. The path stays in the ball; ‖D(t)‖ ≤ L₂ l(t).
//! 2. *Identity.* Δ' = −S₀Δ − (S − S₀)e and Δ(0) = 0. By variation of constants (Duhamel)
//!    Δ(t) = −∫₀ᵗ exp(−(t−s)S₀)(S − S₀)e ds, and S − S₀ = J₀ Dᵀ + D Jᵀ splits it in two.
//! 3. *First part.* ‖exp(−τS₀)J₀‖ = max σ e^(−τσ²) over singular values σ of J₀, at most (2eτ)^(−½). With
//!    ‖Dᵀe‖ ≤ L₂ √(s/2) e₀²/α and ∫₀ᵗ √(s/(t−s)) ds = πt/2 the part is at most
//!    L₂e₀²/(2√e α) · πt/2 = π/(4√e) · t L₂e₀²/α.
//! 4. *Second part.* ‖exp(−τS₀)‖ ≤ 1 and ‖Jᵀe‖ = αl', so it is at most
//!    ∫₀ᵗ L₂ l αl' ds = αL₂ l(t)²/2 ≤ ¼ t L₂e₀²/α. ∎
//!
//! Path length by dissipation and Duhamel's formula are classical. The combination and c₀ were derived for this
//! project; no more is claimed.
//!
//! **Rounding.** The norm e₀ is that of the computed α h(w₀), allowed for its own rounding; from there on every
//! operation rounds outward.

use super::{Constant, Hypothesis, Quantity, Setting, Theorem, Verdict};
use crate::constants::{Evidence, Neighbourhood};
use crate::scalar::Interval;

/// c₀ = π/(4√e) + 1/4, rounded up.
pub const SHARP_FINITE_CONSTANT: f64 = 0.726_368_066_182_545;

/// A computed Euclidean norm of n terms can be too small by this factor: n + 4 roundings of a half ulp each.
pub(super) fn norm_at_most(norm: f64, terms: usize) -> f64 {
    if norm == 0.0 {
        return 0.0;
    }
    (norm * (1.0 + (terms + 4) as f64 * f64::EPSILON)).next_up()
}

/// Theorem 1 on [0, T], with its constants.
#[derive(Debug, Clone, PartialEq)]
pub struct SharpFiniteHorizon {
    alpha: f64,
    time: f64,
    /// c and ‖α h(w₀) − y*‖, where R is a square.
    square: Option<(f64, f64)>,
    radius: f64,
    lip: f64,
    method: &'static str,
    smooth: bool,
}

impl SharpFiniteHorizon {
    /// On [0, `time`], with Lip(Dh) certified on the ball that the theorem asks for. `time` is in units of the flow.
    pub fn of(setting: &Setting, near: &Neighbourhood<'_>, time: f64) -> Self {
        Self::given(setting, near, time, |r| near.lip_jacobian_upper(r))
    }

    /// The same with an upper bound of Lip(Dh) on the ball of each radius, and its name, from elsewhere.
    pub fn given(
        setting: &Setting,
        near: &Neighbourhood<'_>,
        time: f64,
        lip: impl Fn(f64) -> (f64, &'static str),
    ) -> Self {
        let terms = near.map().shape().outputs;
        let residual = setting.residual.map(|e| norm_at_most(e, terms));
        let square = setting.square.zip(residual);
        let radius = square.map_or(f64::INFINITY, |(c, e0)| {
            if setting.alpha == f64::INFINITY || e0 == 0.0 {
                return 0.0;
            }
            let root = (Interval::from(0.5) * Interval::from(c) * Interval::from(time)).hi();
            let root = Interval::from(root.sqrt().next_up());
            (root * Interval::from(e0) / Interval::from(setting.alpha)).hi()
        });
        let (lip, method) =
            if radius.is_finite() { lip(radius) } else { (f64::INFINITY, "no ball") };
        let smooth = near.map().is_smooth();
        SharpFiniteHorizon { alpha: setting.alpha, time, square, radius, lip, method, smooth }
    }

    /// r, the radius of the ball on which Lip(Dh) is asked for.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// α times the bound at time t ≤ T, which has a limit as α → ∞; ∞ beyond T.
    pub fn scaled(&self, t: f64) -> f64 {
        let Some((c, e0)) = self.square.filter(|_| t <= self.time && self.lip < f64::INFINITY)
        else {
            return f64::INFINITY;
        };
        if t == 0.0 || self.lip == 0.0 || e0 == 0.0 {
            return 0.0;
        }
        let clock = Interval::from(SHARP_FINITE_CONSTANT) * Interval::from(c) * Interval::from(t);
        (clock * Interval::from(self.lip) * Interval::from(e0) * Interval::from(e0)).hi()
    }
}

impl Theorem for SharpFiniteHorizon {
    fn name(&self) -> String {
        "Theorem 1 (ours: finite horizon)".into()
    }

    fn source(&self) -> &'static str {
        "derived for this project, from Duhamel's formula and the length of the path; sharpens Theorem 2.3 of Chizat, \
         Oyallon, Bach 2019"
    }

    fn quantity(&self) -> Quantity {
        Quantity::OutputsGap
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let lipschitz = match self.lip < f64::INFINITY {
            true => Verdict::Holds,
            false if !self.smooth => Verdict::Fails,
            false => Verdict::Undecided,
        };
        let finite = self.time < f64::INFINITY;
        vec![
            Hypothesis {
                statement: "T < ∞".into(),
                verdict: if finite { Verdict::Holds } else { Verdict::Fails },
                value: self.time,
                limit: f64::INFINITY,
                evidence: Evidence::Certified,
                repair: (!finite).then(|| "use Theorem 2, for all time".into()),
            },
            Hypothesis {
                statement: "R = c/2 ‖y − y*‖²".into(),
                verdict: if self.square.is_some() { Verdict::Holds } else { Verdict::Fails },
                value: self.square.map_or(f64::NAN, |(c, _)| c),
                limit: f64::INFINITY,
                evidence: Evidence::Certified,
                repair: self
                    .square
                    .is_none()
                    .then(|| "use Theorem 3, which asks for convexity only".into()),
            },
            Hypothesis {
                statement: if self.radius.is_finite() {
                    let (r, method) = (self.radius, self.method);
                    format!(
                        "Dh is Lipschitz on B(w₀, r), r = √(cT/2) ‖αh(w₀) − y*‖/α = {r:.3e}: {method}"
                    )
                } else {
                    format!("Dh is Lipschitz on B(w₀, √(cT/2) ‖αh(w₀) − y*‖/α): {}", self.method)
                },
                verdict: lipschitz,
                value: self.lip,
                limit: f64::INFINITY,
                evidence: Evidence::Certified,
                repair: (lipschitz != Verdict::Holds).then(|| {
                    "use a smooth model whose constants can be certified, or a larger α".into()
                }),
            },
        ]
    }

    fn formula(&self, t: f64) -> f64 {
        let scaled = self.scaled(t);
        if scaled == 0.0 || (self.alpha == f64::INFINITY && scaled < f64::INFINITY) {
            return 0.0;
        }
        (Interval::from(scaled) / Interval::from(self.alpha)).hi()
    }

    fn constants(&self) -> Vec<Constant> {
        let certified = |name: &str, value| Constant {
            name: name.into(),
            value,
            evidence: Evidence::Certified,
        };
        vec![
            certified("c₀", SHARP_FINITE_CONSTANT),
            certified("Lip(Dh)", self.lip),
            certified("r", self.radius),
            certified("‖αh(w₀) − y*‖", self.square.map_or(f64::NAN, |(_, e0)| e0)),
        ]
    }

    fn rate(&self) -> Option<f64> {
        Some(-1.0)
    }
}
