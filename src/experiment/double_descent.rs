//! Double descent (Hastie et al. 2019): risks of least squares by simulation, beside their limits in
//! [`Ridgeless`]. The ridgeless solutions are ends of linear flows, in closed form at t = ∞.

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::flow::Flow;
use crate::linalg::{Lu, gram, multiply, transposed_product};
use crate::loss::Square;
use crate::model::Mlp;
use crate::random::Generator;
use crate::solve::Eigen;
use crate::theory::Ridgeless;
use nalgebra::DMatrix;

/// n.
const SAMPLES: usize = 200;
/// r² and s².
const PROBLEM: (f64, f64) = (5.0, 1.0);
/// Fresh inputs on which a risk without closed form is measured.
const FRESH: usize = 500;
/// Seen features carry the part 1 − (1 + γ)^(−this) of the signal.
const DECAY: i32 = 2;

/// What is regressed on, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Isotropic,
    OptimalRidge,
    PurelyNonlinear,
    Misspecified,
}

impl Case {
    pub(crate) const ALL: [Case; 4] =
        [Case::Isotropic, Case::OptimalRidge, Case::PurelyNonlinear, Case::Misspecified];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Case::Isotropic => "ridgeless",
            Case::OptimalRidge => "best ridge",
            Case::PurelyNonlinear => "nonlinear features",
            Case::Misspecified => "misspecified",
        }
    }

    /// What stands for it in tables.
    pub(crate) fn number(self) -> f64 {
        f64::from(self as u8)
    }

    fn ratios(self) -> &'static [f64] {
        match self {
            Case::PurelyNonlinear => &[0.5, 2.0, 4.0],
            _ => &[0.2, 0.5, 0.8, 1.25, 2.0, 4.0, 8.0],
        }
    }

    fn limit(self, gamma: f64, problem: Ridgeless) -> f64 {
        match self {
            Case::Isotropic | Case::PurelyNonlinear => problem.risk(gamma),
            Case::OptimalRidge => problem.optimal_ridge_risk(gamma),
            Case::Misspecified => problem.misspecified_risk(gamma, seen(gamma)),
        }
    }
}

fn seen(gamma: f64) -> f64 {
    1.0 - (1.0 + gamma).powi(-DECAY)
}

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
        Table::new(&[("case", ""), ("gamma", "p/n"), ("repeat", ""), ("risk", "R"), ("limit", "R")])
            .note("model", "least squares of least norm, the linear flow at t = ∞")
            .note("data", format!("{SAMPLES} samples, ‖β‖² = {signal}, noise of variance {noise}"))
            .note("nonlinear features", "x = a(|Wz| − b), z in half as many dimensions")
            .note("misspecified", format!("the part (1 + γ)^(−{DECAY}) of ‖β‖² unseen"))
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
        let Some(&(case, gamma)) = self.runs.get(run) else { return Ok(limits(problem)) };
        let limit = case.limit(gamma, problem);
        let row = |repeat: usize| {
            (desk.tell)(repeat as f64 / self.repeats as f64);
            let stream = self.order.stream("double descent", repeat).split(&self.label(run));
            let found = simulated(case, gamma, stream)?;
            Ok(vec![case.number(), gamma, repeat as f64, found, limit])
        };
        (0..self.repeats).map(row).collect()
    }

    /// Simulated means within three standard errors and 3 % of the limits.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for case in Case::ALL {
            for Mean { gamma, mean, error, limit } in means(table, case.number())? {
                let off = 3.0 * error + 0.03 * limit;
                let words = format!("risk, {}, p/n = {gamma}", case.words());
                checks.push(Check::new(words, limit, (limit - off, limit + off), mean));
            }
        }
        let least =
            grid(table, Case::Isotropic.number())?.into_iter().filter(|(gamma, _)| *gamma > 1.0);
        let least = least.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((f64::NAN, f64::NAN));
        // The grid's ratio is 1.05.
        checks.push(Check::near("p/n of the second descent's least risk", 1.809, 0.05, least.0));
        checks.push(Check::near("least risk of the second descent", 3.472, 0.003, least.1));
        Ok(checks)
    }
}

