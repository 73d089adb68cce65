//! Polynomials through values at past times, as combinations of those values.

/// Nodes in units of a step: 0 is where the step begins, 1 where it ends; the newest node first.
pub(super) struct Nodes<'a>(pub(super) &'a [f64]);

impl Nodes<'_> {
    /// Coefficients `c` with `Σ_q σ^q Σ_j c[q][j] g_j` the polynomial through the values `g_j`; one row per power q.
    pub(super) fn interpolation(&self) -> Vec<Vec<f64>> {
        let count = self.0.len();
        let mut rows = vec![vec![0.0; count]; count];
        for j in 0..count {
            let others = || (0..count).filter(move |i| *i != j).map(|i| self.0[i]);
            let scale: f64 = others().map(|s| self.0[j] - s).product();
            for (row, c) in rows.iter_mut().zip(from_roots(others())) {
                row[j] = c / scale;
            }
        }
        rows
    }

    /// Weights d of the divided difference `Σ_j` `d_j` `g_j` over all nodes.
    pub(super) fn difference(&self) -> Vec<f64> {
        let count = self.0.len();
        let weight = |j: usize| {
            let others = (0..count).filter(|i| *i != j);
            others.map(|i| self.0[j] - self.0[i]).product::<f64>().recip()
        };
        (0..count).map(weight).collect()
    }
}

/// Coefficients, by ascending power, of the polynomial with these roots and leading coefficient 1.
pub(super) fn from_roots(roots: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut coefficients = vec![1.0];
    for root in roots {
        coefficients.push(0.0);
        for q in (0..coefficients.len()).rev() {
            let below = if q > 0 { coefficients[q - 1] } else { 0.0 };
            coefficients[q] = below - root * coefficients[q];
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_its_own_interpolation() {
        let p = |s: f64| 2.0 - 3.0 * s + 0.5 * s * s;
        let nodes = [1.0, 0.0, -0.7];
        let rows = Nodes(&nodes).interpolation();
        let found: Vec<f64> =
            rows.iter().map(|row| row.iter().zip(nodes).map(|(c, s)| c * p(s)).sum()).collect();
        // Three sums of three terms below 10.
        approx::assert_abs_diff_eq!(found[..], [2.0, -3.0, 0.5][..], epsilon = 1e-14);
        let d: f64 = Nodes(&nodes).difference().iter().zip(nodes).map(|(d, s)| d * p(s)).sum();
        approx::assert_abs_diff_eq!(d, 0.5, epsilon = 1e-14);
        assert_eq!(from_roots([1.0, 2.0].into_iter()), [2.0, -3.0, 1.0]);
    }
}
