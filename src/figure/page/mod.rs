//! The page: title, caption, panels, and curves labelled at their ends.

mod marks;

use super::axis::{Axis, Measure};
use super::canvas::{Canvas, Side};
use super::picture::{Curve, Grid, Kind, Mark, Panel, Picture};
use super::style::{self, INK, PALETTE, SMALL, TEXT, TITLE};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use std::path::Path;

/// Page width, and height for one panel and for each further one.
const WIDTH: u32 = 900;
const HEIGHT: u32 = 560;
const FURTHER: u32 = 200;
/// Backends count whole pixels: SVG is drawn this much larger and scaled back, PNG is this much finer.
const SVG_SCALE: u32 = 8;
const PNG_SCALE: u32 = 2;

const LEFT: f64 = 84.0;
const EDGE: f64 = 18.0;
const LINE: f64 = 19.0;
const LEADER: f64 = 22.0;

/// Height of a row of panels of equal axes.
const SQUARE: u32 = 520;

fn height(picture: &Picture) -> u32 {
    if let Some(grid) = &picture.grid {
        return 180 + 28 * u32::try_from(grid.rows.len()).unwrap_or(1);
    }
    let panels = u32::try_from(picture.panels.len()).unwrap_or(1).max(1);
    if picture.beside { SQUARE / panels + 330 } else { HEIGHT + FURTHER * (panels - 1) }
}

/// The picture as the text of an SVG file.
pub(super) fn svg(picture: &Picture) -> Result<String, String> {
    let height = height(picture);
    let size = (WIDTH * SVG_SCALE, height * SVG_SCALE);
    let mut text = String::new();
    {
        let backend = SVGBackend::with_string(&mut text, size);
        draw(picture, Canvas::new(backend, f64::from(SVG_SCALE), false), f64::from(height))?;
    }
    // Shown at page size; the view box keeps the fine coordinates.
    let fine = format!("width=\"{}\" height=\"{}\" viewBox", size.0, size.1);
    let shown = format!("width=\"{WIDTH}\" height=\"{height}\" viewBox");
    Ok(text.replacen(&fine, &shown, 1))
}

/// The picture as a PNG file at `path`.
pub(super) fn write_png(picture: &Picture, path: &Path) -> Result<(), String> {
    let height = height(picture);
    let backend = BitMapBackend::new(path, (WIDTH * PNG_SCALE, height * PNG_SCALE));
    draw(picture, Canvas::new(backend, f64::from(PNG_SCALE), true), f64::from(height))
}

fn draw<B: DrawingBackend>(
    picture: &Picture,
    mut canvas: Canvas<B>,
    height: f64,
) -> Result<(), String> {
    style::load_font()?;
    canvas.background()?;
    let page = f64::from(WIDTH);
    canvas.text(&picture.title, (EDGE, 24.0), (TITLE, INK), Side::Right, false)?;
    let mut y = 50.0;
    for line in
        picture.caption.iter().flat_map(|text| style::wrap(text, SMALL, page - 2.0 * EDGE, 3))
    {
        canvas.text(line.trim_end(), (EDGE, y), (SMALL, INK), Side::Right, false)?;
        y += LINE;
    }
    for (panel, frame) in picture.panels.iter().zip(frames(picture, y, height)) {
        draw_panel(panel, &frame, &mut canvas)?;
    }
    if let Some(grid) = &picture.grid {
        draw_grid(grid, y + 26.0, &mut canvas)?;
    }
    canvas.finish()
}

/// Words in rows from `top` on.
fn draw_grid<B: DrawingBackend>(
    grid: &Grid,
    top: f64,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    const ROW: f64 = 26.0;
    let page = f64::from(WIDTH);
    let columns = grid.rows.first().map_or(1, Vec::len).max(1);
    let wide = (page - 2.0 * EDGE) / f64::from(u32::try_from(columns).unwrap_or(1));
    for (row, number) in grid.rows.iter().zip(0_u32..) {
        let y = top + ROW * f64::from(number);
        if grid.rules.contains(&(number as usize)) {
            let rule = y - 0.5 * ROW;
            canvas.line(&[(EDGE, rule), (page - EDGE, rule)], INK, 0.8)?;
        }
        for (word, column) in row.iter().zip(0_u32..) {
            let size = if number == 0 { SMALL } else { TEXT };
            let at = (EDGE + wide * f64::from(column), y);
            canvas.text(word, at, (size, INK), Side::Right, false)?;
        }
    }
    Ok(())
}

