//! The first zero of a function that ends below it.

/// Halvings of a step within which a path that left its kink is looked for.
const RETURNS: i32 = 20;

/// The first zero of `margin` in [from, to], where it is negative at the end.
pub(super) fn first_zero(from: f64, to: f64, margin: &dyn Fn(f64) -> f64) -> Option<f64> {
    let (mut a, mut b) = (from, to);
    let (mut fa, mut fb) = (margin(a), margin(b));
    if fb.is_nan() || fb >= 0.0 {
        return None;
    }
    if fa <= 0.0 {
        // It begins at its zero: unless it first goes the right way and comes back, it is there now.
        let inside = (1..=RETURNS).map(|halvings| from + 0.5_f64.powi(halvings) * (to - from));
        let Some((t, f)) = inside.map(|t| (t, margin(t))).find(|(_, f)| *f > 0.0) else {
            return Some(from);
        };
        (a, fa) = (t, f);
    }
    // Regula falsi, Illinois variant: the end that stays put counts half.
    for _ in 0..80 {
        if b - a <= 4.0 * f64::EPSILON * b || fa == 0.0 {
            break;
        }
        let chord = b - fb * (b - a) / (fb - fa);
        let c = if chord > a && chord < b { chord } else { 0.5 * (a + b) };
        let fc = margin(c);
        if fc.abs() <= 1e-15 * (fa.abs() + fb.abs()) {
            return Some(c);
        }
        if fc < 0.0 {
            (b, fb) = (c, fc);
            fa *= 0.5;
        } else {
            (a, fa) = (c, fc);
            fb *= 0.5;
        }
    }
    Some(b)
}
