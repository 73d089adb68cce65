//! VGG-11 and ResNet-18 of an eighth of the paper's width on a batch of 128 images of 32 × 32: a step of training, and
//! its parts. 2 · 3 · M operations an image and step, M = 2.58 and 8.87 million multiplications.
//!
//! `cargo bench --bench convolutional`; `GRADFLOW_THREADS=1` for one thread.

use divan::Bencher;
use gradflow::model::{
    Architecture, CIFAR10, ConvNet, Differentiable, FilterInitialization, Pooling, Rectification,
};
use gradflow::random::Generator;
use nalgebra::DMatrix;

fn main() {
    divan::main();
}

const NETS: [&str; 2] = ["vgg11/8", "resnet18/8"];

/// A network, and weights that are not those of the call before.
struct Bench {
    net: ConvNet,
    w: Vec<f64>,
    dw: Vec<f64>,
    y: Vec<f64>,
}

impl Bench {
    fn of(name: &str, samples: usize) -> Bench {
        let mut generator = Generator::seeded(1);
        let relu = Rectification::Relu;
        let net = match name {
            "vgg11/8" => Architecture::vgg11(CIFAR10, 0.125, Pooling::Max, relu),
            _ => Architecture::resnet18(CIFAR10, 0.125, relu),
        };
        let net = net.expect("sizes are right");
        let w = FilterInitialization::He.weights(&net, &mut || generator.gaussian());
        let w = w.expect("no gain is wrong");
        let pixels = generator.gaussians(CIFAR10.numbers() * samples);
        let net = net.on(DMatrix::from_vec(CIFAR10.numbers(), samples, pixels));
        let net = net.expect("sizes are right");
        Bench { dw: w.clone(), w, y: vec![0.0; net.shape().outputs], net }
    }

    /// Somewhere nobody remembers.
    fn move_on(&mut self) {
        self.w[0] += 1e-9;
    }
}

/// Forward and back.
#[divan::bench(args = NETS)]
fn gradient(bencher: Bencher<'_, '_>, name: &str) {
    let mut b = Bench::of(name, 128);
    bencher.bench_local(|| {
        b.move_on();
        b.net.gradient(&b.w, &mut |y, v| v.copy_from_slice(y), &mut b.dw);
    });
}

/// Forward alone, as for the frozen copy.
#[divan::bench(args = NETS)]
fn value(bencher: Bencher<'_, '_>, name: &str) {
    let mut b = Bench::of(name, 128);
    bencher.bench_local(|| {
        b.move_on();
        b.net.value(&b.w, &mut b.y);
    });
}

/// A step of the exact linearization.
#[divan::bench(args = NETS)]
fn linear_step(bencher: Bencher<'_, '_>, name: &str) {
    let mut b = Bench::of(name, 128);
    let u = b.w.clone();
    bencher.bench_local(|| {
        b.move_on();
        b.net.jvp(&b.w, &u, &mut b.y);
        b.net.vjp(&b.w, &b.y, &mut b.dw);
    });
}

/// The kernel of fifty images, 500 × 500.
#[divan::bench(args = NETS, sample_count = 3)]
fn kernel(bencher: Bencher<'_, '_>, name: &str) {
    let mut b = Bench::of(name, 50);
    bencher.bench_local(|| {
        b.move_on();
        b.net.kernel(&b.w)
    });
}
