//! Text formulas: their values against Rust, their errors by column, their derivatives against dual numbers.

use gradflow::Error;
use gradflow::model::{Differentiable, Formula, Model, Shape};
use gradflow::scalar::{Dual, Increment, Scalar};
use nalgebra::DMatrix;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::f64::consts::PI;
use std::time::{Duration, Instant};

/// The value at `w` of a formula without inputs and with one output.
fn value(text: &str, w: &[f64]) -> f64 {
    let model = Formula::parse(text, &[]).unwrap().without_inputs().unwrap();
    let mut y = [0.0];
    model.eval(w, &mut y);
    y[0]
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (text, wanted) in [
        ("w + 1 - 2 - 3", -2.0),
        ("w*6/3/2", 2.0),
        ("-w^2", -4.0),
        ("(-w)^2", 4.0),
        ("w^3^2", 512.0),
        ("w^-1", 0.5),
        ("w^-2^2", 0.0625),
        ("2^-w*3", 0.75),
        ("2**w", 4.0),
        ("- - w", 2.0),
        ("+w - -w", 4.0),
        ("2 - (3 - w)", 1.0),
        ("12/(3*w)", 2.0),
        ("3·w − 1×w", 4.0),
        (".5*w + 1e1 + 2.E-1 + 1e-3", 11.201),
        ("w^(1/2) - sqrt(w)", 0.0),
        ("abs(-w) + relu(-w) + step(w) + sign(-w)", 2.0),
        ("log(w) - ln(w)", 0.0),
        ("pi*w", 2.0 * PI),
        ("\tw\n + w ", 4.0),
    ] {
        let found = value(text, &[2.0]);
        assert!((found - wanted).abs() <= 1e-14 * wanted.abs(), "{text}: {found}, wanted {wanted}");
    }
}

#[test]
fn names_are_inputs_or_parameters() {
    let formula =
        Formula::parse("w10*x + w2*`my col` + b + `tanh` + _q; w2", &["x", "my col", "tanh"])
            .unwrap();
    assert_eq!(formula.params(), ["_q", "b", "w2", "w10"]);
    assert_eq!(formula.outputs(), 2);
    assert_eq!(formula.to_string(), "w10*x + w2*`my col` + b + `tanh` + _q; w2");
    let x = DMatrix::from_row_slice(3, 2, &[1.0, 2.0, 10.0, 20.0, 100.0, 200.0]);
    let model = formula.on(&x).unwrap();
    assert_eq!(model.shape(), Shape { params: 4, outputs: 4 });
    let mut y = [0.0; 4];
    model.eval(&[0.25, 0.5, 3.0, 5.0], &mut y);
    assert_eq!(y, [5.0 + 30.0 + 100.75, 3.0, 10.0 + 60.0 + 200.75, 3.0]);
}

