//! `true-random-labels` and `complexity-measure`: how fast labels are learnt, and how well, by the eigenvectors of H∞.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Labels, Table, grouped, learnt};

pub(super) const SPEED_COLUMNS: &[&str] = &["labels", "step", "residual", "predicted", "width"];
pub(super) const MEASURE_COLUMNS: &[&str] = &["share", "measure", "test_error"];

/// Residuals below are off the panel.
const LOWEST: f64 = 1e-3;

pub(super) fn speeds(table: &Table) -> Result<Picture> {
    let measures = (Measure::Linear, Measure::Log);
    let words = "Solid: descent of a wide network, ‖y − u‖/‖y‖. Dashed: what the projections of y on the eigenvectors of H∞ \
                 predict, √(Σ (1 − ηλ)²ᵏ (v·y)²), exact as the width grows.";
    let mut curves = Vec::new();
    let colours = [2, 0, 1, 3].into_iter().cycle();
    for (kind, colour) in table.distinct("labels")?.into_iter().zip(colours) {
        let rows = learnt(table, kind)?;
        let of = |value: &dyn Fn(&(f64, f64, f64)) -> f64| {
            let points = rows.iter().map(|row| (row.0, value(row)));
            points.filter(|(_, v)| *v > LOWEST).collect::<Vec<_>>()
        };
        let known = Labels::ALL.into_iter().zip(0..).find(|(_, k)| f64::from(*k) == kind);
        let label = known.map_or_else(|| kind.to_string(), |(labels, _)| labels.words());
        let found = Curve::on(measures, Kind::Trail, colour, of(&|row| row.1));
        // Labels that were not trained have none.
        if found.points.is_empty() {
            continue;
        }
        curves.push(found.labelled([label]));
        curves.push(Curve::on(measures, Kind::Theory, colour, of(&|row| row.2)));
    }
    let panel =
        Panel { x: "step k".into(), y: "residual".into(), curves, measures, ..Panel::default() };
    Ok(Picture {
        title: "True labels are learnt faster than random ones".into(),
        caption: vec![notes_line(table, &["size"]), words.into()],
        panels: vec![panel],
        ..Picture::default()
    })
}

pub(super) fn measures(table: &Table) -> Result<Picture> {
    let measures = (Measure::Linear, Measure::Linear);
    let words = "Mean over the repetitions; tinted: ± one standard deviation. Above: √(2yᵀ(H∞)⁻¹y/n). Below: share of test samples \
                 on the wrong side, their labels being as random as those trained on; dashed: half the share, beyond any method.";
    let panel = |name: &str, colour: usize, label: &str| -> Result<Panel> {
        let all = grouped(table.column("share")?, table.column(name)?)?;
        let points = all.iter().map(|(share, mean, _)| (*share, *mean)).collect();
        let around = |(share, mean, off): &(f64, f64, f64)| (*share, mean - off, mean + off);
        let band = all.iter().filter(|row| row.2.is_finite()).map(around).collect();
        Ok(Panel {
            x: "share of random labels".into(),
            y: label.into(),
            curves: vec![Curve::on(measures, Kind::Measured, colour, points)],
            marks: vec![Mark::Band { colour, points: band }],
            measures,
            ..Panel::default()
        })
    };
    let mut below = panel("test_error", 1, "test error")?;
    if below.curves.iter().any(|curve| !curve.points.is_empty()) {
        below.curves.push(Curve::on(measures, Kind::Theory, 6, vec![(0.0, 0.0), (1.0, 0.5)]));
    }
    Ok(Picture {
        title: "The complexity measure rises with the test error".into(),
        caption: vec![notes_line(table, &["size"]), words.into()],
        panels: vec![panel("measure", 0, "complexity measure")?, below],
        ..Picture::default()
    })
}
