//! `underspecification`: risks in distribution and shifted, of the member the shift was chosen for and of the others.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Ensemble, Table, spreads};

pub(super) const COLUMNS: &[&str] = &["ensemble", "size", "repeat", "member", "iid", "shifted"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Discs: members, which differ in the seed alone; solid: means. In distribution (black) they are alike. The mean of the \
                 inputs then moves against one member: its risk (red) grows by far more than that of the others (blue).";
    Ok(Picture {
        title: "Underspecification: same risk, until the data shift".into(),
        caption: vec![notes_line(table, &["size", "model"]), words.into()],
        panels: vec![
            panel(table, Ensemble::RandomFeatures, "random features per dimension N/d")?,
            panel(table, Ensemble::Lazy, "neurons m of a lazy network")?,
        ],
        ..Picture::default()
    })
}

fn panel(table: &Table, kind: Ensemble, x: &str) -> Result<Panel> {
    let measures = (Measure::Log, Measure::Log);
    let [ensemble, size, member, iid, shifted] =
        ["ensemble", "size", "member", "iid", "shifted"].map(|name| table.column(name));
    let (ensemble, size, member, iid, shifted) = (ensemble?, size?, member?, iid?, shifted?);
    let mut marks = Vec::new();
    for i in (0..table.len()).filter(|i| ensemble[*i] == kind as u8 as f64) {
        let colour = if member[i] == 0.0 { 1 } else { 0 };
        marks.push(Mark::Dot { colour, at: (size[i], shifted[i]), size: 0.5 });
        marks.push(Mark::Dot { colour: 6, at: (size[i], iid[i]), size: 0.5 });
    }
    let all = spreads(table, kind)?;
    let sizes: Vec<f64> = all.iter().map(|s| s.size).collect();
    let curve = |colour: usize, label: &str, values: Vec<f64>| {
        Curve::new(Kind::Measured, colour, &sizes, &values).labelled([label.to_string()])
    };
    let curves = vec![
        curve(1, "shifted, member 0", all.iter().map(|s| s.shifted.0).collect()),
        curve(0, "shifted, others", all.iter().map(|s| s.shifted.1).collect()),
        curve(6, "in distribution", all.iter().map(|s| s.iid.1).collect()),
    ];
    Ok(Panel { x: x.into(), y: "risk".into(), curves, marks, measures, ..Panel::default() })
}