/// Each bad formula with the column its error must point at and words it must contain.
#[test]
fn errors_point_at_the_column() {
    for (text, column, words) in [
        ("", 1, "empty"),
        ("  ", 1, "empty"),
        ("w1 +", 4, "nothing stands after this `+`"),
        ("w1 + * w2", 6, "found `*`"),
        ("*w", 1, "found `*`"),
        ("2w1", 2, "write 2*w1"),
        ("w1 w2", 4, "write w1*w2"),
        ("w(w + 1)", 1, "for a product write w*("),
        ("(w)(w)", 4, "write (…)*(…)"),
        ("(w)2", 4, "write (…)*2"),
        ("2e*w", 2, "write 2*e"),
        ("((w + 1)", 1, "never closed"),
        ("w + (1 + tanh(w)", 5, "never closed"),
        ("tanh(w", 5, "never closed"),
        ("w + 1)", 6, "closes nothing"),
        ("()+w", 1, "nothing stands"),
        ("tanh()*w", 6, "tanh has no argument"),
        ("tanh + w", 1, "is a function; write tanh("),
        ("w*tanhh(w)", 3, "did you mean `tanh`"),
        ("tanh(w, 2)", 7, "one argument"),
        ("w;", 2, "no output after"),
        ("w;;w", 2, "no output after"),
        (";w", 1, "no output before"),
        ("w + ; w", 3, "nothing stands after this `+`"),
        ("(w; w)", 1, "never closed"),
        ("w + 1e999", 5, "outside the range"),
        ("w + 1e-999", 5, "outside the range"),
        ("w + 1/0", 6, "division by zero"),
        ("w/(2 - 2)", 2, "division by zero"),
        ("w + log(-1)", 5, "ln(-1) is not a finite number"),
        ("w + (-8)^(1/3)", 9, "not a finite number"),
        ("w + 10^10^10", 7, "not a finite number"),
        ("w + 0^w", 6, "not positive"),
        ("w + 1.2.3", 8, "point"),
        ("w + .", 5, "point"),
        ("w.x", 2, "point"),
        ("w = 2", 3, "right-hand side"),
        ("[w]", 1, "group with"),
        ("w²", 2, "w^2"),
        ("w + é", 5, "found `é`"),
        ("w\0", 2, "U+0000"),
        ("w + `my", 5, "never closed"),
        ("w + ``", 5, "empty name"),
        ("w + `y`", 5, "known columns: x, my col"),
        ("w + `my cal`", 5, "did you mean `my col`"),
        ("x + 1", 1, "no parameter"),
        ("w + 'x'", 5, "backticks"),
        ("w + \u{1F600}", 5, "found"),
    ] {
        match Formula::parse(text, &["x", "my col"]) {
            Err(Error::Formula { column: found, problem, .. }) => {
                assert!(found == column && problem.contains(words), "{text:?}: {found}: {problem}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn long_formulas_are_shown_around_the_mistake() {
    let text = format!("{}w + é", "w + ".repeat(1000));
    let shown = Formula::parse(&text, &[]).unwrap_err().to_string();
    let lines: Vec<Vec<char>> = shown.lines().map(|line| line.chars().collect()).collect();
    assert_eq!(lines.len(), 3);
    let caret = lines[2].iter().position(|c| *c == '^').unwrap();
    assert_eq!(lines[1][caret], 'é');
    assert!(lines[1].len() < 120 && shown.contains("character 4005 of 4005"), "{shown}");
}

/// Every limit is an error, and a quick one (100 ms is asked for; a shared machine gets five times that).
#[test]
fn limits_are_errors_at_once() {
    let nested = |n: usize| format!("{}w{}", "(".repeat(n), ")".repeat(n));
    assert!(Formula::parse(&nested(128), &[]).is_ok());
    let cases = [
        nested(129),
        nested(100_000),
        "(".repeat(100_000),
        format!("w{}", "^w".repeat(100_000)),
        format!("w{}", "^w".repeat(129)),
        format!("{}w", "-".repeat(100_000)),
        format!("{}w", "tanh(".repeat(100_000)),
        format!("w{}", "+w".repeat(500_000)),
        format!("w{}", "+w".repeat(50_000)),
        format!("w{}", "*2".repeat(1_000_000)),
        " ".repeat(2_000_000),
        "w ".repeat(500_000),
    ];
    for text in cases {
        let start = Instant::now();
        let result = Formula::parse(&text, &[]);
        let spent = start.elapsed();
        assert!(matches!(result, Err(Error::Formula { .. })), "{result:?}");
        assert!(spent < Duration::from_millis(500), "{spent:?} for {} bytes", text.len());
    }
}

#[test]
fn long_sums_and_long_products_work() {
    let n = 40_000;
    let sum = format!("w1{}", " + w1*w2".repeat(n / 2));
    let formula = Formula::parse(&sum, &[]).unwrap();
    assert_eq!(formula.derivative(0, 1).map(|d| d.params().len()).ok(), Some(2));
    let map = formula.without_inputs().unwrap().auto();
    let mut y = [0.0];
    map.value(&[1.0, 2.0], &mut y);
    assert_eq!(y, [1.0 + 2.0 * (n / 2) as f64]);
    drop(map);
    let product = format!("w1{}", "*w2".repeat(n));
    assert_eq!(value(&product, &[3.0, 1.0]), 3.0);
}

#[test]
fn a_derivative_that_grows_too_large_is_refused_at_once() {
    // n factors have a derivative of n² factors.
    let text = (0..1000).map(|i| format!("sin(w*{i})")).collect::<Vec<_>>().join("*");
    let formula = Formula::parse(&text, &[]).unwrap();
    let start = Instant::now();
    assert!(matches!(formula.derivative(0, 0), Err(Error::TooLarge { .. })));
    assert!(matches!(formula.system(), Err(Error::TooLarge { .. })));
    let many = (0..20_000).map(|i| format!("w{i}")).collect::<Vec<_>>().join("+");
    assert!(matches!(Formula::parse(&many, &[]).unwrap().system(), Err(Error::TooLarge { .. })));
    let tower = format!("w{}", "^w".repeat(127));
    let tower = Formula::parse(&tower, &[]).unwrap();
    let _either = tower.derivative(0, 0);
    assert!(start.elapsed() < Duration::from_millis(1500), "{:?}", start.elapsed());
}

#[test]
fn wrong_data_is_refused() {
    let formula = || Formula::parse("w*x + z", &["x", "z0"]).unwrap();
    let text = |result: gradflow::Result<_>| match result {
        Err(error) => Error::to_string(&error),
        Ok(_) => panic!("accepted"),
    };
    assert!(text(formula().without_inputs()).contains("column `x`"));
    assert!(text(formula().on(&DMatrix::zeros(3, 5))).contains("3 × 5"));
    assert!(text(formula().on(&DMatrix::zeros(2, 0))).contains("at least 1"));
    let mut x = DMatrix::zeros(2, 3);
    x[(1, 2)] = f64::NAN;
    assert!(text(formula().on(&x)).contains("`z0` of sample 2"));
    assert!(matches!(Formula::parse("w*x", &["x", "x"]), Err(Error::Conflict { .. })));
    assert!(matches!(formula().derivative(1, 0), Err(Error::Value { .. })));
    assert!(matches!(formula().derivative(0, 2), Err(Error::Value { .. })));
}

/// The formulas below, in Rust.
fn by_hand<S: Scalar>(w: &[S]) -> [S; 4] {
    let (a, b, one) = (w[0], w[1], S::from(1.0));
    [
        a.tanh() + b * b,
        b + a * b,
        (a * b).sigmoid() * a.powf(1.0 / 3.0) - b.powi(-2) / (one + a * a),
        (b * a.ln()).exp() + a.gelu() - (b.sin() / b.cos()).erf() + a.softplus().sqrt(),
    ]
}

#[test]
fn formulas_agree_with_rust_on_every_number() {
    let text = "tanh(w1) + w2^2; w2 + w1*w2; sigmoid(w1*w2)*w1^(1/3) - w2^-2/(1 + w1^2); \
                w1^w2 + gelu(w1) - erf(tan(w2)) + sqrt(softplus(w1))";
    let model = Formula::parse(text, &[]).unwrap().without_inputs().unwrap();
    for (a, b) in [(0.3, 0.7), (2.0, -1.1), (1e-3, 5.0)] {
        let mut y = [0.0; 4];
        model.eval(&[a, b], &mut y);
        near(&y, &by_hand(&[a, b]));
        let mut y = [Dual::from(0.0); 4];
        let dual = [Dual::new(a, 0.2), Dual::new(b, -3.0)];
        model.eval(&dual, &mut y);
        near(&y.map(|y| y.tangent), &by_hand(&dual).map(|y| y.tangent));
        let mut y = [Increment::from(0.0); 4];
        let increment = [Increment::new(a, 0.2, 0.1, 1e-3), Increment::new(b, -0.3, 0.0, 1e-3)];
        model.eval(&increment, &mut y);
        near(&y.map(|y| y.rest), &by_hand(&increment).map(|y| y.rest));
    }
}

/// The same operations up to their order: a few roundings of numbers of moderate size.
fn near(found: &[f64], wanted: &[f64]) {
    for (x, y) in found.iter().zip(wanted) {
        assert!((x - y).abs() <= 1e-13 * (1.0 + y.abs()), "{found:?}, wanted {wanted:?}");
    }
}

/// A network of two hidden units on three samples: forward, backward and symbolic derivatives agree.
#[test]
fn a_network_on_data_has_three_equal_jacobians() {
    let text = "a1*tanh(b1*x1 + c1*x2) + a2*tanh(b2*x1 + c2*x2); a1*x1^2";
    let formula = Formula::parse(text, &["x1", "x2"]).unwrap();
    let x = DMatrix::from_row_slice(2, 3, &[0.3, -1.0, 2.0, 0.7, 0.1, -0.4]);
    let w = [0.5, -1.2, 0.8, 0.3, -0.6, 1.1];
    let (n, k, p) = (3, 2, 6);
    let map = formula.clone().on(&x).unwrap().auto();
    assert_eq!(map.shape(), Shape { params: p, outputs: n * k });
    let forward = map.jacobian(&w);
    for row in 0..n * k {
        let mut dy = vec![0.0; n * k];
        dy[row] = 1.0;
        let mut backward = vec![0.0; p];
        map.vjp(&w, &dy, &mut backward);
        near(&backward, forward.row(row).transpose().as_slice());
    }
    for (output, param) in (0..k).flat_map(|j| (0..p).map(move |i| (j, i))) {
        let slope = formula.derivative(output, param).unwrap().on(&x).unwrap();
        let mut found = vec![0.0; n];
        slope.eval(&w, &mut found);
        let wanted: Vec<f64> = (0..n).map(|sample| forward[(sample * k + output, param)]).collect();
        near(&found, &wanted);
    }
}

#[test]
fn kinks_are_found() {
    let smooth =
        |text| Formula::parse(text, &[]).unwrap().without_inputs().unwrap().auto().is_smooth();
    assert!(smooth("tanh(w)^2"));
    assert!(!smooth("relu(w)"));
    assert!(!smooth("w*step(w)"));
}

#[test]
fn derivatives_are_written_simply() {
    for (text, param, wanted) in [
        ("w1*tanh(w2*x)", 0, "tanh(w2*x)"),
        ("w1*tanh(w2*x)", 1, "w1*x*(1 - tanh(w2*x)^2)"),
        ("w^2", 0, "2*w"),
        ("w^3/3", 0, "3*w^2/3"),
        ("w^(1/3)", 0, "1/3*w^(-2/3)"),
        ("w^-1", 0, "-w^-2"),
        ("2^w", 0, "2^w*ln(2)"),
        ("w^w", 0, "w^w*(ln(w) + 1)"),
        ("exp(-w^2)", 0, "-2*w*exp(-w^2)"),
        ("1/w", 0, "-1/w^2"),
        ("w/x", 0, "1/x"),
        ("ln(w)", 0, "1/w"),
        ("sqrt(w)", 0, "1/(2*sqrt(w))"),
        ("x - w", 0, "-1"),
        ("a*x + b", 0, "x"),
        ("a*x + b", 1, "1"),
        ("relu(w*x)", 0, "x*step(w*x)"),
        ("5*x + w*0", 0, "0"),
    ] {
        let derivative = Formula::parse(text, &["x"]).unwrap().derivative(0, param).unwrap();
        assert_eq!(derivative.to_string(), wanted, "{text}");
    }
}

/// Random formulas in a, b and the input x, as text with more parentheses than needed.
fn formula() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_string()),
        Just("b".to_string()),
        Just("x".to_string()),
        (1..40_i32).prop_map(|n| (f64::from(n) / 8.0).to_string()),
        (1..9_i32, 1..9_i32).prop_map(|(p, q)| format!("({p}/{q})")),
        Just("pi".to_string()),
    ];
    leaf.prop_recursive(5, 40, 2, |inner| {
        let functions = prop::sample::select(vec![
            "sin", "cos", "tanh", "atan", "sigmoid", "softplus", "erf", "gelu", "relu", "abs",
            "sinh", "cosh", "exp",
        ]);
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["+", "-", "*"]), inner.clone())
                .prop_map(|(l, op, r)| format!("({l} {op} {r})")),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| format!("({l}/(1.5 + ({r})^2))")),
            inner.clone().prop_map(|a| format!("(-{a})")),
            (functions, inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), -2..4_i32).prop_map(|(a, n)| format!("({a})^({n})")),
            inner.clone().prop_map(|a| format!("(1 + ({a})^2)^(1/3)")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(1 + ({a})^2)^tanh({b})")),
            inner.clone().prop_map(|a| format!("ln(0.5 + abs({a}))")),
            inner.prop_map(|a| format!("sqrt(0.5 + ({a})^2)")),
        ]
    })
    .prop_map(|text| format!("{text} + 0*a*b"))
}

