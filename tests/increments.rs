//! Increment numbers against values computed at 2600 bits (`data/increments.csv`; its header says how).
//!
//! Tolerance. A result is a sum of terms whose sizes add up to `scale` (in the table). Each term is a product of
//! fewer than twenty rounded factors, an elementary function counting as one with an error of a few units, and f₂ by
//! its definition is used only where it cancels no more than a factor of twenty: some 400 u, u = 2⁻⁵³ ≈ 1.1e-16, hence
//! 5e-14. The argument enters rounded: where a step of u in x or δ changes f by more than u (powers, |a| times; erf and
//! the exponentials, |x f''/f'| times), the tolerance grows by that factor.

use gradflow::scalar::{Dual, Elementary, Increment, Scalar};

/// The table's functions, by name.
fn evaluate<S: Scalar>(name: &str, x: S) -> S {
    let one = S::from(1.0);
    match name.split_once(':') {
        Some(("powi", n)) => return x.powi(n.parse().unwrap()),
        Some((_, a)) => return x.powf(a.parse().unwrap()),
        None => {}
    }
    match name {
        "one_over" => one / x,
        "rational" => x / (one + x * x),
        "tanh_exp" => (S::from(1.25) * x).tanh() * (S::from(-0.25) * x).exp(),
        _ => {
            let found =
                Elementary::ALL.into_iter().find(|f| format!("{f:?}").to_lowercase() == name);
            x.apply(found.unwrap())
        }
    }
}

/// By how much a relative error of the argument grows.
fn condition(name: &str, x0: f64, x: f64) -> f64 {
    let largest = x0.abs().max(x.abs());
    1.0 + match name.split_once(':') {
        Some((_, exponent)) => exponent.parse::<f64>().unwrap().abs(),
        None if name == "erf" => largest.min(6.0).powi(2),
        None if name == "tanh_exp" => largest,
        None if name == "exp" => largest / 8.0,
        None => 0.0,
    }
}

struct Row {
    function: String,
    x: [f64; 4],
    first: f64,
    rest: f64,
    scale: f64,
}

fn table() -> Vec<Row> {
    let mut reader = csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_path("tests/data/increments.csv")
        .unwrap();
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let number = |i: usize| record[i].parse::<f64>().unwrap();
        Row {
            function: record[0].to_string(),
            x: [number(1), number(2), number(3), number(4)],
            first: number(5),
            rest: number(6),
            scale: number(7),
        }
    });
    rows.collect()
}

#[test]
fn increments_agree_with_long_arithmetic() {
    let mut wrong = Vec::new();
    let rows = table();
    assert!(rows.len() > 2000);
    for Row { function, x: [x0, x1, r, eps], first, rest, scale } in rows {
        let y = evaluate(&function, Increment::new(x0, x1, r, eps));
        let x = x0 + eps * (x1 + eps * r);
        let tolerance = 5e-14 * condition(&function, x0, x);
        // Composite functions have cancellation in f' itself, which `first` shares: the absolute size is that of x₁.
        let slope_scale =
            if function.contains('_') { x1.abs().max(first.abs()) } else { first.abs() };
        let errors = [(y.first - first).abs() / slope_scale, (y.rest - rest).abs() / scale];
        let exact = [y.first == first, y.rest == rest];
        for (k, (error, exact)) in errors.into_iter().zip(exact).enumerate() {
            if !(exact || error <= tolerance) {
                wrong.push(format!("{function} at ({x0}, {x1}, {r}), ε = {eps}, part {k}: {error:e}: {y:?}, {first:e} {rest:e}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// relu and abs are piecewise linear: with powers of two every operation is exact, the crossing included.
#[test]
fn kinks_are_crossed_exactly() {
    for (x0, x1, eps) in [(1.0, -4.0, 0.5), (-1.0, 4.0, 0.5), (0.5, -1.0, 0.5), (0.25, -2.0, 0.25)]
    {
        let x = x0 + eps * x1;
        for f in [Elementary::Relu, Elementary::Abs] {
            let y = Increment::new(x0, x1, 0.0, eps).apply(f);
            let slope = f.derivative(x0, f.at(x0));
            assert_eq!((y.base, y.first), (f.at(x0), slope * x1));
            assert_eq!(
                y.rest,
                (f.at(x) - f.at(x0) - eps * y.first) / (eps * eps),
                "{f:?} {x0} {x1}"
            );
        }
    }
    // On one side of the kink, and in the limit, there is no second order.
    for eps in [0.0, 1e-300, 0.125] {
        let y = Increment::new(3.0, -2.0, 5.0, eps);
        assert_eq!((y.relu().first, y.relu().rest), (-2.0, 5.0));
        assert_eq!(((-y).relu().first, (-y).relu().rest), (0.0, 0.0));
        assert_eq!(((-y).abs().first, (-y).abs().rest), (-2.0, 5.0));
    }
}

/// A nested number: the reverse sweep over increments gives the change of the gradient.
#[test]
fn the_first_part_is_the_derivative() {
    for f in Elementary::ALL {
        for x in [0.25, 0.5, 2.0, 7.5] {
            let (dual, y) =
                (Dual::variable(x).apply(f), Increment::new(x, 1.0, 0.0, 0.125).apply(f));
            assert_eq!(dual.value, y.base);
            // 1 − tanh² in the dual number loses the relative accuracy that sech² keeps.
            assert!((dual.tangent - y.first).abs() <= 4.0 * f64::EPSILON, "{f:?} at {x}");
        }
    }
}
