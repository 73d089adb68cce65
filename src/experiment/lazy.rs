//! The lazy limit: one model at many scales, and the rates at which its gaps close.
//!
//! Theorem 2.2 (Chizat et al. 2019): for h(w₀) = 0 and a fixed horizon, sup‖w − w₀‖ = O(1/α), sup‖w − w̄‖ = O(1/α²)
//! and sup‖y − ȳ‖ = O(1/α). The rates measured here are least-squares slopes of log against log α.

use super::Table;
use crate::Result;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::solve::{Comparison, Gap};
use crate::threads;
use std::sync::{Mutex, PoisonError};

/// Solves `flow` at each scale, ∞ allowed; `times` as for [`Gap::solve`].
///
/// # Errors
/// The first solve that fails.
pub fn lazy_limit<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    alphas: &[f64],
    gap: &Gap,
    times: &[f64],
) -> Result<Vec<Comparison>> {
    let tangent = Linearized::at(&flow.map, &flow.start);
    sweep(flow, &tangent, alphas, gap, times, &|_| {}).into_iter().collect()
}

/// The same beside a linearization at hand, each scale with its own outcome; `done` hears of every scale that ends.
///
/// Scales are shared out among the machine's cores ([`threads`]); the numbers do not depend on how many there are.
pub(crate) fn sweep<H: Differentiable, L: Loss, G: Differentiable>(
    flow: &Flow<H, L>,
    tangent: &Linearized<G>,
    alphas: &[f64],
    gap: &Gap,
    times: &[f64],
    done: &(dyn Fn(f64) + Sync),
) -> Vec<Result<Comparison>> {
    // The modes are shared: found once, before the threads part.
    let _ = tangent.modes();
    let outcomes = Mutex::new(Vec::with_capacity(alphas.len()));
    threads::share(f64::INFINITY, alphas.iter().enumerate(), |(i, &alpha)| {
        let outcome = gap.solve_beside(&flow.at_scale(alpha), tangent, times);
        outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((i, outcome));
        done(alpha);
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|(i, _)| *i);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Slopes of log sup against log α.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slopes {
    /// Of sup‖w − w₀‖; −1 by the theorem.
    pub displacement: Option<f64>,
    /// Of sup‖w − w̄‖; −2 by the theorem.
    pub weights_gap: Option<f64>,
    /// Of sup‖y − ȳ‖; −1 by the theorem, −2 for doubled models.
    pub outputs_gap: Option<f64>,
}

impl Slopes {
    /// Over the scales that are finite and in the upper half, on a logarithmic axis, of those given; values of the
    /// output gap within ten times its rounding noise are left out. `None` where fewer than two scales remain.
    pub fn of(runs: &[Comparison]) -> Slopes {
        let finite: Vec<&Comparison> = runs.iter().filter(|r| r.curved.alpha.is_finite()).collect();
        let extreme =
            |f: fn(f64, f64) -> f64, start| finite.iter().map(|r| r.curved.alpha).fold(start, f);
        let middle = (extreme(f64::min, f64::INFINITY) * extreme(f64::max, 0.0)).sqrt();
        let upper = || finite.iter().filter(|r| r.curved.alpha >= middle * (1.0 - 1e-9));
        // The scaled suprema are α^k times the unscaled ones: their slopes are k higher.
        let fit = |order: f64, scaled: &dyn Fn(&Comparison) -> f64| {
            let points: Vec<(f64, f64)> = upper()
                .map(|r| (r.curved.alpha.ln(), scaled(r).ln()))
                .filter(|(_, y)| y.is_finite())
                .collect();
            slope(&points).map(|s| s - order)
        };
        let audible = |r: &Comparison| {
            if r.outputs_gap.scaled > 10.0 * r.outputs_noise { r.outputs_gap.scaled } else { 0.0 }
        };
        Slopes {
            displacement: fit(1.0, &|r| r.displacement.scaled),
            weights_gap: fit(2.0, &|r| r.weights_gap.scaled),
            outputs_gap: fit(1.0, &audible),
        }
    }
}

/// The least-squares slope through (x, y).
#[allow(clippy::cast_precision_loss, reason = "a count of points")]
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 {
        return None;
    }
    let n = points.len() as f64;
    let (mx, my) = points.iter().fold((0.0, 0.0), |(a, b), (x, y)| (a + x / n, b + y / n));
    let (sxy, sxx) = points
        .iter()
        .fold((0.0, 0.0), |(a, b), (x, y)| (a + (x - mx) * (y - my), b + (x - mx).powi(2)));
    (sxx > 0.0).then(|| sxy / sxx)
}

/// The numbers of the figure `lazy-limit`, a row per scale: suprema, and times the power of α that makes each of
/// order one (the only finite ones at α = ∞).
///
/// # Errors
/// None in practice: rows and columns are made here.
pub fn table(runs: &[Comparison]) -> Result<Table> {
    let mut table = Table::new(&[
        ("alpha", ""),
        ("time", "flow"),
        ("displacement", "‖w‖"),
        ("w_gap", "‖w‖"),
        ("outputs_gap", "‖y‖"),
        ("displacement_scaled", "α‖w‖"),
        ("w_gap_scaled", "α²‖w‖"),
        ("outputs_gap_scaled", "α‖y‖"),
        ("loss", "R"),
        ("linear_loss", "R"),
        ("rhs", "evaluations"),
    ]);
    for run in runs {
        let eps = run.curved.alpha.recip();
        let [u, e, s] = [run.displacement, run.weights_gap, run.outputs_gap].map(|p| p.scaled);
        #[allow(clippy::cast_precision_loss, reason = "a counter")]
        let rhs = run.work.rhs as f64;
        let unscaled = [run.curved.alpha, run.time(), eps * u, eps * eps * e, eps * s];
        table.push(&[&unscaled[..], &[u, e, s, run.loss, run.linear_loss, rhs]].concat())?;
    }
    Ok(table)
}

/// The numbers of the figure `paths`, a row per time of one run: losses and distances.
///
/// # Errors
/// None in practice: rows and columns are made here.
pub fn path_table(run: &Comparison, loss: &dyn Loss) -> Result<Table> {
    let mut table = Table::new(&[
        ("time", "flow"),
        ("loss", "R"),
        ("linear_loss", "R"),
        ("w_gap", "‖w‖"),
        ("outputs_gap", "‖y‖"),
        ("displacement", "‖w‖"),
    ]);
    let eps = run.curved.alpha.recip();
    for (i, &t) in run.curved.times.iter().enumerate() {
        let [displacement, weights_gap, outputs_gap] = run.norms[i];
        table.push(&[
            t,
            loss.value(&run.curved.outputs[i]),
            loss.value(&run.straight.outputs[i]),
            eps * eps * weights_gap,
            eps * outputs_gap,
            eps * displacement,
        ])?;
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_has_its_exponent_for_slope() {
        let points: Vec<_> = [1.0_f64, 10.0, 100.0].map(|a| (a.ln(), (3.0 / (a * a)).ln())).into();
        approx::assert_relative_eq!(slope(&points).unwrap_or(0.0), -2.0, max_relative = 1e-14);
        assert_eq!(slope(&points[..1]), None);
    }
}
