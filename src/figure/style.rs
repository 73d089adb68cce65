//! The one look: palette, type, lines, ticks, and labels that keep out of each other's way.

use super::picture::Kind;
use plotters::style::{FontStyle, IntoFont, RGBColor, register_font};

/// Okabe and Ito's palette, distinct to colour-blind eyes; black last.
pub(super) const PALETTE: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
/// Axes and text beside the curves.
pub(super) const INK: RGBColor = RGBColor(51, 51, 51);

/// Sizes in units of a page 900 wide.
pub(super) const TITLE: f64 = 21.0;
/// Captions, tick labels.
pub(super) const SMALL: f64 = 14.5;
/// Axis titles, curve labels.
pub(super) const TEXT: f64 = 16.0;

/// Stroke width and whether the line is dashed.
pub(super) fn stroke(kind: Kind) -> (f64, bool) {
    match kind {
        Kind::Measured => (2.2, false),
        Kind::Theory => (1.5, true),
        Kind::Linearized => (1.0, false),
        Kind::Trail => (1.3, false),
        Kind::Halo => (5.0, false),
    }
}

/// `part` of a colour, the rest white.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
pub(super) fn paled(RGBColor(r, g, b): RGBColor, part: f64) -> RGBColor {
    let channel = |c: u8| (255.0 - part.clamp(0.0, 1.0) * f64::from(255 - c)).round() as u8;
    RGBColor(channel(r), channel(g), channel(b))
}

/// The font family as SVG names it; layout uses the embedded subset of the first.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// Makes the embedded font known to the drawing library.
pub(super) fn load_font() -> Result<(), String> {
    let font = include_bytes!("font/sans.ttf");
    register_font(FAMILY, FontStyle::Normal, font)
        .map_err(|_| "the embedded font is damaged".into())
}

/// Width of `text` at `size`.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let measured = (FAMILY, 1000.0).into_font().layout_box(&composed(text));
    // Without a measure, a generous guess.
    let thousandths =
        measured.map_or(700 * text.chars().count(), |(_, (x, _))| x.unsigned_abs() as usize);
    f64::from(u32::try_from(thousandths).unwrap_or(u32::MAX)) * size / 1000.0
}

/// Letters with an overbar as single glyphs: the embedded font has w̄ at a private code point.
pub(super) fn composed(text: &str) -> String {
    text.replace("w\u{304}", "\u{e000}").replace("y\u{304}", "ȳ")
}

/// `text` broken at spaces into at most `most` lines of at most `limit`; what is left out becomes `…`.
pub(super) fn wrap(text: &str, size: f64, limit: f64, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let mut rest = word;
        while !rest.is_empty() {
            let Some(last) = lines.last_mut() else { break };
            if width(&format!("{last}{}", rest.trim_end()), size) <= limit {
                last.push_str(rest);
                break;
            }
            if last.is_empty() {
                // A word longer than a line is cut where the line ends.
                let fits = |end: usize| width(&rest[..end], size) <= limit;
                let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8());
                let cut = ends.take_while(|&end| fits(end)).last();
                let cut = cut.unwrap_or(rest.chars().next().map_or(rest.len(), char::len_utf8));
                last.push_str(&rest[..cut]);
                rest = &rest[cut..];
            }
            lines.push(String::new());
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines
}

/// Hyphens as minus signs.
pub(super) fn minus(text: &str) -> String {
    text.replace('-', "−")
}

/// `n` in superscript digits.
pub(super) fn superscript(n: i32) -> String {
    n.to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            digit => char::from_u32(0x2070 + digit.to_digit(10).unwrap_or(0)).unwrap_or(digit),
        })
        .collect()
}

/// 10ᵏ as it is printed at a tick.
///
/// ```
/// use gradflow::figure::power_of_ten;
/// assert_eq!(power_of_ten(-12), "10⁻¹²");
/// ```
pub fn power_of_ten(exponent: i32) -> String {
    format!("10{}", superscript(exponent))
}

/// A number with three digits, as it is printed in labels.
///
/// ```
/// use gradflow::figure::number_label;
/// assert_eq!(number_label(2.4077), "2.41");
/// assert_eq!(number_label(0.02179), "0.0218");
/// assert_eq!(number_label(3.0e-7), "3.00·10⁻⁷");
/// ```
pub fn number_label(value: f64) -> String {
    if value != 0.0 && !(1e-2..1e4).contains(&value.abs()) && value.is_finite() {
        let text = format!("{value:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}·{}", minus(digits), power_of_ten(exponent.parse().unwrap_or(0)));
    }
    // Two digits after the first one that counts.
    let decimals = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 || size == 0.0 => 2,
        size if size >= 0.1 => 3,
        _ => 4,
    };
    minus(&format!("{value:.decimals$}"))
}

/// Moves labels of the given heights, wished centred at `wishes`, as little as it takes to keep them apart within
/// [top, bottom]; returns their centres.
pub(super) fn spread(wishes: &[f64], heights: &[f64], top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|&a, &b| wishes[a].total_cmp(&wishes[b]));
    let mut centres = wishes.to_vec();
    // Down from the top, then up from the bottom; what is pushed out by the second pass starts at the top again.
    for _ in 0..2 {
        let mut free = top;
        for &i in &order {
            centres[i] = centres[i].max(free + heights[i] / 2.0);
            free = centres[i] + heights[i] / 2.0;
        }
        let mut free = bottom;
        for &i in order.iter().rev() {
            centres[i] = centres[i].min(free - heights[i] / 2.0);
            free = centres[i] - heights[i] / 2.0;
        }
    }
    centres
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stay_apart_and_inside() {
        let centres = spread(&[50.0, 51.0, 99.0], &[20.0, 20.0, 20.0], 0.0, 100.0);
        assert_eq!(centres, [50.0, 70.0, 90.0]);
    }

    #[test]
    fn long_words_are_cut_and_long_texts_end() {
        load_font().unwrap();
        let lines = wrap(&"x".repeat(500), 12.0, 200.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…') && lines.iter().all(|line| width(line, 12.0) < 220.0));
        assert_eq!(wrap("two words", 12.0, 500.0, 3), ["two words"]);
    }
}
