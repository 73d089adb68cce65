//! `double-descent`: risks of least squares against the number of features per sample.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Case, Table, grid, means};

pub(super) const COLUMNS: &[&str] = &["case", "gamma", "risk", "limit"];

/// Risks above are off the panel.
const HIGHEST: f64 = 30.0;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Dashed: the limits for p, n → ∞. Discs: simulated means, bars of three standard errors where they are seen. \
                 Purely nonlinear features have the limit of isotropic ones, and lie on the same curve.";
    let cases = table.distinct("case")?;
    let (first, second) = cases.split_at(cases.len().div_ceil(2));
    Ok(Picture {
        title: "Double descent of ridgeless least squares".into(),
        caption: vec![notes_line(table, &["size", "cases"]), words.into()],
        panels: vec![panel(table, first, [0, 2])?, panel(table, second, [1, 3])?],
        ..Picture::default()
    })
}

fn panel(table: &Table, cases: &[f64], colours: [usize; 2]) -> Result<Panel> {
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
        let right = Curve::on(measures, Kind::Theory, colour, above);
        curves.push(right.labelled([label]));
        for found in means(table, case)? {
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
