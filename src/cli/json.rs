//! The JSON that programs drive the command by. Numbers that are not finite become null or the word "inf".

use super::findings::Findings;
use super::{report, stdout_error};
use crate::constants::Enclosure;
use crate::device;
use crate::solve::{Comparison, Peak};
use crate::{Error, Result};
use serde_json::{Value, json};
use std::io::Write;

/// One object: the runs, and what is needed to read and repeat them.
pub(super) fn write(findings: &Findings<'_>, out: &mut dyn Write) -> Result<()> {
    let (options, problem) = (findings.options, findings.problem);
    let slopes = findings.slopes();
    let one = |(alpha, found): (f64, Result<&Comparison, &Error>)| match found {
        Ok(comparison) => run(comparison),
        Err(error) => failed(alpha, error),
    };
    let runs: Vec<Value> = findings.by_scale().into_iter().map(one).collect();
    let object = json!({
        "runs": runs,
        "slopes": {
            "displacement": slopes.displacement, "w_gap": slopes.weights_gap, "outputs_gap": slopes.outputs_gap,
        },
        "model": problem.model,
        "zero": report::zero(problem.zero),
        "data": problem.data,
        "start": problem.origin,
        "params": findings.shape.params,
        "outputs": findings.shape.outputs,
        "largest_eigenvalue": number(findings.largest_eigenvalue),
        "horizon": scale(findings.horizon),
        "rtol": findings.rtol,
        "solver": options.solving.solver,
        "device": device::describe(),
        "seed": options.problem.seed,
        "crate_version": env!("CARGO_PKG_VERSION"),
        "conventions": conventions(&problem.loss_name.to_string()),
    });
    writeln!(out, "{object:#}").map_err(stdout_error)
}

fn conventions(loss: &str) -> Value {
    json!({
        "loss": loss,
        "objective": "F_alpha(w) = R(alpha h(w)) / alpha^2",
        "time": "units of the gradient flow of F_alpha; the loss convention scales it",
        "outputs": "alpha h(w) at the end, and alpha hbar(wbar); at alpha = inf their common limit",
        "displacement_sup": "sup over [0, time] of |w - w0|; displacement_scaled_sup is alpha times it",
        "gap": "w_sup = sup |w - wbar|, outputs_sup = sup |y - ybar|; w_scaled_sup is alpha^2 times the former, \
                outputs_scaled_sup alpha times the latter; outputs_noise is the level below which outputs_scaled_sup \
                is rounding noise",
        "error_estimate": "sup |e - e'| / sup |e| for the scaled gap e and a solve e' at a hundredth of rtol; null where \
                           not made (--estimate always)",
        "alpha": "a number, or \"inf\" for the limit",
    })
}

fn run(run: &Comparison) -> Value {
    let last = run.curved.times.len() - 1;
    let eps = run.curved.alpha.recip();
    json!({
        "alpha": scale(run.curved.alpha),
        "time": scale(run.time()),
        "stop": run.curved.stop,
        "solver": run.curved.solver,
        "w": numbers(&run.curved.weights(last)),
        "outputs": numbers(&run.curved.outputs[last]),
        "linear": { "w": numbers(&run.straight.weights(last)), "outputs": numbers(&run.straight.outputs[last]) },
        "displacement_sup": number(eps * run.displacement.scaled),
        "displacement_scaled_sup": number(run.displacement.scaled),
        "gap": gap(run, eps),
        "loss": number(run.loss),
        "linear_loss": number(run.linear_loss),
        "error_estimate": run.error_estimate.map(number),
        "work": run.work,
        "kinks": run.curved.kinks,
    })
}

fn gap(run: &Comparison, eps: f64) -> Value {
    let Peak { scaled: w, time: w_time } = run.weights_gap;
    let Peak { scaled: y, time: y_time } = run.outputs_gap;
    json!({
        "w_sup": number(eps * eps * w),
        "w_sup_time": number(w_time),
        "outputs_sup": number(eps * y),
        "outputs_sup_time": number(y_time),
        "w_scaled_sup": number(w),
        "outputs_scaled_sup": number(y),
        "outputs_noise": number(run.outputs_noise),
    })
}

/// A scale that could not be solved.
fn failed(alpha: f64, error: &Error) -> Value {
    let time = match error {
        Error::Integration { time, .. } => number(*time),
        _ => Value::Null,
    };
    json!({ "alpha": scale(alpha), "time": time, "stop": "failed", "error": error.to_string() })
}

pub(super) fn number(x: f64) -> Value {
    serde_json::Number::from_f64(x).map_or(Value::Null, Value::Number)
}

pub(super) fn numbers(x: &[f64]) -> Vec<Value> {
    x.iter().copied().map(number).collect()
}

/// A constant between its bounds; null for an upper bound that does not exist.
pub(super) fn enclosure(found: &Enclosure) -> Value {
    json!({
        "lower": number(found.lower),
        "upper": number(found.upper),
        "radius": number(found.radius),
        "method": found.method,
        "cost": found.cost(),
    })
}

/// A scale or a time, either of which may be infinite.
pub(super) fn scale(x: f64) -> Value {
    if x == f64::INFINITY { Value::from("inf") } else { number(x) }
}
