//! CIFAR-10 in its binary layout (Krizhevsky 2009): records of one label byte and 3 × 32 × 32 pixel bytes, red,
//! green, blue, each row by row.

use super::files::{fault, io, regular};
use super::{Dataset, Scaling, matrix_size};
use crate::{Error, Result};
use nalgebra::DMatrix;
use std::io::{BufReader, Read};
use std::path::Path;

/// The names of the ten classes, by label.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// d, the numbers of an image.
pub const PIXELS: usize = 3 * 32 * 32;

/// Bytes of a record.
const RECORD: usize = 1 + PIXELS;

/// The largest file read, 2 GiB; the original ones have 30 MB.
const LIMIT: u64 = 2 << 30;

/// How the class of an image becomes a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// Two classes: one target, +1 for the first chosen and −1 for the second. More: a target per class, 1 for its
    /// own and 0 for the others.
    #[default]
    Numbers,
    /// One target: the place of the class among those chosen, from 0, as cross-entropy takes it.
    Index,
}

/// What to take from the files: by default all images of all classes.
#[derive(Debug, Clone)]
pub struct Cifar10 {
    classes: Vec<u8>,
    limit: Option<usize>,
    encoding: Encoding,
    centred: bool,
}

impl Default for Cifar10 {
    fn default() -> Self {
        let classes = (0..10).collect();
        Cifar10 { classes, limit: None, encoding: Encoding::default(), centred: false }
    }
}

impl Cifar10 {
    /// The images of these classes only, by label; an empty list leaves all ten.
    ///
    /// # Errors
    /// [`Error::Value`] for a label above 9, a label given twice, or a single class.
    pub fn of_classes(self, classes: &[u8]) -> Result<Self> {
        let twice = |(i, class): (usize, &u8)| classes[..i].contains(class);
        let wanted = "two or more different classes from 0 to 9";
        if classes.is_empty() {
            return Ok(self);
        }
        if classes.len() == 1
            || classes.iter().any(|class| *class > 9)
            || classes.iter().enumerate().any(twice)
        {
            return Err(Error::value("classes", format!("{classes:?}"), wanted));
        }
        Ok(Cifar10 { classes: classes.to_vec(), ..self })
    }

    /// At most `n` images, in the order of the files.
    #[must_use]
    pub fn at_most(self, n: usize) -> Self {
        Cifar10 { limit: Some(n), ..self }
    }

    /// With classes as targets in another way.
    #[must_use]
    pub fn encoded(self, encoding: Encoding) -> Self {
        Cifar10 { encoding, ..self }
    }

    /// With each pixel's mean over the images read subtracted. A test set needs the mean of its training set
    /// instead: see [`Scaling::centring`].
    #[must_use]
    pub fn centred(self) -> Self {
        Cifar10 { centred: true, ..self }
    }

    /// The images of these files one after another: inputs 3072 × n in \[0, 1\] (byte/255), targets as
    /// [`Cifar10::encoded`] says.
    ///
    /// # Errors
    /// [`Error::Data`] for a file that is not a whole number of records (with the offset of the broken one), for a
    /// label above 9 (with record and offset), or where no image is of the classes chosen; [`Error::Io`] for a file
    /// that cannot be read; [`Error::TooLarge`] for one
    /// or for images beyond 2 GiB; [`Error::Value`] for no files or a limit of 0.
    pub fn read<P: AsRef<Path>>(&self, paths: &[P]) -> Result<Dataset> {
        let Some(first) = paths.first() else {
            return Err(Error::value("CIFAR-10 files", "none", "at least one"));
        };
        if self.limit == Some(0) {
            return Err(Error::value("images asked for", 0, "at least one"));
        }
        let mut images = Images { pixels: Vec::new(), labels: Vec::new() };
        for path in paths {
            self.collect(path.as_ref(), &mut images)?;
        }
        if images.labels.is_empty() {
            let problem = format!("no image of the classes {}", self.names().join(", "));
            return Err(fault(first.as_ref(), "file", problem));
        }
        self.dataset(images, paths)
    }

