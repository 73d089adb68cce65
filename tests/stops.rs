//! How runs end: at the horizon, at rest, at an event, or with a typed failure in bounded time.

mod common;

use common::{Linear, METHODS, Scalar1, assert_close, gap, options};
use gradflow::flow::{Flow, Path, Solver, Stop};
use gradflow::loss::{Convexity, Logistic, Loss, Square};
use gradflow::model::{Auto, Differentiable, Model, Shape};
use gradflow::scalar::Scalar;
use gradflow::solve::{
    Automatic, Bdf, Budget, Comparison, Eigen, Esdirk34, Events, Gap, Method, Options, TrBdf2,
    Tsit45,
};
use gradflow::{Error, Failure, Result};
use nalgebra::dmatrix;
use std::time::{Duration, Instant};

const TARGET: f64 = 1.5;

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

/// The flow by itself, by the method's own type.
fn alone<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    method: Method,
    options: Options,
    times: &[f64],
) -> Result<Path> {
    match method {
        Method::Automatic => Automatic(options).solve(flow, times),
        Method::Bdf => Bdf(options).solve(flow, times),
        Method::TrBdf2 => TrBdf2(options).solve(flow, times),
        Method::Esdirk34 => Esdirk34(options).solve(flow, times),
        Method::Tsit45 => Tsit45(options).solve(flow, times),
    }
}

fn scalar(alpha: f64) -> Flow<Auto<Scalar1>, Square> {
    Flow::new(Scalar1.auto(), Square::to([TARGET]), [1.0]).scaled(alpha)
}

fn with_options(options: Options) -> Gap {
    Gap { options, ..Gap::default() }
}

/// The failure and its time.
fn failure<T: std::fmt::Debug>(result: Result<T>) -> (Failure, f64) {
    match result {
        Err(Error::Integration { failure, time, .. }) => (failure, time),
        other => panic!("wanted a failed integration, found {other:?}"),
    }
}

#[test]
fn no_time_no_motion() {
    let flow = Flow::new(Scalar1.auto(), Square::to([TARGET]), [2.0]).scaled(10.0);
    for method in METHODS {
        let path = alone(&flow, method, options(1e-8), &[0.0]).unwrap();
        assert_eq!((path.stop, &path.times[..]), (Stop::Horizon, &[0.0][..]));
        assert_eq!((&path.displacements[0][..], &path.outputs[0][..]), (&[0.0][..], &[30.0][..]));
        let run = gap(method, 1e-8).solve(&flow, &[0.0]).unwrap();
        assert_eq!((&run.curved.outputs, &run.straight.outputs), (&path.outputs, &path.outputs));
        assert_eq!((run.weights_gap.scaled, run.outputs_gap.scaled), (0.0, 0.0));
    }
}

/// Dh(w₀) = 0, or ∇R = 0, or the kink's own convention relu'(0) = 0: nothing moves, and the run says why.
#[test]
fn a_stationary_start() {
    let bottom = Flow::new(Scalar1.auto(), Square::to([TARGET]), [0.0]);
    let fitted = Flow::new(Scalar1.auto(), Square::to([0.0]), [1.0]);
    for times in [&[0.0, 1.0, 5.0][..], &[0.0, 1.0, f64::INFINITY]] {
        for method in METHODS {
            for flow in [&bottom, &fitted] {
                let path = alone(flow, method, options(1e-8), times).unwrap();
                assert_eq!(path.stop, Stop::Stationary);
                assert!(path.displacements.iter().all(|u| u == &[0.0]));
                let run = gap(method, 1e-8).solve(flow, times).unwrap();
                assert_eq!((run.curved.stop, run.weights_gap.scaled), (Stop::Stationary, 0.0));
            }
            let kink = Flow::new(One::Relu.auto(), Square::to([TARGET]), [0.0]);
            assert_eq!(
                gap(method, 1e-6).solve(&kink, times).unwrap().curved.stop,
                Stop::Stationary
            );
        }
    }
}

