//! Flows of relu networks: kinks crossed, slid along and left, against invariants, closed forms and explicit steps.

mod common;

use common::{alone, apart, gaussian_matrix, options, relative, unfollowed};
use gradflow::flow::{Flow, KinkLog, Path};
use gradflow::loss::{Logistic, Square};
use gradflow::model::{
    Activation, Centred, Differentiable, Doubled, Mlp, Network, Scaling, TwoLayer,
};
use gradflow::random::Generator;
use gradflow::solve::Method;
use gradflow::uniform;
use nalgebra::{DMatrix, dmatrix};

fn relu(width: usize, inputs: DMatrix<f64>) -> Network {
    let scaling = Scaling::One;
    TwoLayer { width, scaling, activation: Activation::Relu, ..TwoLayer::default() }
        .on(inputs)
        .unwrap()
}

fn solved<H: Differentiable>(flow: &Flow<H, Square>, rtol: f64, times: &[f64]) -> Path {
    let path = alone(flow, Method::Exponential, options(rtol), times).unwrap();
    assert_eq!(path.solver, "exponential");
    path
}

fn log(path: &Path) -> &KinkLog {
    path.kinks.as_ref().expect("a solver that follows kinks")
}

/// a² − ‖b‖² of every neuron: constant along any gradient flow of a relu network without biases, Filippov's solutions
/// included, since a ∂h/∂a = ⟨b, ∂h/∂b⟩ for every slope (Du, Hu, Lee 2018).
fn balance(w: &[f64], width: usize, d: usize) -> Vec<f64> {
    let (b, a) = w.split_at(width * d);
    let neuron =
        |(j, a): (usize, &f64)| a * a - b[j * d..(j + 1) * d].iter().map(|b| b * b).sum::<f64>();
    a.iter().enumerate().map(neuron).collect()
}

/// One neuron, two samples that pull it to either side of the second's kink. Off the kink the first sample drives z₂
/// up, on it the second drives it down: the path slides with b·x₂ = 0, and on that line the flow is that of one neuron
/// with the input x₁ − (x₁·x₂/‖x₂‖²) x₂: a' = −r s, s' = −r a q with s = b·x₁, r = a s − y₁ and q = 3/4.
#[test]
fn a_path_slides_where_both_sides_drive_it_back() {
    let third = 0.75_f64.sqrt();
    // Columns x₁ = (1, 0) and x₂ = (1/2, √3/2), so that x₁·x₂ = 1/2.
    let net = relu(1, dmatrix![1.0, 0.5; 0.0, third]);
    // b·x₁ = 0.8, b·x₂ = −0.05.
    let start = [0.8, -0.45 / third, 0.5];
    let flow = Flow::new(net, Square::to([1.0, -3.0]), start);
    let times = uniform(4.0, 40);
    let path = solved(&flow, 1e-9, &times);
    let [slide] = log(&path).slides[..] else { panic!("one slide, found {:?}", log(&path)) };
    assert_eq!((slide.kink.sample, slide.kink.neuron, slide.to), (1, 0, 4.0));
    assert!(slide.from > 0.1 && slide.from < 1.0, "{slide:?}");
    let q = 0.75;
    let mut at: Option<(f64, f64, f64)> = None;
    for (i, &t) in times.iter().enumerate().filter(|(_, t)| **t > slide.from) {
        let w = path.weights(i);
        let (z, s, a) = (0.5 * w[0] + third * w[1], w[0], w[2]);
        // Steps stray from the kink by no more than their tolerance.
        assert!(z.abs() < 1e-9, "at {t}: z = {z:e}");
        // From one time of the grid to the next by Runge–Kutta with a thousand steps: error below 1e-13.
        if let Some((before, mut s0, mut a0)) = at {
            let f = |s: f64, a: f64| (-(a * s - 1.0) * a * q, -(a * s - 1.0) * s);
            let h = (t - before) / 1000.0;
            for _ in 0..1000 {
                let k1 = f(s0, a0);
                let k2 = f(s0 + 0.5 * h * k1.0, a0 + 0.5 * h * k1.1);
                let k3 = f(s0 + 0.5 * h * k2.0, a0 + 0.5 * h * k2.1);
                let k4 = f(s0 + h * k3.0, a0 + h * k3.1);
                s0 += h / 6.0 * (k1.0 + 2.0 * k2.0 + 2.0 * k3.0 + k4.0);
                a0 += h / 6.0 * (k1.1 + 2.0 * k2.1 + 2.0 * k3.1 + k4.1);
            }
            assert!((s - s0).abs() < 1e-8 && (a - a0).abs() < 1e-8, "at {t}");
        }
        at = Some((t, s, a));
    }
}

