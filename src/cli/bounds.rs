//! `gradflow bounds`: hypothesis by hypothesis, verdict by verdict, measured curve against every bound that applies.

use super::bounds_options::BoundsOptions;
use super::bounds_report as report;
use super::clock::{horizon, times};
use super::options::ProblemOptions;
use super::outputs::{check_files, figure_path};
use super::problem::{self, Needs, Problem};
use super::{alphas, remark, sizes, stdout_error};
use crate::constants::{Evidence, Neighbourhood};
use crate::experiment::{Checked, Requirement, Survey, Table, bounds_table, requirements};
use crate::figure::Figure;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::{Linearized, Shape};
use crate::solve::{Budget, Events, Gap, Method, Options};
use crate::theory::{self, Quantity, Setting, Verdict};
use crate::{Error, Result};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

/// Where the figure goes unless told otherwise.
const DEFAULT_FIGURE: &str = "figures/bounds.svg";
/// The tolerance unless one is given.
const RTOL: f64 = 1e-8;

/// Everything found, for the reports.
pub(super) struct Findings<'a> {
    pub(super) options: &'a BoundsOptions,
    pub(super) problem: &'a Problem,
    pub(super) shape: Shape,
    pub(super) horizon: f64,
    pub(super) rtol: f64,
    pub(super) surveys: Vec<Survey>,
    /// δ, and what it takes for the gap to be below it; the longest horizons are those of the first scale.
    pub(super) wanted: Option<(f64, Vec<Requirement>)>,
    /// The least width at which each theorem's bound is below δ, by its name, at the first scale.
    pub(super) widths: Vec<(String, Option<usize>)>,
}

/// The widest network tried.
pub(super) const WIDEST: usize = 1024;

/// The theorems asked for the least width.
const BY_WIDTH: [&str; 3] = ["2.3", "1", "2"];

/// The least width of the network, drawn anew from the same seed, at which a theorem's bound of the outputs' gap on
/// [0, `horizon`] is at most `delta`.
fn widths(
    options: &BoundsOptions,
    horizon: f64,
    alpha: f64,
    delta: f64,
) -> Result<Vec<(String, Option<usize>)>> {
    type Bounds = Vec<(String, Option<f64>)>;
    let known: RefCell<BTreeMap<usize, Bounds>> = RefCell::default();
    let bounds = |width: usize| -> Result<Bounds> {
        if let Some(found) = known.borrow().get(&width) {
            return Ok(found.clone());
        }
        let wider = ProblemOptions { width, start: None, ..options.problem.clone() };
        let problem = problem::build(&wider, Needs { points: options.points, targets: true })?;
        let (map, start) = problem.posed()?;
        let flow = Flow::new(&*map, &*problem.loss, start).scaled(alpha);
        let (near, setting) = (Neighbourhood::of(&*map, &flow.start)?, Setting::of(&flow)?);
        let mut found = Vec::new();
        for name in BY_WIDTH {
            let theorem = theory::conclusion(&setting, &near, horizon, name, Quantity::OutputsGap)?;
            found.extend(theorem.map(|t| (t.name(), t.bound(horizon))));
        }
        known.borrow_mut().insert(width, found.clone());
        Ok(found)
    };
    let names: Vec<String> = bounds(1)?.into_iter().map(|(name, _)| name).collect();
    let least = |name: String| {
        let at = |width| {
            let found = bounds(width)?;
            Ok(found.into_iter().find(|(n, _)| *n == name).and_then(|(_, bound)| bound))
        };
        let width = theory::least_width(at, delta, WIDEST)?;
        Ok((name, width))
    };
    names.into_iter().map(least).collect()
}

