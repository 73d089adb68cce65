//! Sizes of layers, and what is refused: mistakes with the layer's name, and what no memory holds.

use super::Extent;
use crate::{Error, Result};

/// Largest number of numbers of one kind: 2³⁸ bytes.
const LIMIT: usize = 1 << 35;

/// The largest working memory of one sweep, in bytes: 16 GiB.
const MEMORY: u128 = 16 << 30;

/// A mistake in a layer, still without the layer's name.
#[derive(Debug)]
pub(super) enum Problem {
    Value { value: String, wanted: &'static str },
    TooLarge,
}

impl Problem {
    pub(super) fn of(self, layer: &str) -> Error {
        match self {
            Problem::Value { value, wanted } => Error::value(layer, value, wanted),
            Problem::TooLarge => Error::TooLarge {
                what: layer.into(),
                needed: "more numbers than a machine holds".into(),
                limit: format!("{LIMIT} numbers"),
                remedy: "take fewer channels or smaller images",
            },
        }
    }
}

fn value(value: impl ToString, wanted: &'static str) -> Problem {
    Problem::Value { value: value.to_string(), wanted }
}

/// The product, where a machine could hold as many numbers.
pub(super) fn product(factors: &[usize]) -> Result<usize, Problem> {
    let product = factors.iter().try_fold(1_usize, |all, factor| all.checked_mul(*factor));
    product.filter(|product| *product <= LIMIT).ok_or(Problem::TooLarge)
}

/// The sum, likewise.
pub(super) fn sum(a: usize, b: usize) -> Result<usize, Problem> {
    a.checked_add(b).filter(|sum| *sum <= LIMIT).ok_or(Problem::TooLarge)
}

/// Refuses a batch whose sweeps do not fit into memory: three planes of every node, and the parameters some twenty times
/// (lanes of two gradients, weights on their way).
pub(super) fn check_memory(samples: usize, nodes: usize, params: usize) -> Result<()> {
    let needed = 8 * (3 * samples as u128 * nodes as u128 + 20 * params as u128);
    if needed <= MEMORY {
        return Ok(());
    }
    Err(Error::TooLarge {
        what: format!("a sweep over {samples} images"),
        needed: format!("{needed} bytes"),
        limit: format!("{MEMORY} bytes"),
        remedy: "take fewer images at a time or fewer channels",
    })
}

/// Refuses sizes of 0 and those of which no memory holds one.
pub(super) fn check_extent(name: &str, extent: Extent) -> Result<()> {
    let Extent { channels, height, width } = extent;
    let positive = channels > 0 && height > 0 && width > 0;
    if !positive {
        return Err(value(format!("{extent:?}"), "at least 1 in each direction").of(name));
    }
    product(&[channels, height, width]).map(|_| ()).map_err(|problem| problem.of(name))
}

/// The size that a convolution makes.
pub(super) fn convolved(
    input: Extent,
    channels: usize,
    kernel: (usize, usize),
    stride: usize,
    padding: usize,
) -> Result<Extent, Problem> {
    if channels == 0 || kernel.0 == 0 || kernel.1 == 0 || stride == 0 {
        return Err(value("a size of 0", "at least 1 channel, pixel and step"));
    }
    if padding >= kernel.0.min(kernel.1) {
        return Err(value(padding, "fewer zeros on a side than the filter has pixels"));
    }
    let along = |pixels: usize, kernel: usize| {
        let rest = sum(pixels, 2 * padding)?.checked_sub(kernel);
        let rest = rest.ok_or_else(|| value(kernel, "a filter that fits into its image"))?;
        Ok(rest / stride + 1)
    };
    let (height, width) = (along(input.height, kernel.0)?, along(input.width, kernel.1)?);
    product(&[channels, height, width])?;
    product(&[input.channels, kernel.0, kernel.1, height, width])?;
    Ok(Extent { channels, height, width })
}

/// The size that a pooling makes.
pub(super) fn pooled(input: Extent, side: (usize, usize)) -> Result<Extent, Problem> {
    let fits = |pixels: usize, side: usize| side > 0 && pixels.is_multiple_of(side);
    if !fits(input.height, side.0) || !fits(input.width, side.1) {
        let found = format!("{} × {} pixels", input.height, input.width);
        return Err(value(found, "an image whose sides the pooling divides"));
    }
    let (height, width) = (input.height / side.0, input.width / side.1);
    Ok(Extent { height, width, ..input })
}

#[cfg(test)]
mod tests {
    use super::super::{Architecture, Layer, Pooling};
    use super::*;

    const INPUT: Extent = Extent { channels: 3, height: 5, width: 4 };

    fn convolution(channels: usize, kernel: usize, stride: usize, padding: usize) -> Layer {
        Layer::Convolution { channels, kernel, stride, padding, biases: true }
    }

    #[test]
    fn a_convolution_counts_the_places_of_its_filter() {
        // (5 + 2 − 3)/2 + 1 = 3 rows, (4 + 2 − 3)/2 + 1 = 2 columns.
        let made = convolved(INPUT, 7, (3, 3), 2, 1).unwrap();
        assert_eq!(made, Extent { channels: 7, height: 3, width: 2 });
    }

    #[test]
    fn mistakes_are_refused_with_the_name_of_the_layer() {
        let refused = [
            convolution(0, 3, 1, 1),
            convolution(2, 0, 1, 0),
            convolution(2, 3, 0, 1),
            convolution(2, 5, 1, 0),
            convolution(2, 3, 1, 3),
            Layer::Pool(Pooling::Max, 2),
            Layer::Pool(Pooling::Max, 0),
        ];
        for layer in refused {
            let message = Architecture::new(INPUT, &[layer]).unwrap_err().to_string();
            assert!(message.starts_with("layer 1 ("), "{message}");
        }
        let none = Extent { channels: 0, ..INPUT };
        let dense = Layer::Dense { outputs: 1, biases: true };
        assert!(matches!(Architecture::new(none, &[dense]), Err(Error::Value { .. })));
        assert!(matches!(Architecture::new(INPUT, &[]), Err(Error::Value { .. })));
    }

    #[test]
    fn sizes_beyond_any_memory_are_refused_without_overflow() {
        let dense = Layer::Dense { outputs: usize::MAX, biases: true };
        let found = Architecture::new(INPUT, &[dense]);
        assert!(matches!(found, Err(Error::TooLarge { .. })), "{found:?}");
        // 2³³ numbers in a node are refused with the first batch.
        let large = Extent { channels: 1 << 33, height: 1, width: 1 };
        assert!(Architecture::new(large, &[Layer::Dense { outputs: 1, biases: true }]).is_ok());
        assert!(matches!(check_memory(1, 1 << 33, 1 << 33), Err(Error::TooLarge { .. })));
        assert!(check_memory(128, 280_000, 9_225_610).is_ok());
        let vast = Extent { channels: usize::MAX, height: 2, width: 2 };
        let found = Architecture::new(vast, &[Layer::AverageAll]);
        assert!(matches!(found, Err(Error::TooLarge { .. })), "{found:?}");
    }
}
