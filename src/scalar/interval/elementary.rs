//! Elementary functions and their derivatives over intervals: the range, and not a formula evaluated naively.
//!
//! Between neighbouring zeros of f⁽ᵏ⁺¹⁾ the function f⁽ᵏ⁾ is monotone. Its range over [a, b] is therefore the hull of its
//! values at a, at b and at those zeros within. Each zero is enclosed by an interval two ulp wide, so all that is
//! evaluated is narrow, and the result is as tight as that of a point:
//!
//! | f⁽ᵏ⁾ | k = 1 | k = 2 | k = 3 |
//! |---|---|---|---|
//! | tanh | 0 | tanh x = ±1/√3 | 0, tanh x = ±√(2/3) |
//! | erf | 0 | ±1/√2 | 0, ±√(3/2) |
//! | atan | 0 | ±1/√3 | 0, ±1 |
//!
//! The logistic function is (1 + tanh(x/2))/2, and softplus its integral; sine and cosine have their own phase count
//! (`circular`); the others are monotone in every order.

use super::circular::{atan_at, atan_derivative, wave};
use super::error_function::{erf_at, erf_derivative};
use super::exponential::{exp, ln};
use super::logistic::{sigmoid_at, softplus_at, tanh_at, tanh_derivative};
use super::{Interval, increasing};
use crate::scalar::{Elementary, Scalar};
use std::f64::consts::FRAC_1_SQRT_2;

/// Zeros x ≥ 0 of f⁽ᵏ⁺¹⁾ for k = 1, 2, 3, to the nearest number; their negatives are zeros, too.
type Zeros = [&'static [f64]; 3];
const TANH: Zeros = [&[0.0], &[0.658_478_948_462_408_4], &[0.0, 1.146_215_834_780_588_9]];
const ERF: Zeros = [&[0.0], &[FRAC_1_SQRT_2], &[0.0, 1.224_744_871_391_589]];
const ATAN: Zeros = [&[0.0], &[0.577_350_269_189_625_8], &[0.0, 1.0]];

impl Elementary {
    /// An enclosure of {f⁽ᵒʳᵈᵉʳ⁾(x) : x in `x`}, order 0 to 3, as tight as monotone pieces and known extrema make it.
    ///
    /// The whole line where the derivative does not exist on all of `x`: ln for x ≤ 0, √ for x < 0 and its derivatives at
    /// 0, the second derivatives of relu and abs and all of step and sign at the kink, which counts as met where `x`
    /// touches it; also for higher orders, of which nothing is known. The first derivatives of relu and abs there are
    /// [0, 1] and [−1, 1].
    pub fn on(self, order: usize, x: Interval) -> Interval {
        match (self, order) {
            (_, 4..) => Interval::WHOLE,
            (Elementary::Exp, _) => exp(x),
            (Elementary::Ln, _) => logarithm(order, x),
            (Elementary::Sqrt, _) => root(order, x),
            (Elementary::Sin, _) => wave(x, order as f64),
            (Elementary::Cos, _) => wave(x, (order + 1) as f64),
            (Elementary::Tanh, 0) => increasing(x, tanh_at),
            (Elementary::Tanh, _) => by_pieces(x, TANH[order - 1], |x| tanh_derivative(order, x)),
            (Elementary::Atan, 0) => increasing(x, atan_at),
            (Elementary::Atan, _) => by_pieces(x, ATAN[order - 1], |x| atan_derivative(order, x)),
            (Elementary::Erf, 0) => increasing(x, erf_at),
            (Elementary::Erf, _) => by_pieces(x, ERF[order - 1], |x| erf_derivative(order, x)),
            (Elementary::Sigmoid, _) => logistic(order, x),
            (Elementary::Softplus, 0) => increasing(x, softplus_at),
            (Elementary::Softplus, _) => logistic(order - 1, x),
            (Elementary::Relu | Elementary::Abs | Elementary::Step | Elementary::Sign, _) => {
                kinked(self, order, x)
            }
        }
    }
}

/// The range of a function that is monotone between its extrema, which lie at ± the numbers in `extrema`, to rounding.
fn by_pieces(x: Interval, extrema: &[f64], f: impl Fn(Interval) -> Interval) -> Interval {
    let low = f(Interval::from(x.lo));
    if x.lo == x.hi {
        return low;
    }
    let signed = extrema.iter().flat_map(|c| [*c, -*c]);
    let enclosed = signed.map(|c| if c == 0.0 { Interval::from(c) } else { Interval::next_to(c) });
    enclosed
        .filter(|c| c.intersection(x).is_some())
        .fold(low.hull(f(Interval::from(x.hi))), |range, c| range.hull(f(c)))
}

/// σ⁽ᵏ⁾(x) = 2^(−k−1) tanh⁽ᵏ⁾(x/2) for k ≥ 1.
fn logistic(order: usize, x: Interval) -> Interval {
    let half = Interval::from(0.5);
    if order == 0 {
        return increasing(x, sigmoid_at);
    }
    (0..=order).fold(Elementary::Tanh.on(order, half * x), |range, _| half * range)
}

/// ln x, 1/x, −1/x² and 2/x³ for x > 0.
fn logarithm(order: usize, x: Interval) -> Interval {
    if x.lo <= 0.0 {
        return Interval::WHOLE;
    }
    match order {
        0 => ln(x),
        1 => x.powi(-1),
        2 => -x.powi(-2),
        _ => Interval::from(2.0) * x.powi(-3),
    }
}

/// √x, ½x^(−1/2), −¼x^(−3/2) and ⅜x^(−5/2): products of factors that fall alike.
fn root(order: usize, x: Interval) -> Interval {
    if x.lo < 0.0 || (x.lo == 0.0 && order > 0) {
        return Interval::WHOLE;
    }
    let root = x.root();
    match order {
        0 => root,
        1 => Interval::from(0.5) / root,
        2 => Interval::from(-0.25) / root * x.powi(-1),
        _ => Interval::from(0.375) / root * x.powi(-2),
    }
}

/// relu, abs and their derivatives step and sign: constant on both sides of 0.
fn kinked(f: Elementary, order: usize, x: Interval) -> Interval {
    let at_kink = x.contains(0.0);
    let jump = |f: Elementary| Interval { lo: f.at(x.lo), hi: f.at(x.hi) };
    match (f, order) {
        (Elementary::Relu, 0) => Interval { lo: x.lo.max(0.0), hi: x.hi.max(0.0) },
        (Elementary::Abs, 0) => Interval { lo: x.mignitude(), hi: x.magnitude() },
        (Elementary::Step | Elementary::Sign, 0) => jump(f),
        (Elementary::Relu, 1) if at_kink => Interval { lo: 0.0, hi: 1.0 },
        (Elementary::Abs, 1) if at_kink => Interval { lo: -1.0, hi: 1.0 },
        _ if at_kink => Interval::WHOLE,
        (Elementary::Relu, 1) => jump(Elementary::Step),
        (Elementary::Abs, 1) => jump(Elementary::Sign),
        _ => Interval::from(0.0),
    }
}
