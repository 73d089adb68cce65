//! κ against width: how wide two-layer networks become lazy, and at which scaling they do not.
//!
//! `h_m(w) = m^(−a) Σⱼ aⱼ φ(bⱼ·x)` with m neurons drawn independently. Chizat et al. (2019, §1.2 and appendix A.2) bound
//! E κ(w₀) by m^(−½) + (m α(m))^(−1), α(m) = m^(−a), in the corrected form ([`width_exponent`]): the wide limit is lazy
//! for a < 1 and is not for the mean-field scaling a = 1. Where h(w₀) = 0 (symmetrized) the first term is absent.
//!
//! κ of m^(−a) h is κ_αh at α = m^(−a), so each network is drawn and measured once for all exponents.

use super::{Check, Desk, Experiment, Rows, Table};
use crate::Result;
use crate::constants::{Laziness, Neighbourhood, width_exponent};
use crate::flow::Flow;
use crate::loss::Square;
use crate::model::{Centred, Differentiable, Scaling, TwoLayer};
use crate::random::Generator;
use nalgebra::DMatrix;

/// The exponents a shown: m^(−¼) to the mean-field m^(−1).
pub const EXPONENTS: [f64; 4] = [0.25, 0.5, 0.75, 1.0];

/// What is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct KappaWidth {
    /// Widths m.
    pub widths: Vec<usize>,
    /// Networks per width; κ is averaged over them.
    pub draws: usize,
    /// Dimension of the inputs.
    pub dimension: usize,
    /// Samples, N.
    pub samples: usize,
    /// Seed of inputs, targets and weights.
    pub seed: u64,
}

impl Default for KappaWidth {
    /// m = 16, 64, …, 4096, eight draws, four samples of dimension three: some seconds.
    fn default() -> Self {
        KappaWidth {
            widths: (2..=6).map(|k| 1 << (2 * k)).collect(),
            draws: 8,
            dimension: 3,
            samples: 4,
            seed: 0,
        }
    }
}

impl KappaWidth {
    /// A row per width: mean κ for each exponent, plain and symmetrized. ‖D²h‖ is the certified upper bound.
    ///
    /// # Errors
    /// As for the networks and their constants.
    pub fn table(&self) -> Result<Table> {
        let mut table = self.blank();
        for &width in &self.widths {
            table.push(&self.row(width)?)?;
        }
        Ok(table)
    }

    fn row(&self, width: usize) -> Result<Vec<f64>> {
        let generator = Generator::seeded(self.seed);
        let inputs = {
            let mut draw = generator.split("inputs");
            DMatrix::from_vec(
                self.dimension,
                self.samples,
                draw.gaussians(self.dimension * self.samples),
            )
        };
        let targets = generator.split("targets").gaussians(self.samples);
        let net = TwoLayer { width, scaling: Scaling::One, ..TwoLayer::default() }.on(inputs)?;
        let mut sums = [0.0; 2 * EXPONENTS.len()];
        for draw in 0..self.draws {
            let mut weights = generator.split(&format!("weights {width} {draw}"));
            let bound = 3.0_f64.sqrt();
            let start: Vec<f64> =
                (0..net.params()).map(|_| weights.uniform(-bound, bound)).collect();
            // Centring changes h(w₀), not its derivatives.
            let near = Neighbourhood::of(&net, &start)?;
            let centred = Centred::at(&net, &start);
            let plain = kappas(&net, &near, &targets, width)?;
            let found = [plain, kappas(&centred, &near, &targets, width)?];
            sums.iter_mut().zip(found.concat()).for_each(|(sum, kappa)| *sum += kappa);
        }
        let means = sums.iter().map(|sum| sum / self.draws as f64);
        Ok(std::iter::once(width as f64).chain(means).collect())
    }
}

/// A run is a width.
impl Experiment for KappaWidth {
    fn blank(&self) -> Table {
        let mut names = vec![("width".to_string(), "m")];
        for kind in ["kappa", "symmetrized"] {
            names.extend(EXPONENTS.map(|a| (column(kind, a), "")));
        }
        let columns: Vec<(&str, &str)> =
            names.iter().map(|(n, unit)| (n.as_str(), *unit)).collect();
        Table::new(&columns)
            .note(
                "network",
                format!("two-layer tanh, {} samples in R^{}", self.samples, self.dimension),
            )
            .note("weights", "uniform on [−√3, √3]")
            .note("draws", self.draws)
            .note("seed", self.seed)
    }

    fn runs(&self) -> usize {
        self.widths.len()
    }

    fn label(&self, run: usize) -> String {
        format!("m = {}", self.widths[run])
    }

    fn run(&self, run: usize, _: &Desk<'_>) -> Result<Rows> {
        Ok(vec![self.row(self.widths[run])?])
    }

    /// Slopes of log κ against log m over the last three widths.
    fn checks(&self, table: &Table) -> Result<Vec<Check>> {
        let widths = table.column("width")?;
        let Some(from) = widths.len().checked_sub(3) else { return Ok(Vec::new()) };
        let mut checks = Vec::new();
        for kind in ["kappa", "symmetrized"] {
            for a in EXPONENTS {
                let kappa = table.column(&column(kind, a))?;
                let last = widths.len() - 1;
                let slope = (kappa[last] / kappa[from]).ln() / (widths[last] / widths[from]).ln();
                let theory = expected_slope(kind, a);
                let words = format!("slope of {kind} in m, scaling m^(−{a})");
                checks.push(Check::new(words, theory, (theory - 0.1, theory + 0.1), slope));
            }
        }
        Ok(checks)
    }
}

/// The name of a column of the table: `kappa a=0.5`, `symmetrized a=0.5`.
pub fn column(kind: &str, a: f64) -> String {
    format!("{kind} a={a}")
}

/// The slope that theory gives to such a column.
pub fn expected_slope(kind: &str, a: f64) -> f64 {
    width_exponent(a, kind == "symmetrized")
}

/// κ of m^(−a) h for every exponent.
#[allow(clippy::cast_precision_loss, reason = "a width")]
fn kappas(
    map: &dyn Differentiable,
    near: &Neighbourhood<'_>,
    targets: &[f64],
    width: usize,
) -> Result<Vec<f64>> {
    let flow = Flow::new(map, Square::to(targets.to_vec()), near.start());
    let lazy = Laziness::of(&flow, near)?;
    let kappa =
        |a: f64| lazy.as_ref().map_or(f64::NAN, |l| l.at_scale((width as f64).powf(-a)).upper);
    Ok(EXPONENTS.map(kappa).to_vec())
}
