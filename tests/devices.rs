//! A card gives the processor's products, in blocks or whole, and what happens where it does not.
//!
//! Built with the feature `cuda` only. Runs on whatever card the driver shows, and says so and passes where it shows
//! none. Against the emulated driver (`tests/cuda/build.sh`), which `.ci/run` builds, the failures are tested, too.

use gradflow::device::{Dense, Device, choose, choose_within, describe, gram_in_floats};
use gradflow::prelude::*;
use nalgebra::{DMatrix, DVector};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The device is one for the whole process: one test at a time.
static ONE: Mutex<()> = Mutex::new(());

/// Chooses the card with so many bytes, or says why not.
fn card(bytes: usize) -> Option<MutexGuard<'static, ()>> {
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    match choose_within(Device::Cuda, bytes) {
        Ok(()) => Some(guard),
        Err(error) => {
            assert!(std::env::var_os("GRADFLOW_CARD_REQUIRED").is_none(), "{error}");
            eprintln!("skipped, no card to test: {error}");
            None
        }
    }
}

fn emulated() -> bool {
    describe().contains("emulated")
}

const SHAPES: [(usize, usize); 8] =
    [(1, 1), (1, 3000), (5, 1), (64, 128), (65, 700), (150, 40), (130, 1000), (3, 20_000)];

/// Whole numbers from −8 to 8: sums of their products are exact in any order.
fn whole(count: usize, seed: u64) -> Vec<f64> {
    let numbers = Generator::seeded(seed).gaussians(count);
    numbers.iter().map(|x| (3.0 * x).round().clamp(-8.0, 8.0)).collect()
}

/// What any two orders of a sum of so many products can differ by, beside Σ|ab|: 2γ.
fn rounding(terms: usize) -> f64 {
    terms as f64 * f64::EPSILON
}

fn products(dense: &Dense, x: &[f64], u: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut y, mut z) = (vec![f64::NAN; u.len()], vec![f64::NAN; x.len()]);
    dense.product(x, &mut y);
    dense.transposed_product(u, &mut z);
    (y, z)
}

#[test]
fn products_are_the_processors() {
    // A whole Jacobian, one in blocks, and one of which only a part has room.
    for bytes in [usize::MAX, 2_000_000, 700_000] {
        let Some(_one) = card(bytes) else { return };
        for (seed, (n, p)) in (0..).zip(SHAPES) {
            let (x, u) = (whole(p, seed + 100), whole(n, seed + 200));
            let j = DMatrix::from_vec(n, p, whole(n * p, seed));
            let (plain, wanted) = Dense::on_processor(j.clone());
            let (dense, gram) = Dense::on_card(j.clone()).expect("a card");
            let short = bytes < usize::MAX || std::env::var_os("EMULATED_MEMORY").is_some();
            assert!(short || dense.columns_on_card() == p, "{n} × {p}");
            assert!(gram == wanted, "J Jᵀ of {n} × {p} in {bytes}");
            let same = products(&dense, &x, &u) == products(&plain, &x, &u);
            assert!(same, "products of {n} × {p} in {bytes}");
            drop(dense);
            assert!(gram_in_floats(&j).expect("a card") == wanted, "{n} × {p} in floats");
        }
    }
    // Of 130 × 1000 in 700 kB something is kept, and something is not.
    let Some(_one) = card(700_000) else { return };
    let (dense, _) = Dense::on_card(DMatrix::from_element(130, 1000, 1.0)).expect("a card");
    assert!((1..1000).contains(&dense.columns_on_card()), "{}", dense.columns_on_card());
}

