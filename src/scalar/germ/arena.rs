//! Where germs live: a record of functions near a point, sums of them kept as plans until a product needs them.

use super::Germ;
use super::majorant::{MOST, Majorant, SLOTS};
use super::polynomial::Polynomial;
use crate::scalar::{Interval, add_up, mul_up};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

/// One function f = value + polynomial + remainder.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// f at the centre.
    pub(super) value: Interval,
    /// Of f − value: exact parts and remainder.
    pub(super) majorant: Majorant,
    /// The parameters that may occur, ascending.
    pub(super) support: Rc<[usize]>,
    /// The polynomial as computed…
    pub(super) polynomial: Option<Rc<Polynomial>>,
    /// …or Σ c (exact polynomial of another node)…
    pub(super) plan: Vec<(usize, f64)>,
    /// …up to parts of these norms.
    pub(super) errors: [f64; SLOTS],
}

/// What may be spent on one evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Products of coefficients.
    pub(crate) products: usize,
    /// Coefficients kept.
    pub(crate) coefficients: usize,
}

/// The germs of one evaluation at w₀ on the ball |w − w₀| ≤ r, truncated at degree K.
#[derive(Debug)]
pub struct Germs {
    /// K.
    pub(super) degree: usize,
    /// r.
    pub(super) radius: f64,
    nodes: RefCell<Vec<Node>>,
    left: Cell<Effort>,
}

impl Germs {
    /// For polynomials of degree K = `degree` (1 to 5) on the ball of that radius.
    pub(crate) fn new(degree: usize, radius: f64, effort: Effort) -> Self {
        let degree = degree.clamp(1, MOST);
        Germs { degree, radius, nodes: RefCell::default(), left: Cell::new(effort) }
    }

    /// The coordinates w = w₀ + ε, centred at `start`.
    pub(crate) fn variables(&self, start: &[f64]) -> Vec<Germ<'_>> {
        let variable = |(k, &w): (usize, &f64)| {
            let polynomial = Polynomial::coordinate(k);
            self.push(Node {
                value: Interval::from(w),
                majorant: Majorant::coordinate(),
                support: polynomial.support.clone(),
                polynomial: Some(Rc::new(polynomial)),
                plan: Vec::new(),
                errors: [0.0; SLOTS],
            })
        };
        start.iter().enumerate().map(variable).collect()
    }

    pub(super) fn push(&self, node: Node) -> Germ<'_> {
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(node);
        Germ::recorded(self, nodes.len() - 1)
    }

    /// A copy of the node, which is cheap: its polynomial is shared.
    pub(super) fn node(&self, index: usize) -> Node {
        self.nodes.borrow()[index].clone()
    }

    /// Takes from what may be spent; whether there was enough.
    pub(super) fn spend(&self, products: usize, coefficients: usize) -> bool {
        let left = self.left.get();
        let rest =
            left.products.checked_sub(products).zip(left.coefficients.checked_sub(coefficients));
        let (products, coefficients) = rest.unwrap_or((0, 0));
        self.left.set(Effort { products, coefficients });
        rest.is_some()
    }

    /// The polynomial of a node up to that degree, computed from its plan; `None` where it is beyond the effort. One of
    /// full degree is kept, and tightens the majorant.
    pub(crate) fn polynomial(&self, index: usize, degree: usize) -> Option<Rc<Polynomial>> {
        if let Some(known) = &self.nodes.borrow()[index].polynomial {
            return Some(known.clone());
        }
        let (terms, errors, visited) = self.flattened(index);
        let support = self.nodes.borrow()[index].support.clone();
        let sizes = terms.iter().map(|(_, _, p)| p.len()).sum();
        if !self.spend(sizes, 0) {
            return None;
        }
        let mut sum = Polynomial::combined(&terms, support, degree, 2 * visited);
        if !self.spend(0, sum.len()) {
            return None;
        }
        sum.lacks(&errors[..=degree]);
        let sum = Rc::new(sum);
        if degree == self.degree {
            let node = &mut self.nodes.borrow_mut()[index];
            for n in 1..=degree {
                let size = add_up(sum.norms[n], sum.errors[n]);
                node.majorant.0[n] = node.majorant.0[n].min(size);
            }
            node.polynomial = Some(sum.clone());
        }
        Some(sum)
    }

    /// The computed polynomials behind a plan with their coefficients, the errors of all nodes on the way, and how many
    /// nodes those are. Later nodes come first, so that each is met once, with its coefficient complete.
    #[allow(clippy::type_complexity, reason = "three answers of one walk")]
    fn flattened(&self, index: usize) -> (Vec<(f64, f64, Rc<Polynomial>)>, [f64; SLOTS], usize) {
        let nodes = self.nodes.borrow();
        let mut open = BTreeMap::from([(index, (1.0, 1.0))]);
        let (mut terms, mut errors, mut visited) = (Vec::new(), [0.0; SLOTS], 0);
        while let Some((at, (c, size))) = open.pop_last() {
            visited += 1;
            let node = &nodes[at];
            let own = node.polynomial.as_ref().map_or(&node.errors, |p| &p.errors);
            for (sum, &error) in errors.iter_mut().zip(own) {
                // Two percent for what the sum of coefficients may itself be off.
                *sum = add_up(*sum, mul_up(mul_up(size, 1.02), error));
            }
            match &node.polynomial {
                Some(p) => terms.push((c, 1.02 * size, p.clone())),
                None => {
                    for &(child, factor) in &node.plan {
                        let entry: &mut (f64, f64) = open.entry(child).or_default();
                        entry.0 += c * factor;
                        entry.1 += size * factor.abs();
                    }
                }
            }
        }
        (terms, errors, visited)
    }
}
