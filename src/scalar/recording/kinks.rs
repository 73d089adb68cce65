//! The kinks of a recorded function: its relu and abs, each with two branches.
//!
//! relu and abs differ from a smooth function only in the slope that their argument is multiplied by: 0 or 1, −1 or 1.
//! With the slopes held fixed, whatever the signs of the arguments, the record is that of one smooth piece.

use super::node::{Op, Unary};
use super::{Recording, Rows};
use crate::scalar::Elementary;
use std::collections::HashMap;
use std::ops::Range;

/// One relu or abs.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// Its place among the nodes, and among the functions.
    pub(crate) node: usize,
    function: usize,
    /// The slope where its argument is not positive: 0 or −1.
    pub(crate) below: f64,
    /// The outputs from the first to the last that depend on it.
    pub(crate) reach: Range<usize>,
    /// How many of the others it is behind at most.
    pub(crate) depth: usize,
    /// Its number among those of the same depth whose first output is the same.
    pub(crate) number: usize,
    /// Whether its argument is affine in the parameters.
    pub(crate) affine: bool,
}

impl Recording {
    /// The kinks, in the order of the record; nothing where the function jumps (step, sign).
    pub(super) fn find_folds(&self) -> Option<Vec<Fold>> {
        let jumps = |f: &Unary| matches!(f, Unary::Elementary(Elementary::Step | Elementary::Sign));
        if self.functions.iter().any(jumps) {
            return None;
        }
        let (reach, forms) = (self.reached(), self.forms());
        let mut met: HashMap<(usize, usize), usize> = HashMap::new();
        let folds = self.nodes.iter().enumerate().filter_map(|(k, node)| {
            let function = node.b as usize;
            let below = match (node.op, self.functions.get(function)) {
                (Op::Apply, Some(Unary::Elementary(Elementary::Relu))) => 0.0,
                (Op::Apply, Some(Unary::Elementary(Elementary::Abs))) => -1.0,
                _ => return None,
            };
            let (affine, depth) = match (node.a as usize).checked_sub(self.params) {
                Some(argument) => forms[argument],
                None => (true, 0),
            };
            let reach = reach[k].clone();
            let count = met.entry((depth, reach.start)).or_default();
            *count += 1;
            Some(Fold { node: k, function, below, reach, depth, number: *count - 1, affine })
        });
        Some(folds.collect())
    }

    /// For each node the outputs from the first to the last that depend on it.
    fn reached(&self) -> Vec<Range<usize>> {
        let mut reach = vec![Range { start: usize::MAX, end: 0 }; self.nodes.len()];
        let widen = |reach: &mut [Range<usize>], place: u32, by: &Range<usize>| {
            let node = (place as usize).checked_sub(self.params);
            if let Some(own) = node.and_then(|k| reach.get_mut(k)) {
                *own = own.start.min(by.start)..own.end.max(by.end);
            }
        };
        for (i, place) in self.outputs.iter().enumerate() {
            widen(&mut reach, *place, &(i..i + 1));
        }
        for (k, node) in self.nodes.iter().enumerate().rev() {
            let by = reach[k].clone();
            widen(&mut reach, node.a, &by);
            if node.is_binary() {
                widen(&mut reach, node.b, &by);
            }
        }
        reach
    }

    /// For each node whether it is affine in the parameters, and how many kinks it is behind.
    fn forms(&self) -> Vec<(bool, usize)> {
        let mut forms: Vec<(bool, usize)> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let of = |place: u32| {
                (place as usize).checked_sub(self.params).map_or((true, 0), |k| forms[k])
            };
            let (affine, depth) = of(node.a);
            forms.push(match node.op {
                Op::Add | Op::Sub => (affine && of(node.b).0, depth.max(of(node.b).1)),
                Op::Mul | Op::Div => (false, depth.max(of(node.b).1)),
                Op::ConstantDiv => (false, depth),
                Op::Apply => {
                    let fold = matches!(
                        self.functions[node.b as usize],
                        Unary::Elementary(Elementary::Relu | Elementary::Abs)
                    );
                    (false, depth + usize::from(fold))
                }
                _ => (affine, depth),
            });
        }
        forms
    }

    /// Holds a kink on one of its branches.
    pub(crate) fn hold(&mut self, fold: &Fold, on: bool) {
        self.functions[fold.function] = Unary::Branch(if on { 1.0 } else { fold.below });
    }

    /// Ranges of nodes, the first ones first, that contain all on which these outputs depend.
    pub(crate) fn cone(&self, outputs: Range<usize>) -> Vec<(u32, u32)> {
        let (Rows::Single(cones) | Rows::Shared(cones)) = self.rows();
        let width = match self.rows() {
            Rows::Single(_) => 1,
            Rows::Shared(_) => super::cones::LANES,
        };
        let wanted =
            cones.iter().filter(|c| c.first < outputs.end && outputs.start < c.first + width);
        let mut runs: Vec<(u32, u32)> = wanted.flat_map(|cone| cone.runs.iter().copied()).collect();
        runs.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(runs.len());
        for (from, to) in runs {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        merged
    }
}
