//! Experiments: many runs, and the tables that keep what they found.

mod bounds;
mod kappa;
mod lazy;
mod requirements;
mod scaling;
mod table;

pub use bounds::{Checked, Survey, bounds_table};
pub use kappa::{EXPONENTS, KappaWidth, column as kappa_column, expected_slope};
pub(crate) use lazy::sweep;
pub use lazy::{Slopes, lazy_limit, path_table, table as lazy_table};
pub use requirements::{Requirement, requirements};
pub use scaling::StepCost;
pub use table::{Column, Table};
