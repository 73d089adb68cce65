//! Figure 6: the paths of 200 neurons, doubled and not.
//!
//! Writes `figures/fig6.svg` and the numbers beside it; with `--quick` a size of seconds, `fig6_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig6")
}
