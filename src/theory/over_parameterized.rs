//! Theorem 2.4 (over-parameterized, all time): linear convergence, and laziness uniformly in t.
//!
//! **Statement** (Chizat, Oyallon, Bach 2019, Theorem 2.4). Let R be M-smooth and m-strongly convex with minimizer y*
//! and κ = M/m, s = `σ_min(Dh(w₀)ᵀ)` > 0, and
//!
//! ```text
//! ‖h(w₀)‖ ≤ C₀ = s³/(32 κ^(3/2) ‖Dh(w₀)‖ Lip(Dh)),      α > ‖y*‖/C₀.
//! ```
//!
//! Then for all t ≥ 0
//!
//! ```text
//! ‖y(t) − y*‖ ≤ √κ ‖αh(w₀) − y*‖ exp(−m s² t/4).
//! ```
//!
//! If moreover h(w₀) = 0, then sup‖w − w₀‖ = O(1/α), sup‖y − ȳ‖ = O(1/α) and sup‖w − w̄‖ = O(log α/α²). Here
//! Lip(Dh) = inf{L : Dh is L-Lipschitz on B(w₀, s/(2L))} is local (end of B.3).
//!
//! **Constants.** The statement gives none for the three suprema. Those below are read off the proof, with
//! e₀ = ‖αh(w₀) − y*‖, J₀ = Dh(w₀), L = Lip(Dh):
//!
//! ```text
//! sup‖w − w₀‖ ≤ 8κ^(3/2) ‖J₀‖e₀/(α s²)
//! sup‖y − ȳ‖  ≤ 160 κ³ ‖J₀‖³L e₀²/(α s⁵)
//! sup‖w − w̄‖  ≤ (32κ³ L‖J₀‖e₀²/s⁴ + 640 κ⁴ log(α) ‖J₀‖⁴L e₀²/s⁷ + 8κ^(3/2) ‖J₀‖e₀/s²)/α²
//! ```
//!
//! *Proof.* On B(w₀, r₀), r₀ = s/(2L), the least singular value is at least s/2, so Σ = Dh Dhᵀ ≥ s²/4 (not ¾s², as a retelling has it), and
//! ‖Dh‖ ≤ 2‖J₀‖. Lemma B.1 gives the residual, ‖w'‖ ≤ (2‖J₀‖M√κ e₀/α)e^(−ms²t/4) the displacement; it is below r₀ as
//! e₀ < 2αC₀. For the gap of the outputs, Lemma B.2 with λ = s²/4 and ‖Σ − Σ₀‖ ≤ 2.5‖J₀‖L‖w − w₀‖. For that of the
//! weights, (w − w̄)' = −(1/α)[(J − J₀)ᵀ∇R(y) + J₀ᵀ(∇R(y) − ∇R(ȳ))]: the first part over all time, the second by the
//! gap of the outputs up to t₀ = 4 log(α)/(ms²) (0 where α < 1) and by the decay of either ∇R beyond. ∎ The printed
//! proof has a prefactor 2M^(3/2)/(αm) where it should be 2M^(3/2)/(αm^½); its final 8κ^(3/2) is right.
//!
//! The logarithm is an artefact of the split: paths show O(1/α²), and [`OverParameterized::rate`] says −2.
//!
//! **Local constant.** In terms of r = s/(2L) the condition is 2r Lip(Dh on B(w₀, r)) ≤ s, and the left side increases: the
//! largest such r is found by bisection, and L = s/(2r). With a lower bound of s in the place of s the proof stands.

use super::condition::{KINKS, verdict, written};
use super::outward::{
    decayed, over_down, over_up, power_down, power_up, product_down, product_up, three_halves_down,
    three_halves_up,
};
use super::sharp_finite_horizon::norm_at_most;
use super::{Constant, Hypothesis, Quantity, Setting, Theorem};
use crate::Result;
use crate::constants::{Enclosure, Evidence, Neighbourhood, Spectrum};
use crate::loss::Convexity;
use crate::scalar::{Interval, Scalar, div_up, mul_down, sqrt_up, sum_up};

