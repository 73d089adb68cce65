//! What is to be seen, free of pixels: panels with axes, curves, marks, and words.

use super::axis::Measure;
use crate::experiment::Table;

/// What a curve is, which fixes how it looks in every figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Solid with markers.
    Measured,
    /// Dashed: a theorem's bound or an exact limit.
    Theory,
    /// Thin: the linearized flow.
    Linearized,
    /// Solid without markers: a path in the plane.
    Trail,
    /// Wide and pale, to lie under another.
    Halo,
}

/// Points joined by a line; its panel's axes show them all.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) kind: Kind,
    /// Index into the palette.
    pub(super) colour: usize,
    /// Lines of text at the curve's end; none for no label.
    pub(super) label: Vec<String>,
    pub(super) points: Vec<(f64, f64)>,
}

impl Curve {
    /// The curve through (x, y), without what a log axis cannot show.
    pub(super) fn new(kind: Kind, colour: usize, x: &[f64], y: &[f64]) -> Self {
        let pairs = x.iter().copied().zip(y.iter().copied()).collect();
        Curve::on((Measure::Log, Measure::Log), kind, colour, pairs)
    }

    /// The curve through these points from left to right, without those that its axes cannot show.
    pub(super) fn on(
        (x, y): (Measure, Measure),
        kind: Kind,
        colour: usize,
        points: Vec<(f64, f64)>,
    ) -> Self {
        let mut points = points;
        points.retain(|point| x.shows(point.0) && y.shows(point.1));
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve { kind, colour, label: Vec::new(), points }
    }

    /// A path in the plane, in the order of its points.
    pub(super) fn trail(kind: Kind, colour: usize, points: Vec<(f64, f64)>) -> Self {
        Curve { kind, colour, label: Vec::new(), points }
    }

    pub(super) fn labelled(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.label = lines.into_iter().collect();
        self
    }
}

/// What is not a curve.
#[derive(Debug, Clone)]
pub(super) enum Mark {
    /// Tinted, between the lower and the upper value at every x.
    Band { colour: usize, points: Vec<(f64, f64, f64)> },
    /// Hatched from one x to another, over the panel's height, with a word at its top.
    Hatched { from: f64, to: f64, word: String },
    /// From the origin.
    Arrow { colour: usize, to: (f64, f64) },
    /// Dotted, around the origin.
    Circle { radius: f64 },
    /// A disc, of that part of the usual size.
    Dot { colour: usize, at: (f64, f64), size: f64 },
}

/// One pair of axes.
#[derive(Debug, Clone, Default)]
pub(super) struct Panel {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) curves: Vec<Curve>,
    pub(super) marks: Vec<Mark>,
    /// How x and y are measured.
    pub(super) measures: (Measure, Measure),
    /// Whether a unit is as long in x as in y.
    pub(super) equal: bool,
}

/// Words in rows and columns, the first row its heads.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) rows: Vec<Vec<String>>,
    /// Numbers of rows above which a rule is drawn.
    pub(super) rules: Vec<usize>,
}

/// A page: title, caption, panels from top to bottom, or side by side; or a grid of words.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) caption: Vec<String>,
    pub(super) panels: Vec<Panel>,
    pub(super) beside: bool,
    pub(super) grid: Option<Grid>,
}

impl Picture {
    /// One panel under two paragraphs: what was run, and what is to be seen.
    pub(super) fn single(title: &str, run: String, words: &str, panel: Panel) -> Self {
        let caption = vec![run, words.into()];
        Picture { title: title.into(), caption, panels: vec![panel], ..Picture::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        let mut curves = self.panels.iter().flat_map(|panel| &panel.curves);
        let words = self.grid.as_ref().is_some_and(|grid| grid.rows.len() > 1);
        !words && curves.all(|curve| curve.points.is_empty())
    }
}

/// `model: …  ·  loss: …`, all notes but those that steer the drawing.
pub(super) fn notes_line(table: &Table, steering: &[&str]) -> String {
    let shown = table.notes().iter().filter(|(key, _)| !steering.contains(&key.as_str()));
    shown.map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join("  ·  ")
}

/// What to say of curves that a log axis cannot show: `‖w − w̄‖ is zero throughout`.
pub(super) fn unshown(name: &str, values: &[f64]) -> Option<String> {
    let (mut zero, mut any) = (true, false);
    for value in values.iter().filter(|value| !value.is_nan()) {
        any = true;
        zero &= *value == 0.0;
    }
    let drawn = values.iter().any(|value| value.is_finite() && *value > 0.0);
    match (drawn, any, zero) {
        (true, ..) => None,
        (_, false, _) => Some(format!("{name} is missing.")),
        (_, _, true) => Some(format!("{name} is zero throughout and not drawn.")),
        _ => Some(format!("{name} has no positive finite value and is not drawn.")),
    }
}
