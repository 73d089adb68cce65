//! What does a step cost as models and data grow? Linear in p and in N, for all that matters.
//!
//! Some minutes; writes `figures/scaling.svg` and the numbers beside it. Seconds are the processor's, of all threads.
use gradflow::experiment::StepCost;
use gradflow::figure::Figure;
use gradflow::prelude::*;
use std::path::Path;

fn main() -> Result<()> {
    gradflow::threads::set_limit(1);
    let table = StepCost::default().table(&seconds)?;
    for (size, step) in [("params", "step_against_params"), ("samples", "step_against_samples")] {
        println!("{size:>9}    seconds a step    per {size}");
        for (size, step) in table.column(size)?.iter().zip(table.column(step)?) {
            if step.is_finite() {
                println!("{size:9}  {step:16.3e}  {:11.3e}", step / size);
            }
        }
    }
    let path = Path::new("figures/scaling.svg");
    table.write(&path.with_extension("csv"))?;
    Figure::named("scaling")?.draw(&table, path)
}

/// Processor seconds of all threads of this process (Linux); elsewhere those of the wall's clock.
fn seconds() -> f64 {
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
