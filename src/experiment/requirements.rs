//! What a wish asks for: the scale α at which a theorem holds, at which its bound or the measured gap is small enough,
//! and the longest horizon on which it is.

use crate::Result;
use crate::constants::Neighbourhood;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::Gap;
use crate::theory::{self, Quantity, Setting, Theorem, Wish, first_scale};

/// Where scales are sought.
const SCALES: (f64, f64) = (1e-2, 1e12);
/// How far below the horizon a shorter one is sought.
const SHORTEST: f64 = 1e-6;
/// The theorems with a constant for the gap of the outputs.
const ASKED: [&str; 4] = ["2.3", "2.4", "1", "2"];

/// What one theorem asks for, or what measuring says.
#[derive(Debug, Clone, PartialEq)]
pub struct Requirement {
    /// The theorem's name, or `measured`.
    pub name: String,
    /// The least α at which all hypotheses hold on [0, T].
    pub holds_from: Option<f64>,
    /// The least α at which the bound of sup‖y − ȳ‖ on [0, T] is at most δ.
    pub below_from: Option<f64>,
    /// The longest T at which the bound is at most δ at the flow's own α; ∞ for bounds uniform in time.
    pub longest: Option<f64>,
}

/// What it takes for sup‖y − ȳ‖ ≤ `delta` on [0, `horizon`], by each theorem and by measuring; searched to a thousandth
/// between α = 1e-2 and 1e12, where a model with h(w₀) = 0 is meant.
///
/// # Errors
/// As [`Neighbourhood::spectrum`]; a solve that fails counts as a gap that is not small.
pub fn requirements<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    gap: &Gap,
    horizon: f64,
    delta: f64,
) -> Result<Vec<Requirement>> {
    let mut all = Vec::new();
    for name in ASKED {
        let build = |alpha: f64, time: f64| -> Result<Option<Box<dyn Theorem>>> {
            let setting = Setting::of(&flow.at_scale(alpha))?;
            theory::conclusion(&setting, near, time, name, Quantity::OutputsGap)
        };
        let Some(here) = build(flow.alpha, horizon)? else { continue };
        let meets = |alpha: f64, time: f64, below: Option<f64>| {
            Ok(build(alpha, time)?.is_some_and(|theorem| Wish { time, below }.is_met(&*theorem)))
        };
        let holds_from = first_scale(|alpha| meets(alpha, horizon, None), SCALES)?;
        let below_from = match holds_from {
            Some(from) => {
                first_scale(|alpha| meets(alpha, horizon, Some(delta)), (from, SCALES.1))?
            }
            None => None,
        };
        let uniform = ["2.4", "2"].contains(&name);
        let longest = if meets(flow.alpha, horizon, Some(delta))? {
            Some(if uniform { f64::INFINITY } else { horizon })
        } else if uniform || !horizon.is_finite() || horizon == 0.0 {
            None
        } else {
            let met = |time: f64| meets(flow.alpha, time, Some(delta));
            first_scale(met, (horizon, SHORTEST * horizon))?
        };
        all.push(Requirement { name: here.name(), holds_from, below_from, longest });
    }
    let times = [0.0, horizon];
    let small = |alpha: f64| match gap.solve(&flow.at_scale(alpha), &times) {
        Ok(found) => Ok(found.outputs_gap.scaled / alpha <= delta),
        Err(e) if e.exit_code() == 1 => Ok(false),
        Err(e) => Err(e),
    };
    // The gap falls about as 1/α: the search begins where that law puts the answer.
    let guess = |found: f64| (flow.alpha * found / delta).clamp(SCALES.0, SCALES.1);
    let mut from = match gap.solve(flow, &times) {
        Ok(found) => guess(found.outputs_gap.scaled / flow.alpha),
        Err(e) if e.exit_code() == 1 => flow.alpha,
        Err(e) => return Err(e),
    };
    while from > SCALES.0 && small(from)? {
        from = (0.3 * from).max(SCALES.0);
    }
    let below_from = first_scale(small, (from, SCALES.1))?;
    all.push(Requirement { name: "measured".into(), holds_from: None, below_from, longest: None });
    Ok(all)
}
