//! Theorems as values: hypotheses checked with numbers, constants filled in, bounds that are absent unless all hold.
//!
//! A [`Theorem`] answers hypothesis by hypothesis *holds*, *fails* or *undecided*. *Fails* means that the theorem is
//! silent, not that its conclusion is false; *undecided* that the constants are not known well enough.

mod along_the_path;
mod catalogue;
mod condition;
mod fine_grained;
mod finite_horizon;
mod generalization;
mod infinite_width;
mod initialization;
mod inverse;
mod kernels;
mod lemmas;
mod nonlinear_features;
mod outward;
mod over_parameterized;
mod quantitative;
mod random_features;
mod random_features_limit;
mod restart;
mod ridgeless;
mod setting;
mod sharp_finite_horizon;
mod sharp_infinite_horizon;
mod under_parameterized;

pub use along_the_path::{Along, AlongThePath, ConvexLoss, Curve, SolverError};
pub use catalogue::{NAMES, along_the_run, before_training, conclusion, named};
pub use fine_grained::{FineGrained, polynomial_norm};
pub use finite_horizon::FiniteHorizon;
pub use generalization::{Generalization, logarithmic_form};
pub use infinite_width::{
    KernelTraining, Prediction, Schedule, Trained, WideEnsemble, WideKernels, WideNet,
};
pub use initialization::Signal;
pub use inverse::{Wish, first_scale, least_scale, least_width, longest_horizon};
pub use kernels::{LayerKernels, predict};
pub use lemmas::{MetricStability, MovingMetric};
pub use over_parameterized::{OverParameterized, local_lipschitz};
pub use quantitative::Quantitative;
pub use random_features::RandomFeatures;
pub(crate) use random_features::shift_along;
pub use restart::Restart;
pub use ridgeless::Ridgeless;
pub use setting::Setting;
pub use sharp_finite_horizon::{SHARP_FINITE_CONSTANT, SharpFiniteHorizon};
pub use sharp_infinite_horizon::{SHARP_INFINITE_CONSTANT, SharpInfiniteHorizon};
pub use under_parameterized::{LocalMinimum, UnderParameterized};

use crate::constants::Evidence;

/// The answer to a hypothesis, or to all of a theorem's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// True, with the evidence stated.
    Holds,
    /// False: the theorem says nothing here.
    Fails,
    /// Between what is certified and what is sampled.
    Undecided,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "fails",
            Verdict::Undecided => "undecided",
        })
    }
}

/// A condition of a theorem, with its numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypothesis {
    /// What must be true, in symbols: `α ≥ K‖αh(w₀) − y*‖/(r Lip(h))`.
    pub statement: String,
    /// The answer.
    pub verdict: Verdict,
    /// The number that is compared…
    pub value: f64,
    /// …and what it is compared with.
    pub limit: f64,
    /// How the numbers are known.
    pub evidence: Evidence,
    /// What would make it hold, where it does not.
    pub repair: Option<String>,
}

/// What a theorem bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// ‖w − w₀‖.
    Displacement,
    /// ‖w − w̄‖.
    WeightsGap,
    /// ‖y − ȳ‖, outputs being α h.
    OutputsGap,
    /// ‖y − y*‖.
    Residual,
    /// ‖w − ŵ‖, ŵ being the computed path.
    SolverError,
}

/// A number that a theorem uses, for reports.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// As `Lip(Dh)` or `C₀`.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// How it is known.
    pub evidence: Evidence,
}

/// A theorem, with its constants filled in.
pub trait Theorem {
    /// As `Theorem 2.4 (over-parameterized)`.
    fn name(&self) -> String;
    /// Author, year, number; where the constant comes from.
    fn source(&self) -> &'static str;
    /// What is bounded.
    fn quantity(&self) -> Quantity;
    /// Every hypothesis, with numbers and a verdict each.
    fn hypotheses(&self) -> Vec<Hypothesis>;
    /// The right-hand side at time t, applicable or not; ∞ where the statement gives no constant.
    fn formula(&self, t: f64) -> f64;
    /// The numbers behind the formula.
    fn constants(&self) -> Vec<Constant>;

    /// The claimed power of α as α → ∞, where there is one.
    fn rate(&self) -> Option<f64> {
        None
    }

    /// Holds where all hypotheses hold; fails where one fails.
    fn verdict(&self) -> Verdict {
        let all = self.hypotheses();
        if all.iter().any(|h| h.verdict == Verdict::Fails) {
            Verdict::Fails
        } else if all.iter().any(|h| h.verdict == Verdict::Undecided) {
            Verdict::Undecided
        } else {
            Verdict::Holds
        }
    }

    /// The bound at time t; `None` unless all hypotheses hold and the formula is finite.
    fn bound(&self, t: f64) -> Option<f64> {
        let value = self.formula(t);
        (self.verdict() == Verdict::Holds && value.is_finite()).then_some(value)
    }

    /// The weakest evidence among hypotheses and constants.
    fn evidence(&self) -> Evidence {
        let hypotheses = self.hypotheses().into_iter().map(|h| h.evidence);
        let constants = self.constants().into_iter().map(|c| c.evidence);
        hypotheses.chain(constants).min().unwrap_or(Evidence::Certified)
    }
}
