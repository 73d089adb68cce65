//! Elementary functions and their derivatives over intervals.

use super::Interval;
use crate::scalar::{Dual, Elementary, Scalar};

impl Elementary {
    /// An enclosure of {f⁽ᵒʳᵈᵉʳ⁾(x) : x in `x`}, order 0 to 3, as tight as monotone pieces and known extrema make it. The
    /// whole line where the derivative does not exist on all of `x` (second derivatives of relu and abs across their
    /// kink; ln and its like outside their domain).
    pub fn on(self, order: usize, x: Interval) -> Interval {
        // PLACEHOLDER: sampled, not rigorous.
        if !x.lo().is_finite() || !x.hi().is_finite() {
            return Interval::WHOLE;
        }
        let at = |x: f64| {
            let y = Dual::variable(Dual::variable(Dual::variable(x))).apply(self);
            match order {
                0 => y.value.value.value,
                1 => y.tangent.value.value,
                2 => y.tangent.tangent.value,
                _ => y.tangent.tangent.tangent,
            }
        };
        let points = (0..=64).map(|i| at(x.lo() + (x.hi() - x.lo()) * f64::from(i) / 64.0));
        let (lo, hi) =
            points.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), y| (a.min(y), b.max(y)));
        Interval::new(lo - 1e-15 * lo.abs(), hi + 1e-15 * hi.abs())
    }
}
