//! All theorems of the crate, by the word that asks for each.

use super::{
    Along, AlongThePath, Constant, ConvexLoss, FiniteHorizon, Hypothesis, MetricStability,
    MovingMetric, OverParameterized, Quantitative, Quantity, Setting, SharpFiniteHorizon,
    SharpInfiniteHorizon, SolverError, Theorem, UnderParameterized,
};
use crate::constants::{Evidence, Neighbourhood};
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::{Automatic, Comparison, Gap};
use crate::{Error, Result};

/// The words: the paper's theorems and lemmas by their numbers; then ours, 1 to 4 and A, the identity along the path.
pub const NAMES: [&str; 11] = ["2.2", "2.3", "2.4", "2.5", "B.1", "B.2", "1", "2", "3", "4", "A"];

/// The largest N p for which the norm of the change of Dh is computed along the path: N sweeps a node.
const NORMS: usize = 300_000;

/// A theorem's conclusions, with the word that asks for it.
type Named = (&'static str, Box<dyn Theorem>);

/// The word as it stands in [`NAMES`].
///
/// # Errors
/// [`Error::Unknown`] with the nearest word.
pub fn named(word: &str) -> Result<&'static str> {
    let found = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(word));
    found.ok_or_else(|| Error::unknown("theorem", word, NAMES))
}

/// Those whose constants are known before any integration: 2.2 to 2.5, 1 and 2, on [0, `horizon`].
///
/// # Errors
/// As [`Neighbourhood::spectrum`].
pub fn before_training(
    setting: &Setting,
    near: &Neighbourhood<'_>,
    horizon: f64,
    asked: &[&'static str],
) -> Result<Vec<Named>> {
    let mut all = Vec::new();
    let known = setting.evidence;
    // What rests on singular values is no better known than they are.
    let spectral = || Ok::<_, Error>(known.min(near.spectrum()?.evidence));
    for name in NAMES.into_iter().filter(|name| asked.contains(name)) {
        match name {
            "2.2" => extend(
                &mut all,
                name,
                capped(known, FiniteHorizon::for_flow(setting, near, horizon)),
            ),
            "2.3" => extend(
                &mut all,
                name,
                capped(spectral()?, Quantitative::for_flow(setting, near, horizon)?),
            ),
            "2.4" => extend(
                &mut all,
                name,
                capped(spectral()?, OverParameterized::for_flow(setting, near)?),
            ),
            "2.5" => extend(
                &mut all,
                name,
                capped(spectral()?, [UnderParameterized::for_flow(setting, near)?]),
            ),
            "1" => extend(
                &mut all,
                name,
                capped(known, [SharpFiniteHorizon::of(setting, near, horizon)]),
            ),
            "2" => extend(
                &mut all,
                name,
                capped(spectral()?, SharpInfiniteHorizon::conclusions(setting, near)?),
            ),
            _ => {}
        }
    }
    Ok(all)
}

/// Those that are evaluated along the path: B.1, B.2, 3, 4 and A. The lemmas take `run`, which `gap` found at `times`;
/// the others sample the path anew with `gap` as their solver.
///
/// # Errors
/// As [`Gap::solve`].
pub fn along_the_run<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    gap: &Gap,
    run: &Comparison,
    times: &[f64],
    asked: &[&'static str],
) -> Result<Vec<Named>> {
    // What is computed along the path stops where numbers do.
    let finite: Vec<f64> = times.iter().copied().filter(|t| t.is_finite()).collect();
    let end = finite.last().copied().unwrap_or(0.0);
    let shape = flow.map.shape();
    let norms = shape.outputs.saturating_mul(shape.params) <= NORMS;
    let mut all = Vec::new();
    for name in NAMES.into_iter().filter(|name| asked.contains(name)) {
        match name {
            "B.1" => extend(&mut all, name, [MovingMetric::along(flow, &run.curved)?]),
            "B.2" => extend(&mut all, name, [MetricStability::along(flow, &run.curved)?]),
            "3" if end > 0.0 => {
                let found = ConvexLoss::of(flow, &finite, gap)?;
                extend(&mut all, name, [found.displacement, found.weights, found.outputs]);
            }
            "4" if end > 0.0 => {
                let solver = Automatic(gap.options);
                extend(&mut all, name, [SolverError::of(flow, near, &solver, end)?]);
            }
            "A" if end > 0.0 && flow.loss.quadratic().is_some() => {
                let found = AlongThePath::of(flow, &finite, &Along { gap: *gap, norms })?;
                let curves = [found.componentwise, found.scalar].into_iter().chain(found.norm_only);
                extend(&mut all, name, curves);
            }
            _ => {}
        }
    }
    Ok(all)
}

/// One theorem's conclusion on one quantity, for [`least_scale`](super::least_scale) and its like; `None` where the
/// theorem has none on it, or is evaluated along a path.
///
/// # Errors
/// As [`before_training`].
pub fn conclusion(
    setting: &Setting,
    near: &Neighbourhood<'_>,
    horizon: f64,
    name: &'static str,
    quantity: Quantity,
) -> Result<Option<Box<dyn Theorem>>> {
    let all = before_training(setting, near, horizon, &[name])?;
    Ok(all.into_iter().map(|(_, theorem)| theorem).find(|t| t.quantity() == quantity))
}

/// A theorem whose numbers are known no better than `evidence`.
struct Capped<T> {
    theorem: T,
    evidence: Evidence,
}

fn capped<T: Theorem>(
    evidence: Evidence,
    theorems: impl IntoIterator<Item = T>,
) -> impl Iterator<Item = Capped<T>> {
    theorems.into_iter().map(move |theorem| Capped { theorem, evidence })
}

impl<T: Theorem> Theorem for Capped<T> {
    fn name(&self) -> String {
        self.theorem.name()
    }
    fn source(&self) -> &'static str {
        self.theorem.source()
    }
    fn quantity(&self) -> Quantity {
        self.theorem.quantity()
    }
    fn hypotheses(&self) -> Vec<Hypothesis> {
        let cap = |h: Hypothesis| Hypothesis { evidence: h.evidence.min(self.evidence), ..h };
        self.theorem.hypotheses().into_iter().map(cap).collect()
    }
    fn formula(&self, t: f64) -> f64 {
        self.theorem.formula(t)
    }
    fn constants(&self) -> Vec<Constant> {
        let cap = |c: Constant| Constant { evidence: c.evidence.min(self.evidence), ..c };
        self.theorem.constants().into_iter().map(cap).collect()
    }
    fn rate(&self) -> Option<f64> {
        self.theorem.rate()
    }
}

fn extend<T: Theorem + 'static>(
    all: &mut Vec<Named>,
    name: &'static str,
    theorems: impl IntoIterator<Item = T>,
) {
    all.extend(theorems.into_iter().map(|t| (name, Box::new(t) as Box<dyn Theorem>)));
}
