//! + − × ÷ of intervals, each end rounded to its own side.

use super::Interval;
use super::rounding::{add_down, add_up, div_down, div_up, mul_down, mul_up};
use std::ops::{Add, Div, Mul, Neg, Sub};

impl Add for Interval {
    type Output = Self;
    #[inline]
    fn add(self, o: Self) -> Self {
        Interval { lo: add_down(self.lo, o.lo), hi: add_up(self.hi, o.hi) }
    }
}

impl Sub for Interval {
    type Output = Self;
    #[inline]
    fn sub(self, o: Self) -> Self {
        self + -o
    }
}

impl Neg for Interval {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Interval { lo: -self.hi, hi: -self.lo }
    }
}

/// By signs; 0 · ∞ = 0, for an infinite end stands for every finite number.
impl Mul for Interval {
    type Output = Self;
    #[inline]
    fn mul(self, o: Self) -> Self {
        if self.lo < 0.0 && self.hi <= 0.0 {
            return -(-self * o);
        }
        if o.lo < 0.0 && o.hi <= 0.0 {
            return -(self * -o);
        }
        match (self.lo >= 0.0, o.lo >= 0.0) {
            (true, true) => Interval { lo: mul_down(self.lo, o.lo), hi: mul_up(self.hi, o.hi) },
            (true, false) => Interval { lo: mul_down(self.hi, o.lo), hi: mul_up(self.hi, o.hi) },
            (false, true) => o * self,
            (false, false) => Interval {
                lo: mul_down(self.lo, o.hi).min(mul_down(self.hi, o.lo)),
                hi: mul_up(self.lo, o.lo).max(mul_up(self.hi, o.hi)),
            },
        }
    }
}

/// The whole line where the divisor contains 0.
impl Div for Interval {
    type Output = Self;
    #[inline]
    fn div(self, o: Self) -> Self {
        if o.contains(0.0) {
            return Interval::WHOLE;
        }
        if o.hi < 0.0 {
            return -self / -o;
        }
        Interval {
            lo: div_down(self.lo, if self.lo >= 0.0 { o.hi } else { o.lo }),
            hi: div_up(self.hi, if self.hi >= 0.0 { o.lo } else { o.hi }),
        }
    }
}
