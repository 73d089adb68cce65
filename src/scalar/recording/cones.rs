//! What each output depends on, and how the Jacobian is best swept.
//!
//! The output of one sample depends on the operations of that sample and on little else, so that the rows of the
//! Jacobian together cost what one covector for all of them costs. Where outputs share most of their operations they
//! share the sweep instead, [`LANES`] covectors wide.

use super::Recording;

/// Covectors of one shared sweep.
pub(super) const LANES: usize = 8;
/// Operations outside of a cone that are swept rather than begin another run.
const GAP: u32 = 16;
/// Sweeps of the whole record that finding the cones of single outputs, or of `LANES` together, may cost.
const SINGLE: usize = 4;
const SHARED: usize = 32;
/// What an operation of a shared sweep costs in operations of a single one: measured 2 in the cache, 3 outside.
const WIDE: usize = 3;

/// Some outputs and the operations they depend on, with few others among them.
#[derive(Debug)]
pub(super) struct Cone {
    /// The first of the outputs.
    pub(super) first: usize,
    /// Ranges of nodes, the last ones first.
    pub(super) runs: Vec<(u32, u32)>,
}

/// How the rows are swept.
#[derive(Debug)]
pub(super) enum Rows {
    /// One output at a time.
    Single(Vec<Cone>),
    /// [`LANES`] outputs at a time.
    Shared(Vec<Cone>),
}

impl Rows {
    pub(super) fn of(record: &Recording) -> (Self, usize) {
        let nodes = record.nodes.len();
        let single = cones(record, 1, SINGLE * nodes);
        let cost = |cones: &[Cone]| -> usize {
            let length = |&(from, to): &(u32, u32)| (to - from) as usize;
            cones.iter().flat_map(|cone| &cone.runs).map(length).sum()
        };
        if let Some(cones) = single {
            let visits = cost(&cones);
            return (Rows::Single(cones), visits);
        }
        let cones = cones(record, LANES, SHARED * nodes).unwrap_or_else(|| whole(record));
        let visits = WIDE * cost(&cones);
        (Rows::Shared(cones), visits)
    }
}

/// Every operation, for every `LANES` outputs.
#[allow(clippy::cast_possible_truncation, reason = "nodes are limited")]
fn whole(record: &Recording) -> Vec<Cone> {
    let all = vec![(0, record.nodes.len() as u32)];
    let cone = |first| Cone { first, runs: all.clone() };
    (0..record.outputs.len()).step_by(LANES).map(cone).collect()
}

/// The cones of each `lanes` outputs; nothing where more than `budget` operations are in them.
#[allow(clippy::cast_possible_truncation, reason = "nodes are limited")]
fn cones(record: &Recording, lanes: usize, budget: usize) -> Option<Vec<Cone>> {
    let p = record.params;
    let node = |place: u32| (place as usize).checked_sub(p).filter(|&k| k < record.nodes.len());
    let mut seen = vec![0; record.nodes.len()];
    let (mut found, mut open, mut spent) = (Vec::new(), Vec::new(), 0);
    let mut cones = Vec::new();
    for (block, outputs) in record.outputs.chunks(lanes).enumerate() {
        let stamp = block as u32 + 1;
        let mut visit = |place: u32, open: &mut Vec<usize>| {
            if let Some(k) = node(place).filter(|&k| seen[k] != stamp) {
                seen[k] = stamp;
                open.push(k);
            }
        };
        found.clear();
        outputs.iter().for_each(|&place| visit(place, &mut open));
        while let Some(k) = open.pop() {
            found.push(k as u32);
            if spent + found.len() > budget {
                return None;
            }
            let node = record.nodes[k];
            visit(node.a, &mut open);
            if node.is_binary() {
                visit(node.b, &mut open);
            }
        }
        spent += found.len();
        found.sort_unstable_by(|a, b| b.cmp(a));
        cones.push(Cone { first: block * lanes, runs: runs(&found) });
    }
    Some(cones)
}

/// Descending numbers as ranges, closing gaps of [`GAP`] and less.
fn runs(descending: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &k in descending {
        match runs.last_mut() {
            Some((from, _)) if *from - k <= GAP + 1 => *from = k,
            _ => runs.push((k, k + 1)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_cover_and_close_small_gaps() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[40, 39, 38, 30, 12, 11]), [(30, 41), (11, 13)]);
    }
}
