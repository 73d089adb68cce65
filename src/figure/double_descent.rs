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
    let panel = |cases: &[(Case, usize)]| -> Result<Panel> {
        let measures = (Measure::Log, Measure::Log);
        let (mut curves, mut marks) = (Vec::new(), Vec::new());
        for &(case, colour) in cases {
            let low = |(_, risk): &(f64, f64)| *risk < HIGHEST;
            let (below, above): (Vec<_>, Vec<_>) =
                grid(table, case)?.into_iter().filter(low).partition(|(gamma, _)| *gamma < 1.0);
            curves.push(Curve::on(measures, Kind::Theory, colour, below));
            let right = Curve::on(measures, Kind::Theory, colour, above);
            curves.push(right.labelled([case.words().to_string()]));
            for found in means(table)?.iter().filter(|found| found.case == case) {
                let (x, y, off) = (found.gamma, found.mean, 3.0 * found.error);
                marks.push(Mark::Dot { colour, at: (x, y), size: 1.0 });
                let bar = vec![(x, (y - off).max(0.5 * y)), (x, y + off)];
                curves.push(Curve::on(measures, Kind::Trail, colour, bar));
            }
        }
        let x = "features per sample p/n".into();
        Ok(Panel { x, y: "risk".into(), curves, marks, measures, ..Panel::default() })
    };
    Ok(Picture {
        title: "Double descent of ridgeless least squares".into(),
        caption: vec![notes_line(table, &["size", "cases"]), words.into()],
        panels: vec![
            panel(&[(Case::Isotropic, 0), (Case::OptimalRidge, 2)])?,
            panel(&[(Case::PurelyNonlinear, 1), (Case::Misspecified, 3)])?,
        ],
        ..Picture::default()
    })
}
