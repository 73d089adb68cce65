//! The linearized flow of a problem in closed form: `cpu_min` and `wall_min` with outputs and weights at every time of
//! the grid, `cpu_min_end` and `wall_min_end` at its end only. `residual` = ‖ȳ(T) − y*‖/‖y*‖ tells whether two programs
//! have solved the same flow.

use super::Arguments;
use super::clock::{resident_megabytes, shortest};
use super::flow::{distance, problem};
use gradflow::prelude::*;
use serde_json::{Value, json};

pub(crate) fn measure(arguments: &Arguments, name: &str) -> Result<Value> {
    let (flow, times) = problem(arguments, name)?;
    let target = flow.loss.minimizer().map(<[f64]>::to_vec).unwrap_or_default();
    let mut outputs = Vec::new();
    let mut timed = |times: &[f64]| {
        shortest(arguments.repeats, || {
            // A clone forgets what the network remembered: every repeat forms the kernel and decomposes it.
            let fresh = Flow { map: flow.map.clone(), ..flow.clone() };
            let path = fresh.linearized().solve(&Eigen, times)?;
            outputs.clone_from(&path.outputs[path.outputs.len() - 1]);
            Ok(())
        })
    };
    let whole = timed(&times)?;
    let end = timed(&times[times.len() - 1..])?;
    Ok(json!({
        "problem": name,
        "activation": arguments.activation.name(),
        "flow": "linear",
        "solver": "eigen",
        "cpu_min": whole.0,
        "wall_min": whole.1,
        "cpu_min_end": end.0,
        "wall_min_end": end.1,
        "residual": distance(&outputs, &target) / distance(&target, &vec![0.0; target.len()]),
        "rss_mb": resident_megabytes(),
    }))
}
