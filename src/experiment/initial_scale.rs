//! Figure 1(c) (Chizat et al. 2019): the test loss of a two-layer relu network against the scale τ of its start.
//!
//! Relu networks of two layers are 2-homogeneous, so that τ² stands for α: large τ is lazy, and the plateau there is the
//! linearization's loss. The number of steps times their length is fixed where τ is large (10⁴ steps of 0.1/τ²): the
//! plateau is a value at a finite time, from which the interpolant of least norm is far.

use super::check::Check;
use super::linear_descent::LinearDescent;
use super::plan::{Desk, Experiment, Order, Rows};
use super::students::{Neurons, Sizes, Student, mean_and_deviation};
use super::table::Table;
use crate::Result;
use crate::model::Differentiable;
use crate::solve::GradientDescent;

const SIZES: Sizes = Sizes { d: 100, n: 1000, test: 1000, width: 50 };
const STEPS: usize = 10_000;
/// Iterates of the closed form that are looked at for its least test loss.
const STRIDE: usize = 10;

/// Test loss at the end and best, by descent and by the closed form of the linearization, for scales and repetitions.
pub struct InitialScale {
    order: Order,
    taus: Vec<f64>,
    repeats: usize,
}

impl InitialScale {
    /// Three scales once, eight scales ten times, or the paper's 33 ten times.
    pub fn new(order: &Order) -> Self {
        let power = |e: f64| 10_f64.powf(e);
        let few = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.3, 0.6, 1.0].map(power).to_vec();
        let all = (0..33).map(|k| power(-2.2 + 0.1 * f64::from(k))).collect();
        let taus = order.size.pick(vec![0.01, 0.1, 10.0], few, all);
        InitialScale { order: order.clone(), taus, repeats: order.size.pick(1, 10, 10) }
    }

    fn of(&self, run: usize) -> (usize, f64) {
        (run / self.taus.len(), self.taus[run % self.taus.len()])
    }
}

impl Experiment for InitialScale {
    fn blank(&self) -> Table {
        let Sizes { d, n, test, width } = SIZES;
        Table::new(&[
            ("repeat", ""),
            ("tau", ""),
            ("end", "R"),
            ("best", "R"),
            ("train", "R"),
            ("linear_end", "R"),
            ("linear_best", "R"),
        ])
        .note("model", format!("two-layer relu, width {width}, doubled, start N(0, τ²)"))
        .note(
            "data",
            format!("teacher of 3 neurons on the sphere of R^{d}, {n} train, {test} test"),
        )
        .note("loss", "½ mean square")
        .note(
            "method",
            format!("{STEPS} steps of descent of length min(10, 0.1/τ²); linear: closed form"),
        )
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.repeats * self.taus.len()
    }

    fn label(&self, run: usize) -> String {
        let (repeat, tau) = self.of(run);
        format!("repetition {}, τ = {tau:.3}", repeat + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (repeat, tau) = self.of(run);
        let student = Student::drawn(&self.order, SIZES, Neurons::GaussianDoubled, repeat)?;
        let step = (0.1 / (tau * tau)).min(10.0);
        let (mut end, mut best, mut train) = (f64::NAN, f64::INFINITY, f64::NAN);
        let mut y = vec![0.0; SIZES.test];
        GradientDescent { step }.descend(&student.flow(tau), STEPS, &mut |at| {
            student.elsewhere.value(at.weights, &mut y);
            end = student.test_loss(&y);
            (best, train) = (best.min(end), at.loss);
            if at.number % 100 == 0 {
                (desk.tell)(at.number as f64 / STEPS as f64);
            }
        })?;
        let linear = LinearDescent::at(&student, tau)?.end_and_best(step, STEPS, STRIDE);
        Ok(vec![vec![repeat as f64, tau, end, best, train, linear.0, linear.1]])
    }

    /// The paper's numbers (its Figure 1(c), in units of 10⁻³).
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let value = |name: &str, last: bool| -> Result<f64> {
            let all = by_scale(table, name)?;
            let found = if last { all.last() } else { all.first() };
            Ok(found.map_or(f64::NAN, |(_, mean, _)| 1e3 * mean))
        };
        let (end, best, linear) =
            (value("end", true)?, value("best", true)?, value("linear_end", true)?);
        let first = value("end", false)?;
        Ok(vec![
            Check::new("10³ × test loss at the end, τ = 10", 3.1, (2.6, 3.6), end),
            Check::new("10³ × least test loss, τ = 10", 1.96, (1.76, 2.16), best),
            Check::new("10³ × test loss at the end, τ = 0.01", 0.075, (0.003, 0.147), first),
            Check::new(
                "loss at τ = 10 over that at τ = 0.01",
                41.0,
                (15.0, f64::INFINITY),
                end / first,
            ),
            Check::new("loss at τ = 10 over the linearization's", 1.0, (0.99, 1.01), end / linear),
        ])
    }
}

/// Means over the repetitions of a column, at each τ of the table in ascending order.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn by_scale(table: &Table, name: &str) -> Result<Vec<(f64, f64, f64)>> {
    grouped(table.column("tau")?, table.column(name)?)
}

/// (x, mean, deviation) of the values at every x, ascending.
pub(crate) fn grouped(x: &[f64], y: &[f64]) -> Result<Vec<(f64, f64, f64)>> {
    let mut places = x.to_vec();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let at = |place: f64| {
        let here: Vec<f64> =
            x.iter().zip(y).filter(|(x, _)| **x == place).map(|(_, y)| *y).collect();
        let (mean, deviation) = mean_and_deviation(&here);
        (place, mean, deviation)
    };
    Ok(places.into_iter().map(at).collect())
}
