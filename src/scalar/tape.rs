//! A tape and its variables: reverse derivatives.
//!
//! Evaluating a model on [`Var`]s records each operation with its local partial derivatives; walking the record back
//! from the outputs gives Dh(w)ᵀ v for the cost of a few evaluations, however many parameters there are. The tape is
//! for clarity, for intervals, and for models too large to be recorded ([`Auto`](crate::model::Auto)), whose records it is
//! the measure of; networks carry hand-written reverse passes (`model::network`).

use super::dual::{powf_slope, powi_slope};
use super::{Elementary, Scalar};
use std::cell::RefCell;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// One recorded operation: up to two parents, each with ∂(this)/∂(parent).
#[derive(Debug, Clone, Copy)]
struct Node<S> {
    parents: [(usize, S); 2],
}

/// The record of one evaluation.
#[derive(Debug, Default)]
pub struct Tape<S> {
    nodes: RefCell<Vec<Node<S>>>,
}

/// A number that remembers how it was made. Constants carry no tape and cost nothing.
#[derive(Debug, Clone, Copy)]
pub struct Var<'t, S> {
    value: S,
    origin: Option<(&'t Tape<S>, usize)>,
}

impl<S: Scalar> Tape<S> {
    /// An empty tape.
    pub fn new() -> Self {
        Tape { nodes: RefCell::new(Vec::new()) }
    }

    /// Records `w` as the variables 0, 1, … of this tape, which must be empty.
    pub fn variables<'t>(&'t self, w: impl Iterator<Item = S>) -> Vec<Var<'t, S>> {
        debug_assert!(self.nodes.borrow().is_empty());
        let zero = S::from(0.0);
        w.map(|value| self.push(value, [(0, zero), (0, zero)])).collect()
    }

    /// Σᵢ v̄ᵢ ∂yᵢ/∂w for the first `count` variables: one sweep back over the record.
    pub fn gradient(
        &self,
        outputs: &[Var<'_, S>],
        seeds: impl Iterator<Item = S>,
        count: usize,
    ) -> Vec<S> {
        let nodes = self.nodes.borrow();
        let mut adjoint = vec![S::from(0.0); nodes.len()];
        // What no output depends on is passed over: its partials may be infinite, and 0 · ∞ would spoil the rest.
        let mut reached = vec![false; nodes.len()];
        for (y, seed) in outputs.iter().zip(seeds) {
            if let Some((_, index)) = y.origin {
                adjoint[index] = adjoint[index] + seed;
                reached[index] = true;
            }
        }
        for (index, node) in nodes.iter().enumerate().skip(count).rev() {
            let a = adjoint[index];
            for (parent, partial) in node.parents {
                if reached[index] && parent != index {
                    reached[parent] = true;
                    adjoint[parent] = adjoint[parent] + partial * a;
                }
            }
        }
        adjoint.truncate(count);
        adjoint
    }

    fn push(&self, value: S, parents: [(usize, S); 2]) -> Var<'_, S> {
        let mut nodes = self.nodes.borrow_mut();
        let index = nodes.len();
        nodes.push(Node { parents });
        Var { value, origin: Some((self, index)) }
    }
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The value.
    pub fn value(self) -> S {
        self.value
    }

    /// A number made from this one, with ∂(it)/∂(this).
    fn unary(self, value: S, partial: S) -> Self {
        match self.origin {
            None => Var { value, origin: None },
            // A parent equal to the node itself marks an empty slot.
            Some((tape, index)) => {
                let empty = tape.nodes.borrow().len();
                tape.push(value, [(index, partial), (empty, S::from(0.0))])
            }
        }
    }

    /// A number made from two, with both partial derivatives.
    fn binary(self, o: Self, value: S, partial: S, partial_o: S) -> Self {
        match (self.origin, o.origin) {
            (Some((tape, a)), Some((_, b))) => tape.push(value, [(a, partial), (b, partial_o)]),
            (Some(_), None) => self.unary(value, partial),
            (None, _) => o.unary(value, partial_o),
        }
    }
}

impl<S: Scalar> From<f64> for Var<'_, S> {
    fn from(x: f64) -> Self {
        Var { value: S::from(x), origin: None }
    }
}

impl<S: Scalar> Add for Var<'_, S> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        let one = S::from(1.0);
        self.binary(o, self.value + o.value, one, one)
    }
}

impl<S: Scalar> Sub for Var<'_, S> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        let one = S::from(1.0);
        self.binary(o, self.value - o.value, one, -one)
    }
}

impl<S: Scalar> Mul for Var<'_, S> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.binary(o, self.value * o.value, o.value, self.value)
    }
}

impl<S: Scalar> Div for Var<'_, S> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        let (y, inverse) = (self.value / o.value, S::from(1.0) / o.value);
        self.binary(o, y, inverse, -(y * inverse))
    }
}

impl<S: Scalar> Neg for Var<'_, S> {
    type Output = Self;
    fn neg(self) -> Self {
        self.unary(-self.value, S::from(-1.0))
    }
}

impl<S: Scalar> Scalar for Var<'_, S> {
    fn apply(self, f: Elementary) -> Self {
        let y = self.value.apply(f);
        self.unary(y, self.value.slope(f, y))
    }
    fn powi(self, n: i32) -> Self {
        if n == 0 {
            return Self::from(1.0);
        }
        self.unary(self.value.powi(n), powi_slope(self.value, n))
    }
    fn powf(self, a: f64) -> Self {
        if a == 0.0 {
            return Self::from(1.0);
        }
        self.unary(self.value.powf(a), powf_slope(self.value, a))
    }
}
