//! `population`: population loss by stochastic descent against the scale τ of the start, the zone where it still falls
//! hatched, and the exact limit of lazy training.

use super::axis::Measure;
use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, over_null, still_falls};

pub(super) const COLUMNS: &[&str] = &["tau", "loss", "before", "lazy", "null"];

/// A loss that falls by more than this part over a window has not converged.
const FALLS: f64 = 0.02;
/// Below this part of the loss of f = 0 it does not matter.
const NOTHING: f64 = 2e-3;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let measures = (Measure::Log, Measure::Linear);
    let all = over_null(table, "loss")?;
    let points = all.iter().map(|(tau, mean, _)| (*tau, *mean)).collect();
    let spread = all.iter().filter(|(.., deviation)| deviation.is_finite());
    let band = spread.map(|(tau, mean, off)| (*tau, mean - off, mean + off)).collect();
    let mut marks = vec![Mark::Band { colour: 1, points: band }];
    let falling: Vec<f64> = still_falls(table, FALLS)?
        .into_iter()
        .zip(&all)
        .filter(|((_, falls), (_, mean, _))| *falls && *mean > NOTHING)
        .map(|((tau, _), _)| tau)
        .collect();
    if let (Some(first), Some(last)) = (falling.first(), falling.last()) {
        let word = String::from("not yet converged");
        let aside = 1.12;
        marks.insert(0, Mark::Hatched { from: first / aside, to: last * aside, word });
    }
    let lazy = over_null(table, "lazy")?;
    let limit = lazy.iter().map(|(tau, mean, _)| (*tau, *mean)).collect();
    let curves = vec![
        Curve::on(measures, Kind::Measured, 1, points)
            .labelled(["stochastic".into(), "descent".into()]),
        Curve::on(measures, Kind::Theory, 6, limit).labelled(["exact lazy limit".into()]),
    ];
    let words = "Solid: mean over the repetitions; tinted: ± one standard deviation. Dashed: the distance of the teacher to the \
                 span of the tangent features, in closed form. Hatched: the loss still falls by 2 % in 2000 steps.";
    let panel = Panel {
        x: "scale of the start τ".into(),
        y: "population loss / that of f = 0".into(),
        curves,
        marks,
        measures,
        ..Panel::default()
    };
    Ok(Picture::single(
        "Lazy training misses what is outside its tangent space",
        notes_line(table, &["size"]),
        words,
        panel,
    ))
}
