//! How fast is a flow solved, beside other programs? One problem of a benchmark set, one line of JSON.
//!
//! ```text
//! side_by_side P2 1e-8 100 --data DIR [--activation relu] [--solver NAME] [--repeats 5]
//! ```
//!
//! reads `P2_X.npy`, `P2_y.npy`, `P2_w0.npy`, the output times `grid_P2.npy` and the references
//! `ref_P2_tanh_100_{f,u,uT}.npy` where there are such, and solves u' = −Dh(w₀ + u/α)ᵀ∇R(α h(w₀ + u/α)) for the
//! two-layer network h under R = ‖y − y*‖²/(2n), at the global tolerance asked for. Errors are relative:
//! `err_u` = max ‖u − ref‖/max ‖ref‖, `err_f` = max ‖α h − ref‖/‖y*‖, `err_uT` = ‖u(T) − ref‖/‖ref‖.
use gradflow::data::npy;
use gradflow::loss::SquareScale;
use gradflow::model::{Activation, Network, Scaling};
use gradflow::prelude::*;
use gradflow::solve::{Budget, By, Method, Options};
use nalgebra::DMatrix;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The command line.
struct Arguments {
    problem: String,
    tolerance: f64,
    alpha: f64,
    data: PathBuf,
    activation: Activation,
    solver: Method,
    repeats: usize,
}

impl Arguments {
    fn read() -> Option<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let (flags, plain): (Vec<_>, Vec<_>) = words.iter().enumerate().partition(|(i, word)| {
            word.starts_with("--") || (*i > 0 && words[i - 1].starts_with("--"))
        });
        let flag = |name: &str| {
            let at = flags.iter().position(|(_, word)| *word == name)?;
            flags.get(at + 1).map(|(_, word)| word.as_str())
        };
        let [(_, problem), (_, tolerance), (_, alpha)] = plain[..] else { return None };
        Some(Arguments {
            problem: problem.clone(),
            tolerance: tolerance.parse().ok()?,
            alpha: alpha.parse().ok()?,
            data: flag("--data")?.into(),
            activation: Activation::parse(flag("--activation").unwrap_or("tanh")).ok()?,
            solver: Method::named(flag("--solver").unwrap_or("auto")).ok()?,
            repeats: flag("--repeats").map_or(Some(5), |n| n.parse().ok())?,
        })
    }

    fn array(&self, name: &str) -> Result<DMatrix<f64>> {
        npy::read(&self.data.join(format!("{name}.npy")))
    }

    /// A reference, where there is one.
    fn reference(&self, what: &str) -> Option<DMatrix<f64>> {
        let (p, act, alpha) = (&self.problem, self.activation.name(), self.alpha);
        let name = format!("ref_{p}_{act}_{alpha}_{what}");
        Path::exists(&self.data.join(format!("{name}.npy"))).then(|| self.array(&name).ok())?
    }
}

fn main() -> Result<()> {
    let Some(arguments) = Arguments::read() else {
        eprintln!(
            "usage: side_by_side PROBLEM TOLERANCE ALPHA --data DIR [--activation NAME] [--solver NAME]"
        );
        std::process::exit(2);
    };
    println!("{}", measure(&arguments)?);
    Ok(())
}

fn network(inputs: DMatrix<f64>, params: usize, activation: Activation) -> Result<Network> {
    let d = inputs.nrows();
    // B (m × d), biases where p is a multiple of d + 2 only, a (m).
    let biases = params % (d + 1) != 0;
    let width = params / (d + 1 + usize::from(biases));
    let scaling = Scaling::InverseSqrtWidth;
    TwoLayer { width, biases, activation, scaling, ..TwoLayer::default() }.on(inputs)
}

fn measure(arguments: &Arguments) -> Result<Value> {
    let name = |what: &str| format!("{}_{what}", arguments.problem);
    let inputs = arguments.array(&name("X"))?;
    let target = arguments.array(&name("y"))?.as_slice().to_vec();
    let start = arguments.array(&name("w0"))?.as_slice().to_vec();
    let times = arguments.array(&format!("grid_{}", arguments.problem))?.as_slice().to_vec();
    let network = network(inputs, start.len(), arguments.activation)?;
    let loss = Square::to(target.clone()).scaled(SquareScale::HalfMean);
    let flow = Flow::new(network, loss, start).scaled(arguments.alpha);
    let budget = Budget { wall: Duration::from_secs(120), ..Budget::default() };
    let options = Options { rtol: arguments.tolerance, budget };
    let mut path = None;
    let best = shortest(arguments.repeats, || {
        // A clone forgets what the network remembered: every repeat does all of the work.
        let flow = Flow { map: flow.map.clone(), ..flow.clone() };
        path = Some(flow.solve(&By(arguments.solver, options), &times)?);
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
    let err_f =
        arguments.reference("f").map(|f| against(&path.outputs, &f, distance(&target, &origin)));
    let err_u = arguments.reference("u").map(|u| against(&path.displacements, &u, largest(&u)));
    let err_end = arguments.reference("uT").map(|u| {
        let last = &path.displacements[path.displacements.len() - 1..];
        // A single axis reads as one row.
        let u = DMatrix::from_column_slice(u.len(), 1, u.as_slice());
        against(last, &u, u.norm())
    });
    Ok(json!({
        "problem": arguments.problem,
        "activation": arguments.activation.name(),
        "tol": arguments.tolerance,
        "alpha": arguments.alpha,
        "solver": path.solver,
        "cpu_min": best.0,
        "wall_min": best.1,
        "nrhs": path.work.rhs,
        "steps": path.work.steps,
        "rejected": path.work.rejected,
        "jacobians": path.work.jacobians,
        "linear_solves": path.work.linear_solves,
        "err_f": err_f,
        "err_u": err_u,
        "err_uT": err_end,
        "rss_mb": resident_megabytes(),
    }))
}

/// The least processor and wall time of one call, in seconds, over that many samples; clocks tick in milliseconds, so a
/// sample is as many calls as take a tenth of a second.
fn shortest(samples: usize, mut call: impl FnMut() -> Result<()>) -> Result<(f64, f64)> {
    let mut best = (f64::INFINITY, f64::INFINITY);
    let begun = Instant::now();
    for _ in 0..samples {
        let (wall, cpu, mut calls) = (Instant::now(), cpu_seconds(), 0.0);
        while calls == 0.0 || wall.elapsed() < Duration::from_millis(100) {
            call()?;
            calls += 1.0;
        }
        let spent = ((cpu_seconds() - cpu) / calls, wall.elapsed().as_secs_f64() / calls);
        best = (best.0.min(spent.0), best.1.min(spent.1));
        if begun.elapsed() > Duration::from_secs(10) {
            break;
        }
    }
    Ok(best)
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

/// Processor time of all threads of this process so far (Linux), in nanosecond resolution; elsewhere the wall clock's.
fn cpu_seconds() -> f64 {
    let nanoseconds = |entry: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let text = std::fs::read_to_string(entry.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    match std::fs::read_dir("/proc/self/task") {
        Ok(threads) => 1e-9 * threads.filter_map(nanoseconds).sum::<f64>(),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0.0, |t| t.as_secs_f64()),
    }
}

/// The largest memory this process has held so far (Linux).
fn resident_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
