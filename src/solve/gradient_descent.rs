//! Gradient descent on F_α, to compare the flow with practice.
//!
//! ```text
//! wₖ₊₁ = wₖ − η ∇F_α(wₖ),     ∇F_α(w) = (1/α) Dh(w)ᵀ ∇R(α h(w)),
//! ```
//!
//! with the full gradient, in the displacement u = α (w − w₀), which keeps its digits at any α. It is Euler's method for
//! the flow: iterate k stands beside the flow at t = kη.

use crate::flow::{Flow, Path, Solver, Stop, Work};
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::{Error, Failure, Result};

/// Steps of length η, in units of the flow's time.
///
/// ```
/// use gradflow::prelude::*;
/// use gradflow::solve::GradientDescent;
/// /// h(w) = w
/// struct Line;
/// impl Model for Line {
///     fn shape(&self) -> Shape {
///         Shape { params: 1, outputs: 1 }
///     }
///     fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
///         y[0] = w[0];
///     }
/// }
/// // R = ½ (y − 1)², α = 1: each step of η = ½ halves the residual.
/// let flow = Flow::new(Line.auto(), Square::to([1.0]), [0.0]);
/// let path = flow.solve(&GradientDescent { step: 0.5 }, &[0.0, 1.5])?;
/// assert_eq!(path.outputs[1], [0.875]); // 1 − ½³
/// # Ok::<(), gradflow::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientDescent {
    /// η.
    pub step: f64,
}

/// Where a descent stands.
#[derive(Debug, Clone, Copy)]
pub struct Iterate<'a> {
    /// k.
    pub number: usize,
    /// wₖ, of length p.
    pub weights: &'a [f64],
    /// α (wₖ − w₀), of length p.
    pub displacement: &'a [f64],
    /// R(α h(wₖ)).
    pub loss: f64,
    /// α h(wₖ), of length N.
    pub outputs: &'a [f64],
}

impl GradientDescent {
    /// `iterations` steps from w₀; `watch` sees every iterate, w₀ and the last included.
    ///
    /// # Errors
    /// As [`Flow::initial_outputs`]; [`Error::Value`] unless η is positive; [`Error::Integration`] where the loss is no
    /// longer finite: a step too long for the curvature.
    pub fn descend<H: Differentiable, L: Loss>(
        &self,
        flow: &Flow<H, L>,
        iterations: usize,
        watch: &mut dyn FnMut(Iterate<'_>),
    ) -> Result<()> {
        flow.initial_outputs()?;
        if !(self.step > 0.0 && self.step.is_finite()) {
            return Err(Error::value("step η", self.step, "a positive number"));
        }
        if flow.alpha.is_infinite() {
            return Err(Error::Conflict {
                found: "descent at α = ∞".into(),
                remedy: "descend on the linearized flow: from h(w₀) = 0 its displacement is the same at every α".into(),
            });
        }
        let (p, eps) = (flow.start.len(), flow.eps());
        let (mut u, mut w, mut slope) = (vec![0.0; p], flow.start.clone(), vec![0.0; p]);
        let (mut y, mut loss) = (vec![0.0; flow.map.shape().outputs], 0.0);
        for number in 0..=iterations {
            let mut seed = |h: &[f64], v: &mut [f64]| {
                y.iter_mut().zip(h).for_each(|(y, h)| *y = h / eps);
                loss = flow.loss.value(&y);
                flow.loss.gradient(&y, v);
            };
            flow.map.gradient(&w, &mut seed, &mut slope);
            if !loss.is_finite() {
                return Err(self.diverged(number, loss));
            }
            watch(Iterate { number, weights: &w, displacement: &u, loss, outputs: &y });
            for ((w, w0), (u, slope)) in w.iter_mut().zip(&flow.start).zip(u.iter_mut().zip(&slope))
            {
                *u -= self.step * slope;
                *w = w0 + eps * *u;
            }
        }
        Ok(())
    }

    fn diverged(&self, number: usize, loss: f64) -> Error {
        let detail = format!(
            "the loss is {loss} after {number} steps of {}; take a shorter step, below 2 over the largest curvature",
            self.step
        );
        Error::Integration { failure: Failure::BlowUp, time: number as f64 * self.step, detail }
    }
}

/// At each time the iterate nearest to it.
impl<H: Differentiable, L: Loss> Solver<H, L> for GradientDescent {
    fn solve(&self, flow: &Flow<H, L>, times: &[f64]) -> Result<Path> {
        let last = times.last().copied().unwrap_or(0.0);
        if !last.is_finite() {
            let remedy = "give a finite time: descent has no limit at hand";
            return Err(Error::Conflict {
                found: "descent until t = ∞".into(),
                remedy: remedy.into(),
            });
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates"
        )]
        let nearest = |t: f64| (t / self.step).round() as usize;
        let wanted: Vec<usize> = times.iter().map(|t| nearest(*t)).collect();
        let iterations = nearest(last);
        let mut path = Path {
            alpha: flow.alpha,
            start: flow.start.clone(),
            times: wanted.iter().map(|k| *k as f64 * self.step).collect(),
            displacements: Vec::new(),
            outputs: Vec::new(),
            stop: Stop::Horizon,
            work: Work { steps: iterations, rhs: iterations + 1, ..Work::default() },
            solver: "gradient descent".into(),
            kinks: None,
        };
        self.descend(flow, iterations, &mut |iterate| {
            for _ in wanted.iter().filter(|k| **k == iterate.number) {
                path.displacements.push(iterate.displacement.to_vec());
                path.outputs.push(iterate.outputs.to_vec());
            }
        })?;
        Ok(path)
    }
}
