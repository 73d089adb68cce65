//! Theorems asked backwards: the least α, the longest T, the least width that a theorem allows.
//!
//! Each is a search along one number with the theorem built anew at every trial. A theorem that applies at some α
//! applies at all larger ones where h(w₀) = 0, and its bound falls; elsewhere neither need be so. The search
//! therefore climbs, stops at the first trial that meets the wish, and refines between it and the trial before. What it
//! returns was tried and meets the wish; that nothing before it does is as sure as the climb is fine.

use super::{Theorem, Verdict};
use crate::{Error, Result};

/// What is asked of a theorem.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// That all hypotheses hold, and the bound at this time…
    pub time: f64,
    /// …is finite and at most this, where it is asked.
    pub below: Option<f64>,
}

impl Wish {
    /// Whether the theorem meets it.
    pub fn is_met(&self, theorem: &dyn Theorem) -> bool {
        match self.below {
            None => theorem.verdict() == Verdict::Holds,
            Some(delta) => theorem.bound(self.time).is_some_and(|bound| bound <= delta),
        }
    }
}

/// How finely the answer is refined.
const FINE: f64 = 1.0 + 1e-3;
/// The factor between trials of the climb: √10.
const COARSE: f64 = 3.162_277_660_168_379_5;

/// The least α in [from, to], to a thousandth, at which the theorem built for it meets the wish; `None` where no trial
/// does.
///
/// # Errors
/// [`Error::Value`] for a range that is not 0 < from ≤ to < ∞; as `build`.
///
/// ```
/// use gradflow::constants::Enclosure;
/// use gradflow::theory::{Quantitative, Theorem, Wish, least_scale};
/// // Theorem 2.3 for h = w² − 1 on B(1, 0.5), with e₀ = 1.5 and K = 3: α ≥ K e₀/(r Lip(h)) = 3.
/// let (lip_h, lip_jacobian) = (Enclosure::exactly(3.0, 0.5), Enclosure::exactly(2.0, 0.5));
/// let build = |alpha| {
///     let [_, _, outputs] = Quantitative::steps(3.0, alpha, 1.5, lip_h, lip_jacobian);
///     Ok(Box::new(outputs) as Box<dyn Theorem>)
/// };
/// let wish = Wish { time: 1.0 / 3.0, below: None };
/// let alpha = least_scale(build, wish, (1e-3, 1e9)).unwrap().unwrap();
/// assert!(alpha >= 3.0 && alpha <= 3.0 * 1.001 * (1.0 + 1e-9));
/// ```
pub fn least_scale(
    build: impl Fn(f64) -> Result<Box<dyn Theorem>>,
    wish: Wish,
    (from, to): (f64, f64),
) -> Result<Option<f64>> {
    first(from, to, |alpha| Ok(wish.is_met(&*build(alpha)?)))
}

/// The longest T in [from, to], to a thousandth, for which the theorem built for [0, T] holds and, where asked, its bound
/// at T is at most `below`; `None` where no trial does.
///
/// # Errors
/// As [`least_scale`].
pub fn longest_horizon(
    build: impl Fn(f64) -> Result<Box<dyn Theorem>>,
    below: Option<f64>,
    (from, to): (f64, f64),
) -> Result<Option<f64>> {
    first(to, from, |time| Ok(Wish { time, below }.is_met(&*build(time)?)))
}

/// The least width in [1, `widest`] at which the bound that `build` finds for it is at most `delta`; `None` where no
/// trial does. `build` answers `None` where its theorem does not apply. Widths double, then are halved between: for a
/// criterion that falls as a power of m up to the chance of its weights.
///
/// # Errors
/// As `build`.
///
/// ```
/// // A bound that falls as 3 m^(−½) is at most 0.3 from m = 100 on.
/// let build = |m: usize| Ok(Some(3.0 / (m as f64).sqrt()));
/// assert_eq!(gradflow::theory::least_width(build, 0.3, 1 << 20).unwrap(), Some(100));
/// ```
pub fn least_width(
    build: impl Fn(usize) -> Result<Option<f64>>,
    delta: f64,
    widest: usize,
) -> Result<Option<usize>> {
    let met = |m: usize| Ok::<_, Error>(build(m)?.is_some_and(|bound| bound <= delta));
    let (mut below, mut at) = (0, 1);
    while at <= widest && !met(at)? {
        if at == widest {
            return Ok(None);
        }
        (below, at) = (at, at.saturating_mul(2).min(widest));
    }
    if at > widest {
        return Ok(None);
    }
    while at - below > 1 {
        let middle = below + (at - below) / 2;
        if met(middle)? { at = middle } else { below = middle }
    }
    Ok(Some(at))
}

/// The first number on the way from `from` to `to`, up or down, at which `met`, to a thousandth; `None` where it never
/// is. For wishes of any kind, as that a measured gap be small.
///
/// # Errors
/// As [`least_scale`].
pub fn first_scale(
    met: impl Fn(f64) -> Result<bool>,
    (from, to): (f64, f64),
) -> Result<Option<f64>> {
    first(from, to, met)
}

/// The first point on the way from `from` to `to`, up or down, at which `met`.
fn first(from: f64, to: f64, met: impl Fn(f64) -> Result<bool>) -> Result<Option<f64>> {
    let (low, high) = (from.min(to), from.max(to));
    if !(low > 0.0 && high < f64::INFINITY) {
        return Err(Error::value(
            "range of the search",
            format!("[{low}, {high}]"),
            "0 < from ≤ to < ∞",
        ));
    }
    let up = from <= to;
    let next = |x: f64| if up { (x * COARSE).min(to) } else { (x / COARSE).max(to) };
    let (mut before, mut at) = (from, from);
    while !met(at)? {
        if at.to_bits() == to.to_bits() {
            return Ok(None);
        }
        (before, at) = (at, next(at));
    }
    while before.max(at) > before.min(at) * FINE {
        let middle = before.min(at) * (before.max(at) / before.min(at)).sqrt();
        if met(middle)? { at = middle } else { before = middle }
    }
    Ok(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_found_from_either_side_and_met() {
        for threshold in [1e-3, 0.7, 31.0, 1e9] {
            let up = first(1e-3, 1e9, |x| Ok(x >= threshold)).expect("a range").expect("met");
            assert!(up >= threshold && up <= threshold * FINE, "{up}");
            let down = first(1e9, 1e-3, |x| Ok(x <= threshold)).expect("a range").expect("met");
            assert!(down <= threshold && down * FINE >= threshold, "{down}");
        }
        assert_eq!(first(1.0, 2.0, |_| Ok(false)).expect("a range"), None);
        assert!(first(0.0, 1.0, |_| Ok(true)).is_err());
    }

    #[test]
    fn widths_are_integers_and_the_widest_is_tried() {
        let from = |least: usize| move |m: usize| Ok((m >= least).then_some(0.0));
        for least in [1, 2, 3, 64, 65, 100] {
            assert_eq!(least_width(from(least), 1.0, 100).expect("no error"), Some(least));
        }
        assert_eq!(least_width(from(101), 1.0, 100).expect("no error"), None);
        assert_eq!(least_width(from(1), 1.0, 0).expect("no error"), None);
    }
}
