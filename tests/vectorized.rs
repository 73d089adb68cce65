//! Activations over slices against their plain twins and against arithmetic of 106 bits.

#[allow(dead_code, reason = "the oracle of intervals can do more")]
mod double_double;

use double_double::DoubleDouble;
use gradflow::model::Activation;
use gradflow::scalar::Elementary;

/// The bound stated for [`Activation::fill`]: eight roundings, relative to the exact value or slope.
const BOUND: f64 = 8.0 * (f64::EPSILON / 2.0);

/// Every power of two with twenty numbers above it, and a fine grid where things happen; both signs.
fn grid() -> Vec<f64> {
    let mut x: Vec<f64> = Vec::new();
    for exponent in -1074..10 {
        x.extend((0..20).map(|m| 2.0_f64.powi(exponent) * (1.0 + f64::from(m) / 20.0)));
    }
    x.extend((0..40_000).map(|i| 1e-3 * f64::from(i)));
    x.extend((0..40_000).map(|i| 1e-2 * f64::from(i)));
    let negative: Vec<f64> = x.iter().map(|x| -x).collect();
    x.extend(negative);
    x
}

fn filled(activation: Activation, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut value, mut slope) = (x.to_vec(), vec![f64::NAN; x.len()]);
    activation.fill(&mut value, &mut slope);
    (value, slope)
}

/// e^y, where the oracle reaches.
fn exp(y: f64) -> Option<DoubleDouble> {
    DoubleDouble::from(y).apply(Elementary::Exp)
}

/// φ(x) and φ'(x), where the oracle reaches and no digits are lost to underflow.
fn exact(activation: Activation, x: f64) -> Option<(DoubleDouble, DoubleDouble)> {
    let one = DoubleDouble::from(1.0);
    let bell = |y: f64| exp(y).map(|e| e / ((one + e) * (one + e)));
    let logistic = || Some(one / (one + exp(-x)?));
    Some(match activation {
        Activation::Tanh => {
            let value = DoubleDouble::from(x).apply(Elementary::Tanh)?;
            (value, bell(-2.0 * x.abs())? * 4.0.into())
        }
        Activation::Sigmoid => (logistic()?, bell(-x.abs())?),
        Activation::Softplus => {
            let e = exp(-x.abs())?;
            // ln(1 + e) = e (1 − e/2 + e²/3 − …), eleven terms for e below 10⁻³.
            let tail = if e.hi < 1e-3 {
                let term = |k: i32| one / f64::from(k).into();
                e * (1..=11).rev().fold(DoubleDouble::from(0.0), |sum, k| term(k) - e * sum)
            } else {
                (one + e).apply(Elementary::Ln)?
            };
            (if x > 0.0 { tail + x.into() } else { tail }, logistic()?)
        }
        _ => return None,
    })
}

/// |found − wanted|/|wanted|.
fn error(found: f64, wanted: DoubleDouble) -> f64 {
    let difference = (found - wanted.hi) - wanted.lo;
    if difference == 0.0 { 0.0 } else { (difference / wanted.hi).abs() }
}

#[test]
fn vector_code_keeps_its_bound_against_the_oracle() {
    let x = grid();
    for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Softplus] {
        let (value, slope) = filled(activation, &x);
        let (mut seen, mut worst) = (0, (0.0_f64, 0.0_f64));
        for (i, &x) in x.iter().enumerate() {
            let Some((exact_value, exact_slope)) = exact(activation, x) else { continue };
            // The oracle's products of halves underflow below.
            if exact_value.hi.abs() < 1e-280 || exact_slope.hi < 1e-280 {
                continue;
            }
            seen += 1;
            worst.0 = worst.0.max(error(value[i], exact_value));
            worst.1 = worst.1.max(error(slope[i], exact_slope));
            assert!(
                error(value[i], exact_value) <= BOUND && error(slope[i], exact_slope) <= BOUND,
                "{activation:?} at {x:e}: {:e}, {:e}; exact {exact_value:?}, {exact_slope:?}",
                value[i],
                slope[i]
            );
        }
        assert!(seen > 100_000, "{activation:?}: the oracle answered {seen} times");
        println!(
            "{activation:?}: {:.2} and {:.2} roundings",
            worst.0 / BOUND * 8.0,
            worst.1 / BOUND * 8.0
        );
    }
}

/// The twin is itself good to eight roundings; numbers below the normal ones are off by a few of the least.
#[test]
fn vector_code_agrees_with_its_plain_twin_everywhere() {
    let mut x = grid();
    x.extend([0.0, -0.0, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]);
    x.extend((7000..7600).flat_map(|i| [0.1 * f64::from(i), -0.1 * f64::from(i)]));
    let floor = 8.0 * f64::from_bits(1);
    for activation in Activation::ALL {
        let (value, slope) = filled(activation, &x);
        for (i, &x) in x.iter().enumerate() {
            let (plain_value, plain_slope) = (activation.value(x), activation.slope(x));
            let near = |found: f64, plain: f64| {
                found == plain
                    || found.is_nan() && plain.is_nan()
                    || (found - plain).abs() <= 2.0 * BOUND * plain.abs() + floor
            };
            assert!(near(value[i], plain_value), "{activation:?}({x:e}) = {:e}", value[i]);
            assert!(near(slope[i], plain_slope), "{activation:?}'({x:e}) = {:e}", slope[i]);
            let odd = [Activation::Tanh, Activation::Erf, Activation::Identity];
            if odd.contains(&activation) {
                assert_eq!(
                    value[i].is_sign_negative(),
                    x.is_sign_negative(),
                    "{activation:?}({x:e})"
                );
            }
        }
        let (value, slope) = filled(activation, &[f64::NAN; 9]);
        assert!(value.iter().all(|x| x.is_nan()), "{activation:?} swallows a NaN");
        assert!(
            activation == Activation::Relu || slope.iter().all(|x| x.is_nan()),
            "{activation:?}' swallows a NaN"
        );
    }
}

/// Lanes and left-overs compute the same: no result depends on its place in the slice.
#[test]
fn no_bit_depends_on_the_place() {
    let x: Vec<f64> = (0..37).map(|i| 0.37 * f64::from(i) - 6.0).collect();
    for activation in Activation::ALL {
        let whole = filled(activation, &x);
        for (i, x) in x.iter().enumerate() {
            let (value, slope) = filled(activation, &[*x]);
            assert_eq!((value[0], slope[0]), (whole.0[i], whole.1[i]), "{activation:?}({x})");
        }
    }
}
