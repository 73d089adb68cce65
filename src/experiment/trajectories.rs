//! Figures 1(a), 1(b) and 6 (Chizat et al. 2019): the paths of neurons |aⱼ| bⱼ in the plane, from a small start and a large
//! one.
//!
//! By exact gradient flow, followed through the kinks of relu, and beside it by the descent of the authors, 10⁵ steps of
//! 0.005. The start is that of their code: inner weights on the circle, outer ones uniform on (0, 1), both times τ.

use super::check::Check;
use super::plan::{Desk, Experiment, Order, Rows};
use super::students::{Neurons, Sizes, Student, mean_and_deviation};
use super::table::Table;
use crate::Result;
use crate::data::synthetic::Teacher;
use crate::flow::{Solver, logarithmic};
use crate::loss::Loss;
use crate::solve::{Automatic, GradientDescent, Options};

const STEP: f64 = 0.005;
const STEPS: usize = 100_000;
/// Repetitions at every size but one.
const FEWEST: usize = 3;

/// One picture: a start.
#[derive(Debug, Clone, Copy)]
struct Panel {
    tau: f64,
    neurons: Neurons,
}

/// Paths of all neurons, for panels and repetitions; of all repetitions but the one that is drawn, both ends only.
pub struct Trajectories {
    order: Order,
    panels: Vec<Panel>,
    sizes: Sizes,
    repeats: usize,
    /// Times kept, besides 0.
    times: usize,
    rtol: f64,
    shows: Shows,
    /// The repetition kept in full.
    drawn: usize,
}

/// What the paths must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    /// From a small start neurons travel to the teacher's directions.
    Travel,
    /// From a large one they hardly move.
    Rest,
    /// Both, and what doubling is for.
    All,
}

impl Trajectories {
    /// Figure 1(a) or 1(b): fifteen samples, sixteen neurons, from τ.
    pub fn from_scale(order: &Order, tau: f64) -> Self {
        Trajectories {
            order: order.clone(),
            panels: vec![Panel { tau, neurons: Neurons::SphereDoubled }],
            sizes: Sizes { d: 2, n: 15, test: 20, width: 16 },
            repeats: order.size.pick(20, 20, 100),
            times: 100,
            rtol: 1e-6,
            shows: if tau < 1.0 { Shows::Travel } else { Shows::Rest },
            drawn: telling(order),
        }
    }

    /// Figure 6: 200 samples, 200 neurons, τ = 0.1, and τ = 2 without doubling and with it.
    pub fn many(order: &Order) -> Self {
        let panel = |tau, neurons| Panel { tau, neurons };
        let width = order.size.pick(40, 200, 200);
        Trajectories {
            order: order.clone(),
            panels: vec![
                panel(0.1, Neurons::SphereDoubled),
                panel(2.0, Neurons::Sphere),
                panel(2.0, Neurons::SphereDoubled),
            ],
            sizes: Sizes { d: 2, n: width, test: 20, width },
            repeats: 1,
            times: 25,
            rtol: 1e-5,
            shows: Shows::All,
            drawn: telling(order),
        }
    }

    fn of(&self, run: usize) -> (usize, Panel) {
        // A single repetition is the one that is drawn.
        let repeat = if self.repeats == 1 { self.drawn } else { run / self.panels.len() };
        (repeat, self.panels[run % self.panels.len()])
    }
}

/// The first repetition whose teacher has neurons of both signs.
fn telling(order: &Order) -> usize {
    let both = |repeat: &usize| {
        let teacher = Teacher::seeded(2, order.seed_of(*repeat));
        teacher.is_ok_and(|t| t.outer().iter().any(|a| *a != t.outer()[0]))
    };
    (0..FEWEST).find(both).unwrap_or(0)
}

/// |a| b of neuron `j` in the plane, for weights B by rows, then a.
fn place(w: &[f64], width: usize, j: usize) -> (f64, f64) {
    let size = w[2 * width + j].abs();
    (size * w[2 * j], size * w[2 * j + 1])
}

/// To six digits: the file is for eyes, and holds many.
fn rounded(v: f64) -> f64 {
    format!("{v:.5e}").parse().unwrap_or(v)
}

