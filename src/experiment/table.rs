//! Tables of numbers: columns with name and unit, notes on how they were made; CSV in and out.
//!
//! ```text
//! # model: two-layer, width 64
//! # seed: 0
//! alpha,w_gap,seconds [s]
//! 1.0,0.021,0.5
//! inf,,0.7
//! ```
//!
//! Numbers are written with the fewest digits that read back as the same number; infinity is `inf`, a missing value
//! an empty field (NaN in memory).

use crate::{Error, Result, files};
use std::path::Path;

/// One quantity, a value for every row.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, by which figures find it.
    pub name: String,
    /// Its unit, empty for pure numbers.
    pub unit: String,
    /// Its values; NaN where missing.
    pub values: Vec<f64>,
}

/// Columns of equal length under notes `key: value`.
///
/// ```
/// use gradflow::experiment::Table;
/// let mut table = Table::new(&[("alpha", ""), ("time", "s")]).note("seed", 7);
/// table.push(&[f64::INFINITY, 0.1]).unwrap();
/// assert_eq!(table.to_csv(), "# seed: 7\nalpha,time [s]\ninf,0.1\n");
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    notes: Vec<(String, String)>,
    columns: Vec<Column>,
}

impl Table {
    /// A table without rows; each column is a name and a unit.
    pub fn new(columns: &[(&str, &str)]) -> Self {
        let column = |(name, unit): &(&str, &str)| Column {
            name: (*name).into(),
            unit: (*unit).into(),
            values: Vec::new(),
        };
        Table { notes: Vec::new(), columns: columns.iter().map(column).collect() }
    }

    /// The table with one more note; line breaks become spaces.
    #[must_use]
    pub fn note(mut self, key: &str, value: impl ToString) -> Self {
        let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.notes.push((line(&key.replace(':', " ")), line(&value.to_string())));
        self
    }

