//! Wide nets evolve as linear models (Lee et al. 2019, Theorem 2.1): against the width n, how far descent takes a net from
//! its linearization, its weights and its tangent kernel from their start, and that kernel from its limit.
//!
//! ```text
//! sup |f_t(x) − f_lin,t(x)|,   sup ‖θ_t − θ₀‖/√n,   sup ‖Θ_t − Θ₀‖ = O(n^(−1/2)),      ‖Θ₀ − Θ∞‖ = O(n^(−1/2)).
//! ```
//!
//! With high probability, for a positive definite Θ∞, φ and φ' Lipschitz and rates below `η_crit`: all true here. One hidden
//! tanh layer in the NTK parametrization, from its own random outputs; the linearization in closed form.

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::flow::Flow;
use crate::loss::Square;
use crate::model::{
    Activation, Differentiable, Initialization, Linearized, Mlp, Network, Parametrization,
};
use crate::solve::GradientDescent;
use crate::theory::{KernelTraining, Schedule, WideNet};
use nalgebra::DMatrix;

/// Dimension of the inputs, and their numbers for training and for the test.
const D: usize = 4;
const N: usize = 12;
const TEST: usize = 50;
/// Variances of weights and biases.
const VARIANCES: (f64, f64) = (1.5, 0.1);
/// Steps of descent, and their length over `η_crit`.
const STEPS: usize = 600;
const RATE: f64 = 0.5;
/// Steps from one look at the kernel and at the linear net to the next.
const LOOK: usize = 20;

/// Descents of nets and of their linearizations, for widths and draws.
pub struct WideNets {
    order: Order,
    widths: Vec<usize>,
    draws: usize,
}

/// What one draw of a net is made of.
struct Drawn {
    train: Network,
    elsewhere: Network,
    start: Vec<f64>,
    target: Vec<f64>,
    /// Θ₀ over the training inputs, decomposed.
    training: KernelTraining,
    rate: f64,
}

impl WideNets {
    /// Widths from 32 to 2048 with eight draws each; quick to 512, full to 8192 with sixteen.
    pub fn new(order: &Order) -> Self {
        let (most, draws) = order.size.pick((512, 8), (2048, 8), (8192, 16));
        let widths = (5..).map(|k| 1 << k).take_while(|width| *width <= most).collect();
        WideNets { order: order.clone(), widths, draws }
    }

    fn of(&self, run: usize) -> (usize, usize) {
        // The widest first: they take longest.
        let place = self.widths.len() - 1 - run / self.draws;
        (self.widths[place], run % self.draws)
    }

    /// The same data for all; a net for each width and draw.
    fn drawn(&self, width: usize, draw: usize) -> Result<Drawn> {
        let mut data = self.order.stream("wide nets, data", 0);
        let inputs = DMatrix::from_vec(D, N, data.gaussians(D * N));
        let others = DMatrix::from_vec(D, TEST, data.gaussians(D * TEST));
        let target = inputs.column_iter().map(|x| teacher(x.as_slice())).collect();
        let train = layers(width).on(inputs)?;
        let elsewhere = train.with_inputs(others)?;
        let mut stream = self.order.stream("wide nets", draw).split(&width.to_string());
        let start = Initialization::Ntk.weights(&train, &mut || stream.gaussian());
        let training = KernelTraining::new(&train.kernel(&start))?;
        let rate = RATE * training.critical_rate();
        Ok(Drawn { train, elsewhere, start, target, training, rate })
    }
}

fn layers(width: usize) -> Mlp {
    let parametrization =
        Parametrization::Ntk { sigma_w: VARIANCES.0.sqrt(), sigma_b: VARIANCES.1.sqrt() };
    let (hidden, activation) = (vec![width], Activation::Tanh);
    Mlp { hidden, outputs: 1, activation, biases: true, parametrization }
}

/// sin x₁ + x₂ x₃/2.
fn teacher(x: &[f64]) -> f64 {
    x[0].sin() + 0.5 * x[1] * x[2]
}

impl Drawn {
    /// f₀ and Θ₀(·, X) of either network, N' × 1 and N' × N.
    fn before(&self, net: &Network) -> (DMatrix<f64>, DMatrix<f64>) {
        let y = value(net, &self.start);
        let jacobian = Differentiable::jacobian(&self.train, &self.start);
        let across = Differentiable::jacobian(net, &self.start) * jacobian.transpose();
        (DMatrix::from_vec(y.len(), 1, y), across)
    }

    fn flow<H: Differentiable>(&self, map: H) -> Flow<H, Square> {
        Flow::new(map, Square::to(self.target.clone()), self.start.clone())
    }

    /// Suprema over steps: root mean square over test inputs of f − `f_lin`, ‖θ − θ₀‖, ‖Θ − Θ₀‖/‖Θ₀‖.
    fn descend(&self, desk: &Desk<'_>) -> Result<[f64; 3]> {
        let (before, across) = self.before(&self.elsewhere);
        let residual = self.residual();
        let kernel = self.train.kernel(&self.start);
        let mut sup = [0.0_f64; 3];
        let mut failed = None;
        GradientDescent { step: self.rate }.descend(&self.flow(&self.train), STEPS, &mut |at| {
            let schedule = Schedule::Descent { rate: self.rate, steps: at.number };
            match self.training.outputs(&before, &across, &residual, schedule) {
                Ok(linear) => {
                    let y = DMatrix::from_vec(TEST, 1, value(&self.elsewhere, at.weights));
                    sup[0] = sup[0].max((y - linear).norm() / (TEST as f64).sqrt());
                }
                Err(e) => failed = Some(e),
            }
            sup[1] = sup[1].max(crate::linalg::norm(at.displacement));
            if at.number % LOOK == 0 {
                let drift = (self.train.kernel(at.weights) - &kernel).norm() / kernel.norm();
                sup[2] = sup[2].max(drift);
                (desk.tell)(at.number as f64 / STEPS as f64);
            }
        })?;
        failed.map_or(Ok(sup), Err)
    }

