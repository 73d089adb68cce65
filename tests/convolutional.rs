//! Convolutional networks against their plain twin: the same function, written as loops over pixels and differentiated
//! by numbers.
//!
//! Tolerance: both sides are sums of fewer than 200 products of numbers of size about 1, through at most six layers, so
//! each carries rounding errors below 200 · 6 · 2⁻⁵³ ≈ 1.3e-13 relative to the largest entry; [`TOLERANCE`] is ten times
//! that.

use gradflow::model::{
    Architecture, Auto, CIFAR10, Centred, ConvNet, Differentiable, Displacement, Extent,
    FilterInitialization, Layer, Linearized, Model, Pooling, Rectification, Shape,
};
use gradflow::random::Generator;
use gradflow::scalar::Dual;
use nalgebra::DMatrix;

const TOLERANCE: f64 = 1.3e-12;

fn convolution(channels: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
    Layer::Convolution { channels, kernel, stride, padding, biases: padding > 0 }
}

const RELU: Layer = Layer::Rectifier(Rectification::Relu);
const PRELU: Layer = Layer::Rectifier(Rectification::Prelu);

/// Every layer, every way it can meet another, alone and stacked.
fn plans() -> Vec<(Extent, Vec<Layer>)> {
    let image = Extent { channels: 2, height: 6, width: 4 };
    let dense = |outputs| Layer::Dense { outputs, biases: true };
    let block = |channels, stride| {
        let rectifier = if stride == 1 { Rectification::Relu } else { Rectification::Prelu };
        Layer::Residual { channels, stride, rectifier }
    };
    let max = Layer::Pool(Pooling::Max, 2);
    let average = Layer::Pool(Pooling::Average, 2);
    [
        vec![dense(3)],
        vec![convolution(3, 3, 1, 1), dense(2)],
        vec![convolution(3, 3, 2, 1), RELU, dense(2)],
        vec![convolution(3, 2, 2, 0), PRELU, dense(1)],
        // A filter larger than the image, within its zeros; two strides that leave a rest.
        vec![convolution(2, 5, 1, 4), RELU, convolution(2, 3, 3, 2), PRELU, dense(2)],
        vec![convolution(3, 1, 1, 0), PRELU, convolution(2, 1, 2, 0), RELU, dense(2)],
        vec![
            convolution(3, 3, 1, 1),
            RELU,
            max,
            convolution(4, 3, 1, 1),
            RELU,
            Layer::AverageAll,
            dense(3),
        ],
        vec![convolution(3, 3, 1, 1), PRELU, average, convolution(2, 3, 1, 1), max_of(1), dense(2)],
        // Layers without parameters first, pooling as the last one.
        vec![max, PRELU, convolution(4, 3, 1, 1), Layer::AverageAll],
        vec![block(2, 1), dense(2)],
        vec![convolution(3, 3, 1, 1), RELU, block(3, 1), block(4, 2), max_of(1), dense(2)],
        vec![block(3, 2), PRELU, Layer::AverageAll, dense(4)],
    ]
    .into_iter()
    .map(|layers| (image, layers))
    .collect()
}

fn max_of(side: usize) -> Layer {
    Layer::Pool(Pooling::Max, side)
}

fn vector(n: usize, seed: u64) -> Vec<f64> {
    let mut generator = Generator::seeded(seed);
    (0..n).map(|_| generator.uniform(-1.0, 1.0)).collect()
}

fn nets(samples: usize) -> impl Iterator<Item = (String, ConvNet)> {
    plans().into_iter().map(move |(image, layers)| {
        let numbers = image.numbers();
        let images = DMatrix::from_vec(numbers, samples, vector(numbers * samples, 7));
        let net = Architecture::new(image, &layers).unwrap().on(images).unwrap();
        (format!("{layers:?}"), net)
    })
}

fn largest(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| x.abs().max(m))
}

/// Agreement relative to the largest entry, or to `scale` where that is larger.
fn assert_close(name: &str, found: &[f64], wanted: &[f64], scale: f64) {
    assert_eq!(found.len(), wanted.len(), "{name}");
    let scale = largest(wanted).max(scale);
    for (i, (f, w)) in found.iter().zip(wanted).enumerate() {
        let agree = f == w || (f - w).abs() <= TOLERANCE * scale;
        assert!(agree, "{name}: entry {i} is {f:e}, the plain twin has {w:e} (scale {scale:e})");
    }
}

