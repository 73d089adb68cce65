//! Lipschitz constants of Dh from above.

use crate::model::{Differentiable, Structure};

/// A certified upper bound of Lip(Dh) on the ball of radius `radius` around `start`, and how it was found; ∞ and the
/// reason where there is none.
pub(crate) fn lip_jacobian(
    map: &dyn Differentiable,
    start: &[f64],
    radius: f64,
) -> (f64, &'static str) {
    let _ = (start, radius);
    if !map.is_smooth() {
        return (f64::INFINITY, "Dh is not Lipschitz: the model has kinks");
    }
    match map.structure() {
        Structure::Linear => (0.0, "linear"),
        _ => (f64::INFINITY, "nothing can be certified: the model is known by its actions only"),
    }
}