    fn collect(&self, path: &Path, images: &mut Images) -> Result<()> {
        let (file, size) = regular(path, LIMIT)?;
        let records = whole_records(path, size)?;
        let (mut file, mut record) = (BufReader::new(file), [0_u8; RECORD]);
        for number in 0..records {
            if self.limit.is_some_and(|limit| images.labels.len() >= limit) {
                return Ok(());
            }
            file.read_exact(&mut record).map_err(|source| io(path, "read", source))?;
            let [label, pixels @ ..] = &record;
            if *label > 9 {
                let place = format!("record {number} (from 0), offset {}", number * RECORD as u64);
                let problem =
                    format!("label {label}, wanted 0 to 9; is this CIFAR-10 in binary form?");
                return Err(fault(path, place, problem));
            }
            if let Some(class) = self.classes.iter().position(|class| class == label) {
                matrix_size("the images", PIXELS, images.labels.len() + 1)?;
                images.labels.push(class);
                images.pixels.extend(pixels.iter().map(|byte| f64::from(*byte) / 255.0));
            }
        }
        Ok(())
    }

    fn dataset<P: AsRef<Path>>(&self, images: Images, paths: &[P]) -> Result<Dataset> {
        let n = images.labels.len();
        let inputs = DMatrix::from_vec(PIXELS, n, images.pixels);
        let (targets, names) = self.targets(&images.labels);
        let files: Vec<String> = paths.iter().map(|p| p.as_ref().display().to_string()).collect();
        let names_of_classes = self.names().join(", ");
        let source =
            format!("CIFAR-10 from {}, {n} images of {names_of_classes}", files.join(", "));
        let pixels = (0..PIXELS)
            .map(|i| format!("{}{}_{}", ["r", "g", "b"][i / 1024], i % 1024 / 32, i % 32))
            .collect();
        let data = Dataset::new(inputs, targets, source)?.named(pixels, names)?;
        if self.centred { Scaling::centring(&data).apply(&data) } else { Ok(data) }
    }

    /// The target matrix of these places in `classes`, and a name for each row.
    fn targets(&self, labels: &[usize]) -> (DMatrix<f64>, Vec<String>) {
        let (n, names) = (labels.len(), self.names());
        let row = |value: &dyn Fn(usize) -> f64| {
            DMatrix::from_iterator(1, n, labels.iter().map(|class| value(*class)))
        };
        match self.encoding {
            Encoding::Index => (row(&|class| class as f64), vec!["class".into()]),
            Encoding::Numbers if names.len() == 2 => {
                let name = format!("{} (+1) or {} (−1)", names[0], names[1]);
                (row(&|class| if class == 0 { 1.0 } else { -1.0 }), vec![name])
            }
            Encoding::Numbers => {
                let hot = |row, sample: usize| f64::from(u8::from(labels[sample] == row));
                (DMatrix::from_fn(names.len(), n, hot), names.iter().map(|n| (*n).into()).collect())
            }
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.classes.iter().map(|class| CLASSES[usize::from(*class)]).collect()
    }
}

/// What has been read so far: pixels image by image, and for each the place of its class among those chosen.
struct Images {
    pixels: Vec<f64>,
    labels: Vec<usize>,
}

/// The number of records in a file of this size.
fn whole_records(path: &Path, size: u64) -> Result<u64> {
    let record = RECORD as u64;
    if size == 0 {
        return Err(fault(path, "offset 0", "the file is empty; records of 3073 bytes are wanted"));
    }
    let rest = size % record;
    if rest == 0 {
        return Ok(size / record);
    }
    let place = format!("offset {}", size - rest);
    let hint =
        if size.is_multiple_of(record + 1) { " (3074 divides its size: CIFAR-100?)" } else { "" };
    let problem = format!(
        "record {} has {rest} of 3073 bytes{hint}; the file is truncated or not CIFAR-10 in binary form",
        size / record
    );
    Err(fault(path, place, problem))
}