fn made(n: usize, f: impl FnOnce(&mut [f64])) -> Vec<f64> {
    let mut out = vec![f64::NAN; n];
    f(&mut out);
    out
}

#[test]
fn values_and_derivatives_agree_with_the_plain_twin() {
    // A whole group, and one that is not.
    for samples in [3, 18] {
        for (name, net) in nets(samples) {
            let twin = Auto::new(net.clone());
            let Shape { params: p, outputs: n } = net.shape();
            let (w, u, v) = (vector(p, 1), vector(p, 2), vector(n, 3));
            let value = |h: &dyn Differentiable| made(n, |y| h.value(&w, y));
            assert_close(&format!("value of {name}"), &value(&net), &value(&twin), 0.0);
            let jvp = |h: &dyn Differentiable| made(n, |y| h.jvp(&w, &u, y));
            assert_close(&format!("jvp of {name}"), &jvp(&net), &jvp(&twin), 0.0);
            let vjp = |h: &dyn Differentiable| made(p, |g| h.vjp(&w, &v, g));
            assert_close(&format!("vjp of {name}"), &vjp(&net), &vjp(&twin), 0.0);
            let gradient = |h: &dyn Differentiable| {
                let seed = &mut |y: &[f64], s: &mut [f64]| {
                    s.iter_mut().zip(y.iter().zip(&v)).for_each(|(s, (y, v))| *s = y - v);
                };
                made(p, |g| h.gradient(&w, seed, g))
            };
            assert_close(&format!("gradient of {name}"), &gradient(&net), &gradient(&twin), 0.0);
            if samples == 3 {
                let scale = largest(&vjp(&twin));
                let curvature = |h: &dyn Differentiable| made(p, |g| h.curvature(&w, &v, &u, g));
                let name_ = format!("curvature of {name}");
                assert_close(&name_, &curvature(&net), &curvature(&twin), scale);
            }
            let (jacobian, wanted) = (net.jacobian(&w), twin.jacobian(&w));
            let name_ = format!("jacobian of {name}");
            assert_close(&name_, jacobian.as_slice(), wanted.as_slice(), 0.0);
            let (kernel, wanted) = (net.kernel(&w), twin.kernel(&w));
            let name_ = format!("kernel of {name}");
            assert_close(&name_, kernel.as_slice(), wanted.as_slice(), 0.0);
            assert_eq!(kernel, kernel.transpose());
            assert_eq!(net.is_smooth(), twin.is_smooth(), "{name}");
        }
    }
}

/// Another oracle than `Auto`: the model on dual numbers.
#[test]
fn tangents_are_those_of_dual_numbers() {
    for (name, net) in nets(3) {
        let Shape { params: p, outputs: n } = net.shape();
        let (w, u) = (vector(p, 4), vector(p, 5));
        let duals: Vec<Dual<f64>> = w.iter().zip(&u).map(|(w, u)| Dual::new(*w, *u)).collect();
        let mut y = vec![Dual::from(0.0); n];
        net.eval(&duals, &mut y);
        let wanted: Vec<f64> = y.iter().map(|y| y.tangent).collect();
        assert_close(&name, &made(n, |dy| net.jvp(&w, &u, dy)), &wanted, 0.0);
    }
}

/// `[first, rest, base, change]` of one increment, with v₀ and v₁ given.
fn increment(
    h: &dyn Differentiable,
    [w, u, e]: [&[f64]; 3],
    eps: f64,
    [v0, v1]: [&[f64]; 2],
) -> [Vec<f64>; 4] {
    let (p, n) = (w.len(), v0.len());
    let [mut first, mut rest] = [(); 2].map(|()| vec![f64::NAN; n]);
    let [mut base, mut change] = [(); 2].map(|()| vec![f64::NAN; p]);
    let seed = &mut |f: &[f64], r: &[f64], s0: &mut [f64], s1: &mut [f64]| {
        first.copy_from_slice(f);
        rest.copy_from_slice(r);
        s0.copy_from_slice(v0);
        s1.copy_from_slice(v1);
    };
    h.increment(Displacement { start: w, first: u, rest: e, eps }, seed, &mut base, &mut change);
    [first, rest, base, change]
}

