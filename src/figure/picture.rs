//! What is to be seen, free of pixels: panels with log–log axes, curves, and words.

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
}

/// Points joined by a line. Both coordinates are positive and finite.
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
        let shown = |v: f64| v.is_finite() && v > 0.0;
        let pairs = x.iter().copied().zip(y.iter().copied());
        let mut points: Vec<_> = pairs.filter(|&(x, y)| shown(x) && shown(y)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Curve { kind, colour, label: Vec::new(), points }
    }

    pub(super) fn labelled(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.label = lines.into_iter().collect();
        self
    }
}

/// One pair of axes.
#[derive(Debug, Clone)]
pub(super) struct Panel {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) curves: Vec<Curve>,
}

/// A page: title, caption, panels from top to bottom.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) title: String,
    pub(super) caption: Vec<String>,
    pub(super) panels: Vec<Panel>,
}

impl Picture {
    pub(super) fn is_empty(&self) -> bool {
        self.panels.iter().flat_map(|panel| &panel.curves).all(|curve| curve.points.is_empty())
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
