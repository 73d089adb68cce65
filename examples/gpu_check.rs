//! Does the card give the processor's products, and how fast? Sizes N × p as words, such as `1000x100000`.
use gradflow::device::{Dense, Device, FLOATS, choose, describe, gram_in_floats};
use gradflow::prelude::*;
use nalgebra::{DMatrix, DVector};
use std::time::Instant;

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begin = Instant::now();
    (work(), begin.elapsed().as_secs_f64())
}

fn check(n: usize, p: usize) -> Result<bool> {
    let mut draw = Generator::seeded(0);
    let j = DMatrix::from_vec(n, p, draw.gaussians(n * p));
    let (x, copy) = (draw.gaussians(p), j.clone());
    let (mut y, mut wanted) = (DVector::zeros(n), DVector::zeros(n));
    let ((plain, exact), slow) = timed(|| Dense::on_processor(copy));
    let (floats, single) = timed(|| gram_in_floats(&j));
    let (card, quick) = timed(|| Dense::on_card(j));
    let ((card, gram), floats) = (card?, floats?);
    card.product(&x, y.as_mut_slice());
    let (_, again) = timed(|| card.product(&x, y.as_mut_slice()));
    let (_, plainly) = timed(|| plain.product(&x, wanted.as_mut_slice()));
    // Two sums of p products in any orders differ by at most 2 p 2⁻⁵³ Σ|ab| ≤ p ε ‖a‖ ‖b‖; and NaN by more than anything.
    let (rounding, largest) = (p as f64 * f64::EPSILON, exact.diagonal().max());
    let size = DVector::from_vec(x).norm() * largest.sqrt();
    let larger = |w: f64, x: &f64| if x.abs() <= w || w.is_nan() { w } else { x.abs() };
    let worst = |m: &[f64]| m.iter().fold(0.0, larger);
    let rows = [
        ("Gram", slow, quick, worst((gram - &exact).as_slice()) / (rounding * largest)),
        ("floats", slow, single, worst((floats - &exact).as_slice()) / (FLOATS * largest)),
        ("J x", plainly, again, worst((y - wanted).as_slice()) / (rounding * size)),
    ];
    for (what, slow, quick, part) in rows {
        println!("{n:>7} × {p:<7} {what:>6} {slow:>10.3e} s {quick:>9.3e} s {part:>12.2e}");
    }
    Ok(rows.iter().all(|row| row.3 <= 1.0))
}

fn run() -> Result<bool> {
    choose(Device::Cuda)?;
    println!("{}", describe());
    println!("       N × p        what    processor        card    difference/bound");
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let standard =
        ["1x1000", "100x100000", "1000x100000", "2000x10000", "4000x100"].map(String::from);
    let mut all = true;
    for size in if asked.is_empty() { &standard[..] } else { &asked } {
        let numbers = size.split_once('x').map(|(n, p)| (n.parse::<usize>(), p.parse::<usize>()));
        let Some((Ok(n @ 1..), Ok(p @ 1..))) = numbers else {
            eprintln!("{size}: wanted a size such as 1000x100000");
            std::process::exit(2);
        };
        all &= check(n, p)?;
    }
    println!("{}", describe());
    Ok(all)
}

fn main() {
    std::process::exit(match run() {
        Ok(true) => 0,
        Ok(false) => 1,
        Err(error) => {
            eprintln!("{error}");
            error.exit_code().into()
        }
    });
}
