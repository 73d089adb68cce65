//! What an experiment is: runs that do not depend on each other, and the rows that each of them gives.

use super::{Check, Table};
use crate::Result;
use crate::random::Generator;
use std::path::{Path, PathBuf};

/// How large an experiment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Size {
    /// Seconds: what tests run.
    Quick,
    /// Minutes on two cores: what is kept in `figures/`.
    #[default]
    Standard,
    /// As the paper did, hours for some.
    Full,
}

impl Size {
    /// `quick`, `standard` or `full`.
    pub fn name(self) -> &'static str {
        match self {
            Size::Quick => "quick",
            Size::Standard => "standard",
            Size::Full => "full",
        }
    }

    /// The value for this size.
    pub(crate) fn pick<T>(self, quick: T, standard: T, full: T) -> T {
        match self {
            Size::Quick => quick,
            Size::Standard => standard,
            Size::Full => full,
        }
    }
}

/// What a user asks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order {
    /// How large.
    pub size: Size,
    /// The seed of everything drawn.
    pub seed: u64,
    /// Where data lie, for experiments that need some.
    pub data: Option<PathBuf>,
}

impl Order {
    /// The stream of repetition `repeat` of what is called `name`.
    pub(crate) fn stream(&self, name: &str, repeat: usize) -> Generator {
        Generator::seeded(self.seed).split(name).stream(repeat as u64)
    }

    /// A seed for what takes one, for the same.
    pub(crate) fn seed_of(&self, repeat: usize) -> u64 {
        self.seed.wrapping_mul(1000).wrapping_add(repeat as u64)
    }
}

/// What a run may use while it lasts.
pub struct Desk<'a> {
    /// A file that belongs to this run alone, removed once it is done: long runs keep their state in it.
    pub scratch: &'a Path,
    /// Told the part of the run that is done, from 0 to 1.
    pub tell: &'a (dyn Fn(f64) + Sync),
}

/// Rows of a table.
pub type Rows = Vec<Vec<f64>>;

/// Runs that do not depend on each other. The rows of a run are the same whenever and wherever it is done.
pub trait Experiment: Sync {
    /// Its table without rows: the columns, and in the notes all that it takes to do it again.
    fn blank(&self) -> Table;
    /// The number of runs.
    fn runs(&self) -> usize;
    /// What run number `run` is, in words.
    fn label(&self, run: usize) -> String;
    /// Does it.
    ///
    /// # Errors
    /// What goes wrong in it.
    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows>;
    /// What its table must show.
    ///
    /// # Errors
    /// [`Error::Unknown`](crate::Error::Unknown) where `table` is another's.
    fn checks(&self, table: &Table) -> Result<Vec<Check>>;
}
