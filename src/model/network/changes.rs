//! What an increment keeps of the hidden layers on its way forward, for the way back.

use super::super::buffers::Buffer;
use std::ops::Range;

/// Hidden layers' changes, width × n each and one layer after the other: first, rest, total, change and slope as in
/// [`Change`](super::super::activation::Change).
pub(super) struct Changes<'a>(pub(super) [Buffer<'a>; 5]);

/// One hidden layer's.
#[derive(Clone, Copy)]
pub(super) struct Changed<'a> {
    pub(super) first: &'a [f64],
    pub(super) rest: &'a [f64],
    pub(super) total: &'a [f64],
    pub(super) change: &'a [f64],
    pub(super) slope: &'a [f64],
}

impl Changes<'_> {
    /// The layer at `range`, of whose first and rest there may be nothing, and what is after it.
    pub(super) fn split(&mut self, range: Range<usize>) -> (Changed<'_>, [&mut [f64]; 5]) {
        let [first, rest, total, change, slope] = self.0.each_mut().map(|plane| {
            let end = range.end.min(plane.len());
            let (before, after) = plane.split_at_mut(end);
            (&before[range.start.min(end)..], after)
        });
        let seen = Changed {
            first: first.0,
            rest: rest.0,
            total: total.0,
            change: change.0,
            slope: slope.0,
        };
        (seen, [first.1, rest.1, total.1, change.1, slope.1])
    }

    /// The layer at `range`, of which first and rest are not asked.
    pub(super) fn kept(&self, range: Range<usize>) -> Changed<'_> {
        let [_, _, total, change, slope] = self.0.each_ref().map(|plane| &plane[..]);
        let [total, change, slope] = [total, change, slope].map(|plane| &plane[range.clone()]);
        Changed { first: &[], rest: &[], total, change, slope }
    }
}
