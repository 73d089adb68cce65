//! Axes: ends and ticks, logarithmic or linear.

use super::style::{minus, power_of_ten};

/// How an axis measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Measure {
    /// In powers of ten: positive values only.
    #[default]
    Log,
    /// Evenly.
    Linear,
}

impl Measure {
    /// Whether the axis can show `value`.
    pub(super) fn shows(self, value: f64) -> bool {
        match self {
            Measure::Log => value.is_finite() && value > 0.0,
            // Beyond, the length of the axis would overflow.
            Measure::Linear => value.abs() < 1e300,
        }
    }

    /// Where on the axis `value` stands, before it is scaled to the page.
    fn coordinate(self, value: f64) -> f64 {
        match self {
            Measure::Log => value.log10(),
            Measure::Linear => value,
        }
    }
}

/// An axis: its ends and its ticks, in coordinates (powers of ten on a log axis).
#[derive(Debug, Clone)]
pub(super) struct Axis {
    measure: Measure,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Room for all `values`, which the measure can show, with at most `most` ticks.
    pub(super) fn around(measure: Measure, values: impl Iterator<Item = f64>, most: f64) -> Self {
        let places = values.map(|value| measure.coordinate(value));
        let (low, high) = places.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        match measure {
            _ if low > high => Axis::around(measure, [1.0].into_iter(), most),
            Measure::Log => Axis::log(low, high, most),
            Measure::Linear => Axis::linear(low, high, most),
        }
    }

    fn log(low: f64, high: f64, most: f64) -> Self {
        // At least half a decade, and a margin so that no marker is cut by the frame.
        let pad = (0.04 * (high - low)).max(0.27 - 0.5 * (high - low)).max(0.02);
        let (low, high) = (low - pad, high + pad);
        let mut axis = Axis { measure: Measure::Log, low, high, ticks: Vec::new() };
        let step = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0].into_iter().find(|s| (high - low) / s < most);
        axis.decades(step.unwrap_or(100.0));
        if axis.ticks.len() < 2 {
            axis.digits();
        }
        axis
    }

    #[allow(clippy::cast_possible_truncation, reason = "a few ticks, a few decimals")]
    fn linear(low: f64, high: f64, most: f64) -> Self {
        // A single value stands in the middle of an axis about as long as itself.
        let flat = if high > low { 0.0 } else { low.abs().max(1.0) * 0.5 };
        let pad = 0.04 * (high - low) + flat;
        let (low, high) = (low - pad, high + pad);
        let rough = (high - low) / most.max(2.0);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|s| s * power).into_iter().find(|s| *s >= rough);
        let step = step.unwrap_or(10.0 * power);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let ticks = ((low / step).ceil() as i64..=(high / step).floor() as i64)
            .map(|k| (k as f64 * step, minus(&format!("{:.decimals$}", k as f64 * step))))
            .collect();
        Axis { measure: Measure::Linear, low, high, ticks }
    }

    /// Ticks at 10^(k step).
    #[allow(clippy::cast_possible_truncation, reason = "exponents of doubles are below 400")]
    fn decades(&mut self, step: f64) {
        let (first, last) = ((self.low / step).ceil(), (self.high / step).floor());
        self.ticks = (first as i32..=last as i32)
            .map(|k| f64::from(k) * step)
            .map(|exponent| (exponent, power_of_ten(exponent as i32)))
            .collect();
    }

    /// Ticks at 1, 2, 5 times powers of ten, or at every digit where even those are too few.
    #[allow(clippy::cast_possible_truncation, reason = "exponents of doubles are below 400")]
    fn digits(&mut self) {
        for digits in [&[1_i32, 2, 5][..], &[1, 2, 3, 4, 5, 6, 7, 8, 9]] {
            self.ticks.clear();
            for exponent in self.low.floor() as i32..=self.high.floor() as i32 {
                for &digit in digits {
                    let at = f64::from(exponent) + f64::from(digit).log10();
                    let text = match digit {
                        _ if exponent == 0 => digit.to_string(),
                        1 => power_of_ten(exponent),
                        _ => format!("{digit}·{}", power_of_ten(exponent)),
                    };
                    if (self.low..=self.high).contains(&at) {
                        self.ticks.push((at, text));
                    }
                }
            }
            if self.ticks.len() >= 2 {
                return;
            }
        }
    }

    /// Where a coordinate lies between the ends, 0 to 1.
    pub(super) fn place(&self, coordinate: f64) -> f64 {
        (coordinate - self.low) / (self.high - self.low)
    }

    /// Where a value lies between the ends, 0 to 1.
    pub(super) fn place_of(&self, value: f64) -> f64 {
        self.place(self.measure.coordinate(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_bear_any_range() {
        for values in [vec![1.0], vec![3.0, 3.0], vec![1e-300, 1e300], vec![2.1, 2.3], vec![5e-324]]
        {
            let axis = Axis::around(Measure::Log, values.iter().copied(), 8.0);
            assert!((2..=9).contains(&axis.ticks.len()), "{values:?}: {:?}", axis.ticks);
            assert!(axis.ticks.iter().all(|(at, _)| (0.0..=1.0).contains(&axis.place(*at))));
        }
        assert_eq!(Axis::around(Measure::Log, [1.0, 1e4].into_iter(), 8.0).ticks[4].1, "10⁴");
    }

    #[test]
    fn linear_axes_have_round_ticks() {
        for values in
            [vec![0.0], vec![-1.3, 1.2], vec![1e-9, 2e-9], vec![3.0e8, 3.0e8], vec![52.0, 99.0]]
        {
            let axis = Axis::around(Measure::Linear, values.iter().copied(), 8.0);
            assert!((2..=9).contains(&axis.ticks.len()), "{values:?}: {:?}", axis.ticks);
            assert!(axis.ticks.iter().all(|(at, _)| (0.0..=1.0).contains(&axis.place(*at))));
        }
        let axis = Axis::around(Measure::Linear, [0.0, 1.0].into_iter(), 8.0);
        assert_eq!(axis.ticks[1].1, "0.2");
    }
}
