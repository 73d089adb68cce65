//! Experiments: many runs, and the tables that keep what they found.

mod table;

pub use table::{Column, Table};