/// Where the axes of each panel stand, below `top`.
fn frames(picture: &Picture, top: f64, height: f64) -> Vec<Frame> {
    let page = f64::from(WIDTH);
    let count = f64::from(u32::try_from(picture.panels.len().max(1)).unwrap_or(1));
    let labels =
        picture.panels.iter().flat_map(|panel| &panel.curves).flat_map(|curve| &curve.label);
    let widest = labels.map(|label| style::width(label, TEXT)).fold(0.0, f64::max);
    let aside = if widest > 0.0 { LEADER + widest.min(0.4 * page) } else { 0.0 };
    let (across, down) = if picture.beside { (count, 1.0) } else { (1.0, count) };
    let (wide, high) = ((page - EDGE) / across, (height - top) / down);
    let places = picture.panels.iter().zip(0_u32..);
    let place = |(panel, k): (&Panel, u32)| {
        let (column, row) = if picture.beside { (f64::from(k), 0.0) } else { (0.0, f64::from(k)) };
        let titled = if panel.x.is_empty() { 34.0 } else { 58.0 };
        let margin = if picture.beside { 0.6 * LEFT } else { LEFT };
        let (left, top) = (column * wide + margin, top + row * high);
        let frame = Frame {
            left,
            right: (column + 1.0) * wide - aside,
            top: top + 10.0,
            bottom: top + high - titled,
        };
        if panel.equal { frame.squared() } else { frame }
    };
    places.map(place).collect()
}

/// Where the axes stand.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Frame {
    fn x(&self, place: f64) -> f64 {
        self.left + place * (self.right - self.left)
    }
    fn y(&self, place: f64) -> f64 {
        self.bottom - place * (self.bottom - self.top)
    }

    /// The largest square in it, at its top and in its middle.
    fn squared(self) -> Frame {
        let (wide, high) = (self.right - self.left, self.bottom - self.top);
        let side = wide.min(high);
        let left = self.left + 0.5 * (wide - side);
        Frame { left, right: left + side, top: self.top, bottom: self.top + side }
    }
}

/// A panel's frame and axes: from values to the page.
struct Chart<'a> {
    frame: &'a Frame,
    x: Axis,
    y: Axis,
}

impl<'a> Chart<'a> {
    fn of(panel: &Panel, frame: &'a Frame) -> Self {
        let all = values(panel);
        let around = |measure: Measure, values: Vec<f64>, most| {
            Axis::around(measure, values.into_iter().filter(|v| measure.shows(*v)), most)
        };
        let (wide, high) = (frame.right - frame.left, frame.bottom - frame.top);
        let places = all.iter().map(|v| v.0).collect::<Vec<_>>();
        let heights = all.iter().map(|v| v.1).collect::<Vec<_>>();
        if panel.equal {
            // One range for both, the same around the origin.
            let far = places.iter().chain(&heights).fold(0.0_f64, |m, v| m.max(v.abs()));
            let axis = |most| around(Measure::Linear, vec![-far, far], most);
            return Chart { frame, x: axis(wide / 60.0), y: axis(high / 36.0) };
        }
        let x = around(panel.measures.0, places, wide / 60.0);
        let y = around(panel.measures.1, heights, high / 36.0);
        Chart { frame, x, y }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (self.frame.x(self.x.place_of(x)), self.frame.y(self.y.place_of(y)))
    }
}

/// All points that the axes must make room for.
fn values(panel: &Panel) -> Vec<(f64, f64)> {
    let mut all: Vec<(f64, f64)> =
        panel.curves.iter().flat_map(|curve| curve.points.iter().copied()).collect();
    for mark in &panel.marks {
        match mark {
            Mark::Band { points, .. } => {
                all.extend(points.iter().flat_map(|(x, low, high)| [(*x, *low), (*x, *high)]));
            }
            Mark::Hatched { .. } => {}
            Mark::Arrow { to, .. } => all.push(*to),
            Mark::Circle { radius } => all.extend([(*radius, *radius), (-radius, -radius)]),
            Mark::Dot { at, .. } => all.push(*at),
        }
    }
    all
}

