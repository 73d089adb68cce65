//! How runs end: at the horizon, at rest, at an event, or with a typed failure in bounded time.

mod common;

use common::{Linear, METHODS, Scalar1, alone, assert_close, failure, gap, options};
use gradflow::flow::{Flow, Stop};
use gradflow::loss::{Logistic, Square};
use gradflow::model::{Auto, Model};
use gradflow::solve::{Automatic, Budget, Comparison, Eigen, Events, Gap, Method, Options};
use gradflow::{Error, Failure};
use nalgebra::dmatrix;
use std::time::Duration;

const TARGET: f64 = 1.5;

fn scalar(alpha: f64) -> Flow<Auto<Scalar1>, Square> {
    Flow::new(Scalar1.auto(), Square::to([TARGET]), [1.0]).scaled(alpha)
}

fn with_options(options: Options) -> Gap {
    Gap { options, ..Gap::default() }
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

/// Dh(w₀) = 0, or ∇R = 0: nothing moves, and the run says why.
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
        }
    }
}

/// w → √(1 + 1.5/α), u = y*/(w + 1) and e = −u y*/(2(w + 1)) (`tests/closed_forms.rs` at t = ∞).
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
