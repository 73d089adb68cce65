//! Tables of text with named columns.
//!
//! The first line names the columns; `,`, `;` or tab separates (whichever the first line holds most of); a byte order
//! mark and CRLF are accepted, quotes as in RFC 4180. Each cell used must be a finite number: nothing is filled in or
//! skipped in silence.

use super::files::{fault, io, regular};
use super::{Dataset, matrix_size};
use crate::{Error, Result};
use csv::{ByteRecord, Reader, ReaderBuilder};
use nalgebra::DMatrix;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

/// The largest file read, 2 GiB.
const LIMIT: u64 = 2 << 30;

/// The longest first line looked at to find the separator, 1 MiB.
const FIRST_LINE: u64 = 1 << 20;

/// A sample per line, with the columns `targets` to predict, from the columns `inputs` or from all others.
///
/// # Errors
/// [`Error::Data`] names line and column of a cell that is not a finite number, a line with too few or too many
/// cells, a missing header, a column name met twice, a file without lines; [`Error::Unknown`] a column that the
/// header lacks; [`Error::Conflict`] a column that is both input and target; [`Error::TooLarge`] a file or a table beyond 2 GiB.
pub fn read(path: &Path, targets: &[String], inputs: Option<&[String]>) -> Result<Dataset> {
    let mut table = Table::open(path)?;
    let chosen = table.choose(targets, inputs)?;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while table.next(&mut record)? {
        matrix_size("the table", chosen.inputs.len(), y.len() / chosen.targets.len())?;
        for column in &chosen.inputs {
            x.push(table.number(&record, *column, false)?);
        }
        for column in &chosen.targets {
            y.push(table.number(&record, *column, true)?);
        }
    }
    let n = y.len() / chosen.targets.len();
    if n == 0 {
        return Err(fault(path, "line 2", "no samples below the header; at least one is wanted"));
    }
    let inputs = DMatrix::from_vec(chosen.inputs.len(), n, x);
    let names = |columns: &[usize]| columns.iter().map(|c| table.header[*c].clone()).collect();
    let source = format!("{}, {n} samples", path.display());
    Dataset::new(inputs, DMatrix::from_vec(chosen.targets.len(), n, y), source)?
        .named(names(&chosen.inputs), names(&chosen.targets))
}

/// A file past its header.
struct Table<'a> {
    path: &'a Path,
    header: Vec<String>,
    reader: Reader<BufReader<File>>,
}

/// Which columns are which, by place.
struct Chosen {
    inputs: Vec<usize>,
    targets: Vec<usize>,
}

impl<'a> Table<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let (file, _) = regular(path, LIMIT)?;
        let mut file = BufReader::new(file);
        let separator = separator(path, &mut file)?;
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .trim(csv::Trim::All)
            .delimiter(separator)
            .from_reader(file);
        let mut first = ByteRecord::new();
        if !reader.read_byte_record(&mut first).map_err(|e| unreadable(path, e))? {
            return Err(fault(
                path,
                "line 1",
                "the file is empty; a line of column names is wanted",
            ));
        }
        Ok(Table { path, header: header(path, &first)?, reader })
    }

    fn choose(&self, targets: &[String], inputs: Option<&[String]>) -> Result<Chosen> {
        if targets.is_empty() {
            let wanted = format!("at least one of {}", self.header.join(", "));
            return Err(Error::value("target columns", "none", wanted));
        }
        let find = |name: &String| {
            self.header.iter().position(|known| known == name).ok_or_else(|| {
                Error::unknown("column", name, self.header.iter().map(String::as_str))
            })
        };
        let targets = targets.iter().map(find).collect::<Result<Vec<_>>>()?;
        let inputs = match inputs {
            Some(names) => names.iter().map(find).collect::<Result<Vec<_>>>()?,
            None => (0..self.header.len()).filter(|c| !targets.contains(c)).collect(),
        };
        let mut seen = HashSet::new();
        if let Some(twice) = targets.iter().chain(&inputs).find(|column| !seen.insert(**column)) {
            return Err(Error::Conflict {
                found: format!("column `{}` is asked for twice", self.header[*twice]),
                remedy: "name each column once, as input or as target".into(),
            });
        }
        if inputs.is_empty() {
            return Err(Error::value("input columns", "none", "at least one beside the targets"));
        }
        Ok(Chosen { inputs, targets })
    }

    /// The next line, of as many cells as the header; false at the end.
    fn next(&mut self, record: &mut ByteRecord) -> Result<bool> {
        let more = self.reader.read_byte_record(record).map_err(|e| unreadable(self.path, e))?;
        if more && record.len() != self.header.len() {
            let problem = format!(
                "{} cells where the header has {}; complete the line, or quote cells that hold the separator",
                record.len(),
                self.header.len()
            );
            return Err(fault(self.path, format!("line {}", line(self.path, record)), problem));
        }
        Ok(more)
    }

    fn number(&self, record: &ByteRecord, column: usize, target: bool) -> Result<f64> {
        let cell = record.get(column).unwrap_or_default();
        let number = std::str::from_utf8(cell).ok().and_then(|text| text.parse::<f64>().ok());
        match number {
            Some(x) if x.is_finite() => Ok(x),
            _ => {
                let place =
                    format!("line {}, column `{}`", line(self.path, record), self.header[column]);
                Err(fault(self.path, place, problem(cell, number, target)))
            }
        }
    }
}

