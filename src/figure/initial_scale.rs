//! `initial-scale`: test loss against the scale τ of the start, at the end of training and at its best, with the exact
//! values of the linearization.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, by_scale};

pub(super) const COLUMNS: &[&str] = &["tau", "end", "best", "linear_end", "linear_best"];

/// The paper's unit.
const UNIT: f64 = 1e3;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let measures = (Measure::Log, Measure::Linear);
    let (mut curves, mut marks) = (Vec::new(), Vec::new());
    let quantities = [
        ("end", "linear_end", 1, "end of training"),
        ("best", "linear_best", 0, "best on the way"),
    ];
    for (name, linear, colour, words) in quantities {
        let all = by_scale(table, name)?;
        let points = all.iter().map(|(tau, mean, _)| (*tau, UNIT * mean)).collect();
        let band = all.iter().filter(|(.., deviation)| deviation.is_finite());
        let around =
            |(tau, mean, off): &(f64, f64, f64)| (*tau, UNIT * (mean - off), UNIT * (mean + off));
        marks.push(Mark::Band { colour, points: band.map(around).collect() });
        curves.push(Curve::on(measures, Kind::Measured, colour, points).labelled([words.into()]));
        let exact = by_scale(table, linear)?;
        let exact = exact.iter().map(|(tau, mean, _)| (*tau, UNIT * mean)).collect();
        curves.push(Curve::on(measures, Kind::Linearized, colour, exact));
    }
    let words = "Solid: descent, mean over the repetitions; tinted: ± one standard deviation. Thin: the linearization trained \
                 for the same time, in closed form. Large τ is lazy, and lies on its linearization.";
    let panel = Panel {
        x: "scale of the start τ".into(),
        y: "10³ × test loss".into(),
        curves,
        marks,
        measures,
        ..Panel::default()
    };
    Ok(Picture::single(
        "Lazy training generalizes worse",
        notes_line(table, &["size"]),
        words,
        panel,
    ))
}