/// One conclusion of Theorem 2.4, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct OverParameterized {
    /// What is bounded: the residual, the displacement, the gap of the outputs or the gap of the weights.
    pub quantity: Quantity,
    /// α.
    pub alpha: f64,
    /// m and M.
    pub convexity: Convexity,
    /// ‖h(w₀)‖.
    pub norm_origin: f64,
    /// ‖y*‖, where R has a minimizer.
    pub norm_target: Option<f64>,
    /// e₀ = ‖αh(w₀) − y*‖ or an upper bound of it.
    pub residual: f64,
    /// s = `σ_min(Dh(w₀)ᵀ)`.
    pub sigma_min: Enclosure,
    /// ‖Dh(w₀)‖.
    pub norm_jacobian: Enclosure,
    /// The local Lip(Dh), its radius s/(2 Lip(Dh)).
    pub lip_jacobian: Enclosure,
    /// Whether Dh is locally Lipschitz.
    pub smooth: bool,
    /// How the constants are known.
    pub evidence: Evidence,
}

impl OverParameterized {
    /// For a flow: the conclusions on ‖y − y*‖, ‖w − w₀‖, ‖y − ȳ‖ and ‖w − w̄‖, in this order.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn for_flow(setting: &Setting, near: &Neighbourhood<'_>) -> Result<[Self; 4]> {
        let upper = |r: f64| {
            let (upper, method) = near.lip_jacobian_upper(r);
            Enclosure { lower: 0.0, upper, radius: r, method }
        };
        let [mut found, ..] = Self::with_lipschitz(setting, near.spectrum()?, upper);
        found.smooth = near.map().is_smooth();
        let lip = &mut found.lip_jacobian;
        if lip.upper > 0.0 && lip.upper < f64::INFINITY {
            // The true constant is at least what is attained on this ball, for its own ball is no smaller.
            lip.lower = near.lip_jacobian_lower(lip.radius);
        }
        Ok(found.conclusions())
    }

    /// The same for a smooth model with Lip(Dh) from elsewhere, as a function of the radius of the ball.
    pub fn with_lipschitz(
        setting: &Setting,
        spectrum: &Spectrum,
        lip_jacobian: impl Fn(f64) -> Enclosure,
    ) -> [Self; 4] {
        let terms = spectrum.kernel_eigenvalues.len();
        let at_most = |x: f64| if x == 0.0 { 0.0 } else { norm_at_most(x, terms) };
        OverParameterized {
            quantity: Quantity::Residual,
            alpha: setting.alpha,
            convexity: setting.convexity,
            norm_origin: at_most(setting.norm_origin),
            norm_target: setting.norm_target.map(at_most),
            residual: setting.residual.map_or(f64::INFINITY, at_most),
            sigma_min: spectrum.sigma_min,
            norm_jacobian: spectrum.norm_jacobian,
            lip_jacobian: local_lipschitz(spectrum.sigma_min.lower, lip_jacobian),
            smooth: true,
            evidence: spectrum.evidence,
        }
        .conclusions()
    }

    /// The same numbers for each of the four conclusions.
    pub fn conclusions(self) -> [Self; 4] {
        [Quantity::Residual, Quantity::Displacement, Quantity::OutputsGap, Quantity::WeightsGap]
            .map(|quantity| OverParameterized { quantity, ..self.clone() })
    }

    /// κ = M/m, from above.
    pub fn condition(&self) -> f64 {
        over_up(self.convexity.big_m, self.convexity.m)
    }

    /// C₀, from below: what ‖h(w₀)‖ and ‖y*‖/α may be. ∞ for a linear model.
    pub fn c0(&self) -> f64 {
        let kappa = three_halves_up(self.condition());
        let below = product_up([32.0, kappa, self.norm_jacobian.upper, self.lip_jacobian.upper]);
        over_down(power_down(self.sigma_min.lower, 3), below)
    }

    /// C₀, from above.
    fn c0_at_most(&self) -> f64 {
        let kappa = three_halves_down(self.convexity.big_m / self.convexity.m * (1.0 - 1e-15));
        let below = product_down([32.0, kappa, self.norm_jacobian.lower, self.lip_jacobian.lower]);
        over_up(power_up(self.sigma_min.upper, 3), below)
    }

    /// ‖y*‖/C₀, which α must exceed.
    pub fn least_alpha(&self) -> f64 {
        over_up(self.norm_target.unwrap_or(f64::INFINITY), self.c0())
    }

    /// r₀ = s/(2 Lip(Dh)), in which the path stays.
    pub fn radius(&self) -> f64 {
        self.lip_jacobian.radius
    }

    /// m s²/4, the rate that is guaranteed, from below.
    pub fn decay(&self) -> f64 {
        mul_down(0.25, product_down([self.convexity.m, power_down(self.sigma_min.lower, 2)]))
    }

    /// The order in 1/α and α^order times the formula.
    fn scaled(&self, t: f64) -> (u32, f64) {
        let (kappa, j, e0) = (self.condition(), self.norm_jacobian.upper, self.residual);
        let (s, lip) = (self.sigma_min.lower, self.lip_jacobian.upper);
        let power = |n| power_up(kappa, n);
        // A linear map is its own linearization.
        if lip == 0.0 && matches!(self.quantity, Quantity::OutputsGap | Quantity::WeightsGap) {
            return (1, 0.0);
        }
        let moved = over_up(product_up([8.0, three_halves_up(kappa), j, e0]), power_down(s, 2));
        let curved = product_up([lip, e0, e0]);
        match self.quantity {
            Quantity::Residual => (0, product_up([sqrt_up(kappa), e0, decayed(self.decay(), t)])),
            Quantity::Displacement => (1, moved),
            Quantity::OutputsGap => {
                let above = product_up([160.0, power(3), power_up(j, 3), curved]);
                (1, over_up(above, power_down(s, 5)))
            }
            _ => {
                let first = product_up([32.0, power(3), j, curved]);
                let log = Interval::from(self.alpha.max(1.0)).ln().hi();
                let second = product_up([640.0, power(4), log, power_up(j, 4), curved]);
                let parts =
                    [over_up(first, power_down(s, 4)), over_up(second, power_down(s, 7)), moved];
                (2, sum_up(parts))
            }
        }
    }

    fn scale(&self) -> Hypothesis {
        let target = self.norm_target.unwrap_or(f64::INFINITY);
        let refuted = self.alpha <= over_down(target * (1.0 - 1e-9), self.c0_at_most());
        let proven = self.alpha > self.least_alpha();
        let statement = format!("α > ‖y*‖/C₀, C₀ = {}", written(self.c0()));
        Hypothesis::of(
            statement,
            (self.alpha, self.least_alpha()),
            verdict(proven, refuted || self.c0_at_most() == 0.0),
            self.evidence,
            || match self.least_alpha() {
                least if least.is_finite() => self.repair(format!("take α > {least:.3e}")),
                _ => self.repair("no α is enough: C₀ = 0, or R has no minimizer".into()),
            },
        )
    }

    fn origin(&self) -> Hypothesis {
        let refuted = self.norm_origin * (1.0 - 1e-9) > self.c0_at_most();
        Hypothesis::of(
            "‖h(w₀)‖ ≤ C₀ = σ_min³/(32 κ^(3/2) ‖Dh(w₀)‖ Lip(Dh))",
            (self.norm_origin, self.c0()),
            verdict(self.norm_origin <= self.c0(), refuted),
            self.evidence,
            || self.repair("centre the model: a larger α does not help".into()),
        )
    }

    /// What would help, where the constants are known.
    fn repair(&self, known: String) -> String {
        if !self.smooth {
            KINKS.into()
        } else if self.sigma_min.lower == 0.0 {
            "use more parameters than outputs, and no sample twice".into()
        } else if self.lip_jacobian.upper == f64::INFINITY {
            "use a model whose Lip(Dh) can be certified".into()
        } else {
            known
        }
    }
}

