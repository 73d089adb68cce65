//! The laws that every number and every model obeys, on generated arguments.
//!
//! Tolerances: a formula of k rounded operations of size s is good to k u s, u = 2⁻⁵³; the formulas below have fewer
//! than fifty operations, so 1e-14 times the sum of the sizes. Finite differences state their own error.

use gradflow::model::Displacement;
use gradflow::prelude::*;
use gradflow::scalar::{Dual, Elementary, Increment, Tape, Var};
use proptest::prelude::*;

/// A formula with every operation in it, smooth for positive arguments.
fn formula<S: Scalar>(x: S, y: S) -> S {
    let one = S::from(1.0);
    let a = (x * y).tanh() + x.sin() * y.cos() - (x / (one + y * y)).atan();
    let b = (x * x + one).ln() + (x.powi(2) + y).sqrt() * y.powf(1.5) - x.powi(-2).sigmoid();
    a * b.softplus() + (-y).exp() / (one + x.erf()) + (x - y).gelu()
}

/// Its second-order sizes stay moderate here.
fn argument() -> impl Strategy<Value = f64> {
    0.25..3.0
}

fn reverse<S: Scalar>(x: S, y: S) -> (S, [S; 2]) {
    let tape = Tape::new();
    let w = tape.variables([x, y].into_iter());
    let z: Var<'_, S> = formula(w[0], w[1]);
    let g = tape.gradient(&[z], [S::from(1.0)].into_iter(), 2);
    (z.value(), [g[0], g[1]])
}

fn near(a: f64, b: f64, scale: f64) -> bool {
    (a - b).abs() <= 1e-14 * scale || a == b
}

