//! `conv-scales` and `conv-losses`: accuracy and stability, and losses, of a convolutional network against its scale α, with
//! the exact linearization.

use super::axis::Measure;
use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::Table;

pub(super) const ACCURACY_COLUMNS: &[&str] =
    &["alpha", "train_accuracy", "test_accuracy", "stability"];
pub(super) const LOSS_COLUMNS: &[&str] = &["alpha", "train_loss", "test_loss"];

/// A column, its colour and its label.
type Quantity = (&'static str, usize, &'static str);

pub(super) fn accuracies(table: &Table) -> Result<Picture> {
    let words = "Solid: at the end of training, on images as they are; stability: units of relu whose sign at a test image is that \
                 at the start. Dashed: the exact linearization (α = ∞), trained in the same way.";
    let quantities = [
        ("train_accuracy", 1, "train accuracy"),
        ("test_accuracy", 0, "test accuracy"),
        ("stability", 2, "stability"),
    ];
    drawn(table, &quantities, "per cent", "Lazy convolutional networks learn less", words)
}

pub(super) fn losses(table: &Table) -> Result<Picture> {
    let words = "Solid: R(α h) at the end of training, on images as they are. Dashed: the exact linearization (α = ∞), trained in the \
                 same way. Outputs of zero have the loss 0.1.";
    let quantities = [("train_loss", 1, "train loss"), ("test_loss", 0, "test loss")];
    drawn(
        table,
        &quantities,
        "mean square",
        "Losses of a convolutional network against its scale",
        words,
    )
}

fn drawn(
    table: &Table,
    quantities: &[Quantity],
    unit: &str,
    title: &str,
    words: &str,
) -> Result<Picture> {
    let measures = (Measure::Log, Measure::Linear);
    let alpha = table.column("alpha")?;
    let finite = || alpha.iter().copied().filter(|a| a.is_finite());
    let ends = [finite().fold(f64::INFINITY, f64::min), finite().fold(0.0, f64::max)];
    let mut curves = Vec::new();
    for (name, colour, label) in quantities {
        let values = table.column(name)?;
        let points = alpha.iter().copied().zip(values.iter().copied()).collect();
        let measured = Curve::on(measures, Kind::Measured, *colour, points);
        curves.push(measured.labelled([(*label).to_string()]));
        if let Some(limit) = alpha.iter().position(|a| a.is_infinite()) {
            let level = ends.map(|a| (a, values[limit])).to_vec();
            curves.push(Curve::on(measures, Kind::Theory, *colour, level));
        }
    }
    let panel =
        Panel { x: "scale α".into(), y: unit.into(), curves, measures, ..Panel::default() };
    Ok(Picture::single(title, notes_line(table, &["size", "at most"]), words, panel))
}
