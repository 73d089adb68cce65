//! A model's operations, recorded once and replayed, against evaluating the model anew on tapes and dual numbers: the
//! same operations in the same order, hence the same bits, at every point where numbers are odd as well.

use gradflow::model::Displacement;
use gradflow::prelude::*;
use gradflow::scalar::{Dual, Elementary, Increment, Tape, Var};
use proptest::prelude::*;

/// A random program: every step makes one number from numbers before it, or from a constant.
#[derive(Debug, Clone)]
struct Program {
    params: usize,
    steps: Vec<Step>,
    /// Which numbers are the outputs, counted from the last; beyond the first, zeros.
    outputs: Vec<usize>,
}

/// What to do, and to which numbers, counted from the last.
#[derive(Debug, Clone, Copy)]
struct Step {
    what: usize,
    a: usize,
    b: usize,
    c: f64,
}

const KINDS: usize = 12 + Elementary::ALL.len() + EXPONENTS.len() + POWERS.len();
const EXPONENTS: [i32; 7] = [0, 1, 2, 3, -1, -2, i32::MAX];
const POWERS: [f64; 5] = [0.0, 0.5, 1.5, -0.5, 2.0];

/// A number, and whether it is a constant.
type Made<S> = (S, bool);

impl Step {
    /// Constants are made, and used beside numbers that are none; operations on nothing but constants are left to kind
    /// 11, because √0 and its like have a derivative as a constant (0) and none as a dual number.
    fn run<S: Scalar>(self, made: &[Made<S>]) -> Made<S> {
        let at = |back: usize| made[made.len() - 1 - back % made.len()];
        let ((a, a_constant), (b, b_constant)) = (at(self.a), at(self.b));
        let of_two = matches!(self.what, 0 | 2 | 5 | 7);
        let a = if a_constant && (b_constant || !of_two) { made[0].0 } else { a };
        let c = S::from(self.c);
        let found = match self.what {
            0 => a + b,
            1 => a + c,
            2 => a - b,
            3 => a - c,
            4 => c - a,
            5 => a * b,
            6 => a * c,
            7 => a / b,
            8 => a / c,
            9 => c / a,
            10 => -a,
            11 => {
                let c = S::from(if self.c.is_finite() { self.c.clamp(-2.0, 2.0) } else { 0.3 });
                (c * S::from(0.5) - S::from(1.0)).tanh().powi(-2) / (c.exp() + S::from(0.1))
            }
            k if k < 26 => a.apply(Elementary::ALL[k - 12]),
            k if k < 33 => a.powi(EXPONENTS[k - 26]),
            k => a.powf(POWERS[k - 33]),
        };
        (found, matches!(self.what, 11 | 26 | 33))
    }
}

impl Model for Program {
    fn shape(&self) -> Shape {
        Shape { params: self.params, outputs: self.outputs.len() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let mut made: Vec<Made<S>> = w.iter().map(|&w| (w, false)).collect();
        for step in &self.steps {
            made.push(step.run(&made));
        }
        for (y, &back) in y.iter_mut().zip(&self.outputs) {
            if back < made.len() {
                *y = made[made.len() - 1 - back].0;
            }
        }
    }
}

const ODD: [f64; 9] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 1e-310, -1e300, 1.0, -1.0];

/// Tame numbers, now and then an odd one.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![12 => -2.0..2.0, 1 => prop::sample::select(&ODD[..])]
}

fn numbers(n: usize) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(number(), n)
}

fn programs() -> impl Strategy<Value = Program> {
    let step = (0..KINDS, 0..12_usize, 0..12_usize, number());
    let step = step.prop_map(|(what, a, b, c)| Step { what, a, b, c });
    let steps = prop::collection::vec(step, 1..40);
    let outputs = prop::collection::vec(0..30_usize, 1..12);
    (1..14_usize, steps, outputs).prop_map(|(params, steps, outputs)| Program {
        params,
        steps,
        outputs,
    })
}

/// A program, a point, two directions and two covectors.
type Case = (Program, Vec<f64>, [Vec<f64>; 2], [Vec<f64>; 2]);

fn cases() -> impl Strategy<Value = Case> {
    programs().prop_flat_map(|program| {
        let Shape { params: p, outputs: n } = program.shape();
        let (w, d, v) = (numbers(p), [numbers(p), numbers(p)], [numbers(n), numbers(n)]);
        (Just(program), w, d, v)
    })
}

