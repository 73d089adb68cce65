//! `gradflow flow`: both flows and their gap, at every scale asked for.

use super::options::FlowOptions;
use super::problem::{self, Problem, Zero};
use super::{alphas, json, remark, report, stdout_error};
use crate::experiment::{Slopes, Table, lazy_table, path_table};
use crate::figure::Figure;
use crate::flow::{Flow, logarithmic};
use crate::loss::Loss;
use crate::model::{Centred, Differentiable, Doubled, Linearized, Modes};
use crate::solve::{Budget, Comparison, Events, Gap, Method, Options};
use crate::{Error, Result, linalg};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The tolerance unless one is given, and the one for models with kinks: their flows slide along kinks in steps as
/// short as the tolerance.
const SMOOTH_RTOL: f64 = 1e-8;
const KINKED_RTOL: f64 = 1e-4;
/// Where the README's main job draws its figure.
const DEFAULT_FIGURE: &str = "figures/flow.svg";
/// Numbers that --csv may write.
const MOST_NUMBERS: usize = 20_000_000;
/// The largest tangent kernel that is decomposed, in outputs.
const MOST_OUTPUTS: usize = 20_000;

/// What was solved and found: all that reports need.
pub(super) struct Findings<'a> {
    pub(super) options: &'a FlowOptions,
    pub(super) problem: &'a Problem,
    pub(super) loss: &'a dyn Loss,
    pub(super) shape: crate::model::Shape,
    /// The last time asked for.
    pub(super) horizon: f64,
    /// λ₁ of the tangent kernel at the start.
    pub(super) largest_eigenvalue: f64,
    /// The tolerance in force.
    pub(super) rtol: f64,
    pub(super) runs: Vec<Comparison>,
    /// Scales whose solve failed, with the reason.
    pub(super) failures: Vec<(f64, Error)>,
}

impl Findings<'_> {
    /// The order in 1/α of sup‖y − ȳ‖ by theory.
    pub(super) fn outputs_order(&self) -> i32 {
        if self.problem.zero == Zero::Doubled { 2 } else { 1 }
    }
}

pub(super) fn run(options: &FlowOptions, out: &mut dyn Write) -> Result<u8> {
    let (scales, repeated) = alphas::alphas(&options.alpha)?;
    if repeated > 0 && !options.quiet {
        remark("note", &format!("{repeated} scales were given more than once and are solved once"));
    }
    let gap = Gap {
        method: Method::named(&options.solver)?,
        options: Options { rtol: options.rtol.unwrap_or(SMOOTH_RTOL), budget: budget(options)? },
        events: Events {
            loss: options.stop_loss,
            gradient: options.stop_gradient,
            distance: options.stop_distance,
        },
        estimate_error: false,
    };
    gap.options.check()?;
    gap.events.check()?;
    for path in options.csv.iter().chain(&options.figure) {
        refuse_existing(path, options.overwrite)?;
    }
    let problem = problem::build(options)?;
    let base: &dyn Differentiable = &*problem.map;
    match problem.zero {
        Zero::None => solve(options, &problem, &base, problem.start.clone(), &scales, gap, out),
        Zero::Centred => {
            check_start(base, &problem.start)?;
            let map = Centred::at(base, &problem.start);
            solve(options, &problem, &map, problem.start.clone(), &scales, gap, out)
        }
        Zero::Doubled => {
            let start = Doubled::<&dyn Differentiable>::start(&problem.start);
            solve(options, &problem, &Doubled(base), start, &scales, gap, out)
        }
    }
}

fn budget(options: &FlowOptions) -> Result<Budget> {
    let wall = Duration::try_from_secs_f64(options.max_seconds).map_err(|_| {
        Error::value("max-seconds", options.max_seconds, "a number of seconds above 0")
    })?;
    if options.max_steps == 0 || wall.is_zero() {
        return Err(Error::value("budget", 0, "at least one step and some time"));
    }
    Ok(Budget { steps: options.max_steps, wall })
}

/// Explicitly named files are not overwritten unless told to.
fn refuse_existing(path: &Path, overwrite: bool) -> Result<()> {
    if path.exists() && !overwrite {
        return Err(Error::Conflict {
            found: format!("{} exists", path.display()),
            remedy: "give --overwrite, or another name".into(),
        });
    }
    Ok(())
}

