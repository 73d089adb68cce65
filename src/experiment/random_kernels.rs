//! Figure 4 (Chizat et al. 2019, Appendix A.2): the tangent kernel of a two-layer relu network of random neurons against its
//! limit for infinitely many, at pairs of inputs on a section of the sphere.

use super::check::Check;
use super::plan::{Desk, Experiment, Order, Rows};
use super::table::Table;
use crate::Result;
use crate::model::Activation;
use crate::theory::LayerKernels;
use nalgebra::DMatrix;
use std::f64::consts::PI;

/// Dimension of the inputs.
const D: usize = 10;
/// Angles between 0 and π.
const ANGLES: usize = 48;

/// Kernels at all angles, for widths and draws.
pub struct RandomKernels {
    order: Order,
    widths: Vec<usize>,
    draws: usize,
}

impl RandomKernels {
    /// Widths from 16 to 4096, twelve draws each; quick: to 1024, six draws.
    pub fn new(order: &Order) -> Self {
        let widths = order.size.pick(5, 6, 7);
        RandomKernels {
            order: order.clone(),
            widths: (0..widths).map(|k| 16 << (2 * k)).take_while(|m| *m <= 65536).collect(),
            draws: order.size.pick(6, 10, 20),
        }
    }

    fn of(&self, run: usize) -> (usize, usize) {
        (self.widths[run / self.draws], run % self.draws)
    }
}

impl Experiment for RandomKernels {
    fn blank(&self) -> Table {
        Table::new(&[
            ("width", ""),
            ("draw", ""),
            ("angle", "rad"),
            ("inner", ""),
            ("outer", ""),
            ("inner_limit", ""),
            ("outer_limit", ""),
        ])
        .note("model", "1/√m × two-layer relu, neurons N(0, 1)")
        .note("inputs", format!("a section of the unit sphere of R^{D}"))
        .note("draws", self.draws)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.widths.len() * self.draws
    }

    fn label(&self, run: usize) -> String {
        let (width, draw) = self.of(run);
        format!("m = {width}, draw {}", draw + 1)
    }

    fn run(&self, run: usize, _: &Desk<'_>) -> Result<Rows> {
        let (width, draw) = self.of(run);
        let mut stream = self.order.stream("random kernels", draw).split(&width.to_string());
        let inner = DMatrix::from_vec(D, width, stream.gaussians(D * width));
        let outer = stream.gaussians(width);
        let mut x = [0.0; D];
        x[0] = 1.0;
        let row = |k: usize| {
            let angle = PI * k as f64 / ANGLES as f64;
            let mut other = [0.0; D];
            (other[0], other[1]) = (angle.cos(), angle.sin());
            let found = LayerKernels::of(&inner, &outer, Activation::Relu, [&x, &other])?;
            // E b² = 1, E ‖a‖² = d.
            let limit = LayerKernels::relu_limit([&x, &other], 1.0, D as f64)?;
            Ok(vec![
                width as f64,
                draw as f64,
                angle,
                found.inner,
                found.outer,
                limit.inner,
                limit.outer,
            ])
        };
        (0..=ANGLES).map(row).collect()
    }

    /// What the law of large numbers says.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let points: Vec<(f64, f64)> =
            deviations(table)?.into_iter().map(|(m, off)| (m.ln(), off.ln())).collect();
        let slope = super::lazy::slope(&points).unwrap_or(f64::NAN);
        let largest = table.column("width")?.iter().copied().fold(0.0, f64::max);
        let off = deviations(table)?.last().map_or(f64::NAN, |(_, off)| *off * largest.sqrt());
        Ok(vec![
            Check::new("slope of the largest deviation in m", -0.5, (-0.6, -0.4), slope),
            Check::new("√m × largest deviation at the largest m", None, (0.0, 10.0), off),
        ])
    }
}

/// (m, mean over the draws of the largest deviation from the limit over the angles).
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn deviations(table: &Table) -> Result<Vec<(f64, f64)>> {
    let [width, draw, inner, outer, inner_limit, outer_limit] =
        ["width", "draw", "inner", "outer", "inner_limit", "outer_limit"]
            .map(|name| table.column(name));
    let (width, draw) = (width?, draw?);
    let (inner, outer, inner_limit, outer_limit) = (inner?, outer?, inner_limit?, outer_limit?);
    // Rows of a draw follow one another.
    let mut largest: Vec<(f64, f64, f64)> = Vec::new();
    for i in 0..table.len() {
        let off = (inner[i] + outer[i] - inner_limit[i] - outer_limit[i]).abs();
        match largest.last_mut() {
            Some((m, k, worst)) if (*m, *k) == (width[i], draw[i]) => *worst = worst.max(off),
            _ => largest.push((width[i], draw[i], off)),
        }
    }
    let (m, worst): (Vec<f64>, Vec<f64>) = largest.into_iter().map(|(m, _, w)| (m, w)).unzip();
    let means = super::initial_scale::grouped(&m, &worst)?;
    Ok(means.into_iter().map(|(m, mean, _)| (m, mean)).collect())
}