fn at<S: Scalar>(formula: &Formula, w: &[S], x: f64) -> S {
    let model = formula.clone().on(&DMatrix::from_element(1, 1, x)).unwrap();
    let mut y = vec![S::from(0.0)];
    model.eval(w, &mut y);
    y[0]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

    /// print ∘ parse changes no bit of any value.
    #[test]
    fn text_reads_back_as_the_same_function(text in formula(), a in -2.0..2.0, b in -2.0..2.0, x in -2.0..2.0) {
        let Ok(formula) = Formula::parse(&text, &["x"]) else { return Ok(()) };
        let printed = formula.to_string();
        let again = Formula::parse(&printed, &["x"]).unwrap();
        prop_assert_eq!(again.to_string(), printed.clone());
        let (y, z): (f64, f64) = (at(&formula, &[a, b], x), at(&again, &[a, b], x));
        prop_assert!(y.to_bits() == z.to_bits() || y.is_nan() && z.is_nan(), "{}: {} and {}", printed, y, z);
        balanced(&formula.latex()[0]);
    }

    /// The symbolic derivative, also through its text, against dual numbers.
    #[test]
    fn derivatives_agree_with_dual_numbers(text in formula(), a in -2.0..2.0, b in -2.0..2.0, x in -2.0..2.0) {
        let Ok(formula) = Formula::parse(&text, &["x"]) else { return Ok(()) };
        for (param, dual) in [[1.0, 0.0], [0.0, 1.0]].into_iter().enumerate() {
            let w = [Dual::new(a, dual[0]), Dual::new(b, dual[1])];
            let wanted = at(&formula, &w, x);
            let Ok(derivative) = formula.derivative(0, param) else { continue };
            // Beyond this the parts of a sum may cancel visibly; 1e-8 leaves 1e8 for the size of such parts.
            if !(wanted.value.abs() < 1e6 && wanted.tangent.abs() < 1e6) { continue }
            let found: f64 = at(&derivative, &[a, b], x);
            prop_assert!((found - wanted.tangent).abs() <= 1e-8 * (1.0 + wanted.tangent.abs() + wanted.value.abs()),
                "{}: ∂{} = {} = {}, wanted {}", formula, param, derivative, found, wanted.tangent);
            // With + 0*a*b the text names both parameters in their places.
            let read = Formula::parse(&format!("{derivative} + 0*a*b"), &["x"]).unwrap();
            prop_assert!((at(&read, &[a, b], x) - found).abs() <= 1e-12 * (1.0 + found.abs()), "{}", derivative);
        }
    }

    /// No text at all makes the parser panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-c0-9x.e+*/^();, `tanhl\u{e9}-]{0,40}") {
        if let Ok(formula) = Formula::parse(&text, &["x"]) {
            Formula::parse(&formula.to_string(), &["x"]).unwrap();
        }
    }
}

/// Braces and \left … \right pair up.
fn balanced(latex: &str) {
    let mut depth = 0_i32;
    for (index, c) in latex.char_indices() {
        let escaped = index > 0 && latex.as_bytes()[index - 1] == b'\\';
        match c {
            '{' if !escaped => depth += 1,
            '}' if !escaped => depth -= 1,
            _ => {}
        }
        assert!(depth >= 0, "{latex}");
    }
    assert_eq!(depth, 0, "{latex}");
    assert_eq!(latex.matches("\\left").count(), latex.matches("\\right").count(), "{latex}");
    assert!(!latex.contains("}^{}") && !latex.contains("--"), "{latex}");
}
