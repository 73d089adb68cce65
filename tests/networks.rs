//! Built-in networks against their plain twin: the same function, written as loops and differentiated by numbers.
//!
//! Tolerance: both sides are sums of fewer than 100 products of numbers of size about 1, through at most three layers,
//! so each carries rounding errors below 100 · 3 · 2⁻⁵³ ≈ 3e-14 relative to the largest entry; [`TOLERANCE`] is thirty
//! times that.

use gradflow::model::{
    Activation, Auto, Centred, Differentiable, Displacement, Doubled, Initialization, Linearized,
    Mlp, Model, Network, Parametrization, Scaling, Shape, TwoLayer, doubled_start,
};
use gradflow::scalar::Scalar;
use nalgebra::DMatrix;

const TOLERANCE: f64 = 1e-12;

/// Numbers in (−1, 1) from a linear congruence (Knuth's MMIX).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
    fn vector(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }
    /// By the sum of twelve uniform numbers: variance 12 · (1/3) · (1/4).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.next()).sum::<f64>() / 2.0
    }
}

fn inputs(d: usize, n: usize) -> DMatrix<f64> {
    DMatrix::from_vec(d, n, Draws(7).vector(d * n))
}

/// Every activation, with and without biases, every scaling, depths 1 to 3, one output and three.
fn networks() -> Vec<(String, Network)> {
    let mut all = Vec::new();
    for activation in Activation::ALL {
        for biases in [false, true] {
            for outputs in [1, 3] {
                for scaling in Scaling::ALL {
                    let net = TwoLayer { width: 5, outputs, activation, biases, scaling };
                    all.push((format!("{net:?}"), net.on(inputs(3, 4)).unwrap()));
                }
                let ntk = Parametrization::Ntk { sigma_w: 1.5, sigma_b: 0.5 };
                for parametrization in [Parametrization::Standard, ntk] {
                    for hidden in [vec![5], vec![4, 6], vec![3, 5, 2]] {
                        let net = Mlp { hidden, outputs, activation, biases, parametrization };
                        all.push((format!("{net:?}"), net.on(inputs(2, 3)).unwrap()));
                    }
                }
            }
        }
    }
    all
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

/// `outputs` values of `f`, written into a fresh vector.
fn made(n: usize, f: impl FnOnce(&mut [f64])) -> Vec<f64> {
    let mut out = vec![f64::NAN; n];
    f(&mut out);
    out
}

#[test]
fn values_and_derivatives_agree_with_the_plain_twin() {
    for (name, net) in networks() {
        let twin = Auto::new(net.clone());
        let Shape { params: p, outputs: n } = net.shape();
        assert_ne!(p, n);
        let mut draws = Draws(11);
        let (w, u, v) = (draws.vector(p), draws.vector(p), draws.vector(n));
        let value = |h: &dyn Differentiable| made(n, |y| h.value(&w, y));
        assert_close(&format!("value of {name}"), &value(&net), &value(&twin), 0.0);
        let jvp = |h: &dyn Differentiable| made(n, |y| h.jvp(&w, &u, y));
        assert_close(&format!("jvp of {name}"), &jvp(&net), &jvp(&twin), 0.0);
        let vjp = |h: &dyn Differentiable| made(p, |g| h.vjp(&w, &v, g));
        assert_close(&format!("vjp of {name}"), &vjp(&net), &vjp(&twin), 0.0);
        // Cancels to nothing where the activation is linear.
        let scale = largest(&vjp(&twin));
        let curvature = |h: &dyn Differentiable| made(p, |g| h.curvature(&w, &v, &u, g));
        assert_close(&format!("curvature of {name}"), &curvature(&net), &curvature(&twin), scale);
        let (jacobian, wanted) = (net.jacobian(&w), twin.jacobian(&w));
        assert_close(&format!("jacobian of {name}"), jacobian.as_slice(), wanted.as_slice(), 0.0);
        let (kernel, wanted) = (net.kernel(&w), twin.kernel(&w));
        assert_close(&format!("kernel of {name}"), kernel.as_slice(), wanted.as_slice(), 0.0);
        assert_eq!(kernel, kernel.transpose());
        assert_eq!(net.is_smooth(), twin.is_smooth());
        // ⟨v, J u⟩ = ⟨Jᵀ v, u⟩.
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (left, right) = (dot(&v, &jvp(&net)), dot(&vjp(&net), &u));
        let size = largest(&vjp(&net)) * p as f64;
        assert!((left - right).abs() <= TOLERANCE * size, "adjoint of {name}: {left} {right}");
    }
}

/// `[first, rest, base, change]` of one increment, with v₀ and v₁ given.
fn increment(
    h: &dyn Differentiable,
    [w, u, e]: [&[f64]; 3],
    eps: f64,
    [v0, v1]: [&[f64]; 2],
) -> [Vec<f64>; 4] {
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    let (mut base, mut change) = (vec![f64::NAN; w.len()], vec![f64::NAN; w.len()]);
    h.increment(
        Displacement { start: w, first: u, rest: e, eps },
        &mut |found_first, found_rest, s0, s1| {
            (first, rest) = (found_first.to_vec(), found_rest.to_vec());
            s0.copy_from_slice(v0);
            s1.copy_from_slice(v1);
        },
        &mut base,
        &mut change,
    );
    [first, rest, base, change]
}

#[test]
fn increments_agree_with_the_plain_twin_at_every_scale() {
    for (name, net) in networks() {
        let twin = Auto::new(net.clone());
        let Shape { params: p, outputs: n } = net.shape();
        let mut draws = Draws(13);
        let (w, u, e) = (draws.vector(p), draws.vector(p), draws.vector(p));
        let (v0, v1) = (draws.vector(n), draws.vector(n));
        for eps in [1000.0, 1.0, 1e-3, 1e-8, 1e-16, 1e-300, 0.0] {
            // Weights and covectors move by about 1 where ε > 1, as they do in a flow (u = (w − w₀)/ε).
            let unit = 1.0 / f64::max(eps, 1.0);
            let scaled =
                |v: &[f64], factor: f64| v.iter().map(|x| x * factor).collect::<Vec<f64>>();
            let moves = [&w[..], &scaled(&u, unit), &scaled(&e, unit * unit)];
            let covectors = [&v0[..], &scaled(&v1, unit)];
            let found = increment(&net, moves, eps, covectors);
            let wanted = increment(&twin, moves, eps, covectors);
            let parts = ["first", "rest", "base", "change"].iter().zip(&found).zip(&wanted);
            for ((part, found), wanted) in parts {
                assert_close(&format!("{part} at ε = {eps:e} of {name}"), found, wanted, 0.0);
            }
        }
    }
}

/// `expand` is the forward half of `increment`, bit for bit, for networks, the plain twin and the wrappers.
#[test]
fn expansions_are_the_forward_half_of_increments() {
    for (name, net) in networks().into_iter().step_by(5) {
        let (p, n) = (net.shape().params, net.shape().outputs);
        let mut draws = Draws(17);
        let (w, u, e) = (draws.vector(p), draws.vector(p), draws.vector(p));
        let pair = |v: &[f64]| [v, &v.iter().map(|x| -x).collect::<Vec<_>>()].concat();
        let (twin, centred) = (Auto::new(net.clone()), Centred::at(&net, &w));
        let (linear, doubled) = (Linearized::at(&net, &w), Doubled(&net));
        let maps: [(&dyn Differentiable, [Vec<f64>; 3]); 5] = [
            (&net, [w.clone(), u.clone(), e.clone()]),
            (&twin, [w.clone(), u.clone(), e.clone()]),
            (&centred, [w.clone(), u.clone(), e.clone()]),
            (&linear, [w.clone(), u.clone(), e.clone()]),
            (&doubled, [[&w[..], &w[..]].concat(), pair(&u), pair(&e)]),
        ];
        for (map, [w, u, e]) in &maps {
            for eps in [1.0, 1e-8, 0.0] {
                let zeros = vec![0.0; n];
                let wanted = increment(*map, [w, u, e], eps, [&zeros, &zeros]);
                let (mut first, mut rest) = (vec![f64::NAN; n], vec![f64::NAN; n]);
                let at = Displacement { start: w, first: u, rest: e, eps };
                map.expand(at, &mut first, &mut rest);
                assert_eq!([&first, &rest], [&wanted[0], &wanted[1]], "ε = {eps:e}, {name}");
            }
        }
    }
}

/// `gradient` is `value`, a covector that depends on it, and `vjp`: for networks, the plain twin and the wrappers. Its
/// sweep may add in another order.
#[test]
fn gradients_are_values_and_vjps() {
    for (name, net) in networks() {
        let (p, n) = (net.shape().params, net.shape().outputs);
        let mut draws = Draws(59);
        let (start, w, c) = (draws.vector(p), draws.vector(p), draws.vector(n));
        let pair = [&w[..], &start[..]].concat();
        let (twin, centred) = (Auto::new(net.clone()), Centred::at(&net, &start));
        let (linear, doubled) = (Linearized::at(&net, &start), Doubled(&net));
        let maps: [(&dyn Differentiable, &[f64]); 5] =
            [(&net, &w), (&twin, &w), (&centred, &w), (&linear, &w), (&doubled, &pair)];
        for (map, w) in maps {
            let (mut y, mut v) = (Vec::new(), Vec::new());
            let gradient = made(w.len(), |dw| {
                map.gradient(
                    w,
                    &mut |found, covector| {
                        for ((v, y), c) in covector.iter_mut().zip(found).zip(&c) {
                            *v = c + y * y;
                        }
                        (y, v) = (found.to_vec(), covector.to_vec());
                    },
                    dw,
                );
            });
            let value = made(n, |y| map.value(w, y));
            assert_close(&format!("gradient's value of {name}"), &y, &value, 0.0);
            let wanted = made(w.len(), |dw| map.vjp(w, &v, dw));
            assert_close(&format!("gradient of {name}"), &gradient, &wanted, 0.0);
        }
    }
}

/// Weights that move by 1000 drive every neuron into saturation or across its kink. Then first and ε rest are 1000
/// times their sum, in the activations and again in the signals: six digits go, and six are asked for. (Each further
/// layer would cost three more.)
#[test]
fn increments_survive_moves_far_beyond_the_start() {
    for (name, net) in networks().into_iter().filter(|(name, _)| name.starts_with("TwoLayer")) {
        let twin = Auto::new(net.clone());
        let Shape { params: p, outputs: n } = net.shape();
        let mut draws = Draws(43);
        let (w, u, v0, v1) = (draws.vector(p), draws.vector(p), draws.vector(n), draws.vector(n));
        let moves = [&w[..], &u, &vec![0.0; p]];
        let found = increment(&net, moves, 1000.0, [&v0, &v1]);
        let wanted = increment(&twin, moves, 1000.0, [&v0, &v1]);
        for (found, wanted) in found.iter().zip(&wanted) {
            let scale = 1e6 * wanted.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
            assert_close(&format!("far {name}"), found, wanted, scale);
        }
    }
}

#[test]
fn nothing_swallows_a_nan() {
    for (name, net) in networks() {
        let p = net.params();
        let mut w = Draws(17).vector(p);
        w[0] = f64::NAN;
        let y = made(net.shape().outputs, |y| net.value(&w, y));
        assert!(y.iter().all(|y| y.is_nan()), "{name}: {y:?}");
    }
}

#[test]
fn a_remembered_start_changes_no_bit() {
    let net = TwoLayer { width: 6, ..TwoLayer::default() }.on(inputs(3, 5)).unwrap();
    let mut draws = Draws(19);
    let (a, b, v) = (draws.vector(24), draws.vector(24), draws.vector(5));
    let fresh = |w: &[f64]| made(24, |g| net.clone().vjp(w, &v, g));
    let reused = |w: &[f64]| made(24, |g| net.vjp(w, &v, g));
    for w in [&a, &a, &b, &a] {
        assert_eq!(reused(w), fresh(w));
    }
}

#[test]
fn wrappers_start_at_exactly_zero() {
    for (name, net) in networks() {
        let w = Draws(23).vector(net.params());
        let n = net.shape().outputs;
        let doubled = Doubled(net.clone());
        let start = Doubled::<Network>::start(&w);
        assert_eq!(made(n, |y| doubled.value(&start, y)), vec![0.0; n], "doubled {name}");
        let centred = Centred::at(net, &w);
        assert_eq!(made(n, |y| centred.value(&w, y)), vec![0.0; n], "centred {name}");
    }
}

/// g(w) − g(w') written as one model.
struct Difference(Network);

impl Model for Difference {
    fn shape(&self) -> Shape {
        let half = self.0.shape();
        Shape { params: 2 * half.params, ..half }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let (a, b) = w.split_at(w.len() / 2);
        let mut other = y.to_vec();
        self.0.eval(a, y);
        self.0.eval(b, &mut other);
        y.iter_mut().zip(other).for_each(|(y, o)| *y = *y - o);
    }
}

#[test]
fn the_doubled_increment_is_that_of_the_difference() {
    for (name, net) in networks() {
        let (doubled, twin) = (Doubled(net.clone()), Difference(net).auto());
        let Shape { params: p, outputs: n } = doubled.shape();
        let mut draws = Draws(29);
        let w = Doubled::<Network>::start(&draws.vector(p / 2));
        let (u, e) = (draws.vector(p), draws.vector(p));
        let (v0, v1) = (draws.vector(n), draws.vector(n));
        for eps in [1.0, 1e-8, 0.0] {
            let found = increment(&doubled, [&w, &u, &e], eps, [&v0, &v1]);
            let wanted = increment(&twin, [&w, &u, &e], eps, [&v0, &v1]);
            for (found, wanted) in found.iter().zip(&wanted) {
                assert_close(&format!("ε = {eps:e}, doubled {name}"), found, wanted, 0.0);
            }
        }
    }
}

#[test]
fn doubled_neurons_start_near_zero_and_odd_widths_are_refused() {
    let net = TwoLayer { width: 8, outputs: 3, biases: true, ..TwoLayer::default() };
    let mut draws = Draws(31);
    let network = net.on(inputs(3, 5)).unwrap();
    let mut w = Initialization::Gaussian(1.0).weights(&network, &mut || draws.normal());
    doubled_start(&network, &mut w).unwrap();
    let y = made(15, |y| network.value(&w, y));
    assert!(largest(&y) < 1e-15, "{y:?}"); // Eight terms below 1 that cancel in pairs.
    let odd = TwoLayer { width: 7, ..net }.on(inputs(3, 5)).unwrap();
    let mut w = vec![0.0; odd.params()];
    let message = doubled_start(&odd, &mut w).unwrap_err().to_string();
    assert!(message.contains("found 7 neurons"), "{message}");
}

/// Deviation of all weights of a layer from zero.
fn deviation(w: &[f64]) -> f64 {
    (w.iter().map(|w| w * w).sum::<f64>() / w.len() as f64).sqrt()
}

#[test]
fn initial_weights_have_the_deviations_of_their_sources() {
    // He et al. 2015, §2.2: √(2/(9·64)) = 0.0589 with fan-in 576. A layer of 576 × 100 weights: the deviation is known
    // to 1/√(2·57600) = 0.3 % of itself; 1.5 % is five times that.
    let net = Mlp { hidden: vec![100], ..Mlp::default() }.on(inputs(576, 1)).unwrap();
    let mut draws = Draws(37);
    let mut layer = |init: Initialization| {
        let w = init.weights(&net, &mut || draws.normal());
        (deviation(&w[..57_600]), w[57_600..57_700].to_vec())
    };
    let near = |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 0.015, "{found}");
    let (he, biases) = layer(Initialization::He);
    near(he, 0.058_925_565_098_878_96);
    assert_eq!(biases, [0.0; 100]);
    near(layer(Initialization::Xavier).0, (2.0_f64 / 676.0).sqrt());
    near(layer(Initialization::Gaussian(0.1)).0, 0.1);
    near(layer(Initialization::Ntk).0, 1.0);
    assert!(largest(&layer(Initialization::Ntk).1) > 1.0);
    // Rows of length 1: entries of deviation 1/√576.
    near(layer(Initialization::UnitSphere).0, 1.0 / 24.0);
}

