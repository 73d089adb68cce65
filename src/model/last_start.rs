//! The last evaluation of a network, kept because a flow asks for value, tangent and gradient at one point.

use std::sync::{Arc, Mutex, PoisonError};

/// The last evaluation, shared between threads; a clone starts with none.
#[derive(Debug)]
pub(crate) struct LastStart<E>(Mutex<Option<Arc<E>>>);

impl<E> Default for LastStart<E> {
    fn default() -> Self {
        LastStart(Mutex::new(None))
    }
}

impl<E> Clone for LastStart<E> {
    fn clone(&self) -> Self {
        LastStart::default()
    }
}

impl<E: Default> LastStart<E> {
    /// The evaluation remembered, where it `fits`.
    pub(crate) fn found(&self, fits: impl FnOnce(&E) -> bool) -> Option<Arc<E>> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().filter(|last| fits(last)).map(Arc::clone)
    }

    /// The evaluation that `fits`, remembered or made, in the memory of the one before where nobody uses that any more.
    pub(crate) fn get(&self, fits: impl FnOnce(&E) -> bool, make: impl FnOnce(&mut E)) -> Arc<E> {
        if let Some(last) = self.found(fits) {
            return last;
        }
        let slot = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = slot().take().and_then(Arc::into_inner);
        let mut made = before.unwrap_or_default();
        make(&mut made);
        let made = Arc::new(made);
        *slot() = Some(Arc::clone(&made));
        made
    }
}

/// Equality that tells 0 from −0 and finds NaN equal to itself.
pub(crate) fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
