//! What the derivatives of a user's model cost: `cargo bench --bench user_models`.
//!
//! The model is a two-layer tanh network written as plain loops, p = 2000, N = 100: 440 000 operations an evaluation.
//! The columns of allocations are part of the answer: sweeps back allocate nothing once they have run.

use divan::{AllocProfiler, Bencher, black_box};
use gradflow::model::Displacement;
use gradflow::prelude::*;
use gradflow::random::Generator;
use gradflow::scalar::{Increment, Tape, Var};
use std::sync::LazyLock;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

const WIDTH: usize = 200;
const DIMENSION: usize = 8;
const SAMPLES: usize = 100;
/// Weights, bias and output weight of one neuron.
const NEURON: usize = DIMENSION + 2;

/// hᵢ = m^(−1/2) Σⱼ aⱼ tanh(bⱼ·xᵢ + cⱼ), neuron by neuron in w.
struct Loops {
    inputs: Vec<f64>,
}

impl Model for Loops {
    fn shape(&self) -> Shape {
        Shape { params: WIDTH * NEURON, outputs: SAMPLES }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (y, x) in y.iter_mut().zip(self.inputs.chunks_exact(DIMENSION)) {
            let mut sum = S::from(0.0);
            for neuron in w.chunks_exact(NEURON) {
                let mut z = neuron[DIMENSION];
                for (&b, &x) in neuron.iter().zip(x) {
                    z = z + b * S::from(x);
                }
                sum = sum + neuron[DIMENSION + 1] * z.tanh();
            }
            *y = sum * S::from(0.005_f64.sqrt());
        }
    }
}

/// The model, a point, a direction and a covector.
struct Case {
    model: Auto<Loops>,
    w: Vec<f64>,
    direction: Vec<f64>,
    covector: Vec<f64>,
}

static CASE: LazyLock<Case> = LazyLock::new(|| {
    let mut chance = Generator::seeded(0);
    let model = Loops { inputs: chance.gaussians(DIMENSION * SAMPLES) };
    let p = model.shape().params;
    Case {
        w: chance.gaussians(p).iter().map(|w| w / 3.0).collect(),
        direction: chance.gaussians(p),
        covector: chance.gaussians(SAMPLES),
        model: model.auto(),
    }
});

fn main() {
    divan::main();
}

#[divan::bench]
fn value(bencher: Bencher<'_, '_>) {
    let Case { model, w, .. } = &*CASE;
    let mut y = [0.0; SAMPLES];
    bencher.bench_local(|| model.value(black_box(w), &mut y));
}

/// Value and vjp in one sweep forward and one back.
#[divan::bench]
fn gradient(bencher: Bencher<'_, '_>) {
    let Case { model, w, covector, .. } = &*CASE;
    let mut dw = vec![0.0; w.len()];
    let mut seed = |y: &[f64], v: &mut [f64]| {
        v.iter_mut().zip(y).zip(covector).for_each(|((v, y), c)| *v = y - c);
    };
    bencher.bench_local(|| model.gradient(black_box(w), &mut seed, &mut dw));
}

/// The same on a tape that is written anew, as it was before models were recorded.
#[divan::bench]
fn gradient_retraced(bencher: Bencher<'_, '_>) {
    let Case { model, w, covector, .. } = &*CASE;
    bencher.bench_local(|| {
        let tape = Tape::new();
        let variables = tape.variables(black_box(w).iter().copied());
        let mut y = [Var::from(0.0); SAMPLES];
        model.model().eval(&variables, &mut y);
        let seeds: Vec<f64> = y.iter().zip(covector).map(|(y, c)| y.value() - c).collect();
        tape.gradient(&y, seeds.into_iter(), w.len())
    });
}

#[divan::bench]
fn jvp(bencher: Bencher<'_, '_>) {
    let Case { model, w, direction, .. } = &*CASE;
    let mut dy = [0.0; SAMPLES];
    bencher.bench_local(|| model.jvp(black_box(w), direction, &mut dy));
}

#[divan::bench]
fn curvature(bencher: Bencher<'_, '_>) {
    let Case { model, w, direction, covector } = &*CASE;
    let mut out = vec![0.0; w.len()];
    bencher.bench_local(|| model.curvature(black_box(w), covector, direction, &mut out));
}

#[divan::bench]
fn jacobian(bencher: Bencher<'_, '_>) {
    let Case { model, w, .. } = &*CASE;
    bencher.bench_local(|| model.jacobian(black_box(w)));
}

#[divan::bench]
fn kernel(bencher: Bencher<'_, '_>) {
    let Case { model, w, .. } = &*CASE;
    bencher.bench_local(|| model.kernel(black_box(w)));
}

#[divan::bench]
fn increment(bencher: Bencher<'_, '_>) {
    let Case { model, w, direction, .. } = &*CASE;
    let (mut base, mut change) = (vec![0.0; w.len()], vec![0.0; w.len()]);
    let mut seed = |first: &[f64], rest: &[f64], v0: &mut [f64], v1: &mut [f64]| {
        v0.copy_from_slice(first);
        v1.copy_from_slice(rest);
    };
    let at = Displacement { start: w, first: direction, rest: direction, eps: 0.1 };
    bencher.bench_local(|| model.increment(black_box(at), &mut seed, &mut base, &mut change));
}

/// The same on a tape that is written anew.
#[divan::bench]
fn increment_retraced(bencher: Bencher<'_, '_>) {
    let Case { model, w, direction, .. } = &*CASE;
    let at = Displacement { start: w, first: direction, rest: direction, eps: 0.1 };
    bencher.bench_local(|| {
        let tape = Tape::new();
        let variables = tape.variables(black_box(at).increments());
        let mut y = [Var::from(0.0); SAMPLES];
        model.model().eval(&variables, &mut y);
        let seed =
            |y: &Var<'_, Increment>| Increment::new(y.value().first, y.value().rest, 0.0, at.eps);
        let seeds: Vec<Increment> = y.iter().map(seed).collect();
        tape.gradient(&y, seeds.into_iter(), w.len())
    });
}

#[divan::bench]
fn expand(bencher: Bencher<'_, '_>) {
    let Case { model, w, direction, .. } = &*CASE;
    let (mut first, mut rest) = ([0.0; SAMPLES], [0.0; SAMPLES]);
    let at = Displacement { start: w, first: direction, rest: direction, eps: 0.1 };
    bencher.bench_local(|| model.expand(black_box(at), &mut first, &mut rest));
}

/// What recording costs, once for each model: the first gradient.
#[divan::bench(sample_count = 10)]
fn first_gradient(bencher: Bencher<'_, '_>) {
    let Case { model, w, covector, .. } = &*CASE;
    let mut dw = vec![0.0; w.len()];
    let fresh = || Loops { inputs: model.model().inputs.clone() }.auto();
    bencher.with_inputs(fresh).bench_local_refs(|model| model.vjp(w, covector, &mut dw));
}
