//! Working memory that is used again: fresh megabytes cost more in page faults than the arithmetic done on them.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Buffers at rest, at most [`KEPT`]; a clone starts with none.
#[derive(Debug, Default)]
pub(crate) struct Buffers(Mutex<Vec<Vec<f64>>>);

/// More than one sweep of a deep network has in use at once.
const KEPT: usize = 64;

/// Buffers have lengths 2ᵏ from this on, and are lent for their own length only: then one round of a computation leaves
/// behind all that the next asks for. What is not used of a fresh one is never touched, and takes no memory.
const SMALLEST: usize = 16;

/// A slice on loan; it goes back when dropped.
#[derive(Debug)]
pub(crate) struct Buffer<'a> {
    data: Vec<f64>,
    len: usize,
    home: &'a Buffers,
}

impl Clone for Buffers {
    fn clone(&self) -> Self {
        Buffers::default()
    }
}

impl Buffers {
    /// `len` numbers, **of any value**: whoever takes them overwrites all that is read later.
    pub(crate) fn take(&self, len: usize) -> Buffer<'_> {
        if len == 0 {
            return Buffer { data: Vec::new(), len, home: self };
        }
        let size = len.next_power_of_two().max(SMALLEST);
        let mut resting = self.resting();
        let fitting = resting.iter().position(|data| data.len() == size);
        let found = fitting.map(|i| resting.swap_remove(i));
        drop(resting);
        Buffer { data: found.unwrap_or_else(|| vec![0.0; size]), len, home: self }
    }

    fn resting(&self) -> MutexGuard<'_, Vec<Vec<f64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Buffer<'_> {
    type Target = [f64];
    fn deref(&self) -> &[f64] {
        &self.data[..self.len]
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut [f64] {
        &mut self.data[..self.len]
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        let mut resting = self.home.resting();
        if resting.len() < KEPT && !self.data.is_empty() {
            resting.push(std::mem::take(&mut self.data));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_returned_buffer_is_lent_again_at_the_length_asked_for() {
        let buffers = Buffers::default();
        let address = buffers.take(10).as_ptr();
        let again = buffers.take(7);
        assert_eq!((again.as_ptr(), again.len()), (address, 7));
        assert_eq!(buffers.take(3)[..], [0.0; 3]);
    }
}
