//! Numpy's `.npy` files, read and written.
//!
//! An n × d array (a row per sample, as numpy users keep it) becomes a d × n matrix here and back; in C order that is
//! the same sequence of numbers.

use super::files::{fault, io, regular};
use super::{Dataset, matrix_size};
use crate::Result;
use nalgebra::DMatrix;
use npyz::{DType, Deserialize, NpyFile, Order, TypeChar, WriterBuilder};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

/// The largest file read, a little above 2 GiB.
const LIMIT: u64 = (2 << 30) + HEADER as u64;

/// The longest header read; Numpy's have 128 bytes.
const HEADER: usize = 1 << 16;

/// An array of one or two axes, n × d, as the d × n matrix with a column per row of the file; one axis means d = 1.
/// Floating point of 4 or 8 bytes, integers and booleans are accepted; integers beyond 2⁵³ are rounded.
///
/// # Errors
/// [`Error::Data`](crate::Error::Data) for what is not such a file: wrong magic, a header that cannot be read or that does not fit the
/// size of the file, objects, text or complex numbers, other axes, an empty array, an entry that is not finite (by
/// row and column from 0); [`Error::Io`](crate::Error::Io) for a file that cannot be read; [`Error::TooLarge`](crate::Error::TooLarge) beyond 2 GiB.
pub fn read(path: &Path) -> Result<DMatrix<f64>> {
    let (file, size) = regular(path, LIMIT)?;
    let mut file = BufReader::new(file);
    let begin = plausible_header(path, &mut file)?;
    let npy = NpyFile::new(file).map_err(|e| fault(path, "header", e.to_string()))?;
    let (n, d) = axes(path, npy.shape())?;
    let item = npy.dtype().num_bytes().unwrap_or(0) as u64;
    // No overflow: `plausible_header` has multiplied all numbers of the header.
    let (found, wanted) = (size - begin, npy.len() * item);
    if found != wanted && item > 0 {
        let problem = format!(
            "{found} bytes of data where the header promises {n} × {d} of {item} bytes, {wanted}; the file is \
             truncated or damaged"
        );
        return Err(fault(path, format!("offset {}", begin + found.min(wanted)), problem));
    }
    matrix_size("the array", d, n)?;
    let order = npy.order();
    let entries = numbers(path, npy)?;
    let matrix = match order {
        Order::C => DMatrix::from_vec(d, n, entries),
        Order::Fortran => DMatrix::from_vec(n, d, entries).transpose(),
    };
    match matrix.iter().position(|x| !x.is_finite()) {
        None => Ok(matrix),
        Some(i) => {
            let place = format!("row {}, column {} (from 0)", i / d, i % d);
            Err(fault(path, place, format!("{}, wanted a finite number", matrix[i])))
        }
    }
}

/// Inputs n × d and targets n × k (or of one axis) from two files.
///
/// # Errors
/// As [`read`]; [`Error::Data`](crate::Error::Data) where the numbers of rows differ.
pub fn dataset(inputs: &Path, targets: &Path) -> Result<Dataset> {
    let (x, y) = (read(inputs)?, read(targets)?);
    if x.ncols() != y.ncols() {
        let problem = format!(
            "{} × {}, but the inputs in {} are {} × {}; as many rows are wanted, one per sample",
            y.ncols(),
            y.nrows(),
            inputs.display(),
            x.ncols(),
            x.nrows()
        );
        return Err(fault(targets, "shape", problem));
    }
    let source = format!("{} and {}, {} samples", inputs.display(), targets.display(), x.ncols());
    Dataset::new(x, y, source)
}

/// Writes the d × n matrix as an n × d array of doubles, whole or not at all: to a file beside it that is renamed.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io).
pub fn write(path: &Path, matrix: &DMatrix<f64>) -> Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let written = fill(part, matrix).and_then(|()| std::fs::rename(part, path));
    written.map_err(|source| {
        let _ = std::fs::remove_file(part); // ours, and of no more use
        io(path, "write", source)
    })
}

fn fill(path: &Path, matrix: &DMatrix<f64>) -> std::io::Result<()> {
    let shape = [matrix.ncols() as u64, matrix.nrows() as u64];
    let mut file = BufWriter::new(File::create(path)?);
    let options = npyz::WriteOptions::new().default_dtype().shape(&shape);
    let mut writer = options.writer(&mut file).begin_nd()?;
    writer.extend(matrix.iter().copied())?;
    writer.finish()?;
    file.flush()?;
    file.get_ref().sync_all()
}

