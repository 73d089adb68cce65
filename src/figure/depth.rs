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
    for (kind, (start, colour)) in Start::ALL.into_iter().zip([0, 1, 2]).enumerate() {
        let found = variances(table, kind)?;
        let exact = start.signal()?;
        let layers = (0..).zip(&found).map(|(k, (layer, _))| (*layer, exact.expected(5 * k)));
        if start != Start::Prelu {
            signal.push(Curve::on(measures, Kind::Theory, 6, layers.collect()));
        }
        let curve = Curve::on(measures, Kind::Measured, colour, found);
        signal.push(curve.labelled([start.words().to_string()]));
        let curve = Curve::on(measures, Kind::Trail, colour, training(table, kind)?);
        losses.push(curve.labelled([start.words().to_string()]));
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