#[test]
fn increments_agree_with_the_plain_twin() {
    for (name, net) in nets(3) {
        let twin = Auto::new(net.clone());
        let Shape { params: p, outputs: n } = net.shape();
        let (w, u, e) = (vector(p, 11), vector(p, 12), vector(p, 13));
        let (v0, v1) = (vector(n, 14), vector(n, 15));
        for eps in [1.0, 0.1, 1e-8, 0.0] {
            let of = |h: &dyn Differentiable| increment(h, [&w, &u, &e], eps, [&v0, &v1]);
            let (found, wanted) = (of(&net), of(&twin));
            let parts = ["first", "rest", "base", "change"];
            // A sum may cancel where its terms do not: relative to the largest of all four.
            let scale = wanted.iter().map(|part| largest(part)).fold(0.0, f64::max);
            for (part, (found, wanted)) in parts.iter().zip(found.iter().zip(&wanted)) {
                assert_close(&format!("{part} at {eps:e} of {name}"), found, wanted, scale);
            }
            let at = Displacement { start: &w, first: &u, rest: &e, eps };
            let (mut first, mut rest) = (vec![f64::NAN; n], vec![f64::NAN; n]);
            net.expand(at, &mut first, &mut rest);
            assert_eq!([&first, &rest], [&found[0], &found[1]], "{name}");
        }
    }
}

/// Kinks by construction: an image of zeros, so that every argument of the first rectifier is its bias, here 0, and all
/// numbers under a pooling are equal.
#[test]
fn at_a_kink_conventions_are_those_stated() {
    let image = Extent { channels: 1, height: 2, width: 2 };
    let pooled = |rectifier| {
        let layers =
            [convolution(1, 1, 1, 0), Layer::Rectifier(rectifier), Layer::Pool(Pooling::Max, 2)];
        Architecture::new(image, &layers).unwrap()
    };
    // relu'(0) = 0: nothing passes.
    let net = pooled(Rectification::Relu).on(DMatrix::from_vec(4, 1, vec![1.0; 4])).unwrap();
    assert_eq!(made(1, |dw| net.vjp(&[0.0], &[1.0], dw)), [0.0]);
    // The slope at 0 is a = ¼; the first of four equal numbers is the one that counts: pixel 1, of value −2.
    let net = pooled(Rectification::Prelu);
    let net = net.on(DMatrix::from_vec(4, 1, vec![-2.0, 3.0, 5.0, 7.0])).unwrap();
    assert_eq!(made(2, |dw| net.vjp(&[0.0, 0.25], &[1.0], dw)), [-0.5, 0.0]);
    assert_eq!(made(1, |dy| net.jvp(&[0.0, 0.25], &[1.0, 1.0], dy)), [-0.5]);
    let twin = Auto::new(net.clone());
    assert_eq!(made(2, |dw| twin.vjp(&[0.0, 0.25], &[1.0], dw)), [-0.5, 0.0]);
    // And their exact change: w = ε moves the winner to the last pixel, y = 7ε, of which −½ε was first order.
    let at = [&[0.0, 0.25][..], &[1.0, 0.0], &[0.0, 0.0]];
    for h in [&net as &dyn Differentiable, &twin] {
        let [first, rest, base, change] = increment(h, at, 0.5, [&[1.0], &[0.0]]);
        assert_eq!((first[0], rest[0]), (-0.5, 15.0), "7·½ = −½·½ + ¼·15");
        assert_eq!((base[0], change[0]), (-0.5, 15.0), "7 = −½ + ½·15");
    }
}

