//! Enclosures contain what they claim to, and not much more. Oracles: tables by mpmath (`tests/tables/intervals.py`),
//! and compositions in double-double arithmetic with functions of its own (`tests/double_double`).

mod double_double;

use double_double::DoubleDouble;
use gradflow::random::Generator;
use gradflow::scalar::{Dual, Elementary, Interval, Scalar};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use std::collections::BTreeMap;

/// The lines of a table, each as its fields.
fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split(',').collect())
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}

fn function(name: &str) -> Elementary {
    let known = Elementary::ALL.into_iter().find(|f| format!("{f:?}").to_lowercase() == name);
    known.expect("a function")
}

/// One row of points.csv. The value lies between the neighbouring numbers `below` and `above`, so an interval holds it
/// exactly if it holds both.
struct Point {
    name: &'static str,
    parameter: &'static str,
    order: usize,
    x: f64,
    below: f64,
    above: f64,
}

impl Point {
    fn all() -> Vec<Point> {
        let read = |f: Vec<&'static str>| Point {
            name: f[0],
            parameter: f[1],
            order: f[2].parse().expect("an order"),
            x: number(f[3]),
            below: number(f[4]),
            above: number(f[5]),
        };
        rows(include_str!("tables/points.csv")).map(read).collect()
    }

    fn enclosure(&self) -> Interval {
        let x = Interval::from(self.x);
        match self.name {
            "powi" => x.powi(self.parameter.parse().expect("an exponent")),
            "powf" => x.power_derivative(number(self.parameter), self.order).expect("known"),
            name => function(name).on(self.order, x),
        }
    }

    fn is_in(&self, y: Interval) -> bool {
        y.lo() <= self.below && self.above <= y.hi()
    }

    /// Above the subnormal numbers and below overflow, where a relative width means something.
    fn is_of_size(&self) -> bool {
        let size = self.below.abs();
        size > 1e-290 && size < 1e300
    }
}

#[test]
fn tabulated_values_are_contained() {
    let points = Point::all();
    assert!(points.len() > 11_000, "{} rows", points.len());
    for point in points {
        let y = point.enclosure();
        let Point { name, parameter, order, x, below, above } = point;
        assert!(
            y.lo() <= below && above <= y.hi(),
            "{name} {parameter}, order {order}, at {x:e}: {below:e} to {above:e}, not in {y:?}"
        );
    }
}

/// The size of the terms whose difference a third derivative is, where it has zeros.
fn cancelled(name: &str, order: usize, x: f64) -> f64 {
    match (name, order) {
        ("tanh" | "erf" | "atan", 3) if x.abs() < 3.0 => 0.5,
        // A sixteenth of the third derivative of tanh at x/2.
        ("sigmoid", 3) if x.abs() < 6.0 => 0.5 / 16.0,
        _ => 0.0,
    }
}

/// Relative widths at points. Each interval operation adds at most two ulp (4.4e-16) of its result, so a limit counts
/// the operations whose error reaches the end: a few for exp, some ten for what is made of it.
#[test]
fn enclosures_of_points_are_tight() {
    let limit = |name: &str, order: usize| match (name, order) {
        ("exp", _) => 10.0,
        ("sqrt", 0) | ("ln", 1) => 2.0,
        ("sin" | "cos", _) => 10.0,
        ("erf", 0) => 30.0,
        (_, 0) => 12.0,
        (_, order) => 15.0 * order as f64,
    };
    let mut checked = BTreeMap::new();
    for point in Point::all().iter().filter(|p| p.is_of_size()) {
        let Point { name, order, x, below, .. } = *point;
        // Powers lose what the exponent magnifies; sine and cosine are given up beyond 10⁷.
        if name == "powi" || name == "powf" || (matches!(name, "sin" | "cos") && x.abs() > 1e7) {
            continue;
        }
        let size = below.abs().max(cancelled(name, order, x));
        let ulps = point.enclosure().width() / (size.next_up() - size);
        assert!(ulps <= limit(name, order), "{name}, order {order}, at {x:e}: {ulps} ulp");
        *checked.entry((name, order)).or_insert(0) += 1;
    }
    assert!(checked.len() == 37 && checked.values().all(|n| *n > 30), "{checked:?}");
}

