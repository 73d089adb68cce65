//! Where the method cannot go on it says so, and where another can, that one takes over.

use crate::common::{alone, failure, gap, gaussian_matrix, options, relative};
use crate::problems::problem;
use gradflow::flow::{Flow, Stop};
use gradflow::loss::{Convexity, Logistic, Loss, Square};
use gradflow::model::{Activation, Auto, Centred, Formula, Initialization, Model, TwoLayer};
use gradflow::random::Generator;
use gradflow::solve::{Budget, Method, Options};
use gradflow::{Error, Failure};
use std::time::{Duration, Instant};

fn formula(text: &str) -> Auto<impl Model> {
    Formula::parse(text, &[]).unwrap().without_inputs().unwrap().auto()
}

const BOTH: [Method; 2] = [Method::Exponential, Method::Automatic];

/// w' = −(ln w + 1000)/w ends at w = 0: w² ≤ 1 − 2·(1000 − |ln w|) t. Beside it a root whose slope has no bound at the
/// border, and a square of poles.
#[test]
fn a_border_of_the_domain_is_named() {
    for method in BOTH {
        let flow = Flow::new(formula("ln(a)"), Square::to([-1000.0]), [1.0]);
        let (found, time) = failure(alone(&flow, method, options(1e-8), &[10.0]));
        assert_eq!(found, Failure::DomainLeft, "{method:?}");
        assert!((time - 5e-4).abs() <= 1e-5, "{method:?}: {time}");
        let flow = Flow::new(formula("sqrt(1 - a)"), Square::to([-5.0]), [0.0]);
        let (found, time) = failure(alone(&flow, method, options(1e-8), &[10.0]));
        assert!(matches!(found, Failure::DomainLeft | Failure::StepTooSmall), "{found:?}");
        assert!(time > 0.0 && time < 1.0, "{method:?}: {time}");
    }
}

/// R = ¼ Σ (y − 1)⁴, which gives no root, and is NaN beyond y = `border`.
struct Quartic {
    border: f64,
    roots: bool,
}

impl Loss for Quartic {
    fn name(&self) -> String {
        "quartic".into()
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, y: &[f64]) -> f64 {
        if y[0] > self.border { f64::NAN } else { 0.25 * (y[0] - 1.0).powi(4) }
    }
    fn gradient(&self, y: &[f64], g: &mut [f64]) {
        g[0] = if y[0] > self.border { f64::NAN } else { (y[0] - 1.0).powi(3) };
    }
    fn hessian(&self, y: &[f64], dy: &[f64], out: &mut [f64]) {
        out[0] = 3.0 * (y[0] - 1.0).powi(2) * dy[0];
    }
    fn increment(&self, y: &[f64], s: &[f64], eps: f64, q: &mut [f64]) {
        let (r, d) = (y[0] - 1.0, eps * s[0]);
        q[0] = s[0] * (3.0 * r * r + 3.0 * r * d + d * d);
    }
    fn convexity(&self) -> Convexity {
        Convexity { m: 0.0, big_m: f64::INFINITY }
    }
    fn root(&self, y: &[f64]) -> Option<gradflow::loss::Root> {
        self.roots.then(|| gradflow::loss::Root::diagonal([3.0 * (y[0] - 1.0).powi(2)]))
    }
}

#[test]
fn losses_without_a_root_are_refused_by_name_and_solved_by_the_rule() {
    let flow = Flow::new(formula("a + 0.1*a^2"), Quartic { border: 9.0, roots: false }, [0.0]);
    let refused = alone(&flow, Method::Exponential, options(1e-6), &[1.0]).unwrap_err();
    assert!(matches!(&refused, Error::Conflict { remedy, .. } if remedy.contains("bdf")));
    let path = alone(&flow, Method::Automatic, options(1e-6), &[1.0]).unwrap();
    assert_ne!(path.solver, "exponential");
    // With a root the same flow is solved, to the same path.
    let rooted = Flow { loss: Quartic { border: 9.0, roots: true }, ..flow };
    let other = alone(&rooted, Method::Exponential, options(1e-6), &[1.0]).unwrap();
    let apart = (other.displacements[0][0] / path.displacements[0][0] - 1.0).abs();
    assert!(apart <= 2e-5, "{apart:e}");
    // Beside its linearization a flow under another loss than the square has two blocks of stiffness.
    let flow = Flow::new(formula("a + a^2"), Logistic::new([1.0]).unwrap(), [0.0]).scaled(10.0);
    let refused = gap(Method::Exponential, 1e-6).solve(&flow, &[1.0]).unwrap_err();
    assert!(matches!(refused, Error::Conflict { .. }), "{refused}");
}

