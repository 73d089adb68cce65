//! `gradflow kernel`: the tangent kernel of a model at its start, or that of a net of infinite width.

use super::options::ProblemOptions;
use super::outputs::{refuse_data_file, refuse_existing};
use super::problem::{self, Needs, Problem, Zero};
use super::{json, remark, report, sizes, stdout_error};
use crate::device;
use crate::flow::Flow;
use crate::model::{Initialization, Shape, Structure};
use crate::theory::{KernelTraining, WideNet};
use crate::{Error, Result, data, files};
use clap::Args;
use nalgebra::DMatrix;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Outputs up to which a kernel is printed.
const MOST_PRINTED: usize = 20;
/// Numbers in the Jacobian of a model whose kernel is made from it.
const LARGEST: usize = 200_000_000;

/// Which kernel, and where it goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Entry (i, j) belongs to outputs i and j: sample by sample, and within a sample output by output."
)]
pub(super) struct KernelOptions {
    #[command(flatten)]
    problem: ProblemOptions,
    /// The limit of infinite width of the network described, at the factors that its width gives.
    #[arg(long, help_heading = "Kernel")]
    infinite: bool,
    /// With --infinite: the covariance of the network's outputs over its random start, before they are centred or doubled
    /// away, in place of the tangent kernel.
    #[arg(long, requires = "infinite", help_heading = "Kernel")]
    nngp: bool,
    /// Of what numbers a card makes the empirical kernel: double, or single, which halves what is sent and leaves entries
    /// good to 2e-6 of the diagonal; single needs --device cuda.
    #[arg(long, default_value = "double", conflicts_with = "infinite", help_heading = "Kernel")]
    precision: String,
    /// Write it here as a .npy file of doubles; without it, it is printed where it has at most 20 rows.
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Overwrite a file that exists.
    #[arg(long, help_heading = "Output")]
    overwrite: bool,
    /// Print one JSON object instead of rows.
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No remarks.
    #[arg(long, short, help_heading = "Output")]
    pub(super) quiet: bool,
}

impl KernelOptions {
    fn kind(&self) -> &'static str {
        match (self.infinite, self.nngp) {
            (false, _) => "empirical",
            (true, false) => "infinite",
            (true, true) => "nngp",
        }
    }
}

pub(super) fn run(options: &KernelOptions, out: &mut dyn Write) -> Result<u8> {
    if let Some(path) = &options.out {
        check_file(options, path)?;
    }
    let problem = problem::build(&options.problem, Needs { points: 2, targets: false })?;
    let shape = problem.map.shape();
    sizes::check(2, shape)?;
    let rows = shape.outputs;
    if options.out.is_none() && rows > MOST_PRINTED {
        return Err(Error::Conflict {
            found: format!("a kernel of {rows} rows, and nowhere to write it"),
            remedy: format!("give --out FILE.npy, or --samples for at most {MOST_PRINTED} rows"),
        });
    }
    let single = match options.precision.as_str() {
        "double" => false,
        "single" => true,
        other => return Err(Error::unknown("precision", other, ["double", "single"])),
    };
    let kernel =
        if options.infinite { infinite(options, &problem)? } else { empirical(&problem, single)? };
    if let Some(path) = &options.out {
        files::replace(path, |temporary| data::npy::write(temporary, &kernel))?;
    }
    // What training by it is like; a kernel that is not finite is refused here.
    let training = KernelTraining::new(&kernel)?;
    if options.json {
        let object = object(options, &problem, &kernel, &training);
        writeln!(out, "{object:#}").map_err(stdout_error)?;
    } else if options.out.is_none() {
        print(&kernel, out).map_err(stdout_error)?;
    }
    if !options.quiet && !options.json {
        talk(options, &problem, &kernel, &training);
    }
    Ok(0)
}

/// Before anything is computed.
fn check_file(options: &KernelOptions, path: &Path) -> Result<()> {
    files::refuse_special(path)?;
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
    if !ending.eq_ignore_ascii_case("npy") {
        return Err(Error::unknown("array format", ending, ["npy"]));
    }
    refuse_data_file(path, &options.problem)?;
    refuse_existing(path, options.overwrite)
}

/// Dh(w₀) Dh(w₀)ᵀ, N × N, of the model as it is trained; of a `single` precision by way of its Jacobian.
fn empirical(problem: &Problem, single: bool) -> Result<DMatrix<f64>> {
    let (map, start) = problem.posed()?;
    let Shape { params, outputs } = map.shape();
    let numbers = params.saturating_mul(outputs);
    if (single || !map.structure().is_batched()) && numbers > LARGEST {
        return Err(Error::TooLarge {
            what: format!("the Jacobian of a model with p = {params} and N = {outputs}"),
            needed: format!("{numbers} numbers"),
            limit: LARGEST.to_string(),
            remedy: "take fewer parameters or fewer samples (--samples)",
        });
    }
    let flow = Flow::new(&*map, &*problem.loss, start);
    flow.initial_outputs()?;
    if single {
        device::ready()?;
        return device::gram_in_floats(&map.jacobian(&flow.start));
    }
    Ok(map.kernel(&flow.start))
}

