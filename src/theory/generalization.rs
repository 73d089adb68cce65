//! Proposition A.1 (generalizing like the tangent model): what holds on the training set holds elsewhere.
//!
//! **Statement**, in the form that is true. Let M₁ = ‖Df(w₀, X)‖ and M₂ = Lip(w ↦ Df(w, X)) on inputs X, on a ball
//! that holds w and w̄. Then
//!
//! ```text
//! ‖αf(w, X) − αf̄(w̄, X)‖ ≤ α (M₁‖w − w̄‖ + ½M₂‖w − w₀‖²).
//! ```
//!
//! *Proof.* f(w) − f̄(w̄) = [f(w) − f̄(w)] + Df(w₀)(w − w̄), and the first bracket is a Taylor remainder at w₀. ∎ For
//! one input it is a bound at that input; for a set, of the vector of all outputs.
//!
//! With ‖w − w̄‖ ≤ C₁ log α/α² and ‖w − w₀‖ ≤ C₂ log α/α it becomes the Proposition A.1 of Chizat, Oyallon, Bach (2020,
//! arXiv version 5): (log α/α)(C₁M₁ + ½C₂²M₂ log α), see [`logarithmic_form`].
//!
//! **Departure.** Version 4 bounds the Taylor remainder by ‖w − w̄‖ and assumes no bound of ‖w − w₀‖. That is false: for
//! f(w, x) = w + xw², trained at x = 0 to y* = 1, w = w̄ = 1/α and any C₁ > 0 would do, yet at x = 1 the two
//! differ by 1/α. The form above is an equality there.

use super::condition::verdict;
use super::outward::{over_up, product_up};
use super::{Constant, Hypothesis, Quantity, Theorem};
use crate::Result;
use crate::constants::{Enclosure, Evidence, Neighbourhood};
use crate::linalg::norm;
use crate::scalar::{Interval, Scalar, add_up, sum_up};
use crate::solve::Comparison;

/// Proposition A.1 at one time of a path, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Generalization {
    /// α.
    pub alpha: f64,
    /// M₁ = ‖Df(w₀, X)‖.
    pub norm_jacobian: Enclosure,
    /// M₂ = Lip(Df(·, X)) on a ball that holds the path.
    pub lip_jacobian: Enclosure,
    /// α²‖w − w̄‖.
    pub weights_gap: f64,
    /// α‖w − w₀‖.
    pub displacement: f64,
    /// How the two distances are known.
    pub evidence: Evidence,
}

impl Generalization {
    /// At row `i` of a comparison on the training set; `elsewhere` is the neighbourhood, at the same start, of the model
    /// over other inputs. `None` for a row that is not there.
    ///
    /// # Errors
    /// As [`Neighbourhood::spectrum`].
    pub fn along(
        elsewhere: &Neighbourhood<'_>,
        path: &Comparison,
        i: usize,
    ) -> Result<Option<Self>> {
        let (Some(gap), Some(moved)) = (path.weights_gaps.get(i), path.curved.displacements.get(i))
        else {
            return Ok(None);
        };
        let (alpha, displacement) = (path.curved.alpha, norm(moved));
        let radius = over_up(displacement, alpha);
        Ok(Some(Generalization {
            alpha,
            norm_jacobian: elsewhere.spectrum()?.norm_jacobian,
            lip_jacobian: elsewhere.lip_jacobian(radius),
            weights_gap: norm(gap),
            displacement,
            evidence: Evidence::Measured,
        }))
    }
}

impl Theorem for Generalization {
    fn name(&self) -> String {
        "Proposition A.1 (generalizing like the tangent model)".into()
    }

    fn source(&self) -> &'static str {
        "Chizat, Oyallon, Bach 2019, Proposition A.1, in the form of its version 5; version 4 is false as printed"
    }

    /// ‖y − ȳ‖ on the other inputs.
    fn quantity(&self) -> Quantity {
        Quantity::OutputsGap
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        let lip = self.lip_jacobian;
        let kinks = lip.method.contains("kinks");
        vec![Hypothesis::of(
            format!("Df(·, X) is Lipschitz on B(w₀, ‖w − w₀‖): {}", lip.method),
            (lip.upper, f64::INFINITY),
            verdict(lip.upper < f64::INFINITY, kinks),
            Evidence::Certified,
            || "use a smooth model whose Lip(Dh) can be certified".into(),
        )]
    }

    /// The same at all times: the numbers are those of one time.
    fn formula(&self, _t: f64) -> f64 {
        let moved = product_up([self.displacement, self.displacement]);
        let sum = add_up(
            product_up([self.norm_jacobian.upper, self.weights_gap]),
            product_up([0.5, self.lip_jacobian.upper, moved]),
        );
        over_up(sum, self.alpha)
    }

    fn constants(&self) -> Vec<Constant> {
        vec![
            Constant::of("M₁", self.norm_jacobian.upper, self.evidence),
            Constant::of("M₂", self.lip_jacobian.upper, Evidence::Certified),
            Constant::of("α²‖w − w̄‖", self.weights_gap, self.evidence),
            Constant::of("α‖w − w₀‖", self.displacement, self.evidence),
        ]
    }

    fn rate(&self) -> Option<f64> {
        Some(-1.0)
    }
}

/// (log α/α)(C₁M₁ + ½C₂²M₂ log α), for α ≥ 1: the bound of Proposition A.1 (version 5) where
/// ‖w − w̄‖ ≤ C₁ log α/α² and ‖w − w₀‖ ≤ C₂ log α/α; 0 at α = ∞.
pub fn logarithmic_form(alpha: f64, [c1, c2]: [f64; 2], [m1, m2]: [f64; 2]) -> f64 {
    if alpha == f64::INFINITY {
        return 0.0;
    }
    let log = Interval::from(alpha.max(1.0)).ln().hi().max(0.0);
    let terms = [product_up([log, c1, m1]), product_up([0.5, log, log, c2, c2, m2])];
    over_up(sum_up(terms), alpha)
}
