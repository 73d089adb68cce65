//! The supremum of a function of continuous time, found step by step on the dense output.
//!
//! Where a step may hide a top is told by slopes at its ends ([`End`], a cubic), or by a look at its middle (a
//! parabola); the top itself is then searched for on the function. A top is flat, so a place within δ of it gives its
//! height to second order in δ.

use crate::Result;

/// A supremum and where it is attained.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Supremum {
    pub(crate) value: f64,
    pub(crate) time: f64,
}

/// A function at an end of a step: near its value, and its slope.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) time: f64,
    pub(crate) value: f64,
    pub(crate) slope: f64,
}

/// The height of a top is found to this, relative, or to what the function is known to.
const PRECISION: f64 = 1e-12;

/// Evaluations of a search at most.
const MOST: usize = 18;

/// By how much of a step a parabola may misplace a top.
const DOUBT: f64 = 0.1;

impl Supremum {
    pub(crate) fn see(&mut self, time: f64, value: f64) {
        if value > self.value {
            *self = Supremum { value, time };
        }
    }

    /// Takes in a step [a, b] from its values at both ends and in the middle; where a parabola through them has its
    /// top inside, or nearly, and above all that was seen, the top is searched for on `f` itself, which is known to
    /// within `noise`.
    pub(crate) fn see_step(
        &mut self,
        values: [(f64, f64); 3],
        noise: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        let [_, _, (b, fb)] = values;
        self.see(b, fb);
        self.see_inside(values, noise, f)
    }

    /// The same for what is inside, where the value at the end is not to be relied on.
    pub(crate) fn see_inside(
        &mut self,
        values: [(f64, f64); 3],
        noise: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        let [(a, _), (m, fm), (b, _)] = values;
        self.see(m, fm);
        let Some(Parabola { top, height, .. }) = Parabola::through(values) else { return Ok(()) };
        let margin = DOUBT * (b - a);
        let inside = top > a - margin && top < b + margin;
        if inside && (height > self.value * (1.0 + 1e-13) || fm >= self.value) {
            self.search(values, None, noise, f)?;
        }
        Ok(())
    }

    /// Takes in what is between the ends of a step: where a cubic with these slopes has a top inside, and above all
    /// that was seen, the top is searched for on `f` itself.
    pub(crate) fn see_between(
        &mut self,
        a: End,
        b: End,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        let Some(top) = cubic_top(a, b) else { return Ok(()) };
        if a.value.max(b.value).max(cubic(a, b, top)) <= self.value {
            return Ok(());
        }
        let time = a.time + top * (b.time - a.time);
        let value = f(time)?;
        self.see(time, value);
        let values = [(a.time, a.value), (time, value), (b.time, b.value)];
        self.search(values, Some(time), 0.0, f)
    }

    /// Parabola after parabola through three points around the highest, until two in a row (or one and `before`) place
    /// the top where its height is the same.
    fn search(
        &mut self,
        mut points: [(f64, f64); 3],
        mut before: Option<f64>,
        noise: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        for _ in 0..MOST {
            let [(a, fa), (m, fm), (b, _)] = points;
            let (t, bend) = match Parabola::through(points) {
                // A first guess outside is doubted.
                Some(Parabola { top, bend, .. }) if before.is_none() && !(a..b).contains(&top) => {
                    let margin = DOUBT * (b - a);
                    (top.clamp(a + margin, b - margin), bend)
                }
                Some(Parabola { top, bend, .. }) => (top.clamp(a, b), bend),
                // Where there is no top the longer half is cut.
                None if m - a > b - m => (0.5 * (a + m), f64::INFINITY),
                None => (0.5 * (m + b), f64::INFINITY),
            };
            let enough = PRECISION * self.value + noise;
            if before.is_some_and(|before| bend * (t - before).powi(2) <= enough) {
                return Ok(());
            }
            if t <= a {
                // Where a step begins its dense output need not be asked: the step before ended there.
                self.see(a, fa);
                return Ok(());
            }
            before = Some(t);
            let value = f(t)?;
            self.see(t, value);
            if t >= b || t == m {
                return Ok(());
            }
            let [left, right] = if t < m { [(t, value), (m, fm)] } else { [(m, fm), (t, value)] };
            points =
                if left.1 > right.1 { [points[0], left, right] } else { [left, right, points[2]] };
        }
        Ok(())
    }
}

/// A parabola that has a top: its place, its height, and how fast it falls off with the square of the distance.
struct Parabola {
    top: f64,
    height: f64,
    bend: f64,
}

impl Parabola {
    /// Through three points in order; `None` where it has no top.
    fn through([(a, fa), (m, fm), (b, fb)]: [(f64, f64); 3]) -> Option<Self> {
        let (before, after) = ((fm - fa) / (m - a), (fb - fm) / (b - m));
        let bend = (before - after) / (b - a);
        if !(bend > 0.0 && bend.is_finite()) {
            return None;
        }
        let slope = before - bend * (m - a);
        let ahead = 0.5 * slope / bend;
        Some(Parabola { top: m + ahead, height: fm + bend * ahead * ahead, bend })
    }
}

/// Whether a parabola through three ends of steps leaves open whether the last step holds a top: unless its top is half
/// a step away.
pub(crate) fn may_hold_top(points: [(f64, f64); 3]) -> bool {
    let [_, (a, _), (b, _)] = points;
    let margin = 0.5 * (b - a);
    Parabola::through(points).is_some_and(|p| p.top > a - margin && p.top < b + margin)
}

