//! `scaling`: what a step of a solve costs against the number of parameters and of samples; the dashed guides are linear
//! and pass through the last point.

use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::Table;

pub(super) const COLUMNS: &[&str] =
    &["params", "samples", "step_against_params", "step_against_samples"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let panels = vec![
        panel(table, 0, ("params", "step_against_params"), "parameters p")?,
        panel(table, 1, ("samples", "step_against_samples"), "samples N")?,
    ];
    let words = "Solid: processor seconds of a step, the difference of a tight and a loose solve over that of their \
                 steps. Dashed: linear, through the last point.";
    Ok(Picture {
        title: "What a step costs".into(),
        caption: vec![notes_line(table, &[]), words.into()],
        panels,
        ..Picture::default()
    })
}

fn panel(table: &Table, colour: usize, (x, y): (&str, &str), title: &str) -> Result<Panel> {
    let measured = Curve::new(Kind::Measured, colour, table.column(x)?, table.column(y)?);
    let mut curves = Vec::new();
    if let (Some(first), Some(last)) = (measured.points.first(), measured.points.last()) {
        let ends = [first.0, last.0];
        let guide = ends.map(|x| last.1 * (x / last.0));
        curves.push(Curve::new(Kind::Theory, colour, &ends, &guide));
    }
    let label = ["measured".to_string(), "dashed: linear".to_string()];
    curves.push(measured.labelled(label));
    Ok(Panel { x: title.into(), y: "seconds a step".into(), curves, ..Panel::default() })
}
