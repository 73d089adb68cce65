//! Underspecification (D'Amour et al. 2020): predictors that differ only in the seed have nearly the same risk on data like those
//! they were trained on, and come apart on shifted data.
//!
//! Member 0 of each ensemble is the one for which the shift of the mean is chosen, x → x + ½√d u, u along E ∇f₀ − β; the
//! others share data and target with it. Two kinds of ensembles: ridge regression on random features
//! ([`RandomFeatures`]), and lazy relu networks of which all weights train, doubled, at t = ∞,
//! f̄(x) = Df(w₀, x)u, for which E ∇f̄ = ½ m^(−½) Σⱼ (δaⱼ bⱼ + aⱼ δbⱼ) (the term from the kinks is odd in x).

use super::check::Check;
use super::plan::{Desk, Experiment, Order, Rows};
use super::spread::{Spread, spreads};
use super::table::Table;
use crate::Result;
use crate::flow::Flow;
use crate::linalg::multiply;
use crate::loss::Square;
use crate::model::{Activation, Differentiable, Network, TwoLayer, doubled_start};
use crate::random::Generator;
use crate::solve::Eigen;
use crate::theory::{RandomFeatures, shift_along};
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// d, n and the number of fresh inputs.
const D: usize = 100;
const SAMPLES: usize = 400;
const FRESH: usize = 1000;
/// λ.
const RIDGE: f64 = 1e-3;
/// The shift over √d.
const SHIFT: f64 = 0.5;

/// The kinds of ensembles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ensemble {
    /// Of that many features per dimension.
    RandomFeatures,
    /// Of that many neurons.
    Lazy,
}

impl Ensemble {
    /// What stands for it in tables.
    pub(crate) fn number(self) -> f64 {
        f64::from(self as u8)
    }
}

const RUNS: [(Ensemble, usize); 7] = [
    (Ensemble::RandomFeatures, 2),
    (Ensemble::RandomFeatures, 6),
    (Ensemble::RandomFeatures, 12),
    (Ensemble::RandomFeatures, 24),
    // Eight different neurons, 800 independent features (a neuron's output is one of its 101 that lies in the span of the others):
    // well beyond the peak at 400 samples.
    (Ensemble::Lazy, 16),
    (Ensemble::Lazy, 32),
    (Ensemble::Lazy, 128),
];

/// Risks in distribution and shifted, for members of ensembles.
pub struct Underspecification {
    order: Order,
    repeats: usize,
    members: usize,
}

impl Underspecification {
    /// Sixteen data sets with eight members each; quick: eight with four; full: fifty with twenty.
    pub fn new(order: &Order) -> Self {
        let (repeats, members) = order.size.pick((8, 4), (16, 8), (50, 20));
        Underspecification { order: order.clone(), repeats, members }
    }
}

impl Experiment for Underspecification {
    fn blank(&self) -> Table {
        Table::new(&[
            ("ensemble", ""),
            ("size", "N/d or m"),
            ("repeat", ""),
            ("member", ""),
            ("iid", "R"),
            ("shifted", "R"),
        ])
        .note("model", "0: ridge regression on N relu features; 1: lazy relu network of m neurons")
        .note("data", format!("linear, on the sphere √d S^(d−1), d = {D}, {SAMPLES} samples"))
        .note("shift", format!("{SHIFT} √d, for member 0"))
        .note("ridge", RIDGE)
        .note("repeats", self.repeats)
        .note("members", self.members)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        RUNS.len() * self.repeats
    }

