//! The table that people read, and the file of whole paths.

use super::findings::Findings;
use super::problem::{Problem, Zero};
use crate::experiment::Table;
use crate::flow::{KinkLog, Stop};
use crate::solve::Comparison;
use crate::{Error, Result};
use std::io::Write;

/// α or a time: powers of ten short, ∞ as such.
pub(super) fn scale(x: f64) -> String {
    let plain = (1e-2..1e4).contains(&x) || x == 0.0;
    match x {
        x if x.is_infinite() => "∞".into(),
        x if plain => format!("{}", (x * 1e6).round() / 1e6),
        x if (x.log10() - x.log10().round()).abs() < 1e-12 => format!("{x:e}"),
        x => format!("{x:.3e}"),
    }
}

/// The way to zero, in words.
pub(super) fn zero(zero: Zero) -> &'static str {
    match zero {
        Zero::None => "as it is",
        Zero::Centred => "centred",
        Zero::Doubled => "doubled",
    }
}

/// The model and its way to zero, for captions.
pub(super) fn described(problem: &Problem) -> String {
    format!("{}, {}", shortened(&problem.model), zero(problem.zero))
}

/// The first 200 characters of a long formula; JSON has all of it.
pub(super) fn shortened(model: &str) -> String {
    match model.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &model[..end]),
        None => model.into(),
    }
}

pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    head(findings, out)?;
    let titles =
        ["α", "sup‖w − w₀‖", "sup‖w − w̄‖", "sup‖y − ȳ‖", "loss", "linear loss", "rhs", "stop"];
    writeln!(out, "{}", line(&titles.map(String::from)))?;
    for (alpha, found) in findings.by_scale() {
        match found {
            Ok(run) => writeln!(out, "{}", line(&row(run)))?,
            Err(Error::Integration { failure, time, .. }) => {
                writeln!(out, "{:>8}  failed at t = {time:.4e}: {failure}", scale(alpha))?;
            }
            Err(_) => writeln!(out, "{:>8}  failed", scale(alpha))?,
        }
    }
    foot(findings, out)
}

/// What a report is about: model, data, sizes and start.
pub(super) fn subject(
    problem: &Problem,
    shape: crate::model::Shape,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    writeln!(out, "model   {}", described(problem))?;
    writeln!(out, "data    {}", problem.data)?;
    writeln!(
        out,
        "size    p = {} parameters, N = {} outputs; start {}",
        shape.params, shape.outputs, problem.origin
    )
}

fn head(findings: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let (problem, options) = (findings.problem, findings.options);
    subject(problem, findings.shape, out)?;
    let solver =
        findings.runs.last().map_or(options.solving.solver.as_str(), |r| r.curved.solver.as_str());
    writeln!(
        out,
        "flow    loss {}, horizon T = {}, λ₁ = {:.4}, rtol {:e}, solver {solver}, seed {}, gradflow {}\n",
        problem.loss_name,
        scale(findings.horizon),
        findings.largest_eigenvalue,
        findings.rtol,
        options.problem.seed,
        env!("CARGO_PKG_VERSION")
    )
}

fn row(run: &Comparison) -> [String; 8] {
    let eps = run.curved.alpha.recip();
    let suprema = if eps == 0.0 {
        let scaled = |p: crate::solve::Peak, unit: &str| format!("{:.5e}/{unit}", p.scaled);
        [scaled(run.displacement, "α"), scaled(run.weights_gap, "α²"), scaled(run.outputs_gap, "α")]
    } else {
        let plain = |x: f64| format!("{x:.5e}");
        let (u, e, s) = (run.displacement.scaled, run.weights_gap.scaled, run.outputs_gap.scaled);
        [plain(eps * u), plain(eps * eps * e), plain(eps * s)]
    };
    let [u, e, s] = suprema;
    let loss = format!("{:.4e}", run.loss);
    let linear = format!("{:.4e}", run.linear_loss);
    [
        scale(run.curved.alpha),
        u,
        e,
        s,
        loss,
        linear,
        run.work.rhs.to_string(),
        run.curved.stop.to_string(),
    ]
}

/// Cells in columns; widths are counted in characters that take room.
fn line(cells: &[String; 8]) -> String {
    const WIDTHS: [usize; 8] = [8, 14, 15, 14, 11, 12, 7, 0];
    let mut out = String::new();
    for (cell, width) in cells.iter().zip(WIDTHS) {
        let taken = cell.chars().filter(|c| *c != '\u{304}').count();
        if width == 0 {
            out.push_str("  ");
            out.push_str(cell);
        } else {
            out.push_str(&" ".repeat(width.saturating_sub(taken) + 1));
            out.push_str(cell);
        }
    }
    out
}