#[test]
fn rounding_is_all_that_differs() {
    let Some(_one) = card(usize::MAX) else { return };
    for (seed, (n, p)) in (0..).zip(SHAPES) {
        let mut draw = Generator::seeded(seed);
        let j = DMatrix::from_vec(n, p, draw.gaussians(n * p));
        let (x, u) = (draw.gaussians(p), draw.gaussians(n));
        let (plain, wanted) = Dense::on_processor(j.clone());
        let (dense, gram) = Dense::on_card(j.clone()).expect("a card");
        let abs = j.abs();
        let (scale, single) = (&abs * abs.transpose(), gram_in_floats(&j).expect("a card"));
        for i in 0..n * n {
            let (limit, one) = (rounding(p) * scale[i], 34.0 * 2.0_f64.powi(-24) * 1.00001);
            assert!((gram[i] - wanted[i]).abs() <= limit, "{n} × {p}");
            assert!((single[i] - wanted[i]).abs() <= limit + one * scale[i], "{n} × {p} in floats");
        }
        assert!(n * p < 100 || (&single - &wanted).amax() > 1e-9, "those were no floats");
        let ((y, z), (yp, zp)) = (products(&dense, &x, &u), products(&plain, &x, &u));
        let (x, u) = (DVector::from_vec(x).abs(), DVector::from_vec(u).abs());
        let (by, bz) = (&abs * x * rounding(p), abs.transpose() * u * rounding(n));
        assert!((0..n).all(|i| (y[i] - yp[i]).abs() <= by[i]), "{n} × {p}");
        assert!((0..p).all(|k| (z[k] - zp[k]).abs() <= bz[k]), "{n} × {p}");
    }
}

#[test]
fn nan_stays_where_it_belongs() {
    let Some(_one) = card(usize::MAX) else { return };
    let (n, p) = (70, 300);
    let mut j = DMatrix::from_vec(n, p, whole(n * p, 0));
    j[(66, 123)] = f64::NAN;
    let (x, u) = (whole(p, 1), whole(n, 2));
    let nan = |v: &[f64]| v.iter().map(|x| x.is_nan()).collect::<Vec<_>>();
    let (plain, wanted) = Dense::on_processor(j.clone());
    let (dense, gram) = Dense::on_card(j).expect("a card");
    assert_eq!(nan(gram.as_slice()), nan(wanted.as_slice()));
    let ((y, z), (yp, zp)) = (products(&dense, &x, &u), products(&plain, &x, &u));
    assert_eq!((nan(&y), nan(&z)), (nan(&yp), nan(&zp)));
    assert_eq!(
        (nan(&y).iter().filter(|x| **x).count(), nan(&z).iter().filter(|x| **x).count()),
        (1, 1)
    );
}

/// hᵢ(w) = tanh(Σₖ aᵢₖ wₖ): no structure that anybody knows of.
struct Rows(DMatrix<f64>);

impl Model for Rows {
    fn shape(&self) -> Shape {
        Shape { params: self.0.ncols(), outputs: self.0.nrows() }
    }
    fn eval<S: Scalar>(&self, w: &[S], y: &mut [S]) {
        for (y, a) in y.iter_mut().zip(self.0.row_iter()) {
            let sum =
                w.iter().zip(a.iter()).fold(S::from(0.0), |sum, (w, a)| sum + *w * S::from(*a));
            *y = sum.tanh();
        }
    }
}

fn products_made() -> u64 {
    let words = describe();
    let number = words.rsplit_once(": ").and_then(|(_, end)| end.split(' ').next()?.parse().ok());
    number.unwrap_or_else(|| panic!("{words}"))
}

/// Logistic loss on a user's model: the exponential method keeps `SᵀJ` on the card.
fn trained() -> Vec<f64> {
    let (n, p) = (120, 2500);
    let mut draw = Generator::seeded(3);
    let a = DMatrix::from_vec(n, p, draw.gaussians(n * p)) / (p as f64).sqrt();
    let labels: Vec<f64> = (0..n).map(|_| draw.sign()).collect();
    let start = vec![0.0; p];
    let loss = Logistic::new(labels).expect("labels");
    let flow = Flow::new(Rows(a).auto(), loss, start).scaled(100.0);
    let path = flow.solve(&Automatic::default(), &uniform(2.0, 4)).expect("a path");
    path.outputs.last().expect("an end").clone()
}

fn close(found: &[f64], wanted: &[f64]) {
    let size = wanted.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    let error = found.iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(found.iter().all(|x| x.is_finite()), "{found:?}");
    assert!(size > 0.1 && error < 1e-9 * size, "{error:e} beside {size}");
}

#[test]
fn a_users_model_trains_on_the_card() {
    let Some(_one) = card(usize::MAX) else { return };
    let before = products_made();
    let found = trained();
    assert!(products_made() > before + 5, "{}", describe());
    choose(Device::Cpu).expect("the processor");
    assert_eq!(describe(), "cpu");
    close(&found, &trained());
}

