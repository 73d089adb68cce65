//! What a solve of both flows returns: the paths side by side, the gap, and suprema over continuous time.

use crate::flow::{Path, Work};

/// A supremum over continuous time, found on the dense output.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Peak {
    /// The supremum times the power of α that makes it of order one.
    pub scaled: f64,
    /// Where it is attained.
    pub time: f64,
}

/// A flow, its linearization and their gap at the same times.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// w, as u = α(w − w₀), with α h(w).
    pub curved: Path,
    /// w̄, as ū = α(w̄ − w₀), with α h̄(w̄).
    pub straight: Path,
    /// e = α²(w − w̄) at each time, of length p; empty, as the paths' displacements, where weights are not kept
    /// ([`Gap::keep_every`](super::Gap::keep_every)).
    pub weights_gaps: Vec<Vec<f64>>,
    /// s = α(y − ȳ) at each time, of length N.
    pub outputs_gaps: Vec<Vec<f64>>,
    /// α‖w − w₀‖, α²‖w − w̄‖ and α‖y − ȳ‖ at each time.
    pub norms: Vec<[f64; 3]>,
    /// α sup‖w − w₀‖.
    pub displacement: Peak,
    /// α² sup‖w − w̄‖.
    pub weights_gap: Peak,
    /// α sup‖y − ȳ‖.
    pub outputs_gap: Peak,
    /// Below this `outputs_gap.scaled` is rounding noise: s is a sum of terms of this many ulps.
    pub outputs_noise: f64,
    /// R(α h(w)) at the end.
    pub loss: f64,
    /// R(α h̄(w̄)) at the end.
    pub linear_loss: f64,
    /// sup‖e − e'‖/sup‖e‖ against a solve e' at a hundredth of the tolerance, where asked for: estimates the relative
    /// error of e, by far the hardest of the numbers here.
    pub error_estimate: Option<f64>,
    /// Work of everything together.
    pub work: Work,
}

impl Comparison {
    /// The last time reached.
    pub fn time(&self) -> f64 {
        self.curved.times.last().copied().unwrap_or(0.0)
    }
}
