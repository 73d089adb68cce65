//! Intervals: what a number can be, for certain.
//!
//! Every operation rounds outward, so that the result contains f(x) for every x of the operands. The basic operations
//! and √ of IEEE arithmetic are correct to half an ulp, and one step to the next number encloses them; elementary
//! functions are enclosed by our own series with proven remainders (`elementary`), never by the platform's.

mod elementary;
pub(crate) mod rounding;

use super::{Elementary, Scalar};
use std::ops::{Add, Div, Mul, Neg, Sub};

/// [lo, hi] with lo ≤ hi, both possibly infinite; never NaN and never empty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

/// The next number below.
pub(crate) fn down(x: f64) -> f64 {
    x.next_down()
}

/// The next number above.
pub(crate) fn up(x: f64) -> f64 {
    x.next_up()
}

impl Interval {
    /// (−∞, ∞): nothing is known.
    pub const WHOLE: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    /// [lo, hi]; the whole line where a bound is NaN or lo > hi.
    pub fn new(lo: f64, hi: f64) -> Self {
        if lo <= hi { Interval { lo, hi } } else { Interval::WHOLE }
    }

    /// centre ± radius, rounded outward.
    pub fn around(centre: f64, radius: f64) -> Self {
        Interval::new(down(centre - radius), up(centre + radius))
    }

    /// The least element.
    pub fn lo(self) -> f64 {
        self.lo
    }

    /// The greatest element.
    pub fn hi(self) -> f64 {
        self.hi
    }

    /// max |x| over the interval.
    pub fn magnitude(self) -> f64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Whether x lies in it.
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// The least interval that contains both.
    #[must_use]
    pub fn hull(self, o: Self) -> Self {
        Interval { lo: self.lo.min(o.lo), hi: self.hi.max(o.hi) }
    }

    /// The common part; `None` where there is none.
    pub fn intersection(self, o: Self) -> Option<Self> {
        let (lo, hi) = (self.lo.max(o.lo), self.hi.min(o.hi));
        (lo <= hi).then_some(Interval { lo, hi })
    }

    /// x², at least 0 (x · x would forget that both factors are the same).
    #[must_use]
    pub fn squared(self) -> Self {
        self.powi(2)
    }
}

impl From<f64> for Interval {
    fn from(x: f64) -> Self {
        Interval::new(x, x)
    }
}

impl Add for Interval {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        Interval::new(down(self.lo + o.lo), up(self.hi + o.hi))
    }
}

impl Sub for Interval {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        Interval::new(down(self.lo - o.hi), up(self.hi - o.lo))
    }
}

impl Neg for Interval {
    type Output = Self;
    fn neg(self) -> Self {
        Interval { lo: -self.hi, hi: -self.lo }
    }
}

/// x y with 0 · ∞ = 0: a bound that is infinite stands for every finite number.
fn product(x: f64, y: f64) -> f64 {
    if x == 0.0 || y == 0.0 { 0.0 } else { x * y }
}

impl Mul for Interval {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        let ends = [
            product(self.lo, o.lo),
            product(self.lo, o.hi),
            product(self.hi, o.lo),
            product(self.hi, o.hi),
        ];
        let least = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Interval::new(down(least), up(most))
    }
}

impl Div for Interval {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        if o.contains(0.0) {
            return Interval::WHOLE;
        }
        let ends = [self.lo / o.lo, self.lo / o.hi, self.hi / o.lo, self.hi / o.hi];
        if ends.iter().any(|x| x.is_nan()) {
            return Interval::WHOLE;
        }
        let least = ends.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ends.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Interval::new(down(least), up(most))
    }
}

impl Scalar for Interval {
    fn apply(self, f: Elementary) -> Self {
        f.on(0, self)
    }

    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Interval::from(1.0);
        }
        if n < 0 {
            return Interval::from(1.0) / self.powi(n.checked_neg().unwrap_or(i32::MAX));
        }
        let power = |x: f64| {
            let mut y = Interval::from(x);
            for _ in 1..n {
                y = y * Interval::from(x);
            }
            y
        };
        let ends = power(self.lo).hull(power(self.hi));
        if n % 2 == 0 && self.contains(0.0) { Interval::new(0.0, ends.hi) } else { ends }
    }

    fn powf(self, a: f64) -> Self {
        (Interval::from(a) * self.ln()).exp()
    }
}