/// Why a cell is not a finite number, and what to do.
fn problem(cell: &[u8], number: Option<f64>, target: bool) -> String {
    let text = shortened(cell);
    if cell.is_empty() {
        return "the cell is empty; fill it in or leave the line out".into();
    }
    if number.is_some() {
        return format!("`{text}` is not a finite double; correct it or leave the line out");
    }
    if text.replacen(',', ".", 1).parse::<f64>().is_ok() {
        return format!("`{text}` has a decimal comma; write a point");
    }
    if target {
        return format!(
            "label `{text}` is text; recode labels as numbers: −1 and 1 for the logistic loss, 0, 1, 2… for \
             cross-entropy"
        );
    }
    format!(
        "`{text}` is not a number; correct it, leave the line out, or choose other input columns"
    )
}

/// The column names: not empty, none twice, not all numbers.
fn header(path: &Path, first: &ByteRecord) -> Result<Vec<String>> {
    let number = |cell: &[u8]| std::str::from_utf8(cell).is_ok_and(|c| c.parse::<f64>().is_ok());
    let refuse = |problem: String| Err(fault(path, "line 1", problem));
    if first.iter().all(number) {
        let cells: Vec<String> = first.iter().take(3).map(shortened).collect();
        return refuse(format!(
            "the first line holds numbers ({}…), but must name the columns; add a header line",
            cells.join(", ")
        ));
    }
    let mut names = Vec::with_capacity(first.len());
    let mut seen = HashSet::new();
    for (i, cell) in first.iter().enumerate() {
        let Ok(name) = std::str::from_utf8(cell) else {
            return refuse(format!(
                "the name of column {} is not UTF-8; save the file as UTF-8",
                i + 1
            ));
        };
        if name.is_empty() {
            return refuse(format!("column {} has no name; give it one", i + 1));
        }
        if !seen.insert(name) {
            return refuse(format!("two columns are named `{name}`; rename one"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}

/// The separator that the first line holds most of, quoted ones aside; the file is rewound.
fn separator(path: &Path, file: &mut BufReader<File>) -> Result<u8> {
    let mut first = Vec::new();
    file.take(FIRST_LINE).read_until(b'\n', &mut first).map_err(|e| io(path, "read", e))?;
    file.rewind().map_err(|e| io(path, "read", e))?;
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for byte in first {
        quoted ^= byte == b'"';
        for (separator, count) in &mut counts {
            *count += usize::from(!quoted && byte == *separator);
        }
    }
    let most = counts.iter().rev().max_by_key(|(_, count)| *count);
    Ok(most.map_or(b',', |(separator, _)| *separator))
}

/// The line of the file on which a record begins, from 1. Counted anew, since the reader's own count is taken before
/// the line ends and empty lines that precede the record.
fn line(path: &Path, record: &ByteRecord) -> u64 {
    let Some(begin) = record.position().map(csv::Position::byte) else { return 0 };
    let Ok(file) = File::open(path) else { return 0 };
    let (mut line, mut previous) = (1, 0);
    for (at, byte) in (0_u64..).zip(BufReader::new(file).bytes()) {
        match byte {
            Ok(b'\r') => line += 1,
            Ok(b'\n') => line += u64::from(previous != b'\r'),
            Ok(_) if at < begin => {}
            _ => break,
        }
        previous = byte.unwrap_or(0);
    }
    line
}

/// A cell for a message, at most 40 characters of it.
fn shortened(cell: &[u8]) -> String {
    let text = String::from_utf8_lossy(cell);
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

fn unreadable(path: &Path, error: csv::Error) -> Error {
    let place = error.position().map_or("file".into(), |p| format!("line {}", p.line()));
    match error.into_kind() {
        csv::ErrorKind::Io(source) => io(path, "read", source),
        kind => fault(path, place, format!("{kind:?}")),
    }
}
