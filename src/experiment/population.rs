//! Figure 2(b) (Chizat et al. 2019): the population loss that stochastic descent reaches against the scale τ of the start.
//!
//! Every step has 200 fresh inputs, so that the loss descended on is the population's; the settings, and the factors that
//! look odd, are those of the authors' code: the student's output is divided by m, the teacher's by the number of inputs
//! in a batch, and inner weights take steps d times as long. What lazy training can reach at best is the distance of the
//! teacher to the span of the tangent features at the start, which has a closed form (`lazy_limit`).

use super::check::Check;
use super::initial_scale::grouped;
use super::plan::{Desk, Experiment, Order, Rows};
use super::students::{Neurons, Sizes, Student, half_mean_square};
use super::table::Table;
use crate::data::synthetic::Teacher;
use crate::linalg::{Lu, dot};
use crate::model::Differentiable;
use crate::{Error, Failure, Result};
use nalgebra::{DMatrix, DVector};
use std::f64::consts::PI;

const SIZES: Sizes = Sizes { d: 100, n: 200, test: 1, width: 50 };
/// The loss is the mean over so many steps.
const WINDOW: usize = 2000;

/// The loss over the last steps and over those before, the lazy limit and the loss of f = 0; a run is a repetition of all
/// scales, on the same inputs.
pub struct Population {
    order: Order,
    taus: Vec<f64>,
    steps: usize,
    repeats: usize,
}

impl Population {
    /// Three scales once, the paper's 17 five times, or ten times.
    pub fn new(order: &Order) -> Self {
        let middle = (0..=10).map(|k| 10_f64.powf(-1.0 + 0.1 * f64::from(k)));
        let all: Vec<f64> =
            [0.01, 0.02, 0.04].into_iter().chain(middle).chain([2.0, 4.0, 8.0]).collect();
        Population {
            order: order.clone(),
            taus: order.size.pick(vec![0.04, 0.251_188_643_150_958, 2.0], all.clone(), all),
            steps: 20_000,
            repeats: order.size.pick(1, 5, 10),
        }
    }

    /// All scales at once over the steps; the sums of the losses in the window before the last, and in the last.
    fn descend(&self, student: &Student, repeat: usize, desk: &Desk<'_>) -> Result<Vec<[f64; 2]>> {
        let Sizes { d, n, width, .. } = SIZES;
        let mut stream = self.order.stream("population", repeat);
        let mut weights: Vec<Vec<f64>> = self.taus.iter().map(|tau| student.start(*tau)).collect();
        let mut sums = vec![[0.0; 2]; self.taus.len()];
        let mut slope = vec![0.0; width * (d + 1)];
        for step in 0..self.steps {
            let inputs = DMatrix::from_vec(d, n, (0..n).flat_map(|_| stream.sphere(d)).collect());
            let target: Vec<f64> = inputs
                .column_iter()
                .map(|x| student.teacher.value(x.as_slice()) / n as f64)
                .collect();
            let net = student.net.with_inputs(inputs)?;
            for ((w, tau), sum) in weights.iter_mut().zip(&self.taus).zip(&mut sums) {
                let mut loss = f64::NAN;
                let mut seed = |h: &[f64], v: &mut [f64]| {
                    let y: Vec<f64> = h.iter().map(|h| h / width as f64).collect();
                    loss = half_mean_square(&y, &target);
                    v.iter_mut()
                        .zip(y.iter().zip(&target))
                        .for_each(|(v, (y, t))| *v = (y - t) / n as f64);
                };
                net.gradient(w, &mut seed, &mut slope);
                if !loss.is_finite() {
                    return Err(diverged(*tau, step));
                }
                let eta = (0.25 / (tau * tau)).min(25.0);
                let (inner, outer) = w.split_at_mut(width * d);
                inner.iter_mut().zip(&slope).for_each(|(w, g)| *w -= eta * d as f64 * g);
                outer.iter_mut().zip(&slope[width * d..]).for_each(|(w, g)| *w -= eta * g);
                let left = self.steps - step;
                if left <= 2 * WINDOW {
                    sum[usize::from(left <= WINDOW)] += loss / WINDOW as f64;
                }
            }
            if step % 100 == 0 {
                (desk.tell)(step as f64 / self.steps as f64);
            }
        }
        Ok(sums)
    }
}

fn diverged(tau: f64, step: usize) -> Error {
    let detail = format!("stochastic descent at τ = {tau} diverged after {step} steps");
    Error::Integration { failure: Failure::BlowUp, time: step as f64, detail }
}

