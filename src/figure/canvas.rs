//! A drawing surface in page units: lines, markers and text on either backend of the drawing library.

use super::style::{FAMILY, composed, paled};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Which side of its position a text lies on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Side {
    /// The text starts here.
    Right,
    /// The text ends here.
    Left,
    /// The text is centred here.
    Centre,
}

/// A backend and the size of a page unit in its pixels.
pub(super) struct Canvas<B: DrawingBackend> {
    backend: B,
    scale: f64,
    /// Whether overbars must be drawn as single glyphs of the embedded font (pixels) or are left to the viewer (SVG).
    compose: bool,
}

type Drawn = Result<(), String>;

impl<B: DrawingBackend> Canvas<B> {
    pub(super) fn new(backend: B, scale: f64, compose: bool) -> Self {
        Canvas { backend, scale, compose }
    }

    pub(super) fn background(&mut self) -> Drawn {
        let (width, height) = self.backend.get_size();
        let corner =
            (i32::try_from(width).unwrap_or(i32::MAX), i32::try_from(height).unwrap_or(i32::MAX));
        said(self.backend.draw_rect((0, 0), corner, &WHITE, true))
    }

    pub(super) fn finish(mut self) -> Drawn {
        said(self.backend.present())
    }

    /// A polyline through `points`.
    pub(super) fn line(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Drawn {
        let path: Vec<_> = points.iter().map(|&point| self.pixel(point)).collect();
        let style = colour.stroke_width(self.stroke(width));
        match path.len() {
            0 | 1 => Ok(()),
            _ => said(self.backend.draw_path(path, &style)),
        }
    }

    /// A dashed polyline.
    pub(super) fn dashed(&mut self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Drawn {
        for dash in dashes(points, 7.0, 5.0) {
            self.line(&dash, colour, width)?;
        }
        Ok(())
    }

    /// A polygon filled with a colour mixed with white: `part` of it.
    pub(super) fn polygon(&mut self, points: &[(f64, f64)], colour: RGBColor, part: f64) -> Drawn {
        let corners: Vec<_> = points.iter().map(|&point| self.pixel(point)).collect();
        let colour = paled(colour, part);
        if corners.len() < 3 { Ok(()) } else { said(self.backend.fill_polygon(corners, &colour)) }
    }

    /// A filled disc, white around.
    pub(super) fn marker(&mut self, centre: (f64, f64), colour: RGBColor, size: f64) -> Drawn {
        let (disc, rim) = (self.stroke(3.2 * size), self.stroke(3.2 * size + 1.0));
        let at = self.pixel(centre);
        said(self.backend.draw_circle(at, rim, &WHITE, true))?;
        said(self.backend.draw_circle(at, disc, &colour, true))
    }

    /// Text whose middle line runs through `at`; `upward` turns it a quarter to the left.
    pub(super) fn text(
        &mut self,
        text: &str,
        at: (f64, f64),
        (size, colour): (f64, RGBColor),
        side: Side,
        upward: bool,
    ) -> Drawn {
        let horizontal = match side {
            Side::Right => HPos::Left,
            Side::Left => HPos::Right,
            Side::Centre => HPos::Center,
        };
        let turn = if upward { FontTransform::Rotate270 } else { FontTransform::None };
        let style = TextStyle::from((FAMILY, size * self.scale).into_font().transform(turn))
            .color(&colour)
            .pos(Pos::new(horizontal, VPos::Center));
        let text = if self.compose { composed(text) } else { text.to_string() };
        // The bitmap backend centres the line's box, whose middle lies above that of the letters.
        let drop = if self.compose { 0.12 * size } else { 0.0 };
        let at = self.pixel(if upward { (at.0 + drop, at.1) } else { (at.0, at.1 + drop) });
        said(self.backend.draw_text(&text, &style, at))
    }

    #[allow(clippy::cast_possible_truncation, reason = "the cast saturates, and pages are small")]
    fn pixel(&self, (x, y): (f64, f64)) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a few pixels; the cast saturates"
    )]
    fn stroke(&self, width: f64) -> u32 {
        (width * self.scale).round().max(1.0) as u32
    }
}

/// The backend's complaint as text.
fn said<E: std::fmt::Display>(result: Result<(), E>) -> Drawn {
    result.map_err(|error| error.to_string())
}

/// Cuts a polyline into dashes of length `on`, `off` apart, the pattern running on around corners.
fn dashes(points: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut dashes = Vec::new();
    let (mut drawing, mut left) = (true, on);
    let mut dash: Vec<_> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let ((mut x, mut y), (x1, y1)) = (pair[0], pair[1]);
        let mut length = (x1 - x).hypot(y1 - y);
        while length > left {
            (x, y) = (x + (x1 - x) * left / length, y + (y1 - y) * left / length);
            length -= left;
            if drawing {
                dash.push((x, y));
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![(x, y)];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
        left -= length;
        if drawing {
            dash.push((x1, y1));
        }
    }
    dashes.push(dash);
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_turn_corners() {
        let path = [(0.0, 0.0), (4.0, 0.0), (4.0, 10.0)];
        let cut = dashes(&path, 6.0, 3.0);
        assert_eq!(cut[0], [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0)]);
        assert_eq!(cut[1], [(4.0, 5.0), (4.0, 10.0)]);
    }
}
