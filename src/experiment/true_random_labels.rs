//! True against random labels (Arora et al. 2019, §4, Figure 1): a wide network learns labels along the leading
//! eigenvectors of H∞ fast, true ones faster than random ones, at the speed that the projections say
//! ([`FineGrained`]).

use super::check::Check;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use super::two_classes::Source;
use crate::flow::Flow;
use crate::linalg::norm;
use crate::loss::Square;
use crate::model::{Activation, Network, Restricted, Shape, TwoLayer, doubled_start};
use crate::random::Generator;
use crate::solve::GradientDescent;
use crate::theory::{FineGrained, polynomial_norm};
use crate::{Error, Result};
use nalgebra::DMatrix;

/// n.
const SAMPLES: usize = 100;
/// Step of the descent, over 1/λ₁.
const STEP: f64 = 0.5;
/// Up to here every iterate is kept, then every tenth.
const DENSE: usize = 20;

/// Labels to learn, ±1 or of that mean square.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// √n times the eigenvector of the largest eigenvalue.
    Leading,
    True,
    Random,
    /// √n times that of the least.
    Last,
    /// (x₁)ᵖ, not trained: for Theorem 6.1.
    Polynomial(u32),
}

impl Labels {
    /// In the order of their numbers.
    pub(crate) const ALL: [Labels; 7] = [
        Labels::Leading,
        Labels::True,
        Labels::Random,
        Labels::Last,
        Labels::Polynomial(1),
        Labels::Polynomial(2),
        Labels::Polynomial(4),
    ];

    pub(crate) fn words(self) -> String {
        match self {
            Labels::Leading => "leading eigenvector".into(),
            Labels::True => "true labels".into(),
            Labels::Random => "random labels".into(),
            Labels::Last => "last eigenvector".into(),
            Labels::Polynomial(p) => format!("(β·x)^{p}"),
        }
    }
}

/// Residuals along descent for kinds of labels, beside the prediction.
pub struct TrueRandomLabels {
    order: Order,
    source: Source,
    width: usize,
    steps: usize,
}

impl TrueRandomLabels {
    /// 400 steps of a network of 16 000 neurons, 4000 on images; quick: 100 steps; full: 64 000 neurons.
    ///
    /// # Errors
    /// Images that cannot be read.
    pub fn new(order: &Order) -> Result<Self> {
        let width = order.size.pick(16_000, 16_000, 64_000);
        Ok(TrueRandomLabels {
            order: order.clone(),
            // Nothing is tested on the second set; more than an image of it is read to find one of the classes.
            source: Source::of(order, (SAMPLES, SAMPLES))?,
            width: if order.data.is_some() { width / 4 } else { width },
            steps: order.size.pick(100, 400, 400),
        })
    }
}

impl Experiment for TrueRandomLabels {
    fn blank(&self) -> Table {
        Table::new(&[
            ("labels", ""),
            ("step", ""),
            ("residual", "‖y − u‖"),
            ("predicted", "‖y − u‖"),
            ("moved", "‖W − W(0)‖"),
            ("predicted_moved", "‖W − W(0)‖"),
            ("norm", "√(yᵀH⁻¹y)"),
            ("measure", ""),
        ])
        .note(
            "model",
            format!("two-layer relu, {} neurons, doubled, inner weights train", self.width),
        )
        .note("data", self.source.words())
        .note("method", format!("{} steps of descent of length {STEP}/λ₁", self.steps))
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        Labels::ALL.len()
    }

    fn label(&self, run: usize) -> String {
        Labels::ALL[run].words()
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (samples, _) = self.source.drawn(&self.order, 0);
        let inputs = samples.coordinates()?;
        let fine = FineGrained::of(&samples.inputs)?;
        let n = samples.labels.len();
        let scaled = |v: Option<Vec<f64>>| {
            v.unwrap_or_default().iter().map(|v| v * (n as f64).sqrt()).collect::<Vec<f64>>()
        };
        let labels = Labels::ALL[run];
        let y = match labels {
            Labels::Leading => scaled(fine.eigenvector(0)),
            Labels::Last => scaled(fine.eigenvector(n - 1)),
            Labels::True => samples.labels.clone(),
            Labels::Random => {
                let mut stream = self.order.stream("random labels", 0);
                (0..n).map(|_| stream.sign()).collect()
            }
            Labels::Polynomial(p) => inputs.row(0).iter().map(|x| x.powf(f64::from(p))).collect(),
        };
        let (size, measure) = (fine.least_norm(&y), fine.measure(&y));
        if matches!(labels, Labels::Polynomial(_)) {
            let nothing = f64::NAN;
            let ends = [nothing, nothing, nothing, nothing, size, measure];
            return Ok(vec![[run as f64, 0.0].into_iter().chain(ends).collect()]);
        }
        let eta = STEP / fine.eigenvalues()[0];
        let seen = Wide::drawn(&inputs, self.width, self.order.stream("wide network", 0))?
            .descended(&y, eta, self.steps, desk)?;
        let row = |(step, residual, moved): (u32, f64, f64)| {
            let (predicted, far) = (fine.residual(&y, eta, step), fine.distance(&y, eta, step));
            let step = f64::from(step);
            vec![run as f64, step, residual, predicted, moved, far, size, measure]
        };
        Ok(seen.into_iter().map(row).collect())
    }

