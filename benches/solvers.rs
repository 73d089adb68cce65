//! Whole solves, on networks drawn from a seed with the sizes and the stiffness of the benchmark problems: P1 n = 30,
//! d = 2, m = 20 with biases, far from lazy; P2 n = 100, d = 10, m = 200, lazy and stiff; P3 n = 300, d = 100, m = 300,
//! less than the real one, so that a run stays quick.
//!
//! `cargo bench --bench solvers`; `GRADFLOW_THREADS=1` for one thread. Targets have unit size and the loss is an average
//! over samples, as there; every solve forms its kernel and decomposes it anew.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use gradflow::loss::{Reduction, SquareScale};
use gradflow::model::doubled_start;
use gradflow::prelude::*;
use gradflow::solve::{Budget, Options};
use nalgebra::DMatrix;
use std::time::Duration;

fn main() {
    divan::main();
}

/// A network on its inputs, with weights at the start, and where it is to arrive.
struct Case {
    net: Network,
    start: Vec<f64>,
    target: Vec<f64>,
    horizon: f64,
}

impl Case {
    /// n inputs on a sphere of dimension d; half of the m neurons mirror the other half (P1: all are drawn).
    fn sized(n: usize, d: usize, width: usize, activation: Activation, horizon: f64) -> Case {
        let mut chance = Generator::seeded(3);
        let inputs: Vec<f64> = (0..n).flat_map(|_| chance.sphere(d)).collect();
        let target = inputs.chunks_exact(d).map(|x| (3.0 * x[0]).sin() - x[1]).collect();
        let lonely = d == 2;
        let net = TwoLayer {
            width,
            biases: lonely,
            activation,
            scaling: Scaling::InverseSqrtWidth,
            ..TwoLayer::default()
        };
        let net = net.on(DMatrix::from_vec(d, n, inputs)).expect("sizes are positive");
        let mut start =
            Initialization::Gaussian(1.0).weights(&net, &mut || 2.0 * chance.gaussian());
        if !lonely {
            doubled_start(&net, &mut start).expect("an even number of neurons");
        }
        Case { net, start, target, horizon }
    }

    fn named(name: &str) -> Case {
        match name {
            "P1" => Case::sized(30, 2, 20, Activation::Tanh, 1e5),
            "P2" => Case::sized(100, 10, 200, Activation::Tanh, 1e4),
            "P2 relu" => Case::sized(100, 10, 200, Activation::Relu, 1e3),
            _ => Case::sized(300, 100, 300, Activation::Tanh, 1e4),
        }
    }

    /// The flow under a square loss; its network has nothing remembered.
    fn flow(&self, alpha: f64) -> Flow<Network, Square> {
        let loss = Square::to(self.target.clone()).scaled(SquareScale::HalfMean);
        Flow::new(self.net.clone(), loss, self.start.clone()).scaled(alpha)
    }
}

/// 1e-6, and a budget far above what is needed.
fn options() -> Options {
    let budget = Budget { wall: Duration::from_secs(60), ..Budget::default() };
    Options { rtol: 1e-6, budget }
}

/// The closed form of the linear flow, which is the kernel and its modes, at one time.
#[divan::bench(args = [100, 1000], sample_count = 20)]
fn modes(bencher: Bencher<'_, '_>, n: usize) {
    let case = Case::sized(n, 10, 200, Activation::Tanh, 100.0);
    bencher.with_inputs(|| case.flow(1.0)).bench_local_values(|flow| {
        flow.linearized().solve(&Eigen, black_box(&[case.horizon])).expect("a finite kernel")
    });
}

/// The method chosen by default.
#[divan::bench(
    args = [("P1", 1.0), ("P2", 1.0), ("P2", 100.0), ("P3", 1.0), ("P3", 100.0)],
    sample_count = 20
)]
fn square(bencher: Bencher<'_, '_>, (name, alpha): (&str, f64)) {
    let case = Case::named(name);
    let solver = Automatic(options());
    bencher
        .with_inputs(|| case.flow(alpha))
        .bench_local_values(|flow| flow.solve(&solver, &[case.horizon]).expect("it arrives"));
}

/// Steps: a tight solve, which takes so many that the kernel and its decomposition are a small part; what is counted is
/// steps, each a right-hand side or more, a product with J₀ and one with J₀ᵀ. (A single step cannot be asked for from
/// outside the crate.)
#[divan::bench(args = [("P1", 100.0), ("P2", 1.0), ("P2", 100.0), ("P3", 100.0)], sample_count = 10)]
fn steps(bencher: Bencher<'_, '_>, (name, alpha): (&str, f64)) {
    let case = Case::named(name);
    let solver = Automatic(Options { rtol: 1e-10, ..options() });
    let path = case.flow(alpha).solve(&solver, &[case.horizon]).expect("it arrives");
    bencher
        .counter(ItemsCount::new(path.work.steps))
        .with_inputs(|| case.flow(alpha))
        .bench_local_values(|flow| flow.solve(&solver, &[case.horizon]).expect("it arrives"));
}

/// The same as the lazy P2, by backward differentiation.
#[divan::bench(sample_count = 10)]
fn square_by_bdf(bencher: Bencher<'_, '_>) {
    let case = Case::named("P2");
    let solver = Bdf(options());
    bencher
        .with_inputs(|| case.flow(100.0))
        .bench_local_values(|flow| flow.solve(&solver, &[case.horizon]).expect("it arrives"));
}

/// Labels instead of targets: a loss whose Hessian moves.
#[divan::bench(args = [1.0, 100.0], sample_count = 10)]
fn logistic(bencher: Bencher<'_, '_>, alpha: f64) {
    let case = Case::named("P2");
    let labels: Vec<f64> = case.target.iter().map(|t| 1.0_f64.copysign(*t)).collect();
    let loss = Logistic::new(labels).expect("signs").reduced(Reduction::Mean);
    let flow = Flow::new(case.net.clone(), loss, case.start.clone()).scaled(alpha);
    let solver = Automatic(options());
    bencher
        .with_inputs(|| flow.clone())
        .bench_local_values(|flow| flow.solve(&solver, &[case.horizon]).expect("it arrives"));
}

/// Kinks located, crossed and slid along.
#[divan::bench(args = [1.0, 100.0], sample_count = 10)]
fn relu(bencher: Bencher<'_, '_>, alpha: f64) {
    let case = Case::named("P2 relu");
    let solver = Automatic(options());
    bencher
        .with_inputs(|| case.flow(alpha))
        .bench_local_values(|flow| flow.solve(&solver, &[case.horizon]).expect("it arrives"));
}

/// Both flows of P2 and their gap.
#[divan::bench(args = [1.0, 100.0, f64::INFINITY], sample_count = 10)]
fn gap(bencher: Bencher<'_, '_>, alpha: f64) {
    let case = Case::named("P2");
    let gap = Gap { options: options(), ..Gap::default() };
    let centred = || {
        let flow = case.flow(alpha);
        // The doubled weights give h(w₀) = 0 up to rounding; centring makes it exact, which α = ∞ asks for.
        Flow::new(Centred::at(flow.map, &flow.start), flow.loss, flow.start).scaled(alpha)
    };
    bencher
        .with_inputs(centred)
        .bench_local_values(|flow| gap.solve(&flow, &[case.horizon]).expect("it arrives"));
}
