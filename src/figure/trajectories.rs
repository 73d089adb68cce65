//! `trajectories`: paths of neurons |aⱼ| bⱼ in the plane, by flow and beside it by descent, with the teacher's neurons as
//! arrows and the unit circle.

use super::picture::{Curve, Kind, Mark, Panel, Picture, notes_line};
use crate::Result;
use crate::experiment::Table;

pub(super) const COLUMNS: &[&str] =
    &["panel", "repeat", "neuron", "sign", "x", "y", "descent_x", "descent_y"];

/// Colours of positive and negative neurons, and of descent.
const POSITIVE: usize = 1;
const NEGATIVE: usize = 0;
const DESCENT: usize = 6;
/// More neurons than this get smaller dots.
const CROWD: f64 = 40.0;
/// Part of the unit circle below which paths are too short to be drawn in it.
const SHORT: f64 = 0.25;

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let titles = table.noted("panels").unwrap_or("").split("; ");
    let mut titles: Vec<String> = titles.map(String::from).collect();
    if titles.len() > 1 {
        for (title, letter) in titles.iter_mut().zip(['a', 'b', 'c', 'd']) {
            *title = format!("({letter}) {title}");
        }
    }
    let panels = titles
        .into_iter()
        .enumerate()
        .map(|(number, title)| panel(table, number as f64, title))
        .collect::<Result<Vec<_>>>()?;
    let words = "Orange: neurons that end with a > 0; blue: a < 0; dots: where they end. Lines: the exact flow; \
                 grey below them: descent. Arrows: the teacher, \
                 cut short where the circle (dashed) does not fit in.";
    Ok(Picture {
        title: "The paths of neurons |a| b".into(),
        caption: vec![notes_line(table, &["panels", "drawn", "size"]), words.into()],
        panels,
        beside: true,
        grid: None,
    })
}

fn panel(table: &Table, number: f64, title: String) -> Result<Panel> {
    let column = |name| table.column(name);
    let (panels, repeat, neuron) = (column("panel")?, column("repeat")?, column("neuron")?);
    let (sign, x, y) = (column("sign")?, column("x")?, column("y")?);
    let (dx, dy) = (column("descent_x")?, column("descent_y")?);
    let drawn = table.noted("drawn").and_then(|text| text.parse().ok()).unwrap_or(0.0);
    let here = |i: &usize| panels[*i] == number && repeat[*i] == drawn;
    let rows: Vec<usize> = (0..table.len()).filter(here).collect();
    let colour = |i: usize| if sign[i] > 0.0 { POSITIVE } else { NEGATIVE };
    let crowded = rows.iter().any(|i| neuron[*i] > CROWD);
    // Where all paths are short beside the circle, arrows are cut short and the circle left out.
    let radius = |i: &usize| x[*i].hypot(y[*i]);
    let far = rows.iter().filter(|i| neuron[**i] > 0.0).map(radius).fold(0.0, f64::max);
    let arrows = if far < SHORT { 1.1 * far } else { 1.0 };
    let mut marks = Vec::new();
    if far >= SHORT {
        marks.push(Mark::Circle { radius: 1.0 });
    }
    let (mut curves, mut trails) = (Vec::new(), Vec::new());
    for path in rows.chunk_by(|a, b| neuron[*a] == neuron[*b]) {
        let (first, last) = (path[0], path[path.len() - 1]);
        if neuron[first] == 0.0 {
            let to = |i: usize| (arrows * x[i], arrows * y[i]);
            let arrow = |i: &usize| Mark::Arrow { colour: colour(*i), to: to(*i) };
            marks.extend(path.iter().map(arrow));
            continue;
        }
        let along = |x: &[f64], y: &[f64]| path.iter().map(|i| (x[*i], y[*i])).collect::<Vec<_>>();
        curves.push(Curve::trail(Kind::Halo, DESCENT, along(dx, dy)));
        trails.push(Curve::trail(Kind::Trail, colour(first), along(x, y)));
        let size = if crowded { 0.5 } else { 1.0 };
        marks.push(Mark::Dot { colour: colour(first), at: (x[last], y[last]), size });
    }
    curves.extend(trails);
    Ok(Panel { x: title, curves, marks, equal: true, ..Panel::default() })
}
