//! Sizes refused before anything of theirs is allocated.

use crate::model::Shape;
use crate::{Error, Result};

/// Numbers that --csv may write.
const MOST_NUMBERS: usize = 20_000_000;
/// Numbers in all weights that are kept for the estimate of the error alone: 256 MiB.
const MOST_KEPT: usize = 1 << 25;
/// The largest tangent kernel that is decomposed, in outputs.
const MOST_OUTPUTS: usize = 20_000;
/// Working memory of a solve, in bytes: 8 GiB.
const MOST_BYTES: f64 = (8_u64 << 30) as f64;

/// What does not depend on the scales: the tangent kernel, the paths kept and Newton's matrices.
pub(super) fn check(points: usize, shape: Shape) -> Result<()> {
    if !(2..=1_000_000).contains(&points) {
        return Err(Error::value("points", points, "between 2 and 1000000 times"));
    }
    let Shape { params, outputs } = shape;
    if outputs > MOST_OUTPUTS {
        return Err(Error::TooLarge {
            what: format!("the tangent kernel of {outputs} outputs"),
            needed: format!("{:.1e} bytes", 8.0 * (outputs as f64).powi(2)),
            limit: format!("{MOST_OUTPUTS} outputs"),
            remedy: "take fewer samples (--samples)",
        });
    }
    // Five vectors of either kind a time (ū, e, s, ȳ and what is made of them at the end), and thirty of an integrator.
    let vectors = 5.0 * points as f64 + 30.0;
    let what =
        format!("a solve with p = {params} parameters, N = {outputs} outputs and {} times", points);
    refuse_beyond(vectors * (params as f64 + outputs as f64), what)
}

/// Newton's matrices, once it is known which the method takes.
pub(super) fn check_newton(numbers: f64, shape: Shape) -> Result<()> {
    let Shape { params, outputs } = shape;
    refuse_beyond(numbers, format!("an implicit method with p = {params} and N = {outputs}"))
}

fn refuse_beyond(numbers: f64, what: String) -> Result<()> {
    let needed = 8.0 * numbers;
    if needed <= MOST_BYTES {
        return Ok(());
    }
    Err(Error::TooLarge {
        what,
        needed: format!("{needed:.1e} bytes"),
        limit: format!("{MOST_BYTES:.1e} bytes"),
        remedy: "take a narrower model (--width), fewer samples (--samples), fewer times (--points) or \
                 --solver tsit45",
    })
}

/// At which of `rows` times over all scales weights are kept, three vectors each, where nobody asks for all of them:
/// `Gap::keep_every`.
pub(super) fn keep_every(rows: usize, shape: Shape) -> usize {
    rows.saturating_mul(3 * shape.params).div_ceil(MOST_KEPT).max(1)
}

/// The file of whole paths: `rows` times over all scales.
pub(super) fn check_paths(rows: usize, shape: Shape) -> Result<()> {
    let numbers = rows.saturating_mul(2 * (shape.params + shape.outputs) + 7);
    if numbers <= MOST_NUMBERS {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: "the file of whole paths".into(),
        needed: format!("{numbers} numbers"),
        limit: format!("{MOST_NUMBERS}"),
        remedy: "record fewer times (--points) or scales (--alpha)",
    })
}
