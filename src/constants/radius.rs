//! Balls that certify themselves: r such that what is certified on the ball keeps the path inside it.
//!
//! A bound of the path's length needs Lip(Dh) on a ball that holds the path, and the ball's radius is that bound: r is
//! sought with need(r) ≤ r, need increasing. From r = 0 the iteration r ← need(r) climbs towards the least such r and
//! stays below it. Here each r is rounded up to a notch, a power of 2^(1/8) at first and of 2^(1/32) near the answer:
//! few balls are tried, constants certified on the ball of one notch serve every smaller one, and many questions share
//! them.

/// The answer of [`least_radius`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Radius {
    /// A self-consistent radius, at most a notch (2.2 %) beyond the least, verified.
    Found(f64),
    /// No self-consistent radius up to the cap.
    None,
}

/// Notches to the power of two, at first and near the answer.
const COARSE: f64 = 8.0;
const FINE: f64 = 32.0;

/// The least r, up to a notch, with `need`(r) ≤ r for an increasing `need`; verified as `need` computes it. Solutions
/// that fill less than a coarse notch (9 %) can be missed: then the answer is `None`, which claims nothing.
///
/// ```
/// use gradflow::constants::{Radius, least_radius};
/// // r = 0.1 + r²: the least solution is (1 − √0.6)/2 = 0.11270.
/// let Radius::Found(r) = least_radius(|r| 0.1 + r * r, 1e9) else { panic!() };
/// assert!(0.1 + r * r <= r && r < 0.11271 * 1.0220);
/// assert_eq!(least_radius(|r| 1.0 + r * r, 1e9), Radius::None);
/// ```
pub fn least_radius(need: impl Fn(f64) -> f64, cap: f64) -> Radius {
    let Some((needed, found)) = climb(&need, 0.0, COARSE, cap) else { return Radius::None };
    let finer = if needed > 0.0 { climb(&need, notch(needed, FINE), FINE, found) } else { None };
    Radius::Found(finer.map_or(found, |(_, r)| r))
}

/// From `r` upwards by notches: the first r with need(r) ≤ r, and what the last r before it needed.
fn climb(need: &impl Fn(f64) -> f64, mut r: f64, notches: f64, cap: f64) -> Option<(f64, f64)> {
    let mut needed = 0.0;
    loop {
        let next = need(r);
        if next.is_nan() || next > cap || next == f64::INFINITY {
            return None;
        }
        if next <= r {
            return Some((needed, r));
        }
        // Beyond r, for `next` is: each turn climbs a notch at least, and there are finitely many below the cap.
        (needed, r) = (next, notch(next, notches));
    }
}

/// The least notch that is no less than x > 0.
fn notch(x: f64, notches: f64) -> f64 {
    let near = (notches * x.log2()).ceil();
    let found = (near / notches).exp2();
    // The logarithm may have been rounded down.
    if found >= x { found } else { ((near + 1.0) / notches).exp2().max(x) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notches_are_few_and_never_below() {
        for k in -4000..4000 {
            let x = 1.03_f64.powi(k);
            let found = notch(x, FINE);
            assert!(found >= x && found <= x * 1.0221, "{x}: {found}");
        }
        assert!(notch(f64::MIN_POSITIVE, FINE) >= f64::MIN_POSITIVE);
    }

    #[test]
    fn a_need_of_nothing_is_met_at_zero() {
        assert_eq!(least_radius(|_| 0.0, 1.0), Radius::Found(0.0));
        assert_eq!(least_radius(|_| f64::NAN, 1.0), Radius::None);
        assert_eq!(least_radius(|_| f64::INFINITY, f64::INFINITY), Radius::None);
    }
}