    fn label(&self, run: usize) -> String {
        let (ensemble, size) = RUNS[run % RUNS.len()];
        format!("{}, repetition {}", words(ensemble, size), run / RUNS.len() + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let ((ensemble, size), repeat) = (RUNS[run % RUNS.len()], run / RUNS.len());
        let data = self.order.stream("underspecification", repeat);
        let problem = Problem::drawn(&data);
        let mut shift = Vec::new();
        let row = |member: usize| {
            let stream = data.split("member").split(&words(ensemble, size)).stream(member as u64);
            let predictor = problem.predictor(ensemble, size, stream)?;
            if member == 0 {
                let gradient = predictor.mean_gradient();
                shift = shift_along(&gradient, &problem.beta, SHIFT * (D as f64).sqrt());
            }
            let shifted = problem.risk(&predictor, &shift)?;
            let iid = match &predictor {
                Predictor::Features(features) => features.risk(&problem.beta)?,
                Predictor::Lazy { .. } => problem.risk(&predictor, &[0.0; D])?,
            };
            (desk.tell)((member + 1) as f64 / self.members as f64);
            Ok(vec![ensemble.number(), size as f64, repeat as f64, member as f64, iid, shifted])
        };
        (0..self.members).map(row).collect()
    }

    /// Random features: numbers and bands of a separate program, which made one draw of each. The source's bands are: risks in
    /// distribution of the chosen member and of the others within 10 %, a shifted risk of at least three times the others'
    /// at N/d = 2 and 6, and a ratio that falls from N/d = 6 on. Where the source has a number and no band, ours is three
    /// deviations of one draw, and at least 10 %; so near must the risk be to its limit for d → ∞. Spreads and lazy networks have no numbers there: the bands are ours, wide, and
    /// say no more than that shifted risks are apart where others are not. A rank correlation of 0.4 explains a sixth of the
    /// variance of ranks.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        let features = spreads(table, Ensemble::RandomFeatures.number())?;
        let relu = PI / (2.0 * (PI - 1.0));
        for (spread, theirs) in features.iter().zip(THEIRS) {
            checks.extend(spread.beside(&theirs));
            let samples = SAMPLES as f64 / D as f64;
            let limit = RandomFeatures::limit_risk(spread.size, samples, relu, 0.0)?;
            let quantity = format!("iid risk of the others, N/d = {}, and its limit", spread.size);
            checks.push(Check::near(quantity, limit, 0.1, spread.others.iid));
        }
        let falls = |all: &[Spread]| {
            all.windows(2).filter(|pair| pair[0].ratio() > pair[1].ratio()).count() as f64
        };
        let quantity = "falls of that ratio from N/d = 6 on";
        let found = falls(features.get(1..).unwrap_or_default());
        checks.push(Check::new(quantity, 2.0, (2.0, 2.0), found));
        let lazy = spreads(table, Ensemble::Lazy.number())?;
        for (kind, unit, all) in
            [("random features", "N/d", &features), ("lazy networks", "m", &lazy)]
        {
            for spread in all {
                checks.extend(spread.of_seeds(&format!("{kind}, {unit} = {}", spread.size)));
            }
            let correlation = all.iter().map(|s| s.correlation).sum::<f64>() / all.len() as f64;
            let quantity = format!("{kind}: rank correlation of iid and shifted risk");
            checks.push(Check::new(quantity, None, (-0.5, 0.5), correlation));
        }
        let [narrow, wide] = [lazy.first(), lazy.last()].map(|s| s.map_or(f64::NAN, Spread::ratio));
        let quantity = "lazy networks: shifted risk of member 0 over the others', the narrowest";
        checks.push(Check::new(quantity, None, (1.2, f64::INFINITY), narrow));
        // Kernels are nearly their limit, and so are predictors: what moves against one moves against all.
        let quantity = "lazy networks: the same, the widest";
        checks.push(Check::new(quantity, None, (0.8, 1.2), wide));
        Ok(checks)
    }
}

/// A separate program's numbers, one draw each.
pub(super) struct Theirs {
    /// Risk in distribution, of member 0 and of the others.
    pub(super) iid: (f64, f64),
    pub(super) shifted: (f64, f64),
    pub(super) ratio: f64,
    /// The least ratio that counts.
    pub(super) least: f64,
}

/// For N/d = 2, 6, 12 and 24.
const THEIRS: [Theirs; 4] = [
    Theirs { iid: (0.432, 0.435), shifted: (4.01, 0.84), ratio: 4.8, least: 3.0 },
    Theirs { iid: (0.225, 0.218), shifted: (1.75, 0.33), ratio: 5.3, least: 3.0 },
    Theirs { iid: (0.064, 0.066), shifted: (0.69, 0.24), ratio: 2.9, least: 1.0 },
    Theirs { iid: (0.0347, 0.0349), shifted: (0.50, 0.33), ratio: 1.5, least: 1.0 },
];

fn words(ensemble: Ensemble, size: usize) -> String {
    match ensemble {
        Ensemble::RandomFeatures => format!("{size} features per dimension"),
        Ensemble::Lazy => format!("lazy, {size} neurons"),
    }
}

/// Samples of a linear target.
struct Problem {
    beta: Vec<f64>,
    inputs: DMatrix<f64>,
    target: Vec<f64>,
    fresh: DMatrix<f64>,
}

/// What a member has learnt.
enum Predictor {
    Features(RandomFeatures),
    /// The network at its start, and how its weights moved.
    Lazy {
        net: Network,
        start: Vec<f64>,
        moved: Vec<f64>,
    },
}

impl Problem {
    fn drawn(stream: &Generator) -> Self {
        let sphere = |part: &str, n: usize| {
            let mut stream = stream.split(part);
            let unit = (0..n).flat_map(|_| stream.sphere(D)).collect();
            DMatrix::from_vec(D, n, unit) * (D as f64).sqrt()
        };
        let beta = stream.split("target").sphere(D);
        let (inputs, fresh) = (sphere("train", SAMPLES), sphere("fresh", FRESH));
        let mut target = vec![0.0; SAMPLES];
        multiply(&mut target, false, &inputs, true, &beta);
        Problem { beta, inputs, target, fresh }
    }

