//! Expressions as a flat vector of nodes: children stand before their parents and equal nodes are stored once.
//!
//! Nothing here, and nothing built on it, calls itself along an expression: evaluating, differentiating, printing and
//! dropping are loops, so that no input can exhaust the stack.

use super::function::Function;
use std::collections::HashMap;

/// The place of a node in its arena.
pub(super) type Id = usize;

/// The bits of a number, which unlike the number can be compared and hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Bits(u64);

impl Bits {
    pub(super) fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

/// One operation on nodes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Number(Bits),
    Pi,
    Param(usize),
    Input(usize),
    Neg(Id),
    Add(Id, Id),
    Sub(Id, Id),
    Mul(Id, Id),
    Div(Id, Id),
    Pow(Id, Id),
    Call(Function, Id),
}

impl Node {
    pub(super) fn number(value: f64) -> Self {
        Node::Number(Bits(value.to_bits()))
    }

    /// The number, where the node is one.
    pub(super) fn as_number(self) -> Option<f64> {
        match self {
            Node::Number(bits) => Some(bits.value()),
            _ => None,
        }
    }

    /// The nodes it is made from.
    pub(super) fn children(self) -> impl Iterator<Item = Id> {
        let pair = match self {
            Node::Number(_) | Node::Pi | Node::Param(_) | Node::Input(_) => [None, None],
            Node::Neg(a) | Node::Call(_, a) => [Some(a), None],
            Node::Add(a, b)
            | Node::Sub(a, b)
            | Node::Mul(a, b)
            | Node::Div(a, b)
            | Node::Pow(a, b) => [Some(a), Some(b)],
        };
        pair.into_iter().flatten()
    }

    /// Whether it is written with a minus in front.
    pub(super) fn is_negative(self) -> bool {
        match self {
            Node::Neg(_) => true,
            Node::Number(bits) => bits.value().is_sign_negative(),
            _ => false,
        }
    }
}

/// The nodes, with the value of those that depend on no parameter and no input.
#[derive(Debug, Clone, Default)]
pub(super) struct Arena {
    nodes: Vec<Node>,
    constants: Vec<Option<f64>>,
    known: HashMap<Node, Id>,
}

impl Arena {
    /// The place of `node`, which is appended unless it is there already.
    pub(super) fn push(&mut self, node: Node) -> Id {
        if let Some(&id) = self.known.get(&node) {
            return id;
        }
        let id = self.nodes.len();
        self.constants.push(self.evaluated(node));
        self.nodes.push(node);
        self.known.insert(node, id);
        id
    }

    pub(super) fn number(&mut self, value: f64) -> Id {
        self.push(Node::number(value))
    }

    pub(super) fn node(&self, id: Id) -> Node {
        self.nodes[id]
    }

    /// The value of a node that depends on nothing, finite or not.
    pub(super) fn constant(&self, id: Id) -> Option<f64> {
        self.constants[id]
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Which nodes, up to the last of `roots`, the roots are made from; below a node where `stop` holds none are.
    pub(super) fn reachable(&self, roots: &[Id], stop: impl Fn(Id) -> bool) -> Vec<bool> {
        let mut reached = vec![false; roots.iter().max().map_or(0, |last| last + 1)];
        roots.iter().for_each(|&root| reached[root] = true);
        for id in (0..reached.len()).rev() {
            if reached[id] && !stop(id) {
                self.nodes[id].children().for_each(|child| reached[child] = true);
            }
        }
        reached
    }

    /// Which inputs the roots name.
    pub(super) fn inputs_of(&self, roots: &[Id], count: usize) -> Vec<bool> {
        let mut named = vec![false; count];
        for (id, reached) in self.reachable(roots, |_| false).into_iter().enumerate() {
            match self.nodes[id] {
                Node::Input(index) if reached => named[index] = true,
                _ => {}
            }
        }
        named
    }

    fn evaluated(&self, node: Node) -> Option<f64> {
        let value = |id: Id| self.constants[id];
        Some(match node {
            Node::Number(bits) => bits.value(),
            Node::Pi => std::f64::consts::PI,
            Node::Param(_) | Node::Input(_) => return None,
            Node::Neg(a) => -value(a)?,
            Node::Add(a, b) => value(a)? + value(b)?,
            Node::Sub(a, b) => value(a)? - value(b)?,
            Node::Mul(a, b) => value(a)? * value(b)?,
            Node::Div(a, b) => value(a)? / value(b)?,
            Node::Pow(a, b) => {
                let (a, b) = (value(a)?, value(b)?);
                whole(b).map_or_else(|| a.powf(b), |n| a.powi(n))
            }
            Node::Call(f, a) => f.at(value(a)?),
        })
    }
}

/// The exponent as a whole number, with room for the derivatives to subtract from it.
pub(super) fn whole(exponent: f64) -> Option<i32> {
    #[allow(clippy::cast_possible_truncation, reason = "guarded: a whole number below 2³⁰ in size")]
    (exponent.fract() == 0.0 && exponent.abs() <= f64::from(1 << 30)).then_some(exponent as i32)
}
