//! What is not a curve: bands, hatching, arrows, circles, discs.

use super::super::canvas::{Canvas, Side};
use super::super::picture::Mark;
use super::super::style::{INK, PALETTE, SMALL};
use super::Chart;
use plotters::prelude::{DrawingBackend, RGBColor};
use std::f64::consts::TAU;

/// Part of the colour in a band.
const TINT: f64 = 0.18;
/// Distance of hatching lines.
const HATCH: f64 = 11.0;
const FAINT: RGBColor = RGBColor(185, 185, 185);

pub(super) fn draw<B: DrawingBackend>(
    mark: &Mark,
    chart: &Chart<'_>,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    match mark {
        Mark::Band { colour, points } => {
            let lower = points.iter().map(|(x, low, _)| chart.at((*x, *low)));
            let upper = points.iter().rev().map(|(x, _, high)| chart.at((*x, *high)));
            let outline: Vec<_> =
                lower.chain(upper).filter(|p| p.0.is_finite() && p.1.is_finite()).collect();
            canvas.polygon(&outline, PALETTE[colour % PALETTE.len()], TINT)
        }
        Mark::Hatched { from, to, word } => hatched(chart, (*from, *to), word, canvas),
        Mark::Arrow { colour, to } => arrow(chart, *to, PALETTE[colour % PALETTE.len()], canvas),
        Mark::Circle { radius } => {
            let at = |k: u32| {
                let angle = TAU * f64::from(k) / 120.0;
                chart.at((radius * angle.cos(), radius * angle.sin()))
            };
            let round: Vec<_> = (0..=120).map(at).collect();
            canvas.dashed(&round, INK, 0.7)
        }
        Mark::Dot { colour, at, size } => {
            canvas.marker(chart.at(*at), PALETTE[colour % PALETTE.len()], *size)
        }
    }
}

/// Slanted lines over the whole height between two values of x, dashed edges, a word at the top.
fn hatched<B: DrawingBackend>(
    chart: &Chart<'_>,
    (from, to): (f64, f64),
    word: &str,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let frame = chart.frame;
    let place = |x: f64| frame.x(chart.x.place_of(x).clamp(0.0, 1.0));
    let (left, right, top, bottom) = (place(from), place(to), frame.top, frame.bottom);
    let mut start = left - (bottom - top);
    while start < right {
        // From the bottom at `start` up to the right, cut where it leaves the zone.
        let (low, high) = (start.max(left), (start + bottom - top).min(right));
        if high > low {
            canvas.line(
                &[(low, bottom - (low - start)), (high, bottom - (high - start))],
                FAINT,
                0.7,
            )?;
        }
        start += HATCH;
    }
    for x in [left, right] {
        canvas.dashed(&[(x, top), (x, bottom)], INK, 0.7)?;
    }
    let middle = (f64::midpoint(left, right), top + 12.0);
    canvas.text(word, middle, (SMALL, INK), Side::Centre, false)
}

fn arrow<B: DrawingBackend>(
    chart: &Chart<'_>,
    to: (f64, f64),
    colour: RGBColor,
    canvas: &mut Canvas<B>,
) -> Result<(), String> {
    let (a, b) = (chart.at((0.0, 0.0)), chart.at(to));
    let length = (b.0 - a.0).hypot(b.1 - a.1);
    if length < 1.0 {
        return Ok(());
    }
    let along = ((b.0 - a.0) / length, (b.1 - a.1) / length);
    let (head, half) = (11.0_f64.min(length), 4.5);
    let neck = (b.0 - head * along.0, b.1 - head * along.1);
    let side = |s: f64| (neck.0 - s * half * along.1, neck.1 + s * half * along.0);
    canvas.line(&[a, neck], INK, 1.4)?;
    canvas.polygon(&[b, side(1.0), side(-1.0)], colour, 1.0)
}
