//! The command `gradflow`: parse, run, exit code.

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(gradflow::cli::run(gradflow::cli::Cli::parse()))
}