/// xᵃ = e^(a ln x): four ulp of the exponent a ln x, some ten of exp. Whole powers: two ulp per multiplication, n of them.
#[test]
fn powers_are_as_tight_as_their_exponents_let_them() {
    for point in Point::all().iter().filter(|p| p.is_of_size()) {
        let (a, x) = (point.parameter, point.x);
        let ulps = match point.name {
            "powi" => 10.0 + 4.0 * number(a).abs(),
            "powf" => 30.0 + 8.0 * ((number(a).abs() + 2.0) * x.ln().abs()),
            _ => continue,
        };
        let width = point.enclosure().width() / point.below.abs();
        assert!(width <= ulps * f64::EPSILON, "{} {a} at {x:e}: {width:e}", point.name);
    }
}

/// The platform's tanh, or a portable one, widened by one step on each side is no enclosure.
#[test]
fn an_ulp_is_not_enough_for_the_tanh_of_a_library() {
    let missed = |p: &&Point| {
        let y = libm::tanh(p.x);
        !p.is_in(Interval::new(y.next_down(), y.next_up()))
    };
    let points = Point::all();
    let tanh = || points.iter().filter(|p| p.name == "tanh" && p.order == 0);
    assert!(tanh().filter(missed).count() > 0);
    assert!(tanh().all(|p| p.is_in(p.enclosure())));
}

#[test]
fn ranges_are_contained_and_tight() {
    for f in rows(include_str!("tables/ranges.csv")) {
        let (name, order) = (f[0], f[1].parse().expect("an order"));
        let [lo, hi, least, most] = [2, 3, 4, 5].map(|i| number(f[i]));
        let y = function(name).on(order, Interval::new(lo, hi));
        assert!(y.lo() <= least && most <= y.hi(), "{name}, order {order}, [{lo}, {hi}]: {y:?}");
        // The limits of points, which are all that ranges are made of.
        let size = least.abs().max(most.abs()).max(cancelled(name, order, lo));
        let excess = (least - y.lo()).max(y.hi() - most) / (size.next_up() - size);
        assert!(excess <= 45.0, "{name}, order {order}, [{lo}, {hi}]: {excess} ulp too wide");
    }
}

/// Every tabulated point of an interval is in the range over it, however wide the interval and however near its ends.
#[test]
fn ranges_contain_the_values_between() {
    let mut groups = BTreeMap::<_, Vec<Point>>::new();
    for point in Point::all().into_iter().filter(|p| !p.name.starts_with("pow")) {
        groups.entry((point.name, point.order)).or_default().push(point);
    }
    let mut random = Generator::seeded(3);
    for ((name, order), points) in groups {
        for _ in 0..400 {
            let mut draw = || random.below(points.len());
            let (i, j) = (draw(), draw());
            let (i, j) = (i.min(j), i.max(j));
            let y = function(name).on(order, Interval::new(points[i].x, points[j].x));
            let lost = points[i..=j].iter().find(|p| !p.is_in(y));
            let at = lost.map(|p| p.x);
            assert!(at.is_none(), "{name}, order {order}, {i} to {j}: {y:?} without {at:?}");
        }
    }
}

#[test]
fn ranges_over_the_line_are_known() {
    use Elementary::*;
    let within = |f: Elementary, order: usize, lo: f64, hi: f64| {
        let y = f.on(order, Interval::WHOLE);
        let slack = 1e-14;
        assert!(y.lo() <= lo && hi <= y.hi(), "{f:?} {order}: {y:?}");
        assert!(y.lo() >= lo - slack && y.hi() <= hi + slack, "{f:?} {order}: {y:?}");
    };
    within(Tanh, 0, -1.0, 1.0);
    within(Tanh, 1, 0.0, 1.0);
    // 4/(3√3) at tanh x = ∓1/√3.
    within(Tanh, 2, -0.769_800_358_919_501, 0.769_800_358_919_501);
    // 2/3 at tanh² x = 2/3.
    within(Tanh, 3, -2.0, 0.666_666_666_666_666_6);
    within(Sigmoid, 1, 0.0, 0.25);
    within(Softplus, 2, 0.0, 0.25);
    within(Sin, 3, -1.0, 1.0);
    // 2√2/√(πe) at x² = 1/2.
    within(Erf, 2, -0.967_882_898_076_573_4, 0.967_882_898_076_573_4);
    within(Atan, 1, 0.0, 1.0);
    within(Atan, 3, -2.0, 0.5);
    assert_eq!(Exp.on(2, Interval::WHOLE).lo(), 0.0);
    assert_eq!(Exp.on(2, Interval::WHOLE).hi(), f64::INFINITY);
}