    fn predictor(&self, ensemble: Ensemble, size: usize, mut seed: Generator) -> Result<Predictor> {
        if ensemble == Ensemble::RandomFeatures {
            let count = size * D;
            let inner =
                DMatrix::from_vec(D, count, (0..count).flat_map(|_| seed.sphere(D)).collect());
            let fitted = RandomFeatures::fitted(inner, &self.inputs, &self.target, RIDGE)?;
            return Ok(Predictor::Features(fitted));
        }
        let net = TwoLayer { width: size, activation: Activation::Relu, ..TwoLayer::default() };
        let net = net.on(self.inputs.clone())?;
        let mut start: Vec<f64> = (0..size).flat_map(|_| seed.sphere(D)).collect();
        start.extend((0..size).map(|_| seed.sign()));
        doubled_start(&net, &mut start)?;
        let flow = Flow::new(&net, Square::to(self.target.clone()), start.clone());
        let mut path = flow.linearized().solve(&Eigen, &[0.0, f64::INFINITY])?;
        let moved = path.displacements.pop().unwrap_or_default();
        Ok(Predictor::Lazy { net, start, moved })
    }

    /// The mean of (f(x + μ) − β·(x + μ))² over the fresh inputs.
    fn risk(&self, predictor: &Predictor, shift: &[f64]) -> Result<f64> {
        let mut inputs = self.fresh.clone();
        for mut x in inputs.column_iter_mut() {
            x.iter_mut().zip(shift).for_each(|(x, mu)| *x += mu);
        }
        let mut off = vec![0.0; FRESH];
        multiply(&mut off, false, &inputs, true, &self.beta);
        let found = predictor.values(inputs)?;
        Ok(off.iter().zip(&found).map(|(y, f)| (y - f).powi(2)).sum::<f64>() / FRESH as f64)
    }
}

impl Predictor {
    fn values(&self, inputs: DMatrix<f64>) -> Result<Vec<f64>> {
        match self {
            Predictor::Features(features) => features.values(&inputs),
            Predictor::Lazy { net, start, moved } => {
                let mut y = vec![0.0; inputs.ncols()];
                net.with_inputs(inputs)?.jvp(start, moved, &mut y);
                Ok(y)
            }
        }
    }

    fn mean_gradient(&self) -> Vec<f64> {
        let (start, moved) = match self {
            Predictor::Features(features) => return features.mean_gradient(),
            Predictor::Lazy { start, moved, .. } => (start, moved),
        };
        let width = start.len() / (D + 1);
        let (inner, outer) = start.split_at(width * D);
        let (inner_moved, outer_moved) = moved.split_at(width * D);
        let mut sum = vec![0.0; D];
        for j in 0..width {
            let row = j * D..(j + 1) * D;
            let both = inner[row.clone()].iter().zip(&inner_moved[row]);
            let each = sum.iter_mut().zip(both);
            each.for_each(|(s, (b, db))| *s += outer_moved[j] * b + outer[j] * db);
        }
        let factor = 0.5 / (width as f64).sqrt();
        sum.iter_mut().for_each(|s| *s *= factor);
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E ∇f̄ of a lazy network by central differences at pairs ±x, where the mean over the two is what symmetry leaves.
    #[test]
    fn the_mean_gradient_of_a_lazy_network_is_its_derivative() {
        let stream = Generator::seeded(4);
        let problem = Problem::drawn(&stream);
        let lazy = problem.predictor(Ensemble::Lazy, 8, stream.split("seed")).unwrap();
        let found = lazy.mean_gradient();
        for (axis, found) in found.iter().enumerate().take(3) {
            let moved = |sign: f64, step: f64| {
                let mut x = &problem.fresh * sign;
                x.row_mut(axis).add_scalar_mut(step);
                lazy.values(x).unwrap()
            };
            // No kink of f̄ − it jumps there − lies between x − h and x + h for most x; the others are few, and left out.
            let h = 1e-6;
            let (mut sum, mut count) = (0.0, 0.0);
            for sign in [1.0, -1.0] {
                let (up, down, up2) = (moved(sign, h), moved(sign, -h), moved(sign, 2.0 * h));
                for i in 0..FRESH {
                    let (slope, other) = ((up[i] - down[i]) / (2.0 * h), (up2[i] - up[i]) / h);
                    if (slope - other).abs() < 1e-4 {
                        sum += slope;
                        count += 1.0;
                    }
                }
            }
            assert!(count > 1.99 * FRESH as f64, "{count}");
            assert!((sum / count - found).abs() < 1e-3, "{} {found}", sum / count);
        }
    }
}
