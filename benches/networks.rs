//! Sweeps of networks of the sizes of the benchmark problems P1–P4, and activations: P1 n = 30, d = 2, m = 20 with biases;
//! P2 n = 100, d = 10, m = 200; P3 n = 1000, d = 100, m = 1000; P4 n = 500, 100-256-256-256-1 with biases.
//!
//! `cargo bench --bench networks`; `GRADFLOW_THREADS=1` for one thread. Weights and inputs come from a seed: the sizes
//! decide the cost, not the values.

use divan::{Bencher, black_box};
use gradflow::model::Displacement;
use gradflow::prelude::*;
use nalgebra::DMatrix;

fn main() {
    divan::main();
}

/// A network, two points and everything its sweeps fill.
struct Bench {
    net: Network,
    start: Vec<f64>,
    u: Vec<f64>,
    v: Vec<f64>,
}

const NETS: [&str; 4] = ["P1", "P2", "P3", "P4"];

/// Numbers with deviation `size`/√3.
fn draw(generator: &mut Generator, n: usize, size: f64) -> Vec<f64> {
    (0..n).map(|_| generator.uniform(-size, size)).collect()
}

impl Bench {
    fn of(name: &str) -> Bench {
        let mut generator = Generator::seeded(1);
        let mut inputs =
            |d: usize, n: usize, size| DMatrix::from_vec(d, n, draw(&mut generator, d * n, size));
        let two = |width, biases| TwoLayer { width, biases, ..TwoLayer::default() };
        let net = match name {
            "P1" => two(20, true).on(inputs(2, 30, 1.0)),
            "P2" => two(200, false).on(inputs(10, 100, 0.5)),
            "P3" => two(1000, false).on(inputs(100, 1000, 0.17)),
            _ => Mlp { hidden: vec![256; 3], ..Mlp::default() }.on(inputs(100, 500, 1.7)),
        };
        let net = net.expect("sizes are positive");
        let Shape { params: p, outputs: n } = net.shape();
        let start = draw(&mut generator, p, if name == "P4" { 0.1 } else { 1.7 });
        let (u, v) = (draw(&mut generator, p, 0.1), draw(&mut generator, n, 1.0));
        Bench { net, start, u, v }
    }
}

/// α-independent part of a right-hand side, at a point that is not remembered.
#[divan::bench(args = NETS)]
fn gradient(bencher: Bencher<'_, '_>, name: &str) {
    let Bench { net, start, u, v } = Bench::of(name);
    let mut dw = start.clone();
    net.value(&u, &mut v.clone());
    bencher.bench_local(|| net.gradient(&start, &mut |_, s| s.copy_from_slice(&v), &mut dw));
}

#[divan::bench(args = NETS)]
fn jvp(bencher: Bencher<'_, '_>, name: &str) {
    let Bench { net, start, u, mut v } = Bench::of(name);
    bencher.bench_local(|| net.jvp(&start, &u, &mut v));
}

#[divan::bench(args = NETS)]
fn vjp(bencher: Bencher<'_, '_>, name: &str) {
    let Bench { net, start, mut u, v } = Bench::of(name);
    bencher.bench_local(|| net.vjp(&start, &v, &mut u));
}

#[divan::bench(args = NETS)]
fn increment(bencher: Bencher<'_, '_>, name: &str) {
    let Bench { net, start, u, v } = Bench::of(name);
    let (mut base, mut change) = (u.clone(), u.clone());
    bencher.bench_local(|| {
        let at = Displacement { start: &start, first: &u, rest: &u, eps: 0.01 };
        net.increment(at, &mut |_, _, v0, _| v0.copy_from_slice(&v), &mut base, &mut change);
    });
}

#[divan::bench(args = NETS)]
fn kernel(bencher: Bencher<'_, '_>, name: &str) {
    let Bench { net, start, .. } = Bench::of(name);
    bencher.bench_local(|| net.kernel(&start));
}

/// φ and φ' of ten thousand numbers.
#[divan::bench(args = Activation::ALL.map(Activation::name))]
fn activation(bencher: Bencher<'_, '_>, name: &str) {
    let activation = Activation::parse(name).expect("a name");
    let x = draw(&mut Generator::seeded(2), 10_000, 4.0);
    let (mut value, mut slope) = (x.clone(), x.clone());
    bencher.counter(divan::counter::ItemsCount::new(x.len())).bench_local(|| {
        value.copy_from_slice(&x);
        activation.fill(&mut value, &mut slope);
        black_box((&mut value, &mut slope));
    });
}
