//! `gradflow flow`: both flows and their gap, at every scale asked for.

use super::clock::{horizon, times};
use super::findings::Findings;
use super::flow_options::FlowOptions;
use super::outputs::{check_files, figure_path};
use super::problem::{self, Needs, Problem};
use super::{alphas, json, remark, report, sizes, stdout_error};
use crate::experiment::{Table, lazy_table, path_table, sweep};
use crate::figure::Figure;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::{Differentiable, Linearized};
use crate::solve::{Budget, Demand, Events, Gap, LARGE, Method, Options};
use crate::{Error, Result, linalg};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// The tolerance unless one is given, and the one for models with kinks: where those cannot be followed, flows slide
/// along them in steps as short as the tolerance.
const SMOOTH_RTOL: f64 = 1e-8;
const KINKED_RTOL: f64 = 1e-6;
/// The same for large problems, where digits are dear.
const LARGE_RTOL: f64 = 1e-5;
/// Where the README's main job draws its figure.
const DEFAULT_FIGURE: &str = "figures/flow.svg";
/// The scales unless some are given; the limit only where it exists.
const DEFAULT_SCALES: &str = "1e0..1e6,inf";

pub(super) fn run(options: &FlowOptions, out: &mut dyn Write) -> Result<u8> {
    let (scales, repeated) = alphas::alphas(options.alpha.as_deref().unwrap_or(DEFAULT_SCALES))?;
    if repeated > 0 && !options.output.quiet {
        remark("note", &format!("{repeated} scales were given more than once and are solved once"));
    }
    let gap = Gap {
        method: Method::named(&options.solving.solver)?,
        options: Options {
            rtol: options.solving.rtol.unwrap_or(SMOOTH_RTOL),
            budget: budget(options)?,
        },
        events: Events {
            loss: options.stop_loss,
            gradient: options.stop_gradient,
            distance: options.stop_distance,
        },
        estimate_error: false,
        keep_every: 1,
    };
    gap.options.check()?;
    gap.events.check()?;
    check_files(&options.output, &options.problem, DEFAULT_FIGURE)?;
    let problem =
        problem::build(&options.problem, Needs { points: options.points, targets: true })?;
    let (map, start) = problem.posed()?;
    solve(options, &problem, &*map, start, &scales, gap, out)
}

fn budget(options: &FlowOptions) -> Result<Budget> {
    if options.solving.max_steps == 0 {
        return Err(Error::value("max-steps", 0, "at least one step"));
    }
    Ok(Budget { steps: options.solving.max_steps, wall: options.solving.max_seconds })
}

fn solve(
    options: &FlowOptions,
    problem: &Problem,
    map: &dyn Differentiable,
    start: Vec<f64>,
    scales: &[f64],
    gap: Gap,
    out: &mut dyn Write,
) -> Result<u8> {
    let shape = map.shape();
    sizes::check(options.points, shape)?;
    let loss: &dyn Loss = &*problem.loss;
    // Everything that does not depend on α is checked before the first solve.
    let smallest = scales.first().copied().unwrap_or(1.0);
    let flow = Flow::new(map, loss, start).scaled(smallest.min(1.0));
    let initial = flow.initial_outputs()?;
    let scales = without_missing_limit(options, &flow, scales)?;
    let tangent = Linearized::at(&flow.map, &flow.start);
    let modes = tangent.modes().ok_or_else(crate::solve::no_modes)?;
    let curvature = loss.convexity().big_m;
    let horizon = horizon(&options.solving.time, modes, curvature)?;
    let estimate_error = wants_estimate(options, shape)?;
    let several = scales.iter().filter(|alpha| alpha.is_finite()).count() >= 2;
    let times = if several && options.output.csv.is_none() && !estimate_error {
        // Only suprema and ends are shown, and those do not need the grid.
        vec![horizon]
    } else {
        times(options.points, modes, curvature, horizon)
    };
    warn(options, &initial, smallest, horizon * curvature * modes.largest(), gap.method);
    let stiffness = horizon * curvature * modes.largest();
    sizes::check_newton(
        gap.method.newton_numbers(&Demand { map: &map, loss: &loss, stiffness, alone: false }),
        shape,
    )?;
    let mut gap = Gap { estimate_error, ..gap };
    if options.output.csv.is_some() {
        sizes::check_paths(scales.len() * times.len(), shape)?;
    } else {
        gap.keep_every = sizes::keep_every(scales.len() * times.len(), shape);
    }
    if options.solving.rtol.is_none() && !map.is_smooth() {
        gap.options.rtol = KINKED_RTOL;
    } else if options.solving.rtol.is_none() && shape.params.saturating_mul(shape.outputs) > LARGE {
        gap.options.rtol = LARGE_RTOL;
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
    bar.set_message(format!("α up to {}", report::scale(scales.last().copied().unwrap_or(1.0))));
    let outcomes = sweep(&flow, &tangent, scales, &gap, &times, &|_| bar.inc(1));
    for (&alpha, outcome) in scales.iter().zip(outcomes) {
        match outcome {
            Ok(run) => findings.runs.push(run),
            Err(e) if e.exit_code() == 1 => findings.failures.push((alpha, e)),
            Err(e) => return Err(e),
        }
    }
    bar.finish_and_clear();
    write_all(&findings, out)
}

/// The limit exists only where h(w₀) = 0: asked for by default it is left out, asked for in words it is refused.
fn without_missing_limit<'s, H: Differentiable, L: Loss>(
    options: &FlowOptions,
    flow: &Flow<H, L>,
    scales: &'s [f64],
) -> Result<&'s [f64]> {
    let Some((last, finite)) = scales.split_last().filter(|(last, _)| last.is_infinite()) else {
        return Ok(scales);
    };
    match flow.at_scale(*last).initial_outputs() {
        Err(Error::Conflict { .. }) if options.alpha.is_none() => Ok(finite),
        Err(e) => Err(e),
        Ok(_) => Ok(scales),
    }
}

