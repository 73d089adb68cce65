//! `depth`: what thirty rectifier layers leave of a signal, and whether they train, by the start.

use super::axis::Measure;
use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Start, Table, training, variances};

pub(super) const COLUMNS: &[&str] = &["start", "draw", "layer", "ratio", "step", "loss"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let measures = (Measure::Linear, Measure::Log);
    let words = "Above: variance of the signal after each layer over that before the first, mean over draws of the weights; dashed: \
                 expected, 1 from He's start and 2⁻ˡ from Xavier's. Below: descent from one draw.";
    let (mut signal, mut losses) = (Vec::new(), Vec::new());
    let colours = [0, 1, 2].into_iter().cycle();
    for (kind, colour) in table.distinct("start")?.into_iter().zip(colours) {
        let known = Start::ALL.into_iter().zip(0..).find(|(_, k)| f64::from(*k) == kind);
        let label = known.map_or_else(|| kind.to_string(), |(start, _)| start.words().to_string());
        let found = Curve::on(measures, Kind::Measured, colour, variances(table, kind)?);
        if let Some((start, _)) = known.filter(|(start, _)| *start != Start::Prelu) {
            let ends = [found.points.first(), found.points.last()];
            let gain = start.signal()?.gain();
            let exact = ends.into_iter().flatten().map(|(layer, _)| (*layer, gain.powf(*layer)));
            signal.push(Curve::on(measures, Kind::Theory, 6, exact.collect()));
        }
        signal.push(found.labelled([label.clone()]));
        let curve = Curve::on(measures, Kind::Trail, colour, training(table, kind)?);
        losses.push(curve.labelled([label]));
    }
    let panel = |x: &str, y: &str, curves| Panel {
        x: x.into(),
        y: y.into(),
        curves,
        measures,
        ..Panel::default()
    };
    Ok(Picture {
        title: "Thirty rectifier layers".into(),
        caption: vec![notes_line(table, &["size", "starts"]), words.into()],
        panels: vec![panel("layer l", "variance", signal), panel("step", "loss", losses)],
        ..Picture::default()
    })
}
