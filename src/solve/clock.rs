//! The time scales of a flow, from the loss's curvature and the modes of its kernel.

use crate::linalg;
use crate::loss::Loss;
use crate::model::Modes;

/// M; for a loss that has none ‖∇²R‖ at the start, by power iteration: it scales first steps, and no result depends
/// on it. One where that says nothing either.
pub(crate) fn smoothness(loss: &dyn Loss, y: &[f64]) -> f64 {
    let big_m = loss.convexity().big_m;
    if big_m.is_finite() {
        return big_m;
    }
    let (mut v, mut bent, mut size) = (vec![1.0; y.len()], vec![0.0; y.len()], 0.0);
    for _ in 0..20 {
        let length = linalg::norm(&v);
        v.iter_mut().for_each(|v| *v /= length);
        loss.hessian(y, &v, &mut bent);
        std::mem::swap(&mut v, &mut bent);
        size = linalg::norm(&v);
        if !(size > 0.0 && size.is_finite()) {
            return 1.0;
        }
    }
    size
}

/// Time scales of a flow: from the fastest mode to the horizon.
pub(crate) struct Clock {
    /// M, the loss's smoothness, that turns eigenvalues of the kernel into rates.
    pub(crate) curvature: f64,
    /// 1/(M λ₁).
    pub(crate) fastest: f64,
    /// The horizon.
    pub(crate) end: f64,
    /// The horizon, or where that is infinite forty relaxation times of the slowest mode.
    pub(crate) grid_end: f64,
}

impl Clock {
    pub(crate) fn new(modes: &Modes, curvature: f64, times: &[f64]) -> Self {
        let end = times.last().copied().unwrap_or(0.0);
        let rate = |l: f64| (curvature * l).max(f64::MIN_POSITIVE);
        let fastest = 1.0 / rate(modes.largest());
        let slowest = modes.smallest_above(0.0).map_or(fastest, |l| 1.0 / rate(l));
        let grid_end = if end.is_finite() { end } else { 40.0 * slowest };
        Clock { curvature, fastest: fastest.min(grid_end.max(f64::MIN_POSITIVE)), end, grid_end }
    }

    /// ‖u(t)‖ ≤ √(T R(α h(w₀))) along any gradient flow (Chizat et al. 2019, proof of Theorem 2.2).
    pub(crate) fn farthest(&self, initial_loss: f64) -> f64 {
        (self.grid_end * initial_loss).sqrt()
    }

    /// M λ₁ T.
    pub(crate) fn stiffness(&self) -> f64 {
        self.end / self.fastest
    }
}
