//! Rank correlation (Spearman 1904): the correlation of ranks, equal values sharing theirs.

/// Of two lists of one length, from −1 to 1; NaN where a list has fewer than two different values.
///
/// ```
/// use gradflow::experiment::rank_correlation;
/// assert!((rank_correlation(&[1.0, 2.0, 9.0], &[0.1, 0.2, 0.3]) - 1.0).abs() < 1e-15);
/// ```
pub fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let centred = |values: &[f64]| {
        let ranks = ranks(values);
        let mean = ranks.iter().sum::<f64>() / ranks.len() as f64;
        ranks.into_iter().map(|r| r - mean).collect::<Vec<f64>>()
    };
    let (a, b) = (centred(a), centred(b));
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    product(&a, &b) / (product(&a, &a) * product(&b, &b)).sqrt()
}

/// The number of smaller values and half that of other equal ones.
fn ranks(values: &[f64]) -> Vec<f64> {
    let count = |test: &dyn Fn(&f64) -> bool| values.iter().filter(|v| test(v)).count() as f64;
    values.iter().map(|x| count(&|v| v < x) + 0.5 * (count(&|v| v == x) - 1.0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_decide_and_ties_share() {
        assert!((rank_correlation(&[3.0, 1.0, 2.0], &[-9.0, 0.0, -1.0]) + 1.0).abs() < 1e-15);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
        // 1 − 6 Σd²/(n(n² − 1)) with d = (1, 1, 0, 0).
        let found = rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 3.0, 4.0]);
        assert!((found - 0.8).abs() < 1e-15);
        assert!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]).is_nan());
    }
}
