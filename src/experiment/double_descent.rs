//! Double descent (Hastie et al. 2019): risks of least squares by simulation, beside their limits in
//! [`Ridgeless`]. The ridgeless solutions are ends of linear flows, in closed form at t = ∞; and the lazy predictor of a two-layer
//! network, which is ridgeless regression on its tangent features, descends twice as well.

use super::check::Check;
use super::initial_scale::grouped;
use super::least_squares::{
    Case, DECAY, DIMENSIONS, LAZY_DIMENSIONS, PROBLEM, SAMPLES, count, lazy, simulated,
};
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::theory::Ridgeless;

/// Of so many repetitions the lazy predictor is also found by a pseudo-inverse, which takes longer.
const INVERTED: usize = 8;

/// Risks for cases, ratios and repetitions, and their limits on a grid.
pub struct DoubleDescent {
    order: Order,
    repeats: usize,
    runs: Vec<(Case, f64)>,
}

impl DoubleDescent {
    /// 200 samples; 24, 160 or 1000 repetitions.
    pub fn new(order: &Order) -> Self {
        let of = |case: Case| case.ratios().iter().map(move |gamma| (case, *gamma));
        DoubleDescent {
            order: order.clone(),
            repeats: order.size.pick(24, 160, 1000),
            runs: Case::ALL.into_iter().flat_map(of).collect(),
        }
    }
}

impl Experiment for DoubleDescent {
    fn blank(&self) -> Table {
        let (signal, noise) = PROBLEM;
        Table::new(&[
            ("case", ""),
            ("gamma", "p/n"),
            ("repeat", ""),
            ("risk", "R"),
            ("limit", "R"),
            ("inverted", "R"),
        ])
        .note("model", "least squares of least norm, the linear flow at t = ∞")
        .note("data", format!("{SAMPLES} samples, ‖β‖² = {signal}, noise of variance {noise}"))
        .note("nonlinear features", format!("φ(Wz) of mean 0 and variance 1, z in R^({DIMENSIONS}p)"))
        .note("misspecified", format!("the part (1 + γ)^(−{DECAY}) of ‖β‖² unseen"))
        .note("lazy", format!("relu, doubled, on the sphere of R^{LAZY_DIMENSIONS}, {LAZY_DIMENSIONS} of p per neuron"))
        .note("cases", Case::ALL.map(Case::words).join("; "))
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.runs.len() + 1
    }

    fn label(&self, run: usize) -> String {
        let words = |(case, gamma): &(Case, f64)| format!("{}, p/n = {gamma}", case.words());
        self.runs.get(run).map_or("limits".into(), words)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let problem = Ridgeless::new(PROBLEM.0, PROBLEM.1)?;
        let Some(&(case, gamma)) = self.runs.get(run) else { return limits(problem) };
        let limit = case.limit(gamma, problem)?;
        let row = |repeat: usize| {
            (desk.tell)(repeat as f64 / self.repeats as f64);
            let stream = self.order.stream("double descent", repeat).split(&self.label(run));
            let (found, inverted) = if case == Case::Lazy {
                lazy(gamma, stream, repeat < INVERTED)?
            } else {
                (simulated(case, gamma, stream)?, f64::NAN)
            };
            Ok(vec![case.number(), gamma, repeat as f64, found, limit, inverted])
        };
        (0..self.repeats).map(row).collect()
    }

    /// Simulated means within three standard errors and 3 % of the limits, and Gaussian features within four of their exact
    /// expectation. What the lazy network must show has no number elsewhere; its bands are ours, chosen beforehand.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let problem = Ridgeless::new(PROBLEM.0, PROBLEM.1)?;
        let mut checks = Vec::new();
        for case in Case::ALL.into_iter().filter(|case| *case != Case::Lazy) {
            for Mean { gamma, mean, error, limit } in means(table, case.number())? {
                let off = 3.0 * error + 0.03 * limit;
                let words = format!("risk, {}, p/n = {gamma}", case.words());
                checks.push(Check::new(words, limit, (limit - off, limit + off), mean));
            }
        }
        let exact = means(table, Case::Isotropic.number())?.into_iter().map(|found| {
            let features = count(found.gamma * SAMPLES as f64);
            (found.mean - problem.gaussian_risk(SAMPLES, features)).abs() / found.error
        });
        let words = "ridgeless risks off their exact expectation, in standard errors";
        checks.push(Check::new(words, None, (0.0, 4.0), exact.fold(0.0, f64::max)));
        let least =
            grid(table, Case::Isotropic.number())?.into_iter().filter(|(gamma, _)| *gamma > 1.0);
        let least = least.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((f64::NAN, f64::NAN));
        // The grid's ratio is 1.05.
        checks.push(Check::near("p/n of the second descent's least risk", 1.809, 0.05, least.0));
        checks.push(Check::near("least risk of the second descent", 3.472, 0.003, least.1));
        checks.extend(lazy_checks(table)?);
        Ok(checks)
    }
}

