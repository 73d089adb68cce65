//! Figure 2(a) (Chizat et al. 2019): the test loss of two-layer relu networks against their width m, for the scalings 1/√m,
//! which is lazy for large m, and 1/m, which is not.

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::students::{Neurons, Sizes, Student};
use super::table::Table;
use crate::Result;
use crate::loss::{Square, SquareScale};
use crate::model::Differentiable;
use crate::solve::GradientDescent;

const SIZES: Sizes = Sizes { d: 100, n: 1000, test: 1000, width: 0 };
const STEPS: usize = 25_000;
/// The teacher's outputs are this much larger than elsewhere, as in the authors' code.
const TEACHER: f64 = 100.0;

/// Test and training loss at the end of descent, for widths, both scalings, and repetitions.
pub struct Widths {
    order: Order,
    widths: Vec<usize>,
    repeats: usize,
}

impl Widths {
    /// Widths 32 and 64 three times, up to 128 ten times, or the paper's up to 512.
    pub fn new(order: &Order) -> Self {
        let all = vec![2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128, 256, 512];
        let widths = order.size.pick(vec![32, 64], all[..11].to_vec(), all);
        Widths { order: order.clone(), widths, repeats: order.size.pick(3, 10, 10) }
    }

    /// Repetition, width, and a of the scaling m^(−a).
    fn of(&self, run: usize) -> (usize, usize, f64) {
        // The widest first: they take longest.
        let place = run / 2 % self.widths.len();
        let width = self.widths[self.widths.len() - 1 - place];
        (run / 2 / self.widths.len(), width, if run.is_multiple_of(2) { 0.5 } else { 1.0 })
    }
}

impl Experiment for Widths {
    fn blank(&self) -> Table {
        let Sizes { d, n, test, .. } = SIZES;
        Table::new(&[
            ("repeat", ""),
            ("width", ""),
            ("exponent", ""),
            ("test", "R"),
            ("train", "R"),
        ])
        .note("model", "m^(−a) × two-layer relu of width m, start N(0, 1)")
        .note(
            "data",
            format!(
                "{TEACHER} × teacher of 3 neurons on the sphere of R^{d}, {n} train, {test} test"
            ),
        )
        .note("loss", "½ mean square")
        .note("method", format!("{STEPS} steps of descent of length 1/m (a = ½) or 0.05/m (a = 1)"))
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        2 * self.repeats * self.widths.len()
    }

    fn label(&self, run: usize) -> String {
        let (repeat, width, a) = self.of(run);
        format!("repetition {}, m = {width}, m^(−{a})", repeat + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (repeat, width, a) = self.of(run);
        let student =
            Student::drawn(&self.order, Sizes { width, ..SIZES }, Neurons::Gaussian, repeat)?;
        let scaled = |y: &[f64]| y.iter().map(|y| TEACHER * y).collect::<Vec<_>>();
        let m = width as f64;
        let step = if a < 1.0 { 1.0 / m } else { 0.05 / m };
        let mut flow = student.flow(1.0).scaled(m.powf(-a));
        flow.loss = Square::to(scaled(&student.target)).scaled(SquareScale::HalfMean);
        let (mut weights, mut train) = (Vec::new(), f64::NAN);
        GradientDescent { step }.descend(&flow, STEPS, &mut |at| {
            if at.number == STEPS {
                (weights, train) = (at.weights.to_vec(), at.loss);
            }
            if at.number % 100 == 0 {
                (desk.tell)(at.number as f64 / STEPS as f64);
            }
        })?;
        let mut y = vec![0.0; SIZES.test];
        student.elsewhere.value(&weights, &mut y);
        y.iter_mut().for_each(|y| *y *= flow.alpha / TEACHER);
        let test = TEACHER * TEACHER * student.test_loss(&y);
        Ok(vec![vec![repeat as f64, m, a, test, train]])
    }

    /// The paper's numbers (its Figure 2(a), in its units, a tenth of the loss).
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let (lazy, mean_field) = (by_width(table, "test", 0.5)?, by_width(table, "test", 1.0)?);
        let at = |of: &[(f64, f64, f64)], m: f64| {
            of.iter().find(|(width, ..)| *width == m).map_or(f64::NAN, |(_, mean, _)| 0.1 * mean)
        };
        let mut checks = Vec::new();
        let ratios = [(32.0, 5.1), (64.0, 5.0), (128.0, 4.9), (256.0, 4.9), (512.0, 4.9)];
        let widths: Vec<f64> = lazy.iter().map(|(m, ..)| *m).filter(|m| *m >= 32.0).collect();
        for (m, paper) in ratios.into_iter().filter(|(m, _)| widths.contains(m)) {
            let ratio = at(&lazy, m) / at(&mean_field, m);
            checks.push(Check::new(
                format!("loss for 1/√m over 1/m, m = {m}"),
                paper,
                (3.0, 7.0),
                ratio,
            ));
        }
        for (name, of) in [("1/√m", &lazy), ("1/m", &mean_field)] {
            let rises = widths
                .windows(2)
                .map(|m| at(of, m[1]) / at(of, m[0]))
                .fold(f64::INFINITY, f64::min);
            let words = format!("least growth from width to width, {name}, m ≥ 32");
            checks.push(Check::new(words, 1.1, (1.0, f64::INFINITY), rises));
        }
        let widest = widths.last().map_or(f64::NAN, |m| at(&lazy, *m));
        checks.push(Check::new(
            "loss for 1/√m at the largest width",
            0.724,
            (0.5, f64::INFINITY),
            widest,
        ));
        Ok(checks)
    }
}

/// (m, mean, deviation) of a column for the scaling m^(−a).
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn by_width(table: &Table, name: &str, a: f64) -> Result<Vec<(f64, f64, f64)>> {
    let (width, exponent, values) =
        (table.column("width")?, table.column("exponent")?, table.column(name)?);
    let here = || exponent.iter().enumerate().filter(|(_, e)| **e == a).map(|(i, _)| i);
    let chosen = |column: &[f64]| here().map(|i| column[i]).collect::<Vec<_>>();
    grouped(&chosen(width), &chosen(values))
}
