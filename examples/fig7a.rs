//! Figure 7(a): the losses behind Figure 3(a).
//!
//! `--data PATH` names images (CIFAR-10's folder, or files), `--data synthetic` a stand-in. Writes `figures/fig7a.svg` and the
//! numbers beside it; with `--quick` a size of seconds, `fig7a_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig7a")
}
