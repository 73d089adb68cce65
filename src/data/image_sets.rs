//! Images to train on and images to test on, from what a user has: CIFAR-10's folder, one or two of its files, or a
//! synthetic stand-in asked for by name.

use super::cifar::{self, Cifar10, Encoding};
use super::images::Images;
use crate::random::Generator;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

/// The word for the stand-in.
pub const SYNTHETIC: &str = "synthetic";

/// Two sets of images, normalized alike.
#[derive(Debug, Clone)]
pub struct ImageSets {
    /// To train on.
    pub train: Images,
    /// To test on.
    pub test: Images,
    /// Where they come from, in words; files by their names.
    pub source: String,
}

impl ImageSets {
    /// At most `sizes` images (train, test) from `place`: a folder with CIFAR-10's `data_batch_1.bin` … and
    /// `test_batch.bin`; two files, `TRAIN,TEST`; one file, three quarters of whose images are for training; or the word
    /// `synthetic`, for images of chance with ten classes that can be told apart.
    ///
    /// # Errors
    /// [`Error::Data`] for a folder without those files or a file that is not CIFAR-10; [`Error::Io`] for what cannot be
    /// read; [`Error::Value`] for one file with fewer than two images.
    ///
    /// ```
    /// use gradflow::data::image_sets::ImageSets;
    /// let sets = ImageSets::open("synthetic".as_ref(), (30, 20), 0)?;
    /// assert_eq!((sets.train.len(), sets.test.len(), sets.train.numbers()), (30, 20, 3072));
    /// # Ok::<(), gradflow::Error>(())
    /// ```
    pub fn open(place: &Path, sizes: (usize, usize), seed: u64) -> Result<Self> {
        if place.as_os_str() == SYNTHETIC {
            return synthetic(sizes, seed);
        }
        let text = place.to_string_lossy();
        let (train, test) = match text.split_once(',') {
            Some((train, test)) => {
                (vec![PathBuf::from(train.trim())], vec![PathBuf::from(test.trim())])
            }
            None if place.is_dir() => official(place)?,
            None => return halves(place, sizes),
        };
        let words = format!("CIFAR-10, {} and {}", names(&train), names(&test));
        Self::of(read(&train, sizes.0)?, read(&test, sizes.1)?, &words)
    }

    fn of(train: Images, test: Images, words: &str) -> Result<Self> {
        let source = format!("{words}, {} train, {} test images", train.len(), test.len());
        Ok(ImageSets { train, test, source })
    }
}

fn names(paths: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    paths.iter().map(name).collect::<Vec<_>>().join(" ")
}

/// The files of CIFAR-10's own archive.
fn official(folder: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    let batches = (1..=5).map(|k| folder.join(format!("data_batch_{k}.bin")));
    let train: Vec<PathBuf> = batches.filter(|path| path.exists()).collect();
    let test = folder.join("test_batch.bin");
    if train.is_empty() || !test.exists() {
        return Err(Error::Data {
            path: folder.into(),
            place: "folder".into(),
            problem: "found no data_batch_1.bin or no test_batch.bin; give the folder of CIFAR-10's binary version, or files as \
                      TRAIN.bin,TEST.bin"
                .into(),
        });
    }
    Ok((train, vec![test]))
}

/// One file, its images in their order: the first three quarters to train on.
fn halves(path: &Path, sizes: (usize, usize)) -> Result<ImageSets> {
    let all = Cifar10::default().encoded(Encoding::Index).read(&[path])?;
    let (train, test) = all.split(all.samples() * 3 / 4)?;
    let words = format!("CIFAR-10, {}", names(&[path.into()]));
    let cut = |data: &super::Dataset, n: usize| Ok::<_, Error>(Images::cifar10(data)?.first(n));
    ImageSets::of(cut(&train, sizes.0)?, cut(&test, sizes.1)?, &words)
}

fn read(paths: &[PathBuf], most: usize) -> Result<Images> {
    Images::cifar10(&Cifar10::default().encoded(Encoding::Index).at_most(most).read(paths)?)
}

/// Images of chance: each class has a smooth pattern, shifted and covered with noise anew in every image.
fn synthetic((train, test): (usize, usize), seed: u64) -> Result<ImageSets> {
    const SIDE: usize = 32;
    let generator = Generator::seeded(seed).split("synthetic images");
    let mut draw = generator.split("patterns");
    let classes = cifar::CLASSES.len();
    // A few long waves per class and channel.
    let patterns: Vec<[[f64; 4]; 9]> = (0..classes)
        .map(|_| {
            std::array::from_fn(|_| {
                let wave = |draw: &mut Generator| {
                    draw.below(4) as f64 * std::f64::consts::TAU / SIDE as f64
                };
                let phase = draw.uniform(0.0, std::f64::consts::TAU);
                [wave(&mut draw), wave(&mut draw), phase, draw.uniform(0.05, 0.12)]
            })
        })
        .collect();
    let set = |part: &str, n: usize| {
        let mut draw = generator.split(part);
        let mut inputs = nalgebra::DMatrix::zeros(cifar::PIXELS, n);
        let mut labels = nalgebra::DMatrix::zeros(1, n);
        for i in 0..n {
            let class = draw.below(classes);
            let (down, right) = (draw.below(5) as f64, draw.below(5) as f64);
            labels[i] = class as f64;
            for (k, pixel) in inputs.column_mut(i).iter_mut().enumerate() {
                let (channel, y, x) = (k / (SIDE * SIDE), k / SIDE % SIDE, k % SIDE);
                let waves = &patterns[class][3 * channel..3 * channel + 3];
                let sum: f64 = waves
                    .iter()
                    .map(|[fx, fy, phase, size]| {
                        size * (fx * (x as f64 + right) + fy * (y as f64 + down) + phase).sin()
                    })
                    .sum();
                *pixel = (0.5 + sum + 0.1 * draw.gaussian()).clamp(0.0, 1.0);
            }
        }
        Images::cifar10(&super::Dataset::new(inputs, labels, "synthetic")?)
    };
    ImageSets::of(
        set("train", train)?,
        set("test", test)?,
        &format!("synthetic images of ten classes, seed {seed}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_images_is_refused_in_words() {
        let folder = std::env::temp_dir();
        let error = ImageSets::open(&folder, (1, 1), 0).expect_err("no images");
        assert!(error.to_string().contains("test_batch.bin"), "{error}");
    }

    #[test]
    fn one_file_is_split_and_two_are_read_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, labels: &[u8]| {
            let path = folder.path().join(name);
            let bytes: Vec<u8> =
                labels.iter().flat_map(|l| std::iter::once(*l).chain([7; 3072])).collect();
            std::fs::write(&path, bytes).expect("written");
            path.to_string_lossy().into_owned()
        };
        let (one, two) = (file("one.bin", &[0, 1, 2, 3]), file("two.bin", &[4, 5]));
        let sets = ImageSets::open(one.as_ref(), (9, 9), 0).expect("read");
        assert_eq!((sets.train.len(), sets.test.len(), sets.test.label(0)), (3, 1, 3));
        let pair = format!("{one},{two}");
        let sets = ImageSets::open(pair.as_ref(), (2, 9), 0).expect("read");
        assert_eq!((sets.train.len(), sets.test.len(), sets.test.label(0)), (2, 2, 4));
        assert!(sets.source.contains("one.bin") && !sets.source.contains('/'), "{}", sets.source);
    }
}