/// Θ or K at infinite width, N × N: different outputs of a sample have nothing in common.
fn infinite(options: &KernelOptions, problem: &Problem) -> Result<DMatrix<f64>> {
    let Structure::Network(network) = problem.map.structure() else {
        return Err(Error::Conflict {
            found: "--infinite with a formula, which has no width".into(),
            remedy: "take --model two-layer or mlp, or leave --infinite out".into(),
        });
    };
    if options.problem.start.is_some() {
        return Err(Error::Conflict {
            found: "--infinite with --start: the limit is over random weights".into(),
            remedy: "leave --start out, and choose how they are drawn with --init".into(),
        });
    }
    let initialization = Initialization::parse(&options.problem.init)?;
    let net = WideNet::of(network, initialization)?;
    if !options.quiet && !options.json {
        warn_of_waiting(&net, network.inputs().ncols());
    }
    let found = net.kernels(network.inputs())?;
    let k = network.outputs_per_sample();
    let of_one = if options.nngp {
        found.nngp
    } else if problem.zero == Zero::Doubled {
        // g(w) − g(w') has the kernels of two nets that start as one.
        2.0 * found.ntk
    } else {
        found.ntk
    };
    Ok(of_one.kronecker(&DMatrix::identity(k, k)))
}

/// Said before seconds, or hours, pass in silence.
fn warn_of_waiting(net: &WideNet, samples: usize) {
    let integrals = samples as f64 * (samples as f64 + 1.0) / 2.0 * net.hidden() as f64;
    if net.by_quadrature() && integrals > 2e4 {
        let words =
            format!("{integrals:.0} integrals by quadrature, some 5000 to 20000 a second and core");
        remark("kernel", &words);
    }
}

fn print(kernel: &DMatrix<f64>, out: &mut dyn Write) -> std::io::Result<()> {
    for row in kernel.row_iter() {
        let words: Vec<String> = row.iter().map(|x| format!("{x:>13.6e}")).collect();
        writeln!(out, "{}", words.join(" "))?;
    }
    Ok(())
}

/// The largest eigenvalue and the smallest.
fn ends(training: &KernelTraining) -> (f64, f64) {
    let lambda = training.eigenvalues();
    let end = |value: Option<&f64>| value.copied().unwrap_or(0.0);
    (end(lambda.first()), end(lambda.last()))
}

fn talk(
    options: &KernelOptions,
    problem: &Problem,
    kernel: &DMatrix<f64>,
    training: &KernelTraining,
) {
    remark(
        "model",
        &format!("{}, {}, {}", problem.model, report::zero(problem.zero), problem.origin),
    );
    remark("data", &problem.data);
    let (largest, smallest) = ends(training);
    let rows = training.eigenvalues().len();
    let words = format!(
        "{}, {rows} × {rows}, eigenvalues from {smallest:.4e} to {largest:.4e}, η_crit = {:.4e}",
        options.kind(),
        training.critical_rate()
    );
    remark("kernel", &words);
    if options.precision == "single" {
        let (part, off) = (device::FLOATS, device::FLOATS * kernel.trace());
        let words = format!(
            "single, entries off by at most {part:e} √(K_ii K_jj), eigenvalues by {off:.1e}"
        );
        remark("precision", &words);
    }
    if let Some(path) = &options.out {
        remark("wrote", &path.display().to_string());
    }
}

fn object(
    options: &KernelOptions,
    problem: &Problem,
    kernel: &DMatrix<f64>,
    training: &KernelTraining,
) -> Value {
    let (largest, smallest) = ends(training);
    let rows = || kernel.row_iter().map(|row| row.iter().copied().map(json::number).collect());
    json!({
        "kind": options.kind(),
        "kernel": options.out.is_none().then(|| rows().collect::<Vec<Vec<Value>>>()),
        "file": options.out,
        "outputs": kernel.nrows(),
        "params": problem.map.shape().params,
        "largest_eigenvalue": json::number(largest),
        "smallest_eigenvalue": json::number(smallest),
        "critical_rate": json::number(training.critical_rate()),
        "model": problem.model,
        "zero": report::zero(problem.zero),
        "data": problem.data,
        "start": problem.origin,
        "seed": options.problem.seed,
        "device": device::describe(),
        "precision": options.precision,
        "rounding": if options.precision == "single" { device::FLOATS } else { f64::EPSILON },
        "crate_version": env!("CARGO_PKG_VERSION"),
        "conventions": {
            "kind": "empirical: Dh(w0) Dh(w0)^T; infinite: its limit of infinite width; nngp: the covariance of outputs",
            "rounding": "entries are off by at most it times the root of K_ii K_jj, in double precision times p as well",
            "critical_rate": "2/(smallest + largest), for descent on half the sum of squares",
            "kernel": "null where it went into a file",
        },
    })
}