    /// The largest difference, over steps and inputs, between the closed form and descent in the weights of h̄.
    fn closed_form_error(&self) -> Result<f64> {
        let residual = self.residual();
        let linear = Linearized::at(&self.train, &self.start);
        let elsewhere = Linearized::at(&self.elsewhere, &self.start);
        let parts = [self.before(&self.train), self.before(&self.elsewhere)];
        let (mut worst, mut failed) = (0.0_f64, None);
        GradientDescent { step: self.rate }.descend(&self.flow(&linear), STEPS, &mut |at| {
            if at.number % LOOK != 0 {
                return;
            }
            let schedule = Schedule::Descent { rate: self.rate, steps: at.number };
            let found = [at.outputs.to_vec(), value(&elsewhere, at.weights)];
            for ((before, across), found) in parts.iter().zip(found) {
                match self.training.outputs(before, across, &residual, schedule) {
                    Ok(closed) => {
                        let found = DMatrix::from_vec(found.len(), 1, found);
                        worst = worst.max((closed - found).amax());
                    }
                    Err(e) => failed = Some(e),
                }
            }
        })?;
        failed.map_or(Ok(worst), Err)
    }

    fn residual(&self) -> DMatrix<f64> {
        let y = value(&self.train, &self.start);
        DMatrix::from_iterator(N, 1, y.iter().zip(&self.target).map(|(y, target)| y - target))
    }
}

fn value(map: &impl Differentiable, w: &[f64]) -> Vec<f64> {
    let mut y = vec![0.0; map.shape().outputs];
    map.value(w, &mut y);
    y
}

impl Experiment for WideNets {
    fn blank(&self) -> Table {
        let columns = ["width", "draw", "outputs", "weights", "drift", "deviation", "closed_form"];
        let (w, b) = VARIANCES;
        Table::new(&columns.map(|name| (name, "")))
            .note(
                "model",
                format!("one hidden tanh layer, NTK parametrization, σ_w² = {w}, σ_b² = {b}"),
            )
            .note("data", format!("y = sin x₁ + x₂x₃/2, x normal in R^{D}, {N} train, {TEST} test"))
            .note("method", format!("{STEPS} steps of descent at {RATE} η_crit on ½‖y − y*‖²"))
            .note("draws", self.draws)
            .note("size", self.order.size.name())
            .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.widths.len() * self.draws
    }

    fn label(&self, run: usize) -> String {
        let (width, draw) = self.of(run);
        format!("n = {width}, draw {}", draw + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (width, draw) = self.of(run);
        let drawn = self.drawn(width, draw)?;
        let limit = WideNet::of(&drawn.train, Initialization::Ntk)?;
        let limit = limit.kernels(drawn.train.inputs())?.ntk;
        let deviation = (drawn.train.kernel(&drawn.start) - &limit).norm() / limit.norm();
        let [outputs, weights, drift] = drawn.descend(desk)?;
        let n = width as f64;
        let closed_form = drawn.closed_form_error()?;
        Ok(vec![vec![n, draw as f64, outputs, weights / n.sqrt(), drift, deviation, closed_form]])
    }

    /// The exponents of Theorem 2.1 and of the law of large numbers. The paper finds the kernel's drift, bounded by n^(−1/2),
    /// nearer to 1/n (its Figure 1); its band is ours, that of the discrepancy, from the theorem's −1/2 to that 1/n. Beside
    /// ours stand the slopes of a separate program, on a target and draws of its own.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let slope = |name: &str| -> Result<f64> {
            let points: Vec<(f64, f64)> =
                wide_means(table, name)?.into_iter().map(|(n, mean)| (n.ln(), mean.ln())).collect();
            Ok(super::lazy::slope(&points).unwrap_or(f64::NAN))
        };
        let worst = table.column("closed_form")?.iter().copied().fold(0.0, f64::max);
        Ok(vec![
            Check::new(
                "linearized: closed form against descent in the weights",
                None,
                (0.0, 1e-10),
                worst,
            ),
            Check::new(
                "slope of sup RMSE between net and linearization in n",
                -0.68,
                (-1.1, -0.45),
                slope("outputs")?,
            ),
            Check::new("slope of sup ‖θ − θ₀‖/√n in n", -0.457, (-0.6, -0.4), slope("weights")?),
            Check::new("slope of sup ‖Θ − Θ₀‖ in n", -0.716, (-1.1, -0.45), slope("drift")?),
            Check::new("slope of ‖Θ₀ − Θ∞‖ in n", -0.603, (-0.65, -0.35), slope("deviation")?),
        ])
    }
}

/// (n, mean over the draws) of a column.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn wide_means(table: &Table, name: &str) -> Result<Vec<(f64, f64)>> {
    let means = grouped(table.column("width")?, table.column(name)?)?;
    Ok(means.into_iter().map(|(n, mean, _)| (n, mean)).collect())
}