/// A J of more than four million numbers under the square loss: its modes are reached by the card.
#[test]
fn large_modes_are_reached_by_the_card() {
    let Some(_one) = card(usize::MAX) else { return };
    let (n, p) = (450, 9000);
    let mut draw = Generator::seeded(4);
    let a = DMatrix::from_vec(n, p, draw.gaussians(n * p)) / (p as f64).sqrt();
    let map = Rows(a.clone()).auto();
    let flow = Flow::new(&map, Square::to(draw.gaussians(n)), vec![0.0; p]);
    let straight = flow.linearized();
    let before = products_made();
    let path = straight.solve(&Eigen, &uniform(1.0, 2)).expect("a path");
    assert!(products_made() > before + 1, "{}", describe());
    choose(Device::Cpu).expect("the processor");
    // ȳ' = −A Aᵀ (ȳ − y*), w̄ = Aᵀ (something): the path's own outputs are A times its displacement.
    let last = path.times.len() - 1;
    let u = DVector::from_column_slice(&path.displacements[last]);
    close((a * u).as_slice(), &path.outputs[last]);
    let plain = flow.linearized().solve(&Eigen, &uniform(1.0, 2)).expect("a path");
    close(&path.outputs[last], &plain.outputs[last]);
}

/// What is asked for in a process of its own, where the emulated card can be told to fail.
fn on_a_card_that(behaves: (&str, &str), test: &str) -> Option<std::process::Output> {
    let one = card(usize::MAX)?;
    let skip = !emulated();
    drop(one);
    if skip {
        eprintln!("skipped: this is a card of hardware, which nobody can tell to fail");
        return None;
    }
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"));
    child.args(["--exact", test, "--nocapture"]).env(behaves.0, behaves.1);
    let ran = child.output().expect("a child");
    let words = String::from_utf8_lossy(&ran.stdout);
    assert!(!ran.status.success() || words.contains("1 passed"), "{words}");
    Some(ran)
}

#[test]
fn a_card_that_fails_is_given_up_and_the_processor_goes_on() {
    let test = "a_card_that_fails_is_given_up_and_the_processor_goes_on";
    if !std::env::var("EMULATED_CARD").is_ok_and(|card| card.starts_with("failing")) {
        for launch in [1, 2, 9] {
            let wish = format!("failing:{launch}");
            let Some(child) = on_a_card_that(("EMULATED_CARD", &wish), test) else { return };
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
        }
        return;
    }
    let _one = card(usize::MAX).expect("a card, so far");
    let found = trained();
    let words = describe();
    assert!(words.contains("given up") && words.contains("CUDA's code 719"), "{words}");
    close(&found, &trained());
    let error = gram_in_floats(&DMatrix::from_element(2, 2, 1.0)).expect_err("given up");
    assert_eq!(error.exit_code(), 5, "{error}");
}

#[test]
fn what_has_no_room_is_left_to_the_processor_and_the_card_stays() {
    let Some(_one) = card(1000) else { return };
    let j = DMatrix::from_element(100, 100, 1.0);
    assert!(Dense::on_card(j.clone()).is_err());
    assert!(gram_in_floats(&j).expect_err("no room").to_string().contains("room"));
    assert!(describe().contains("lack of room: 2"), "{}", describe());
    assert!(Dense::on_card(DMatrix::from_element(1, 1, 1.0)).is_err(), "a tile takes 32 KiB");
    let Some(_one) = ({
        drop(_one);
        card(100_000)
    }) else {
        return;
    };
    assert!(Dense::on_card(j).is_err());
    let (small, gram) = Dense::on_card(DMatrix::from_element(2, 9, 1.0)).expect("room for this");
    assert!(small.is_on_card() && gram[(1, 0)] == 9.0);
}

/// Two Jacobians at a time take together what one may have; both are right, and what is given back is free again.
#[test]
fn jacobians_share_the_memory() {
    let Some(_one) = card(2_000_000) else { return };
    let (n, p) = (70, 1800);
    let draw = |seed| DMatrix::from_vec(n, p, whole(n * p, seed));
    let (x, u) = (whole(p, 8), whole(n, 9));
    let check = |dense: &Dense, gram: &DMatrix<f64>| {
        let (plain, wanted) = Dense::on_processor(dense.host().clone());
        assert!(*gram == wanted, "J Jᵀ");
        assert!(products(dense, &x, &u) == products(&plain, &x, &u), "products");
    };
    let (first, gram) = Dense::on_card(draw(1)).expect("a card");
    let alone = first.columns_on_card();
    let (second, other) = Dense::on_card(draw(2)).expect("a card");
    assert!((1..p).contains(&second.columns_on_card()), "{}", second.columns_on_card());
    check(&first, &gram);
    check(&second, &other);
    drop((first, second));
    let (third, gram) = Dense::on_card(draw(3)).expect("a card");
    assert_eq!(third.columns_on_card(), alone);
    check(&third, &gram);
    assert!(!describe().contains("given up"), "{}", describe());
}

