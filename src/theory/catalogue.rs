//! All theorems of the crate, by the word that asks for each.

use super::{
    Along, AlongThePath, ConvexLoss, Setting, SharpFiniteHorizon, SharpInfiniteHorizon,
    SolverError, Theorem,
};
use crate::constants::Neighbourhood;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::{Automatic, Gap};
use crate::{Error, Result};

/// The words: the paper's theorems and lemmas by their numbers; then ours, 1 to 4 and A, the identity along the path.
pub const NAMES: [&str; 11] = ["2.2", "2.3", "2.4", "2.5", "B.1", "B.2", "1", "2", "3", "4", "A"];

/// The largest N p for which the norm of the change of Dh is computed along the path: N sweeps a node.
const NORMS: usize = 300_000;

/// The word as it stands in [`NAMES`].
///
/// # Errors
/// [`Error::Unknown`] with the nearest word.
pub fn named(word: &str) -> Result<&'static str> {
    let found = NAMES.into_iter().find(|name| name.eq_ignore_ascii_case(word));
    found.ok_or_else(|| Error::unknown("theorem", word, NAMES))
}

/// The theorems whose word is among `asked`, in the order of [`NAMES`], with their constants filled in for the flow on
/// [0, T], T the last of `times`; those along the path are evaluated at `times`, with `gap` as their solver.
///
/// # Errors
/// As [`Gap::solve`] and [`Neighbourhood::spectrum`].
pub fn theorems<H: Differentiable, L: Loss>(
    flow: &Flow<H, L>,
    near: &Neighbourhood<'_>,
    gap: &Gap,
    times: &[f64],
    asked: &[&'static str],
) -> Result<Vec<(&'static str, Box<dyn Theorem>)>> {
    let setting = Setting::of(flow)?;
    let horizon = times.last().copied().unwrap_or(0.0);
    // What is computed along the path stops where numbers do.
    let finite: Vec<f64> = times.iter().copied().filter(|t| t.is_finite()).collect();
    let end = finite.last().copied().unwrap_or(0.0);
    let shape = flow.map.shape();
    let affordable = shape.outputs.saturating_mul(shape.params) <= NORMS;
    let mut all: Vec<(&'static str, Box<dyn Theorem>)> = Vec::new();
    for name in NAMES.into_iter().filter(|name| asked.contains(name)) {
        match name {
            "1" => all.push((name, Box::new(SharpFiniteHorizon::of(&setting, near, horizon)))),
            "2" => {
                let conclusions = SharpInfiniteHorizon::conclusions(&setting, near)?;
                all.extend(conclusions.map(|c| (name, Box::new(c) as Box<dyn Theorem>)));
            }
            "3" => {
                let found = ConvexLoss::of(flow, &finite, gap)?;
                let curves = [found.displacement, found.weights, found.outputs];
                all.extend(curves.map(|c| (name, Box::new(c) as Box<dyn Theorem>)));
            }
            "4" if end > 0.0 => {
                let solver = Automatic(gap.options);
                all.push((name, Box::new(SolverError::of(flow, near, &solver, end)?)));
            }
            "A" if setting.square.is_some() => {
                let found =
                    AlongThePath::of(flow, &finite, &Along { gap: *gap, norms: affordable })?;
                let curves = [found.componentwise, found.scalar].into_iter().chain(found.norm_only);
                all.extend(curves.map(|c| (name, Box::new(c) as Box<dyn Theorem>)));
            }
            _ => {}
        }
    }
    Ok(all)
}
