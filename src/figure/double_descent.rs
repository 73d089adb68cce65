//! `double-descent`: risks of least squares against the number of features per sample.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Case, Table, grid, means};

pub(super) const COLUMNS: &[&str] = &["case", "gamma", "risk", "limit"];

/// Risks above are off the panel.
const HIGHEST: f64 = 30.0;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Dashed: the limits for p, n → ∞. Discs: simulated means, bars of three standard errors where they are seen. In the \
                 middle, purely nonlinear features have the limit of isotropic ones, as above; the linear part of relu features \
                 takes risk away. Below, the lazy predictor of a two-layer network: ridgeless regression on its tangent features, of \
                 which p are independent.";
    let cases = table.distinct("case")?;
    let panels = [
        (vec![Case::Isotropic, Case::OptimalRidge], [0, 2, 0]),
        (vec![Case::PurelyNonlinear, Case::Relu, Case::Misspecified], [1, 0, 3]),
        (vec![Case::Lazy], [2, 0, 1]),
    ];
    let panels = panels.into_iter().map(|(ours, colours)| {
        let numbers: Vec<f64> = ours.into_iter().map(Case::number).collect();
        panel(table, &numbers, colours)
    });
    let mut panels: Vec<Panel> = panels.collect::<Result<_>>()?;
    // Cases that are none of ours stand by themselves.
    for case in cases.into_iter().filter(|case| Case::ALL.iter().all(|c| c.number() != *case)) {
        panels.push(panel(table, &[case], [0, 0, 0])?);
    }
    panels.retain(|panel| panel.curves.iter().any(|curve| !curve.points.is_empty()));
    Ok(Picture {
        title: "Double descent of ridgeless least squares".into(),
        caption: vec![notes_line(table, &["size", "cases"]), words.into()],
        panels,
        ..Picture::default()
    })
}

fn panel(table: &Table, cases: &[f64], colours: [usize; 3]) -> Result<Panel> {
    let measures = (Measure::Log, Measure::Log);
    let (mut curves, mut marks) = (Vec::new(), Vec::new());
    for (k, &case) in cases.iter().enumerate() {
        let colour = colours[k % colours.len()];
        let low = |(_, risk): &(f64, f64)| *risk < HIGHEST;
        let (below, above): (Vec<_>, Vec<_>) =
            grid(table, case)?.into_iter().filter(low).partition(|(gamma, _)| *gamma < 1.0);
        curves.push(Curve::on(measures, Kind::Theory, colour, below));
        let known = Case::ALL.into_iter().find(|known| known.number() == case);
        let label = known.map_or_else(|| case.to_string(), |known| known.words().to_string());
        let found = means(table, case)?;
        let right = if above.is_empty() {
            // No limit is known: a line through the means.
            let line = found.iter().map(|found| (found.gamma, found.mean)).collect();
            Curve::on(measures, Kind::Trail, colour, line)
        } else {
            Curve::on(measures, Kind::Theory, colour, above)
        };
        curves.push(right.labelled([label]));
        for found in found {
            let (x, y, off) = (found.gamma, found.mean, 3.0 * found.error);
            let bar = vec![(x, (y - off).max(0.5 * y)), (x, y), (x, y + off)];
            let bar = Curve::on(measures, Kind::Trail, colour, bar);
            if !bar.points.is_empty() {
                marks.push(Mark::Dot { colour, at: (x, y), size: 1.0 });
            }
            curves.push(bar);
        }
    }
    let x = "features per sample p/n".into();
    Ok(Panel { x, y: "risk".into(), curves, marks, measures, ..Panel::default() })
}
