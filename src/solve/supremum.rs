//! The supremum of a function of continuous time, found step by step on the dense output.

use crate::Result;

/// A supremum and where it is attained.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Supremum {
    pub(crate) value: f64,
    pub(crate) time: f64,
}

impl Supremum {
    pub(crate) fn see(&mut self, time: f64, value: f64) {
        if value > self.value {
            *self = Supremum { value, time };
        }
    }

    /// Takes in a step [a, b] from its values at both ends and in the middle; where a parabola through them has its
    /// top inside and above all that was seen, the top is searched for on `f` itself.
    pub(crate) fn see_step(
        &mut self,
        [(a, fa), (m, fm), (b, fb)]: [(f64, f64); 3],
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        self.see(m, fm);
        self.see(b, fb);
        let (rise, curve) = (0.5 * (fb - fa), fa - 2.0 * fm + fb);
        if curve < 0.0 && rise.abs() < -curve {
            let top = fm - 0.5 * rise * rise / curve;
            if top > self.value * (1.0 + 1e-13) || fm >= self.value {
                self.search(a, b, f)?;
            }
        }
        Ok(())
    }

    /// Golden-section search on [a, b]; eighteen evaluations place the top within 2e-4 of the step, where a smooth
    /// function differs from its maximum by a few 1e-8 of its variation over the step.
    fn search(
        &mut self,
        mut a: f64,
        mut b: f64,
        f: &mut dyn FnMut(f64) -> Result<f64>,
    ) -> Result<()> {
        const RATIO: f64 = 0.618_033_988_749_894_9;
        let (mut c, mut d) = (b - RATIO * (b - a), a + RATIO * (b - a));
        let (mut fc, mut fd) = (f(c)?, f(d)?);
        for _ in 0..16 {
            self.see(c, fc);
            self.see(d, fd);
            if fc > fd {
                (b, d, fd) = (d, c, fc);
                c = b - RATIO * (b - a);
                fc = f(c)?;
            } else {
                (a, c, fc) = (c, d, fd);
                d = a + RATIO * (b - a);
                fd = f(d)?;
            }
        }
        self.see(c, fc);
        self.see(d, fd);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_inside_a_step_is_found() {
        let mut f = |t: f64| Ok(2.0 - (t - 0.3).powi(2) + 0.1 * (t - 0.3).powi(3));
        let ends = [0.0, 0.5, 1.0].map(|t| (t, f(t).unwrap_or(f64::NAN)));
        let mut sup = Supremum::default();
        assert!(sup.see_step(ends, &mut f).is_ok());
        approx::assert_abs_diff_eq!(sup.value, 2.0, epsilon = 1e-7);
        approx::assert_abs_diff_eq!(sup.time, 0.3, epsilon = 1e-3);
    }
}