#[test]
fn a_teacher_has_unit_neurons_and_signs() {
    let net = TwoLayer { width: 3, ..TwoLayer::default() }.on(inputs(4, 2)).unwrap();
    let mut draws = Draws(41);
    let w = Initialization::UnitSphere.weights(&net, &mut || draws.normal());
    for row in w[..12].chunks(4) {
        assert!((row.iter().map(|b| b * b).sum::<f64>() - 1.0).abs() < 1e-15);
    }
    assert!(w[12..].iter().all(|a| a.abs() == 1.0));
}

#[test]
fn impossible_networks_are_refused_with_words() {
    let two = |width, d, n| {
        TwoLayer { width, ..TwoLayer::default() }.on(DMatrix::zeros(d, n)).unwrap_err().to_string()
    };
    assert_eq!(two(3, 2, 0), "number of samples = 0: wanted at least 1");
    assert_eq!(two(3, 0, 2), "dimension of the inputs = 0: wanted at least 1");
    assert_eq!(two(0, 2, 2), "width of hidden layer 1 = 0: wanted at least 1");
    assert!(two(usize::MAX, 2, 2).contains("the limit is 17179869184 bytes"));
    let mut holed = DMatrix::zeros(2, 2);
    holed[(1, 0)] = f64::NAN;
    let message = Mlp::default().on(holed).unwrap_err().to_string();
    assert_eq!(message, "input 2 of sample 1 = NaN: wanted a finite number");
    let net = Mlp::default().on(inputs(2, 2)).unwrap();
    assert!(net.with_inputs(inputs(3, 2)).unwrap_err().to_string().contains("found 3, wanted 2"));
}