/// A neuron that a sample leaves behind: the argument crosses and stays away, and with the last sample gone the neuron
/// is dead.
#[test]
fn a_unit_that_dies_is_said_to_be_dead() {
    let net = relu(2, dmatrix![1.0, 2.0]);
    // The second neuron's output weight has the wrong sign: it shrinks to nothing, and its input weight follows.
    let start = [1.0, -0.5, 1.0, 1.0];
    let flow = Flow::new(net, Square::to([1.5, 3.0]), start);
    let path = solved(&flow, 1e-8, &[0.0, 5.0]);
    assert_eq!(log(&path).dead, [(0, 1)]);
    assert!(log(&path).crossings.is_empty());
    // It never moved.
    assert_eq!((path.displacements[1][1], path.displacements[1][3]), (0.0, 0.0));
}

/// Random networks far from lazy, where kinks are many: the balance of every neuron is kept through all of them, and
/// explicit steps at a fine tolerance arrive at the same place.
#[test]
fn random_networks_keep_their_balance_and_agree_with_explicit_steps() {
    let (width, d, n) = (12, 3, 8);
    let (mut crossings, mut slides) = (0, 0);
    for seed in 0..12 {
        let inputs = gaussian_matrix(d, n, seed);
        let mut generator = Generator::seeded(100 + seed);
        let start = generator.gaussians(width * (d + 1));
        let target = generator.gaussians(n);
        for alpha in [0.3, 3.0, 100.0] {
            let start: Vec<f64> = start.iter().map(|w| 0.4 * w).collect();
            let map = Centred::at(relu(width, inputs.clone()), &start);
            let flow = Flow::new(map, Square::to(target.clone()), start.clone()).scaled(alpha);
            let times = uniform(2.0, 8);
            let path = solved(&flow, 1e-8, &times);
            let before = balance(&start, width, d);
            let after = balance(&path.weights(8), width, d);
            let moved = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            // Ten times the tolerance of a displacement of a few units, times twice the weights' size.
            assert!(moved < 1e-6 / alpha.min(1.0), "seed {seed}, α = {alpha}: {moved:e}");
            crossings += log(&path).crossings.len();
            slides += log(&path).slides.len();
            if seed < 4 {
                let explicit =
                    alone(&unfollowed(&flow), Method::Tsit45, options(1e-5), &times).unwrap();
                let apart = apart(&path, &explicit);
                // Explicit steps across kinks keep their tolerance to a factor of some tens.
                assert!(apart < 1e-3, "seed {seed}, α = {alpha}: {apart:e}");
            }
        }
    }
    assert!(crossings > 100 && slides > 5, "{crossings} crossings, {slides} slides");
}

/// Tightening the tolerance converges, at the rate of the tolerance, through every event.
#[test]
fn tolerances_are_kept_through_events() {
    let (width, d, n) = (10, 2, 6);
    let inputs = gaussian_matrix(d, n, 5);
    let start: Vec<f64> = Generator::seeded(6).gaussians(width * (d + 1));
    let target = Generator::seeded(7).gaussians(n);
    let map = Centred::at(relu(width, inputs), &start);
    let flow = Flow::new(map, Square::to(target), start);
    let times = uniform(3.0, 6);
    let reference = solved(&flow, 1e-11, &times);
    assert!(log(&reference).crossings.len() + log(&reference).slides.len() > 3);
    for rtol in [1e-4, 1e-6, 1e-8] {
        let path = solved(&flow, rtol, &times);
        let error = apart(&path, &reference);
        assert!(error <= 10.0 * rtol, "{rtol:e}: {error:e}");
        // The same kinks, in the same order.
        let order = |path: &Path| -> Vec<_> {
            log(path).crossings.iter().map(|crossing| (crossing.kink, crossing.on)).collect()
        };
        assert_eq!(order(&path), order(&reference), "{rtol:e}");
    }
}

