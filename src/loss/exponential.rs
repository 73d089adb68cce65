//! What logistic and softmax share: relative changes of the exponential, and probabilities that never overflow.

/// φ(δ) = (e^δ − 1)/δ, the mean slope of the exponential between 0 and δ; φ(0) = 1. For δ ≤ 0 it lies in [0, 1].
pub(super) fn mean_slope(delta: f64) -> f64 {
    if delta.abs() < 1e-4 {
        // Taylor; the first omitted term, δ⁴/120, is below 2⁻⁵³.
        return 1.0 + delta * (0.5 + delta * (1.0 / 6.0 + delta / 24.0));
    }
    delta.exp_m1() / delta
}

/// `p` ← e^yᵢ / Σⱼ e^yⱼ, of the length of `y`; shifted by the largest yᵢ, so that nothing overflows.
pub(super) fn softmax(y: impl Iterator<Item = f64> + Clone, p: &mut [f64]) {
    let top = y.clone().fold(f64::NEG_INFINITY, larger);
    let mut sum = 0.0;
    for (p, y) in p.iter_mut().zip(y) {
        *p = (y - top).exp();
        sum += *p;
    }
    p.iter_mut().for_each(|p| *p /= sum);
}

/// ln Σⱼ e^(yⱼ − yₗ) ≥ 0, l the label, with full relative accuracy where it is small.
pub(super) fn surprise(y: &[f64], label: usize) -> f64 {
    let Some((best, top)) =
        y.iter().copied().enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a })
    else {
        return 0.0;
    };
    let others = y.iter().enumerate().filter(|(j, _)| *j != best);
    (top - y[label]) + others.map(|(_, y)| (y - top).exp()).sum::<f64>().ln_1p()
}

/// The larger of two, NaN if either is.
fn larger(a: f64, b: f64) -> f64 {
    if a > b || a.is_nan() { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_slope_is_smooth_where_its_formula_changes() {
        for delta in [1e-4, -1e-4_f64] {
            let (inside, outside) = (mean_slope(delta * (1.0 - 1e-12)), mean_slope(delta));
            assert!((inside - outside).abs() < 4e-16, "{inside} {outside}");
        }
        assert_eq!(mean_slope(0.0), 1.0);
        assert_eq!(mean_slope(-1e300), 1e-300);
    }

    #[test]
    fn probabilities_survive_huge_scores() {
        let mut p = [0.0; 3];
        softmax([1e300, -1e300, 1e300].into_iter(), &mut p);
        assert_eq!(p, [0.5, 0.0, 0.5]);
    }

    #[test]
    fn surprise_keeps_its_digits_at_both_ends() {
        assert_eq!(surprise(&[50.0, 0.0], 0), (-50.0_f64).exp());
        assert_eq!(surprise(&[1e300, 0.0], 1), 1e300);
        assert_eq!(surprise(&[0.0, 0.0], 1), 2.0_f64.ln());
    }
}