fn draw_panel<B: DrawingBackend>(
    panel: &Panel,
    frame: &Frame,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let chart = Chart::of(panel, frame);
    let (under, over): (Vec<&Mark>, Vec<&Mark>) =
        panel.marks.iter().partition(|mark| !matches!(mark, Mark::Dot { .. } | Mark::Arrow { .. }));
    for mark in under {
        marks::draw(mark, &chart, canvas)?;
    }
    draw_axes(panel, frame, (&chart.x, &chart.y), canvas)?;
    let mut ends = Vec::new();
    for curve in &panel.curves {
        let path: Vec<(f64, f64)> = curve.points.iter().map(|point| chart.at(*point)).collect();
        draw_curve(curve, &path, canvas)?;
        if let (Some(&end), false) = (path.last(), curve.label.is_empty()) {
            ends.push((end, curve));
        }
    }
    for mark in over {
        marks::draw(mark, &chart, canvas)?;
    }
    draw_labels(&ends, frame, canvas)
}

fn draw_axes<B: DrawingBackend>(
    panel: &Panel,
    frame: &Frame,
    (x, y): (&Axis, &Axis),
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let corner = (frame.left, frame.bottom);
    canvas.line(&[(frame.left, frame.top), corner, (frame.right, frame.bottom)], INK, 1.0)?;
    for (at, label) in &x.ticks {
        let at = frame.x(x.place(*at));
        canvas.line(&[(at, frame.bottom), (at, frame.bottom + 5.0)], INK, 1.0)?;
        canvas.text(label, (at, frame.bottom + 17.0), (SMALL, INK), Side::Centre, false)?;
    }
    for (at, label) in &y.ticks {
        let at = frame.y(y.place(*at));
        canvas.line(&[(frame.left - 5.0, at), (frame.left, at)], INK, 1.0)?;
        canvas.text(label, (frame.left - 9.0, at), (SMALL, INK), Side::Left, false)?;
    }
    let middle = (f64::midpoint(frame.left, frame.right), f64::midpoint(frame.top, frame.bottom));
    canvas.text(&panel.x, (middle.0, frame.bottom + 40.0), (TEXT, INK), Side::Centre, false)?;
    let beside = frame.left - LEFT + EDGE;
    canvas.text(&panel.y, (beside.max(EDGE), middle.1), (TEXT, INK), Side::Centre, true)
}

fn draw_curve<B: DrawingBackend>(
    curve: &Curve,
    path: &[(f64, f64)],
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let full = PALETTE[curve.colour % PALETTE.len()];
    let colour = if curve.kind == Kind::Halo { style::paled(full, 0.2) } else { full };
    let (width, dashed) = style::stroke(curve.kind);
    if dashed {
        canvas.dashed(path, colour, width)?;
    } else {
        canvas.line(path, colour, width)?;
    }
    // Markers show where values are; where they would touch, only some. A lone point is always marked.
    let stride = path.len().div_ceil(30).max(1);
    if curve.kind == Kind::Measured || path.len() == 1 {
        for &point in path.iter().rev().step_by(stride) {
            canvas.marker(point, colour, 1.0)?;
        }
    }
    Ok(())
}

/// Labels to the right of the frame, level with the ends of their curves as far as they fit, tied to them by a leader.
fn draw_labels<B: DrawingBackend>(
    ends: &[((f64, f64), &Curve)],
    frame: &Frame,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let lines = |curve: &Curve| f64::from(u32::try_from(curve.label.len()).unwrap_or(0));
    let wishes: Vec<f64> = ends.iter().map(|((_, y), _)| *y).collect();
    let heights: Vec<f64> = ends.iter().map(|(_, curve)| LINE * lines(curve) + 6.0).collect();
    let centres = style::spread(&wishes, &heights, frame.top - 14.0, frame.bottom + 14.0);
    for ((end, curve), centre) in ends.iter().zip(centres) {
        let colour = PALETTE[curve.colour % PALETTE.len()];
        let start = (frame.right + LEADER - 6.0, centre);
        canvas.line(&[(end.0 + 6.0, end.1), start], colour, 0.6)?;
        for (line, k) in curve.label.iter().zip(0_u32..) {
            let y = centre + LINE * (f64::from(k) - 0.5 * (lines(curve) - 1.0));
            let size = if k == 0 { TEXT } else { SMALL };
            canvas.text(line, (frame.right + LEADER, y), (size, colour), Side::Right, false)?;
        }
    }
    Ok(())
}
