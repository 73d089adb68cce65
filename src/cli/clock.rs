//! How long to integrate, and at which times to look.

use crate::flow::logarithmic;
use crate::model::Modes;
use crate::{Error, Result};

/// A number, inf, or auto: five relaxation times of the slowest mode above a hundredth of the largest.
pub(super) fn horizon(text: &str, modes: &Modes, curvature: f64) -> Result<f64> {
    let largest = curvature * modes.largest();
    if largest == f64::INFINITY {
        return Err(Error::Conflict {
            found: "a tangent kernel whose largest eigenvalue overflows".into(),
            remedy: "choose another start, or a model of moderate size".into(),
        });
    }
    match text {
        "inf" | "∞" => Ok(f64::INFINITY),
        "auto" => Ok(modes.smallest_above(1e-2).map_or(1.0, |l| 5.0 / (curvature * l))),
        _ => match text.trim().parse::<f64>() {
            Ok(t) if t >= 0.0 && t.is_finite() => Ok(t),
            _ => Err(Error::value(
                "time",
                format!("`{text}`"),
                "a number of at least 0, inf, or auto",
            )),
        },
    }
}

/// A logarithmic grid from a thousandth of the fastest relaxation time to the horizon.
pub(super) fn times(points: usize, modes: &Modes, curvature: f64, horizon: f64) -> Vec<f64> {
    if horizon == 0.0 {
        return vec![0.0];
    }
    let relaxation = |l: f64| 1.0 / (curvature * l).max(f64::MIN_POSITIVE);
    let slowest = modes.smallest_above(0.0).map_or(1.0, relaxation);
    let end = if horizon.is_finite() { horizon } else { 40.0 * slowest };
    let first = (1e-3 * relaxation(modes.largest())).min(1e-3 * end);
    // 0 and the end of time are points, too.
    let others = if horizon.is_finite() { 2 } else { 3 };
    let mut times = logarithmic(first, end, points.saturating_sub(others));
    if horizon.is_infinite() {
        times.push(horizon);
    }
    times
}