/// The length of the start, before a model is evaluated there.
fn check_start(map: &dyn Differentiable, start: &[f64]) -> Result<()> {
    let params = map.shape().params;
    if start.len() == params {
        return Ok(());
    }
    Err(Error::Shape {
        what: "start w₀".into(),
        found: format!("{} numbers", start.len()),
        wanted: format!("{params}, one per parameter of the model"),
        remedy: "give --start as many numbers, or leave it out to draw them",
    })
}

#[allow(clippy::too_many_arguments, reason = "the model is wrapped in three ways by the caller")]
fn solve<H: Differentiable>(
    options: &FlowOptions,
    problem: &Problem,
    map: &H,
    start: Vec<f64>,
    scales: &[f64],
    gap: Gap,
    out: &mut dyn Write,
) -> Result<u8> {
    let shape = map.shape();
    check_size(shape.outputs)?;
    let loss: &dyn Loss = &*problem.loss;
    // Everything that does not depend on α is checked before the first solve.
    let smallest = scales.first().copied().unwrap_or(1.0);
    let flow = Flow::new(map, loss, start).scaled(smallest.min(1.0));
    let initial = flow.initial_outputs()?;
    let tangent = Linearized::at(&flow.map, &flow.start);
    let modes = tangent.modes().ok_or_else(crate::solve::no_modes)?;
    let curvature = loss.convexity().big_m;
    let horizon = horizon(&options.time, modes, curvature)?;
    let times = times(options, modes, curvature, horizon)?;
    warn(options, &initial, smallest, horizon * curvature * modes.largest(), gap.method);
    check_csv(options, scales.len() * times.len(), shape)?;
    let mut gap = Gap { estimate_error: wants_estimate(options, shape)?, ..gap };
    if options.rtol.is_none() && !map.is_smooth() {
        gap.options.rtol = KINKED_RTOL;
    }
    let mut findings = Findings {
        options,
        problem,
        loss,
        shape,
        horizon,
        largest_eigenvalue: modes.largest(),
        rtol: gap.options.rtol,
        runs: Vec::new(),
        failures: Vec::new(),
    };
    let bar = progress(options, scales.len());
    for &alpha in scales {
        bar.set_message(format!("α = {}", report::scale(alpha)));
        match gap.solve_beside(&flow.at_scale(alpha), &tangent, &times) {
            Ok(run) => findings.runs.push(run),
            Err(e) if e.exit_code() == 1 => findings.failures.push((alpha, e)),
            Err(e) => return Err(e),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    write_all(&findings, out)
}

/// The table or JSON, then the files.
fn write_all(findings: &Findings<'_>, out: &mut dyn Write) -> Result<u8> {
    let options = findings.options;
    if options.json {
        json::write(findings, out)?;
    } else {
        report::write(findings, out).map_err(stdout_error)?;
    }
    if let Some(path) = &options.csv {
        report::paths(findings)?.write(path)?;
    }
    for path in draw(findings)? {
        if !options.json && !options.quiet {
            remark("wrote", &path.display().to_string());
        }
    }
    for (alpha, e) in &findings.failures {
        remark("error", &format!("α = {}: {e}", report::scale(*alpha)));
    }
    Ok(u8::from(!findings.failures.is_empty()))
}

/// The figure and its numbers: rates where there are several finite scales, else the path in time.
fn draw(findings: &Findings<'_>) -> Result<Vec<PathBuf>> {
    let options = findings.options;
    let path = match &options.figure {
        Some(path) => path.clone(),
        None if options.no_figure || options.json || findings.runs.is_empty() => return Ok(vec![]),
        None => PathBuf::from(DEFAULT_FIGURE),
    };
    let finite = findings.runs.iter().filter(|r| r.curved.alpha.is_finite()).count();
    let Some(last) = findings.runs.last() else { return Ok(vec![]) };
    let (name, table) = if finite >= 2 {
        ("lazy-limit", lazy_table(&findings.runs)?.note("outputs_order", findings.outputs_order()))
    } else {
        let table = path_table(last, findings.loss)?;
        ("paths", table.note("alpha", report::scale(last.curved.alpha)))
    };
    let table = with_notes(table, findings);
    let numbers = path.with_extension("csv");
    if options.figure.is_some() {
        refuse_existing(&numbers, options.overwrite)?;
    }
    table.write(&numbers)?;
    Figure::named(name)?.draw(&table, &path)?;
    Ok(vec![path, numbers])
}

/// What a reader needs to run the numbers again.
fn with_notes(table: Table, findings: &Findings<'_>) -> Table {
    let problem = findings.problem;
    table
        .note("model", format!("{}, {}", problem.model, report::zero(problem.zero)))
        .note("data", &problem.data)
        .note("start", &problem.origin)
        .note("loss", problem.loss_name)
        .note("horizon", report::scale(findings.horizon))
        .note("rtol", format!("{:e}", findings.rtol))
        .note("seed", findings.options.seed)
        .note("gradflow", env!("CARGO_PKG_VERSION"))
}

/// A number, inf, or auto: five relaxation times of the slowest mode above a hundredth of the largest.
fn horizon(text: &str, modes: &Modes, curvature: f64) -> Result<f64> {
    match text {
        "inf" | "∞" => Ok(f64::INFINITY),
        "auto" => Ok(modes.smallest_above(1e-2).map_or(1.0, |l| 5.0 / (curvature * l))),
        _ => match alphas::numbers("time", text)?.as_slice() {
            [t] if *t >= 0.0 => Ok(*t),
            _ => Err(Error::value("time", text, "a number of at least 0, inf, or auto")),
        },
    }
}

/// A logarithmic grid from a thousandth of the fastest relaxation time to the horizon.
fn times(options: &FlowOptions, modes: &Modes, curvature: f64, horizon: f64) -> Result<Vec<f64>> {
    if !(2..=1_000_000).contains(&options.points) {
        return Err(Error::value("points", options.points, "between 2 and 1000000 times"));
    }
    if horizon == 0.0 {
        return Ok(vec![0.0]);
    }
    let relaxation = |l: f64| 1.0 / (curvature * l).max(f64::MIN_POSITIVE);
    let slowest = modes.smallest_above(0.0).map_or(1.0, relaxation);
    let end = if horizon.is_finite() { horizon } else { 40.0 * slowest };
    let first = (1e-3 * relaxation(modes.largest())).min(1e-3 * end);
    let mut times = logarithmic(first, end, options.points - 1);
    if horizon.is_infinite() {
        times.push(horizon);
    }
    Ok(times)
}

fn warn(options: &FlowOptions, initial: &[f64], alpha: f64, stiffness: f64, method: Method) {
    if options.quiet {
        return;
    }
    // `initial` is α h(w₀) at an α of at most 1.
    let h0 = linalg::norm(initial) / alpha.min(1.0);
    if h0 > 0.0 {
        remark(
            "warning",
            &format!(
                "‖h(w₀)‖ = {h0:.3e}, so α h(w₀) grows with α and large α is not lazy; --zero centred or doubled \
                 starts from 0"
            ),
        );
    }
    if method == Method::Tsit45 && stiffness > 1e4 {
        remark(
            "warning",
            &format!(
                "spectral radius times horizon is about {stiffness:.1e}: an explicit method will take very many \
                 steps; --solver bdf does not"
            ),
        );
    }
}

fn wants_estimate(options: &FlowOptions, shape: crate::model::Shape) -> Result<bool> {
    match options.estimate.as_str() {
        "always" => Ok(true),
        "never" => Ok(false),
        "auto" => Ok(shape.params.saturating_mul(shape.outputs) <= 1000),
        other => Err(Error::unknown("word for --estimate", other, ["always", "never", "auto"])),
    }
}

fn check_size(outputs: usize) -> Result<()> {
    if outputs <= MOST_OUTPUTS {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: format!("the tangent kernel of {outputs} outputs"),
        needed: format!("{:.1e} bytes", 8.0 * (outputs as f64).powi(2)),
        limit: format!("{MOST_OUTPUTS} outputs"),
        remedy: "take fewer samples (--samples)",
    })
}

fn check_csv(options: &FlowOptions, rows: usize, shape: crate::model::Shape) -> Result<()> {
    let numbers = rows.saturating_mul(2 * (shape.params + shape.outputs) + 7);
    if options.csv.is_none() || numbers <= MOST_NUMBERS {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "the file of whole paths".into(),
        needed: format!("{numbers} numbers"),
        limit: format!("{MOST_NUMBERS}"),
        remedy: "record fewer times (--points) or scales (--alpha)",
    })
}

fn progress(options: &FlowOptions, length: usize) -> ProgressBar {
    let hidden = options.quiet || options.json || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.tick();
    bar
}

/// Slopes of the runs at hand.
pub(super) fn slopes(findings: &Findings<'_>) -> Slopes {
    Slopes::of(&findings.runs)
}
