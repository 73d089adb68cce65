//! `paths`: one run in time. Above, the loss along the flow and along its linearization; below, how far the weights
//! went and how far the two flows came apart. Logarithmic time; what is zero (the gap at the start) is not drawn.

use super::picture::{Curve, Kind, Panel, Picture, notes_line, unshown};
use crate::Result;
use crate::experiment::Table;

pub(super) const COLUMNS: &[&str] =
    &["time", "loss", "linear_loss", "w_gap", "outputs_gap", "displacement"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let mut remarks = vec!["Solid: the flow. Thin: its linearization.".to_string()];
    let mut curve = |kind, colour, name: &str, symbol: &str| -> Result<Curve> {
        let values = table.column(name)?;
        remarks.extend(unshown(symbol, values));
        let curve = Curve::new(kind, colour, table.column("time")?, values);
        Ok(curve.labelled([symbol.to_string()]))
    };
    let losses = vec![
        curve(Kind::Measured, 0, "loss", "R(y)")?,
        curve(Kind::Linearized, 6, "linear_loss", "R(ȳ), linearized")?,
    ];
    let distances = vec![
        curve(Kind::Measured, 0, "displacement", "‖w − w₀‖")?,
        curve(Kind::Measured, 1, "w_gap", "‖w − w̄‖")?,
        curve(Kind::Measured, 2, "outputs_gap", "‖y − ȳ‖")?,
    ];
    let panels = vec![
        Panel { y: "loss".into(), curves: losses, ..Panel::default() },
        Panel { x: "time t".into(), y: "distance".into(), curves: distances, ..Panel::default() },
    ];
    let caption = vec![notes_line(table, &[]), remarks.join(" ")];
    Ok(Picture {
        title: "The flow and its linearization".into(),
        caption,
        panels,
        ..Picture::default()
    })
}