/// w → √(1 + 1.5/α), u = y*/(w + 1) and e = −u y*/(2(w + 1)) (tests/closed_forms.rs at t = ∞).
#[test]
fn rest_at_an_infinite_horizon() {
    for alpha in [10.0, 1e6, f64::INFINITY] {
        let w = (1.0 + TARGET / alpha).sqrt();
        let u = TARGET / (w + 1.0);
        let e = -u * TARGET / (2.0 * (w + 1.0));
        for rtol in [1e-4, 1e-7, 1e-10] {
            for method in [Method::Automatic, Method::Bdf, Method::Tsit45] {
                let what = format!("α = {alpha:e}, rtol = {rtol:e}, {method:?}");
                let times = [0.0, 0.5, f64::INFINITY];
                let path = alone(&scalar(alpha), method, options(rtol), &times).unwrap();
                assert_eq!(path.stop, Stop::Converged);
                assert_close(path.displacements.last().unwrap()[0], u, 10.0 * rtol, &what);
                let run = gap(method, rtol).solve(&scalar(alpha), &times).unwrap();
                assert_eq!(run.curved.stop, Stop::Converged);
                assert_close(run.curved.displacements.last().unwrap()[0], u, 10.0 * rtol, &what);
                assert_close(run.weights_gaps.last().unwrap()[0], e, 10.0 * rtol, &what);
            }
        }
    }
}

/// y' = 1/(1 + e^y) grows like ln t: no limit, and no method pretends to one.
#[test]
fn a_separable_logistic_loss_has_no_limit() {
    let flow = Flow::new(Linear(dmatrix![1.0]).auto(), Logistic::new([1.0]).unwrap(), [0.0]);
    for method in [Method::Automatic, Method::Bdf, Method::TrBdf2, Method::Esdirk34] {
        let (how, _) = failure(alone(&flow, method, options(1e-6), &[0.0, f64::INFINITY]));
        assert_eq!(how, Failure::NotConverged, "{method:?}");
        let (how, _) = failure(gap(method, 1e-6).solve(&flow, &[0.0, f64::INFINITY]));
        assert_eq!(how, Failure::NotConverged, "{method:?}");
    }
    let few = Options { rtol: 1e-6, budget: Budget { steps: 2000, ..Budget::default() } };
    let (how, _) = failure(alone(&flow, Method::Tsit45, few, &[0.0, f64::INFINITY]));
    assert_eq!(how, Failure::TooMuchWork);
}

/// y(t) = y*(1 − E)/(1 + εy*E), E = e^(−4ct), c = 1 + εy*, inverted.
fn time_of_output(alpha: f64, y: f64) -> f64 {
    let eps = alpha.recip();
    -((TARGET - y) / (TARGET * (1.0 + eps * y))).ln() / (4.0 * (1.0 + eps * TARGET))
}

fn stopped_at(alpha: f64, rtol: f64, method: Method, events: Events) -> (Stop, f64, Comparison) {
    let gap = Gap { events, ..gap(method, rtol) };
    let run = gap.solve(&scalar(alpha), &[0.0, 0.01, 100.0]).unwrap();
    (run.curved.stop, run.time(), run)
}

/// Levels that the flow meets at y = 1: an error of 10·rtol·y* in y moves that time by 10·rtol·y*/y', where
/// y' = 4(1 + ε)(y* − 1) > 2.
#[test]
fn events_are_located_in_time() {
    for alpha in [2.0, 1e3] {
        let eps = f64::recip(alpha);
        let (y, w) = (1.0, f64::sqrt(1.0 + eps));
        let wanted = time_of_output(alpha, y);
        let levels = [
            (Stop::Loss, Events { loss: Some(0.5 * (TARGET - y).powi(2)), ..Events::default() }),
            (
                Stop::Gradient,
                Events { gradient: Some(2.0 * w * (TARGET - y)), ..Events::default() },
            ),
            (Stop::Distance, Events { distance: Some(eps * y / (w + 1.0)), ..Events::default() }),
        ];
        for (stop, events) in levels {
            for rtol in [1e-5, 1e-8] {
                for method in [Method::Automatic, Method::Bdf] {
                    let (found, time, run) = stopped_at(alpha, rtol, method, events);
                    assert_eq!(found, stop);
                    let late = (time - wanted).abs();
                    assert!(late <= 10.0 * rtol * TARGET / 2.0, "{stop} at {alpha}: {late:e}");
                    // The times before it are kept, those after it are not.
                    assert_eq!(run.curved.times.len(), 3);
                    assert_close(run.curved.outputs[2][0], y, 10.0 * rtol * TARGET, "output");
                }
            }
        }
    }
}

