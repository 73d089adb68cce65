//! h(w₀) as floating point has it, and how far the true one may be.

use crate::model::{Differentiable, Structure, Written};
use crate::scalar::{Interval, Tape, Var, hypot_up, norm_up};

/// The largest N p for which h(w₀) is enclosed by intervals.
const RECORDED: usize = 3_000_000;

/// ‖h(w₀) − y‖ from above, where `y` is what [`Differentiable::value`] computed; `None` where h cannot be evaluated on
/// intervals, or that would be too dear.
///
/// Models that are zero at the start by construction, centred or doubled, are exactly zero there: a `y` of zeros that the
/// intervals of the uncentred model exclude was made so, and both halves of a doubled model agree bit by bit.
pub(crate) fn origin_error(map: &dyn Differentiable, start: &[f64], y: &[f64]) -> Option<f64> {
    let shape = map.shape();
    if shape.params.saturating_mul(shape.outputs) > RECORDED {
        return None;
    }
    let enclosed = match map.structure() {
        Structure::Written(model) => values(model, start, y.len()),
        Structure::Network(model) => values(model, start, y.len()),
        Structure::Difference(half) => {
            let (a, b) = start.split_at(start.len() / 2);
            if a == b {
                return Some(0.0);
            }
            let error = |w: &[f64]| {
                let mut y = vec![0.0; shape.outputs];
                half.value(w, &mut y);
                origin_error(half, w, &y)
            };
            // The difference itself is rounded once.
            let rounding = norm_up(y.iter().map(|y| y.abs() * f64::EPSILON));
            return Some(hypot_up(hypot_up(error(a)?, error(b)?) * 1.5, rounding) * 1.5);
        }
        Structure::Linear | Structure::Opaque => return None,
    };
    let made_zero = y.iter().all(|y| *y == 0.0) && enclosed.iter().any(|h| !h.contains(0.0));
    if made_zero {
        return Some(0.0);
    }
    let away = enclosed.iter().zip(y).map(|(h, &y)| (*h - Interval::from(y)).magnitude());
    let error = norm_up(away.collect::<Vec<_>>());
    error.is_finite().then_some(error)
}

fn values(model: &dyn Written, w: &[f64], outputs: usize) -> Vec<Interval> {
    let tape = Tape::new();
    let variables = tape.variables(w.iter().map(|&w| Interval::from(w)));
    let mut y = vec![Var::from(0.0); outputs];
    model.on_recorded(&variables, &mut y);
    y.into_iter().map(Var::value).collect()
}
