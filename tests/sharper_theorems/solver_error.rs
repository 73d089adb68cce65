//! Theorem 4 (ours: the solver's error).

use crate::common::{Scalar1, distance, options};
use crate::models::problem;
use crate::ratios::Ratios;
use gradflow::Result;
use gradflow::constants::Neighbourhood;
use gradflow::flow::{Flow, Path, Solver};
use gradflow::loss::{Logistic, Loss, Square};
use gradflow::model::{Differentiable, Model};
use gradflow::solve::Automatic;
use gradflow::theory::{SolverError, Theorem, Verdict};

/// Against a solve at rtol = 1e-12, whose own error is 1e-5 of the smallest tolerance here: at the nodes, where the path is
/// the solver's, and between them.
#[test]
fn the_true_error_lies_inside() {
    let mut ratios = Ratios::default();
    let mut asked = 0;
    for (kind, alpha) in
        [(0, 1.0), (0, 10.0), (2, 3.0), (3, 10.0), (3, 100.0), (7, 10.0), (7, 100.0), (8, 100.0)]
    {
        let p = problem(kind, 1);
        let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
        let square: Box<dyn Loss> = Box::new(Square::to(p.target.clone()));
        let signs: Vec<f64> = p.target.iter().map(|t| t.signum()).collect();
        for loss in [square, Box::new(Logistic::new(signs).unwrap())] {
            let flow = Flow::new(&*p.map, &*loss, p.start.clone()).scaled(alpha);
            for (time, rtol) in [(1.0, 1e-4), (1.0, 1e-7), (5.0, 1e-4), (5.0, 1e-7)] {
                let solver = Automatic(options(rtol));
                let found =
                    SolverError::given(&flow, &near, &solver, time, |r| p.lip(&near, r)).unwrap();
                asked += 1;
                if found.verdict() != Verdict::Holds {
                    assert_eq!(found.bound(time), None);
                    continue;
                }
                let mut times = found.nodes();
                times.extend(gradflow::uniform(time, 64));
                times.sort_unstable_by(f64::total_cmp);
                times.dedup();
                let truth = flow.solve(&Automatic(options(1e-12)), &times).unwrap();
                let mut worst: f64 = 0.0;
                for (t, u) in times.iter().zip(&truth.displacements) {
                    let error = distance(u, &found.displacement(*t));
                    let at = format!(
                        "{} {} α = {alpha} T = {time} rtol = {rtol:e} t = {t}",
                        p.name,
                        loss.name()
                    );
                    // The reference's own error: 1e-11 leaves it a factor ten.
                    assert!(
                        error <= found.scaled(*t) + 1e-11,
                        "{at}: {error:e} > {:e}",
                        found.scaled(*t)
                    );
                    worst = worst.max(error);
                }
                ratios.0.push(found.scaled(time) / worst);
            }
        }
    }
    ratios.print("Theorem 4, E(T)/true error");
    println!("applies in {} of {asked} runs", ratios.0.len());
    assert!(ratios.0.len() * 4 >= asked * 3);
}

/// A solver whose path is wrong by a known bump.
struct Bent {
    size: f64,
}

impl<H: Differentiable, L: Loss> Solver<H, L> for Bent {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        let mut path = Automatic(options(1e-10)).solve(flow, times)?;
        for (t, u) in path.times.iter().zip(&mut path.displacements) {
            u[0] += self.size * (2.0 * t).sin().powi(2);
        }
        Ok(path)
    }
}

/// The control: an error that the solver does not know of is seen by the defect, and grows with it.
#[test]
fn a_wrong_path_shows() {
    let flow = Flow::new(Scalar1.auto(), Square::to([1.5]), [1.0]).scaled(10.0);
    let model = Scalar1.auto();
    let near = Neighbourhood::of(&model, &[1.0]).unwrap();
    for size in [1e-6, 1e-4, 1e-2] {
        let found =
            SolverError::given(&flow, &near, &Bent { size }, 1.0, |_| (2.0, "textbook")).unwrap();
        // The bump attains its size at t = π/4.
        let error = found.scaled(std::f64::consts::FRAC_PI_4);
        assert!(error >= size && error <= 20.0 * size, "{error:e} for {size:e}");
    }
}

/// Where no tube certifies itself there is no bound: a wrong path, a long time, a small scale.
#[test]
fn a_tube_that_bursts_is_refused() {
    let flow = Flow::new(Scalar1.auto(), Square::to([1.5]), [1.0]);
    let model = Scalar1.auto();
    let near = Neighbourhood::of(&model, &[1.0]).unwrap();
    let found =
        SolverError::given(&flow, &near, &Bent { size: 0.3 }, 20.0, |_| (2.0, "textbook")).unwrap();
    assert_eq!((found.verdict(), found.bound(1.0)), (Verdict::Undecided, None));
}

/// At α = ∞ nothing is amplified: E is the integral of the defect.
#[test]
fn the_limit_of_large_scales() {
    let p = problem(3, 1);
    let near = Neighbourhood::of(&*p.map, &p.start).unwrap();
    let square = Square::to(p.target.clone());
    let flow = Flow::new(&*p.map, square, p.start.clone()).scaled(f64::INFINITY);
    let solver = Automatic(options(1e-6));
    let found = SolverError::given(&flow, &near, &solver, 2.0, |r| p.lip(&near, r)).unwrap();
    assert_eq!(found.verdict(), Verdict::Holds);
    assert!((found.scaled(2.0) / found.defect(2.0) - 1.0).abs() < 1e-12);
    assert_eq!(found.formula(2.0), 0.0);
}
