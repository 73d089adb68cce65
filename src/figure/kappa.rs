//! `kappa-width`: the laziness κ of two-layer networks against their width, one curve per scaling m^(−a); the dashed
//! guides have the slopes of theory and pass through the last point.

use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use super::style::minus;
use crate::Result;
use crate::experiment::{EXPONENTS, Table, expected_slope, kappa_column};

pub(super) const COLUMNS: &[&str] = &[
    "width",
    "kappa a=0.25",
    "kappa a=0.5",
    "kappa a=0.75",
    "kappa a=1",
    "symmetrized a=0.25",
    "symmetrized a=0.5",
    "symmetrized a=0.75",
    "symmetrized a=1",
];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let panels =
        [panel(table, "kappa", "κ, any start")?, panel(table, "symmetrized", "κ, h(w₀) = 0")?];
    let words = "Solid: mean of κ over the draws. Dashed: the slope of theory through the last point, \
                 κ ∝ m^(−1/2) + m^(a−1); without the first term where h(w₀) = 0. At a = 1 (mean field) wide is not lazy.";
    Ok(Picture {
        title: "How width makes a two-layer network lazy".into(),
        caption: vec![notes_line(table, &[]), words.into()],
        panels: panels.into(),
        ..Picture::default()
    })
}

fn panel(table: &Table, kind: &str, title: &str) -> Result<Panel> {
    let widths = table.column("width")?;
    let mut curves = Vec::new();
    for (colour, a) in EXPONENTS.into_iter().enumerate() {
        let measured =
            Curve::new(Kind::Measured, colour, widths, table.column(&kappa_column(kind, a))?);
        let slope = expected_slope(kind, a);
        if let (Some(first), Some(last)) = (measured.points.first(), measured.points.last()) {
            let ends = [first.0, last.0];
            let guide = ends.map(|m| last.1 * (m / last.0).powf(slope));
            curves.push(Curve::new(Kind::Theory, colour, &ends, &guide));
        }
        let label = [format!("a = {a}"), minus(&format!("theory: slope {slope}"))];
        curves.push(measured.labelled(label));
    }
    Ok(Panel { x: "width m".into(), y: title.into(), curves, ..Panel::default() })
}