    /// Appends one value per column, NaN for a missing one.
    ///
    /// # Errors
    /// [`Error::Shape`] where `row` is not as long as there are columns.
    pub fn push(&mut self, row: &[f64]) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::Shape {
                what: "row of a table".into(),
                found: format!("{} values", row.len()),
                wanted: format!("{}, one per column", self.columns.len()),
                remedy: "give NaN for missing values",
            });
        }
        for (column, &value) in self.columns.iter_mut().zip(row) {
            column.values.push(value);
        }
        Ok(())
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, |column| column.values.len())
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows, in order.
    pub fn rows(&self) -> Vec<Vec<f64>> {
        let row = |i: usize| self.columns.iter().map(|column| column.values[i]).collect();
        (0..self.len()).map(row).collect()
    }

    /// The columns, in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The notes, in order.
    pub fn notes(&self) -> &[(String, String)] {
        &self.notes
    }

    /// The value of the note `key`.
    pub fn noted(&self, key: &str) -> Option<&str> {
        self.notes.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }

    /// The values of the column `name`.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is no such column.
    pub fn column(&self, name: &str) -> Result<&[f64]> {
        let found = self.columns.iter().find(|column| column.name == name);
        found.map(|column| column.values.as_slice()).ok_or_else(|| {
            Error::unknown("column", name, self.columns.iter().map(|column| column.name.as_str()))
        })
    }

    /// The different values of the column `name`, ascending, without missing ones.
    ///
    /// # Errors
    /// [`Error::Unknown`] where there is no such column.
    pub(crate) fn distinct(&self, name: &str) -> Result<Vec<f64>> {
        let mut values: Vec<f64> =
            self.column(name)?.iter().copied().filter(|v| !v.is_nan()).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        Ok(values)
    }

    /// The table as CSV, notes first.
    pub fn to_csv(&self) -> String {
        let mut text = String::new();
        for (key, value) in &self.notes {
            text += &format!("# {key}: {value}\n");
        }
        let heads = self.columns.iter().map(|column| match column.unit.as_str() {
            "" => column.name.clone(),
            unit => format!("{} [{unit}]", column.name),
        });
        push_record(&mut text, heads);
        for row in 0..self.len() {
            push_record(&mut text, self.columns.iter().map(|column| number(column.values[row])));
        }
        text
    }

    /// Reads what [`to_csv`](Table::to_csv) writes; `path` is named in errors. Windows line ends and a byte order
    /// mark are accepted.
    ///
    /// # Errors
    /// [`Error::Data`] with the line of a field that is not a number or of a row of the wrong length.
    pub fn from_csv(text: &str, path: &Path) -> Result<Self> {
        let text = text.trim_start_matches('\u{feff}');
        let mut table = Table::default();
        let lines = text.lines().take_while(|line| line.starts_with('#'));
        for (key, value) in lines.filter_map(|line| line[1..].split_once(':')) {
            table.notes.push((key.trim().into(), value.trim().into()));
        }
        let mut reader = csv::ReaderBuilder::new()
            .comment(Some(b'#'))
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let heads = match records.next() {
            None => return Err(unusable(path, "line 1", "no header row: the file is empty")),
            Some(record) => record.map_err(|error| unreadable(path, &error))?,
        };
        table.columns = heads.iter().map(head).collect();
        for record in records {
            let record = record.map_err(|error| unreadable(path, &error))?;
            let line = record.position().map_or(0, csv::Position::line);
            for (column, field) in table.columns.iter_mut().zip(record.iter()) {
                let value = parse(field).ok_or_else(|| {
                    let place = format!("line {line}, column `{}`", column.name);
                    unusable(path, &place, &format!("found `{field}`, wanted a number"))
                })?;
                column.values.push(value);
            }
        }
        Ok(table)
    }

    /// Writes the table as CSV, whole or not at all; the folder is created.
    ///
    /// # Errors
    /// [`Error::Io`] naming the file.
    pub fn write(&self, path: &Path) -> Result<()> {
        files::write_whole(path, self.to_csv().as_bytes())
    }

    /// Reads a table from a CSV file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be read, [`Error::Data`] where it is not a table.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(files::failed(path, "read"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let place = format!("byte {}", error.utf8_error().valid_up_to());
            unusable(path, &place, "not UTF-8 text; wanted CSV")
        })?;
        Table::from_csv(&text, path)
    }
}

/// The shortest text that reads back as `value`; empty for NaN.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() { String::new() } else { format!("{value:?}") }
}

pub(super) fn parse(field: &str) -> Option<f64> {
    let field = field.trim();
    if field.is_empty() { Some(f64::NAN) } else { field.parse().ok() }
}

/// A header field `name [unit]`.
fn head(field: &str) -> Column {
    let field = field.trim();
    let (name, unit) = match field.strip_suffix(']').and_then(|field| field.rsplit_once(" [")) {
        Some((name, unit)) => (name, unit),
        None => (field, ""),
    };
    Column { name: name.into(), unit: unit.into(), values: Vec::new() }
}

/// Appends one CSV record; fields that hold separators, and a lone empty one, are quoted.
fn push_record(text: &mut String, fields: impl Iterator<Item = String>) {
    let fields: Vec<String> = fields.collect();
    let lone = fields.len() == 1;
    let quoted = fields.into_iter().map(|field| {
        let special = field.contains([',', '"', '\n', '\r']) || field.starts_with('#');
        if special || (lone && field.is_empty()) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    });
    *text += &quoted.collect::<Vec<_>>().join(",");
    text.push('\n');
}

fn unusable(path: &Path, place: &str, problem: &str) -> Error {
    Error::Data { path: path.into(), place: place.into(), problem: problem.into() }
}

fn unreadable(path: &Path, error: &csv::Error) -> Error {
    let line = error.position().map_or(0, csv::Position::line);
    unusable(path, &format!("line {line}"), &error.to_string())
}
