//! One sweep forward over a record and one back, on any number.

use super::Recording;
use super::node::Op;
use crate::scalar::Scalar;

/// The registers of one replay; kept from one to the next, it allocates once. It belongs to one record.
#[derive(Debug)]
pub(crate) struct Sweep<S> {
    /// Parameters, nodes, constants.
    pub(super) registers: Vec<S>,
    /// The slopes of the recorded functions where they were last evaluated.
    pub(super) slopes: Vec<S>,
    /// What came back to each parameter and node.
    adjoint: Vec<S>,
    /// The same on a part of the record; all zero in between.
    pub(super) local: Vec<S>,
}

impl<S> Default for Sweep<S> {
    fn default() -> Self {
        Sweep { registers: Vec::new(), slopes: Vec::new(), adjoint: Vec::new(), local: Vec::new() }
    }
}

impl Recording {
    /// What node `k` makes of the registers before it; the slope of a function is kept.
    #[inline(always)]
    pub(super) fn operate<S: Scalar>(&self, k: usize, registers: &[S], slopes: &mut [S]) -> S {
        let node = self.nodes[k];
        let a = registers[node.a as usize];
        let place = node.b as usize;
        match node.op {
            Op::Add | Op::AddConstant => a + registers[place],
            Op::Sub | Op::SubConstant => a - registers[place],
            Op::ConstantSub => registers[place] - a,
            Op::Mul | Op::MulConstant => a * registers[place],
            Op::Div | Op::DivConstant => a / registers[place],
            Op::ConstantDiv => registers[place] / a,
            Op::Neg => -a,
            Op::Apply => {
                let f = self.functions[place];
                let y = f.at(a);
                slopes[place] = f.slope(a, y);
                y
            }
        }
    }
}

impl<S: Scalar> Sweep<S> {
    /// Every operation at `w`, p numbers.
    pub(crate) fn forward(&mut self, record: &Recording, w: impl Iterator<Item = S>) {
        let p = record.params;
        self.make_room(record);
        let (registers, slopes) = (&mut self.registers[..], &mut self.slopes[..]);
        registers[..p].iter_mut().zip(w).for_each(|(r, w)| *r = w);
        for k in 0..record.nodes.len() {
            registers[p + k] = record.operate(k, registers, slopes);
        }
    }

    /// Registers for the record, with its constants in place.
    pub(super) fn make_room(&mut self, record: &Recording) {
        if !self.registers.is_empty() {
            return;
        }
        let p = record.params;
        let constants = record.constants.iter().map(|&c| S::from(c));
        self.registers.reserve_exact(p + record.nodes.len() + constants.len());
        self.registers.resize(p + record.nodes.len(), S::from(0.0));
        self.registers.extend(constants);
        self.slopes.resize(record.functions.len(), S::from(0.0));
    }

    /// The outputs found by the last sweep forward.
    pub(crate) fn outputs<'a>(&'a self, record: &'a Recording) -> impl Iterator<Item = S> + 'a {
        record.outputs.iter().map(|&place| self.registers[place as usize])
    }

    /// Dh(w)ᵀ v for the w of the last sweep forward: the operations of [`Tape::gradient`](crate::scalar::Tape), in its
    /// order. Returns p numbers.
    pub(crate) fn back(&mut self, record: &Recording, seeds: impl Iterator<Item = S>) -> &[S] {
        let p = record.params;
        let mut adjoint = std::mem::take(&mut self.adjoint);
        adjoint.clear();
        adjoint.resize(p + record.nodes.len(), S::from(0.0));
        for (&place, seed) in record.outputs.iter().zip(seeds) {
            // A constant output has no place here.
            if let Some(slot) = adjoint.get_mut(place as usize) {
                *slot = *slot + seed;
            }
        }
        for k in (0..record.nodes.len()).rev() {
            let t = adjoint[p + k];
            self.partials(record, k, |place, partial| {
                adjoint[place] = adjoint[place] + partial * t;
            });
        }
        self.adjoint = adjoint;
        &self.adjoint[..p]
    }

    /// The partial derivatives of node k, each with the place it belongs to: the rules of
    /// [`Var`](crate::scalar::Var).
    #[inline(always)]
    pub(super) fn partials(&self, record: &Recording, k: usize, mut give: impl FnMut(usize, S)) {
        let (registers, node, one) = (&self.registers[..], record.nodes[k], S::from(1.0));
        let (a, b) = (node.a as usize, node.b as usize);
        match node.op {
            Op::Add => {
                give(a, one);
                give(b, one);
            }
            Op::Sub => {
                give(a, one);
                give(b, -one);
            }
            Op::AddConstant | Op::SubConstant => give(a, one),
            Op::ConstantSub | Op::Neg => give(a, -one),
            Op::Mul => {
                give(a, registers[b]);
                give(b, registers[a]);
            }
            Op::MulConstant => give(a, registers[b]),
            Op::Div => {
                let inverse = one / registers[b];
                give(a, inverse);
                give(b, -(registers[record.params + k] * inverse));
            }
            Op::DivConstant => give(a, one / registers[b]),
            Op::ConstantDiv => give(a, -(registers[record.params + k] * (one / registers[a]))),
            Op::Apply => give(a, self.slopes[b]),
        }
    }
}
