//! The options of `gradflow flow`.

use super::options::{OutputOptions, ProblemOptions, SolvingOptions};
use super::words::{real, whole};
use clap::Args;

/// What to solve, how, and what to write.
#[derive(Debug, Args)]
pub(super) struct FlowOptions {
    #[command(flatten)]
    pub(super) problem: ProblemOptions,
    #[command(flatten)]
    pub(super) solving: SolvingOptions,
    #[command(flatten)]
    pub(super) output: OutputOptions,
    /// Scales: numbers, ranges 1e0..1e6 (one a decade) or 1..100:9, and inf for the limit.
    /// Without it 1e0..1e6,inf, or without inf where h(w0) is not 0.
    #[arg(long, value_name = "SCALES", allow_hyphen_values = true, help_heading = "Flow")]
    pub(super) alpha: Option<String>,
    /// Stop when the loss falls to this.
    #[arg(long, value_name = "LEVEL", value_parser = real, allow_hyphen_values = true, help_heading = "Flow")]
    pub(super) stop_loss: Option<f64>,
    /// Stop when the norm of the gradient, alpha times that of F, falls to this.
    #[arg(long, value_name = "LEVEL", value_parser = real, allow_hyphen_values = true, help_heading = "Flow")]
    pub(super) stop_gradient: Option<f64>,
    /// Stop when the distance of the weights from the start grows to this.
    #[arg(long, value_name = "LEVEL", value_parser = real, allow_hyphen_values = true, help_heading = "Flow")]
    pub(super) stop_distance: Option<f64>,
    /// Estimate the error by a second solve at a hundredth of the tolerance: always, never, or auto for small problems.
    #[arg(long, default_value = "auto", value_name = "WHEN", help_heading = "Flow")]
    pub(super) estimate: String,
    /// Times recorded, on a logarithmic grid.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<usize>,
        allow_hyphen_values = true,
        default_value_t = 200,
        help_heading = "Output"
    )]
    pub(super) points: usize,
}
