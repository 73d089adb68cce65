//! Processor time, wall time and memory of this process.

use gradflow::Result;
use std::time::{Duration, Instant};

/// The least processor and wall time of one call, in seconds, over that many samples; clocks tick in milliseconds, so a
/// sample is as many calls as take a tenth of a second.
pub(crate) fn shortest(samples: usize, mut call: impl FnMut() -> Result<()>) -> Result<(f64, f64)> {
    let mut best = (f64::INFINITY, f64::INFINITY);
    let begun = Instant::now();
    for _ in 0..samples {
        let (wall, cpu, mut calls) = (Instant::now(), cpu_seconds(), 0.0);
        while calls == 0.0 || wall.elapsed() < Duration::from_millis(100) {
            call()?;
            calls += 1.0;
        }
        let spent = ((cpu_seconds() - cpu) / calls, wall.elapsed().as_secs_f64() / calls);
        best = (best.0.min(spent.0), best.1.min(spent.1));
        if begun.elapsed() > Duration::from_secs(10) {
            break;
        }
    }
    Ok(best)
}

/// Processor time of all threads of this process so far (Linux), in nanosecond resolution; elsewhere the wall clock's.
fn cpu_seconds() -> f64 {
    let nanoseconds = |entry: std::io::Result<std::fs::DirEntry>| -> Option<f64> {
        let text = std::fs::read_to_string(entry.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok()
    };
    match std::fs::read_dir("/proc/self/task") {
        Ok(threads) => 1e-9 * threads.filter_map(nanoseconds).sum::<f64>(),
        Err(_) => std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0.0, |t| t.as_secs_f64()),
    }
}

/// The largest memory this process has held so far (Linux).
pub(crate) fn resident_megabytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
