//! Random small problems, and a reference for each.

use crate::common::{Scalar1, alone, gaussian_matrix, norm};
use gradflow::flow::{Flow, Path, logarithmic};
use gradflow::loss::{CrossEntropy, Huber, Logistic, Loss, Square, SquareScale};
use gradflow::model::{
    Activation, Centred, Differentiable, Formula, Initialization, Mlp, Model, Network, TwoLayer,
};
use gradflow::random::Generator;
use gradflow::solve::{Budget, Method, Options};
use gradflow::{Error, Failure, Result};
use std::time::Duration;

/// A flow to be solved.
pub(crate) struct Problem {
    pub(crate) name: String,
    pub(crate) map: Box<dyn Differentiable>,
    pub(crate) loss: Box<dyn Loss>,
    pub(crate) start: Vec<f64>,
    pub(crate) alpha: f64,
    pub(crate) times: Vec<f64>,
}

impl Problem {
    pub(crate) fn flow(&self) -> Flow<&dyn Differentiable, &dyn Loss> {
        Flow::new(&*self.map, &*self.loss, self.start.clone()).scaled(self.alpha)
    }

    pub(crate) fn solve(&self, method: Method, rtol: f64) -> Result<Path> {
        let budget = Budget { steps: 1_000_000, wall: Duration::from_secs(60) };
        alone(&self.flow(), method, Options { rtol, budget }, &self.times)
    }

    /// By TSIT45 at 10⁻¹²; where that takes too many steps by BDF at 10⁻¹¹, near where its local tolerances end.
    pub(crate) fn reference(&self) -> Result<Path> {
        let budget = Budget { steps: 20_000, wall: Duration::from_secs(60) };
        let explicit =
            alone(&self.flow(), Method::Tsit45, Options { rtol: 1e-12, budget }, &self.times);
        match explicit {
            Err(Error::Integration { failure: Failure::TooMuchWork, .. }) => {
                self.solve(Method::Bdf, 1e-11)
            }
            other => other,
        }
    }
}

impl Problem {
    /// By how much the flow multiplies a displacement along its own at the start, one millionth of it in size.
    pub(crate) fn condition(&self, path: &Path) -> Result<f64> {
        const PART: f64 = 1e-6;
        let size = |rows: &[Vec<f64>]| rows.iter().map(|u| norm(u)).fold(0.0, f64::max);
        let pushed = path.displacements.last().map_or(&[][..], |u| u);
        let push: Vec<f64> = pushed.iter().map(|u| PART * u).collect();
        let start: Vec<f64> =
            self.start.iter().zip(&push).map(|(w, u)| w + u / self.alpha).collect();
        let flow = Flow { start, ..self.flow() };
        let budget = Budget { steps: 1_000_000, wall: Duration::from_secs(60) };
        let other = alone(&flow, Method::Bdf, Options { rtol: 1e-11, budget }, &self.times)?;
        let moved = other.displacements.iter().zip(&path.displacements);
        let apart: Vec<Vec<f64>> = moved
            .map(|(b, a)| b.iter().zip(a).zip(&push).map(|((b, a), p)| b + p - a).collect())
            .collect();
        Ok(size(&apart) / norm(&push))
    }
}

const SMOOTH: [Activation; 5] = [
    Activation::Tanh,
    Activation::Sigmoid,
    Activation::Softplus,
    Activation::Erf,
    Activation::Gelu,
];

const FORMULAS: [&str; 5] = [
    "sin(a) + 0.5*b^2; b + 0.3*sin(a)^2",
    "a*tanh(b*c); exp(-c^2)*a + b",
    "sqrt(1 + a^2*b^2) - c; sin(a + b*c); a*c",
    "a^3 - 3*a*b^2; 3*a^2*b - b^3",
    "a*b; a - b; tanh(a); exp(0.3*b)",
];

fn on_network(net: Network, draws: &mut Generator) -> (Box<dyn Differentiable>, Vec<f64>) {
    let start = Initialization::Gaussian(1.0).weights(&net, &mut || draws.gaussian());
    (Box::new(Centred::at(net, &start)), start)
}

/// A model, and a start at which it is zero. `outputs` per sample.
fn model(
    kind: usize,
    outputs: usize,
    seed: u64,
    draws: &mut Generator,
) -> (Box<dyn Differentiable>, Vec<f64>) {
    let activation = SMOOTH[draws.below(SMOOTH.len())];
    let (d, n) = (1 + draws.below(3), 2 + draws.below(7));
    match kind {
        0 | 1 => {
            let width = 2 + draws.below(7);
            let net = TwoLayer { width, activation, outputs, ..TwoLayer::default() };
            on_network(net.on(gaussian_matrix(d, n, seed)).unwrap(), draws)
        }
        2 => {
            let hidden = vec![2 + draws.below(4), 2 + draws.below(4)];
            let net = Mlp { hidden, activation, outputs, ..Mlp::default() };
            on_network(net.on(gaussian_matrix(d, n, seed)).unwrap(), draws)
        }
        // One parameter set, many samples: N > p.
        3 => {
            let net =
                TwoLayer { width: 1 + draws.below(2), activation, outputs, ..TwoLayer::default() };
            on_network(net.on(gaussian_matrix(1, 8 + draws.below(8), seed)).unwrap(), draws)
        }
        4 if outputs == 1 => {
            let text = FORMULAS[draws.below(FORMULAS.len())];
            let model = Formula::parse(text, &[]).unwrap().without_inputs().unwrap();
            let start = draws.gaussians(model.shape().params);
            (Box::new(Centred::at(model.auto(), &start)), start)
        }
        _ => (Box::new(Scalar1.auto()), vec![1.0]),
    }
}

/// Problem number `seed`: nets and formulas, N below and above p, every loss with a root, α from 0.03 to 10⁶, horizons
/// from 0.1 to 10⁶ fastest times (to 10⁴ for losses that are flat far out), evenly in logarithm.
pub(crate) fn problem(seed: u64) -> Problem {
    let mut draws = Generator::seeded(seed).split("exponential");
    let kind_of_loss = draws.below(8);
    let outputs = if kind_of_loss == 7 { 3 } else { 1 };
    let kind = draws.below(if outputs == 3 { 4 } else { 6 });
    let (map, start) = model(kind, outputs, seed, &mut draws);
    let n = map.shape().outputs;
    let targets = draws.gaussians(n);
    let loss: Box<dyn Loss> = match kind_of_loss {
        0..=2 => Box::new(Square::to(targets)),
        3 | 4 => Box::new(Square::to(targets).scaled(SquareScale::Mean)),
        5 => Box::new(Logistic::new((0..n).map(|_| draws.sign()).collect::<Vec<_>>()).unwrap()),
        6 => Box::new(Huber::to(targets)),
        _ => {
            let labels: Vec<usize> = (0..n / 3).map(|_| draws.below(3)).collect();
            Box::new(CrossEntropy::new(labels, 3).unwrap())
        }
    };
    let alpha = 10.0_f64.powf(draws.uniform(-1.5, 6.0));
    let stiffness = 10.0_f64.powf(draws.uniform(-1.0, if kind_of_loss < 5 { 6.0 } else { 4.0 }));
    let fastest = map.kernel(&start).symmetric_eigenvalues().max() * loss.convexity().big_m;
    let end = stiffness / fastest;
    let times = logarithmic(1e-3 * end, end, 12);
    let name = format!(
        "seed {seed}, p = {}, N = {n}, {}, α = {alpha:.2e}, M λ₁ T = {stiffness:.1e}",
        start.len(),
        loss.name()
    );
    Problem { name, map, loss, start, alpha, times }
}