/// Looks at the header before it is parsed: magic, length, nesting and the product of its numbers, so that nothing
/// in it can exhaust memory or stack. Returns where the data begin; the file is rewound.
fn plausible_header(path: &Path, file: &mut BufReader<File>) -> Result<u64> {
    let mut head = Vec::new();
    file.take(HEADER as u64).read_to_end(&mut head).map_err(|e| io(path, "read", e))?;
    file.rewind().map_err(|e| io(path, "read", e))?;
    if !head.starts_with(b"\x93NUMPY") {
        return Err(fault(path, "offset 0", "no NPY magic; save the array with numpy.save"));
    }
    let (begin, length) = match head[6..] {
        [1, 0, a, b, ..] => (10, usize::from(u16::from_le_bytes([a, b]))),
        [2 | 3, 0, a, b, c, d, ..] => (12, u32::from_le_bytes([a, b, c, d]) as usize),
        _ => return Err(fault(path, "offset 6", "not a version 1, 2 or 3 of the NPY format")),
    };
    let Some(text) = begin_text(&head, begin, length) else {
        let problem =
            format!("a header of {length} bytes, more than the file holds or than {HEADER}");
        return Err(fault(path, format!("offset {}", begin - length_bytes(begin)), problem));
    };
    let opened = text.iter().filter(|byte| b"([{".contains(byte)).count();
    let digits = text.split(|byte| !byte.is_ascii_digit()).filter(|run| !run.is_empty());
    let size = digits.map(parsed).try_fold(1_u64, |size, x| size.checked_mul(x?.max(1)));
    if opened > 16 || size.is_none() {
        let problem =
            "lengths beyond any memory, or a structured type; a plain array of numbers is wanted";
        return Err(fault(path, "header", problem));
    }
    Ok((begin + length) as u64)
}

/// The text of the header, if it lies within what was read.
fn begin_text(head: &[u8], begin: usize, length: usize) -> Option<&[u8]> {
    head.get(begin..begin.checked_add(length)?)
}

/// Bytes of the field that holds the header's length, which ends where the text begins.
fn length_bytes(begin: usize) -> usize {
    begin - 8
}

fn parsed(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// n and d of an array with one or two axes.
fn axes(path: &Path, shape: &[u64]) -> Result<(usize, usize)> {
    let (n, d) = match *shape {
        [n] => (n, 1),
        [n, d] => (n, d),
        _ => {
            let problem =
                format!("an array of shape {shape:?}; one or two axes are wanted, reshape it");
            return Err(fault(path, "header", problem));
        }
    };
    match (usize::try_from(n), usize::try_from(d)) {
        (Ok(n), Ok(d)) if n > 0 && d > 0 => Ok((n, d)),
        _ => Err(fault(
            path,
            "header",
            format!("an array of shape {shape:?}; at least one entry is wanted"),
        )),
    }
}

/// All entries in the order of the file.
fn numbers<R: Read>(path: &Path, npy: NpyFile<R>) -> Result<Vec<f64>> {
    let dtype = npy.dtype();
    let kind = match &dtype {
        DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
        _ => None,
    };
    match kind {
        Some((TypeChar::Float, 8)) => entries(path, npy, |x: f64| x),
        Some((TypeChar::Float, 4)) => entries(path, npy, |x: f32| f64::from(x)),
        Some((TypeChar::Int, 8)) => entries(path, npy, |x: i64| x as f64),
        Some((TypeChar::Int, 4)) => entries(path, npy, |x: i32| f64::from(x)),
        Some((TypeChar::Int, 2)) => entries(path, npy, |x: i16| f64::from(x)),
        Some((TypeChar::Int, 1)) => entries(path, npy, |x: i8| f64::from(x)),
        Some((TypeChar::Uint, 8)) => entries(path, npy, |x: u64| x as f64),
        Some((TypeChar::Uint, 4)) => entries(path, npy, |x: u32| f64::from(x)),
        Some((TypeChar::Uint, 2)) => entries(path, npy, |x: u16| f64::from(x)),
        Some((TypeChar::Uint, 1)) => entries(path, npy, |x: u8| f64::from(x)),
        Some((TypeChar::Bool, 1)) => entries(path, npy, |x: bool| f64::from(u8::from(x))),
        _ => {
            let problem = format!(
                "entries of type {}; save real numbers: array.astype(numpy.float64)",
                dtype.descr()
            );
            Err(fault(path, "header", problem))
        }
    }
}

fn entries<T: Deserialize, R: Read>(
    path: &Path,
    npy: NpyFile<R>,
    convert: impl Fn(T) -> f64,
) -> Result<Vec<f64>> {
    let items = npy.data::<T>().map_err(|e| fault(path, "header", e.to_string()))?;
    items.map(|item| item.map(&convert)).collect::<std::io::Result<_>>().map_err(|e| {
        match e.kind() {
            std::io::ErrorKind::InvalidData => fault(path, "data", e.to_string()),
            _ => io(path, "read", e),
        }
    })
}
