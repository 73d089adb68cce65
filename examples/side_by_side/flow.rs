//! A flow at a tolerance, with its errors against references.
//!
//! u' = −Dh(w₀ + u/α)ᵀ∇R(α h(w₀ + u/α)) for the two-layer network h under R = ‖y − y*‖²/(2n), from `P_X`, `P_y`,
//! `P_w0`, at the times `grid_P`. Errors are relative: `err_u` = max ‖u − ref‖/max ‖ref‖, `err_f` =
//! max ‖α h − ref‖/‖y*‖, `err_uT` = ‖u(T) − ref‖/‖ref‖, against `ref_P_ACTIVATION_ALPHA_{u,f,uT}` where there are such.

use super::Arguments;
use super::clock::{resident_megabytes, shortest};
use gradflow::loss::SquareScale;
use gradflow::model::{Activation, Network, Scaling};
use gradflow::prelude::*;
use gradflow::solve::{Budget, By, Options};
use nalgebra::DMatrix;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) fn measure(
    arguments: &Arguments,
    name: &str,
    tolerance: f64,
    alpha: f64,
) -> Result<Value> {
    let (flow, times) = problem(arguments, name)?;
    let flow = flow.scaled(alpha);
    let target = flow.loss.minimizer().map(<[f64]>::to_vec).unwrap_or_default();
    let budget = Budget { wall: Duration::from_secs(120), ..Budget::default() };
    let options = Options { rtol: tolerance, budget };
    // Of the first solve: what an allocator keeps of earlier ones says nothing about one.
    let (mut path, mut resident) = (None, None);
    let best = shortest(arguments.repeats, || {
        // A clone forgets what the network remembered: every repeat does all of the work.
        let flow = Flow { map: flow.map.clone(), ..flow.clone() };
        path = Some(flow.solve(&By(arguments.solver, options), &times)?);
        resident = resident.or_else(resident_megabytes);
        Ok(())
    })?;
    let Some(path) = path else { return Ok(Value::Null) };
    let against = |found: &[Vec<f64>], reference: &DMatrix<f64>, scale: f64| {
        let apart =
            found.iter().zip(reference.column_iter()).map(|(a, b)| distance(a, b.as_slice()));
        apart.fold(0.0, f64::max) / scale
    };
    let largest = |m: &DMatrix<f64>| m.column_iter().map(|c| c.norm()).fold(0.0, f64::max);
    let origin = vec![0.0; target.len()];
    let act = arguments.activation.name();
    let reference =
        |what: &str| arguments.array_if_any(&format!("ref_{name}_{act}_{alpha}_{what}"));
    let err_f = reference("f").map(|f| against(&path.outputs, &f, distance(&target, &origin)));
    let err_u = reference("u").map(|u| against(&path.displacements, &u, largest(&u)));
    let err_end = reference("uT").map(|u| {
        let last = &path.displacements[path.displacements.len() - 1..];
        // A single axis reads as one row.
        let u = DMatrix::from_column_slice(u.len(), 1, u.as_slice());
        against(last, &u, u.norm())
    });
    Ok(json!({
        "problem": name,
        "activation": act,
        "tol": tolerance,
        "alpha": alpha,
        "solver": path.solver,
        "cpu_min": best.0,
        "wall_min": best.1,
        "nrhs": path.work.rhs,
        "steps": path.work.steps,
        "rejected": path.work.rejected,
        "jacobians": path.work.jacobians,
        "linear_solves": path.work.linear_solves,
        "crossings": path.kinks.as_ref().map(|log| log.crossings.len()),
        "slides": path.kinks.as_ref().map(|log| log.slides.len()),
        "dead": path.kinks.as_ref().map(|log| log.dead.len()),
        "err_f": err_f,
        "err_u": err_u,
        "err_uT": err_end,
        "rss_mb": resident,
    }))
}

pub(crate) fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn network(inputs: DMatrix<f64>, params: usize, activation: Activation) -> Result<Network> {
    let d = inputs.nrows();
    // B (m × d), biases where p is a multiple of d + 2 only, a (m).
    let biases = !params.is_multiple_of(d + 1);
    let width = params / (d + 1 + usize::from(biases));
    let scaling = Scaling::InverseSqrtWidth;
    TwoLayer { width, biases, activation, scaling, ..TwoLayer::default() }.on(inputs)
}

/// A problem of the set at α = 1, and its output times.
pub(crate) fn problem(
    arguments: &Arguments,
    problem: &str,
) -> Result<(Flow<Network, Square>, Vec<f64>)> {
    let name = |what: &str| format!("{problem}_{what}");
    let inputs = arguments.array(&name("X"))?;
    let target = arguments.array(&name("y"))?.as_slice().to_vec();
    let start = arguments.array(&name("w0"))?.as_slice().to_vec();
    let times = arguments.array(&format!("grid_{problem}"))?.as_slice().to_vec();
    let network = network(inputs, start.len(), arguments.activation)?;
    let loss = Square::to(target).scaled(SquareScale::HalfMean);
    Ok((Flow::new(network, loss, start), times))
}
