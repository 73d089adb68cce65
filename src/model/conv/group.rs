//! How a batch is cut into groups of samples, each worked through the whole network by one core.
//!
//! Memory of a group: every node of every sample, node after node; in a node the samples side by side, so that every
//! loop and every product runs over samples. The cut depends on the number of samples alone, never on threads.

use super::Architecture;
use std::ops::Range;

/// Samples of a group: two vectors of eight numbers, and products wide enough where images are small.
pub(super) const GROUP: usize = 16;

/// Gradients are summed over groups in this many lanes at most, each with p numbers of its own, and then over lanes in
/// order: no bit depends on threads.
pub(super) const LANES: usize = 8;

/// The groups of a batch, in order.
pub(super) fn groups(samples: usize) -> impl Iterator<Item = Range<usize>> + Send {
    (0..samples).step_by(GROUP).map(move |begin| begin..(begin + GROUP).min(samples))
}

impl Architecture {
    /// Place of a node in the memory of a group of that many samples.
    pub(super) fn place(&self, node: usize, samples: usize) -> Range<usize> {
        self.offsets[node] * samples..self.offsets[node + 1] * samples
    }
}

/// Images by columns (sample by sample, channel by channel, row by row) ↔ groups with samples side by side; `numbers`
/// are those of a sample. `place(plain, grouped)` is called for each number.
pub(super) fn regrouped(samples: usize, numbers: usize, mut place: impl FnMut(usize, usize)) {
    for group in groups(samples) {
        for (t, sample) in group.clone().enumerate() {
            for i in 0..numbers {
                place(sample * numbers + i, group.start * numbers + i * group.len() + t);
            }
        }
    }
}
