//! What a step costs as models and data grow: p from 10³ to 10⁶ at N = 200, N from 50 to 1600 at p = 10⁵.
//!
//! A step of the exponential method is a right-hand side or two, a product with J₀, one with J₀ᵀ (all O(N p)) and two with
//! the N × N eigenvectors. It is measured as the difference of two solves of one flow, a tight one and a loose one, over
//! the difference of their steps: what comes before the first step, the kernel and its modes, cancels.

use super::Table;
use crate::Result;
use crate::flow::Flow;
use crate::loss::{Square, SquareScale};
use crate::model::{Centred, Initialization, Scaling, TwoLayer};
use crate::random::Generator;
use crate::solve::{Automatic, Options};
use nalgebra::DMatrix;

/// Tolerances of the two solves.
const TOLERANCES: [f64; 2] = [1e-3, 1e-10];

/// Small sizes are solved again and again, until so many seconds are spent or so many solves made.
const ENOUGH: (f64, usize) = (2.0, 200);

/// The horizon, in units in which the fastest mode takes about one: some decades of stiffness.
const HORIZON: f64 = 1e3;

/// Which sizes are measured.
#[derive(Debug, Clone, PartialEq)]
pub struct StepCost {
    /// p, at `fixed_samples` samples.
    pub params: Vec<usize>,
    /// N, at `fixed_params` parameters.
    pub samples: Vec<usize>,
    /// N of the first series.
    pub fixed_samples: usize,
    /// p of the second series.
    pub fixed_params: usize,
    /// Dimension of the inputs.
    pub dimension: usize,
    /// α.
    pub alpha: f64,
    /// Solves of each kind at least, of which the quickest counts.
    pub repeats: usize,
    /// Seed of inputs, targets and weights.
    pub seed: u64,
}

impl Default for StepCost {
    /// The sizes above, inputs on the sphere of R¹⁰⁰, α = 1000: a minute or two.
    fn default() -> Self {
        StepCost {
            params: vec![1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000],
            samples: vec![50, 100, 200, 400, 800, 1600],
            fixed_samples: 200,
            fixed_params: 100_000,
            dimension: 100,
            alpha: 1000.0,
            repeats: 3,
            seed: 0,
        }
    }
}

/// The flow of one size, solved at both tolerances.
struct Measured {
    params: usize,
    samples: usize,
    /// Right-hand sides, steps and seconds of each solve.
    solves: [(usize, usize, f64); 2],
}

impl StepCost {
    /// A row per size: sizes, right-hand sides, steps and seconds of the tight solve, and seconds per step, in the column
    /// of the series that the size belongs to. `clock` tells the seconds spent so far; all but seconds is the same every
    /// time.
    ///
    /// # Errors
    /// As for the networks and their flows.
    pub fn table(&self, clock: &dyn Fn() -> f64) -> Result<Table> {
        let mut table = Table::new(&[
            ("params", "p"),
            ("samples", "N"),
            ("rhs", "evaluations"),
            ("steps", ""),
            ("seconds", "s"),
            ("step_against_params", "s"),
            ("step_against_samples", "s"),
        ])
        .note("network", format!("two-layer tanh on the sphere of R^{}", self.dimension))
        .note("alpha", self.alpha)
        .note("N in the first panel", self.fixed_samples)
        .note("p in the second", self.fixed_params)
        .note("rtol", format!("{:e}", TOLERANCES[1]))
        .note("seed", self.seed);
        let first = self.params.iter().map(|&params| (params, self.fixed_samples));
        let second = self.samples.iter().map(|&samples| (self.fixed_params, samples));
        for (size, is_first) in first.map(|s| (s, true)).chain(second.map(|s| (s, false))) {
            let found = self.measure(size, clock)?;
            let [(_, few, short), (rhs, many, long)] = found.solves;
            let step = (long - short) / count(many.saturating_sub(few));
            let [against_params, against_samples] =
                if is_first { [step, f64::NAN] } else { [f64::NAN, step] };
            let sizes = [found.params, found.samples, rhs, many].map(count);
            table.push(&[&sizes[..], &[long, against_params, against_samples]].concat())?;
        }
        Ok(table)
    }

    fn measure(
        &self,
        (params, samples): (usize, usize),
        clock: &dyn Fn() -> f64,
    ) -> Result<Measured> {
        let generator = Generator::seeded(self.seed);
        let mut draws = generator.split("inputs");
        let inputs: Vec<f64> = (0..samples).flat_map(|_| draws.sphere(self.dimension)).collect();
        let inputs = DMatrix::from_vec(self.dimension, samples, inputs);
        let target: Vec<f64> = inputs.column_iter().map(|x| (3.0 * x[0]).sin() - x[1]).collect();
        // An input weight per dimension and one for the output.
        let width = (params / (self.dimension + 1)).max(1);
        let net = TwoLayer { width, scaling: Scaling::InverseSqrtWidth, ..TwoLayer::default() };
        let net = net.on(inputs)?;
        let mut draws = generator.split("weights");
        let start = Initialization::Gaussian(1.0).weights(&net, &mut || draws.gaussian());
        let params = net.params();
        let loss = Square::to(target).scaled(SquareScale::HalfMean);
        let mut solves = [(0, 0, f64::INFINITY); 2];
        let begun = clock();
        for round in 0.. {
            let enough = clock() - begun > ENOUGH.0 || round >= ENOUGH.1;
            if round >= self.repeats && enough {
                break;
            }
            for (found, rtol) in solves.iter_mut().zip(TOLERANCES) {
                // A clone comes without what the network remembers: every solve does all of the work.
                let map = Centred::at(net.clone(), &start);
                let flow = Flow::new(map, loss.clone(), start.clone()).scaled(self.alpha);
                let options = Options { rtol, ..Options::default() };
                let before = clock();
                let work = flow.solve(&Automatic(options), &[HORIZON])?.work;
                *found = (work.rhs, work.steps, found.2.min(clock() - before));
            }
        }
        Ok(Measured { params, samples, solves })
    }
}

#[allow(clippy::cast_precision_loss, reason = "a count")]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// With a clock that ticks at every look a solve takes one tick, whatever it does.
    #[test]
    fn rows_and_counts_come_out_and_seconds_are_the_clocks() -> Result<()> {
        let small = StepCost {
            params: vec![100, 200],
            samples: vec![5],
            fixed_samples: 7,
            fixed_params: 150,
            dimension: 4,
            ..StepCost::default()
        };
        let ticks = Cell::new(0.0);
        let tick = || ticks.replace(ticks.get() + 1.0);
        let table = small.table(&tick)?;
        assert_eq!(table.column("params")?, [100.0, 200.0, 150.0]);
        assert_eq!(table.column("samples")?, [7.0, 7.0, 5.0]);
        assert_eq!(table.column("seconds")?, [1.0; 3]);
        assert_eq!(table.column("step_against_params")?[..2], [0.0; 2]);
        assert!(table.column("step_against_samples")?[..2].iter().all(|step| step.is_nan()));
        assert!(table.column("rhs")?.iter().zip(table.column("steps")?).all(|(rhs, n)| rhs > n));
        Ok(())
    }
}
