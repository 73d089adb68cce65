//! The options of `gradflow bounds`.

use super::options::{OutputOptions, ProblemOptions, SolvingOptions};
use super::words::{real, whole};
use clap::Args;

/// Which theorems to check, on what, and what to write.
#[derive(Debug, Args)]
pub(super) struct BoundsOptions {
    #[command(flatten)]
    pub(super) problem: ProblemOptions,
    #[command(flatten)]
    pub(super) solving: SolvingOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
    /// Theorems to check, separated by commas: 2.2, 2.3, 2.4, 2.5, B.1, B.2 of the paper; 1, 2, 3, 4, A of ours.
    #[arg(long, value_name = "NAMES", conflicts_with = "all", help_heading = "Theorems")]
    pub(super) theorem: Option<String>,
    /// All theorems (what is done without --theorem).
    #[arg(long, help_heading = "Theorems")]
    pub(super) all: bool,
    /// Also find the least α at which each theorem holds, and at which its bound is below this.
    #[arg(long, value_name = "GAP", value_parser = real, allow_hyphen_values = true, help_heading = "Theorems")]
    pub(super) below: Option<f64>,
    /// The tightest certificates on every ball that a theorem tries: seconds each at 66 parameters, none beyond 110.
    #[arg(long, help_heading = "Theorems")]
    pub(super) thorough: bool,
    /// Scales: numbers and ranges, as for gradflow flow.
    #[arg(
        long,
        value_name = "SCALES",
        allow_hyphen_values = true,
        default_value = "10",
        help_heading = "Flow"
    )]
    pub(super) alpha: String,
    /// Times at which bounds and paths are compared, on a logarithmic grid.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<usize>,
        allow_hyphen_values = true,
        default_value_t = 100,
        help_heading = "Flow"
    )]
    pub(super) points: usize,
}
