//! Time scales of a flow: from the fastest mode to the horizon.

use crate::model::Modes;

/// Where steps begin, and where they end.
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