#[test]
fn a_loss_that_turns_to_nan_ends_the_flow() {
    for method in BOTH {
        let flow = Flow::new(formula("a + a^2"), Quartic { border: 0.5, roots: true }, [0.0]);
        let (found, time) = failure(alone(&flow, method, options(1e-6), &[100.0]));
        assert_eq!(found, Failure::DomainLeft, "{method:?}");
        // ∫ dy/((1 + 4y)(1 − y)³) up to ½ is below ½ · 8.
        assert!(time > 0.0 && time < 4.0, "{method:?}: {time}");
    }
}

#[test]
fn budgets_and_tolerances_are_kept_to() {
    let flow = Flow::new(formula("a^2 - 1"), Square::to([1.5]), [1.0]);
    let few = Options { rtol: 1e-8, budget: Budget { steps: 5, ..Budget::default() } };
    let short =
        Options { rtol: 1e-8, budget: Budget { wall: Duration::ZERO, ..Budget::default() } };
    for method in BOTH {
        let (found, time) = failure(alone(&flow, method, few, &[10.0]));
        assert!(found == Failure::TooMuchWork && time > 0.0, "{found:?} at {time}");
        assert_eq!(failure(alone(&flow, method, short, &[10.0])).0, Failure::TooMuchWork);
        let tight = failure(alone(&flow, method, options(1e-13), &[10.0]));
        assert_eq!(tight, (Failure::TooMuchAccuracy, 0.0));
        let none = alone(&flow, method, options(0.0), &[10.0]).unwrap_err();
        assert!(matches!(none, Error::Value { .. }), "{none}");
    }
}

#[test]
fn a_stationary_start_stays() {
    for method in BOTH {
        let flow = Flow::new(formula("a^2"), Square::to([1.0]), [0.0]);
        let path = alone(&flow, method, options(1e-8), &[1.0, f64::INFINITY]).unwrap();
        assert_eq!((path.stop, &path.displacements[0][..]), (Stop::Stationary, &[0.0][..]));
    }
}

/// A model with kinks asked of the method by name: an answer or a typed error, in the budget's time.
#[test]
fn relu_by_name_ends() {
    let budget = Budget { wall: Duration::from_secs(3), ..Budget::default() };
    for seed in 0..6 {
        let net = TwoLayer { width: 20, activation: Activation::Relu, ..TwoLayer::default() };
        let net = net.on(gaussian_matrix(2, 10, seed)).unwrap();
        let mut draws = Generator::seeded(seed);
        let start = Initialization::Gaussian(1.0).weights(&net, &mut || draws.gaussian());
        let map = Centred::at(net, &start);
        let target = draws.gaussians(10);
        let alpha = [0.1, 1.0, 100.0][draws.below(3)];
        let flow = Flow::new(&map, Square::to(target), start).scaled(alpha);
        match alone(&flow, Method::Exponential, Options { rtol: 1e-6, budget }, &[30.0]) {
            Ok(path) => assert!(path.displacements[0].iter().all(|u| u.is_finite())),
            Err(e) => assert!(matches!(e, Error::Integration { .. }), "{e}"),
        }
    }
}

/// Far from lazy a flow is stiff in the curvature of its model, which L does not know: steps as short as that allows
/// would go on for a million. The method gives up in time, and the rule takes BDF.
#[test]
fn a_flow_that_is_not_lazy_is_left_to_bdf() {
    let problem = problem(99);
    let began = Instant::now();
    let lost = failure(problem.solve(Method::Exponential, 1e-6).map(|p| p.work));
    assert_eq!(lost.0, Failure::NonlinearSolve);
    let path = problem.solve(Method::Automatic, 1e-6).unwrap();
    let bdf = problem.solve(Method::Bdf, 1e-6).unwrap();
    assert_eq!(path.solver, "bdf");
    let spent = path.work.rhs - bdf.work.rhs;
    assert!(spent <= 5000, "{spent} more than {}", bdf.work.rhs);
    assert!(began.elapsed() < Duration::from_secs(20));
}

/// A loss that rises at a loose tolerance asks for a tighter one, not for another method.
#[test]
fn a_loss_that_rises_is_tried_again_at_a_tighter_tolerance() {
    let problem = problem(172);
    let path = problem.solve(Method::Automatic, 0.1).unwrap();
    assert_eq!(path.solver, "exponential");
    let error = relative(&path.displacements, &problem.reference().unwrap().displacements);
    assert!(error <= 0.1, "{error:e}");
}
