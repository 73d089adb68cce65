//! No bit of a result depends on the number of threads; in a binary of its own, as the number is the process's.

use gradflow::model::{Architecture, ConvNet, Displacement, Extent, Layer, Pooling, Rectification};
use gradflow::prelude::*;
use nalgebra::DMatrix;

/// Numbers in (−1, 1) that look irregular enough.
fn vector(n: usize, seed: f64) -> Vec<f64> {
    (0..n).map(|i| (12.9898 * (i as f64 + seed)).sin()).collect()
}

/// Everything a network can be asked, one after the other, large enough to be shared out.
fn answers<H: Differentiable + Clone>(net: &H) -> Vec<f64> {
    let Shape { params: p, outputs: n } = net.shape();
    let (w, u, e, v) = (vector(p, 0.1), vector(p, 0.2), vector(p, 0.3), vector(n, 0.4));
    let (mut y, mut dy, mut first, mut rest) = (v.clone(), v.clone(), v.clone(), v.clone());
    let [mut gradient, mut dw, mut base, mut change] = [(); 4].map(|()| vec![0.0; p]);
    let seed = &mut |h: &[f64], s: &mut [f64]| {
        y.copy_from_slice(h);
        s.iter_mut().zip(h.iter().zip(&v)).for_each(|(s, (h, v))| *s = h - v);
    };
    net.gradient(&u, seed, &mut gradient);
    net.jvp(&w, &u, &mut dy);
    net.vjp(&w, &v, &mut dw);
    let at = Displacement { start: &w, first: &u, rest: &e, eps: 0.25 };
    let seed = &mut |f: &[f64], r: &[f64], v0: &mut [f64], v1: &mut [f64]| {
        first.copy_from_slice(f);
        rest.copy_from_slice(r);
        v0.copy_from_slice(f);
        v1.copy_from_slice(r);
    };
    net.increment(at, seed, &mut base, &mut change);
    let kernel = net.kernel(&w).as_slice().to_vec();
    [y, gradient, dy, dw, first, rest, base, change, kernel, linear_flow(net, &w, &v)].concat()
}

/// Outputs and weights of the linearized flow in closed form: the decomposition of a kernel of some hundred rows.
fn linear_flow<H: Differentiable + Clone>(net: &H, w: &[f64], target: &[f64]) -> Vec<f64> {
    // A clone comes without what the network remembers.
    let flow = Flow::new(net.clone(), Square::to(target.to_vec()), w.to_vec());
    let path = flow.linearized().solve(&Eigen, &[1e-4]).unwrap();
    [&path.outputs[0][..], &path.displacements[0]].concat()
}

/// Eleven groups of samples in eight lanes, the last one not whole.
fn convolutional() -> ConvNet {
    let layers = [
        Layer::Convolution { channels: 8, kernel: 3, stride: 1, padding: 1, biases: true },
        Layer::Rectifier(Rectification::Prelu),
        Layer::Pool(Pooling::Max, 2),
        Layer::Residual { channels: 12, stride: 2, rectifier: Rectification::Relu },
        Layer::Dense { outputs: 2, biases: true },
    ];
    let net = Architecture::new(Extent { channels: 3, height: 16, width: 16 }, &layers).unwrap();
    net.on(DMatrix::from_vec(768, 169, vector(768 * 169, 0.5))).unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let inputs = |d, n| DMatrix::from_vec(d, n, vector(d * n, 0.5));
    let deep = Mlp { hidden: vec![150, 130, 90], outputs: 3, ..Mlp::default() };
    let wide = TwoLayer { width: 700, activation: Activation::Softplus, ..TwoLayer::default() };
    let (deep, wide) = (deep.on(inputs(40, 301)).unwrap(), wide.on(inputs(30, 403)).unwrap());
    same_bits("deep", &deep);
    same_bits("wide", &wide);
    same_bits("convolutional", &convolutional());
}

fn same_bits<H: Differentiable + Clone>(name: &str, net: &H) {
    gradflow::threads::set_limit(1);
    let alone = answers(net);
    for threads in [2, 3, 8] {
        gradflow::threads::set_limit(threads);
        for _ in 0..3 {
            assert!(answers(net) == alone, "{threads} threads, {name}");
        }
    }
}