#[test]
fn kinks_and_borders_of_domains_are_answered_for() {
    use Elementary::*;
    let (across, right, left) =
        (Interval::new(-1.0, 2.0), Interval::new(1.0, 2.0), Interval::new(-2.0, -1.0));
    let (touching, point) = (Interval::new(0.0, 2.0), |x: f64| Interval::from(x));
    assert_eq!([0, 1, 2].map(|k| Relu.on(k, right)), [right, point(1.0), point(0.0)]);
    assert_eq!([0, 1, 2].map(|k| Relu.on(k, left)), [point(0.0); 3]);
    assert_eq!(
        [0, 1, 2].map(|k| Relu.on(k, across)),
        [touching, Interval::new(0.0, 1.0), Interval::WHOLE]
    );
    assert_eq!(Relu.on(2, touching), Interval::WHOLE);
    assert_eq!(
        [0, 1, 2].map(|k| Abs.on(k, left)),
        [Interval::new(1.0, 2.0), point(-1.0), point(0.0)]
    );
    assert_eq!(
        [0, 1, 2].map(|k| Abs.on(k, across)),
        [touching, Interval::new(-1.0, 1.0), Interval::WHOLE]
    );
    assert_eq!([Step, Sign].map(|f| f.on(0, right)), [point(1.0); 2]);
    assert_eq!([Step, Sign].map(|f| f.on(0, point(-0.0))), [point(0.0); 2]);
    assert_eq!([Step, Sign].map(|f| f.on(1, across)), [Interval::WHOLE; 2]);
    for k in 0..4 {
        assert_eq!(Ln.on(k, touching), Interval::WHOLE);
        assert_eq!(Sqrt.on(k, across), Interval::WHOLE);
    }
    assert!(Sqrt.on(0, touching).contains(2.0_f64.sqrt()) && Sqrt.on(0, touching).lo() == 0.0);
    assert_eq!(Sqrt.on(1, touching), Interval::WHOLE);
    assert_eq!(Tanh.on(4, right), Interval::WHOLE);
    assert_eq!(across.powi(-1), Interval::WHOLE);
    assert_eq!(across.powf(0.3), Interval::WHOLE);
    assert_eq!(across.powi(4), Interval::new(0.0, 16.0));
    assert_eq!(across.powi(3), Interval::new(-1.0, 8.0));
    assert_eq!(right / across, Interval::WHOLE);
}

/// Near 0 odd functions keep their relative width: tanh 10⁻²⁰ is not 10⁻¹⁶ wide.
#[test]
fn smallness_is_kept() {
    for f in [Elementary::Tanh, Elementary::Atan, Elementary::Erf, Elementary::Sin] {
        for x in [1e-20, -1e-300] {
            let y = f.on(0, Interval::from(x));
            assert!(y.width() <= 2e-15 * x.abs(), "{f:?} {x:e}: {y:?}");
        }
        assert_eq!(f.on(0, Interval::from(-0.0)), Interval::from(0.0));
    }
}

#[test]
fn measures_of_an_interval_round_up() {
    let x = Interval::new(-1.0, 3.0);
    assert_eq!((x.width(), x.midpoint(), x.radius()), (4.0, 1.0, 2.0));
    assert_eq!((x.magnitude(), x.mignitude()), (3.0, 0.0));
    let half_line = Interval::new(5.0, f64::INFINITY);
    assert_eq!(half_line.radius(), f64::INFINITY);
    assert!(half_line.contains(half_line.midpoint()) && half_line.midpoint().is_finite());
    assert_eq!(Interval::WHOLE.midpoint(), 0.0);
    assert!(Interval::around(0.1, 1e-30).width() > 0.0);
    let norm = Interval::norm(&[x, Interval::from(4.0)]);
    assert!(norm.lo() == 4.0 && norm.hi() >= 5.0 && norm.hi() < 5.0 + 1e-14);
    assert_eq!(Interval::from(f64::NAN), Interval::WHOLE);
}

