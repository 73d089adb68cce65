//! Theorems asked backwards, against closed forms.

use crate::common::Scalar1;
use crate::models::flow;
use gradflow::Result;
use gradflow::constants::{Enclosure, Neighbourhood, Spectrum};
use gradflow::loss::Square;
use gradflow::model::Model;
use gradflow::theory::{
    OverParameterized, Quantitative, Setting, Theorem, Wish, least_scale, longest_horizon,
};

/// For w² − 1 from 1 to y* = 1: Theorem 2.4 from α = 16 on; its gap of the outputs is 160 · 8 · 2/(32α) = 80/α.
#[test]
fn the_least_scale_of_theorem_2_4() {
    let (map, loss) = (Scalar1.auto(), Square::to([1.0]));
    let near = Neighbourhood::of(&map, &[1.0]).unwrap();
    let spectrum: &Spectrum = near.spectrum().unwrap();
    let conclusion = |i: usize| {
        let (map, loss) = (&map, &loss);
        move |alpha: f64| -> Result<Box<dyn Theorem>> {
            let setting = Setting::of(&flow(map, loss, &[1.0]).scaled(alpha))?;
            let all = OverParameterized::with_lipschitz(&setting, spectrum, |r| {
                Enclosure::exactly(2.0, r)
            });
            Ok(Box::new(all[i].clone()))
        }
    };
    let range = (1e-2, 1e8);
    let found =
        least_scale(conclusion(0), Wish { time: 1.0, below: None }, range).unwrap().unwrap();
    assert!(found > 16.0 && found <= 16.0 * 1.001_001, "{found}");
    let small = Wish { time: 1.0, below: Some(0.01) };
    let found = least_scale(conclusion(2), small, range).unwrap().unwrap();
    assert!((8000.0..=8000.0 * 1.001_001).contains(&found), "{found}");
    let never = Wish { time: 1.0, below: Some(1e-9) };
    assert_eq!(least_scale(conclusion(2), never, range).unwrap(), None);
    assert!(least_scale(conclusion(0), never, (0.0, 1.0)).is_err());
}

/// For w² − 1 a ball certifies itself while 2T e₀ < α. With a wish: T²Lip(h)²·2e₀²/α ≤ δ at r = 2a/(1 − 2a), a = Te₀/α.
#[test]
fn the_longest_horizon_of_theorem_2_3() {
    let (map, loss) = (Scalar1.auto(), Square::to([1.5]));
    let near = Neighbourhood::of(&map, &[1.0]).unwrap();
    let norm = near.spectrum().unwrap().norm_jacobian;
    let setting = Setting::of(&flow(&map, &loss, &[1.0]).scaled(60.0)).unwrap();
    let build = |time: f64| -> Result<Box<dyn Theorem>> {
        let lip = |r| Enclosure::exactly(2.0, r);
        let [_, _, outputs] = Quantitative::on_least_ball(&setting, 1, norm, lip, time);
        Ok(Box::new(outputs))
    };
    let found = longest_horizon(build, None, (1e-3, 1e3)).unwrap().unwrap();
    assert!(found <= 20.0 && found > 20.0 / 1.002, "{found}");
    let below = 0.05;
    let found = longest_horizon(build, Some(below), (1e-3, 1e3)).unwrap().unwrap();
    let bound = |time: f64| {
        let a = time * 1.5 / 60.0;
        let r = 2.0 * a / (1.0 - 2.0 * a);
        (time * (2.0 + 2.0 * r)).powi(2) * 2.0 * 2.25 / 60.0
    };
    // r may be a notch of 2.22 % above this one, and Lip(h) = 2 + 2r with it by 2.22 % r/(1 + r); T is to a thousandth.
    let a = found * 1.5 / 60.0;
    let r = 2.0 * a / (1.0 - 2.0 * a);
    let slack = (1.0 + 0.0222 * r / (1.0 + r)) * 1.001_001;
    assert!(bound(found) <= below && bound(found * slack) > below, "{found}");
    assert_eq!(longest_horizon(build, Some(1e-12), (1e-3, 1e3)).unwrap(), None);
}