#[test]
fn an_event_that_has_already_happened_stops_at_once() {
    let events = Events { loss: Some(2.0), ..Events::default() };
    let (stop, time, _) = stopped_at(10.0, 1e-8, Method::Automatic, events);
    assert_eq!(stop, Stop::Loss);
    assert!(time <= 1e-12, "{time:e}");
}

#[test]
fn budgets_end_a_run() {
    let flow = scalar(10.0);
    for budget in [
        Budget { steps: 7, ..Budget::default() },
        Budget { wall: Duration::ZERO, ..Budget::default() },
    ] {
        let options = Options { rtol: 1e-10, budget };
        for method in METHODS {
            let (how, time) = failure(alone(&flow, method, options, &[0.0, 50.0]));
            assert!(how == Failure::TooMuchWork && time < 50.0);
            let gap = Gap { method, ..with_options(options) };
            let (how, time) = failure(gap.solve(&flow, &[0.0, 50.0]));
            assert!(how == Failure::TooMuchWork && time < 50.0);
        }
    }
}

#[test]
fn tolerances_that_cannot_be_meant() {
    let run = |rtol| with_options(options(rtol)).solve(&scalar(1.0), &[0.0, 1.0]);
    match run(1e-16) {
        Err(Error::Integration { failure: Failure::TooMuchAccuracy, detail, .. }) => {
            assert!(detail.contains("1e-12"), "{detail}");
        }
        other => panic!("{other:?}"),
    }
    assert!(run(Options::SMALLEST_RTOL).is_ok());
    for rtol in [0.0, -1e-6, f64::NAN, f64::INFINITY, 1.0] {
        assert!(matches!(run(rtol), Err(Error::Value { .. })), "{rtol}");
        let alone = alone(&scalar(1.0), Method::Bdf, options(rtol), &[0.0, 1.0]);
        assert!(matches!(alone, Err(Error::Value { .. })), "{rtol}");
    }
    for level in [0.0, -1.0, f64::NAN] {
        let events = Events { loss: Some(level), ..Events::default() };
        let run = Gap { events, ..Gap::default() }.solve(&scalar(1.0), &[1.0]);
        assert!(matches!(run, Err(Error::Value { .. })));
    }
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

#[test]
fn inputs_that_do_not_fit() {
    let uncentred = Flow::new(Scalar1.auto(), Square::to([TARGET]), [2.0]).scaled(f64::INFINITY);
    let conflict = Gap::default().solve(&uncentred, &[1.0]);
    assert!(matches!(conflict, Err(Error::Conflict { .. })));
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for times in [
        &[][..],
        &[1.0, 0.5],
        &[0.0, 1.0, 1.0],
        &[0.0, 0.0],
        &[-1.0, 1.0],
        &[0.0, nan],
        &[0.0, inf, inf],
        &[0.0, inf, 1.0],
    ] {
        let flow = scalar(10.0);
        let results = [
            Gap::default().solve(&flow, times).map(drop),
            flow.solve(&Automatic::default(), times).map(drop),
            flow.linearized().solve(&Eigen, times).map(drop),
        ];
        for result in results {
            assert!(matches!(result, Err(Error::Value { .. })), "{times:?}");
        }
    }
    for alpha in [0.0, -1.0, nan, 1e-4, 1e101] {
        let run = Gap::default().solve(&scalar(alpha), &[1.0]);
        assert!(matches!(run, Err(Error::Value { .. })), "α = {alpha}");
    }
    let long = Flow::new(Scalar1.auto(), Square::to([TARGET]), [1.0, 2.0]);
    assert!(matches!(Gap::default().solve(&long, &[1.0]), Err(Error::Shape { .. })));
    let short = Flow::new(Linear(dmatrix![1.0, 2.0]).auto(), Square::to([TARGET]), [1.0]);
    assert!(matches!(Gap::default().solve(&short, &[1.0]), Err(Error::Shape { .. })));
    let many = Flow::new(Scalar1.auto(), Square::to([TARGET, 0.0]), [1.0]);
    assert!(matches!(Gap::default().solve(&many, &[1.0]), Err(Error::Shape { .. })));
    let start = Flow::new(Scalar1.auto(), Square::to([TARGET]), [nan]);
    assert!(matches!(Gap::default().solve(&start, &[1.0]), Err(Error::Value { .. })));
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
            for rtol in [1e-4, 1e-8] {
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
