//! A function's operations, recorded once and replayed at any point on any number.
//!
//! A function of [`Scalar`](super::Scalar)s cannot branch on them, so that the sequence of its operations is the same at
//! every w. Evaluated once on numbers that only write down ([`trace`]), it becomes a list of nodes of twelve bytes,
//! without the operations that no output needs and with those on constants carried out. A [`Sweep`] then runs over the
//! list, forward and back, with the operators of the number it is given: the same operations in the same order as
//! evaluating the function on [`Var`](super::Var)s, hence the same bits, without writing the record again and without
//! allocating.
//! (One exception: a constant's derivative is 0 here, also where the dual number of a constant has none, as √0.)
//!
//! What it was chosen against, for a two-layer tanh network written as plain loops, p = 2000, N = 100, 420 000
//! operations (`benches/user_models.rs`; one core of a shared machine, the least of many runs, milliseconds):
//!
//! | | a tape for each call | dual numbers, one direction | on W = 4, 8, 16 [tangents](super::Tangents) | a record replayed |
//! | --- | --- | --- | --- | --- |
//! | value, jvp (evaluated directly) | | 0.34, 0.44 | | |
//! | gradient: value and vjp | 2.6 | | | 1.5 |
//! | curvature | 3.3 | | | 2.0 |
//! | increment, forward and back | 23 | | | 5.7 |
//! | Jacobian | 400 | 1540 | 483, 292, 237 | 2.2 |
//! | the record itself, with the first gradient | | | | 20 |
//!
//! Forward nothing is gained by a record: the model's own loops are compiled and its numbers stay in registers. Back, a
//! record saves writing 32 to 80 bytes an operation. The Jacobian gains most, because each row sweeps only what its
//! output depends on ([`cones`]); tangents in blocks remain for few parameters and outputs that share their operations.
//! There W = 8 rather than 16, which gains a fifth at p = 2000 and loses where p ≤ 8.

mod cones;
mod jacobian;
mod kinks;
mod local;
mod node;
mod sweep;
mod trace;

pub(crate) use jacobian::Covectors;
pub(crate) use kinks::Fold;
pub(crate) use sweep::Sweep;

use cones::Rows;
use node::{Node, Op, Unary};
use std::sync::OnceLock;
use trace::{Draft, End, Recorder, Trace};

/// The operations of a function Rᵖ → Rᴺ. Registers hold p parameters, then the nodes, then the constants.
#[derive(Debug)]
pub(crate) struct Recording {
    params: usize,
    nodes: Vec<Node>,
    functions: Vec<Unary>,
    constants: Vec<f64>,
    /// The register of each output.
    outputs: Vec<u32>,
    rows: OnceLock<(Rows, usize)>,
    folds: OnceLock<Option<Vec<Fold>>>,
}

/// A function to record, generic over the number like [`Model::eval`](crate::model::Model::eval).
pub(crate) trait Recordable {
    /// `y` ← h(w).
    fn eval<S: super::Scalar>(&self, w: &[S], y: &mut [S]);
}

impl Recording {
    /// Records `function`; nothing where it has more than `limit` parameters or operations.
    pub(crate) fn of(
        function: &impl Recordable,
        params: usize,
        outputs: usize,
        limit: usize,
    ) -> Option<Self> {
        // Places are 32 bits wide, with room for parameters, nodes and constants.
        let recorder = Recorder::new(params, limit.min(1 << 29));
        let mut y = vec![Trace::Constant(0.0); outputs];
        function.eval(&recorder.parameters(), &mut y);
        let ends: Vec<End> = y.iter().map(|y| y.end()).collect();
        let draft = recorder.finish();
        (!draft.full).then(|| Recording::from(draft, &ends))
    }

