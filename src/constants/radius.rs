//! Balls that certify themselves: r such that what is certified on the ball keeps the path inside it.
//!
//! A bound of the path's length needs Lip(Dh) on a ball that holds the path, and the ball's radius is that bound: r is
//! sought with need(r) ≤ r, need increasing. From r = 0 the iteration r ← need(r) climbs towards the least such r and
//! stays below it. Here each r is rounded up to a notch, a power of 2^(1/32): constants certified on the ball of one
//! notch serve every smaller ball, and many questions share them.

/// The answer of [`least_radius`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Radius {
    /// A self-consistent radius, at most a notch (2.2 %) beyond the least, verified.
    Found(f64),
    /// No self-consistent radius up to the cap.
    None,
}

/// Notches to the power of two.
const NOTCHES: f64 = 32.0;

/// The least r, up to a notch, with `need`(r) ≤ r for an increasing `need`; verified as `need` computes it.
///
/// ```
/// use gradflow::constants::{Radius, least_radius};
/// // r = 0.1 + r²: the least solution is (1 − √0.6)/2 = 0.11270.
/// let Radius::Found(r) = least_radius(|r| 0.1 + r * r, 1e9) else { panic!() };
/// assert!(0.1 + r * r <= r && r < 0.11271 * 1.0220);
/// assert_eq!(least_radius(|r| 1.0 + r * r, 1e9), Radius::None);
/// ```
pub fn least_radius(need: impl Fn(f64) -> f64, cap: f64) -> Radius {
    let mut r = 0.0;
    loop {
        let next = need(r);
        if next.is_nan() || next > cap || next == f64::INFINITY {
            return Radius::None;
        }
        if next <= r {
            return Radius::Found(r);
        }
        // Beyond r, for `next` is: each turn climbs a notch at least, and there are finitely many below the cap.
        r = notch(next);
    }
}

/// The least notch that is no less than x > 0.
fn notch(x: f64) -> f64 {
    let near = (NOTCHES * x.log2()).ceil();
    let found = (near / NOTCHES).exp2();
    // The logarithm may have been rounded down.
    if found >= x { found } else { ((near + 1.0) / NOTCHES).exp2().max(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notches_are_few_and_never_below() {
        for k in -4000..4000 {
            let x = 1.03_f64.powi(k);
            let found = notch(x);
            assert!(found >= x && found <= x * 1.0221, "{x}: {found}");
        }
        assert!(notch(f64::MIN_POSITIVE) >= f64::MIN_POSITIVE);
    }

    #[test]
    fn a_need_of_nothing_is_met_at_zero() {
        assert_eq!(least_radius(|_| 0.0, 1.0), Radius::Found(0.0));
        assert_eq!(least_radius(|_| f64::NAN, 1.0), Radius::None);
        assert_eq!(least_radius(|_| f64::INFINITY, f64::INFINITY), Radius::None);
    }
}
