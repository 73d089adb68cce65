//! One recorded operation.

use crate::scalar::dual::{powf_slope, powi_slope};
use crate::scalar::{Elementary, Scalar};

/// What an operation does with its operands. A constant operand has a code of its own, because no covector goes back to
/// it; it stands second, whatever its side, where the operation does not mind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Op {
    /// a + b.
    Add,
    /// a + c.
    AddConstant,
    /// a − b.
    Sub,
    /// a − c.
    SubConstant,
    /// c − a.
    ConstantSub,
    /// a b.
    Mul,
    /// a c.
    MulConstant,
    /// a / b.
    Div,
    /// a / c.
    DivConstant,
    /// c / a.
    ConstantDiv,
    /// −a.
    Neg,
    /// f(a), f the `b`-th of the recorded functions.
    Apply,
}

/// An operation and the registers it reads: twelve bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) a: u32,
    /// A register, or for [`Op::Apply`] the place of the function and of its slope.
    pub(super) b: u32,
}

impl Node {
    /// Whether `b` is a register that may depend on the parameters.
    pub(super) fn is_binary(self) -> bool {
        matches!(self.op, Op::Add | Op::Sub | Op::Mul | Op::Div)
    }
}

/// A function of one number, with its fixed exponent if it has one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unary {
    Elementary(Elementary),
    /// xⁿ.
    Whole(i32),
    /// xᵃ.
    Real(f64),
    /// A relu or abs held on one branch: x times a slope.
    Branch(f64),
}

impl Unary {
    /// f(x).
    pub(super) fn at<S: Scalar>(self, x: S) -> S {
        match self {
            Unary::Elementary(f) => x.apply(f),
            Unary::Whole(n) => x.powi(n),
            Unary::Real(a) => x.powf(a),
            Unary::Branch(slope) => S::from(slope) * x,
        }
    }

    /// f'(x), where `y` = f(x): the formulas of [`Var`](crate::scalar::Var).
    pub(super) fn slope<S: Scalar>(self, x: S, y: S) -> S {
        match self {
            Unary::Elementary(f) => x.slope(f, y),
            Unary::Whole(n) => powi_slope(x, n),
            Unary::Real(a) => powf_slope(x, a),
            Unary::Branch(slope) => S::from(slope),
        }
    }
}
