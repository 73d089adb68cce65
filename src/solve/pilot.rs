//! A rough first run that measures the sizes of the unknowns, so that tolerances can be set relative to them.
//!
//! Both the gap and the displacement start from zero, so a relative tolerance alone means nothing at first, and an
//! absolute one needs their size. One pass of the linearly implicit Euler method over a logarithmic grid, in the modes
//! of the tangent kernel at the start, x ← x + h (Id + h c J₀ᵀJ₀)⁻¹ f(t, x), gives it within a factor of a few for
//! some fifty right-hand sides, or a dozen. The solve itself then checks the guess and repeats where it was far off.

use super::ode::System;
use crate::linalg;
use crate::model::{Differentiable, Modes};

/// Steps of the pilot at most.
const STEPS: usize = 48;

/// Steps of a brief pilot grow by this.
const BRISK: f64 = 3.0;

/// A block that grows by more than this in a step has left the pilot's reach: near a pole its explicit part explodes,
/// and a tolerance relative to that size would let the solve step across the pole.
const FASTEST_GROWTH: f64 = 100.0;

/// Suprema of ‖block‖ over the run, and the right-hand sides used; the run ends early where it leaves the domain
/// or explodes. A `brief` one takes only as many steps as a factor of three in time from one to the next allows: for
/// solves that take a step per right-hand side themselves.
pub(crate) fn sizes(
    system: &dyn System,
    (map, start): (&dyn Differentiable, &[f64]),
    modes: &Modes,
    curvature: f64,
    end: f64,
    brief: bool,
) -> (Vec<f64>, usize) {
    let p = start.len();
    let (mut x, mut dx) = (vec![0.0; system.dim()], vec![0.0; system.dim()]);
    let mut sup = vec![0.0; system.dim() / p];
    let first = (1e-2 / (curvature * modes.largest()).max(f64::MIN_POSITIVE)).min(0.1 * end);
    let steps = if brief { brisk(end / first) } else { STEPS };
    let grid = crate::flow::logarithmic(first, end, steps);
    for (i, pair) in grid.windows(2).enumerate() {
        let h = pair[1] - pair[0];
        system.rhs(pair[1], &x, &mut dx);
        for (x, dx) in x.chunks_mut(p).zip(dx.chunks_mut(p)) {
            modes.add_filtered(map, start, dx, |l| -h * curvature / (1.0 + h * curvature * l));
            x.iter_mut().zip(&*dx).for_each(|(x, d)| *x += h * d);
        }
        if x.iter().any(|x| !x.is_finite()) {
            return (sup, i + 1);
        }
        let norms: Vec<f64> = x.chunks(p).map(linalg::norm).collect();
        if norms.iter().zip(&sup).any(|(norm, sup)| *sup > 0.0 && *norm > FASTEST_GROWTH * sup) {
            return (sup, i + 1);
        }
        sup.iter_mut().zip(&norms).for_each(|(sup, norm)| *sup = f64::max(*sup, *norm));
    }
    (sup, steps + 1)
}

/// Steps over a range of that ratio.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number, or clamped"
)]
fn brisk(range: f64) -> usize {
    ((range.ln() / BRISK.ln()).ceil() as usize).clamp(8, STEPS)
}
