//! Monomials of degree 1 to 5 in s variables, counted in colexicographic order.
//!
//! A monomial is its sorted variables i₁ ≤ … ≤ iₙ; its place among those of its degree is Σₖ C(iₖ + k − 1, k), so that
//! the places do not depend on s: more variables only append.

use super::majorant::MOST;

/// Sorted variables; only the first n entries of a monomial of degree n have a meaning.
pub(crate) type Monomial = [usize; MOST];

/// C(i + k − 1, k), the number of monomials of degree k in i variables.
pub(crate) fn count(i: usize, k: usize) -> usize {
    (0..k).fold(1, |c, j| c * (i + j) / (j + 1))
}

/// The places of monomials, from tables.
pub(crate) struct Places([Vec<usize>; MOST]);

impl Places {
    /// For monomials in `s` variables up to that degree.
    pub(crate) fn new(s: usize) -> Self {
        Places(std::array::from_fn(|k| (0..s).map(|i| count(i, k + 1)).collect()))
    }

    /// The place of a sorted monomial.
    pub(crate) fn of(&self, sorted: &[usize]) -> usize {
        sorted.iter().zip(&self.0).map(|(&i, table)| table[i]).sum()
    }

    /// The place of the product of two sorted monomials.
    pub(crate) fn of_product(&self, a: &[usize], b: &[usize]) -> usize {
        let (mut i, mut j, mut place) = (0, 0, 0);
        for table in &self.0[..a.len() + b.len()] {
            let from_a = j == b.len() || (i < a.len() && a[i] <= b[j]);
            place += table[if from_a { a[i] } else { b[j] }];
            if from_a { i += 1 } else { j += 1 }
        }
        place
    }
}

/// All monomials of degree `n` in `s` variables, in order.
pub(crate) fn all(s: usize, n: usize) -> impl Iterator<Item = Monomial> {
    let first = (s > 0).then_some([0; MOST]);
    std::iter::successors(first, move |m| {
        let mut next = *m;
        let step = (0..n).find(|&k| next[k] + 1 < if k + 1 < n { next[k + 1] + 1 } else { s })?;
        next[step] += 1;
        next[..step].fill(0);
        Some(next)
    })
}

/// α!/n! for the monomial ε^α: one over the number of entries of the symmetric tensor that it stands for.
pub(crate) fn weight(sorted: &[usize]) -> f64 {
    let (mut run, mut weight) = (1, 1.0);
    for k in 0..sorted.len() {
        run = if k > 0 && sorted[k] == sorted[k - 1] { run + 1 } else { 1 };
        weight *= run as f64 / (k + 1) as f64;
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_up_and_do_not_depend_on_the_number_of_variables() {
        let places = Places::new(7);
        for n in 1..=MOST {
            for (place, m) in all(5, n).enumerate() {
                assert_eq!(places.of(&m[..n]), place, "{m:?}");
            }
            assert_eq!(all(5, n).count(), count(5, n));
        }
        assert_eq!(places.of_product(&[1, 4], &[0, 6]), places.of(&[0, 1, 4, 6]));
        assert_eq!(weight(&[1, 1, 3, 3]), 4.0 / 24.0);
    }
}
