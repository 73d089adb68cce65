//! The identity along the path and the bounds (2), (3), (4) that follow from it.

use crate::common::{norm, options};
use crate::models::{KINDS, problem};
use gradflow::flow::{Flow, logarithmic};
use gradflow::loss::Square;
use gradflow::solve::Gap;
use gradflow::theory::{Along, AlongThePath};

#[test]
fn try_it() {
    for kind in 0..KINDS {
        for alpha in [1.0, 10.0, 1e3, 1e6, f64::INFINITY] {
            for time in [1.0, 30.0] {
                let p = problem(kind, 5);
                let flow =
                    Flow::new(&*p.map, Square::to(p.target.clone()), p.start.clone()).scaled(alpha);
                let times = logarithmic(1e-3 * time, time, 30);
                let clock = std::time::Instant::now();
                let along =
                    Along { gap: Gap { options: options(1e-8), ..Gap::default() }, norms: true };
                let found = match AlongThePath::of(&flow, &times, &along) {
                    Ok(f) => f,
                    Err(e) => {
                        println!("{} α={alpha} T={time}: {e}", p.name);
                        continue;
                    }
                };
                let sup = found.gap.iter().copied().fold(0.0, f64::max);
                let worst = |f: &dyn Fn(f64) -> f64| {
                    times
                        .iter()
                        .zip(&found.gap)
                        .skip(1)
                        .map(|(t, g)| f(*t) / g)
                        .fold((f64::INFINITY, 0.0_f64), |(a, b), r| (a.min(r), b.max(r)))
                };
                let sups =
                    |f: &dyn Fn(f64) -> f64| times.iter().map(|t| f(*t)).fold(0.0, f64::max) / sup;
                println!(
                    "{:20} α={alpha:7.0e} T={time:4} nodes {:4} sup {sup:.3e} id {:.1e} quad {:.1e} solver {:.1e} | A2 {:.4?} A3 {:.3?} A4 {:.3} qe {:.1e} {:.1e} | {:?} | {:?}",
                    p.name,
                    found.nodes,
                    found.identity_residual / sup,
                    found.quadrature_error / sup,
                    found.solver_error / sup,
                    sups(&|t| found.componentwise.scaled(t)),
                    sups(&|t| found.scalar.scaled(t)),
                    sups(&|t| found.norm_only.as_ref().unwrap().scaled(t)),
                    found.componentwise.quadrature_error() / sup,
                    found.scalar.quadrature_error() / sup,
                    worst(&|t| found.componentwise.scaled(t)),
                    clock.elapsed()
                );
            }
        }
    }
    let _ = norm(&[1.0]);
}