/// Dhᵀ v by a tape, v chosen by the outputs.
fn taped<S: Scalar>(
    model: &impl Model,
    w: impl Iterator<Item = S>,
    seed: impl Fn(&[Var<'_, S>]) -> Vec<S>,
) -> Vec<S> {
    let tape = Tape::new();
    let variables = tape.variables(w);
    let mut y = vec![Var::from(0.0); model.shape().outputs];
    model.eval(&variables, &mut y);
    tape.gradient(&y, seed(&y).into_iter(), variables.len())
}

/// Row i of Dh(w) by a tape on which the other outputs are not used.
fn taped_row(model: &impl Model, w: &[f64], i: usize) -> Vec<f64> {
    let tape = Tape::new();
    let variables = tape.variables(w.iter().copied());
    let mut y = vec![Var::from(0.0); model.shape().outputs];
    model.eval(&variables, &mut y);
    tape.gradient(&y[i..=i], [1.0].into_iter(), variables.len())
}

fn dual_column(model: &impl Model, w: &[f64], j: usize) -> Vec<f64> {
    let moving: Vec<_> =
        (0..w.len()).map(|k| Dual::new(w[k], f64::from(u8::from(j == k)))).collect();
    let mut y = vec![Dual::from(0.0); model.shape().outputs];
    model.eval(&moving, &mut y);
    y.iter().map(|y| y.tangent).collect()
}

/// Equal bit for bit; any NaN is equal to any other.
fn same<'a>(a: impl IntoIterator<Item = &'a f64>, b: impl IntoIterator<Item = &'a f64>) -> bool {
    a.into_iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan())
}

/// Whether the Jacobian is the tapes', row by row, or the dual numbers', column by column.
fn is_taped(model: &(impl Model + Clone), w: &[f64]) -> (bool, bool) {
    let found = model.clone().auto().jacobian(w);
    let Shape { params, outputs } = model.shape();
    assert_eq!(found.shape(), (outputs, params));
    let rows = (0..outputs).all(|i| same(found.row(i).iter(), &taped_row(model, w, i)));
    let columns = (0..params).all(|j| same(found.column(j).iter(), &dual_column(model, w, j)));
    (rows, columns)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn gradients_are_the_tapes((model, w, [u, _], [v, _]) in cases()) {
        let h = model.clone().auto();
        let (mut found, mut again) = (vec![1.0; w.len()], vec![2.0; w.len()]);
        h.vjp(&w, &v, &mut found);
        let wanted = taped(&model, w.iter().copied(), |_| v.clone());
        prop_assert!(same(&found, &wanted), "{found:?} {wanted:?}");
        // Another point, then the first again: nothing is left from one replay to the next.
        h.vjp(&u, &v, &mut again);
        let _ = h.jacobian(&u);
        h.vjp(&w, &v, &mut again);
        prop_assert!(same(&found, &again));
        let mut y = vec![0.0; v.len()];
        h.value(&w, &mut y);
        let mut seed = |seen: &[f64], out: &mut [f64]| {
            assert!(same(seen, &y));
            out.copy_from_slice(&v);
        };
        h.gradient(&w, &mut seed, &mut again);
        prop_assert!(same(&found, &again));
    }

    #[test]
    fn curvatures_are_the_tapes((model, w, [u, _], [v, _]) in cases()) {
        let mut found = vec![1.0; w.len()];
        model.clone().auto().curvature(&w, &v, &u, &mut found);
        let dual = w.iter().zip(&u).map(|(&w, &u)| Dual::new(w, u));
        let wanted = taped(&model, dual, |_| v.iter().map(|&v| Dual::from(v)).collect());
        prop_assert!(same(&found, &wanted.iter().map(|g| g.tangent).collect::<Vec<_>>()));
    }

    #[test]
    fn increments_are_the_tapes((model, w, [u, e], [v, z]) in cases(), eps in prop::sample::select(&[0.0, 1e-9, 0.5][..])) {
        let at = Displacement { start: &w, first: &u, rest: &e, eps };
        let (mut base, mut change) = (vec![1.0; w.len()], vec![1.0; w.len()]);
        let (mut first, mut rest) = (vec![0.0; v.len()], vec![0.0; v.len()]);
        let mut seed = |f: &[f64], r: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            first.copy_from_slice(f);
            rest.copy_from_slice(r);
            v0.copy_from_slice(&v);
            v1.copy_from_slice(&z);
        };
        let h = model.clone().auto();
        h.increment(at, &mut seed, &mut base, &mut change);
        let weights = at.increments();
        let wanted = taped(&model, weights, |y| {
            assert!(same(&first, &y.iter().map(|y| y.value().first).collect::<Vec<_>>()));
            assert!(same(&rest, &y.iter().map(|y| y.value().rest).collect::<Vec<_>>()));
            v.iter().zip(&z).map(|(&v, &z)| Increment::new(v, z, 0.0, eps)).collect()
        });
        prop_assert!(same(&base, &wanted.iter().map(|g| g.base).collect::<Vec<_>>()));
        prop_assert!(same(&change, &wanted.iter().map(|g| g.change()).collect::<Vec<_>>()));
    }

    #[test]
    fn jacobians_are_the_tapes((model, w, _, _) in cases()) {
        let (rows, columns) = is_taped(&model, &w);
        let Shape { params, outputs } = model.shape();
        prop_assert!(rows || columns && params <= outputs, "{:?}", model.auto().jacobian(&w));
    }
}

