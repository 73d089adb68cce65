//! What every theorem asks of a flow at its start.

use crate::Result;
use crate::flow::Flow;
use crate::linalg;
use crate::loss::{Convexity, Loss};
use crate::model::Differentiable;

/// The numbers at the start of a flow, in the paper's notation.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// α.
    pub alpha: f64,
    /// ‖h(w₀)‖.
    pub norm_origin: f64,
    /// R(α h(w₀)).
    pub risk: f64,
    /// R at its minimizer where it has one, else the lower bound 0.
    pub least_risk: f64,
    /// ‖α h(w₀) − y*‖ where R has a minimizer y*.
    pub residual: Option<f64>,
    /// ‖y*‖ where R has a minimizer.
    pub norm_target: Option<f64>,
    /// m and M of R.
    pub convexity: Convexity,
    /// c where R = c/2 ‖y − y*‖²; its flow is that of ½‖y − y*‖² at c times the speed.
    pub square: Option<f64>,
}

impl Setting {
    /// R(α h(w₀)) − inf R from above: `terms` = N terms, each with its rounding, in either value.
    pub fn excess_risk(&self, terms: usize) -> f64 {
        let rounding = (terms + 8) as f64 * f64::EPSILON * (self.risk + self.least_risk.abs());
        let excess = (self.risk - self.least_risk).max(0.0);
        // A risk of exactly 0 is a sum of zeros.
        if rounding == 0.0 { excess } else { (excess + rounding).next_up() }
    }

    /// Of a flow at a finite or infinite α.
    ///
    /// # Errors
    /// As [`Flow::initial_outputs`].
    pub fn of<H: Differentiable, L: Loss>(flow: &Flow<H, L>) -> Result<Self> {
        let y0 = flow.initial_outputs()?;
        let mut origin = y0.clone();
        flow.map.value(&flow.start, &mut origin);
        let target = flow.loss.minimizer();
        let away =
            |y: &[f64]| linalg::norm(&y0.iter().zip(y).map(|(a, b)| a - b).collect::<Vec<_>>());
        Ok(Setting {
            alpha: flow.alpha,
            norm_origin: linalg::norm(&origin),
            risk: flow.loss.value(&y0),
            least_risk: target.map_or(0.0, |y| flow.loss.value(y)),
            residual: target.map(away),
            norm_target: target.map(linalg::norm),
            convexity: flow.loss.convexity(),
            square: flow.loss.quadratic().map(|q| q.curvature),
        })
    }
}
