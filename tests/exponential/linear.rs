//! A linear model, which the method is exact on.

use crate::common::{Linear, alone, gaussian_matrix, options, relative};
use gradflow::flow::{Flow, Solver, logarithmic};
use gradflow::loss::Square;
use gradflow::model::{Linearized, Model};
use gradflow::random::Generator;
use gradflow::solve::{Eigen, Method};
use nalgebra::DMatrix;

/// A Gaussian matrix with its singular values spread down to 1/√stiffness.
fn spread(rows: usize, columns: usize, stiffness: f64) -> DMatrix<f64> {
    let mut parts = gaussian_matrix(rows, columns, 7).svd(true, true);
    let last = (rows.min(columns) - 1) as f64;
    for (i, s) in parts.singular_values.iter_mut().enumerate() {
        *s = stiffness.powf(-0.5 * i as f64 / last);
    }
    parts.recompose().unwrap()
}

#[test]
fn steps_grow_as_they_may_and_errors_are_rounding() {
    for (rows, columns) in [(6, 9), (9, 6)] {
        for stiffness in [1.0, 1e3, 1e6, 1e9] {
            let model = Linear(spread(rows, columns, stiffness)).auto();
            let target = Generator::seeded(8).gaussians(rows);
            let flow = Flow::new(&model, Square::to(target), vec![0.0; columns]);
            let times = logarithmic(1e-2, stiffness, 9);
            let path = alone(&flow, Method::Exponential, options(1e-8), &times).unwrap();
            let linear = Flow {
                map: Linearized::at(&model, &flow.start),
                loss: flow.loss.clone(),
                alpha: 1.0,
                start: flow.start.clone(),
            };
            let exact = Eigen.solve(&linear, &times).unwrap();
            let error = relative(&path.displacements, &exact.displacements);
            // Modes are told apart to an ulp of the largest: where the slowest counts, 10⁻¹⁶ times the stiffness.
            let limit = 1e-14 + 1e-15 * stiffness;
            assert!(error <= limit, "{rows} × {columns}, {stiffness:e}: {error:.2e}");
            // From a tenth of the fastest time on, each at most 2.5 times the one before.
            let most = 4.0 + (10.0 * stiffness).ln() / 2.5_f64.ln();
            assert!((path.work.steps as f64) <= most, "{stiffness:e}: {:?}", path.work);
        }
    }
}
