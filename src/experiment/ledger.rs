//! Runs written down as they finish, so that a killed experiment goes on where it was.
//!
//! Beside the table to be made lies a hidden file, `.NAME-SIZE-KEY.runs`, whose key stands for the experiment's notes and
//! columns: other settings have another file. Every finished run appends its rows, in one write, each after the run's
//! number and its number of rows; a line cut short, and a run with lines missing, count for nothing and are done again.
//! The finished table holds the runs in order, and its bytes do not depend on when they were done.

use super::plan::{Desk, Experiment, Rows};
use super::table::{Table, number, parse};
use crate::{Result, files, threads};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Hears how an experiment gets on.
pub trait Progress: Sync {
    /// `done` of `runs` were found finished.
    fn begin(&self, runs: usize, done: usize);
    /// A run goes on: `part` of it is done.
    fn advance(&self, run: usize, part: f64);
    /// A run has finished.
    fn finish(&self, run: usize, label: &str);
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: usize, _: usize) {}
    fn advance(&self, _: usize, _: f64) {}
    fn finish(&self, _: usize, _: &str) {}
}

/// Does the runs that are not written down yet, shared out among the cores, and gives the whole table; `path` is where
/// it will be kept: finished runs are noted beside it.
///
/// # Errors
/// The error of the first run that fails, once the others are done and written down; [`Error::Io`](crate::Error::Io) where
/// they cannot be.
pub fn carry_out(
    experiment: &dyn Experiment,
    path: &Path,
    progress: &dyn Progress,
) -> Result<Table> {
    let mut table = experiment.blank();
    let ledger = Ledger::beside(path, &table)?;
    let runs = experiment.runs();
    let found = ledger.read(table.columns().len(), runs)?;
    progress.begin(runs, found.len());
    let done = Mutex::new(found);
    let failed = Mutex::new(BTreeMap::new());
    let missing: Vec<usize> = {
        let done = done.lock().unwrap_or_else(PoisonError::into_inner);
        (0..runs).filter(|run| !done.contains_key(run)).collect()
    };
    threads::share(f64::INFINITY, missing.into_iter(), |run| {
        let scratch = ledger.scratch(run);
        let tell = |part: f64| progress.advance(run, part);
        let outcome = experiment.run(run, &Desk { scratch: &scratch, tell: &tell });
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |rows: Rows| {
            // Rows that do not fit the table are found now, not when all is done.
            let mut whole = experiment.blank();
            rows.iter().try_for_each(|row| whole.push(row)).map(|()| rows)
        };
        let kept = outcome.and_then(fits);
        match kept.and_then(|rows| ledger.append(run, &rows).map(|()| rows)) {
            Ok(rows) => {
                // What was kept on the way to it has served.
                let _ = std::fs::remove_file(&scratch);
                done.insert(run, rows);
                progress.finish(run, &experiment.label(run));
            }
            Err(e) => {
                failed.lock().unwrap_or_else(PoisonError::into_inner).insert(run, e);
            }
        }
    });
    if let Some((_, e)) = failed.into_inner().unwrap_or_else(PoisonError::into_inner).pop_first() {
        return Err(e);
    }
    for row in done.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().flatten() {
        table.push(&row)?;
    }
    Ok(table)
}

/// Writes the finished table, then forgets the runs noted on the way to it.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io) naming the file.
pub fn keep(table: &Table, path: &Path) -> Result<()> {
    table.write(path)?;
    let ledger = Ledger::beside(path, table)?;
    // Left lying, it would only be read again.
    let _ = std::fs::remove_file(&ledger.0);
    Ok(())
}

/// The file of finished runs.
struct Ledger(PathBuf);

impl Ledger {
    fn beside(path: &Path, table: &Table) -> Result<Self> {
        let (stem, size) =
            (path.file_stem().unwrap_or_default(), table.noted("size").unwrap_or(""));
        let name = format!(".{}-{size}-{:016x}.runs", stem.to_string_lossy(), key(table));
        let folder = files::folder_of(path);
        std::fs::create_dir_all(&folder).map_err(files::failed(&folder, "create"))?;
        Ok(Ledger(folder.join(name)))
    }

    fn scratch(&self, run: usize) -> PathBuf {
        self.0.with_extension(format!("run-{run}.npy"))
    }

    /// The rows of complete runs.
    fn read(&self, columns: usize, runs: usize) -> Result<BTreeMap<usize, Rows>> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(e) => return Err(files::failed(&self.0, "read")(e)),
        };
        let mut found: BTreeMap<usize, (usize, Rows)> = BTreeMap::new();
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            let mut fields = line.split(',');
            let mut whole = || fields.next().and_then(|field| field.parse::<usize>().ok());
            let (Some(run), Some(rows)) = (whole(), whole()) else { continue };
            let values: Option<Vec<f64>> = fields.map(parse).collect();
            let Some(values) = values.filter(|values| values.len() == columns && run < runs) else {
                continue;
            };
            let entry = found.entry(run).or_insert((rows, Rows::new()));
            // Two processes may have done the same run: its rows are the same.
            if entry.1.len() < rows {
                entry.1.push(values);
            }
        }
        let complete = found.into_iter().filter(|(_, (rows, values))| values.len() == *rows);
        Ok(complete.map(|(run, (_, values))| (run, values)).collect())
    }

    fn append(&self, run: usize, rows: &Rows) -> Result<()> {
        let line = |row: &Vec<f64>| {
            let values: Vec<String> = row.iter().map(|v| number(*v)).collect();
            format!("{run},{},{}\n", rows.len(), values.join(","))
        };
        let text: String = rows.iter().map(line).collect();
        let failed = |e| files::failed(&self.0, "write")(e);
        let options = std::fs::OpenOptions::new().create(true).append(true).open(&self.0);
        let mut file = options.map_err(failed)?;
        // A line that was cut short before must not run into this one.
        let begun = std::fs::read(&self.0).map_err(failed)?;
        let gap = if begun.last().is_none_or(|b| *b == b'\n') { "" } else { "\n" };
        file.write_all(format!("{gap}{text}").as_bytes()).map_err(failed)?;
        file.sync_data().map_err(failed)
    }
}

/// FNV-1a over the notes and the heads of columns.
fn key(table: &Table) -> u64 {
    let heads = table.columns().iter().map(|c| format!("{} [{}]", c.name, c.unit));
    let text = table.notes().iter().map(|(k, v)| format!("{k}: {v}")).chain(heads);
    text.flat_map(|line| line.into_bytes().into_iter().chain([b'\n']))
        .fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// Whether `table` is the finished table of that experiment: the same notes and columns. Where data are needed and none
/// are given, any data will do.
pub fn is_table_of(table: &Table, experiment: &dyn Experiment) -> bool {
    let wanted = experiment.blank();
    let heads = |t: &Table| {
        t.columns().iter().map(|c| (c.name.clone(), c.unit.clone())).collect::<Vec<_>>()
    };
    let given = wanted.noted("data").is_some();
    let notes = |t: &Table| {
        let all = t.notes().iter().filter(|(key, _)| given || key != "data");
        all.cloned().collect::<Vec<_>>()
    };
    notes(table) == notes(&wanted) && heads(table) == heads(&wanted)
}
