//! `underspecification`: risks in distribution and shifted, of the member the shift was chosen for and of the others.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Ensemble, Table, spreads};

pub(super) const COLUMNS: &[&str] = &["ensemble", "size", "repeat", "member", "iid", "shifted"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Discs: members, which differ in the seed alone; solid: means. In distribution (black) they are alike. The mean of the \
                 inputs then moves against one member: its risk (orange) grows by far more than that of the others (blue), but for \
                 wide lazy networks, whose kernels and errors are alike.";
    let panels = table.distinct("ensemble")?.into_iter().map(|kind| panel(table, kind));
    Ok(Picture {
        title: "Underspecification: same risk, until the data shift".into(),
        caption: vec![notes_line(table, &["size", "model"]), words.into()],
        panels: panels.collect::<Result<_>>()?,
        ..Picture::default()
    })
}

fn panel(table: &Table, kind: f64) -> Result<Panel> {
    let measures = (Measure::Log, Measure::Log);
    let [ensemble, size, member, iid, shifted] =
        ["ensemble", "size", "member", "iid", "shifted"].map(|name| table.column(name));
    let (ensemble, size, member, iid, shifted) = (ensemble?, size?, member?, iid?, shifted?);
    let mut marks = Vec::new();
    for i in (0..table.len()).filter(|i| ensemble[*i] == kind) {
        let colour = if member[i] == 0.0 { 1 } else { 0 };
        for (colour, risk) in [(colour, shifted[i]), (6, iid[i])] {
            if measures.0.shows(size[i]) && measures.1.shows(risk) {
                marks.push(Mark::Dot { colour, at: (size[i], risk), size: 0.5 });
            }
        }
    }
    let all = spreads(table, kind)?;
    let sizes: Vec<f64> = all.iter().map(|s| s.size).collect();
    let curve = |colour: usize, label: &str, values: Vec<f64>| {
        Curve::new(Kind::Measured, colour, &sizes, &values).labelled([label.to_string()])
    };
    let curves = vec![
        curve(1, "shifted, member 0", all.iter().map(|s| s.first.shifted).collect()),
        curve(0, "shifted, others", all.iter().map(|s| s.others.shifted).collect()),
        curve(6, "in distribution", all.iter().map(|s| s.others.iid).collect()),
    ];
    let lazy = kind == Ensemble::Lazy.number();
    let x = if lazy { "neurons m of a lazy network" } else { "random features per dimension N/d" };
    Ok(Panel { x: x.into(), y: "risk".into(), curves, marks, measures, ..Panel::default() })
}
