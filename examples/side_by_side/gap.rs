//! P5: both flows of P2 and their gap at a tolerance; `sup_e` = α² sup‖w − w̄‖ and `sup_s` = α² sup‖y − ȳ‖ over
//! continuous time, with the error that a finer solve shows.

use super::Arguments;
use super::clock::{resident_megabytes, shortest};
use super::flow::problem;
use gradflow::prelude::*;
use gradflow::solve::Options;
use serde_json::{Value, json};

pub(crate) fn measure(arguments: &Arguments, tolerance: f64, alpha: f64) -> Result<Value> {
    let (flow, times) = problem(arguments, "P2")?;
    let options = Options { rtol: tolerance, ..Options::default() };
    let gap = Gap { method: arguments.solver, options, ..Gap::default() };
    // The doubled weights give h(w₀) = 0 up to rounding; centring makes it exact.
    let (mut found, mut resident) = (None, None);
    let (cpu, wall) = shortest(arguments.repeats, || {
        let map = Centred::at(flow.map.clone(), &flow.start);
        let flow = Flow::new(map, flow.loss.clone(), flow.start.clone()).scaled(alpha);
        found = Some(gap.solve(&flow, &times[times.len() - 1..])?);
        resident = resident.or_else(resident_megabytes);
        Ok(())
    })?;
    let map = Centred::at(flow.map.clone(), &flow.start);
    let flow = Flow::new(map, flow.loss.clone(), flow.start.clone()).scaled(alpha);
    let checked = Gap { estimate_error: true, ..gap }.solve(&flow, &times[times.len() - 1..])?;
    let Some(found) = found else { return Ok(Value::Null) };
    Ok(json!({
        "problem": "P5",
        "tol": tolerance,
        "alpha": if alpha.is_finite() { json!(alpha) } else { json!("inf") },
        "solver": found.curved.solver,
        "cpu_min": cpu,
        "wall_min": wall,
        "nrhs": found.work.rhs,
        "steps": found.work.steps,
        "sup_e": found.weights_gap.scaled,
        "sup_s": found.outputs_gap.scaled * alpha,
        "sup_s_over_alpha": found.outputs_gap.scaled,
        "outputs_noise": found.outputs_noise,
        "error_estimate": checked.error_estimate,
        "rss_mb": resident,
    }))
}