impl Experiment for Trajectories {
    fn blank(&self) -> Table {
        let Sizes { d, n, width, .. } = self.sizes;
        let titles = self.panels.iter().map(|panel| {
            let how = if panel.neurons == Neurons::Sphere { "not doubled" } else { "doubled" };
            format!("τ = {}, {how}", panel.tau)
        });
        Table::new(&[
            ("panel", ""),
            ("repeat", ""),
            ("neuron", ""),
            ("sign", ""),
            ("time", "flow"),
            ("x", ""),
            ("y", ""),
            ("descent_x", ""),
            ("descent_y", ""),
            ("loss", "R"),
            ("descent_loss", "R"),
        ])
        .note("panels", titles.collect::<Vec<_>>().join("; "))
        .note("drawn", self.drawn)
        .note(
            "model",
            format!(
                "two-layer relu, width {width}, inner weights τ × unit circle, outer ±τ × U(0, 1)"
            ),
        )
        .note("data", format!("teacher of 3 neurons on the sphere of R^{d}, {n} samples"))
        .note("loss", "½ mean square")
        .note(
            "method",
            format!(
                "gradient flow until t = {}, kinks followed; descent: steps of {STEP}",
                STEP * STEPS as f64
            ),
        )
        .note("rtol", format!("{:e}", self.rtol))
        .note("repeats", self.repeats)
        .note("size", self.order.size.name())
        .note("seed", self.order.seed)
    }

    fn runs(&self) -> usize {
        self.panels.len() * self.repeats
    }

    fn label(&self, run: usize) -> String {
        let (repeat, panel) = self.of(run);
        format!("repetition {}, τ = {}", repeat + 1, panel.tau)
    }

    fn run(&self, run: usize, desk: &Desk<'_>) -> Result<Rows> {
        let (repeat, panel) = self.of(run);
        let student = Student::drawn(&self.order, self.sizes, panel.neurons, repeat)?;
        let flow = student.flow(panel.tau);
        let end = STEP * STEPS as f64;
        let all = logarithmic(STEP, end, self.times - 1);
        let times = if repeat == self.drawn { all } else { vec![0.0, end] };
        let options = Options { rtol: self.rtol, ..Options::default() };
        let path = Automatic(options).solve(&flow, &times)?;
        (desk.tell)(0.5);
        let descent = GradientDescent { step: STEP }.solve(&flow, &times)?;
        let number = (run % self.panels.len()) as f64;
        let width = self.sizes.width;
        let mut rows = Rows::new();
        for (b, a) in student.teacher.inner().column_iter().zip(student.teacher.outer()) {
            let nothing = f64::NAN;
            let here = [number, repeat as f64, 0.0, *a, nothing, b[0], b[1]];
            rows.push([&here.map(rounded)[..], &[nothing; 4]].concat());
        }
        let ending = path.weights(times.len() - 1);
        for j in 0..width {
            for (i, time) in times.iter().enumerate() {
                let (x, y) = place(&path.weights(i), width, j);
                let (dx, dy) = place(&descent.weights(i), width, j);
                let [loss, descent_loss] =
                    [&path, &descent].map(|p| flow.loss.value(&p.outputs[i]));
                let sign = ending[2 * width + j].signum();
                let row = [
                    number,
                    repeat as f64,
                    j as f64 + 1.0,
                    sign,
                    *time,
                    x,
                    y,
                    dx,
                    dy,
                    loss,
                    descent_loss,
                ];
                rows.push(row.map(rounded).to_vec());
            }
        }
        Ok(rows)
    }

    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let all = journeys(table)?;
        let left = median(all.iter().map(|j| j.loss_left).collect());
        let apart = median(all.iter().map(Journey::apart).collect());
        let mut checks = match self.shows {
            Shows::Travel => travel_checks(&all),
            Shows::Rest => rest_checks(&all),
            Shows::All => return Ok(many_checks(all)),
        };
        checks.push(Check::new("median of training loss, end over start", 0.0, (0.0, 1e-3), left));
        let words = "median distance of descent's end from the flow's, over the radius";
        checks.push(Check::new(words, None, (0.0, 0.05), apart));
        Ok(checks)
    }
}

/// Where a neuron began and where it ended.
pub(crate) struct Journey {
    pub(crate) panel: usize,
    pub(crate) from: (f64, f64),
    pub(crate) to: (f64, f64),
    pub(crate) descent_to: (f64, f64),
    /// The training loss at the end over that at the start.
    pub(crate) loss_left: f64,
    pub(crate) repeat: f64,
}

