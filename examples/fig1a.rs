//! Figure 1(a): from a small start neurons travel to the teacher's directions.
//!
//! Writes `figures/fig1a.svg` and the numbers beside it; with `--quick` a size of seconds, `fig1a_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig1a")
}