/// Two layers and a quotient, with p = 5 and N = 3; not symmetric in anything.
#[derive(Clone)]
struct Curved;
impl Model for Curved {
    fn shape(&self) -> Shape {
        Shape { params: 5, outputs: 3 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let hidden = (w[0] * w[1] + w[2]).tanh();
        y[0] = hidden * w[3] + w[4] * w[4];
        y[1] = (w[3] - w[0]).softplus() / (S::from(2.0) + w[1].cos());
        y[2] = w[2].exp() * w[4] + hidden.gelu();
    }
}

fn vector(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1.0..1.0, n)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn curvature(w: &[f64], v: &[f64], d: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; 5];
    Curved.auto().curvature(w, v, d, &mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_value_part_is_the_value(x in argument(), y in argument(), d in -1.0..1.0, eps in 0.0..1.0) {
        let plain = formula(x, y);
        prop_assert_eq!(formula(Dual::new(x, d), Dual::new(y, 1.0)).value, plain);
        prop_assert_eq!(reverse(x, y).0, plain);
        // Increments square where f64 calls the system's power: the last digits may differ.
        let z = formula(Increment::new(x, d, 0.5, eps), Increment::new(y, 1.0, d, eps));
        prop_assert!(near(z.base, plain, 20.0));
    }

    #[test]
    fn reverse_is_forward(x in argument(), y in argument()) {
        let (_, [gx, gy]) = reverse(x, y);
        let one = Dual::variable;
        prop_assert!(near(gx, formula(one(x), Dual::from(y)).tangent, 100.0));
        prop_assert!(near(gy, formula(Dual::from(x), one(y)).tangent, 100.0));
    }

    #[test]
    fn rules_of_differentiation(x in argument(), y in argument(), dx in -1.0..1.0, dy in -1.0..1.0) {
        let (a, b) = (Dual::new(x, dx), Dual::new(y, dy));
        prop_assert!(near((a * b).tangent, dx * y + x * dy, 20.0));
        prop_assert!(near((a / b).tangent, (dx * y - x * dy) / (y * y), 400.0));
        prop_assert!(near((a * b).sin().tangent, (x * y).cos() * (dx * y + x * dy), 20.0));
        prop_assert!(near(a.powf(2.5).tangent, 2.5 * x.powf(1.5) * dx, 60.0));
        prop_assert!(near(a.powi(-3).tangent, -3.0 * x.powi(-4) * dx, 3000.0));
    }

    #[test]
    fn increments_are_differences(x in argument(), u in -0.2..0.2, e in -0.1..0.1, y in argument()) {
        for eps in [0.5, 1.0] {
            let z = formula(Increment::new(x, u, e, eps), Increment::new(y, u * u, -e, eps));
            let moved = formula(x + eps * u + eps * eps * e, y + eps * u * u - eps * eps * e);
            prop_assert!(near(eps * z.change(), moved - formula(x, y), 100.0));
        }
    }

    #[test]
    fn increments_tend_to_the_taylor_polynomial(x in argument(), u in -1.0..1.0, e in -1.0..1.0, y in argument()) {
        let at = |eps| formula(Increment::new(x, u, e, eps), Increment::new(y, e, u, eps));
        // Df(e, u) + ½ D²f[(u, e), (u, e)] from forward over reverse.
        let (_, [gx, gy]) = reverse(Dual::new(x, u), Dual::new(y, e));
        let taylor = gx.value * e + gy.value * u + 0.5 * (gx.tangent * u + gy.tangent * e);
        prop_assert!(near(at(0.0).rest, taylor, 1e3));
        // The third order is below 1e4 here, so that ε = 1e-19 and less changes nothing.
        for eps in [1e-19, 1e-100, 1e-300] {
            prop_assert!(near(at(eps).rest, taylor, 1e3));
        }
    }

    #[test]
    fn the_adjoint_identity(w in vector(5), u in vector(5), v in vector(3)) {
        let (h, mut ju, mut jv) = (Curved.auto(), [0.0; 3], [0.0; 5]);
        h.jvp(&w, &u, &mut ju);
        h.vjp(&w, &v, &mut jv);
        prop_assert!(near(dot(&v, &ju), dot(&jv, &u), 100.0));
        let jacobian = h.jacobian(&w);
        prop_assert_eq!(jacobian.shape(), (3, 5));
        prop_assert!((0..3).all(|i| near(ju[i], (0..5).map(|j| jacobian[(i, j)] * u[j]).sum(), 100.0)));
        prop_assert!((&jacobian * jacobian.transpose() - h.kernel(&w)).amax() <= 1e-13);
    }

    #[test]
    fn a_gradient_is_a_value_and_a_vjp(w in vector(5)) {
        let (h, mut y, mut dw, mut wanted) = (Curved.auto(), [0.0; 3], [0.0; 5], [0.0; 5]);
        let mut seen = [0.0; 3];
        h.gradient(&w, &mut |y, v| {
            seen.copy_from_slice(y);
            v.iter_mut().zip(y).for_each(|(v, y)| *v = y * y);
        }, &mut dw);
        h.value(&w, &mut y);
        h.vjp(&w, &y.map(|y| y * y), &mut wanted);
        prop_assert_eq!((seen, dw), (y, wanted));
    }

    #[test]
    fn curvature_is_the_derivative_of_vjp(w in vector(5), v in vector(3), d in vector(5), c in vector(5)) {
        let (out, other) = (curvature(&w, &v, &d), curvature(&w, &v, &c));
        prop_assert!(near(dot(&out, &c), dot(&other, &d), 1000.0), "not symmetric");
        // Central difference: h²/6 times a third derivative of the gradient below 100, and 1e-16/h of rounding.
        let h = 1e-5;
        let gradient = |sign: f64| {
            let moved: Vec<f64> = w.iter().zip(&d).map(|(w, d)| w + sign * h * d).collect();
            let mut g = vec![0.0; 5];
            Curved.auto().vjp(&moved, &v, &mut g);
            g
        };
        let (plus, minus) = (gradient(1.0), gradient(-1.0));
        for i in 0..5 {
            prop_assert!((out[i] - (plus[i] - minus[i]) / (2.0 * h)).abs() < 1e-8);
        }
    }

    #[test]
    fn one_sweep_gives_both_changes(w in vector(5), u in vector(5), e in vector(5), v in vector(3)) {
        let (h, eps) = (Curved.auto(), 0.5);
        let (mut rest, mut first) = (vec![0.0; 3], vec![0.0; 3]);
        let (mut base, mut change) = (vec![0.0; 5], vec![0.0; 5]);
        let at = Displacement { start: &w, first: &u, rest: &e, eps };
        let mut seed = |f: &[f64], r: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            first.copy_from_slice(f);
            rest.copy_from_slice(r);
            v0.copy_from_slice(&v);
            v1.fill(0.25);
        };
        h.increment(at, &mut seed, &mut base, &mut change);
        let moved: Vec<f64> = (0..5).map(|i| w[i] + eps * u[i] + eps * eps * e[i]).collect();
        let (mut y0, mut y, mut ju) = ([0.0; 3], [0.0; 3], [0.0; 3]);
        h.value(&w, &mut y0);
        h.value(&moved, &mut y);
        h.jvp(&w, &u, &mut ju);
        for i in 0..3 {
            prop_assert!(near(first[i], ju[i], 100.0));
            prop_assert!(near(y0[i] + eps * first[i] + eps * eps * rest[i], y[i], 100.0));
        }
        let (mut g0, mut g) = ([0.0; 5], [0.0; 5]);
        h.vjp(&w, &v, &mut g0);
        let covector: Vec<f64> = v.iter().map(|v| v + eps * 0.25).collect();
        h.vjp(&moved, &covector, &mut g);
        for i in 0..5 {
            prop_assert!(near(base[i], g0[i], 100.0) && near(base[i] + eps * change[i], g[i], 100.0));
        }
    }
}