/// On intervals, hyperdual numbers take ranges of f', f'', f''' in place of formulas: 1 − y y with y = tanh x would be
/// [0.07, 1.93] on [−2, 2], where tanh' is in [0.07, 1].
#[test]
fn derivatives_of_intervals_are_ranges() {
    let x = Interval::new(-2.0, 2.0);
    for f in Elementary::ALL.into_iter().filter(|f| f.is_smooth()) {
        let y = Dual::variable(Dual::variable(x)).apply(f);
        assert_eq!(y.value.value, f.on(0, x), "{f:?}");
        assert_eq!(y.tangent.value, f.on(1, x), "{f:?}");
        assert_eq!(y.tangent.tangent, f.on(2, x), "{f:?}");
    }
    let y = Dual::variable(Dual::variable(x)).powi(4);
    assert_eq!(y.tangent.tangent, Interval::new(0.0, 48.0)); // 12 x²
    let y = Dual::variable(Dual::variable(Interval::new(1.0, 4.0))).powf(0.1);
    // 0.1 (0.1 − 1) x^(0.1 − 2), which rises from −0.09.
    assert!(y.tangent.tangent.contains(-0.09 * 4.0_f64.powf(-1.9)));
    assert!((y.tangent.tangent.lo() + 0.09).abs() < 1e-15);
}

/// The oracle errs by 10⁻²⁸ per operation, relatively, and an enclosure is 10⁻¹⁶ wide per inexact operation; both grow
/// alike through a composition. So the oracle may miss by this part of the width, or by 10⁻²⁷ where all was exact.
const OFF: f64 = 1e-9;

/// A leaf, and what a composition did to it: in intervals, and in double-doubles where these vouch for the value.
type Both = (Interval, Option<DoubleDouble>);

fn leaf(random: &mut Generator) -> Both {
    let kind = random.uniform(0.0, 1.0);
    let x = match kind {
        k if k < 0.5 => random.uniform(-3.0, 3.0),
        k if k < 0.7 => 10.0 * random.gaussian(),
        k if k < 0.9 => random.sign() * random.uniform(-20.0, 20.0).exp2().powi(3),
        _ => random.uniform(-6.0, 6.0).round(),
    };
    (Interval::from(x), Some(x.into()))
}

/// A random expression, at most `depth` deep.
fn composition(random: &mut Generator, depth: usize) -> Both {
    if depth == 0 || random.uniform(0.0, 1.0) < 0.08 {
        return leaf(random);
    }
    let (x, exact) = composition(random, depth - 1);
    let kind = random.uniform(0.0, 1.0);
    let (y, exact) = if kind < 0.4 {
        let (o, other) = composition(random, if kind < 0.2 { depth - 1 } else { 0 });
        let pair = exact.zip(other);
        match random.below(4) {
            0 => (x + o, pair.map(|(a, b)| a + b)),
            1 => (x - o, pair.map(|(a, b)| a - b)),
            2 => (x * o, pair.map(|(a, b)| a * b)),
            _ => (x / o, pair.map(|(a, b)| a / b)),
        }
    } else if kind < 0.95 {
        let f = Elementary::ALL[random.below(Elementary::ALL.len())];
        // On which side of a jump the oracle is must be beyond its error.
        let decided =
            |a: &DoubleDouble| f.is_smooth() || a.hi.abs() > OFF * x.width() || x.width() == 0.0;
        (x.apply(f), exact.filter(decided).and_then(|a| a.apply(f)))
    } else {
        let n = i32::try_from(random.below(17)).expect("small") - 8;
        (x.powi(n), exact.and_then(|a| a.powi(n)))
    };
    // Splitting a product needs room in the exponent, and lo parts must not be subnormal.
    let safe = |d: &DoubleDouble| d.hi == 0.0 || (d.hi.abs() > 1e-200 && d.hi.abs() < 1e200);
    (y, exact.filter(safe))
}