pub(super) fn run(options: &BoundsOptions, out: &mut dyn Write) -> Result<u8> {
    let (scales, repeated) = alphas::alphas(&options.alpha)?;
    if repeated > 0 && !options.output.quiet {
        remark("note", &format!("{repeated} scales were given more than once and are solved once"));
    }
    if scales.iter().any(|alpha| alpha.is_infinite()) {
        return Err(Error::Conflict {
            found: "α = ∞, where every gap and every bound of it is zero".into(),
            remedy: "give finite scales; gradflow flow --alpha inf has the constants of the limit"
                .into(),
        });
    }
    if let Some(delta) = options.below.filter(|delta| !(*delta > 0.0 && delta.is_finite())) {
        return Err(Error::value("below", delta, "a finite gap above 0"));
    }
    let asked = asked(options)?;
    check_files(&options.output, &options.problem, DEFAULT_FIGURE)?;
    let gap = Gap {
        method: Method::named(&options.solving.solver)?,
        options: Options {
            rtol: options.solving.rtol.unwrap_or(RTOL),
            budget: Budget { steps: options.solving.max_steps, wall: options.solving.max_seconds },
        },
        events: Events::default(),
        estimate_error: false,
        keep_every: 1,
    };
    gap.options.check()?;
    let problem =
        problem::build(&options.problem, Needs { points: options.points, targets: true })?;
    let (map, start) = problem.posed()?;
    let loss: &dyn Loss = &*problem.loss;
    let shape = map.shape();
    sizes::check(options.points, shape)?;
    let flow = Flow::new(&*map, loss, start).scaled(scales[0]);
    flow.initial_outputs()?;
    let tangent = Linearized::at(&flow.map, &flow.start);
    let modes = tangent.modes().ok_or_else(crate::solve::no_modes)?;
    let curvature = loss.convexity().big_m;
    let horizon = horizon(&options.solving.time, modes, curvature)?;
    let times = times(options.points, modes, curvature, horizon);
    let near = Neighbourhood::of(&*map, &flow.start)?;
    let near = if options.thorough { near.thorough() } else { near };
    if options.below.is_some() && !options.output.quiet && !options.output.json {
        remark("note", "looking for the scales and widths that --below asks for");
    }
    let wanted = match options.below {
        Some(delta) => Some((delta, requirements(&flow, &near, &gap, horizon, delta)?)),
        None => None,
    };
    let widths = match options.below {
        Some(delta) if problem.is_network => widths(options, horizon, scales[0], delta)?,
        _ => vec![],
    };
    let (mut surveys, mut failures) = (Vec::new(), Vec::new());
    for &alpha in &scales {
        match Survey::of(&flow.at_scale(alpha), &near, &gap, &times, &asked) {
            Ok(survey) => surveys.push(survey),
            Err(e) if e.exit_code() == 1 => failures.push((alpha, e)),
            Err(e) => return Err(e),
        }
    }
    let findings = Findings {
        options,
        problem: &problem,
        shape,
        horizon,
        rtol: gap.options.rtol,
        surveys,
        wanted,
        widths,
    };
    write_all(&findings, out)?;
    for (alpha, e) in &failures {
        remark("error", &format!("α = {}: {e}", super::report::scale(*alpha)));
    }
    Ok(u8::from(!failures.is_empty() || !all_is_well(&findings)))
}

/// The words of the theorems asked for.
fn asked(options: &BoundsOptions) -> Result<Vec<&'static str>> {
    match &options.theorem {
        Some(words) => {
            let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
            let found = words.map(theory::named).collect::<Result<Vec<_>>>()?;
            if found.is_empty() {
                let wanted = format!("some of {}", theory::NAMES.join(", "));
                return Err(Error::value("theorem", "no name", wanted));
            }
            Ok(found)
        }
        None => Ok(theory::NAMES.to_vec()),
    }
}

/// Whether no bound was exceeded and every theorem asked for by name holds.
fn all_is_well(findings: &Findings<'_>) -> bool {
    let mut checked = findings.surveys.iter().flat_map(|survey| &survey.checked);
    let named = findings.options.theorem.is_some();
    checked.all(|c| {
        let holds = c.theorem.verdict() == Verdict::Holds;
        (holds || !named) && !is_exceeded(c, findings.rtol)
    })
}

/// Whether what was measured is above the bound by more than the solver's tolerance. Bounds on sampled constants are
/// estimates and refute nothing.
pub(super) fn is_exceeded(checked: &Checked, rtol: f64) -> bool {
    checked.theorem.evidence() > Evidence::Estimate
        && checked.least_ratio.is_some_and(|ratio| ratio < 1.0 - 100.0 * rtol)
}

fn write_all(findings: &Findings<'_>, out: &mut dyn Write) -> Result<()> {
    let options = findings.options;
    if options.output.json {
        writeln!(out, "{:#}", report::object(findings)).map_err(stdout_error)?;
    } else {
        report::write(findings, out).map_err(stdout_error)?;
    }
    let mut written = Vec::new();
    if options.output.csv.is_some() || figure_path(&options.output, DEFAULT_FIGURE).is_some() {
        let table = with_notes(bounds_table(&findings.surveys, 0)?, findings);
        written.extend(draw(&table, options)?);
        if let Some(path) = &options.output.csv {
            table.write(path)?;
            written.push(path.clone());
        }
    }
    if !options.output.json && !options.output.quiet {
        written.iter().for_each(|path| remark("wrote", &path.display().to_string()));
    }
    Ok(())
}

/// The figure and its numbers.
fn draw(table: &Table, options: &BoundsOptions) -> Result<Vec<PathBuf>> {
    let Some(path) = figure_path(&options.output, DEFAULT_FIGURE) else { return Ok(vec![]) };
    let numbers = path.with_extension("csv");
    table.write(&numbers)?;
    let figure = Figure::named("divergence-bounds")?;
    if !figure.has_content(table)? {
        return Ok(vec![numbers]);
    }
    figure.draw(table, &path)?;
    Ok(vec![path, numbers])
}

fn with_notes(table: Table, findings: &Findings<'_>) -> Table {
    let problem = findings.problem;
    table
        .note("model", super::report::described(problem))
        .note("data", &problem.data)
        .note("start", &problem.origin)
        .note("loss", problem.loss_name)
        .note("horizon", super::report::scale(findings.horizon))
        .note("rtol", format!("{:e}", findings.rtol))
        .note("seed", findings.options.problem.seed)
        .note("gradflow", env!("CARGO_PKG_VERSION"))
}
