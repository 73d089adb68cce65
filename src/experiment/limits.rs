//! The figures `lazy_limit` and `divergence_bounds`: Theorem 2.2 on a network, centred and doubled, and the theorems' bounds
//! beside the gap that is measured.

use super::bounds::{Survey, bounds_table};
use super::check::Check;
use super::lazy::{lazy_limit, slope, table as lazy_table};
use super::plan::{Desk, Experiment, Rows};
use super::table::Table;
use crate::Result;
use crate::constants::Neighbourhood;
use crate::data::Dataset;
use crate::data::synthetic::Teacher;
use crate::flow::{Flow, logarithmic};
use crate::loss::Square;
use crate::model::{Centred, Differentiable, Doubled, Initialization, Network, TwoLayer};
use crate::random::Generator;
use crate::solve::Gap;

/// A network over the samples of a teacher in R³, with its start and its data.
fn problem(width: usize, samples: usize, seed: u64) -> Result<(Network, Vec<f64>, Dataset)> {
    let data = Teacher::seeded(3, seed)?.train_and_test(samples, 1)?.0;
    let net = TwoLayer { width, ..TwoLayer::default() }.on(data.inputs().clone())?;
    let mut generator = Generator::seeded(seed);
    let w0 = Initialization::Gaussian(1.0).weights(&net, &mut || generator.gaussian());
    Ok((net, w0, data))
}

/// How the gaps of a network close as α grows: Theorem 2.2, and one order better in the outputs where it is doubled.
pub struct LazyLimit {
    /// Whether h(w₀) = 0 by doubling, or by centring.
    pub doubled: bool,
}

impl LazyLimit {
    const WIDTH: usize = 32;
    const SAMPLES: usize = 10;
    const SEED: u64 = 1;

    fn rows<H: Differentiable>(map: H, start: Vec<f64>, data: &Dataset) -> Result<Rows> {
        let alphas: Vec<f64> =
            (0..=12).map(|k| 10_f64.powf(0.5 * f64::from(k))).chain([f64::INFINITY]).collect();
        let flow = Flow::new(map, Square::to(data.targets_sample_major()), start);
        let runs = lazy_limit(&flow, &alphas, &Gap::default(), &logarithmic(1e-3, 100.0, 100))?;
        Ok(lazy_table(&runs)?.rows())
    }
}

impl Experiment for LazyLimit {
    fn blank(&self) -> Table {
        let how = if self.doubled { "doubled" } else { "centred" };
        let table = lazy_table(&[]).unwrap_or_default();
        table
            .note("model", format!("two-layer tanh network, width {}, 1/√m, {how}", Self::WIDTH))
            .note(
                "data",
                format!(
                    "teacher of 3 relu neurons on the sphere of R^3, {} samples",
                    Self::SAMPLES
                ),
            )
            .note("loss", "square-half-sum")
            .note("horizon", 100)
            .note("rtol", "1e-8")
            .note("seed", Self::SEED)
            .note("outputs_order", if self.doubled { 2 } else { 1 })
    }

    fn runs(&self) -> usize {
        1
    }

    fn label(&self, _: usize) -> String {
        "all scales".into()
    }

    fn run(&self, _: usize, _: &Desk<'_>) -> Result<Rows> {
        let (net, w0, data) = problem(Self::WIDTH, Self::SAMPLES, Self::SEED)?;
        if self.doubled {
            let start = Doubled::<Network>::start(&w0);
            return Self::rows(Doubled(net), start, &data);
        }
        Self::rows(Centred::at(&net, &w0), w0.clone(), &data)
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let alpha = table.column("alpha")?;
        let order = if self.doubled { -2.0 } else { -1.0 };
        let quantities = [
            ("displacement", "slope of sup‖w − w₀‖ in α", -1.0),
            ("w_gap", "slope of sup‖w − w̄‖ in α", -2.0),
            ("outputs_gap", "slope of sup‖y − ȳ‖ in α", order),
        ];
        let check = |(name, words, theory): (&str, &str, f64)| {
            let values = table.column(name)?;
            // The upper half of the scales that are finite.
            let upper = alpha.iter().zip(values).filter(|(a, _)| a.is_finite() && **a >= 1e3);
            let points: Vec<(f64, f64)> = upper.map(|(a, v)| (a.ln(), v.ln())).collect();
            let found = slope(&points).unwrap_or(f64::NAN);
            Ok(Check::new(words, theory, (theory - 0.01, theory + 0.01), found))
        };
        quantities.into_iter().map(check).collect()
    }
}

/// The gap of the outputs under the paper's bounds and under ours, in time and against α.
pub struct DivergenceBounds;

impl DivergenceBounds {
    const WIDTH: usize = 40;
    const SAMPLES: usize = 3;
    const SEED: u64 = 2;
    const HORIZON: f64 = 20.0;
    /// Theorems by their ids.
    const ASKED: [&str; 5] = ["2.3", "2.4", "1", "2", "A"];
    /// Columns of bounds.
    const BOUNDS: [&str; 6] = [
        "theorem_2_3",
        "theorem_2_4",
        "theorem_1",
        "theorem_2",
        "along_scalar",
        "along_componentwise",
    ];

    /// A survey at every scale.
    ///
    /// # Errors
    /// As [`Survey::of`].
    pub fn surveys() -> Result<Vec<Survey>> {
        let (net, w0, data) = problem(Self::WIDTH, Self::SAMPLES, Self::SEED)?;
        let map = Centred::at(&net, &w0);
        let near = Neighbourhood::of(&map, &w0)?;
        let flow = Flow::new(&map, Square::to(data.targets_sample_major()), w0.clone());
        let times = logarithmic(1e-2, Self::HORIZON, 60);
        let alphas = (0..=12).map(|k| 10_f64.powf(0.25 * f64::from(k)));
        let survey = |alpha: f64| {
            Survey::of(&flow.at_scale(alpha), &near, &Gap::default(), &times, &Self::ASKED)
        };
        alphas.map(survey).collect()
    }
}

impl Experiment for DivergenceBounds {
    fn blank(&self) -> Table {
        let table = bounds_table(&[], 0).unwrap_or_default();
        table
            .note("model", format!("two-layer tanh network, width {}, 1/√m, centred", Self::WIDTH))
            .note(
                "data",
                format!(
                    "teacher of 3 relu neurons on the sphere of R^3, {} samples",
                    Self::SAMPLES
                ),
            )
            .note("loss", "square-half-sum")
            .note("horizon", Self::HORIZON)
            .note("rtol", "1e-8")
            .note("seed", Self::SEED)
    }

    fn runs(&self) -> usize {
        1
    }

    fn label(&self, _: usize) -> String {
        "all scales".into()
    }

    fn run(&self, _: usize, _: &Desk<'_>) -> Result<Rows> {
        let surveys = Self::surveys()?;
        Ok(bounds_table(&surveys, surveys.len() - 1)?.rows())
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let (in_time, gap) = (table.column("in_time")?, table.column("outputs_gap")?);
        let mut checks = Vec::new();
        for name in Self::BOUNDS {
            let bound = table.column(name)?;
            let ratios = (0..table.len()).filter(|i| in_time[*i] == 0.0).map(|i| bound[i] / gap[i]);
            let found: Vec<f64> = ratios.filter(|r| !r.is_nan()).collect();
            let least = found.iter().copied().reduce(f64::min).unwrap_or(f64::NAN);
            let most = if name == "along_componentwise" { 1.1 } else { f64::INFINITY };
            let words = format!("least bound over measured gap, {}", name.replace('_', " "));
            checks.push(Check::new(words, None, (1.0, most), least));
        }
        Ok(checks)
    }
}
