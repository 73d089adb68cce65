//! Kinks of models written by users: relu and abs anywhere in a function, in a program or as text.

mod common;

use common::{alone, apart, gaussian_matrix, options};
use gradflow::flow::{Flow, KinkLog, Path};
use gradflow::loss::Square;
use gradflow::model::{Activation, Differentiable, Formula, Model, Scaling, Shape, TwoLayer};
use gradflow::random::Generator;
use gradflow::scalar::Scalar;
use gradflow::solve::Method;
use gradflow::uniform;
use nalgebra::DMatrix;

fn log(path: &Path) -> &KinkLog {
    path.kinks.as_ref().expect("kinks are followed")
}

/// Σⱼ aⱼ relu(bⱼ·x) as plain loops, its parameters in the order of [`TwoLayer`].
struct Plain {
    width: usize,
    inputs: DMatrix<f64>,
}

impl Model for Plain {
    fn shape(&self) -> Shape {
        Shape { params: self.width * (self.inputs.nrows() + 1), outputs: self.inputs.ncols() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let d = self.inputs.nrows();
        let (b, a) = w.split_at(self.width * d);
        for (y, x) in y.iter_mut().zip(self.inputs.column_iter()) {
            *y = S::from(0.0);
            for (b, a) in b.chunks(d).zip(a) {
                let mut z = S::from(0.0);
                for (b, x) in b.iter().zip(x.iter()) {
                    z = z + *b * S::from(*x);
                }
                *y = *y + *a * z.relu();
            }
        }
    }
}

/// The same network, built in and written by hand: the same kinks of the same neurons at the same times.
#[test]
fn a_network_written_by_hand_has_the_kinks_of_the_built_in_one() {
    let (width, d, n) = (12, 3, 8);
    let times = uniform(2.0, 8);
    let (mut crossings, mut slides) = (0, 0);
    for seed in [1, 4, 7] {
        let inputs = gaussian_matrix(d, n, seed);
        let mut generator = Generator::seeded(100 + seed);
        let start: Vec<f64> =
            generator.gaussians(width * (d + 1)).iter().map(|w| 0.4 * w).collect();
        let target = generator.gaussians(n);
        let built_in = TwoLayer {
            width,
            scaling: Scaling::One,
            activation: Activation::Relu,
            ..TwoLayer::default()
        };
        let built_in = built_in.on(inputs.clone()).unwrap();
        let written = Plain { width, inputs }.auto();
        let solve = |map: &dyn Differentiable| {
            let flow = Flow::new(map, Square::to(target.clone()), start.clone());
            alone(&flow, Method::Automatic, options(1e-9), &times).unwrap()
        };
        let (wanted, found) = (solve(&built_in), solve(&written));
        assert_eq!((wanted.solver.as_str(), found.solver.as_str()), ("exponential", "exponential"));
        // Both within ten times the tolerance of the flow.
        assert!(apart(&found, &wanted) < 2e-8, "{seed}: {:e}", apart(&found, &wanted));
        let (wanted, found) = (log(&wanted), log(&found));
        assert_eq!(wanted.crossings.len(), found.crossings.len());
        assert_eq!(wanted.slides.len(), found.slides.len());
        for (a, b) in wanted.crossings.iter().zip(&found.crossings) {
            assert_eq!((a.kink, a.on), (b.kink, b.on));
            assert!((a.time - b.time).abs() < 1e-6, "{a:?} {b:?}");
        }
        for a in &wanted.slides {
            let b =
                found.slides.iter().find(|b| b.kink == a.kink && (b.from - a.from).abs() < 1e-6);
            let b = b.unwrap_or_else(|| panic!("{a:?} among {:?}", found.slides));
            assert!((a.to - b.to).abs() < 1e-6, "{a:?} {b:?}");
        }
        assert_eq!(wanted.dead, found.dead);
        (crossings, slides) = (crossings + wanted.crossings.len(), slides + wanted.slides.len());
    }
    assert!(crossings >= 5 && slides >= 2, "{crossings} crossings, {slides} slides");
}

fn formula(text: &str) -> impl Differentiable {
    Formula::parse(text, &[]).unwrap().without_inputs().unwrap().auto()
}

/// h = (|w|, w) under ½‖y − (1, −3)‖²: w' = −2w − 2 above zero, −2w − 4 below. From 1, w = 2e^(−2t) − 1 until t* = ½ ln 2,
/// then −2 + 2e^(−2(t − t*)).
#[test]
fn an_absolute_value_is_crossed() {
    let times = uniform(2.0, 10);
    let flow = Flow::new(formula("abs(w1); w1"), Square::to([1.0, -3.0]), [1.0]);
    let crossed = 0.5 * 2.0_f64.ln();
    for method in [Method::Automatic, Method::Tsit45, Method::Bdf] {
        let path = alone(&flow, method, options(1e-9), &times).unwrap();
        let [crossing] = log(&path).crossings[..] else { panic!("{:?}", log(&path)) };
        assert!((crossing.time - crossed).abs() < 1e-8 && !crossing.on, "{crossing:?}");
        assert!(log(&path).slides.is_empty() && log(&path).dead.is_empty());
        for (i, t) in times.iter().enumerate() {
            let wanted = if *t < crossed {
                2.0 * (-2.0 * t).exp() - 1.0
            } else {
                2.0 * (-2.0 * (t - crossed)).exp() - 2.0
            };
            // Ten times the tolerance of a move of three.
            assert!((path.weights(i)[0] - wanted).abs() < 3e-8, "{method:?} at {t}");
        }
    }
}

/// h = |w| under ½(y + 1)²: w' = −(|w| + 1) sign w. From 1, w = 2e^(−t) − 1 until t* = ln 2; there both sides drive it
/// back, and it stays at zero.
#[test]
fn an_absolute_value_is_slid_along() {
    let times = uniform(2.0, 10);
    let flow = Flow::new(formula("abs(w1)"), Square::to([-1.0]), [1.0]);
    let path = alone(&flow, Method::Automatic, options(1e-9), &times).unwrap();
    let [slide] = log(&path).slides[..] else { panic!("{:?}", log(&path)) };
    assert!((slide.from - 2.0_f64.ln()).abs() < 1e-8 && slide.to == 2.0, "{slide:?}");
    for (i, t) in times.iter().enumerate() {
        let wanted = (2.0 * (-t).exp() - 1.0).max(0.0);
        assert!((path.weights(i)[0] - wanted).abs() < 1e-8, "at {t}");
    }
}

/// h = relu(w₁) w₂ under ½(y + 1)² keeps w₁² − w₂²: from (1, 1) both are e.g. s with s' = −(s² + 1)s, and neither reaches
/// zero; from (1, 2) the first does, and with it the unit is dead.
#[test]
fn a_relu_in_a_formula_dies() {
    let flow = Flow::new(formula("relu(w1)*w2"), Square::to([-1.0]), [1.0, 2.0]);
    let path = alone(&flow, Method::Automatic, options(1e-9), &uniform(5.0, 10)).unwrap();
    assert_eq!(log(&path).dead, [(0, 0)]);
    let end = path.weights(10);
    // w₂² = w₁² + 3 at w₁ = 0.
    assert!(end[0].abs() < 1e-8 && (end[1] - 3.0_f64.sqrt()).abs() < 1e-8, "{end:?}");
    let flow = Flow::new(formula("relu(w1)*w2"), Square::to([-1.0]), [1.0, 1.0]);
    let path = alone(&flow, Method::Automatic, options(1e-9), &uniform(5.0, 10)).unwrap();
    assert_eq!(log(&path), &KinkLog::default());
}