/// How far [`local_lipschitz`] may be off, relatively: finer costs more certificates than it is worth.
const FINE: f64 = 1.02;

/// The least L for which Dh is L-Lipschitz on B(w₀, s/(2L)), to two hundredths, from above; `lip` encloses Lip(Dh) on the
/// ball of each radius. Its radius is s/(2L): ∞ for a linear map; its upper bound is ∞ where nothing is certified.
///
/// ```
/// use gradflow::constants::Enclosure;
/// // Lip(Dh) = 1 + r and s = 4: L = 1 + 2/L, so L = 2 on the ball of radius 1.
/// let grows = |r: f64| Enclosure::exactly(1.0 + r, r);
/// let found = gradflow::theory::local_lipschitz(4.0, grows);
/// assert!(found.upper >= 2.0 && found.upper < 2.041 && found.radius <= 1.0);
/// ```
pub fn local_lipschitz(sigma: f64, lip: impl Fn(f64) -> Enclosure) -> Enclosure {
    let point = lip(0.0);
    let nothing = Enclosure { lower: point.lower, upper: f64::INFINITY, radius: 0.0, ..point };
    if !(sigma > 0.0 && point.upper < f64::INFINITY) {
        return nothing;
    }
    let on = |radius: f64, upper: f64| Enclosure { radius, upper, ..lip(radius) };
    if point.upper == 0.0 && lip(f64::MAX).upper == 0.0 {
        return Enclosure { radius: f64::INFINITY, upper: 0.0, ..point };
    }
    // s/(2L) for the least L that can be hoped for; without curvature at w₀ itself, some ball to begin with.
    let mut far = if point.upper > 0.0 { over_up(sigma, 2.0 * point.upper) } else { 1.0 };
    if lip(far).upper <= point.upper && point.upper > 0.0 {
        return on(far, point.upper);
    }
    let fits = |r: f64| product_up([2.0, r, lip(r).upper]) <= sigma;
    let mut near = far;
    for _ in 0..200 {
        if fits(near) {
            break;
        }
        (far, near) = (near, 0.5 * near);
    }
    while point.upper == 0.0 && fits(far) && far < 1e100 {
        (near, far) = (far, 2.0 * far);
    }
    if !fits(near) {
        return nothing;
    }
    while far > near * FINE {
        let middle = near * (far / near).sqrt();
        if fits(middle) { near = middle } else { far = middle }
    }
    on(near, div_up(sigma, 2.0 * near))
}