/// A batch replaced is a batch given: no number of the one before is left, whatever was remembered.
#[test]
fn a_replaced_batch_is_as_good_as_a_new_net() {
    for (name, mut net) in nets(18) {
        let p = net.params();
        let w = vector(p, 21);
        let numbers = net.architecture().input().numbers();
        let gradient = |net: &ConvNet| {
            let seed = &mut |y: &[f64], v: &mut [f64]| v.copy_from_slice(y);
            made(p, |dw| net.gradient(&w, seed, dw))
        };
        gradient(&net);
        for samples in [18, 5, 33] {
            let images = vector(numbers * samples, 22 + samples as u64);
            net.replace(&images).unwrap();
            let fresh = net.architecture().clone();
            let fresh = fresh.on(DMatrix::from_vec(numbers, samples, images)).unwrap();
            assert_eq!(gradient(&net), gradient(&fresh), "{name}");
            let n = net.shape().outputs;
            let value = |net: &ConvNet| made(n, |y| net.value(&w, y));
            assert_eq!(value(&net), value(&fresh), "{name}");
        }
        assert!(net.replace(&[]).is_err() && net.replace(&vec![0.0; numbers + 1]).is_err());
        assert!(net.replace(&vec![f64::NAN; numbers]).is_err());
        assert_eq!(net.samples(), 33);
    }
}

/// The two nets of the paper, narrow: one image at a time or all together; adjoint; and what the wrappers make of them.
#[test]
fn the_nets_of_the_paper_pass_signals_there_and_back() {
    let relu = Rectification::Relu;
    let vgg = Architecture::vgg11(CIFAR10, 1.0 / 32.0, Pooling::Max, relu).unwrap();
    let resnet = Architecture::resnet18(CIFAR10, 1.0 / 32.0, relu).unwrap();
    for net in [vgg, resnet] {
        let mut generator = Generator::seeded(31);
        let w = FilterInitialization::He.weights(&net, &mut || generator.gaussian()).unwrap();
        let numbers = CIFAR10.numbers();
        let images = DMatrix::from_vec(numbers, 3, generator.gaussians(3 * numbers));
        let all = net.clone().on(images.clone()).unwrap();
        let (p, n) = (all.params(), all.shape().outputs);
        let together = made(n, |y| all.value(&w, y));
        for (i, y) in together.chunks(10).enumerate() {
            let one = net.clone().on(DMatrix::from(images.columns(i, 1))).unwrap();
            assert_close("one image", &made(10, |y| one.value(&w, y)), y, largest(&together));
        }
        assert!(together.iter().all(|y| *y != 0.0));
        let (u, v) = (vector(p, 32), vector(n, 33));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let left = dot(&v, &made(n, |dy| all.jvp(&w, &u, dy)));
        let right = dot(&made(p, |dw| all.vjp(&w, &v, dw)), &u);
        assert!((left - right).abs() <= 1e-11 * left.abs().max(1.0), "{left} {right}");
        let centred = Centred::at(&all, &w);
        assert_eq!(made(n, |y| centred.value(&w, y)), vec![0.0; n]);
        let moved: Vec<f64> = w.iter().zip(&u).map(|(w, u)| w + u).collect();
        let wanted = made(n, |dy| all.jvp(&w, &u, dy));
        let tangent = Linearized::at(&all, &w);
        let found: Vec<f64> = made(n, |y| tangent.value(&moved, y))
            .iter()
            .zip(&together)
            .map(|(a, b)| a - b)
            .collect();
        // Here (w + u) − w has an error of 2⁻⁵³ a weight, p of them.
        let error = p as f64 * f64::EPSILON * largest(&wanted).max(largest(&together));
        assert!(found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= error));
    }
}

/// Signs of arguments, counted by hand: w·x + 0 over x = (1, −1, 2, −2).
#[test]
fn unchanged_signs_are_counted() {
    let image = Extent { channels: 1, height: 1, width: 1 };
    let layers = [convolution(2, 1, 1, 0), RELU, convolution(1, 1, 1, 0), PRELU];
    let net = Architecture::new(image, &layers).unwrap();
    let net = net.on(DMatrix::from_vec(1, 4, vec![1.0, -1.0, 2.0, -2.0])).unwrap();
    // Unit 1 changes all its signs, unit 2 none; then relu's sums: (1, 1, 2, 2) before, (0, 2, 0, 4) after.
    let shares = net.unchanged_signs(&[1.0, -1.0, 1.0, 1.0, 0.0], &[-1.0, -1.0, 1.0, 1.0, 0.0]);
    assert_eq!(shares, [0.5, 0.5]);
}
