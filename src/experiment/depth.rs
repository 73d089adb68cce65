//! Initialization and depth (He et al. 2015, §2.2, Figure 3): thirty rectifier layers keep the signal from He's start and lose
//! 2⁻³⁰ of its variance from Xavier's, from which such a network does not train.

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use super::two_classes::Source;
use crate::Result;
use crate::flow::Flow;
use crate::linalg::multiply;
use crate::loss::{Square, SquareScale};
use crate::model::{Architecture, Extent, FilterInitialization, Layer, Rectification};
use crate::random::Generator;
use crate::solve::GradientDescent;
use crate::theory::Signal;
use nalgebra::DMatrix;

/// L and n.
const LAYERS: u32 = 30;
const WIDTH: usize = 256;
/// a of trained slopes at the start.
const SLOPE: f64 = 0.25;
/// Layers between two that are kept.
const STRIDE: u32 = 5;
/// Length of a step, and how many are between two losses kept. The step is one that He's start bears: at a hundred times it
/// the nets from there diverge, while Xavier's train at no length up to a thousand times it.
const STEP: f64 = 0.0015;
const KEPT: usize = 5;

/// What is drawn, and what rectifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    He,
    Xavier,
    Prelu,
}

impl Start {
    pub(crate) const ALL: [Start; 3] = [Start::He, Start::Xavier, Start::Prelu];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Start::He => "He, relu",
            Start::Xavier => "Xavier, relu",
            Start::Prelu => "He, PReLU",
        }
    }

    fn parts(self) -> (FilterInitialization, Rectification, f64) {
        match self {
            Start::He => (FilterInitialization::He, Rectification::Relu, 0.0),
            Start::Xavier => (FilterInitialization::Xavier { gain: 1.0 }, Rectification::Relu, 0.0),
            Start::Prelu => (FilterInitialization::HePrelu(SLOPE), Rectification::Prelu, SLOPE),
        }
    }

    pub(crate) fn signal(self) -> Result<Signal> {
        let (initialization, _, slope) = self.parts();
        Signal::new(WIDTH, slope, initialization.deviation(WIDTH, WIDTH).powi(2))
    }
}

/// Variances by layer for draws of the weights, and losses of a training, from three starts.
pub struct Depth {
    order: Order,
    draws: usize,
    /// Width, samples and steps of the network that trains.
    trained: (usize, usize, usize),
}

impl Depth {
    /// 64 draws, and 600 steps of a network of width 64; quick: 24 draws, 300 steps of width 32; full: 1000 draws.
    pub fn new(order: &Order) -> Self {
        Depth {
            order: order.clone(),
            draws: order.size.pick(24, 64, 1000),
            trained: order.size.pick((32, 32, 300), (64, 64, 600), (256, 256, 600)),
        }
    }
}

impl Experiment for Depth {
    fn blank(&self) -> Table {
        let (width, samples, steps) = self.trained;
        Table::new(&[
            ("start", ""),
            ("draw", ""),
            ("layer", ""),
            ("ratio", "variance"),
            ("step", ""),
            ("loss", "R"),
        ])
        .note("model", format!("{LAYERS} dense layers of {WIDTH}, each rectified"))
        .note("trained", format!("the same of {width} and an output, {steps} steps of {STEP}"))
        .note("data", format!("sign of x₁ on a sphere, {samples} samples"))
        .note("loss", "½ mean square")
        .note("starts", Start::ALL.map(Start::words).join("; "))
        .note("draws", self.draws)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        2 * Start::ALL.len()
    }

    fn label(&self, run: usize) -> String {
        let what = if run < Start::ALL.len() { "signal" } else { "training" };
        format!("{what}, {}", Start::ALL[run % Start::ALL.len()].words())
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let kind = run % Start::ALL.len();
        let (start, number, nothing) = (Start::ALL[kind], kind as f64, f64::NAN);
        if run >= Start::ALL.len() {
            let losses = self.trained(start, desk)?;
            let row = |(step, loss)| vec![number, nothing, nothing, nothing, step, loss];
            return Ok(losses.into_iter().map(row).collect());
        }
        let draw = |draw: usize| {
            (desk.tell)(draw as f64 / self.draws as f64);
            let ratios = ratios(start, self.order.stream("depth", draw));
            let row = move |(layer, ratio): (f64, f64)| {
                vec![number, draw as f64, layer, ratio, nothing, nothing]
            };
            ratios.into_iter().map(row)
        };
        Ok((0..self.draws).flat_map(draw).collect())
    }

