//! The record of a model, made when it is first asked for, and the workspaces in which it is replayed.

use super::Model;
use super::workspace::Workspace;
use crate::scalar::{Recordable, Recording, Scalar};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Operations, and parameters, above which a model is not recorded.
const LIMIT: usize = 10_000_000;

/// A record and as many workspaces as threads have replayed it at once.
#[derive(Default)]
pub(super) struct Replay {
    record: OnceLock<Option<Arc<Recording>>>,
    idle: Mutex<Vec<Workspace>>,
}

impl Replay {
    /// What `replay` makes of the record of `model`; nothing where the model is too large to be recorded.
    pub(super) fn with<M: Model, T>(
        &self,
        model: &M,
        replay: impl FnOnce(&Recording, &mut Workspace) -> T,
    ) -> Option<T> {
        let record = self.record(model)?;
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let popped = idle().pop();
        let mut work = popped.unwrap_or_else(|| Workspace::new(record));
        let found = replay(record, &mut work);
        idle().push(work);
        Some(found)
    }

    /// The record of `model`; nothing where it is too large.
    pub(super) fn record<M: Model>(&self, model: &M) -> Option<&Arc<Recording>> {
        let record = self.record.get_or_init(|| {
            let shape = model.shape();
            Recording::of(&Written(model), shape.params, shape.outputs, LIMIT).map(Arc::new)
        });
        record.as_ref()
    }

    /// As if the model were too large.
    #[cfg(test)]
    pub(super) fn never_record(&self) {
        assert!(self.record.set(None).is_ok(), "recorded already");
    }

    /// How many workspaces lie idle.
    #[cfg(test)]
    pub(super) fn rooms(&self) -> usize {
        self.idle.lock().map_or(0, |idle| idle.len())
    }
}

/// The record is shared, workspaces are not.
impl Clone for Replay {
    fn clone(&self) -> Self {
        Replay { record: self.record.clone(), idle: Mutex::default() }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operations = self.record.get().and_then(Option::as_ref).map(|record| record.len());
        f.debug_struct("Replay").field("operations", &operations).finish()
    }
}

/// A model as numbers know functions.
struct Written<'a, M>(&'a M);

impl<M: Model> Recordable for Written<'_, M> {
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        self.0.eval(w, y);
    }
}
