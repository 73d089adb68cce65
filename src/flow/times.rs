//! Grids of times.

use crate::{Error, Result};

/// 0, T/n, 2T/n, …, T: n + 1 times.
///
/// ```
/// assert_eq!(gradflow::uniform(1.0, 4), [0.0, 0.25, 0.5, 0.75, 1.0]);
/// ```
#[allow(clippy::cast_precision_loss, reason = "a count of times")]
pub fn uniform(end: f64, n: usize) -> Vec<f64> {
    (0..=n).map(|i| end * i as f64 / n.max(1) as f64).collect()
}

/// 0, then n + 1 times from `first` to `end` in constant ratio: the kernel's eigenvalues span decades.
///
/// ```
/// assert_eq!(gradflow::logarithmic(1.0, 100.0, 2), [0.0, 1.0, 10.0, 100.0]);
/// ```
#[allow(clippy::cast_precision_loss, reason = "a count of times")]
pub fn logarithmic(first: f64, end: f64, n: usize) -> Vec<f64> {
    let at = |i: usize| if i == n { end } else { first * (end / first).powf(i as f64 / n as f64) };
    std::iter::once(0.0).chain((0..=n).map(at)).collect()
}

/// Times must be finite but for the last, not negative, strictly ascending.
pub(crate) fn check_times(times: &[f64]) -> Result<()> {
    let wanted = "times that ascend strictly from 0 or later; only the last may be inf";
    if times.is_empty() {
        return Err(Error::value("number of times", 0, "at least one time"));
    }
    let name = |i: usize| format!("time {i}");
    for (i, &t) in times.iter().enumerate() {
        if t.is_nan()
            || t < 0.0
            || (t.is_infinite() && i + 1 < times.len())
            || (i > 0 && t <= times[i - 1])
        {
            return Err(Error::value(name(i), t, wanted));
        }
    }
    Ok(())
}
