//! Figure 7(b): the spectrum of a convolutional network's tangent kernel.
//!
//! `--data PATH` names images (CIFAR-10's folder, or files), `--data synthetic` a stand-in. Writes `figures/fig7b.svg` and the
//! numbers beside it; with `--quick` a size of seconds, `fig7b_quick`.
fn main() -> gradflow::Result<()> {
    gradflow::figure::program("fig7b")
}
