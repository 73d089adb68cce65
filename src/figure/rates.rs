//! `lazy-limit`: displacement and gaps against α, with the exact constants of the limit α = ∞.
//!
//! Theorem 2.2 (Chizat et al. 2019) says sup‖w − w₀‖ = O(1/α), sup‖w − w̄‖ = O(1/α²), sup‖y − ȳ‖ = O(1/α). The flow
//! of the gap at α = ∞ gives the sharp constants: the row alpha = inf holds α, α² and α times the quantity (columns
//! `…_scaled`), and the dashed line is constant/α or constant/α², no fit. In doubled models the outputs' constant is
//! zero and the rate one order better: the note `outputs_order: 2` asks for a guide of that slope through the last
//! point.

use super::picture::{Curve, Kind, Panel, Picture, notes_line, unshown};
use super::style::{minus, number_label, superscript};
use crate::experiment::Table;
use crate::{Error, Result};

pub(super) const COLUMNS: &[&str] = &["alpha", "displacement", "w_gap", "outputs_gap"];

/// Column, symbol, order in 1/α by the theorem.
const QUANTITIES: [(&str, &str, i32); 3] = [
    ("displacement", "sup‖w − w₀‖", 1),
    ("w_gap", "sup‖w − w̄‖", 2),
    ("outputs_gap", "sup‖y − ȳ‖", 1),
];

const BOTH: &str = "Solid: measured. Dashed: the exact constant at α = ∞, over the power of α.";
const GUIDE: &str = "Guide: the slope expected, through the last point.";

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let alpha = table.column("alpha")?;
    let mut curves = Vec::new();
    let mut remarks = Vec::new();
    for (index, (name, symbol, order)) in QUANTITIES.into_iter().enumerate() {
        let values = table.column(name)?;
        let measured = Curve::new(Kind::Measured, index, alpha, values);
        let order = if name == "outputs_gap" { outputs_order(table)? } else { order };
        remarks.extend(unshown(symbol, values));
        let slope = fitted_slope(&measured.points);
        let mut label = vec![match slope {
            Some(slope) if (slope + f64::from(order)).abs() < 0.1 => {
                format!("{symbol} ∝ α{}", superscript(-order))
            }
            _ => symbol.to_string(),
        }];
        label.extend(slope.map(|slope| minus(&format!("fitted slope {slope:.3}"))));
        if let Some((constant, exact)) = constant(table, name, order, &measured.points)? {
            let source = if exact { "dashed" } else { "dashed guide" };
            remarks.extend((!exact).then(|| GUIDE.to_string()));
            label.push(format!("{source}: {} α{}", number_label(constant), superscript(-order)));
            let ends = beyond(&measured.points);
            let line = ends.map(|alpha| constant * alpha.powi(-order));
            curves.push(Curve::new(Kind::Theory, index, &ends, &line));
        }
        curves.push(measured.labelled(label));
    }
    let theory = curves.iter().any(|curve: &Curve| curve.kind == Kind::Theory);
    remarks.insert(0, if theory { BOTH } else { "Measured values." }.to_string());
    let mut caption = vec![notes_line(table, &["outputs_order"])];
    caption.push(remarks.join(" "));
    let panel =
        Panel { x: "scale α".into(), y: "supremum over time".into(), curves, ..Panel::default() };
    Ok(Picture {
        title: "The lazy limit".into(),
        caption,
        panels: vec![panel],
        ..Picture::default()
    })
}

/// The order of ‖y − ȳ‖: the note `outputs_order`, 1 where it is not given.
fn outputs_order(table: &Table) -> Result<i32> {
    let Some(word) = table.noted("outputs_order") else { return Ok(1) };
    match word.parse() {
        Ok(order @ 1..=9) => Ok(order),
        _ => Err(Error::value("outputs_order", word, "a whole number from 1 to 9")),
    }
}

/// C of C α^(−order) and whether it is the exact one: from the row α = ∞, else (where that is zero or missing and the
/// order was raised) through the last measured point.
fn constant(
    table: &Table,
    name: &str,
    order: i32,
    measured: &[(f64, f64)],
) -> Result<Option<(f64, bool)>> {
    let natural = QUANTITIES.iter().any(|(column, _, o)| *column == name && *o == order);
    if !natural {
        return Ok(measured.last().map(|(alpha, value)| (value * alpha.powi(order), false)));
    }
    let Ok(scaled) = table.column(&format!("{name}_scaled")) else { return Ok(None) };
    let alpha = table.column("alpha")?;
    let limit = alpha.iter().zip(scaled).find(|(alpha, _)| **alpha == f64::INFINITY);
    Ok(limit.map(|(_, &c)| (c, true)).filter(|(c, _)| c.is_finite() && *c > 0.0))
}

/// The ends of a line that reaches a little beyond the points, so that it is seen where it agrees with them.
fn beyond(points: &[(f64, f64)]) -> [f64; 2] {
    let first = points.first().map_or(f64::NAN, |point| point.0);
    let last = points.last().map_or(f64::NAN, |point| point.0);
    let reach = (last / first).powf(0.07).min(1e3);
    [first / reach, last * reach]
}

/// d log y/d log x by least squares over the upper half of the axis, as the command's table has it; `None` for fewer
/// than two points there.
fn fitted_slope(points: &[(f64, f64)]) -> Option<f64> {
    let middle = (points.first()?.0 * points.last()?.0).sqrt();
    let upper = &points[points.partition_point(|(x, _)| *x < middle * (1.0 - 1e-9))..];
    let n = f64::from(u32::try_from(upper.len()).ok()?);
    let logs: Vec<(f64, f64)> = upper.iter().map(|(x, y)| (x.log10(), y.log10())).collect();
    let mean = |part: fn(&(f64, f64)) -> f64| logs.iter().map(part).sum::<f64>() / n;
    let (mx, my) = (mean(|p| p.0), mean(|p| p.1));
    let xx: f64 = logs.iter().map(|(x, _)| (x - mx) * (x - mx)).sum();
    let xy: f64 = logs.iter().map(|(x, y)| (x - mx) * (y - my)).sum();
    (xx > 1e-12).then(|| xy / xx)
}
