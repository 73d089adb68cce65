//! Expressions as a straight program: one register for each step, evaluated in one pass on any number.

use super::arena::{Arena, Id, Node, whole};
use super::function::Function;
use crate::scalar::Scalar;

/// One step; operands are earlier registers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Constant(f64),
    Param(usize),
    Input(usize),
    Neg(usize),
    Add(usize, usize),
    Sub(usize, usize),
    Mul(usize, usize),
    Div(usize, usize),
    /// aⁿ.
    Whole(usize, i32),
    /// aᶜ.
    Real(usize, f64),
    /// aᵇ = exp(b ln a).
    Power(usize, usize),
    Call(Function, usize),
}

impl Step {
    fn run<S: Scalar>(self, registers: &[S], w: &[S], x: &[f64]) -> S {
        match self {
            Step::Constant(c) => S::from(c),
            Step::Param(i) => w[i],
            Step::Input(i) => S::from(x[i]),
            Step::Neg(a) => -registers[a],
            Step::Add(a, b) => registers[a] + registers[b],
            Step::Sub(a, b) => registers[a] - registers[b],
            Step::Mul(a, b) => registers[a] * registers[b],
            Step::Div(a, b) => registers[a] / registers[b],
            Step::Whole(a, n) => registers[a].powi(n),
            Step::Real(a, c) => registers[a].powf(c),
            Step::Power(a, b) => (registers[b] * registers[a].ln()).exp(),
            Step::Call(f, a) => f.at(registers[a]),
        }
    }
}

/// The steps: first those that depend on parameters alone, then those that each sample repeats.
#[derive(Debug, Clone)]
pub(super) struct Program {
    steps: Vec<Step>,
    shared: usize,
    outputs: Vec<usize>,
}

impl Program {
    /// The program that computes `outputs`; constant subexpressions are computed here, once and for all.
    pub(super) fn new(arena: &Arena, outputs: &[Id]) -> Self {
        let needed = arena.reachable(outputs, |id| arena.constant(id).is_some());
        let needed: Vec<Id> = (0..needed.len()).filter(|&id| needed[id]).collect();
        let mut sampled = vec![false; needed.last().map_or(0, |last| last + 1)];
        for &id in &needed {
            let node = arena.node(id);
            sampled[id] = arena.constant(id).is_none()
                && (matches!(node, Node::Input(_)) || node.children().any(|child| sampled[child]));
        }
        let (repeated, shared): (Vec<Id>, Vec<Id>) =
            needed.into_iter().partition(|&id| sampled[id]);
        let mut register = vec![0; sampled.len()];
        let order = shared.iter().chain(&repeated).enumerate();
        order.for_each(|(place, &id)| register[id] = place);
        let steps =
            shared.iter().chain(&repeated).map(|&id| translate(arena, id, &register)).collect();
        let outputs = outputs.iter().map(|&id| register[id]).collect();
        Program { steps, shared: shared.len(), outputs }
    }

    /// `y` ← outputs, sample by sample; `samples` yields the inputs of each.
    pub(super) fn run<'a, S: Scalar>(
        &self,
        w: &[S],
        samples: impl Iterator<Item = &'a [f64]>,
        y: &mut [S],
    ) {
        let mut registers = Vec::with_capacity(self.steps.len());
        let (shared, repeated) = self.steps.split_at(self.shared);
        for step in shared {
            registers.push(step.run(&registers, w, &[]));
        }
        for (x, y) in samples.zip(y.chunks_exact_mut(self.outputs.len())) {
            registers.truncate(self.shared);
            for step in repeated {
                registers.push(step.run(&registers, w, x));
            }
            y.iter_mut().zip(&self.outputs).for_each(|(y, &place)| *y = registers[place]);
        }
    }
}

fn translate(arena: &Arena, id: Id, register: &[usize]) -> Step {
    if let Some(value) = arena.constant(id) {
        return Step::Constant(value);
    }
    match arena.node(id) {
        Node::Number(bits) => Step::Constant(bits.value()),
        Node::Pi => Step::Constant(std::f64::consts::PI),
        Node::Param(index) => Step::Param(index),
        Node::Input(index) => Step::Input(index),
        Node::Neg(a) => Step::Neg(register[a]),
        Node::Add(a, b) => Step::Add(register[a], register[b]),
        Node::Sub(a, b) => Step::Sub(register[a], register[b]),
        Node::Mul(a, b) => Step::Mul(register[a], register[b]),
        Node::Div(a, b) => Step::Div(register[a], register[b]),
        Node::Call(f, a) => Step::Call(f, register[a]),
        Node::Pow(a, b) => match arena.constant(b) {
            Some(c) => whole(c).map_or(Step::Real(register[a], c), |n| Step::Whole(register[a], n)),
            None => Step::Power(register[a], register[b]),
        },
    }
}
