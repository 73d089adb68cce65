//! Flows that meet a border of the domain, a kink or a pole: in bounded time, with a typed answer.

mod common;

use common::{Linear, METHODS, alone, assert_close, failure, gap, options};
use gradflow::flow::{Flow, Stop};
use gradflow::loss::{Convexity, Logistic, Loss, Square};
use gradflow::model::{Auto, Model, Shape};
use gradflow::scalar::Scalar;
use gradflow::solve::{Gap, Method};
use gradflow::{Error, Failure};
use nalgebra::dmatrix;
use std::time::{Duration, Instant};

/// One weight, one output: h(w) by name.
#[derive(Clone, Copy, Debug)]
enum One {
    Ln,
    Sqrt,
    /// relu(w) − 1
    Hinge,
    /// relu(w)
    Relu,
}

impl Model for One {
    fn shape(&self) -> Shape {
        Shape { params: 1, outputs: 1 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = match self {
            One::Ln => w[0].ln(),
            One::Sqrt => w[0].sqrt(),
            One::Hinge => w[0].relu() - S::from(1.0),
            One::Relu => w[0].relu(),
        };
    }
}

/// h = relu(w) − 1, y* = −3: the unit dies where w = 0, y = −1, and both stay. With ū = −3 (1 − e^(−t)) the gap at T = 10
/// is then α(−α − ū(T)), and the price of it does not grow like 1/rtol, as it would if the dead unit flickered.
#[test]
fn a_dead_unit_costs_nothing() {
    let times = [0.0, 10.0];
    let flow = Flow::new(One::Hinge.auto(), Square::to([-3.0]), [1.0]);
    let straight = -3.0 * (1.0 - (-10.0_f64).exp());
    for (alpha, rtol) in [(0.5, 1e-6), (1.0, 1e-8), (1.0, 1e-10), (2.9, 1e-10)] {
        let found = gap(Method::Automatic, rtol).solve(&flow.at_scale(alpha), &times).unwrap();
        let wanted = alpha * (-alpha - straight);
        // Forty tolerances, as for the death itself: one step's overshoot of the kink.
        let what = format!("α = {alpha}, rtol = {rtol:e}");
        assert_close(found.weights_gaps[1][0], wanted, 40.0 * rtol, &what);
        assert!(found.work.rhs < 10_000, "{what}: {:?}", found.work);
    }
    // At α = 100 the unit never comes near its kink: a linear model, and a gap of exactly zero.
    let lazy = gap(Method::Automatic, 1e-10).solve(&flow.at_scale(100.0), &times).unwrap();
    assert_eq!((lazy.weights_gap.scaled, lazy.outputs_gap.scaled), (0.0, 0.0));
}

/// h = (w, ln w) from −1: the second output is NaN.
#[test]
fn a_start_outside_the_domain() {
    struct Pair;
    impl Model for Pair {
        fn shape(&self) -> Shape {
            Shape { params: 1, outputs: 2 }
        }
        fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
            (y[0], y[1]) = (w[0], w[0].ln());
        }
    }
    let flow = Flow::new(Pair.auto(), Square::to([0.0, 0.0]), [-1.0]);
    for method in METHODS {
        let results = [
            alone(&flow, method, options(1e-6), &[0.0, 1.0]).map(drop),
            gap(method, 1e-6).solve(&flow, &[0.0, 1.0]).map(drop),
        ];
        for result in results {
            match result {
                Err(Error::Integration { failure: Failure::DomainLeft, time, detail }) => {
                    assert!(time == 0.0 && detail.contains("output 1"), "{detail}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
    // √w at 0 has a value and no derivative.
    let edge = Flow::new(One::Sqrt.auto(), Square::to([1.0]), [0.0]);
    assert_eq!(failure(Gap::default().solve(&edge, &[1.0])), (Failure::DomainLeft, 0.0));
}

/// h = √w from 1 to the target −1: √w = r obeys 4r² r' = −(r + 1) · 1, and w is 0 after
/// ∫₀¹ 4r²/(r + 1) dr = 4 (ln 2 − ½).
/// h = ln w from 1 under the logistic loss of label −1: w' = −1/(1 + w), and w is 0 after ∫₀¹ (1 + w) dw = 3/2.
#[test]
fn a_domain_left_on_the_way() {
    let root = Flow::new(One::Sqrt.auto(), Square::to([-1.0]), [1.0]);
    let logarithm = Flow::new(One::Ln.auto(), Logistic::new([-1.0]).unwrap(), [1.0]);
    for method in METHODS {
        leaves(&root, method, 4.0 * (2.0_f64.ln() - 0.5));
        leaves(&logarithm, method, 1.5);
    }
}

fn leaves<L: Loss>(flow: &Flow<Auto<One>, L>, method: Method, wanted: f64) {
    for rtol in [1e-4, 1e-8] {
        for alone_or_gap in [false, true] {
            let started = Instant::now();
            let result = if alone_or_gap {
                alone(flow, method, options(rtol), &[0.0, 5.0]).map(drop)
            } else {
                gap(method, rtol).solve(flow, &[0.0, 5.0]).map(drop)
            };
            let what = format!("{:?}, {method:?} at {rtol:e}: {result:?}", flow.map.model());
            let (how, time) = failure(result);
            assert_eq!(how, Failure::DomainLeft, "{what}");
            assert!((time - wanted).abs() <= 1e-3, "{what}, not {wanted}");
            assert!(started.elapsed() < Duration::from_secs(5), "{what}");
        }
    }
}

/// h = relu(w) − 1 from 1 to the target −3: w = 3e^(−t) − 2 until t = ln 1.5, then w stays at the kink. An explicit
/// step may end past it: of the stages of TSIT45 perhaps only the last sees the jump J of the velocity, with weight 1/66
/// in the error estimate, so that the estimate h J/66 is within 0.2 rtol · scale while the overshoot is up to h J; the
/// scale is at most three times sup‖u‖ = 1: 40 rtol. Implicit steps have no solution there: where the user insists on them, a typed
/// failure at the kink is an honest answer.
#[test]
fn a_unit_dies_at_its_kink() {
    let flow = Flow::new(One::Hinge.auto(), Square::to([-3.0]), [1.0]);
    let death = 1.5_f64.ln();
    for rtol in [1e-3, 1e-6] {
        for method in METHODS {
            let started = Instant::now();
            let results = [
                alone(&flow, method, options(rtol), &[0.0, 0.3, 2.0]),
                gap(method, rtol).solve(&flow, &[0.0, 0.3, 2.0]).map(|run| run.curved),
            ];
            for result in results {
                match result {
                    Ok(path) => {
                        let before = 3.0 * (-0.3_f64).exp() - 2.0;
                        assert_close(path.weights(1)[0], before, 10.0 * rtol, "before");
                        let w = path.weights(2)[0];
                        assert!(w.abs() <= 40.0 * rtol, "{method:?} at {rtol:e} ends at {w}");
                    }
                    Err(Error::Integration { failure, time, .. }) => {
                        let forced = !matches!(method, Method::Automatic | Method::Tsit45);
                        assert!(forced, "{method:?} at {rtol:e}: {failure} at {time}");
                        let typed = matches!(
                            failure,
                            Failure::StepTooSmall | Failure::NonlinearSolve | Failure::TooMuchWork
                        );
                        assert!(
                            typed && (0.99 * death..2.0).contains(&time),
                            "{failure} at {time}"
                        );
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            assert!(started.elapsed() < Duration::from_secs(5), "{method:?} at {rtol:e}");
        }
    }
}

/// relu'(0) = 0: a unit that starts at its kink is dead.
#[test]
fn a_start_at_the_kink() {
    let flow = Flow::new(One::Relu.auto(), Square::to([1.5]), [0.0]);
    for method in METHODS {
        let run = gap(method, 1e-6).solve(&flow, &[0.0, 1.0, f64::INFINITY]).unwrap();
        assert_eq!((run.curved.stop, run.displacement.scaled), (Stop::Stationary, 0.0));
    }
}

/// R = −y⁴/4, a loss without a floor: y' = y³.
struct Falling {
    big_m: f64,
}

impl Loss for Falling {
    fn name(&self) -> String {
        "falling".into()
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, y: &[f64]) -> f64 {
        -0.25 * y[0].powi(4)
    }
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        g[0] = -y[0].powi(3);
    }
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        out[0] = -3.0 * y[0] * y[0] * dy[0];
    }
    /// [(y + εs)³ − y³]/ε = s (3y² + 3yεs + ε²s²).
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        let (y, s) = (y[0], s[0]);
        q[0] = -s * (3.0 * y * y + 3.0 * y * eps * s + (eps * s).powi(2));
    }
    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: self.big_m }
    }
}

/// y = 1/√(1 − 2t): a pole at ½, with a loss that knows a bound on its curvature near the start, or none. At
/// 0.49 y has grown sevenfold; how much nearer a run gets depends on its method.
#[test]
fn a_pole_in_finite_time() {
    for big_m in [3.0, f64::INFINITY] {
        let flow = Flow::new(Linear(dmatrix![1.0]).auto(), Falling { big_m }, [1.0]);
        for method in METHODS {
            for rtol in [1e-4, 1e-7] {
                let started = Instant::now();
                let results = [
                    alone(&flow, method, options(rtol), &[0.0, 5.0]).map(drop),
                    gap(method, rtol).solve(&flow, &[0.0, 5.0]).map(drop),
                ];
                for result in results {
                    let what = format!("M = {big_m}, {method:?} at {rtol:e}: {result:?}");
                    let (how, time) = failure(result);
                    let typed = matches!(
                        how,
                        Failure::BlowUp | Failure::StepTooSmall | Failure::DomainLeft
                    );
                    assert!(typed && (time - 0.5).abs() <= 1e-2, "{what}");
                }
                assert!(started.elapsed() < Duration::from_secs(5), "{method:?} at {rtol:e}");
            }
        }
    }
}
