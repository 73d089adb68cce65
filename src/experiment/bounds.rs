//! Theorems against a run: each with its hypotheses, its bound, and what was measured.

use super::Table;
use crate::Result;
use crate::constants::Neighbourhood;
use crate::flow::Flow;
use crate::linalg::norm;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::{Comparison, Gap};
use crate::theory::{self, Quantity, Setting, Theorem};

/// A theorem beside what it speaks of.
pub struct Checked {
    /// The word that asks for it, as `2.4` or `A`.
    pub id: &'static str,
    /// The theorem with its constants.
    pub theorem: Box<dyn Theorem>,
    /// The supremum over [0, T] of what is bounded; `None` where it was not measured.
    pub measured: Option<f64>,
    /// The supremum over the times of the bound; `None` unless all hypotheses hold.
    pub bound: Option<f64>,
    /// The least of bound/measured over the times: below 1 would refute the theorem (or the measurement).
    pub least_ratio: Option<f64>,
    /// The bound and what was measured at the last time: what is left of a residual, whose supremum is at the start.
    pub at_end: Option<(f64, f64)>,
}

impl Checked {
    fn new(id: &'static str, theorem: Box<dyn Theorem>, run: &Measured<'_>) -> Self {
        let curve = run.curve(theorem.quantity());
        let applies = theorem.verdict() == theory::Verdict::Holds;
        let bounds: Option<Vec<f64>> = applies
            .then(|| run.times().iter().map(|&t| theorem.formula(t)).collect::<Vec<_>>())
            .filter(|all| all.iter().all(|b| b.is_finite()));
        let pairs = || bounds.iter().flatten().zip(curve.iter().flatten());
        let at_end = pairs().last().map(|(bound, measured)| (*bound, *measured));
        let ratios = pairs().filter(|(b, m)| **b > 0.0 || **m > 0.0).map(|(b, m)| b / m);
        // The supremum measured may lie between the times: the bound is taken there, too.
        let peak = run.peak(theorem.quantity()).map(|(_, time)| theorem.formula(time));
        let peak = peak.filter(|b| b.is_finite());
        Checked {
            id,
            measured: run.supremum(theorem.quantity()),
            bound: bounds.as_ref().map(|all| all.iter().copied().chain(peak).fold(0.0, f64::max)),
            least_ratio: ratios.reduce(f64::min),
            at_end,
            theorem,
        }
    }

    /// bound/measured of the suprema.
    pub fn ratio(&self) -> Option<f64> {
        let (bound, measured) = (self.bound?, self.measured?);
        (measured > 0.0).then(|| bound / measured)
    }
}

/// What was measured along one run.
struct Measured<'a> {
    run: &'a Comparison,
    target: Option<&'a [f64]>,
}

impl Measured<'_> {
    fn times(&self) -> &[f64] {
        &self.run.curved.times
    }

    /// At each time.
    fn curve(&self, quantity: Quantity) -> Option<Vec<f64>> {
        let eps = self.run.curved.alpha.recip();
        let sizes =
            |i: usize, factor: f64| self.run.norms.iter().map(|norms| factor * norms[i]).collect();
        match quantity {
            Quantity::Displacement => Some(sizes(0, eps)),
            Quantity::WeightsGap => Some(sizes(1, eps * eps)),
            Quantity::OutputsGap => Some(sizes(2, eps)),
            Quantity::Residual => self.target.map(|target| {
                let away = |y: &Vec<f64>| {
                    norm(&y.iter().zip(target).map(|(a, b)| a - b).collect::<Vec<_>>())
                };
                self.run.curved.outputs.iter().map(away).collect()
            }),
            Quantity::SolverError => None,
        }
    }

    /// The supremum over continuous time and where it is attained, for what the solver watches.
    fn peak(&self, quantity: Quantity) -> Option<(f64, f64)> {
        let eps = self.run.curved.alpha.recip();
        let (peak, power) = match quantity {
            Quantity::Displacement => (self.run.displacement, 1),
            Quantity::WeightsGap => (self.run.weights_gap, 2),
            Quantity::OutputsGap => (self.run.outputs_gap, 1),
            Quantity::Residual | Quantity::SolverError => return None,
        };
        Some((eps.powi(power) * peak.scaled, peak.time))
    }

    /// The supremum, over the times kept where there is none over continuous time.
    fn supremum(&self, quantity: Quantity) -> Option<f64> {
        match self.peak(quantity) {
            Some((value, _)) => Some(value),
            None => self.curve(quantity)?.into_iter().reduce(f64::max),
        }
    }
}

