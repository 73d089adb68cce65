//! Table 3(b): networks trained as they are and linearized, narrow and wide.
//!
//! `--data PATH` names images (CIFAR-10's folder, or files), `--data synthetic` a stand-in. Writes `figures/table3b.svg` and the
//! numbers beside it; with `--quick` a size of seconds, `table3b_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("table3b")
}