    /// The order of labels in measure and speed; on generated data also the numbers that a separate program gave on other
    /// draws of the same kind.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let [labels, step, residual, predicted, moved, far, size, measure] = [
            "labels",
            "step",
            "residual",
            "predicted",
            "moved",
            "predicted_moved",
            "norm",
            "measure",
        ]
        .map(|name| table.column(name));
        let (labels, step, residual, predicted) = (labels?, step?, residual?, predicted?);
        let (moved, far, size, measure) = (moved?, far?, size?, measure?);
        let rows = |kind: usize| (0..table.len()).filter(move |i| labels[*i] == kind as f64);
        let at = |column: &[f64], kind: usize, k: f64| {
            rows(kind).find(|i| step[*i] == k).map_or(f64::NAN, |i| column[i])
        };
        let last = step.iter().copied().fold(0.0, f64::max);
        let ordered =
            |column: &[f64], k: f64| (1..4).all(|j| at(column, j - 1, k) < at(column, j, k));
        let kept: Vec<f64> = rows(0).map(|i| step[i]).filter(|k| *k > 0.0).collect();
        let share =
            kept.iter().filter(|k| ordered(residual, **k)).count() as f64 / kept.len() as f64;
        let off = (1..4).map(|j| (at(residual, j, 20.0) / at(predicted, j, 20.0) - 1.0).abs());
        let ascending = if ordered(measure, 0.0) { 1.0 } else { 0.0 };
        let mut checks = vec![
            Check::new("measures ascend: leading, true, random, last", 1.0, (1.0, 1.0), ascending),
            Check::new("share of steps at which residuals do", 1.0, (1.0, 1.0), share),
            Check::new(
                "relative error of the residual at k = 20",
                0.017,
                (0.0, 0.02),
                off.fold(0.0, f64::max),
            ),
        ];
        // A finite width moves a little more or less than the limit.
        for kind in [1, 2] {
            let words = format!("distance moved over predicted, {}", Labels::ALL[kind].words());
            let found = at(moved, kind, last) / at(far, kind, last);
            checks.push(Check::near(words, 1.0, 0.03, found));
        }
        if matches!(self.source, Source::Generated { .. }) {
            for (kind, paper) in [(0, 0.71), (1, 2.22), (2, 3.73), (3, 6.05)] {
                let words = format!("measure, {}", Labels::ALL[kind].words());
                checks.push(Check::near(words, paper, 0.2, at(measure, kind, 0.0)));
            }
        }
        for (kind, (p, paper)) in (4..).zip([(1, 1.933), (2, 1.773), (4, 0.583)]) {
            let words = format!("norm of (β·x)^{p}, at most 3p");
            checks.push(Check::new(
                words,
                paper,
                (0.0, polynomial_norm(p, 1.0, 1.0)?),
                at(size, kind, 0.0),
            ));
        }
        Ok(checks)
    }
}

/// m^(−½) Σ aᵣ relu(wᵣ·x), doubled, of which only W trains.
struct Wide {
    net: Network,
    start: Vec<f64>,
    inner: usize,
}

impl Wide {
    fn drawn(inputs: &DMatrix<f64>, width: usize, mut stream: Generator) -> Result<Self> {
        let net = TwoLayer { width, activation: Activation::Relu, ..TwoLayer::default() };
        let net = net.on(inputs.clone())?;
        let inner = width * inputs.nrows();
        let mut start = stream.gaussians(inner);
        start.extend((0..width).map(|_| stream.sign()));
        doubled_start(&net, &mut start)?;
        Ok(Wide { net, start, inner })
    }

    /// (k, ‖y − u(k)‖, ‖W(k) − W(0)‖_F) at the iterates kept.
    fn descended(
        &self,
        y: &[f64],
        eta: f64,
        steps: usize,
        desk: &Desk<'_>,
    ) -> Result<Vec<(u32, f64, f64)>> {
        let Shape { outputs, .. } = self.net.shape();
        let part = Restricted::to(&self.net, &self.start, 0..self.inner, 0..outputs);
        let start = part.own_start().to_vec();
        let flow = Flow::new(part, Square::to(y.to_vec()), start);
        let mut seen = Vec::new();
        GradientDescent { step: eta }.descend(&flow, steps, &mut |at| {
            let Ok(number) = u32::try_from(at.number) else { return };
            if at.number <= DENSE || at.number % 10 == 0 {
                // R = ½ ‖y − u‖².
                seen.push((number, (2.0 * at.loss).sqrt(), norm(at.displacement)));
                (desk.tell)(at.number as f64 / steps as f64);
            }
        })?;
        if seen.is_empty() {
            return Err(Error::value("steps", steps, "a number below 2³²"));
        }
        Ok(seen)
    }
}

/// (k, residual, predicted residual), over that at the start, of the labels of that number.
///
/// # Errors
/// [`Error::Unknown`] for a missing column.
pub(crate) fn learnt(table: &Table, kind: f64) -> Result<Vec<(f64, f64, f64)>> {
    let [labels, step, residual, predicted] =
        ["labels", "step", "residual", "predicted"].map(|name| table.column(name));
    let (labels, step, residual, predicted) = (labels?, step?, residual?, predicted?);
    let rows: Vec<usize> = (0..table.len()).filter(|i| labels[*i] == kind).collect();
    let whole = rows.first().map_or(1.0, |i| predicted[*i]);
    Ok(rows.into_iter().map(|i| (step[i], residual[i] / whole, predicted[i] / whole)).collect())
}
