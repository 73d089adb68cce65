//! Theorem 2.2: rates on a finite horizon without convexity, and the displacement's constant.

use crate::common::{Scalar1, Sin2};
use crate::models::{AnyFlow, Cosine, assert_slopes, flow, slopes, solve, tanh_net, worst};
use gradflow::constants::Neighbourhood;
use gradflow::loss::{Loss, Square};
use gradflow::model::{Activation, Centred, Doubled, Model, TwoLayer};
use gradflow::theory::{FiniteHorizon, Setting, Theorem, Verdict};
use gradflow::uniform;
use nalgebra::DMatrix;

const TIME: f64 = 3.0;

fn theorems(flow: &AnyFlow<'_>, time: f64) -> [FiniteHorizon; 3] {
    let near = Neighbourhood::of(&flow.map, &flow.start).unwrap();
    FiniteHorizon::for_flow(&Setting::of(flow).unwrap(), &near, time)
}

/// The largest ‖w − w₀‖/(√(tR)/α) over times and scales, every hypothesis being checked on the way.
fn displacement(flow: &AnyFlow<'_>) -> f64 {
    let mut largest = 0.0_f64;
    for alpha in [10.0, 1e2, 1e3] {
        let flow = flow.clone().scaled(alpha);
        let [displacement, weights, outputs] = theorems(&flow, TIME);
        for theorem in [&displacement, &weights, &outputs] {
            assert_eq!(theorem.verdict(), Verdict::Holds, "{:?}", theorem.hypotheses());
        }
        // No constant is claimed of the gaps, and nothing beyond T.
        assert_eq!((weights.bound(1.0), outputs.bound(1.0)), (None, None));
        assert_eq!((weights.rate(), outputs.rate()), (Some(-2.0), Some(-1.0)));
        assert_eq!(displacement.bound(2.0 * TIME), None);
        largest = largest.max(worst(&displacement, &solve(&flow, &uniform(TIME, 30)), &[]));
    }
    largest
}

/// The suprema are A α^(−k)(1 + B/α + …): with |B| ≤ 1 a slope from α₁ on is off by less than 1/α₁. Over α = 10 … 1000
/// that still shows, two decades later it does not.
#[test]
fn rates_without_convexity() {
    let (scalar, scalar_loss) = (Scalar1.auto(), Cosine(vec![1.5]));
    let (sine, sine_loss) = (Sin2.auto(), Cosine(vec![1.0, -0.7]));
    for (map, loss, start) in [
        (&scalar as &dyn gradflow::model::Differentiable, &scalar_loss, vec![1.0]),
        (&sine, &sine_loss, vec![0.0, 0.0]),
    ] {
        let flow = flow(map, loss, &start);
        assert_slopes(slopes(&flow, TIME, (10.0, 1e3)), [-1.0, -2.0, -1.0], 0.1);
        assert_slopes(slopes(&flow, TIME, (1e3, 1e5)), [-1.0, -2.0, -1.0], 1e-3);
        let ratio = displacement(&flow);
        assert!(ratio > 0.4 && ratio <= 1.0, "{ratio}");
    }
    // Doubling cancels the second order of the outputs.
    let (net, half) = tanh_net(12, 2, 3, 30);
    let (doubled, loss) = (Doubled(net.auto()), Cosine(vec![0.8, -0.5, 0.3]));
    let flow = flow(&doubled, &loss, &[half.clone(), half].concat());
    assert_slopes(slopes(&flow, TIME, (10.0, 1e3)), [-1.0, -2.0, -2.0], 0.1);
    assert_slopes(slopes(&flow, TIME, (1e3, 1e5)), [-1.0, -2.0, -2.0], 1e-3);
    let ratio = displacement(&flow);
    assert!(ratio > 0.3 && ratio <= 1.0, "{ratio}");
}

/// R − inf R in place of R, for a loss whose infimum is not 0: the displacement is still bounded, and by less.
#[test]
fn the_infimum_counts() {
    struct Raised(Square);
    impl Loss for Raised {
        fn name(&self) -> String {
            "raised".into()
        }
        fn outputs(&self) -> usize {
            1
        }
        fn value(&self, y: &[f64]) -> f64 {
            self.0.value(y) + 100.0
        }
        fn gradient(&self, y: &[f64], g: &mut [f64]) {
            self.0.gradient(y, g);
        }
        fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
            self.0.hessian(y, dy, out);
        }
        fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
            self.0.increment(y, s, eps, q);
        }
        fn convexity(&self) -> gradflow::loss::Convexity {
            self.0.convexity()
        }
        fn minimizer(&self) -> Option<&[f64]> {
            self.0.minimizer()
        }
    }
    let (map, loss) = (Scalar1.auto(), Raised(Square::to([1.5])));
    let flow = flow(&map, &loss, &[1.0]).scaled(10.0);
    let [displacement, ..] = theorems(&flow, TIME);
    assert!((displacement.excess_risk - 0.5 * 1.5 * 1.5).abs() < 1e-12);
    let ratio = worst(&displacement, &solve(&flow, &uniform(TIME, 30)), &[]);
    assert!(ratio > 0.4 && ratio <= 1.0, "{ratio}");
}

/// Each hypothesis can fail, and says what to do.
#[test]
fn hypotheses_fail_one_by_one() {
    let failing = |flow: &AnyFlow<'_>, time: f64| {
        let [theorem, ..] = theorems(flow, time);
        let failed: Vec<_> =
            theorem.hypotheses().into_iter().filter(|h| h.verdict == Verdict::Fails).collect();
        assert_eq!((failed.len(), theorem.bound(0.5)), (1, None), "{failed:?}");
        (failed[0].statement.clone(), failed[0].repair.clone().unwrap())
    };
    let (map, square) = (Scalar1.auto(), Square::to([1.5]));
    let uncentred = flow(&map, &square, &[2.0]).scaled(10.0);
    assert!(failing(&uncentred, 1.0).1.contains("centre the model"));
    let endless = flow(&map, &square, &[1.0]).scaled(10.0);
    assert!(failing(&endless, f64::INFINITY).0.contains("T < ∞"));
    let relu = TwoLayer { width: 2, activation: Activation::Relu, ..TwoLayer::default() };
    let (net, start) = (relu.on(DMatrix::from_element(1, 1, 0.5)).unwrap(), [1.0, 2.0, 0.5, -1.0]);
    let centred = Centred::at(net, &start);
    let kinked = flow(&centred, &square, &start).scaled(10.0);
    assert!(failing(&kinked, 1.0).1.contains("smooth activation"));
}
