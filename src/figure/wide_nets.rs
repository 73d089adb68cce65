//! `wide-nets`: how far wide nets are from linear models, and their kernels from the limit, against the width.

use super::picture::{Curve, Kind, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::{Table, wide_means};

pub(super) const COLUMNS: &[&str] = &["width", "outputs", "weights", "drift", "deviation"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let words = "Suprema over training, means over the draws. Above: the root mean square over test inputs of f − f_lin, and the \
                 weights' motion over √n. Below: how far the tangent kernel comes from its start, and the start from its limit \
                 for n = ∞. Dashed: n^(−1/2), which the theorem allows, from the first point; thin: 1/n.";
    let outputs = ("outputs", 1, "outputs");
    let weights = ("weights", 0, "weights / √n");
    let (drift, deviation) = (("drift", 2, "Θ from Θ₀"), ("deviation", 3, "Θ₀ from Θ∞"));
    Ok(Picture {
        title: "Wide nets evolve as linear models".into(),
        caption: vec![notes_line(table, &["size"]), words.into()],
        panels: vec![
            panel(table, "distance", [outputs, weights])?,
            panel(table, "relative distance", [drift, deviation])?,
        ],
        ..Picture::default()
    })
}

/// Two columns, each over a guide of slope −1/2; below the first also one of slope −1.
fn panel(table: &Table, y: &str, columns: [(&str, usize, &str); 2]) -> Result<Panel> {
    let mut curves = Vec::new();
    for (i, (name, colour, label)) in columns.into_iter().enumerate() {
        let (n, mean): (Vec<f64>, Vec<f64>) = wide_means(table, name)?.into_iter().unzip();
        if let (Some((first, last)), Some(begin)) = (n.first().zip(n.last()), mean.first()) {
            let ends = [*first, *last];
            let guide = |power: f64| ends.map(|n| begin * (n / first).powf(power));
            curves.push(Curve::new(Kind::Theory, 6, &ends, &guide(-0.5)));
            if i == 0 {
                curves.push(Curve::new(Kind::Linearized, 6, &ends, &guide(-1.0)));
            }
        }
        curves.push(Curve::new(Kind::Measured, colour, &n, &mean).labelled([label.into()]));
    }
    Ok(Panel { x: "width n".into(), y: y.into(), curves, ..Panel::default() })
}
