//! What every theorem asks of a flow at its start.

use crate::Result;
use crate::constants::{Evidence, origin_error};
use crate::flow::Flow;
use crate::linalg;
use crate::loss::{Convexity, Loss};
use crate::model::Differentiable;
use crate::scalar::{add_up, mul_up};

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
    /// Whether the numbers above are proven bounds: h(w₀) was enclosed by intervals, and its error added to them. Else
    /// they are as floating point has them.
    pub evidence: Evidence,
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
        let error = origin_error(&flow.map, &flow.start, &origin);
        // A centred model under α = ∞ has no error to be magnified.
        let blurred = error.map_or(0.0, |e| if e == 0.0 { 0.0 } else { mul_up(flow.alpha, e) });
        let square = flow.loss.quadratic().map(|q| q.curvature);
        let risk = flow.loss.value(&y0);
        let away = |y: &[f64]| add_up(away(y), blurred);
        Ok(Setting {
            alpha: flow.alpha,
            // A zero that is not proven stays one, as measured.
            norm_origin: match linalg::norm(&origin) {
                0.0 => 0.0,
                norm => add_up(norm, error.unwrap_or(0.0)),
            },
            // R at a residual larger by the error; what other losses make of it is not enclosed.
            risk: match (square, target) {
                (Some(c), Some(y)) if blurred > 0.0 => {
                    let residual = away(y);
                    mul_up(0.5, mul_up(c, mul_up(residual, residual))).max(risk)
                }
                _ => risk,
            },
            least_risk: target.map_or(0.0, |y| flow.loss.value(y)),
            residual: target.map(away),
            norm_target: target.map(linalg::norm),
            convexity: flow.loss.convexity(),
            square,
            evidence: match error {
                Some(0.0) => Evidence::Certified,
                Some(_) if square.is_some() && linalg::norm(&origin) > 0.0 => Evidence::Certified,
                _ => Evidence::Measured,
            },
        })
    }
}