/// Deep networks, other losses, doubling: explicit steps agree.
#[test]
fn deep_doubled_and_logistic_networks() {
    let inputs = gaussian_matrix(3, 5, 11);
    let deep = Mlp { hidden: vec![6, 5], activation: Activation::Relu, ..Mlp::default() }
        .on(inputs.clone())
        .unwrap();
    let start = Generator::seeded(12).gaussians(deep.params());
    let times = uniform(1.0, 4);
    let map = Centred::at(deep, &start);
    let flow = Flow::new(map, Square::to([1.0, -1.0, 0.5, 0.0, 2.0]), start);
    let (followed, explicit) = (
        solved(&flow, 1e-8, &times),
        alone(&unfollowed(&flow), Method::Tsit45, options(1e-5), &times).unwrap(),
    );
    assert!(!log(&followed).crossings.is_empty());
    assert!(apart(&followed, &explicit) < 1e-3, "deep: {:e}", apart(&followed, &explicit));

    let half = relu(5, inputs.clone());
    let mut second = 0;
    for seed in 13..17 {
        let start = Doubled::<Network>::start(&Generator::seeded(seed).gaussians(half.params()));
        let target = [1.0, -1.0, 0.5, 0.0, 2.0];
        let flow = Flow::new(Doubled(half.clone()), Square::to(target), start);
        let followed = solved(&flow, 1e-8, &times);
        let explicit = alone(&unfollowed(&flow), Method::Tsit45, options(1e-5), &times).unwrap();
        assert!(apart(&followed, &explicit) < 1e-3, "doubled: {:e}", apart(&followed, &explicit));
        second += log(&followed).crossings.iter().filter(|c| c.kink.neuron >= 5).count();
    }
    assert!(second > 0, "the second half's kinks are named");

    let net = relu(6, inputs);
    let start = Generator::seeded(14).gaussians(net.params());
    let map = Centred::at(net, &start);
    let loss = Logistic::new([1.0, -1.0, 1.0, 1.0, -1.0]).unwrap();
    let flow = Flow::new(map, loss, start);
    let followed = alone(&flow, Method::Automatic, options(1e-8), &times).unwrap();
    let explicit = alone(&unfollowed(&flow), Method::Tsit45, options(1e-5), &times).unwrap();
    assert!(followed.kinks.is_some());
    assert!(apart(&followed, &explicit) < 1e-3, "logistic: {:e}", apart(&followed, &explicit));
}

/// Where the flow is too far from lazy for the exponential method, explicit steps take over. They solve the flow itself,
/// not its first piece: as they do when asked for by name, and, at a finer tolerance, keep the balance of every neuron.
#[test]
fn explicit_steps_that_take_over_see_the_kinks() {
    let (width, d, n) = (12, 3, 8);
    let mut generator = Generator::seeded(0);
    let inputs = DMatrix::from_vec(d, n, generator.gaussians(d * n));
    let start: Vec<f64> = generator.gaussians(width * (d + 1)).iter().map(|w| 0.4 * w).collect();
    let target = generator.gaussians(n);
    let map = Centred::at(relu(width, inputs), &start);
    let flow = Flow::new(map, Square::to(target), start).scaled(0.01);
    let chosen = alone(&flow, Method::Automatic, options(1e-3), &[2.0]).unwrap();
    let named = alone(&flow, Method::Tsit45, options(1e-3), &[2.0]).unwrap();
    assert_eq!(chosen.solver, "tsit45");
    assert!(!log(&chosen).crossings.is_empty());
    assert_eq!((&chosen.kinks, &chosen.displacements), (&named.kinks, &named.displacements));
    let finer = alone(&flow, Method::Tsit45, options(1e-7), &[2.0]).unwrap();
    // Ten times the tolerance; outputs so far from lazy are off by that times the size of Dh.
    let fine = alone(&flow, Method::Tsit45, options(1e-4), &[2.0]).unwrap();
    let error = relative(&fine.displacements, &finer.displacements);
    assert!(error <= 1e-3, "{error:e}");
    // a² − ‖b‖² of weights of size a hundred.
    let (before, after) = (balance(&flow.start, width, d), balance(&finer.weights(0), width, d));
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() < 1e-5, "{before} {after}");
    }
}

/// Smooth models have no kinks to report, nor has one whose kinks are kept from the solver.
#[test]
fn only_those_who_follow_kinks_report_them() {
    let net = TwoLayer { width: 4, ..TwoLayer::default() }.on(gaussian_matrix(2, 3, 1)).unwrap();
    let start = Generator::seeded(2).gaussians(net.params());
    let flow = Flow::new(net, Square::to([1.0, 0.0, -1.0]), start);
    assert_eq!(solved(&flow, 1e-6, &[0.0, 1.0]).kinks, None);
    let net = relu(4, gaussian_matrix(2, 3, 1));
    let start = Generator::seeded(2).gaussians(net.params());
    let flow = Flow::new(net, Square::to([1.0, 0.0, -1.0]), start);
    let explicit = alone(&unfollowed(&flow), Method::Tsit45, options(1e-6), &[0.0, 1.0]).unwrap();
    assert_eq!(explicit.kinks, None);
}