/// A run with all theorems asked for beside it.
pub struct Survey {
    /// Both flows and their gap.
    pub run: Comparison,
    /// The theorems, in the order of [`theory::NAMES`].
    pub checked: Vec<Checked>,
}

impl Survey {
    /// Solves the flow at `times` and checks the theorems whose id is among `asked` on [0, last time].
    ///
    /// # Errors
    /// As [`Gap::solve`] and [`theory::along_the_run`].
    pub fn of<H: Differentiable, L: Loss>(
        flow: &Flow<H, L>,
        near: &Neighbourhood<'_>,
        gap: &Gap,
        times: &[f64],
        asked: &[&'static str],
    ) -> Result<Self> {
        let run = gap.solve(flow, times)?;
        let measured = Measured { run: &run, target: flow.loss.minimizer() };
        let horizon = times.last().copied().unwrap_or(0.0);
        let mut theorems = theory::before_training(&Setting::of(flow)?, near, horizon, asked)?;
        theorems.extend(theory::along_the_run(flow, near, gap, &run, times, asked)?);
        theorems.sort_by_key(|(name, _)| theory::NAMES.iter().position(|n| n == name));
        let checked = theorems
            .into_iter()
            .map(|(id, theorem)| Checked::new(id, theorem, &measured))
            .collect();
        Ok(Survey { run, checked })
    }
}

/// Columns of the figure `divergence-bounds` and the theorems they come from.
const COLUMNS: [(&str, &str, &str); 6] = [
    ("theorem_2_3", "2.3", ""),
    ("theorem_2_4", "2.4", ""),
    ("theorem_1", "1", ""),
    ("theorem_2", "2", ""),
    ("along_scalar", "A", "scalar"),
    ("along_componentwise", "A", "componentwise"),
];

/// The numbers of the figure `divergence-bounds`: the survey at position `in_time` at each of its times, then the
/// suprema of all, by α. Bounds that do not apply are missing.
///
/// # Errors
/// None in practice: rows and columns are made here.
pub fn bounds_table(surveys: &[Survey], in_time: usize) -> Result<Table> {
    let names = ["in_time", "alpha", "time", "outputs_gap"].map(|name| (name, ""));
    let columns: Vec<(&str, &str)> =
        names.into_iter().chain(COLUMNS.map(|(name, _, _)| (name, "‖y‖"))).collect();
    let mut table = Table::new(&columns);
    let found = |survey: &Survey, (_, id, word): (&str, &str, &str)| {
        survey.checked.iter().position(|c| {
            c.id == id
                && c.theorem.quantity() == Quantity::OutputsGap
                && c.theorem.name().contains(word)
        })
    };
    if let Some(survey) = surveys.get(in_time) {
        let run = &survey.run;
        let eps = run.curved.alpha.recip();
        for (i, &t) in run.curved.times.iter().enumerate() {
            let mut row = vec![1.0, run.curved.alpha, t, eps * norm(&run.outputs_gaps[i])];
            row.extend(COLUMNS.map(|column| {
                let at = found(survey, column).map(|i| &survey.checked[i]);
                at.and_then(|c| c.theorem.bound(t)).unwrap_or(f64::NAN)
            }));
            table.push(&row)?;
        }
    }
    for survey in surveys {
        let run = &survey.run;
        let mut row =
            vec![0.0, run.curved.alpha, run.time(), run.outputs_gap.scaled / run.curved.alpha];
        row.extend(COLUMNS.map(|column| {
            found(survey, column).and_then(|i| survey.checked[i].bound).unwrap_or(f64::NAN)
        }));
        table.push(&row)?;
    }
    Ok(table)
}
