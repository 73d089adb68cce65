//! The options that several commands share: what the problem is, how it is solved, where results go.

use super::words::{real, seconds, whole};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// The model, the data and the loss.
#[derive(Debug, Clone, Args)]
pub(super) struct ProblemOptions {
    /// A network (two-layer, mlp) or a formula such as "w1*tanh(w2*x)"; outputs are separated by `;`.
    #[arg(long, default_value = "two-layer", allow_hyphen_values = true, help_heading = "Model")]
    pub(super) model: String,
    /// Hidden neurons, per layer.
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_hyphen_values = true, default_value_t = 64, help_heading = "Model")]
    pub(super) width: usize,
    /// Hidden layers of an mlp [default: 2].
    #[arg(long, value_name = "N", value_parser = whole::<usize>, allow_hyphen_values = true, help_heading = "Model")]
    pub(super) depth: Option<usize>,
    /// tanh, relu, softplus, erf, sigmoid, gelu or identity.
    #[arg(long, default_value = "tanh", help_heading = "Model")]
    pub(super) activation: String,
    /// Give the hidden neurons biases, and the outputs of an mlp.
    #[arg(long, help_heading = "Model")]
    pub(super) biases: bool,
    /// Output scaling of a two-layer network: 1, 1/sqrt(m) or 1/m [default: 1/sqrt(m)].
    #[arg(long, value_name = "SCALING", help_heading = "Model")]
    pub(super) scaling: Option<String>,
    /// Parametrization of an mlp: standard, ntk, or `ntk:SIGMA_W,SIGMA_B` for other factors than 1 [default: ntk].
    #[arg(long, value_name = "PARAMETRIZATION", help_heading = "Model")]
    pub(super) parametrization: Option<String>,
    /// Initial weights of a network: gaussian, gaussian:TAU, xavier, he, unit-sphere or ntk.
    #[arg(long, default_value = "gaussian", help_heading = "Model")]
    pub(super) init: String,
    /// The way to h(w0) = 0: centred subtracts h(w0), doubled trains g(w) - g(w'), none leaves h as it is.
    /// Networks are centred unless told otherwise, formulas are left as they are.
    #[arg(long, value_name = "WAY", help_heading = "Model")]
    pub(super) zero: Option<String>,
    /// Initial weights, separated by commas; without it they are drawn from the seed.
    #[arg(long, value_name = "NUMBERS", allow_hyphen_values = true, help_heading = "Model")]
    pub(super) start: Option<String>,
    /// A file: .csv or .tsv with named columns, .npy, or CIFAR-10 .bin; several CIFAR-10 files separated by commas.
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub(super) data: Option<String>,
    /// Target columns of a .csv, the target file of an .npy, or without data the target numbers.
    #[arg(
        long,
        value_name = "NAMES|FILE|NUMBERS",
        allow_hyphen_values = true,
        help_heading = "Data"
    )]
    pub(super) target: Option<String>,
    /// Input columns of a .csv; all others by default.
    #[arg(long, value_name = "NAMES", help_heading = "Data")]
    pub(super) inputs: Option<String>,
    /// Labels +-1 for the logistic loss, or class numbers for cross-entropy, without data.
    #[arg(
        long,
        value_name = "NUMBERS",
        allow_hyphen_values = true,
        conflicts_with = "target",
        help_heading = "Data"
    )]
    pub(super) labels: Option<String>,
    /// CIFAR-10 classes to keep, as numbers 0 to 9.
    #[arg(long, value_name = "CLASSES", allow_hyphen_values = true, help_heading = "Data")]
    pub(super) classes: Option<String>,
    /// Use the first so many samples.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<usize>,
        allow_hyphen_values = true,
        help_heading = "Data"
    )]
    pub(super) samples: Option<usize>,
    /// Scale the inputs: none, standardized (mean 0, variance 1) or normalized (norm 1 per sample).
    #[arg(long, default_value = "none", help_heading = "Data")]
    pub(super) scale: String,
    /// square-half-sum, square-half-mean, square-sum, square-mean, logistic-sum, logistic-mean, cross-entropy-sum,
    /// cross-entropy-mean, huber-sum or huber-mean; a bare kind means its sum, square means square-half-sum.
    #[arg(long, default_value = "square", help_heading = "Flow")]
    pub(super) loss: String,
    /// Seed of everything that is drawn.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<u64>,
        allow_hyphen_values = true,
        default_value_t = 0,
        help_heading = "Flow"
    )]
    pub(super) seed: u64,
}

/// How long and how well to integrate.
#[derive(Debug, Args)]
pub(super) struct SolvingOptions {
    /// Horizon: a number, inf, or auto for five relaxation times of the slowest mode whose eigenvalue is at least a
    /// hundredth of the largest.
    #[arg(long, default_value = "auto", allow_hyphen_values = true, help_heading = "Flow")]
    pub(super) time: String,
    /// Error to aim at, relative to the size of each unknown; 1e-8, but 1e-6 for models with kinks
    /// (relu, abs) and 1e-5 where parameters times outputs exceed a million.
    #[arg(
        long,
        value_name = "R",
        value_parser = real,
        allow_hyphen_values = true,
        help_heading = "Flow"
    )]
    pub(super) rtol: Option<f64>,
    /// auto, exponential, bdf, tr-bdf2, esdirk34 or tsit45.
    #[arg(long, default_value = "auto", help_heading = "Flow")]
    pub(super) solver: String,
    /// Steps allowed in one solve.
    #[arg(
        long,
        value_name = "N",
        value_parser = whole::<usize>,
        allow_hyphen_values = true,
        default_value_t = 1_000_000,
        help_heading = "Flow"
    )]
    pub(super) max_steps: usize,
    /// Seconds allowed for one solve.
    #[arg(
        long,
        value_name = "S",
        value_parser = seconds,
        allow_hyphen_values = true,
        default_value = "300",
        help_heading = "Flow"
    )]
    pub(super) max_seconds: Duration,
}

/// What to write and where.
#[derive(Debug, Args)]
pub(super) struct OutputOptions {
    /// Print one JSON object instead of the table.
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
    /// Write the whole paths, a row per scale and time.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) csv: Option<PathBuf>,
    /// Write the figure here (.svg or .png, the numbers beside it as .csv); without --json one named after the command is written into figures/.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(super) figure: Option<PathBuf>,
    /// Write no figure.
    #[arg(long, conflicts_with = "figure", help_heading = "Output")]
    pub(super) no_figure: bool,
    /// Overwrite files that exist.
    #[arg(long, help_heading = "Output")]
    pub(super) overwrite: bool,
    /// No progress bar and no remarks.
    #[arg(long, short, help_heading = "Output")]
    pub(super) quiet: bool,
}