/// Every case on a grid of ratios that is geometric, without the peak itself.
fn limits(problem: Ridgeless) -> Rows {
    let row = |case: Case| {
        (-44..=52).filter(|k| *k != 0).map(move |k| {
            let gamma = 1.05_f64.powi(k);
            vec![case.number(), gamma, f64::NAN, f64::NAN, case.limit(gamma, problem)]
        })
    };
    Case::ALL.into_iter().flat_map(row).collect()
}

/// The risk of one draw of everything.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of features, a few times the samples"
)]
fn simulated(case: Case, gamma: f64, mut stream: Generator) -> Result<f64> {
    let p = (gamma * SAMPLES as f64).round() as usize;
    let (signal, noise) = PROBLEM;
    let unseen = if case == Case::Misspecified { (1.0 - seen(gamma)) * signal } else { 0.0 };
    let beta: Vec<f64> = stream.sphere(p).iter().map(|b| b * (signal - unseen).sqrt()).collect();
    let features = Features::drawn(case, p, &mut stream);
    let x = features.at(SAMPLES, &mut stream);
    let mut y = vec![0.0; SAMPLES];
    multiply(&mut y, false, &x, true, &beta);
    // Unseen features are Gaussian and independent of the seen ones: their sum is.
    y.iter_mut().for_each(|y| *y += (noise.sqrt()) * stream.gaussian());
    y.iter_mut().for_each(|y| *y += unseen.sqrt() * stream.gaussian());
    let ridge = noise * gamma / signal;
    let mut off = if case == Case::OptimalRidge { ridged(&x, y, ridge) } else { ridgeless(&x, y)? };
    off.iter_mut().zip(&beta).for_each(|(off, beta)| *off -= beta);
    let square = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>();
    if case != Case::PurelyNonlinear {
        return Ok(unseen + square(&off));
    }
    let mut errors = vec![0.0; FRESH];
    multiply(&mut errors, false, &features.at(FRESH, &mut stream), true, &off);
    Ok(square(&errors) / FRESH as f64)
}

/// X⁺y for features `x`, p × n: where the linear flow from 0 ends.
fn ridgeless(x: &DMatrix<f64>, y: Vec<f64>) -> Result<Vec<f64>> {
    let map = Mlp { hidden: Vec::new(), biases: false, ..Mlp::default() }.on(x.clone())?;
    let flow = Flow::new(map, Square::to(y), vec![0.0; x.nrows()]);
    let path = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY])?;
    Ok(path.weights(1))
}

/// (xxᵀ + nλ)⁻¹xy = x(xᵀx + nλ)⁻¹y.
fn ridged(x: &DMatrix<f64>, mut y: Vec<f64>, lambda: f64) -> Vec<f64> {
    let mut kernel = gram(&x.transpose());
    (0..SAMPLES).for_each(|i| kernel[(i, i)] += SAMPLES as f64 * lambda);
    Lu::new(&kernel).solve(&mut y);
    let mut beta = vec![0.0; x.nrows()];
    multiply(&mut beta, false, x, false, &y);
    beta
}

/// How inputs become features.
struct Features {
    count: usize,
    /// Wᵀ, of entries N(0, 1/d), d × p; nothing where features are the inputs.
    weights: Option<DMatrix<f64>>,
}

impl Features {
    fn drawn(case: Case, count: usize, stream: &mut Generator) -> Self {
        let d = count / 2;
        let scale = 1.0 / (d as f64).sqrt();
        let weights = (case == Case::PurelyNonlinear)
            .then(|| DMatrix::from_vec(d, count, stream.gaussians(d * count)) * scale);
        Features { count, weights }
    }

    /// Of `n` fresh inputs, p × n.
    fn at(&self, n: usize, stream: &mut Generator) -> DMatrix<f64> {
        let Some(weights) = &self.weights else {
            return DMatrix::from_vec(self.count, n, stream.gaussians(self.count * n));
        };
        let inputs = DMatrix::from_vec(weights.nrows(), n, stream.gaussians(weights.nrows() * n));
        // a(|t| − b), of mean 0 and variance 1, and uncorrelated with t.
        let b = (2.0 / std::f64::consts::PI).sqrt();
        let a = 1.0 / (1.0 - b * b).sqrt();
        transposed_product(weights, &inputs).map(|t| a * (t.abs() - b))
    }
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
