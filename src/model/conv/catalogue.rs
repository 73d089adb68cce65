//! The two architectures of the paper's experiments, as in the authors' code (Chizat et al. 2019, §3.2 and App. C):
//! without batch normalization, every convolution with biases.

use super::{Architecture, Extent, Layer, Pooling, Rectification};
use crate::{Error, Result};

/// The images of CIFAR-10.
pub const CIFAR10: Extent = Extent { channels: 3, height: 32, width: 32 };

/// The classes of CIFAR-10.
const CLASSES: usize = 10;

impl Architecture {
    /// VGG-11 (Simonyan and Zisserman 2015, as kuangliu/pytorch-cifar): eight 3 × 3 convolutions of 64, 128, 256, 256,
    /// 512, 512, 512, 512 channels, each with a rectifier, a 2 × 2 pooling after the first, second, fourth, sixth and
    /// eighth, then a dense layer to ten outputs. Channels are times `width` (rounded, at least one), sides of images
    /// multiples of 32.
    ///
    /// ```
    /// use gradflow::model::{Architecture, CIFAR10, Pooling, Rectification};
    /// let net = Architecture::vgg11(CIFAR10, 1.0, Pooling::Max, Rectification::Relu)?;
    /// assert_eq!(net.params(), 9_225_610);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Value`] for a `width` that is not positive and finite, or sides that 32 does not divide.
    pub fn vgg11(
        input: Extent,
        width: f64,
        pooling: Pooling,
        rectifier: Rectification,
    ) -> Result<Self> {
        check_sides("VGG-11", input, 32)?;
        let mut layers = Vec::new();
        for group in [&[64][..], &[128], &[256, 256], &[512, 512], &[512, 512]] {
            for &channels in group {
                let channels = scaled(channels, width)?;
                let convolution =
                    Layer::Convolution { channels, kernel: 3, stride: 1, padding: 1, biases: true };
                layers.extend([convolution, Layer::Rectifier(rectifier)]);
            }
            layers.push(Layer::Pool(pooling, 2));
        }
        layers.push(Layer::Dense { outputs: CLASSES, biases: true });
        Architecture::new(input, &layers)
    }

    /// ResNet-18 (He et al. 2016): a 3 × 3 convolution of 64 channels with a rectifier, four times two residual blocks
    /// of 64, 128, 256, 512 channels (the first of each four with stride 1, 2, 2, 2), the average over what is left
    /// (4 × 4 of 32 × 32), a dense layer to ten outputs. Channels and sides as for [`Architecture::vgg11`], but sides
    /// multiples of 8.
    ///
    /// ```
    /// use gradflow::model::{Architecture, CIFAR10, Rectification};
    /// let net = Architecture::resnet18(CIFAR10, 1.0, Rectification::Relu)?;
    /// assert_eq!(net.params(), 11_169_162);
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Architecture::vgg11`].
    pub fn resnet18(input: Extent, width: f64, rectifier: Rectification) -> Result<Self> {
        check_sides("ResNet-18", input, 8)?;
        let channels = scaled(64, width)?;
        let first = Layer::Convolution { channels, kernel: 3, stride: 1, padding: 1, biases: true };
        let mut layers = vec![first, Layer::Rectifier(rectifier)];
        for (channels, stride) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
            let channels = scaled(channels, width)?;
            layers.push(Layer::Residual { channels, stride, rectifier });
            layers.push(Layer::Residual { channels, stride: 1, rectifier });
        }
        layers.extend([Layer::AverageAll, Layer::Dense { outputs: CLASSES, biases: true }]);
        Architecture::new(input, &layers)
    }
}

fn check_sides(name: &str, input: Extent, multiple: usize) -> Result<()> {
    let divides = |side: usize| side > 0 && side.is_multiple_of(multiple);
    if divides(input.height) && divides(input.width) {
        return Ok(());
    }
    let found = format!("{} × {}", input.height, input.width);
    Err(Error::value(
        format!("sides of the images of {name}"),
        found,
        format!("multiples of {multiple}"),
    ))
}

fn scaled(channels: u32, width: f64) -> Result<usize> {
    let scaled = (f64::from(channels) * width).round().max(1.0);
    // A thousand times the paper's widest net would not fit any memory.
    if !(width > 0.0 && scaled < 1e8) {
        return Err(Error::value("width factor", width, "a positive number below 10⁵"));
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(scaled as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELU: Rectification = Rectification::Relu;

    /// The numbers of the authors' code, and those counted by hand at another width: VGG-11 at 1/8 has channels 8, 16,
    /// 32, 32, 64, 64, 64, 64.
    #[test]
    fn parameters_are_those_of_the_paper() {
        let vgg = |width| Architecture::vgg11(CIFAR10, width, Pooling::Max, RELU).unwrap();
        assert_eq!(vgg(1.0).params(), 9_225_610);
        let by_hand = [(3, 8), (8, 16), (16, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64)]
            .map(|(from, to)| to * from * 9 + to);
        assert_eq!(vgg(0.125).params(), by_hand.iter().sum::<usize>() + 64 * 10 + 10);
        assert_eq!(Architecture::resnet18(CIFAR10, 1.0, RELU).unwrap().params(), 11_169_162);
        // Eight rectifiers, a slope for each of 2752 channels.
        let prelu = Architecture::vgg11(CIFAR10, 1.0, Pooling::Average, Rectification::Prelu);
        assert_eq!(prelu.unwrap().params(), 9_225_610 + 64 + 128 + 2 * 256 + 4 * 512);
        // 153 million multiplications an image.
        assert_eq!(vgg(1.0).multiplications(), 152_769_536);
    }

    #[test]
    fn other_images_are_taken_where_their_sides_divide() {
        let of = |height, width| Extent { channels: 1, height, width };
        let net = Architecture::vgg11(of(64, 32), 0.1, Pooling::Max, RELU).unwrap();
        assert_eq!(net.nodes[net.nodes.len() - 2], Extent { channels: 51, height: 2, width: 1 });
        assert!(Architecture::vgg11(of(28, 28), 0.1, Pooling::Max, RELU).is_err());
        assert!(Architecture::resnet18(of(24, 8), 0.1, RELU).is_ok());
        assert!(Architecture::resnet18(of(28, 28), 0.1, RELU).is_err());
        for width in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e30] {
            assert!(Architecture::resnet18(CIFAR10, width, RELU).is_err(), "{width}");
        }
    }
}
