//! Lists of numbers on the command line, and grids of scales.

use crate::{Error, Result};

/// The most scales one command solves.
const MOST: usize = 10_000;

/// Numbers separated by commas: `1, -2.5, 1/3, 1e-3`.
pub(super) fn numbers(name: &str, text: &str) -> Result<Vec<f64>> {
    let parse = |(i, part): (usize, &str)| number(&format!("{name}[{i}]"), part);
    text.split(',').enumerate().map(parse).collect()
}

/// One finite number, or a quotient of two.
fn number(name: &str, text: &str) -> Result<f64> {
    let text = text.trim();
    let value = match text.split_once('/') {
        Some((a, b)) => {
            a.trim().parse::<f64>().and_then(|a| b.trim().parse::<f64>().map(|b| a / b))
        }
        None => text.parse(),
    };
    let wanted = "a finite number such as 1.5, -2e-3 or 1/3; separate several by commas";
    match value {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(Error::value(name, format!("`{text}`"), wanted)),
    }
}

/// Scales: numbers, `inf`, and ranges `1e0..1e6` (one a decade) or `1..100:9` (nine in constant ratio), separated by
/// commas; ascending and without repetition.
pub(super) fn alphas(text: &str) -> Result<(Vec<f64>, usize)> {
    let mut all = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once("..") {
            Some((from, rest)) => {
                let (to, count) =
                    rest.split_once(':').map_or((rest, None), |(to, n)| (to, Some(n)));
                all.extend(range(number("α", from)?, number("α", to)?, count)?);
            }
            None if part == "inf" || part == "∞" => all.push(f64::INFINITY),
            None => all.push(number("α", part)?),
        }
        if all.len() > MOST {
            return Err(too_many(all.len()));
        }
    }
    for &alpha in &all {
        crate::flow::check_alpha(alpha)?;
    }
    let asked = all.len();
    all.sort_by(f64::total_cmp);
    all.dedup();
    let dropped = asked - all.len();
    Ok((all, dropped))
}

/// From `a` to `b` in constant ratio: `count` values, or one a decade.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of decades, bounded by the range of α"
)]
fn range(a: f64, b: f64, count: Option<&str>) -> Result<Vec<f64>> {
    crate::flow::check_alpha(a)?;
    crate::flow::check_alpha(b)?;
    if a >= b {
        return Err(Error::value(
            "α range",
            format!("{a}..{b}"),
            "a range that ascends, as 1e0..1e4",
        ));
    }
    let decades = (b / a).log10();
    let count = match count {
        None => decades.round() as usize + 1,
        Some(text) => text.trim().parse().map_err(|_| {
            Error::value("number of α", format!("`{text}`"), "a whole number of at least 2")
        })?,
    };
    if count < 2 {
        return Err(Error::value("number of α", count, "a whole number of at least 2"));
    }
    if count > MOST {
        return Err(too_many(count));
    }
    let last = count - 1;
    // Powers of ten are written as such, so that 1e6 is 1e6.
    let at = |i: usize| match i {
        0 => a,
        i if i == last => b,
        i => {
            let value = a * 10_f64.powf(decades * i as f64 / last as f64);
            let exponent = value.log10();
            let near = 10_f64.powi(exponent.round() as i32);
            if (value / near - 1.0).abs() < 1e-12 { near } else { value }
        }
    };
    Ok((0..count).map(at).collect())
}

fn too_many(found: usize) -> Error {
    Error::TooLarge {
        what: "the list of scales α".into(),
        needed: format!("{found} solves"),
        limit: MOST.to_string(),
        remedy: "give a shorter range, or a coarser one (1e0..1e4:20)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_go_by_decades_and_lists_are_sorted_without_repetition() {
        let found = alphas("inf, 1e0..1e3, 10, 0.5").ok();
        assert_eq!(found, Some((vec![0.5, 1.0, 10.0, 100.0, 1000.0, f64::INFINITY], 1)));
        assert_eq!(alphas("1..4:3").ok(), Some((vec![1.0, 2.0, 4.0], 0)));
    }

    #[test]
    fn what_is_no_scale_is_refused() {
        for bad in
            ["", "0", "-1", "nan", "1e300", "1e-300", "2..1", "1..2:1", "1..1e9:100000000", "x"]
        {
            assert!(alphas(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn quotients_are_numbers() {
        assert_eq!(numbers("start", "1/4, -2e-1").ok(), Some(vec![0.25, -0.2]));
        assert!(numbers("start", "1/0").is_err() && numbers("start", "1,,2").is_err());
    }
}
