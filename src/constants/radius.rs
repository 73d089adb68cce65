//! Balls that certify themselves (`least_radius`): r such that what is certified on the ball keeps the path inside it.

/// The answer of [`least_radius`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Radius {
    /// The least self-consistent radius, rounded up and verified.
    Found(f64),
    /// No self-consistent radius up to the cap.
    None,
}

/// The least r with `need`(r) ≤ r for an increasing `need`, by climbing from 0: rₖ₊₁ = need(rₖ) stays below every
/// solution. The result is verified: need(r) ≤ r as computed.
pub fn least_radius(need: impl Fn(f64) -> f64, cap: f64) -> Radius {
    let mut r = 0.0;
    for _ in 0..200 {
        let next = need(r);
        if next.is_nan() || next > cap {
            return Radius::None;
        }
        if next <= r {
            return Radius::Found(r);
        }
        // Once the climb is slow, step a little beyond it: the first verified radius is taken.
        r = if next - r < 1e-3 * next { next * (1.0 + 1e-3) } else { next };
    }
    Radius::None
}
