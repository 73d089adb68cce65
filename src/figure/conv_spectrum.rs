//! `conv-spectrum`: eigenvalues of a convolutional network's tangent kernel at its start, on images and on random pixels.

use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, spectrum};

pub(super) const COLUMNS: &[&str] = &["random", "index", "eigenvalue"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let mut curves = Vec::new();
    for (random, colour, label) in [(0.0, 1, "images"), (1.0, 0, "random pixels")] {
        let values = spectrum(table, random)?;
        // From 1, which a log axis can show.
        let index: Vec<f64> = (1..=values.len()).map(|i| i as f64).collect();
        curves.push(Curve::new(Kind::Trail, colour, &index, &values).labelled([label.to_string()]));
    }
    if let Some((i, value)) = curves[0].points.get(20).copied() {
        let last = curves[0].points.len() as f64;
        let guide = [value, value * i / last];
        curves
            .push(Curve::new(Kind::Theory, 6, &[i, last], &guide).labelled(["∝ 1/i".to_string()]));
    }
    let words = "The ten largest, one per output, stand apart; the others fall about as 1/i.";
    let panel = Panel {
        x: "number i of the eigenvalue".into(),
        y: "eigenvalue over the largest".into(),
        curves,
        ..Panel::default()
    };
    Ok(Picture::single(
        "The spectrum of the tangent kernel at the start",
        notes_line(table, &["size"]),
        words,
        panel,
    ))
}