/// Draws until the oracle has vouched for `count` bounded compositions; about four in five are such.
fn check_compositions(count: usize, seed: u64) {
    let mut random = Generator::seeded(seed);
    let (mut checked, mut number) = (0, 0);
    while checked < count {
        number += 1;
        assert!(number <= 2 * count, "only {checked} of {number} can be checked");
        let depth = 2 + random.below(4);
        let (y, Some(exact)) = composition(&mut random, depth) else { continue };
        if y == Interval::WHOLE {
            continue;
        }
        checked += 1;
        let slack = OFF * y.width() + 1e-27 * exact.hi.abs();
        let past =
            |end: f64, sign: f64| end.is_finite() && sign * ((exact.hi - end) + exact.lo) > slack;
        assert!(!past(y.hi(), 1.0) && !past(y.lo(), -1.0), "number {number}: {exact:?}, {y:?}");
    }
    println!("{checked} compositions checked, of {number} drawn");
}

#[test]
fn random_compositions_are_contained() {
    check_compositions(100_000, 11);
}

#[test]
#[ignore = "ten million compositions take some minutes"]
fn ten_million_random_compositions_are_contained() {
    check_compositions(10_000_000, 12);
}

/// An interval of any size, and a point of it.
fn interval_and_point() -> impl Strategy<Value = (Interval, f64)> {
    let end =
        prop_oneof![-4.0..4.0, -1e3..1e3, any::<f64>().prop_filter("a number", |x| x.is_finite())];
    (end.clone(), end, 0.0..=1.0).prop_map(|(a, b, t): (f64, f64, f64)| {
        let x = Interval::new(a.min(b), a.max(b));
        (x, (x.lo() * (1.0 - t) + x.hi() * t).clamp(x.lo(), x.hi()))
    })
}

/// `inner` within `outer`, each of whose ends may have been rounded one step less far.
fn is_nearly_within(inner: Interval, outer: Interval) -> bool {
    outer.lo().next_down() <= inner.lo() && inner.hi() <= outer.hi().next_up()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, rng_seed: RngSeed::Fixed(5), failure_persistence: None, ..ProptestConfig::default() })]

    /// The rounded result of points is between the ends, for both round the same exact value.
    #[test]
    fn operations_contain_those_of_points((x, a) in interval_and_point(), (y, b) in interval_and_point()) {
        prop_assert!((x + y).contains(a + b));
        prop_assert!((x - y).contains(a - b));
        prop_assert!((x * y).contains(a * b));
        prop_assert!(b == 0.0 || (x / y).contains(a / b));
        prop_assert!(x.squared().contains(a * a));
        prop_assert!(x.lo() < 0.0 || x.sqrt().contains(a.sqrt()));
    }

    #[test]
    fn smaller_operands_give_smaller_results((x, a) in interval_and_point(), (y, b) in interval_and_point()) {
        let (a, b) = (Interval::new(x.lo(), a), Interval::new(b, y.hi()));
        prop_assert!(is_nearly_within(a + b, x + y));
        prop_assert!(is_nearly_within(a - b, x - y));
        prop_assert!(is_nearly_within(a * b, x * y));
        prop_assert!(is_nearly_within(a / b, x / y));
    }

    #[test]
    fn laws_of_numbers_hold_up_to_inclusion((x, a) in interval_and_point()) {
        prop_assert!((x - x).contains(0.0));
        prop_assert!(x.contains(0.0) || (x / x).contains(1.0));
        prop_assert!(x.squared().is_within(x * x));
        prop_assert_eq!(x + Interval::from(0.0), x);
        prop_assert_eq!(x * Interval::from(1.0), x);
        prop_assert_eq!(-(-x), x);
        prop_assert!(x.hull(Interval::from(a)) == x && x.intersection(Interval::from(a)).is_some());
        prop_assert!(x.contains(x.midpoint()) && (x.midpoint() - a).abs() <= x.radius());
    }
}