impl Theorem for OverParameterized {
    fn name(&self) -> String {
        let of = match self.quantity {
            Quantity::Residual => "residual",
            Quantity::Displacement => "displacement with the constant of the proof",
            Quantity::OutputsGap => "gap of the outputs with the constant of the proof",
            _ => "gap of the weights with the constant of the proof",
        };
        format!("Theorem 2.4 (over-parameterized), {of}")
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Theorem 2.4; the constants of the three suprema from its proof in Appendix B.3"
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let (lip, sigma) = (self.lip_jacobian, self.sigma_min);
        let mut all = vec![
            Hypothesis::strongly_convex(self.convexity.m, self.norm_target.is_some()),
            Hypothesis::plain(
                "∇R is Lipschitz: M < ∞",
                (self.convexity.big_m, f64::INFINITY),
                self.convexity.big_m < f64::INFINITY,
                "use a loss with bounded curvature, as the square",
            ),
            Hypothesis::of(
                "Dh(w₀) is onto: σ_min > 0",
                (sigma.lower, 0.0),
                verdict(sigma.lower > 0.0, sigma.upper == 0.0),
                self.evidence,
                || "use more parameters than outputs, and no sample twice".into(),
            ),
            Hypothesis::of(
                format!("Dh is Lipschitz on B(w₀, σ_min/(2 Lip(Dh))): {}", lip.method),
                (lip.upper, f64::INFINITY),
                verdict(lip.upper < f64::INFINITY && self.smooth, !self.smooth),
                self.evidence,
                || self.repair("use a model whose Lip(Dh) can be certified".into()),
            ),
            self.origin(),
            self.scale(),
        ];
        if matches!(self.quantity, Quantity::OutputsGap | Quantity::WeightsGap) {
            all.push(Hypothesis::centred(self.norm_origin));
        }
        all
    }

    fn formula(&self, t: f64) -> f64 {
        if self.quantity == Quantity::WeightsGap && self.alpha == f64::INFINITY {
            return 0.0;
        }
        let (order, scaled) = self.scaled(t);
        (0..order).fold(scaled, |x, _| over_up(x, self.alpha))
    }

    fn constants(&self) -> Vec<Constant> {
        let known = |name, value| Constant::of(name, value, self.evidence);
        vec![
            known("κ", self.condition()),
            known("σ_min", self.sigma_min.lower),
            known("‖Dh(w₀)‖", self.norm_jacobian.upper),
            known("Lip(Dh)", self.lip_jacobian.upper),
            known("r₀", self.radius()),
            known("C₀", self.c0()),
            known("‖αh(w₀) − y*‖", self.residual),
            known("rate m σ_min²/4", self.decay()),
        ]
    }

    /// −1 for the displacement and the gap of the outputs, −2 for that of the weights (the theorem has a logarithm
    /// besides); none for the residual.
    fn rate(&self) -> Option<f64> {
        match self.quantity {
            Quantity::Residual => None,
            Quantity::WeightsGap => Some(-2.0),
            _ => Some(-1.0),
        }
    }
}
