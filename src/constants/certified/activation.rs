//! Activations and their derivatives over intervals.

use crate::model::Activation;
use crate::scalar::{Elementary, Interval, Scalar};
use std::f64::consts::SQRT_2;

/// An enclosure of {φ⁽ᵒʳᵈᵉʳ⁾(x) : x in `x`}, order 0 to 2.
pub(super) fn on(activation: Activation, order: usize, x: Interval) -> Interval {
    let f = match activation {
        Activation::Tanh => Elementary::Tanh,
        Activation::Relu => Elementary::Relu,
        Activation::Softplus => Elementary::Softplus,
        Activation::Erf => Elementary::Erf,
        Activation::Sigmoid => Elementary::Sigmoid,
        Activation::Gelu => return gelu(order, x),
        Activation::Identity => {
            return [x, Interval::from(1.0), Interval::from(0.0)][order.min(2)];
        }
    };
    f.on(order, x)
}

/// x Φ(x), Φ(x) + x ρ(x) and (2 − x²) ρ(x) with ρ the normal density: monotone between 0, ±√2 (order 1) and ±2
/// (order 2), and with values (order 0) by the mean value theorem.
fn gelu(order: usize, x: Interval) -> Interval {
    let extrema: &[f64] = match order {
        0 => {
            let centre = Interval::from(0.5 * (x.lo() + x.hi()));
            let near = gelu_at(0, centre) + gelu(1, x) * (x - centre);
            return near.intersection(gelu_at(0, x)).unwrap_or(near);
        }
        1 => &[-SQRT_2, SQRT_2],
        _ => &[-2.0, 0.0, 2.0],
    };
    let ends = gelu_at(order, Interval::from(x.lo())).hull(gelu_at(order, Interval::from(x.hi())));
    extrema
        .iter()
        // One ulp to either side holds the true extremum.
        .map(|c| Interval::new(c.next_down(), c.next_up()))
        .filter(|c| c.intersection(x).is_some())
        .fold(ends, |range, c| range.hull(gelu_at(order, c)))
}

/// The formulas as they stand, for narrow intervals.
fn gelu_at(order: usize, x: Interval) -> Interval {
    let (half, two) = (Interval::from(0.5), Interval::from(2.0));
    let distribution = || half * (Interval::from(1.0) + (x / two.sqrt()).erf());
    let density = || (-(half * x.squared())).exp() / (two * pi()).sqrt();
    match order {
        0 => x * distribution(),
        1 => distribution() + x * density(),
        _ => (two - x.squared()) * density(),
    }
}

/// The nearest number is below π by 1.2e-16.
fn pi() -> Interval {
    Interval::new(std::f64::consts::PI, std::f64::consts::PI.next_up())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn ranges_hold_the_values_and_are_filled_by_them() {
        let mut generator = Generator::seeded(2);
        for activation in Activation::ALL.into_iter().filter(|a| a.is_smooth()) {
            for _ in 0..200 {
                let (a, width) = (generator.uniform(-5.0, 5.0), generator.uniform(0.0, 3.0));
                let x = Interval::new(a, a + width);
                for order in 0..3 {
                    let range = on(activation, order, x);
                    let f = |x: f64| match order {
                        0 => activation.value(x),
                        1 => activation.slope(x),
                        _ => activation.second(x),
                    };
                    let points = (0..=200).map(|i| f(a + width * f64::from(i) / 200.0));
                    let (lo, hi) = points
                        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), y| (l.min(y), h.max(y)));
                    let slack = 1e-14; // the float functions' own errors
                    assert!(range.lo() <= lo + slack && hi <= range.hi() + slack, "{activation:?}");
                    // |f'''| < 4: a grid of 200 misses at most 4 (w/200)²/8 at an extremum; order 0 of gelu is looser.
                    let loose = if order == 0 { 0.5 * width * width } else { 2e-5 * width * width };
                    let slack = loose + 1e-13;
                    assert!(
                        range.lo() >= lo - slack && range.hi() <= hi + slack,
                        "{activation:?} {order} {x:?} {range:?} [{lo}, {hi}]"
                    );
                }
            }
        }
    }
}
