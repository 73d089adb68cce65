//! A bound that was integrated along a computed path, as a theorem.

use super::duhamel::march;
use super::panels::{Fineness, Interpolant};
use super::sampled::Sampled;
use crate::constants::Evidence;
use crate::linalg;
use crate::theory::{Constant, Hypothesis, Quantity, Theorem};

/// A bound known along [0, T], on a grid fine enough to take the larger of two neighbours between them.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    pub(super) name: &'static str,
    pub(super) source: &'static str,
    pub(super) quantity: Quantity,
    /// What the scaled values are multiplied by: ε for outputs, ε² for weights.
    pub(super) unit: f64,
    pub(super) hypotheses: Vec<Hypothesis>,
    pub(super) integral: Integral,
    /// Added for what the solver leaves uncertain, in scaled units.
    pub(super) allowance: f64,
}

/// Values on a grid of times from 0 to T.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Integral {
    pub(super) times: Vec<f64>,
    pub(super) values: Vec<f64>,
    /// sup of the distance to the same with half the nodes and half the steps.
    pub(super) error: f64,
}

impl Integral {
    /// At most this from stop `after` − 1 to the next: the larger of both values, and twice what a parabola with the larger
    /// of the two neighbouring second differences rises above its chord: a maximum may lie between.
    fn between(&self, after: usize) -> f64 {
        let Integral { times, values, .. } = self;
        let slope = |i: usize| (values[i] - values[i - 1]) / (times[i] - times[i - 1]);
        let bend = |i: usize| {
            if i == 0 || i + 1 >= times.len() {
                return 0.0;
            }
            (2.0 * (slope(i + 1) - slope(i)) / (times[i + 1] - times[i - 1])).abs()
        };
        let step = times[after] - times[after - 1];
        let rise = 0.25 * step * step * bend(after).max(bend(after - 1));
        values[after].max(values[after - 1]) + rise
    }
}

impl Curve {
    /// The bound times the power of α that makes it of order one (α for outputs, α² for weights), its allowances for
    /// quadrature and solver included; ∞ beyond T.
    pub fn scaled(&self, t: f64) -> f64 {
        let Integral { times, values, error } = &self.integral;
        let after = times.partition_point(|s| *s < t);
        if t.is_nan() || t < 0.0 || after == times.len() {
            return f64::INFINITY;
        }
        // 0 is exact: there nothing has been integrated.
        if t == 0.0 {
            return values[0];
        }
        let between = if times[after] == t { values[after] } else { self.integral.between(after) };
        between + error + self.allowance
    }

    /// The estimated error of the quadrature, in scaled units: sup of the distance to half the nodes.
    pub fn quadrature_error(&self) -> f64 {
        self.integral.error
    }
}

/// What drives a bound at each time, made of an interpolated vector.
pub(super) type Drive<'a> = &'a dyn Fn(&[f64], &mut [f64]);

/// Integrates b' = −rates b + drive(interpolant) over the panels, keeping `size(t, b)`.
pub(super) fn integrate(
    sampled: &Sampled,
    asked: &[f64],
    values: &[Vec<f64>],
    rates: &[f64],
    drive: Drive<'_>,
) -> Integral {
    let (times, values_full) = once(sampled, asked, values, rates, drive, Fineness::Full);
    let (coarse_times, coarse) = once(sampled, asked, values, rates, drive, Fineness::Half);
    let at = |t: f64| &values_full[times.partition_point(|s| *s < t)];
    let apart = coarse_times.iter().zip(&coarse).map(|(t, b)| distance(at(*t), b));
    let error = apart.fold(0.0, f64::max);
    let values = values_full.iter().map(|b| linalg::norm(b)).collect();
    Integral { times, values, error }
}

/// The same, b itself at every stop.
pub(super) fn once(
    sampled: &Sampled,
    asked: &[f64],
    values: &[Vec<f64>],
    rates: &[f64],
    drive: Drive<'_>,
    fineness: Fineness,
) -> (Vec<f64>, Vec<Vec<f64>>) {
    let stops = sampled.stops(if fineness == Fineness::Full { 16 } else { 8 }, asked);
    let interpolant = Interpolant { panels: &sampled.panels, values, fineness };
    let mut vector = vec![0.0; values[0].len()];
    let found = march(rates, &stops, |k, t, q| {
        interpolant.at(sampled.panels.holding(stops[k]), t, &mut vector);
        drive(&vector, q);
    });
    (stops, found)
}

/// ‖a − b‖.
pub(super) fn distance(a: &[f64], b: &[f64]) -> f64 {
    linalg::norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
}

impl Theorem for Curve {
    fn name(&self) -> String {
        self.name.into()
    }

    fn source(&self) -> &'static str {
        self.source
    }

    fn quantity(&self) -> Quantity {
        self.quantity
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        self.hypotheses.clone()
    }

    fn formula(&self, t: f64) -> f64 {
        let scaled = self.scaled(t);
        if scaled < f64::INFINITY { scaled * self.unit } else { scaled }
    }

    fn constants(&self) -> Vec<Constant> {
        let measured =
            |name: &str, value| Constant { name: name.into(), value, evidence: Evidence::Measured };
        vec![
            measured("quadrature error", self.unit * self.integral.error),
            measured("solver error", self.unit * self.allowance),
        ]
    }
}
