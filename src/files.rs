//! Writing files whole or not at all.

use crate::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// `source` at `path`, while trying to do `action`.
pub(crate) fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, action, source }
}

/// Writes `bytes` to `path`, as [`replace`] does.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    replace(path, |temporary| fs::write(temporary, bytes).map_err(failed(path, "write")))
}

/// Fills `path`, whose folder is created, by `fill`: into a temporary file beside it, flushed to the disk, then
/// renamed, so that whatever happens the final name holds the old content or the new one.
pub(crate) fn replace(path: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    refuse_special(path)?;
    let folder = folder_of(path);
    fs::create_dir_all(&folder).map_err(failed(&folder, "create"))?;
    let temporary = temporary_beside(path)?;
    let filled = fs::File::create(&temporary)
        .map_err(failed(path, "write"))
        .and_then(|_| fill(&temporary))
        .and_then(|()| settle(&temporary, path).map_err(failed(path, "write")));
    if filled.is_err() {
        // Nothing more can be done where even this fails.
        let _ = fs::remove_file(&temporary);
    }
    filled?;
    // The new name itself must survive a power cut; not every file system allows to ask for it.
    if let Ok(folder) = fs::File::open(&folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Renaming would replace a device, a pipe or an empty folder itself: only what is no file yet, or a regular one, is
/// written to.
pub(crate) fn refuse_special(path: &Path) -> Result<()> {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => {
            let what = if meta.is_dir() { "a folder" } else { "a device or pipe" };
            let problem = format!("the name belongs to {what}; give the name of a file");
            Err(failed(path, "write")(io::Error::new(io::ErrorKind::InvalidInput, problem)))
        }
        _ => Ok(()),
    }
}

fn settle(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).open(temporary)?.sync_all()?;
    fs::rename(temporary, path)
}

/// The folder that holds `path`, `.` for a bare name.
pub(crate) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// `.PID.partial.name`, hidden beside `path` and of the same ending: two processes do not share it.
fn temporary_beside(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| Error::Io {
        path: path.to_path_buf(),
        action: "write",
        source: io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"),
    })?;
    let mut temporary = std::ffi::OsString::from(format!(".{}.partial.", std::process::id()));
    temporary.push(name);
    Ok(path.with_file_name(temporary))
}
