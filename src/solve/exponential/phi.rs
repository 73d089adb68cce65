//! The functions `φ_j` of exponential integrators.
//!
//! φ₀(x) = eˣ and φ_{j+1}(x) = (`φ_j(x)` − 1/j!)/x, whence ∫₀¹ e^(−(1−s)z) s^q ds = q! φ_{q+1}(−z) (Hochbruck and
//! Ostermann, *Exponential integrators*, 2010, eq. 2.11). Downwards from a series the recursion is stable for small z,
//! upwards from the exponential for large z.

/// Functions at most: φ₀ to φ₁₂ serve the powers of a polynomial through eleven values.
const MOST: usize = 13;

/// Where upwards takes over: at ten functions both ways are then good to some 1e-13 of φ₁.
const UPWARDS: f64 = 6.0;

/// `out[j]` ← `φ_j(−z)` for z ≥ 0, ∞ included.
pub(super) fn phi(z: f64, out: &mut [f64]) {
    let top = out.len() - 1;
    if z > UPWARDS {
        let inverse = z.recip();
        out[0] = (-z).exp();
        for j in 0..top {
            out[j + 1] = (RECIPROCALS[j] - out[j]) * inverse;
        }
        return;
    }
    // Σₙ (−z)ⁿ/(n + top)!, whose terms fall from the first on where z ≤ top, and soon after where not.
    let (mut power, mut sum) = (1.0, 0.0);
    for reciprocal in &RECIPROCALS[top..] {
        let term = power * reciprocal;
        sum += term;
        power *= -z;
        if term.abs() <= 0.1 * f64::EPSILON * sum.abs() {
            break;
        }
    }
    out[top] = sum;
    for j in (0..top).rev() {
        out[j] = RECIPROCALS[j] - z * out[j + 1];
    }
}

/// 1/j!, as far as a series at z = [`UPWARDS`] needs.
const RECIPROCALS: [f64; 48] = {
    let mut table = [1.0; 48];
    let mut j = 1;
    while j < table.len() {
        table[j] = table[j - 1] / count(j);
        j += 1;
    }
    table
};

#[allow(clippy::cast_precision_loss, reason = "a small count")]
const fn count(j: usize) -> f64 {
    j as f64
}

/// The weights of a step of one length, for every mode and every power: q! φ_{q+1}(−z) and q! φ_{q+2}(−z).
#[derive(Debug, Default)]
pub(super) struct Weights {
    modes: usize,
    moved: Vec<f64>,
    lifted: Vec<f64>,
}

impl Weights {
    /// Fills in the weights for z = `length` · rate and the powers below `powers`.
    pub(super) fn fill(&mut self, length: f64, rates: &[f64], powers: usize) {
        self.modes = rates.len();
        self.moved.resize((MOST - 2) * rates.len(), 0.0);
        self.lifted.resize((MOST - 2) * rates.len(), 0.0);
        let mut values = [0.0; MOST];
        let values = &mut values[..powers + 2];
        for (i, rate) in rates.iter().enumerate() {
            phi(length * rate, values);
            let mut factorial = 1.0;
            for q in 0..powers {
                self.moved[q * rates.len() + i] = factorial * values[q + 1];
                self.lifted[q * rates.len() + i] = factorial * values[q + 2];
                factorial *= count(q + 1);
            }
        }
    }

    /// q! φ_{q+1}(−z) of every mode.
    pub(super) fn moved(&self, q: usize) -> &[f64] {
        &self.moved[q * self.modes..][..self.modes]
    }

    /// q! φ_{q+2}(−z) of every mode.
    pub(super) fn lifted(&self, q: usize) -> &[f64] {
        &self.lifted[q * self.modes..][..self.modes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// z and `φ_j(−z)` for j = 1, 4, 10: ₁F₁(1; j + 1; −z)/j! by mpmath at 60 digits.
    const TABLE: [(f64, [f64; 3]); 9] = [
        (1e-9, [0.999_999_999_5, 0.041_666_666_658_333_33, 2.755_731_922_148_068e-07]),
        (0.5, [0.786_938_680_574_733_2, 0.037_823_888_735_468_11, 2.635_496_769_166_752e-07]),
        (1.0, [0.632_120_558_828_557_7, 0.034_546_107_838_108_99, 2.524_589_202_757_401_7e-07]),
        (3.0, [0.316_737_643_877_378_7, 0.025_306_013_189_726_716, 2.156_428_887_752_970_2e-07]),
        (5.9, [0.169_027_212_742_581_62, 0.017_930_944_516_840_013, 1.773_790_346_867_317_6e-07]),
        (6.1, [0.163_566_742_996_805_6, 0.017_570_192_763_578_72, 1.752_150_122_078_869_1e-07]),
        (20.0, [0.049_999_999_896_942_32, 0.007_202_083_333_346_216, 9.396_931_716_407_647e-08]),
        (1e3, [0.001, 0.000_166_167_665_666_666_67, 2.731_127_367_198_358_2e-09]),
        (1e8, [1e-8, 1.666_666_616_666_667_7e-09, 2.755_731_674_382_736e-14]),
    ];

    #[test]
    fn both_ways_agree_with_long_arithmetic() {
        for (z, expected) in TABLE {
            let mut found = [0.0; 11];
            phi(z, &mut found);
            for (j, expected) in [1, 4, 10].into_iter().zip(expected) {
                // The recursion downwards multiplies an ulp of φ₁₀ by z⁹, upwards one of φ₀ by z⁻⁹.
                approx::assert_relative_eq!(found[j], expected, max_relative = 2e-13);
            }
        }
        let mut still = [0.0; 5];
        phi(0.0, &mut still);
        approx::assert_relative_eq!(still[..], [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0][..]);
        phi(f64::INFINITY, &mut still);
        assert_eq!(still, [0.0; 5]);
    }
}