fn foot(findings: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    let found = findings.slopes();
    let runs = &findings.runs;
    if let Some(run) =
        runs.first().filter(|_| runs.iter().all(|r| r.curved.stop == Stop::Stationary))
    {
        let why = "The gradient at the start is zero, so that nothing moves";
        return writeln!(
            out,
            "\n{why}: stationary, not converged, with the loss at {:.4e}.",
            run.loss
        );
    }
    if !runs.is_empty() && runs.iter().all(|r| r.weights_gap.scaled + r.outputs_gap.scaled == 0.0) {
        let why = match findings.horizon {
            0.0 => "no time has passed",
            _ => "along these flows the model is its own linearization",
        };
        return writeln!(out, "\nBoth gaps are exactly zero: {why}.");
    }
    let show = |slope: Option<f64>| slope.map_or("–".into(), |s| format!("{s:.4}"));
    if found.displacement.is_some() {
        let cells = [
            "slope".into(),
            show(found.displacement),
            show(found.weights_gap),
            show(found.outputs_gap),
        ];
        let [a, b, c, d] = cells;
        writeln!(
            out,
            "{}",
            line(&[a, b, c, d, String::new(), String::new(), String::new(), String::new()])
                .trim_end()
        )?;
        let (law, why) = match findings.problem.zero {
            Zero::Doubled => {
                ("−1, −2, −2", "Theorem 2.2, one order better in y for doubled models")
            }
            _ => ("−1, −2, −1", "Theorem 2.2"),
        };
        writeln!(
            out,
            "\nExpected slopes {law} ({why}); fitted over the upper half of the scales."
        )?;
    }
    if findings.runs.iter().any(|r| r.curved.alpha.is_infinite()) {
        writeln!(
            out,
            "The row α = ∞ gives the sharp constants: each supremum times its power of α, in the limit."
        )?;
    }
    for run in &findings.runs {
        if let Some(log) = &run.curved.kinks {
            writeln!(out, "{}", kinks(run.curved.alpha, log))?;
        }
    }
    let noise =
        findings.runs.iter().filter(|r| r.outputs_gap.scaled <= 10.0 * r.outputs_noise).count();
    if noise > 0 {
        let level = findings.runs.iter().map(|r| r.outputs_noise).fold(0.0, f64::max);
        let rows = if noise == 1 { "row" } else { "rows" };
        writeln!(
            out,
            "In {noise} {rows} α sup‖y − ȳ‖ is at the level of rounding, {level:.1e}, or below."
        )?;
    }
    if let Some(estimate) = findings.runs.iter().filter_map(|r| r.error_estimate).reduce(f64::max) {
        writeln!(
            out,
            "Estimated relative error of the gaps, by tightening the tolerance: at most {estimate:.1e}."
        )?;
    }
    Ok(())
}

/// What happened at kinks, in a line.
fn kinks(alpha: f64, log: &KinkLog) -> String {
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let mut line = format!(
        "Kinks at α = {}: {}, {}",
        scale(alpha),
        count(log.crossings.len(), "crossing"),
        count(log.slides.len(), "slide")
    );
    if !log.dead.is_empty() {
        line += &format!(", {} dead at the end", count(log.dead.len(), "unit"));
    }
    line + "."
}

/// A row per scale and time: losses, distances, then w, w̄, y and ȳ in full.
pub(super) fn paths(findings: &Findings<'_>) -> Result<Table> {
    let shape = findings.shape;
    let numbered = |name: &str, n: usize| (1..=n).map(|i| format!("{name}{i}")).collect::<Vec<_>>();
    let names: Vec<String> =
        ["alpha", "time", "loss", "linear_loss", "displacement", "w_gap", "outputs_gap"]
            .map(String::from)
            .into_iter()
            .chain(numbered("w", shape.params))
            .chain(numbered("linear_w", shape.params))
            .chain(numbered("y", shape.outputs))
            .chain(numbered("linear_y", shape.outputs))
            .collect();
    let columns: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    let mut table = Table::new(&columns);
    for run in &findings.runs {
        let eps = run.curved.alpha.recip();
        for (i, &t) in run.curved.times.iter().enumerate() {
            let [displacement, weights_gap, outputs_gap] = run.norms[i];
            let mut row = vec![
                run.curved.alpha,
                t,
                findings.loss.value(&run.curved.outputs[i]),
                findings.loss.value(&run.straight.outputs[i]),
                eps * displacement,
                eps * eps * weights_gap,
                eps * outputs_gap,
            ];
            row.extend(run.curved.weights(i));
            row.extend(run.straight.weights(i));
            row.extend(&run.curved.outputs[i]);
            row.extend(&run.straight.outputs[i]);
            table.push(&row)?;
        }
    }
    Ok(table)
}