const ODD: [f64; 11] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    1e-310,
    -1e-310,
    1e300,
    -1e300,
    1.0,
    -1.0,
];

/// The derivative at `x` by reverse differentiation.
fn reverse_slope(x: f64, f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>) -> f64 {
    let tape = Tape::new();
    let y = f(tape.variables([x].into_iter())[0]);
    tape.gradient(&[y], [1.0].into_iter(), 1)[0]
}

/// No derivative is finite where the function has no value, and none is NaN where it has one.
#[test]
fn derivatives_exist_where_values_do() {
    let check = |what: String, x: f64, y: f64, tangent: f64, adjoint: f64| {
        assert_eq!(y.is_nan(), tangent.is_nan(), "{what}({x}) = {y}, tangent {tangent}");
        assert_eq!(y.is_nan(), adjoint.is_nan(), "{what}({x}) = {y}, adjoint {adjoint}");
    };
    for x in ODD {
        for f in Elementary::ALL {
            let dual = Dual::variable(x).apply(f);
            // Where ln is infinite its slope need not be a number.
            if !(f == Elementary::Ln && f.at(x).is_infinite()) {
                check(format!("{f:?}"), x, f.at(x), dual.tangent, reverse_slope(x, |w| w.apply(f)));
            }
            assert!(dual.value == f.at(x) || f.at(x).is_nan());
        }
        for n in [2, 3, -1, -2, i32::MIN, i32::MAX] {
            check(
                format!("powi {n}"),
                x,
                x.powi(n),
                Dual::variable(x).powi(n).tangent,
                reverse_slope(x, |w| w.powi(n)),
            );
        }
        for a in [0.5, 1.5, -0.5] {
            check(
                format!("powf {a}"),
                x,
                x.powf(a),
                Dual::variable(x).powf(a).tangent,
                reverse_slope(x, |w| w.powf(a)),
            );
        }
    }
}

/// A value that is computed and not used has no part in the derivative.
#[test]
fn unused_values_do_not_spoil_the_gradient() {
    let slope = reverse_slope(0.0, |w| {
        let _ = w.ln() * w.sqrt();
        w.exp()
    });
    assert_eq!(slope, 1.0);
}

/// Values at the ends, which no series or quadrature reaches.
#[test]
fn limits_of_the_elementary_functions() {
    use Elementary::*;
    let inf = f64::INFINITY;
    for (f, low, high) in [
        (Softplus, 0.0, inf),
        (Relu, 0.0, inf),
        (Sigmoid, 0.0, 1.0),
        (Tanh, -1.0, 1.0),
        (Erf, -1.0, 1.0),
        (Abs, inf, inf),
        (Sign, -1.0, 1.0),
        (Step, 0.0, 1.0),
        (Exp, 0.0, inf),
    ] {
        assert_eq!((f.at(-inf), f.at(inf)), (low, high), "{f:?}");
        assert!(f.at(f64::NAN).is_nan(), "{f:?}");
    }
    assert_eq!(Sign.at(-0.0), 0.0);
    assert_eq!((Softplus.at(800.0), Softplus.at(-800.0)), (800.0, 0.0));
    assert_eq!((0.0_f64.powi(-1), Scalar::powi(2.0_f64, -2)), (inf, 0.25));
}
