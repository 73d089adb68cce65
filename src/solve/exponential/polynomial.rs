//! Polynomials through values at past times, in Newton's form: `Σ_m D_m Π_{i<m} (σ − s_i)` with `D_m` the divided
//! difference over the nodes s₀ … `s_m`.
//!
//! One table serves a step and its errors: the polynomial through fewer values is the same sum cut short, and to leave
//! out the value at `s_m` from those at s₀ … `s_m` changes it by the last term alone.

/// Nodes at most, two more than the highest degree of a step.
pub(super) const MOST: usize = 11;

/// Coefficients by ascending power.
pub(super) type Coefficients = [f64; MOST];

/// Nodes in units of a step: 0 is where the step begins, 1 where it ends; the newest node first.
#[derive(Debug, Clone, Default)]
pub(super) struct Nodes {
    count: usize,
    times: [f64; MOST],
    /// `differences[m]`: the weights of the values in `D_m`.
    differences: [[f64; MOST]; MOST],
    /// `basis[m]`: Π_{i<m} (σ − `s_i`).
    basis: [Coefficients; MOST],
}

impl Nodes {
    /// Takes the first [`MOST`] of these nodes, which differ from each other.
    pub(super) fn set(&mut self, times: impl Iterator<Item = f64>) {
        self.count = 0;
        for time in times.take(MOST) {
            let m = self.count;
            self.times[m] = time;
            self.differences[m][m] = 1.0;
            if m == 0 {
                self.basis[0] = one();
            } else {
                self.basis[m] = times_root(&self.basis[m - 1], m, self.times[m - 1]);
                for i in 0..m {
                    let apart = self.times[i] - time;
                    self.differences[m][i] = self.differences[m - 1][i] / apart;
                    self.differences[m][m] /= -apart;
                }
            }
            self.count += 1;
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// `s_m`.
    pub(super) fn time(&self, m: usize) -> f64 {
        self.times[m]
    }

    /// Weights of the values in `D_m`, m + 1 of them.
    pub(super) fn difference(&self, m: usize) -> &[f64] {
        &self.differences[m][..=m]
    }

    /// Π_{i<m} (σ − `s_i`), m + 1 coefficients.
    pub(super) fn basis(&self, m: usize) -> &[f64] {
        &self.basis[m][..=m]
    }

    /// Π (σ − `s_i`) over the nodes 1 to m, all but the newest.
    pub(super) fn basis_of_older(&self, m: usize) -> Coefficients {
        self.times[1..=m]
            .iter()
            .enumerate()
            .fold(one(), |product, (degree, root)| times_root(&product, degree + 1, *root))
    }
}

fn one() -> Coefficients {
    let mut one = [0.0; MOST];
    one[0] = 1.0;
    one
}

/// `polynomial` · (σ − `root`), which is of degree `degree`.
fn times_root(polynomial: &Coefficients, degree: usize, root: f64) -> Coefficients {
    let mut product = [0.0; MOST];
    product[0] = -root * polynomial[0];
    for q in 1..=degree {
        product[q] = polynomial[q - 1] - root * polynomial[q];
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(coefficients: &[f64], s: f64) -> f64 {
        coefficients.iter().rev().fold(0.0, |sum, c| sum * s + c)
    }

    #[test]
    fn a_polynomial_is_its_own_interpolation() {
        let p = |s: f64| 2.0 - 3.0 * s + 0.5 * s * s;
        let mut nodes = Nodes::default();
        // Set twice: nothing is left of the first time.
        nodes.set([3.0, 2.0, 5.0, 7.0].into_iter());
        nodes.set([1.0, 0.0, -0.7].into_iter());
        assert_eq!(nodes.count(), 3);
        let term = |m: usize| -> f64 {
            nodes.difference(m).iter().enumerate().map(|(i, d)| d * p(nodes.time(i))).sum()
        };
        for s in [-2.0, 0.3, 4.0] {
            let found: f64 = (0..3).map(|m| term(m) * at(nodes.basis(m), s)).sum();
            // Sums of a few terms below 20.
            approx::assert_abs_diff_eq!(found, p(s), epsilon = 1e-13);
        }
        approx::assert_abs_diff_eq!(term(2), 0.5, epsilon = 1e-14);
        assert_eq!(nodes.basis(2), [0.0, -1.0, 1.0]);
        let older = nodes.basis_of_older(2);
        approx::assert_abs_diff_eq!(older[..3], [0.0, 0.7, 1.0][..]);
    }
}
