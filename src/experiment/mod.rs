//! Experiments: many runs, and the tables that keep what they found.
//!
//! An [`Experiment`] is a set of runs that do not depend on each other; [`carry_out`] shares them out among the cores,
//! writes each down as it finishes and goes on where a killed one was. The paper's own, by their figures:
//! [`Trajectories`] (1a, 1b, 6), [`InitialScale`] (1c), [`Widths`] (2a), [`Population`] (2b), [`RandomKernels`] (4). Of works
//! around it: [`WideNets`], [`DoubleDescent`], [`TrueRandomLabels`], [`ComplexityMeasure`], [`Underspecification`], [`Depth`]. What
//! a table must show, with the source's numbers, are its [`Check`]s.

mod bounds;
mod check;
mod complexity_measure;
mod conv_linearized;
mod conv_scale;
mod conv_scales;
mod conv_settings;
mod conv_spectrum;
mod depth;
mod double_descent;
mod initial_scale;
mod kappa;
mod lazy;
mod least_squares;
mod ledger;
mod limits;
mod linear_descent;
mod plan;
mod population;
mod random_kernels;
mod ranks;
mod requirements;
mod scaling;
mod spread;
mod students;
mod table;
mod trajectories;
mod true_random_labels;
mod two_classes;
mod underspecification;
mod wide_nets;
mod widths;

pub use bounds::{Checked, Survey, bounds_table};
pub use check::Check;
pub use complexity_measure::ComplexityMeasure;
pub use conv_linearized::ConvLinearized;
pub(crate) use conv_linearized::PAPERS_ACCURACIES;
pub use conv_scale::{ConvEnd, ConvRecord, ConvRun};
pub use conv_scales::ConvScales;
pub use conv_spectrum::ConvSpectrum;
pub(crate) use conv_spectrum::spectrum;
pub use depth::Depth;
pub(crate) use depth::{Start, training, variances};
pub use double_descent::DoubleDescent;
pub(crate) use double_descent::{grid, means};
pub use initial_scale::InitialScale;
pub(crate) use initial_scale::{by_scale, grouped};
pub use kappa::{EXPONENTS, KappaWidth, column as kappa_column, expected_slope};
pub(crate) use lazy::sweep;
pub use lazy::{Slopes, lazy_limit, path_table, table as lazy_table};
pub(crate) use least_squares::Case;
pub use ledger::{Progress, Silent, carry_out, is_table_of, keep};
pub use limits::{DivergenceBounds, LazyLimit};
pub use plan::{Desk, Experiment, Order, Rows, Size};
pub use population::Population;
pub(crate) use population::{over_null, still_falls};
pub use random_kernels::RandomKernels;
pub(crate) use random_kernels::deviations;
pub use ranks::rank_correlation;
pub use requirements::{Requirement, requirements};
pub use scaling::StepCost;
pub(crate) use spread::spreads;
pub use table::{Column, Table};
pub use trajectories::Trajectories;
pub use true_random_labels::TrueRandomLabels;
pub(crate) use true_random_labels::{Labels, learnt};
pub(crate) use underspecification::Ensemble;
pub use underspecification::Underspecification;
pub use wide_nets::WideNets;
pub(crate) use wide_nets::wide_means;
pub use widths::Widths;
pub(crate) use widths::by_width;