impl Experiment for Population {
    fn blank(&self) -> Table {
        let Sizes { d, n, width, .. } = SIZES;
        Table::new(&[
            ("repeat", ""),
            ("tau", ""),
            ("loss", "R"),
            ("before", "R"),
            ("lazy", "R"),
            ("null", "R"),
        ])
        .note("model", format!("1/m × two-layer relu, m = {width}, doubled, start N(0, τ²)"))
        .note(
            "data",
            format!("teacher of 3 neurons on the sphere of R^{d}, {n} fresh inputs per step"),
        )
        .note("loss", format!("½ E(y − y*)², mean of {WINDOW} steps"))
        .note(
            "method",
            format!(
                "{} steps of length min(25, 0.25/τ²), d times that for inner weights",
                self.steps
            ),
        )
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.repeats
    }

    fn label(&self, run: usize) -> String {
        format!("repetition {}, all τ", run + 1)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let student = Student::drawn(&self.order, SIZES, Neurons::GaussianDoubled, run)?;
        let sums = self.descend(&student, run, desk)?;
        let (null, lazy) = lazy_limit(&student.teacher, &student.neurons, SIZES.width / 2);
        // In the units of the teacher itself, whose outputs are divided by the size of a batch.
        let unit = (SIZES.n as f64).powi(2);
        let row = |(tau, [before, last]): (&f64, [f64; 2])| {
            vec![run as f64, *tau, unit * last, unit * before, 0.5 * lazy, 0.5 * null]
        };
        Ok(self.taus.iter().zip(sums).map(row).collect())
    }

    /// The paper's numbers (its Figure 2(b), whose unit is arbitrary: ratios). As a part of the loss of f = 0 the lazy limit is
    /// 0.11 for a teacher of equal signs and 0.2 for one of mixed signs, whose outputs are smaller.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let (loss, lazy) = (over_null(table, "loss")?, over_null(table, "lazy")?);
        let within = |from: f64, to: f64| {
            let here = loss.iter().filter(move |(tau, ..)| (from..=to).contains(tau));
            here.map(|(_, mean, _)| *mean)
        };
        let over = |from: f64, to: f64| within(from, to).reduce(f64::max).unwrap_or(f64::NAN);
        let plateau: Vec<f64> = within(1.0, f64::INFINITY).collect();
        let plateau = plateau.iter().sum::<f64>() / plateau.len() as f64;
        let limit = lazy.first().map_or(f64::NAN, |v| v.1);
        Ok(vec![
            Check::new("largest loss, τ ≤ 0.1", 3.5e-5, (0.0, 2e-3), over(0.0, 0.1)),
            Check::new(
                "mean loss, τ ≥ 1, over the exact lazy limit",
                1.0,
                (0.8, 1.2),
                plateau / limit,
            ),
            Check::new(
                "loss at τ = 0.25, on its way, over that of τ ≥ 1",
                0.37,
                (0.05, 0.95),
                over(0.25, 0.26) / plateau,
            ),
        ])
    }
}

/// E 1{b·x > 0} 1{b'·x > 0} x xᵀ c over the unit sphere of Rᵈ, for vectors b, b', c: with θ the angle between b and b',
/// the part of c across their plane is multiplied by (π − θ)/(2πd), that within it by a 2 × 2 matrix (integrals of cos²,
/// cos sin and sin² over the angles at which both are positive).
fn both_on(b: &DVector<f64>, other: &DVector<f64>, c: &DVector<f64>) -> DVector<f64> {
    let e1 = b / b.norm();
    let along = e1.dot(other);
    let rest = other - &e1 * along;
    let theta = rest.norm().atan2(along);
    let d = b.len() as f64;
    let left = PI - theta;
    let mut out = c * (left / (2.0 * PI * d));
    if theta > 1e-12 && left > 1e-12 {
        let e2 = &rest / rest.norm();
        let (x, y) = (e1.dot(c), e2.dot(c));
        let (double, square) = (0.25 * (2.0 * theta).sin(), 0.5 * theta.sin().powi(2));
        // What the plane has beyond the multiple of the identity.
        out += &e1 * ((double * x + square * y) / (PI * d));
        out += &e2 * ((square * x - double * y) / (PI * d));
    }
    out
}

