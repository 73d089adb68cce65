//! `widths`: test loss against the width of two-layer networks, for the scalings 1/√m and 1/m.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, by_width};

pub(super) const COLUMNS: &[&str] = &["width", "exponent", "test", "train"];

/// The paper's unit.
const UNIT: f64 = 0.1;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let measures = (Measure::Log, Measure::Linear);
    let (mut curves, mut marks) = (Vec::new(), Vec::new());
    for (a, colour, label) in [(0.5, 1, "1/√m, lazy"), (1.0, 0, "1/m, mean field")] {
        let all = by_width(table, "test", a)?;
        let points = all.iter().map(|(m, mean, _)| (*m, UNIT * mean)).collect();
        curves.push(Curve::on(measures, Kind::Measured, colour, points).labelled([label.into()]));
        let (width, exponent, test) =
            (table.column("width")?, table.column("exponent")?, table.column("test")?);
        let runs = (0..table.len()).filter(|i| exponent[*i] == a && test[*i].is_finite());
        marks.extend(runs.map(|i| Mark::Dot { colour, at: (width[i], UNIT * test[i]), size: 0.5 }));
    }
    let words = "Dots: single runs. Lines: their mean. At small m runs end in the teacher or in a poor local minimum; from m = 32 on the \
                 ratio of the lines settles.";
    let panel = Panel {
        x: "width m".into(),
        y: "0.1 × test loss".into(),
        curves,
        marks,
        measures,
        ..Panel::default()
    };
    Ok(Picture::single(
        "Wide networks are lazy under 1/√m, and generalize worse",
        notes_line(table, &["size"]),
        words,
        panel,
    ))
}