/// The cubic with these ends, at a + `part` · (b − a).
fn cubic(a: End, b: End, part: f64) -> f64 {
    let [c0, c1, c2, c3] = coefficients(a, b);
    ((c3 * part + c2) * part + c1) * part + c0
}

fn coefficients(a: End, b: End) -> [f64; 4] {
    let length = b.time - a.time;
    let (da, db, rise) = (length * a.slope, length * b.slope, b.value - a.value);
    [a.value, da, 3.0 * rise - 2.0 * da - db, da + db - 2.0 * rise]
}

/// Where within (0, 1), as a part of the step, the cubic with these ends has a top.
fn cubic_top(a: End, b: End) -> Option<f64> {
    let [_, c1, c2, c3] = coefficients(a, b);
    // 3c₃σ² + 2c₂σ + c₁ = 0 where it turns negative: at σ = (−c₂ − √(c₂² − 3c₁c₃))/(3c₃), without cancellation.
    let root = (c2 * c2 - 3.0 * c1 * c3).sqrt();
    let top = if c2 < 0.0 { c1 / (root - c2) } else { -(c2 + root) / (3.0 * c3) };
    (root > 0.0 && top > 0.0 && top < 1.0).then_some(top)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A top at 0.3 of height 2.
    fn hill(t: f64) -> f64 {
        2.0 - (t - 0.3).powi(2) + 0.1 * (t - 0.3).powi(3)
    }

    #[test]
    fn the_top_inside_a_step_is_found() {
        let mut f = |t: f64| Ok(hill(t));
        let values = [0.0, 0.5, 1.0].map(|t| (t, hill(t)));
        let mut sup = Supremum::default();
        assert!(sup.see_step(values, 0.0, &mut f).is_ok());
        // A place within √PRECISION of the top.
        approx::assert_abs_diff_eq!(sup.value, 2.0, epsilon = 1e-11);
        approx::assert_abs_diff_eq!(sup.time, 0.3, epsilon = 1e-5);
    }

    /// Both ways in find the same top, wherever in the step, with few evaluations; from slopes with values at the ends
    /// that are a little off.
    #[test]
    fn slopes_and_middles_find_the_same_top() {
        for i in 1..40 {
            let place = f64::from(i) / 40.0;
            let function = |t: f64| 1.0 + 0.3 * (1.0 - (t - place) * (t - place).tanh());
            let slope = |t: f64| {
                let x = t - place;
                -0.3 * (x.tanh() + x / x.cosh().powi(2))
            };
            let mut found = [Supremum::default(), Supremum::default()];
            let mut calls = [0, 0];
            let values = [0.0, 0.5, 1.0].map(|t| (t, function(t)));
            let mut f = |t: f64| {
                calls[0] += 1;
                Ok(function(t))
            };
            assert!(found[0].see_step(values, 0.0, &mut f).is_ok());
            let [a, b] = [0.0, 1.0].map(|t| End {
                time: t,
                value: function(t) * (1.0 + 1e-8),
                slope: slope(t),
            });
            let mut f = |t: f64| {
                calls[1] += 1;
                Ok(function(t))
            };
            assert!(found[1].see_between(a, b, &mut f).is_ok());
            for sup in found {
                approx::assert_abs_diff_eq!(sup.value, 1.3, epsilon = 1e-10);
                approx::assert_abs_diff_eq!(sup.time, place, epsilon = 1e-4);
            }
            assert!(calls[0] <= 9 && calls[1] <= 9, "{calls:?} at {place}");
        }
    }

    #[test]
    fn a_step_that_rises_throughout_is_not_searched() {
        let ends = |slopes: [f64; 2]| {
            let end = |i: usize, time: f64, value: f64| End { time, value, slope: slopes[i] };
            cubic_top(end(0, 0.0, 0.0), end(1, 1.0, 1.0))
        };
        assert_eq!(ends([1.0, 1.0]), None);
        assert_eq!(ends([2.0, 0.1]), None);
        assert!(ends([2.0, -0.1]).is_some_and(|top| top > 0.5));
        assert!(ends([5.0, 1.0]).is_some());
        assert!(!may_hold_top([(0.0, 0.0), (1.0, 1.0), (2.0, 1.8)]));
        assert!(may_hold_top([(0.0, 0.0), (1.0, 1.0), (2.0, 1.1)]));
        assert!(may_hold_top([(0.0, 0.5), (1.0, 1.0), (2.0, 0.9)]));
    }

    /// Against the cubic on a fine grid.
    #[test]
    fn the_cubic_s_top_is_where_it_is_highest() {
        for i in 0..200 {
            let draw = |k: i32| (f64::from(i * k) * 0.618).fract() * 4.0 - 2.0;
            let a = End { time: 1.0, value: draw(1), slope: draw(3) };
            let b = End { time: 3.0, value: draw(5), slope: draw(7) };
            let heights: Vec<f64> =
                (0..=2000).map(|j| cubic(a, b, f64::from(j) / 2000.0)).collect();
            let inner =
                (1..2000).find(|&j| heights[j] > heights[j - 1] && heights[j] >= heights[j + 1]);
            match (inner, cubic_top(a, b)) {
                (Some(j), Some(top)) => assert!((top - j as f64 / 2000.0).abs() <= 1e-3),
                (None, Some(top)) => assert!(!(1e-3..=1.0 - 1e-3).contains(&top)),
                (found, None) => assert_eq!(found, None),
            }
        }
    }
}