    /// The mean over draws within three of its exact standard errors and 3 %; who trains. He's and Xavier's are the same draws,
    /// which relu, being homogeneous, passes on alike: one ratio to what is expected.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for (kind, (start, paper)) in Start::ALL.into_iter().zip([1.02, 1.07, 1.01]).enumerate() {
            let signal = start.signal()?;
            let found = variances(table, kind as f64)?.last().map_or(f64::NAN, |last| last.1);
            let error = signal.relative_deviation(LAYERS) / (self.draws as f64).sqrt();
            let off = 3.0 * error + 0.03;
            let quantity =
                format!("variance after {LAYERS} layers over expected, {}", start.words());
            let found = found / signal.expected(LAYERS);
            checks.push(Check::new(quantity, paper, (1.0 - off, 1.0 + off), found));
        }
        // Labels are ±1: outputs of zero have the loss ½.
        for (kind, start) in Start::ALL.into_iter().enumerate() {
            let last = training(table, kind as f64)?.last().map_or(f64::NAN, |last| last.1);
            let allowed = if start == Start::Xavier { (0.9, 1.0) } else { (0.0, 0.5) };
            let quantity = format!("loss after training over that of outputs 0, {}", start.words());
            checks.push(Check::new(quantity, None, allowed, last / 0.5));
        }
        Ok(checks)
    }
}

/// (l, vₗ₊₁/v₁) of one draw of the weights, from l = 0 on.
fn ratios(start: Start, mut stream: Generator) -> Vec<(f64, f64)> {
    let (initialization, _, slope) = start.parts();
    let deviation = initialization.deviation(WIDTH, WIDTH);
    // Any input will do: given it, the first layer is N(0, v₁ Id).
    let mut a = stream.gaussians(WIDTH);
    let square = |a: &[f64]| a.iter().map(|a| a * a).sum::<f64>();
    let (whole, mut kept) = (square(&a), vec![(0.0, 1.0)]);
    let mut z = vec![0.0; WIDTH];
    for layer in 1..=LAYERS {
        let weights = DMatrix::from_vec(WIDTH, WIDTH, stream.gaussians(WIDTH * WIDTH));
        multiply(&mut z, false, &weights, false, &a);
        let phi = |z: f64| if z > 0.0 { z } else { slope * z };
        a.iter_mut().zip(&z).for_each(|(a, z)| *a = phi(deviation * z));
        if layer % STRIDE == 0 {
            kept.push((f64::from(layer), square(&a) / whole));
        }
    }
    kept
}

impl Depth {
    /// (k, loss) along descent.
    fn trained(&self, start: Start, desk: &Desk<'_>) -> Result<Vec<(f64, f64)>> {
        let (width, samples, steps) = self.trained;
        let generated = Order { data: None, ..self.order.clone() };
        let (data, _) = Source::of(&generated, (samples, 1))?.drawn(&generated, 0);
        let d = data.inputs.nrows();
        let (initialization, rectifier, _) = start.parts();
        let layer = [Layer::Dense { outputs: width, biases: true }, Layer::Rectifier(rectifier)];
        let mut layers = layer.repeat(LAYERS as usize);
        layers.push(Layer::Dense { outputs: 1, biases: true });
        let net = Architecture::new(Extent { channels: d, height: 1, width: 1 }, &layers)?;
        let mut stream = self.order.stream("depth", 0).split("trained");
        let weights = initialization.weights(&net, &mut || stream.gaussian())?;
        // Inputs of variance 1.
        let net = net.on(&data.inputs * (d as f64).sqrt())?;
        let loss = Square::to(data.labels).scaled(SquareScale::HalfMean);
        let mut losses = Vec::new();
        let flow = Flow::new(net, loss, weights);
        GradientDescent { step: STEP }.descend(&flow, steps, &mut |at| {
            if at.number % KEPT == 0 {
                losses.push((at.number as f64, at.loss));
                (desk.tell)(at.number as f64 / steps as f64);
            }
        })?;
        Ok(losses)
    }
}

/// (l, mean of vₗ₊₁/v₁ over the draws) from the start of that number.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn variances(table: &Table, kind: f64) -> Result<Vec<(f64, f64)>> {
    let [start, layer, ratio] = ["start", "layer", "ratio"].map(|name| table.column(name));
    let (start, layer, ratio) = (start?, layer?, ratio?);
    let here = |i: &usize| start[*i] == kind && !layer[*i].is_nan();
    let rows: Vec<usize> = (0..table.len()).filter(here).collect();
    let of = |column: &[f64]| rows.iter().map(|i| column[*i]).collect::<Vec<f64>>();
    let means = grouped(&of(layer), &of(ratio))?;
    Ok(means.into_iter().map(|(layer, mean, _)| (layer, mean)).collect())
}

/// (k, loss) from the start of that number.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn training(table: &Table, kind: f64) -> Result<Vec<(f64, f64)>> {
    let [start, step, loss] = ["start", "step", "loss"].map(|name| table.column(name));
    let (start, step, loss) = (start?, step?, loss?);
    let here = |i: &usize| start[*i] == kind && !step[*i].is_nan();
    Ok((0..table.len()).filter(here).map(|i| (step[i], loss[i])).collect())
}