    /// Drops what no output needs and gives every number its register.
    #[allow(clippy::cast_possible_truncation, reason = "parameters and nodes are limited")]
    fn from(mut draft: Draft, outputs: &[End]) -> Self {
        let p = draft.params;
        let mut live = vec![false; p + draft.nodes.len()];
        for y in outputs {
            if let End::Place(place) = y {
                live[*place as usize] = true;
            }
        }
        for (k, node) in draft.nodes.iter().enumerate().rev() {
            if live[p + k] {
                live[node.a as usize] = true;
                if node.is_binary() {
                    live[node.b as usize] = true;
                }
            }
        }
        let count = live[p..].iter().filter(|live| **live).count();
        let mut register: Vec<u32> = (0..p as u32).collect();
        let (mut nodes, mut functions) = (Vec::with_capacity(count), Vec::new());
        for (k, node) in draft.nodes.iter().enumerate() {
            register.push((p + nodes.len()) as u32);
            if !live[p + k] {
                continue;
            }
            let b = match node.op {
                Op::Add | Op::Sub | Op::Mul | Op::Div => register[node.b as usize],
                Op::Neg => 0,
                Op::Apply => {
                    functions.push(draft.functions[node.b as usize]);
                    functions.len() as u32 - 1
                }
                _ => (p + count) as u32 + node.b,
            };
            nodes.push(Node { op: node.op, a: register[node.a as usize], b });
        }
        let outputs = outputs
            .iter()
            .map(|y| match *y {
                End::Place(place) => register[place as usize],
                End::Constant(c) => (p + count) as u32 + draft.constant(c),
            })
            .collect();
        Recording {
            params: p,
            nodes,
            functions,
            constants: draft.constants,
            outputs,
            rows: OnceLock::new(),
            folds: OnceLock::new(),
        }
    }

    /// N.
    pub(crate) fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// The number of operations.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// What all rows of the Jacobian cost, in operations of a single sweep.
    pub(crate) fn rows_cost(&self) -> usize {
        self.rows.get_or_init(|| Rows::of(self)).1
    }

    /// Its relu and abs, in the order of the record; nothing where it jumps.
    pub(crate) fn folds(&self) -> Option<&[Fold]> {
        self.folds.get_or_init(|| self.find_folds()).as_deref()
    }

    /// A copy whose kinks can be held on branches.
    pub(crate) fn branched(&self) -> Self {
        Recording {
            params: self.params,
            nodes: self.nodes.clone(),
            functions: self.functions.clone(),
            constants: self.constants.clone(),
            outputs: self.outputs.clone(),
            rows: OnceLock::new(),
            folds: OnceLock::new(),
        }
    }

    /// The register that node `k` reads first.
    pub(crate) fn argument_of(&self, k: usize) -> usize {
        self.nodes[k].a as usize
    }

    /// The register of output `i`.
    pub(crate) fn output_place(&self, i: usize) -> usize {
        self.outputs[i] as usize
    }

    fn rows(&self) -> &Rows {
        &self.rows.get_or_init(|| Rows::of(self)).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Scalar;

    /// A parameter squared and a constant, with an operation that nothing needs.
    struct Spare;
    impl Recordable for Spare {
        fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
            let _ = (w[0] + w[1]).exp();
            y[0] = w[1] * w[1] - (S::from(2.0) + S::from(3.0));
            y[1] = S::from(4.0) / S::from(8.0);
        }
    }

    #[test]
    fn only_what_is_needed_is_recorded() {
        let record = Recording::of(&Spare, 2, 2, 100).expect("small");
        assert_eq!((record.len(), record.functions.len()), (2, 0));
        assert_eq!(record.constants, [5.0, 0.5]);
        let mut sweep = Sweep::default();
        sweep.forward(&record, [7.0, 3.0].into_iter());
        assert_eq!(sweep.outputs(&record).collect::<Vec<_>>(), [4.0, 0.5]);
        assert_eq!(sweep.back(&record, [1.0, 1.0].into_iter()), [0.0, 6.0]);
    }

    #[test]
    fn what_is_too_large_is_not_recorded() {
        assert!(Recording::of(&Spare, 2, 2, 4).is_some());
        assert!(Recording::of(&Spare, 2, 2, 3).is_none());
        assert!(Recording::of(&Spare, 2, 2, 1).is_none());
    }
}
