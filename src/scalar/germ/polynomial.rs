//! Truncated polynomials in floating point that know how far they may be from the exact ones.
//!
//! Part n is a homogeneous polynomial `Σ_α c_α ε^α` over the variables of a support. Sizes are Bombieri norms,
//! `‖P‖² = Σ_α c_α² α!/n!`, the Frobenius norm of the symmetric tensor: at least the supremum on the unit sphere, the
//! same for |P| (coefficients by absolute value), and submultiplicative up to the supremum, which is what bounds a
//! product's rounding errors: an error with coefficients below γ |P||Q| is at most γ ‖P‖ ‖Q‖ on the sphere.

use super::majorant::{MOST, SLOTS};
use super::monomials::{Monomial, Places, all, count, weight};
use crate::scalar::{add_up, mul_up, sqrt_up};
use std::rc::Rc;

/// Half an ulp, with room for the higher powers in γₙ = n u/(1 − n u).
pub(super) const UNIT: f64 = 0.5 * f64::EPSILON * 1.001;
/// More than all underflows of one operation together.
const TINY: f64 = 1e-300;

/// Parts 1 … K without a constant; `parts[n]` is empty where part n is zero (0 always).
#[derive(Debug, Clone)]
pub(crate) struct Polynomial {
    /// The parameters that occur, ascending.
    pub(crate) support: Rc<[usize]>,
    /// Coefficients by the places of monomials in the variables 0 … of the support.
    pub(crate) parts: [Vec<f64>; MOST + 1],
    /// Bounds on the unit sphere of what each part lacks.
    pub(crate) errors: [f64; SLOTS],
    /// Bombieri norms of the parts as stored, rounded up.
    pub(super) norms: [f64; SLOTS],
}

impl Polynomial {
    /// 0.
    pub(super) fn zero(support: Rc<[usize]>) -> Self {
        Polynomial { support, parts: Default::default(), errors: [0.0; SLOTS], norms: [0.0; SLOTS] }
    }

    /// The coordinate εₖ.
    pub(super) fn coordinate(k: usize) -> Self {
        let mut p = Polynomial::zero(Rc::new([k]));
        p.parts[1] = vec![1.0];
        p.norms[1] = 1.0;
        p
    }

    /// Adds to what each part may lack.
    pub(super) fn lacks(&mut self, errors: &[f64]) {
        for (mine, &error) in self.errors.iter_mut().zip(errors) {
            *mine = add_up(*mine, error);
        }
    }

    /// The number of coefficients.
    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    /// Measures the parts again after they changed.
    fn measured(mut self) -> Self {
        for n in 1..=MOST {
            if self.parts[n].iter().all(|c| *c == 0.0) {
                self.parts[n] = Vec::new();
            }
            self.norms[n] = bombieri(&self.parts[n], self.support.len(), n);
        }
        self
    }

    /// Σ c P over `terms` of (c, Σ of what c was summed from, P), of degree at most `degree`. `roundings` bounds the
    /// number of roundings behind each c.
    pub(super) fn combined(
        terms: &[(f64, f64, Rc<Polynomial>)],
        support: Rc<[usize]>,
        degree: usize,
        roundings: usize,
    ) -> Self {
        let places = Places::new(support.len());
        let mut sum = Polynomial::zero(support);
        let gamma = UNIT * (roundings + terms.len() + 4) as f64;
        for (c, size, term) in terms {
            let local = positions(&term.support, &sum.support);
            for n in 1..=degree {
                if term.parts[n].is_empty() {
                    continue;
                }
                let length = count(sum.support.len(), n);
                sum.parts[n].resize(length, 0.0);
                for (m, x) in all(term.support.len(), n).zip(&term.parts[n]) {
                    if *x != 0.0 {
                        let lifted: Monomial =
                            std::array::from_fn(|k| if k < n { local[m[k]] } else { 0 });
                        sum.parts[n][places.of(&lifted[..n])] += c * x;
                    }
                }
                let rounding = mul_up(gamma, mul_up(*size, term.norms[n]));
                sum.errors[n] = add_up(sum.errors[n], add_up(rounding, TINY));
            }
        }
        sum.measured()
    }

    /// P Q, truncated after `degree`.
    pub(super) fn times(&self, o: &Polynomial, support: Rc<[usize]>, degree: usize) -> Self {
        let places = Places::new(support.len());
        let mut product = Polynomial::zero(support);
        let (a, b) = (self.terms(&product.support), o.terms(&product.support));
        for m in 1..degree {
            for n in 1..=degree - m {
                product.errors[m + n] = add_up(product.errors[m + n], self.product_error(o, m, n));
                if a[m].is_empty() || b[n].is_empty() {
                    continue;
                }
                let length = count(product.support.len(), m + n);
                let part = &mut product.parts[m + n];
                part.resize(length, 0.0);
                for (x, c) in &a[m] {
                    for (y, d) in &b[n] {
                        part[places.of_product(&x[..m], &y[..n])] += c * d;
                    }
                }
            }
        }
        product.measured()
    }

    /// What a product of part m here and part n there lacks: inherited errors, and at most 2⁵ roundings a coefficient.
    fn product_error(&self, o: &Polynomial, m: usize, n: usize) -> f64 {
        let rounding = mul_up(32.0 * UNIT, mul_up(self.norms[m], o.norms[n]));
        let theirs = add_up(o.norms[n], o.errors[n]);
        let inherited = add_up(mul_up(self.errors[m], theirs), mul_up(self.norms[m], o.errors[n]));
        let sum = add_up(rounding, inherited);
        if sum == 0.0 { 0.0 } else { add_up(sum, TINY) }
    }

    /// The number of products of coefficients that [`Polynomial::times`] makes.
    pub(super) fn work(&self, o: &Polynomial, degree: usize) -> usize {
        let pairs = (1..degree).flat_map(|m| (1..=degree - m).map(move |n| (m, n)));
        pairs.map(|(m, n)| self.parts[m].len() * o.parts[n].len()).sum()
    }

    /// The terms that are not 0, by degree, in the variables of a larger support.
    fn terms(&self, support: &[usize]) -> [Vec<(Monomial, f64)>; MOST + 1] {
        let local = positions(&self.support, support);
        std::array::from_fn(|n| {
            let terms = all(self.support.len(), n).zip(&self.parts[n]).filter(|(_, c)| **c != 0.0);
            terms
                .map(|(m, c)| (std::array::from_fn(|k| if k < n { local[m[k]] } else { 0 }), *c))
                .collect()
        })
    }
}

/// Where the members of an ascending subset stand in the set.
pub(crate) fn positions(subset: &[usize], set: &[usize]) -> Vec<usize> {
    subset.iter().map(|k| set.partition_point(|j| j < k)).collect()
}

/// √(Σ c² α!/n!), rounded up: n + 4 roundings a term and one a sum, all of them relative.
fn bombieri(part: &[f64], s: usize, n: usize) -> f64 {
    if part.is_empty() {
        return 0.0;
    }
    let squares = all(s, n).zip(part).map(|(m, c)| weight(&m[..n]) * c * c);
    let margin = 1.0 + UNIT * 2.0 * (part.len() + 16) as f64;
    let lost = TINY * part.len() as f64;
    sqrt_up(add_up(mul_up(squares.sum(), margin), lost))
}
