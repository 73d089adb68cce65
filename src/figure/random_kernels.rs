//! `random-kernels`: tangent kernels of random two-layer networks against the angle, with their limit, and how far they are
//! from it against the width.

use super::axis::Measure;
use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, deviations};

pub(super) const COLUMNS: &[&str] =
    &["width", "draw", "angle", "inner", "outer", "inner_limit", "outer_limit"];

/// Draws shown for each width.
const SHOWN: f64 = 4.0;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Above: the kernel kᵃ + kᵇ of four draws each for a narrow and a wide network; dashed: the limit, eq. 8. \
                 Below: the largest deviation over all angles, mean over the draws; dashed: m^(−1/2).";
    Ok(Picture {
        title: "Random tangent kernels and their limit".into(),
        caption: vec![notes_line(table, &["size"]), words.into()],
        panels: vec![kernels(table)?, distances(table)?],
        ..Picture::default()
    })
}

fn kernels(table: &Table) -> Result<Panel> {
    let measures = (Measure::Linear, Measure::Linear);
    let [width, draw, angle, inner, outer, inner_limit, outer_limit] =
        [0, 1, 2, 3, 4, 5, 6].map(|i| table.column(COLUMNS[i]));
    let (width, draw, angle) = (width?, draw?, angle?);
    let (inner, outer, inner_limit, outer_limit) = (inner?, outer?, inner_limit?, outer_limit?);
    let widths: Vec<f64> = deviations(table)?.into_iter().map(|(m, _)| m).collect();
    let shown = [widths.first(), widths.get(widths.len().saturating_sub(2))];
    let mut curves = Vec::new();
    for (m, colour) in shown.into_iter().flatten().zip([5, 1]) {
        let rows: Vec<usize> =
            (0..table.len()).filter(|i| width[*i] == *m && draw[*i] < SHOWN).collect();
        for rows in rows.chunk_by(|a, b| draw[*a] == draw[*b]) {
            let points = rows.iter().map(|i| (angle[*i], inner[*i] + outer[*i])).collect();
            let curve = Curve::on(measures, Kind::Trail, colour, points);
            let last = draw[rows[0]] == 0.0;
            curves.push(if last { curve.labelled([format!("m = {m}")]) } else { curve });
        }
    }
    let narrow = widths.first().copied().unwrap_or(f64::NAN);
    let first = (0..table.len()).filter(|i| width[*i] == narrow && draw[*i] == 0.0);
    let limit = first.map(|i| (angle[i], inner_limit[i] + outer_limit[i])).collect();
    curves.push(Curve::on(measures, Kind::Theory, 6, limit).labelled(["limit m = ∞".into()]));
    Ok(Panel { x: "angle, rad".into(), y: "kernel".into(), curves, measures, ..Panel::default() })
}

fn distances(table: &Table) -> Result<Panel> {
    let (m, off): (Vec<f64>, Vec<f64>) = deviations(table)?.into_iter().unzip();
    let measured = Curve::new(Kind::Measured, 1, &m, &off).labelled(["largest deviation".into()]);
    let mut curves = vec![measured];
    if let (Some((first, last)), Some(end)) = (m.first().zip(m.last()), off.last()) {
        let ends = [*first, *last];
        let guide = ends.map(|m| end * (m / last).powf(-0.5));
        curves.push(Curve::new(Kind::Theory, 6, &ends, &guide));
    }
    Ok(Panel { x: "width m".into(), y: "distance".into(), curves, ..Panel::default() })
}
