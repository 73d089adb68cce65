//! Theorem 2.2 (Chizat et al. 2019) on a finite horizon: sup‖w − w₀‖ = O(1/α), sup‖w − w̄‖ = O(1/α²) and
//! sup‖y − ȳ‖ = O(1/α) for h(w₀) = 0, and without that hypothesis nothing of the kind.
//!
//! Slopes are least squares of log sup against log α. The suprema are A α^(−k)(1 + B/α + …): over scales from α₁ on
//! a slope differs from −k by about B/α₁ divided by the decades spanned. Solves at rtol = 1e-9 add less than 1e-8.

mod common;

use common::{Scalar1, Sin2, TinyTanh, gap, gaussian_matrix};
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::{Huber, Logistic, Loss, Square};
use gradflow::model::{Centred, Differentiable, Doubled, Model};
use gradflow::random::Generator;
use gradflow::solve::{Comparison, Method};
use gradflow::uniform;

/// Slopes of sup‖w − w₀‖, sup‖w − w̄‖ and sup‖y − ȳ‖ between scales 10^from and 10^to, four to a decade.
fn slopes<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    time: f64,
    from: i32,
    to: i32,
) -> [f64; 3] {
    let (first, last) = (10.0_f64.powi(from), 10.0_f64.powi(to));
    let alphas = &logarithmic(first, last, usize::try_from(4 * (to - from)).unwrap())[1..];
    let runs: Vec<Comparison> = alphas
        .iter()
        .map(|&a| gap(Method::Automatic, 1e-9).solve(&flow.at_scale(a), &[0.0, time]).unwrap())
        .collect();
    let slope = |order: i32, scaled: fn(&Comparison) -> f64| {
        let points: Vec<[f64; 2]> = runs
            .iter()
            .map(|r| [r.curved.alpha.ln(), scaled(r).ln() - f64::from(order) * r.curved.alpha.ln()])
            .collect();
        #[allow(clippy::cast_precision_loss, reason = "a count of points")]
        let mean = |i: usize| points.iter().map(|p| p[i]).sum::<f64>() / points.len() as f64;
        let (mx, my) = (mean(0), mean(1));
        let sxy: f64 = points.iter().map(|p| (p[0] - mx) * (p[1] - my)).sum();
        sxy / points.iter().map(|p| (p[0] - mx).powi(2)).sum::<f64>()
    };
    [
        slope(1, |r| r.displacement.scaled),
        slope(2, |r| r.weights_gap.scaled),
        slope(1, |r| r.outputs_gap.scaled),
    ]
}

fn assert_slopes(found: [f64; 3], wanted: [f64; 3], tolerance: f64) {
    for (f, w) in found.iter().zip(&wanted) {
        assert!((f - w).abs() <= tolerance, "{found:.4?}, wanted {wanted:?}");
    }
}

fn net(seed: u64) -> (TinyTanh, Vec<f64>) {
    let net = TinyTanh { width: 12, inputs: gaussian_matrix(2, 3, seed) };
    (net, Generator::seeded(seed + 1).gaussians(36))
}

const TARGETS: [f64; 3] = [0.8, -0.5, 0.3];

/// Slopes from an independent integration of the two flows, rounded to three digits: at α = 10 … 1000 the next
/// order in 1/α still shows.
#[test]
fn the_scalar_model_from_ten_to_a_thousand() {
    let flow = Flow::new(Scalar1.auto(), Square::to([1.5]), [1.0]);
    assert_slopes(slopes(&flow, 3.0, 1, 3), [-0.996, -1.991, -0.997], 0.005);
}