/// E f² of the teacher f, and min E (f − φ·θ)² over the tangent features φ of the first `half` neurons: the inner ones
/// span all, since relu(b·x) = b·(1{b·x > 0} x).
fn lazy_limit(teacher: &Teacher, neurons: &[f64], half: usize) -> (f64, f64) {
    let d = teacher.inner().nrows();
    let taught: Vec<DVector<f64>> = teacher.inner().column_iter().map(|b| b.into_owned()).collect();
    let signs = teacher.outer();
    let b: Vec<DVector<f64>> =
        neurons.chunks(d).take(half).map(DVector::from_column_slice).collect();
    let pairs = taught.iter().zip(signs);
    let null: f64 = pairs
        .clone()
        .flat_map(|(s, a)| pairs.clone().map(move |(t, b)| a * b * s.dot(&both_on(s, t, t))))
        .sum();
    let mut features = vec![0.0; half * d];
    for (b, out) in b.iter().zip(features.chunks_mut(d)) {
        for (t, a) in pairs.clone() {
            both_on(b, t, t).iter().zip(out.iter_mut()).for_each(|(x, out)| *out += a * x);
        }
    }
    let mut gram = DMatrix::zeros(half * d, half * d);
    let unit = |i: usize| DVector::from_fn(d, |j, _| if i == j { 1.0 } else { 0.0 });
    for (j, bj) in b.iter().enumerate() {
        for (k, bk) in b.iter().enumerate() {
            for i in 0..d {
                let column = both_on(bj, bk, &unit(i));
                gram.view_mut((j * d, k * d + i), (d, 1)).copy_from(&column);
            }
        }
    }
    let mut solved = features.clone();
    Lu::new(&gram).solve(&mut solved);
    (null, null - dot(&features, &solved))
}

/// (τ, mean, deviation) of a column over the mean loss of f = 0: means are taken before they are divided, since teachers
/// of equal signs have losses twice those of others.
///
/// # Errors
/// [`Error::Unknown`] for a missing column.
pub(crate) fn over_null(table: &Table, name: &str) -> Result<Vec<(f64, f64, f64)>> {
    let null = table.column("null")?;
    let null = null.iter().sum::<f64>() / null.len() as f64;
    let all = grouped(table.column("tau")?, table.column(name)?)?;
    Ok(all.into_iter().map(|(tau, mean, off)| (tau, mean / null, off / null)).collect())
}

/// Whether the loss still falls: by more than `part` from one window to the next.
pub(crate) fn still_falls(table: &Table, part: f64) -> Result<Vec<(f64, bool)>> {
    let pairs = over_null(table, "loss")?.into_iter().zip(over_null(table, "before")?);
    Ok(pairs.map(|((tau, last, _), (_, before, _))| (tau, last < (1.0 - part) * before)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// Means over draws from the sphere, within five standard errors.
    #[test]
    fn the_closed_form_of_two_gates_is_their_mean() {
        let (d, draws) = (4, 200_000);
        let mut generator = Generator::seeded(1);
        let mut points = generator.split("points");
        let mut vector = || DVector::from_vec(generator.gaussians(d));
        let (b, other, c) = (vector(), vector(), vector());
        for other in [&other, &b, &-&b, &(&b + &other * 1e-3)] {
            let (mut sum, mut squares) = (DVector::zeros(d), DVector::zeros(d));
            for _ in 0..draws {
                let x = DVector::from_vec(points.sphere(d));
                let on = b.dot(&x) > 0.0 && other.dot(&x) > 0.0;
                let v = &x * if on { x.dot(&c) } else { 0.0 };
                squares += v.component_mul(&v);
                sum += v;
            }
            let exact = both_on(&b, other, &c);
            for i in 0..d {
                let error = (squares[i] / draws as f64).sqrt() / (draws as f64).sqrt();
                assert!((sum[i] / draws as f64 - exact[i]).abs() <= 5.0 * error + 1e-12);
            }
        }
    }

    /// A teacher among the student's neurons lies in the span; one that is not does not; E f² is that of the paper.
    #[test]
    fn a_teacher_in_the_span_is_reached() {
        let teacher = Teacher::seeded(6, 3).unwrap();
        let mut neurons: Vec<f64> = teacher.inner().as_slice().to_vec();
        let (null, rest) = lazy_limit(&teacher, &neurons, 3);
        assert!(rest.abs() < 1e-12 * null, "{rest} of {null}");
        neurons[0] += 1.0;
        let (_, rest) = lazy_limit(&teacher, &neurons, 3);
        assert!(rest > 1e-3 * null);
    }
}
