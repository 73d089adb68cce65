//! How a hypothesis is decided: proven by certified numbers, refuted by attained ones, open between them.

use super::{Constant, Hypothesis, Verdict};
use crate::constants::Evidence;

/// Holds where `proven`, fails where `refuted`, else undecided.
pub(super) fn verdict(proven: bool, refuted: bool) -> Verdict {
    match (proven, refuted) {
        (true, _) => Verdict::Holds,
        (_, true) => Verdict::Fails,
        _ => Verdict::Undecided,
    }
}

/// Four digits for a statement; ∞ as such.
pub(super) fn written(x: f64) -> String {
    if x == f64::INFINITY { "∞".into() } else { format!("{x:.3e}") }
}

impl Hypothesis {
    /// A condition with the verdict of its numbers, and `repair` where it does not hold.
    pub(super) fn of(
        statement: impl Into<String>,
        (value, limit): (f64, f64),
        verdict: Verdict,
        evidence: Evidence,
        repair: impl FnOnce() -> String,
    ) -> Self {
        Hypothesis {
            statement: statement.into(),
            verdict,
            value,
            limit,
            evidence,
            repair: (verdict != Verdict::Holds).then(repair),
        }
    }

    /// A condition that is known to hold or to fail.
    pub(super) fn plain(statement: &str, numbers: (f64, f64), holds: bool, repair: &str) -> Self {
        let decided = verdict(holds, !holds);
        Hypothesis::of(statement, numbers, decided, Evidence::Certified, || repair.into())
    }

    /// h(w₀) = 0.
    pub(super) fn centred(norm_origin: f64) -> Self {
        let holds = norm_origin == 0.0;
        let repair = "centre the model (subtract h(w₀)) or double it: else αh(w₀) grows with α";
        Hypothesis::plain("h(w₀) = 0: ‖h(w₀)‖", (norm_origin, 0.0), holds, repair)
    }

    /// Dh is locally Lipschitz, by the way the model is made; there is no number to compare.
    pub(super) fn smooth(smooth: bool) -> Self {
        let statement = if smooth {
            "Dh is locally Lipschitz"
        } else {
            "Dh is Lipschitz near w₀: it jumps at kinks"
        };
        // That no kink was met in one evaluation is no proof: √(w²) has one.
        let evidence = if smooth { Evidence::Measured } else { Evidence::Certified };
        let decided = verdict(smooth, !smooth);
        Hypothesis::of(statement, (f64::NAN, f64::NAN), decided, evidence, || KINKS.into())
    }

    /// R is m-strongly convex with a minimizer.
    pub(super) fn strongly_convex(m: f64, minimizer: bool) -> Self {
        let repair = "use a strongly convex loss, as the square; or Theorem 2.2, which asks for no convexity";
        let holds = m > 0.0 && minimizer;
        Hypothesis::plain(
            "R is strongly convex with a minimizer y*: m > 0",
            (m, 0.0),
            holds,
            repair,
        )
    }
}

/// What to do about relu and abs.
pub(super) const KINKS: &str =
    "Dh is not Lipschitz: use a smooth activation (softplus, gelu, tanh) in place of relu or abs";

impl Constant {
    /// A named number.
    pub(super) fn of(name: &str, value: f64, evidence: Evidence) -> Self {
        Constant { name: name.into(), value, evidence }
    }
}
