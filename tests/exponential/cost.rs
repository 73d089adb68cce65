//! What the method costs, and that its bits do not depend on who computes.

use crate::common::{alone, gaussian_matrix, options};
use gradflow::flow::{Flow, Path};
use gradflow::loss::Square;
use gradflow::model::{Centred, Differentiable, Initialization, Network, TwoLayer};
use gradflow::random::Generator;
use gradflow::solve::Method;

/// A two-layer tanh network of width m on n samples of dimension d, centred at a normal start.
fn net((n, d, m): (usize, usize, usize)) -> (Centred<Network>, Vec<f64>) {
    let inputs = gaussian_matrix(d, n, 11) / (d as f64).sqrt();
    let net = TwoLayer { width: m, ..TwoLayer::default() }.on(inputs).unwrap();
    let mut draws = Generator::seeded(12);
    let start = Initialization::Gaussian(1.0).weights(&net, &mut || draws.gaussian());
    (Centred::at(net, &start), start)
}

/// Until `stiffness` fastest times.
fn solve(size: (usize, usize, usize), alpha: f64, stiffness: f64, rtol: f64) -> Path {
    let (map, start) = net(size);
    let end = stiffness / map.kernel(&start).symmetric_eigenvalues().max();
    let target = Generator::seeded(13).gaussians(size.0);
    let flow = Flow::new(&map, Square::to(target), start.clone()).scaled(alpha);
    alone(&flow, Method::Automatic, options(rtol), &[0.5 * end, end]).unwrap()
}

/// Right-hand sides as measured, with two units of play for elementary functions; fresh tangents where the flow is not
/// lazy, none where it is.
#[test]
fn the_cost_falls_as_the_flow_gets_lazy() {
    let counts = |alpha: f64| {
        let path = solve((30, 5, 60), alpha, 1e4, 1e-6);
        assert_eq!(path.solver, "exponential", "α = {alpha:e}");
        (path.work.rhs, path.work.jacobians)
    };
    let found = [1.0, 10.0, 100.0, 1e3, 1e6].map(counts);
    let pinned = [330, 226, 149, 82, 29];
    assert!(found.iter().zip(pinned).all(|(f, p)| f.0.abs_diff(p) <= 2), "{found:?}");
    assert!(found.windows(2).all(|pair| pair[1].0 <= pair[0].0), "{found:?}");
    assert!(found[0].1 > 0, "{found:?}");
    assert!(found[3..].iter().all(|f| f.1 == 0), "{found:?}");
}

#[test]
fn the_same_bits_every_time_and_for_any_number_of_threads() {
    // 300 · 400 · 50 operations in a sweep: enough to be shared out.
    for (size, alpha) in [((30, 5, 60), 1.0), ((300, 50, 400), 10.0)] {
        gradflow::threads::set_limit(1);
        let alone = solve(size, alpha, 1e3, 1e-4);
        for threads in [1, 2] {
            gradflow::threads::set_limit(threads);
            assert!(solve(size, alpha, 1e3, 1e-4) == alone, "{threads} threads, {size:?}");
        }
    }
    gradflow::threads::set_limit(0);
}
