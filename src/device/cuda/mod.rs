//! The card's side, on the crate `cust`: present with the feature `cuda` only. Its twin without is `absent.rs`.
//!
//! A card that fails in the middle of work is given up for the rest of the process: the processor goes on, with what it
//! has kept of J. What a card has no room for is left to the processor, once. [`describe`] says either.

mod blocks;
mod card;
mod driver;
mod facts;
mod grid;

use super::cost::Rates;
use crate::{Error, Result};
use blocks::{Kept, Pass};
use card::Card;
use cust::error::{CudaError, CudaResult};
use driver::words;
use nalgebra::DMatrix;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What became of the wish for a card.
enum State {
    /// Nobody asked, or somebody chose the processor.
    Idle,
    Ready(Arc<Mutex<Card>>),
    /// It failed: how.
    GivenUp(String),
}

static STATE: Mutex<State> = Mutex::new(State::Idle);

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn locked(card: &Mutex<Card>) -> MutexGuard<'_, Card> {
    card.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the card. What a choice before this one has kept there stays with it.
pub(super) fn choose(memory: usize) -> Result<()> {
    let card = Card::open(memory)?;
    *state() = State::Ready(Arc::new(Mutex::new(card)));
    Ok(())
}

/// Goes back to the processor.
pub(super) fn release() {
    *state() = State::Idle;
}

/// The card in words, what it has done or how it failed.
pub(super) fn describe() -> Option<String> {
    let card = match &*state() {
        State::Idle => return None,
        State::Ready(card) => Arc::clone(card),
        State::GivenUp(how) => {
            return Some(format!("cuda, given up: {how}; the processor went on"));
        }
    };
    let card = locked(&card);
    let left = match card.without_room() {
        0 => String::new(),
        n => format!("left to the processor for lack of room: {n}, "),
    };
    Some(format!("cuda: {}, {left}products made: {}", card.facts(), card.products()))
}

fn chosen() -> Option<Arc<Mutex<Card>>> {
    match &*state() {
        State::Ready(card) => Some(Arc::clone(card)),
        State::Idle | State::GivenUp(_) => None,
    }
}

/// Work on the card; nothing where it has no room, or where it fails, which gives it up.
fn attempt<T>(
    card: &Arc<Mutex<Card>>,
    what: &str,
    work: impl FnOnce(&mut Card) -> CudaResult<T>,
) -> Option<T> {
    let mut working = locked(card);
    let done = working.wake().and_then(|()| work(&mut working));
    let Err(error) = done else { return done.ok() };
    if error == CudaError::OutOfMemory {
        working.lacked_room();
        return None;
    }
    let how = format!("{}, {what}: {}", working.facts().name, words(error));
    let mut state = state();
    // Another may have been chosen since.
    if matches!(&*state, State::Ready(chosen) if Arc::ptr_eq(chosen, card)) {
        *state = State::GivenUp(how);
    }
    None
}

/// What may be expected of the card, where one is chosen.
pub(super) fn rates() -> Option<Rates> {
    chosen().map(|card| locked(&card).facts().rates)
}

/// J Jᵀ where there is a card that is worth its while.
pub(super) fn gram(j: &DMatrix<f64>) -> Option<DMatrix<f64>> {
    let card = chosen()?;
    if j.is_empty() || !super::makes_gram(j.nrows(), j.ncols(), 1) {
        return None;
    }
    attempt(&card, "the Gram matrix", |card| blocks::pass(card, j, false)).map(|pass| pass.gram)
}

/// Whether there is a card to work with.
pub(super) fn ready() -> Result<()> {
    chosen().map(drop).ok_or_else(nothing_chosen)
}

/// J Jᵀ of J rounded to floats.
pub(super) fn gram_of_floats(j: &DMatrix<f64>) -> Result<DMatrix<f64>> {
    let card = chosen().ok_or_else(nothing_chosen)?;
    if j.is_empty() {
        return Ok(DMatrix::zeros(j.nrows(), j.nrows()));
    }
    attempt(&card, "the Gram matrix of floats", |card| blocks::gram_of_floats(card, j))
        .ok_or_else(nothing_chosen)
}

/// There is no card to work with, or there was one.
fn nothing_chosen() -> Error {
    Error::Device {
        device: "cuda",
        found: describe().unwrap_or_else(|| "the processor is chosen".into()),
        wanted: "a card that works and has room".into(),
        remedy: "choose one by --device cuda or device::choose, or take double precision with the processor",
    }
}

/// A Jacobian kept on the card, as far as there is room.
pub(super) struct Resident {
    card: Arc<Mutex<Card>>,
    /// Nothing once the card has failed.
    kept: Mutex<Option<Kept>>,
}

impl Resident {
    /// Sends J, and finds J Jᵀ on the way; by size, or `always`. No resident where not a column of J has room to stay.
    pub(super) fn hold(j: &DMatrix<f64>, always: bool) -> Option<(Option<Self>, DMatrix<f64>)> {
        let card = chosen()?;
        let (n, p) = j.shape();
        if j.is_empty() || !always && !super::keeps(n, p) {
            return None;
        }
        let (kept, gram) = attempt(&card, "keeping a Jacobian", |card| {
            let Pass { gram, blocks } = blocks::pass(card, j, true)?;
            if blocks.is_empty() {
                card.lacked_room();
                return Ok((None, gram));
            }
            let kept = Kept::new(card, blocks, n)?;
            card.hold(kept.bytes());
            Ok((Some(kept), gram))
        })?;
        let resident = kept.map(|kept| Resident { card, kept: Mutex::new(Some(kept)) });
        Some((resident, gram))
    }

    /// Columns of J that the card has.
    pub(super) fn columns(&self) -> usize {
        self.kept().as_ref().map_or(0, Kept::columns)
    }

    /// y ← J x; whether that was done.
    pub(super) fn product(&self, j: &DMatrix<f64>, x: &[f64], y: &mut [f64]) -> bool {
        self.multiply("a product", |card, kept| kept.product(card, j, x, y))
    }

    /// z ← Jᵀ u; whether that was done.
    pub(super) fn transposed_product(&self, j: &DMatrix<f64>, u: &[f64], z: &mut [f64]) -> bool {
        self.multiply("a product", |card, kept| kept.transposed_product(card, j, u, z))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn multiply(
        &self,
        what: &str,
        work: impl FnOnce(&mut Card, &mut Kept) -> CudaResult<()>,
    ) -> bool {
        let mut place = self.kept();
        let Some(kept) = place.as_mut() else { return false };
        let done = attempt(&self.card, what, |card| work(card, kept)).is_some();
        if !done {
            // It is gone, or what it keeps is of no use any more.
            if let Some(kept) = place.take() {
                let mut card = locked(&self.card);
                let _ = card.wake();
                card.give_back(kept.bytes());
            }
        }
        done
    }
}

impl Drop for Resident {
    /// Memory is given back by a thread that has the card.
    fn drop(&mut self) {
        let mut card = locked(&self.card);
        // A card that does not wake has lost what it kept.
        let _ = card.wake();
        if let Some(kept) = self.kept.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            card.give_back(kept.bytes());
        }
    }
}
