//! What `gradflow bounds` says: for people and for programs.

use super::bounds::{Findings, WIDEST, is_exceeded};
use super::{json, report};
use crate::device;
use crate::experiment::{Checked, Requirement};
use crate::flow::Stop;
use crate::theory::{Hypothesis, Quantity, Verdict};
use serde_json::{Value, json};
use std::io::Write;

/// The symbol of what is bounded.
fn symbol(quantity: Quantity) -> &'static str {
    match quantity {
        Quantity::Displacement => "‖w − w₀‖",
        Quantity::WeightsGap => "‖w − w̄‖",
        Quantity::OutputsGap => "‖y − ȳ‖",
        Quantity::Residual => "‖y − y*‖",
        Quantity::SolverError => "‖w − ŵ‖",
    }
}

/// Five digits, without zeros that say nothing.
fn digits(x: f64) -> String {
    if x == 0.0 {
        return "0".into();
    }
    if !x.is_finite() {
        return if x.is_nan() { "–".into() } else { "∞".into() };
    }
    if !(1e-3..1e5).contains(&x.abs()) {
        return format!("{x:.4e}");
    }
    let text = format!("{x:.5}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> std::io::Result<()> {
    report::subject(findings.problem, findings.shape, out)?;
    writeln!(
        out,
        "flow    loss {}, horizon T = {}, rtol {:e}, seed {}, gradflow {}",
        findings.problem.loss_name,
        report::scale(findings.horizon),
        findings.rtol,
        findings.options.problem.seed,
        env!("CARGO_PKG_VERSION")
    )?;
    for survey in &findings.surveys {
        let run = &survey.run;
        let alpha = run.curved.alpha;
        let eps = alpha.recip();
        writeln!(out, "\nα = {}", report::scale(alpha))?;
        writeln!(
            out,
            "measured: sup‖w − w₀‖ = {}, sup‖w − w̄‖ = {}, sup‖y − ȳ‖ = {}",
            digits(eps * run.displacement.scaled),
            digits(eps * eps * run.weights_gap.scaled),
            digits(eps * run.outputs_gap.scaled)
        )?;
        if run.curved.stop == Stop::Stationary {
            writeln!(
                out,
                "The gradient at the start is zero: stationary, with the loss at {}.",
                digits(run.loss)
            )?;
        }
        for group in survey.checked.chunk_by(|a, b| title(a) == title(b)) {
            theorem(group, findings.rtol, out)?;
        }
        summary(&survey.checked, out)?;
    }
    if let Some((delta, wanted)) = &findings.wanted {
        requirements(*delta, wanted, findings, out)?;
    }
    writeln!(
        out,
        "\n`fails` means that the theorem is silent here, not that its conclusion is false; `undecided`, that a \
         constant is not known well enough."
    )
}

/// A theorem's name without the conclusion after its last comma.
fn title(checked: &Checked) -> String {
    let name = checked.theorem.name();
    if checked.id == "A" {
        return format!("Theorem A (ours: the identity), {name}");
    }
    name.rsplit_once(", ").map_or(name.clone(), |(theorem, _)| theorem.into())
}

/// The conclusions of one theorem under the hypotheses they share.
fn theorem(conclusions: &[Checked], rtol: f64, out: &mut dyn Write) -> std::io::Result<()> {
    let Some(first) = conclusions.first() else { return Ok(()) };
    writeln!(out, "\n{}", title(first))?;
    let mut said: Vec<String> = Vec::new();
    for h in conclusions.iter().flat_map(|c| c.theorem.hypotheses()) {
        if !said.contains(&h.statement) {
            hypothesis(&h, out)?;
            said.push(h.statement);
        }
    }
    if let Some(held) = conclusions.iter().find(|c| c.theorem.verdict() == Verdict::Holds) {
        let all = held.theorem.constants();
        let constants: Vec<String> =
            all.iter().map(|c| format!("{} = {}", c.name, digits(c.value))).collect();
        if !constants.is_empty() {
            writeln!(out, "  with       {}   [{}]", constants.join(", "), held.theorem.evidence())?;
        }
    }
    conclusions.iter().try_for_each(|c| conclusion(c, rtol, out))
}

/// What follows, and how it compares with what was measured.
fn conclusion(checked: &Checked, rtol: f64, out: &mut dyn Write) -> std::io::Result<()> {
    let theorem = &checked.theorem;
    let symbol = symbol(theorem.quantity());
    if theorem.verdict() != Verdict::Holds {
        return writeln!(out, "  silent     on {symbol}: {}", theorem.verdict());
    }
    match (checked.bound, checked.measured) {
        (Some(bound), Some(measured)) => {
            let ratio = checked
                .ratio()
                .map_or(String::new(), |r| format!(", the bound is {} times it", digits(r)));
            writeln!(
                out,
                "  so         sup {symbol} ≤ {}; measured {}{ratio}",
                digits(bound),
                digits(measured)
            )?;
            residual_at_end(checked, out)?;
        }
        (Some(bound), None) => writeln!(out, "  so         sup {symbol} ≤ {}", digits(bound))?,
        (None, _) => {
            let rate = theorem.rate().map_or(String::new(), |rate| format!(" O(α^{rate})"));
            writeln!(out, "  so         {symbol} is{rate}, without an explicit constant")?;
        }
    }
    if is_exceeded(checked, rtol) {
        let ratio = checked.least_ratio.unwrap_or(f64::NAN);
        writeln!(out, "  EXCEEDED   at some time the bound is {ratio:.6} of what was measured")?;
    }
    Ok(())
}

/// What a residual has come to: its supremum is at the start and says nothing of the rate.
fn residual_at_end(checked: &Checked, out: &mut dyn Write) -> std::io::Result<()> {
    match checked.at_end {
        Some((bound, measured)) if checked.theorem.quantity() == Quantity::Residual => {
            let symbol = symbol(Quantity::Residual);
            let (bound, measured) = (digits(bound), digits(measured));
            writeln!(out, "             at the end {symbol} ≤ {bound}; measured {measured}")
        }
        _ => Ok(()),
    }
}

fn hypothesis(h: &Hypothesis, out: &mut dyn Write) -> std::io::Result<()> {
    let numbers = match (h.value.is_finite(), h.limit.is_finite()) {
        (true, true) => format!("found {}, limit {}, ", digits(h.value), digits(h.limit)),
        (true, false) => format!("found {}, ", digits(h.value)),
        _ => String::new(),
    };
    writeln!(out, "  {:<10} {}   [{numbers}{}]", h.verdict.to_string(), h.statement, h.evidence)?;
    match &h.repair {
        Some(repair) if h.verdict != Verdict::Holds => writeln!(out, "             → {repair}"),
        _ => Ok(()),
    }
}

/// A table of the bounds of each quantity, tightest first.
fn summary(checked: &[Checked], out: &mut dyn Write) -> std::io::Result<()> {
    for quantity in
        [Quantity::Displacement, Quantity::WeightsGap, Quantity::OutputsGap, Quantity::Residual]
    {
        let mut rows: Vec<&Checked> = checked
            .iter()
            .filter(|c| c.theorem.quantity() == quantity && c.bound.is_some())
            .collect();
        if rows.len() < 2 {
            continue;
        }
        rows.sort_by(|a, b| a.bound.unwrap_or(f64::NAN).total_cmp(&b.bound.unwrap_or(f64::NAN)));
        writeln!(out, "\nsup {} by bound, the tightest first", symbol(quantity))?;
        for row in rows {
            let ratio = row.ratio().map_or("–".into(), digits);
            let bound = digits(row.bound.unwrap_or(f64::NAN));
            writeln!(out, "  {bound:>12}  {ratio:>12} × measured   {}", row.theorem.name())?;
        }
    }
    Ok(())
}

/// What it takes to bring the gap of the outputs below δ.
fn requirements(
    delta: f64,
    wanted: &[Requirement],
    findings: &Findings<'_>,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let alpha = findings.surveys.first().map_or(f64::NAN, |s| s.run.curved.alpha);
    writeln!(
        out,
        "\nFor sup‖y − ȳ‖ ≤ {} on [0, {}]\n  holds from α   is small from α   at α = {} small up to T",
        digits(delta),
        report::scale(findings.horizon),
        report::scale(alpha)
    )?;
    let show = |x: Option<f64>| x.map_or("–".to_string(), report::scale);
    for Requirement { name, holds_from, below_from, longest } in wanted {
        let (holds, below, longest) = (show(*holds_from), show(*below_from), show(*longest));
        writeln!(out, "  {holds:>12}   {below:>15}   {longest:>22}   {name}")?;
    }
    for (name, width) in &findings.widths {
        let width =
            width.map_or(format!("no width up to {WIDEST}"), |m| format!("width {m} or more"));
        writeln!(out, "  at α = {}: {width}, by {name}", report::scale(alpha))?;
    }
    Ok(())
}

/// One object for each theorem and scale, and what is needed to read and repeat them.
pub(super) fn object(findings: &Findings<'_>) -> Value {
    let mut theorems = Vec::new();
    for survey in &findings.surveys {
        let alpha = survey.run.curved.alpha;
        theorems.extend(survey.checked.iter().map(|checked| one(alpha, checked)));
    }
    let wanted = findings.wanted.as_ref().map(|(delta, all)| {
        let one = |r: &Requirement| {
            json!({
                "name": r.name,
                "holds_from_alpha": r.holds_from.map(json::scale),
                "below_from_alpha": r.below_from.map(json::scale),
                "longest_time": r.longest.map(json::scale),
            })
        };
        let widths = findings.widths.iter();
        let widths: Vec<Value> =
            widths.map(|(name, width)| json!({ "name": name, "least_width": width })).collect();
        json!({ "below": delta, "by": all.iter().map(one).collect::<Vec<_>>(), "widths": widths })
    });
    json!({
        "theorems": theorems,
        "requirements": wanted,
        "model": findings.problem.model,
        "zero": report::zero(findings.problem.zero),
        "data": findings.problem.data,
        "start": findings.problem.origin,
        "params": findings.shape.params,
        "outputs": findings.shape.outputs,
        "loss": findings.problem.loss_name.to_string(),
        "horizon": json::scale(findings.horizon),
        "rtol": findings.rtol,
        "seed": findings.options.problem.seed,
        "device": device::describe(),
        "crate_version": env!("CARGO_PKG_VERSION"),
        "conventions": {
            "verdict": "holds, fails (the theorem is silent, its conclusion may be true) or undecided",
            "bound": "supremum of the bound over the times kept and the time of the measured supremum; null unless all hypotheses hold and it has a constant",
            "measured": "supremum of the same quantity along the computed path",
            "ratio": "bound / measured", "least_ratio": "the least of it over the times: below 1 by more than the solver's rtol would refute",
            "at_end": "bound and measured at the last time; null where there is no bound",
        },
    })
}

fn one(alpha: f64, checked: &Checked) -> Value {
    let theorem = &checked.theorem;
    let hypotheses: Vec<Value> = theorem
        .hypotheses()
        .into_iter()
        .map(|h| {
            json!({
                "statement": h.statement,
                "verdict": h.verdict,
                "value": json::number(h.value),
                "limit": json::number(h.limit),
                "evidence": h.evidence,
                "repair": h.repair,
            })
        })
        .collect();
    let constants: serde_json::Map<String, Value> =
        theorem.constants().into_iter().map(|c| (c.name, json::number(c.value))).collect();
    json!({
        "id": checked.id,
        "name": theorem.name(),
        "source": theorem.source(),
        "alpha": json::scale(alpha),
        "quantity": theorem.quantity(),
        "verdict": theorem.verdict(),
        "hypotheses": hypotheses,
        "constants": constants,
        "bound": checked.bound.map(json::number),
        "measured": checked.measured.map(json::number),
        "ratio": checked.ratio().map(json::number),
        "least_ratio": checked.least_ratio.map(json::number),
        "at_end": checked.at_end.map(|(bound, measured)| {
            json!({ "bound": json::number(bound), "measured": json::number(measured) })
        }),
        "rate": theorem.rate(),
        "evidence": theorem.evidence(),
    })
}
