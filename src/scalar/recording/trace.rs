//! The number that records: it has no value, only a place.

use super::node::{Node, Op, Unary};
use crate::scalar::{Elementary, Scalar};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// The record while it is being made. Operands of nodes are places: parameters first, then nodes; constants count on
/// their own.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) params: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) functions: Vec<Unary>,
    pub(super) constants: Vec<f64>,
    /// The place of each constant, by its bits.
    known: HashMap<u64, u32>,
    /// Whether there were more operations than the limit; those beyond are lost.
    pub(super) full: bool,
}

impl Draft {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "at most as many as nodes, which are limited"
    )]
    pub(super) fn constant(&mut self, c: f64) -> u32 {
        *self.known.entry(c.to_bits()).or_insert_with(|| {
            self.constants.push(c);
            self.constants.len() as u32 - 1
        })
    }
}

/// Where traces write.
#[derive(Debug)]
pub(super) struct Recorder {
    draft: RefCell<Draft>,
    limit: usize,
}

/// A constant, folded as it goes, or the place of a number that depends on the parameters.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trace<'t> {
    Constant(f64),
    Place(&'t Recorder, u32),
}

impl Recorder {
    /// An empty record of a function of `params` parameters, with room for `limit` operations.
    pub(super) fn new(params: usize, limit: usize) -> Self {
        let draft = Draft { params, full: params > limit, ..Draft::default() };
        Recorder { draft: RefCell::new(draft), limit }
    }

    /// The parameters.
    #[allow(
        clippy::cast_possible_truncation,
        reason = "no more than the limit, else the record is not used"
    )]
    pub(super) fn parameters(&self) -> Vec<Trace<'_>> {
        let params = self.draft.borrow().params;
        (0..params).map(|i| Trace::Place(self, i as u32)).collect()
    }

    pub(super) fn finish(self) -> Draft {
        self.draft.into_inner()
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "params and limit are both checked against the limit"
    )]
    fn push(&self, op: Op, a: u32, b: u32) -> Trace<'_> {
        let mut draft = self.draft.borrow_mut();
        if draft.nodes.len() >= self.limit {
            draft.full = true;
            return Trace::Place(self, a);
        }
        draft.nodes.push(Node { op, a, b });
        Trace::Place(self, (draft.params + draft.nodes.len() - 1) as u32)
    }

    fn push_constant(&self, op: Op, a: u32, c: f64) -> Trace<'_> {
        let c = self.draft.borrow_mut().constant(c);
        self.push(op, a, c)
    }
}

/// What an output is, once the record is closed.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Constant(f64),
    Place(u32),
}

impl Trace<'_> {
    pub(super) fn end(self) -> End {
        match self {
            Trace::Constant(c) => End::Constant(c),
            Trace::Place(_, place) => End::Place(place),
        }
    }

    fn unary(self, f: Unary) -> Self {
        match self {
            Trace::Constant(x) => Trace::Constant(f.at(x)),
            Trace::Place(recorder, a) => {
                let place = {
                    let mut draft = recorder.draft.borrow_mut();
                    if draft.nodes.len() < recorder.limit {
                        draft.functions.push(f);
                    }
                    draft.functions.len().saturating_sub(1)
                };
                #[allow(clippy::cast_possible_truncation, reason = "at most as many as nodes")]
                recorder.push(Op::Apply, a, place as u32)
            }
        }
    }

    /// `both` of two places, `right` of a place and a constant, `left` of a constant and a place.
    fn binary(self, o: Self, [both, right, left]: [Op; 3], fold: impl Fn(f64, f64) -> f64) -> Self {
        match (self, o) {
            (Trace::Constant(a), Trace::Constant(b)) => Trace::Constant(fold(a, b)),
            (Trace::Place(recorder, a), Trace::Place(_, b)) => recorder.push(both, a, b),
            (Trace::Place(recorder, a), Trace::Constant(c)) => recorder.push_constant(right, a, c),
            (Trace::Constant(c), Trace::Place(recorder, b)) => recorder.push_constant(left, b, c),
        }
    }
}

impl From<f64> for Trace<'_> {
    fn from(x: f64) -> Self {
        Trace::Constant(x)
    }
}

impl Add for Trace<'_> {
    type Output = Self;
    fn add(self, o: Self) -> Self {
        self.binary(o, [Op::Add, Op::AddConstant, Op::AddConstant], |a, b| a + b)
    }
}

impl Sub for Trace<'_> {
    type Output = Self;
    fn sub(self, o: Self) -> Self {
        self.binary(o, [Op::Sub, Op::SubConstant, Op::ConstantSub], |a, b| a - b)
    }
}

impl Mul for Trace<'_> {
    type Output = Self;
    fn mul(self, o: Self) -> Self {
        self.binary(o, [Op::Mul, Op::MulConstant, Op::MulConstant], |a, b| a * b)
    }
}

impl Div for Trace<'_> {
    type Output = Self;
    fn div(self, o: Self) -> Self {
        self.binary(o, [Op::Div, Op::DivConstant, Op::ConstantDiv], |a, b| a / b)
    }
}

impl Neg for Trace<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        match self {
            Trace::Constant(x) => Trace::Constant(-x),
            Trace::Place(recorder, a) => recorder.push(Op::Neg, a, 0),
        }
    }
}

impl Scalar for Trace<'_> {
    fn apply(self, f: Elementary) -> Self {
        self.unary(Unary::Elementary(f))
    }
    fn powi(self, n: i32) -> Self {
        if n == 0 { Trace::Constant(1.0) } else { self.unary(Unary::Whole(n)) }
    }
    fn powf(self, a: f64) -> Self {
        if a == 0.0 { Trace::Constant(1.0) } else { self.unary(Unary::Real(a)) }
    }
}