/// Of all neurons in all repetitions.
pub(crate) fn journeys(table: &Table) -> Result<Vec<Journey>> {
    let column = |name| table.column(name);
    let (panel, repeat, neuron, time) =
        (column("panel")?, column("repeat")?, column("neuron")?, column("time")?);
    let (x, y, dx, dy, loss) =
        (column("x")?, column("y")?, column("descent_x")?, column("descent_y")?, column("loss")?);
    let mut found: Vec<Journey> = Vec::new();
    let (mut last, mut first_loss) = ((f64::NAN, f64::NAN, f64::NAN), f64::NAN);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small whole numbers"
    )]
    for i in (0..table.len()).filter(|i| neuron[*i] > 0.0 && time[*i].is_finite()) {
        let here = (x[i], y[i]);
        if last != (panel[i], repeat[i], neuron[i]) {
            last = (panel[i], repeat[i], neuron[i]);
            found.push(Journey {
                panel: panel[i] as usize,
                from: here,
                to: here,
                descent_to: here,
                loss_left: f64::NAN,
                repeat: repeat[i],
            });
            first_loss = loss[i];
        }
        if let Some(journey) = found.last_mut() {
            (journey.to, journey.descent_to) = (here, (dx[i], dy[i]));
            journey.loss_left = loss[i] / first_loss;
        }
    }
    Ok(found)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Journey {
    fn moved(&self) -> f64 {
        (self.to.0 - self.from.0).hypot(self.to.1 - self.from.1)
    }
    fn radius((x, y): (f64, f64)) -> f64 {
        x.hypot(y)
    }
    fn turned(&self) -> f64 {
        let ((a, b), (c, d)) = (self.from, self.to);
        (a * d - b * c).atan2(a * c + b * d).abs()
    }
    /// Distance of the flow's end to the descent's, relative to the radius.
    fn apart(&self) -> f64 {
        (self.to.0 - self.descent_to.0).hypot(self.to.1 - self.descent_to.1)
            / Journey::radius(self.to).max(f64::MIN_POSITIVE)
    }
}

/// Mean over all neurons and repetitions, and median.
fn mean(journeys: &[Journey], f: impl Fn(&Journey) -> f64) -> f64 {
    journeys.iter().map(f).sum::<f64>() / journeys.len() as f64
}

/// The paper's number is one draw's: our mean must lie within two standard deviations of a draw from it.
fn as_a_draw(words: &str, paper: f64, all: &[Journey], f: fn(&Journey) -> f64) -> Check {
    let draws: Vec<f64> =
        all.chunk_by(|a, b| a.repeat == b.repeat).map(|draw| mean(draw, f)).collect();
    let (found, deviation) = mean_and_deviation(&draws);
    Check::new(words, paper, (paper - 2.0 * deviation, paper + 2.0 * deviation), found)
}

/// Figure 1(a). (Changes of direction cannot be read off the paper's picture: radii begin at two pixels.)
fn travel_checks(all: &[Journey]) -> Vec<Check> {
    vec![
        Check::new(
            "median displacement over initial radius",
            33.0,
            (5.0, f64::INFINITY),
            relative(all),
        ),
        Check::near("mean initial radius", 0.005, 0.25, mean(all, |j| Journey::radius(j.from))),
        Check::near("mean final radius", 0.149, 0.25, mean(all, |j| Journey::radius(j.to))),
    ]
}

/// Figure 1(b).
fn rest_checks(all: &[Journey]) -> Vec<Check> {
    vec![
        Check::new("median displacement over initial radius", 0.058, (0.0, 0.15), relative(all)),
        Check::near("mean initial radius", 2.12, 0.25, mean(all, |j| Journey::radius(j.from))),
        as_a_draw("mean displacement", 0.121, all, Journey::moved),
        as_a_draw("mean change of direction, rad", 0.019, all, Journey::turned),
    ]
}

/// Figure 6, by its panels.
fn many_checks(all: Vec<Journey>) -> Vec<Check> {
    let mut panels = [const { Vec::new() }; 3];
    for journey in all {
        if let Some(panel) = panels.get_mut(journey.panel) {
            panel.push(journey);
        }
    }
    let [a, b, c] = panels.map(|panel| relative(&panel));
    vec![
        Check::new(
            "median displacement over initial radius: (a) over (c)",
            None,
            (10.0, f64::INFINITY),
            a / c,
        ),
        Check::new("the same, (b)", None, (0.0, 0.15), b),
        Check::new("the same, (c)", None, (0.0, 0.15), c),
        Check::new(
            "(b) over (c): it must cancel its initial output",
            None,
            (1.0, f64::INFINITY),
            b / c,
        ),
    ]
}

/// The median of displacements over initial radii.
fn relative(all: &[Journey]) -> f64 {
    median(all.iter().map(|j| j.moved() / Journey::radius(j.from)).collect())
}
