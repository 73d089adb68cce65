//! `gradflow derive`: the gradient-flow system of a formula.

use super::stdout_error;
use crate::Result;
use crate::model::Formula;
use clap::Args;
use std::io::Write;

/// What to derive.
#[derive(Debug, Args)]
pub(super) struct DeriveOptions {
    /// The formula, as "w1*tanh(w2*x)"; outputs are separated by `;`.
    #[arg(allow_hyphen_values = true)]
    formula: String,
    /// Names that are inputs rather than parameters, separated by commas.
    #[arg(long, default_value = "x", value_name = "NAMES")]
    inputs: String,
    /// LaTeX instead of text.
    #[arg(long)]
    latex: bool,
}

pub(super) fn run(options: &DeriveOptions, out: &mut dyn Write) -> Result<u8> {
    let inputs: Vec<&str> =
        options.inputs.split(',').map(str::trim).filter(|n| !n.is_empty()).collect();
    let system = Formula::parse(&options.formula, &inputs)?.system()?;
    let text = if options.latex { system.latex() } else { system.text() };
    writeln!(out, "{}", text.trim_end()).map_err(stdout_error)?;
    Ok(0)
}