#[test]
fn centred_models_have_the_theorem_s_rates() {
    let scalar = Flow::new(Scalar1.auto(), Square::to([1.5]), [1.0]);
    assert_slopes(slopes(&scalar, 3.0, 3, 5), [-1.0, -2.0, -1.0], 1e-3);
    let sine = Flow::new(Sin2.auto(), Square::to([0.6, -0.4]), [0.0, 0.0]);
    assert_slopes(slopes(&sine, 3.0, 3, 5), [-1.0, -2.0, -1.0], 1e-3);
    let (net, start) = net(20);
    let net = Centred::at(net.auto(), &start);
    let square = Flow::new(&net, Square::to(TARGETS), start.clone());
    assert_slopes(slopes(&square, 3.0, 3, 5), [-1.0, -2.0, -1.0], 1e-3);
    let logistic = Flow::new(&net, Logistic::new([1.0, -1.0, 1.0]).unwrap(), start.clone());
    assert_slopes(slopes(&logistic, 3.0, 3, 5), [-1.0, -2.0, -1.0], 1e-3);
    // Not strongly convex: the theorem does not ask for it.
    let huber = Flow::new(&net, Huber::to(TARGETS).delta(0.2).unwrap(), start);
    assert_slopes(slopes(&huber, 3.0, 3, 5), [-1.0, -2.0, -1.0], 1e-3);
}

/// Doubling cancels the second order in the outputs: one order better there, and only there.
#[test]
fn doubled_models_are_one_order_better_in_outputs() {
    let (net, half) = net(30);
    let start = [half.clone(), half].concat();
    let flow = Flow::new(Doubled(net.auto()), Square::to(TARGETS), start);
    assert_slopes(slopes(&flow, 3.0, 3, 5), [-1.0, -2.0, -2.0], 1e-3);
}

/// The explicit bound in the proof of Theorem 2.2: sup_[0,T] ‖w − w₀‖ ≤ √(T R(α h(w₀)))/α.
#[test]
fn the_displacement_is_bounded() {
    for seed in 0..20 {
        let (net, start) = net(100 + 2 * seed);
        let net = Centred::at(net.auto(), &start);
        let mut draws = Generator::seeded(seed);
        let (alpha, time) =
            (10.0_f64.powf(draws.uniform(-1.0, 4.0)), 10.0_f64.powf(draws.uniform(-2.0, 2.0)));
        let targets = draws.gaussians(3);
        let labels = [draws.sign(), draws.sign(), draws.sign()];
        let losses: [Box<dyn Loss>; 2] =
            [Box::new(Square::to(targets)), Box::new(Logistic::new(labels).unwrap())];
        for loss in losses {
            let flow = Flow::new(&net, &*loss, start.clone()).scaled(alpha);
            let run = gap(Method::Automatic, 1e-6).solve(&flow, &[0.0, time]).unwrap();
            let bound = (time * loss.value(&[0.0; 3])).sqrt();
            let ratio = run.displacement.scaled / bound;
            assert!(ratio > 0.0 && ratio <= 1.0, "seed {seed}: {ratio}");
        }
    }
}

/// The control: with h(w₀) ≠ 0 the residual grows with α and ‖w − w₀‖ tends to a constant, so that α‖w − w₀‖ grows
/// in proportion. In the limit w' = −Dh(w)ᵀh(w) (Chizat et al. 2019, §1.3): for h = w² − 1 from 2, w' = −2w(w² − 1), of
/// solution w² = 1/(1 − ¾e^(−4t)).
#[test]
fn an_uncentred_model_is_not_lazy() {
    let flow = Flow::new(Scalar1.auto(), Square::to([1.5]), [2.0]);
    let moved = |alpha: f64| {
        let run = gap(Method::Automatic, 1e-8).solve(&flow.at_scale(alpha), &uniform(1.0, 4));
        run.unwrap().displacement.scaled / alpha
    };
    let limit = 2.0 - (1.0 / (1.0 - 0.75 * (-4.0_f64).exp())).sqrt();
    // y*/α moves the limit by as much, to first order.
    for alpha in [1e2, 1e3, 1e4] {
        assert!((moved(alpha) - limit).abs() <= 1.5 / alpha, "{} at {alpha}", moved(alpha));
    }
}