/// xₜ₊₁ = tanh(xₜ + wₜ x₀) ..., each state an output: outputs that share nearly all of their operations.
#[derive(Clone)]
struct Recursion {
    params: usize,
    steps: usize,
}

impl Model for Recursion {
    fn shape(&self) -> Shape {
        Shape { params: self.params, outputs: self.steps }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let mut x = S::from(0.5);
        for (t, y) in y.iter_mut().enumerate() {
            for &w in w.iter().skip(t % 3).step_by(3) {
                x = (x * w + S::from(0.1)).sin() / (S::from(1.0) + x * x) + w;
            }
            *y = x;
        }
    }
}

/// More outputs than one shared sweep holds; few parameters come by columns, many by shared rows.
#[test]
fn outputs_that_share_their_operations() {
    for (params, steps) in [(3, 60), (90, 60), (90, 9), (40, 17)] {
        let w: Vec<f64> =
            (0..params).map(|i| 0.3 * f64::from(u8::from(i % 2 == 0)) - 0.1).collect();
        let (rows, columns) = is_taped(&Recursion { params, steps }, &w);
        assert_eq!((rows, columns), (params > 3, params == 3), "p = {params}, N = {steps}");
    }
}

/// (√w₁, w₁ w₂, 3): at w₁ = 0 the first slope is infinite, and the other rows are none the worse; a constant has none.
struct Corner;
impl Model for Corner {
    fn shape(&self) -> Shape {
        Shape { params: 4, outputs: 3 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        let _ = w[0].ln() / w[3];
        y[0] = w[0].sqrt();
        y[1] = w[0] * w[1];
        y[2] = S::from(3.0);
    }
}

#[test]
fn an_infinite_slope_stays_in_its_row() {
    let jacobian = Corner.auto().jacobian(&[0.0, 5.0, 0.0, 0.0]);
    let rows: Vec<f64> = jacobian.transpose().as_slice().to_vec();
    assert_eq!(rows, [f64::INFINITY, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

/// (w₁/w₂, w₁ w₃) with a slope −w₁/w₂² that overflows where all values are finite.
#[derive(Clone)]
struct Steep;
impl Model for Steep {
    fn shape(&self) -> Shape {
        Shape { params: 3, outputs: 2 }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        y[0] = w[0] / w[1];
        y[1] = w[0] * w[2];
    }
}

#[test]
fn a_slope_that_overflows_stays_in_its_row() {
    let w = [1e100, 1e-200, 2.0];
    assert!(is_taped(&Steep, &w).0);
    let jacobian = Steep.auto().jacobian(&w);
    assert_eq!(jacobian.as_slice(), [1e200, 2.0, f64::NEG_INFINITY, 0.0, 0.0, 1e100]);
}

#[test]
fn threads_give_the_same_bits() {
    let h = Recursion { params: 30, steps: 20 }.auto();
    let w: Vec<f64> = (0..30_u8).map(|i| f64::from(i).sin()).collect();
    let v: Vec<f64> = (0..20_u8).map(|i| f64::from(i).cos()).collect();
    let all = || {
        let mut found = vec![0.0; 30];
        h.vjp(&w, &v, &mut found);
        found.extend(h.jacobian(&w).as_slice());
        let (mut base, mut change) = (vec![0.0; 30], vec![0.0; 30]);
        let at = Displacement { start: &w, first: &w, rest: &w, eps: 0.1 };
        let mut seed = |_: &[f64], _: &[f64], v0: &mut [f64], v1: &mut [f64]| {
            v0.copy_from_slice(&v);
            v1.copy_from_slice(&v);
        };
        h.increment(at, &mut seed, &mut base, &mut change);
        found.extend(base.iter().chain(&change));
        found
    };
    let found: Vec<Vec<f64>> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| (0..25).map(|_| all()).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|t| t.join().expect("no panic")).collect()
    });
    assert!(found.iter().all(|other| same(&found[0], other)));
    assert!(found[0].iter().all(|x| x.is_finite()) && found.len() == 100);
}