/// The lazy predictor is least squares on its tangent features, and its risk peaks where there are as many as samples.
fn lazy_checks(table: &Table) -> Result<[Check; 3]> {
    let (risk, inverted) = (table.column("risk")?, table.column("inverted")?);
    let both = risk.iter().zip(inverted).filter(|(_, inverted)| !inverted.is_nan());
    let off = both.map(|(risk, inverted)| (risk / inverted - 1.0).abs());
    let off = off.fold(f64::NAN, f64::max);
    let found = means(table, Case::Lazy.number())?;
    let at = |gamma: f64| found.iter().find(|m| m.gamma == gamma).map_or(f64::NAN, |m| m.mean);
    let peak = at(0.8).min(at(1.25)) / at(0.5).max(at(2.0));
    Ok([
        Check::new("lazy risk off that of X⁺y on tangent features, of it", None, (0.0, 1e-6), off),
        Check::new(
            "lazy risk next to p/n = 1, over that at 0.5 and 2",
            None,
            (1.5, f64::INFINITY),
            peak,
        ),
        Check::new("lazy risk at p/n = 8 over that at 0.2", None, (0.0, 1.0), at(8.0) / at(0.2)),
    ])
}

/// Every case with a limit on a grid of ratios that is geometric, without the peak itself.
fn limits(problem: Ridgeless) -> Result<Rows> {
    let mut rows = Vec::new();
    for case in Case::ALL.into_iter().filter(|case| *case != Case::Lazy) {
        for gamma in (-44..=52).filter(|k| *k != 0).map(|k| 1.05_f64.powi(k)) {
            let (limit, none) = (case.limit(gamma, problem)?, f64::NAN);
            rows.push(vec![case.number(), gamma, none, none, limit, none]);
        }
    }
    Ok(rows)
}

/// What was simulated at one ratio.
pub(crate) struct Mean {
    pub(crate) gamma: f64,
    pub(crate) mean: f64,
    /// Of the mean; NaN for a single repetition.
    pub(crate) error: f64,
    pub(crate) limit: f64,
}

/// Means over the repetitions of the case of that number, by ratio.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn means(table: &Table, case: f64) -> Result<Vec<Mean>> {
    let [cases, gamma, risk, limit] = ["case", "gamma", "risk", "limit"].map(|c| table.column(c));
    let (cases, gamma, risk, limit) = (cases?, gamma?, risk?, limit?);
    let rows: Vec<usize> =
        (0..table.len()).filter(|i| cases[*i] == case && !risk[*i].is_nan()).collect();
    let of = |column: &[f64]| rows.iter().map(|i| column[*i]).collect::<Vec<f64>>();
    let all = grouped(&of(gamma), &of(risk))?;
    let limits = grouped(&of(gamma), &of(limit))?;
    let mean = |((place, mean, deviation), (_, limit, _)): ((f64, f64, f64), (f64, f64, f64))| {
        let count = rows.iter().filter(|i| gamma[**i] == place).count() as f64;
        Mean { gamma: place, mean, error: deviation / count.sqrt(), limit }
    };
    Ok(all.into_iter().zip(limits).map(mean).collect())
}

/// (γ, limit) of the case of that number on the grid.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn grid(table: &Table, case: f64) -> Result<Vec<(f64, f64)>> {
    let [cases, gamma, risk, limit] = ["case", "gamma", "risk", "limit"].map(|c| table.column(c));
    let (cases, gamma, risk, limit) = (cases?, gamma?, risk?, limit?);
    let here = |i: &usize| cases[*i] == case && risk[*i].is_nan();
    Ok((0..table.len()).filter(here).map(|i| (gamma[i], limit[i])).collect())
}
