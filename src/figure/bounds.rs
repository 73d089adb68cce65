//! `divergence-bounds`: how far a flow and its linearization come apart, under every bound that applies. Above in time,
//! at one α; below the supremum over time against α. Rows of the table with `in_time` = 1 belong above.

use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use super::style::number_label;
use crate::Result;
use crate::experiment::Table;

pub(super) const COLUMNS: &[&str] = &["in_time", "alpha", "time", "outputs_gap"];

/// Bounds drawn where the table has them: column, label, colour. The paper's first, ours after.
const BOUNDS: [(&str, &str, usize); 6] = [
    ("theorem_2_3", "Theorem 2.3 (paper)", 1),
    ("theorem_2_4", "Theorem 2.4 (paper)", 4),
    ("theorem_1", "Theorem 1 (ours)", 2),
    ("theorem_2", "Theorem 2 (ours)", 3),
    ("along_scalar", "along the path, scalar", 5),
    ("along_componentwise", "along the path, by component", 6),
];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let marks = table.column("in_time")?;
    let (above, below): (Vec<usize>, Vec<usize>) = (0..marks.len()).partition(|&i| marks[i] >= 0.5);
    let panels = vec![
        panel(table, &above, "time", "time t", "‖y − ȳ‖")?,
        panel(table, &below, "alpha", "scale α", "sup over time")?,
    ];
    let mut words =
        "Solid: measured. Dashed: bounds, drawn only where all their hypotheses hold.".to_string();
    let alphas = table.column("alpha")?;
    if let Some(alpha) = above.first().map(|&row| alphas[row]).filter(|alpha| !alpha.is_nan()) {
        words.push_str(&format!(" Above: α = {}.", number_label(alpha)));
    }
    Ok(Picture {
        title: "The gap of the outputs and who bounds it".into(),
        caption: vec![notes_line(table, &[]), words],
        panels,
        ..Picture::default()
    })
}

fn panel(table: &Table, rows: &[usize], axis: &str, x: &str, y: &str) -> Result<Panel> {
    let taken = |name: &str| -> Result<Vec<f64>> {
        let values = table.column(name)?;
        Ok(rows.iter().map(|&i| values[i]).collect())
    };
    let abscissa = taken(axis)?;
    let measured = Curve::new(Kind::Measured, 0, &abscissa, &taken("outputs_gap")?);
    let mut curves = vec![measured.labelled(["measured".to_string()])];
    for (name, label, colour) in BOUNDS {
        if let Ok(values) = taken(name) {
            let curve = Curve::new(Kind::Theory, colour, &abscissa, &values);
            if !curve.points.is_empty() {
                curves.push(curve.labelled([label.to_string()]));
            }
        }
    }
    Ok(Panel { x: x.into(), y: y.into(), curves, ..Panel::default() })
}
