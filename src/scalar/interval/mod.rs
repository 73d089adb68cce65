//! Intervals: what a number can be, for certain.
//!
//! Every operation rounds outward, so that the result contains f(x) for every x of the operands (Moore, *Interval
//! Analysis*, 1966). The basic operations and √ of IEEE arithmetic are correct to half an ulp, and one step to the next
//! number encloses them (`rounding`); elementary functions are enclosed by our own series with proven remainders
//! (`exponential`, `circular`, `logistic`, `error_function`), never by the platform's, of which nothing is promised: the
//! same bits come out everywhere. Derivatives of elementary functions are ranges over monotone pieces
//! ([`Elementary::on`]), and [`Dual`](super::Dual) numbers of intervals use them.
//!
//! An interval is a set of real numbers. Infinite ends mean that there is no bound on that side; [`Interval::WHOLE`]
//! says that nothing is known, and is the answer wherever an operation is not defined on all of its operands.
//! Where a number enters a formula twice, the result is wider than the range: x − x is not 0. What must be tight needs a
//! function of its own, as x² has.

#[cfg(all(target_arch = "x86", not(target_feature = "sse2")))]
compile_error!(
    "directed rounding needs arithmetic in f64 proper, which x87 does not have: build with sse2"
);

mod circular;
mod elementary;
mod error_function;
mod exponential;
mod logistic;
mod operations;
mod power;
pub(crate) mod rounding;

use super::{Elementary, Scalar};
use rounding::{add_up, norm_down, norm_up, sqrt_down, sqrt_up, sub_down};

/// [lo, hi] with lo ≤ hi, both possibly infinite; never NaN and never empty.
///
/// ```
/// use gradflow::scalar::{Interval, Scalar};
/// let third = Interval::from(1.0) / Interval::from(3.0);
/// assert!((third * Interval::from(3.0)).contains(1.0) && third.width() > 0.0);
/// assert_eq!(Interval::new(-1.0, 2.0).squared(), Interval::new(0.0, 4.0));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    lo: f64,
    hi: f64,
}

impl Interval {
    /// (−∞, ∞): nothing is known.
    pub const WHOLE: Interval = Interval { lo: f64::NEG_INFINITY, hi: f64::INFINITY };

    /// [lo, hi]; the whole line where a bound is NaN or lo > hi. Of [∞, ∞], which holds no number, the numbers beyond
    /// f64 are kept.
    pub fn new(lo: f64, hi: f64) -> Self {
        if lo <= hi {
            Interval { lo: lo.min(f64::MAX), hi: hi.max(f64::MIN) }
        } else {
            Interval::WHOLE
        }
    }

    /// centre ± radius, rounded outward.
    pub fn around(centre: f64, radius: f64) -> Self {
        Interval::new(sub_down(centre, radius), add_up(centre, radius))
    }

    /// From x to the next number above: a constant that lies between.
    const fn from_below(x: f64) -> Self {
        Interval { lo: x, hi: x.next_up() }
    }

    /// From the number below x to that above: a constant to the nearest number.
    const fn next_to(x: f64) -> Self {
        Interval { lo: x.next_down(), hi: x.next_up() }
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

    /// min |x| over the interval.
    pub fn mignitude(self) -> f64 {
        if self.contains(0.0) { 0.0 } else { self.lo.abs().min(self.hi.abs()) }
    }

    /// hi − lo, rounded up.
    pub fn width(self) -> f64 {
        add_up(self.hi, -self.lo)
    }

    /// A number near the middle; always finite and within the interval.
    pub fn midpoint(self) -> f64 {
        if self == Interval::WHOLE {
            return 0.0;
        }
        let (lo, hi) = (self.lo.max(f64::MIN), self.hi.min(f64::MAX));
        (0.5 * lo + 0.5 * hi).clamp(lo, hi)
    }

    /// max |x − midpoint| over the interval, rounded up.
    pub fn radius(self) -> f64 {
        let middle = self.midpoint();
        add_up(self.hi, -middle).max(add_up(middle, -self.lo))
    }

    /// Whether x lies in it.
    pub fn contains(self, x: f64) -> bool {
        self.lo <= x && x <= self.hi
    }

    /// Whether all of it lies in `o`.
    pub fn is_within(self, o: Self) -> bool {
        o.lo <= self.lo && self.hi <= o.hi
    }

    /// Whether both ends are finite.
    pub fn is_finite(self) -> bool {
        self.lo.is_finite() && self.hi.is_finite()
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

    /// √(Σ xᵢ²), the Euclidean norm of all vectors with entries in `entries`.
    #[must_use]
    pub fn norm(entries: &[Interval]) -> Self {
        Interval {
            lo: norm_down(entries.iter().map(|x| x.mignitude())),
            hi: norm_up(entries.iter().map(|x| x.magnitude())),
        }
    }

    /// √x for x ≥ 0.
    fn root(self) -> Self {
        Interval { lo: sqrt_down(self.lo), hi: sqrt_up(self.hi) }
    }
}

/// The range of an increasing function, given enclosures of its values.
fn increasing(x: Interval, f: impl Fn(f64) -> Interval) -> Interval {
    let low = f(x.lo);
    if x.lo == x.hi { low } else { low.hull(f(x.hi)) }
}

impl From<f64> for Interval {
    fn from(x: f64) -> Self {
        Interval::new(x, x)
    }
}

impl Scalar for Interval {
    fn apply(self, f: Elementary) -> Self {
        f.on(0, self)
    }

    fn powi(self, n: i32) -> Self {
        power::powi(self, n)
    }

    fn powf(self, a: f64) -> Self {
        power::powf(self, a)
    }

    fn derivative_of(self, f: Elementary, order: usize) -> Option<Self> {
        Some(f.on(order, self))
    }

    fn power_derivative(self, a: f64, order: usize) -> Option<Self> {
        Some(power::power_derivative(self, a, order))
    }
}
