//! All theorems of the crate, by the word that asks for each.

use super::{Setting, SharpFiniteHorizon, SharpInfiniteHorizon, Theorem};
use crate::constants::Neighbourhood;
use crate::flow::Flow;
use crate::loss::Loss;
use crate::model::Differentiable;
use crate::solve::Gap;
use crate::{Error, Result};

/// The words: the paper's theorems and lemmas by their numbers; then ours, 1 to 4 and A, the identity along the path.
pub const NAMES: [&str; 11] = ["2.2", "2.3", "2.4", "2.5", "B.1", "B.2", "1", "2", "3", "4", "A"];

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
    let mut all: Vec<(&'static str, Box<dyn Theorem>)> = Vec::new();
    for name in NAMES.into_iter().filter(|name| asked.contains(name)) {
        match name {
            "1" => all.push((name, Box::new(SharpFiniteHorizon::of(&setting, near, horizon)))),
            "2" => {
                let conclusions = SharpInfiniteHorizon::conclusions(&setting, near)?;
                all.extend(conclusions.map(|c| (name, Box::new(c) as Box<dyn Theorem>)));
            }
            _ => {}
        }
    }
    let _ = gap;
    Ok(all)
}
