//! Words: the command `gradflow`.
//!
//! Data on standard output, talk on standard error. Exit codes: 0 done; 1 a numerical failure, partial results kept
//! and marked; 2 usage; 3 data; 4 input or output; 5 a size refused before starting, or a
//! device that does not answer.

mod alphas;
mod bounds;
mod bounds_options;
mod bounds_report;
mod clock;
mod constants;
mod dataset;
mod derive;
mod figure;
mod findings;
mod flow;
mod flow_options;
mod json;
mod kernel;
mod options;
mod outputs;
mod problem;
mod report;
mod report_page;
mod sizes;
mod words;

use crate::device::{self, Device};
use crate::{Error, Result};
use clap::{Parser, Subcommand};
use std::io::Write;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "gradflow",
    version,
    about = "Lazy training, executable: a gradient flow against its linearization, and who guarantees what",
    after_help = "Exit codes: 0 done, 1 a solve failed or a theorem asked for by name does not hold, 2 usage, 3 data, 4 files, 5 too large, or a device that does not answer.",
    max_term_width = 100
)]
pub struct Cli {
    /// Who makes large products of dense Jacobians: cpu, or cuda in a build with the feature cuda.
    #[arg(
        long,
        value_name = "DEVICE",
        global = true,
        default_value = "cpu",
        help_heading = "Device"
    )]
    device: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Integrate a model's gradient flow, the flow of its linearization and the gap between them.
    ///
    /// Without arguments: the paper's teacher–student problem, a centred two-layer tanh network, α = 1, 10, …, 1e6, ∞.
    Flow(Box<flow_options::FlowOptions>),
    /// Theorems with their hypotheses checked, and their bounds against what is measured.
    Bounds(Box<bounds_options::BoundsOptions>),
    /// Norms, singular values, Lipschitz constants and the laziness κ of a model at its start, each with its evidence.
    Constants(Box<constants::ConstantsOptions>),
    /// The tangent kernel of a model at its start, or of a network of infinite width, printed or written as .npy.
    Kernel(Box<kernel::KernelOptions>),
    /// Print the gradient-flow system that a formula generates, as text or LaTeX.
    Derive(derive::DeriveOptions),
    /// Make and draw the paper's figures, and hold what they show against the paper's numbers.
    Figure(figure::FigureOptions),
    /// Put every figure of a folder, with its numbers against the paper's, on one page of HTML.
    Report(report_page::ReportOptions),
}

/// Runs the command and returns its exit code.
pub fn run(cli: Cli) -> u8 {
    let mut out = std::io::stdout().lock();
    let quiet = cli.command.is_quiet();
    let result = on_device(&cli.device, quiet, || cli.command.run(&mut out));
    let result = result.and_then(|code| flushed(&mut out).map(|()| code));
    match result {
        Ok(code) => code,
        // The reader of our output has left: nothing more to say.
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => 0,
        Err(e) => {
            let _ = writeln!(std::io::stderr(), "error: {e}");
            e.exit_code()
        }
    }
}

impl Command {
    fn run(&self, out: &mut dyn Write) -> Result<u8> {
        match self {
            Command::Flow(options) => flow::run(options, out),
            Command::Bounds(options) => bounds::run(options, out),
            Command::Constants(options) => constants::run(options, out),
            Command::Kernel(options) => kernel::run(options, out),
            Command::Derive(options) => derive::run(options, out),
            Command::Figure(options) => figure::run(options, out),
            Command::Report(options) => report_page::run(options, out),
        }
    }

    fn is_quiet(&self) -> bool {
        match self {
            Command::Flow(options) => options.output.quiet,
            Command::Bounds(options) => options.output.quiet,
            Command::Kernel(options) => options.quiet,
            Command::Figure(options) => options.quiet,
            Command::Report(options) => options.quiet,
            Command::Constants(_) | Command::Derive(_) => false,
        }
    }
}

/// Runs `command` with large products made by the device of that name; says at the end what a card has done.
fn on_device(name: &str, quiet: bool, command: impl FnOnce() -> Result<u8>) -> Result<u8> {
    let device = Device::parse(name)?;
    device::choose(device)?;
    let code = command();
    if device != Device::Cpu && !quiet {
        remark("device", &device::describe());
    }
    code
}

fn flushed(out: &mut dyn Write) -> Result<()> {
    out.flush().map_err(stdout_error)
}

/// Writing to standard output failed.
fn stdout_error(source: std::io::Error) -> Error {
    Error::Io { path: "standard output".into(), action: "write", source }
}

/// A remark on standard error.
fn remark(kind: &str, text: &str) {
    let _ = writeln!(std::io::stderr(), "{kind}: {text}");
}
