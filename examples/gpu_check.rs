//! Does the card give the processor's products, and how fast? Sizes N × p as words, such as `1000x100000`.
use gradflow::device::{Dense, Device, choose, describe, gram_in_floats};
use gradflow::prelude::*;
use nalgebra::DMatrix;
use std::time::Instant;

fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begin = Instant::now();
    (work(), begin.elapsed().as_secs_f64())
}

fn main() -> Result<()> {
    if let Err(error) = choose(Device::Cuda) {
        eprintln!("{error}");
        std::process::exit(error.exit_code().into());
    }
    println!("{}", describe());
    println!("       N × p        what    processor        card    difference/bound");
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let standard = ["1x1000", "100x100000", "1000x100000", "2000x10000", "4000x100"];
    let sizes = if asked.is_empty() { standard.map(String::from).to_vec() } else { asked };
    for (n, p) in sizes.iter().filter_map(|s| s.split_once('x')) {
        let (n, p) = (n.parse().unwrap_or(1), p.parse().unwrap_or(1));
        let mut draw = Generator::seeded(0);
        let j = DMatrix::from_vec(n, p, draw.gaussians(n * p));
        let (x, mut y) = (draw.gaussians(p), vec![0.0; n]);
        let copy = j.clone();
        let ((plain, exact), slow) = timed(|| Dense::on_processor(copy));
        let (floats, single) = timed(|| gram_in_floats(&j));
        let (card, quick) = timed(|| Dense::on_card(j));
        let (card, gram) = card?;
        let trace = exact.diagonal().max();
        // Two sums of p products in any orders differ by at most 2 p 2⁻⁵³ Σ|ab| ≤ p ε √(K_ii K_jj).
        let bound = p as f64 * f64::EPSILON * trace;
        let row = |what: &str, slow: f64, quick: f64, part: f64| {
            println!("{n:>7} × {p:<7} {what:>6} {slow:>10.3e} s {quick:>9.3e} s {part:>12.2e}");
        };
        row("Gram", slow, quick, (gram - &exact).amax() / bound);
        row("floats", slow, single, (floats? - &exact).amax() / (2.1e-6 * trace));
        let mut wanted = vec![0.0; n];
        card.product(&x, &mut y);
        let (_, quick) = timed(|| card.product(&x, &mut y));
        let (_, slow) = timed(|| plain.product(&x, &mut wanted));
        let size = x.iter().map(|x| x * x).sum::<f64>().sqrt() * trace.sqrt();
        let error = wanted.iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        row("J x", slow, quick, error / (p as f64 * f64::EPSILON * size));
    }
    Ok(())
}