/// A card with little memory, whatever is asked for: no sum is wrong and no card is lost.
#[test]
fn memory_that_is_short_is_kept_to() {
    for (bytes, test) in [
        ("1500000", "products_are_the_processors"),
        ("1500000", "rounding_is_all_that_differs"),
        ("2500000", "jacobians_share_the_memory"),
        ("6000000", "a_users_model_trains_on_the_card"),
    ] {
        let Some(child) = on_a_card_that(("EMULATED_MEMORY", bytes), test) else { return };
        assert!(child.status.success(), "{test}: {}", String::from_utf8_lossy(&child.stderr));
    }
}

/// Products of 10⁻²⁵ with themselves are no floats, nor are those of 10²⁵: J is scaled.
#[test]
fn floats_bear_numbers_of_any_size() {
    let Some(_one) = card(usize::MAX) else { return };
    for size in [1e-150, 1e-25, 1e25, 1e150] {
        let j = DMatrix::from_fn(3, 70, |i, k| size * (1.0 + ((i + 2 * k) % 7) as f64));
        let (_, wanted) = Dense::on_processor(j.clone());
        let off = (gram_in_floats(&j).expect("a card") - &wanted).amax() / wanted.amax();
        assert!(off < gradflow::device::FLOATS, "{size:e}: {off:e}");
    }
}

#[test]
fn the_command_makes_a_kernel_in_single_precision() {
    let Some(one) = card(usize::MAX) else { return };
    drop(one);
    let run = |words: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gradflow"));
        command.args(["kernel", "--width", "300", "--samples", "15", "--json", "--device"]);
        let run = command.args(words).output().expect("the command");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let object: serde_json::Value = serde_json::from_slice(&run.stdout).expect("JSON");
        let rows = object["kernel"].as_array().expect("rows").clone();
        let numbers = rows.iter().flat_map(|row| row.as_array().expect("a row").clone());
        let numbers: Vec<f64> = numbers.map(|x| x.as_f64().expect("a number")).collect();
        (DMatrix::from_vec(15, 15, numbers), object["device"].as_str().expect("words").to_string())
    };
    let (double, device) = run(&["cpu"]);
    assert_eq!(device, "cpu");
    let (single, device) = run(&["cuda", "--precision", "single"]);
    assert!(device.starts_with("cuda: ") && device.ends_with("products made: 1"), "{device}");
    let scale = |i: usize, j: usize| (double[(i, i)] * double[(j, j)]).sqrt();
    let part = |(i, j)| (single[(i, j)] - double[(i, j)]).abs() / scale(i, j);
    let worst = (0..15).flat_map(|i| (0..15).map(move |j| (i, j))).map(part).fold(0.0, f64::max);
    assert!(worst > 1e-10 && worst < gradflow::device::FLOATS, "{worst:e}");
}

#[test]
fn the_command_says_why_there_is_no_card() {
    for (behaves, words) in [
        ("none", "no card is visible to the driver (CUDA's code 100)"),
        ("old", "a card of compute capability 6.1; wanted 7.0 or newer"),
        ("refusing", "loading the kernels"),
        ("ancient", "driver 11.4, reading its version: it is too old for the kernels"),
        ("busy", "making a context: the card is busy"),
    ] {
        let Some(one) = card(usize::MAX) else { return };
        if !emulated() {
            return eprintln!("skipped: a card is there");
        }
        drop(one);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gradflow"));
        command.args(["flow", "--device", "cuda", "--no-figure"]).env("EMULATED_CARD", behaves);
        let run = command.output().expect("the command");
        let talk = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(5), "{talk}");
        assert!(talk.contains("device cuda") && talk.contains(words), "{talk}");
        assert!(talk.contains("--device cpu") && run.stdout.is_empty(), "{talk}");
    }
}