/// The table or JSON, then the files.
fn write_all(findings: &Findings<'_>, out: &mut dyn Write) -> Result<u8> {
    let options = findings.options;
    if options.output.json {
        json::write(findings, out)?;
    } else {
        report::write(findings, out).map_err(stdout_error)?;
    }
    if let Some(path) = &options.output.csv {
        with_notes(report::paths(findings)?, findings).write(path)?;
    }
    for path in options.output.csv.iter().cloned().chain(draw(findings)?) {
        if !options.output.json && !options.output.quiet {
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
    let mut finite = findings.runs.iter().filter(|r| r.curved.alpha.is_finite());
    let several = finite.clone().count() >= 2;
    let shown = finite.next_back().or(findings.runs.last());
    let (Some(path), Some(last)) = (figure_path(&options.output, DEFAULT_FIGURE), shown) else {
        return Ok(vec![]);
    };
    let (name, table) = if several {
        ("lazy-limit", lazy_table(&findings.runs)?.note("outputs_order", findings.outputs_order()))
    } else {
        let table = path_table(last, findings.loss)?;
        ("paths", table.note("alpha", report::scale(last.curved.alpha)))
    };
    let table = with_notes(table, findings);
    let numbers = path.with_extension("csv");
    table.write(&numbers)?;
    let figure = Figure::named(name)?;
    if !figure.has_content(&table)? {
        if !options.output.quiet {
            let why = "nothing moves and nothing comes apart, so that nothing fits a log axis";
            remark("note", &format!("no figure {}: {why}", path.display()));
        }
        return Ok(vec![numbers]);
    }
    figure.draw(&table, &path)?;
    Ok(vec![path, numbers])
}

/// What a reader needs to run the numbers again.
fn with_notes(table: Table, findings: &Findings<'_>) -> Table {
    let problem = findings.problem;
    table
        .note("model", report::described(problem))
        .note("data", &problem.data)
        .note("start", &problem.origin)
        .note("loss", problem.loss_name)
        .note("horizon", report::scale(findings.horizon))
        .note("rtol", format!("{:e}", findings.rtol))
        .note("seed", findings.options.problem.seed)
        .note("gradflow", env!("CARGO_PKG_VERSION"))
}

fn warn(options: &FlowOptions, initial: &[f64], alpha: f64, stiffness: f64, method: Method) {
    if options.output.quiet {
        return;
    }
    // `initial` is α h(w₀) at an α of at most 1.
    let h0 = linalg::norm(initial) / alpha.min(1.0);
    if h0 > 1e-10 {
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
                 steps; --solver auto does not"
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

fn progress(options: &FlowOptions, length: usize) -> ProgressBar {
    let hidden = options.output.quiet || options.output.json || !std::io::stderr().is_terminal();
    let target = if hidden { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.tick();
    bar
}
