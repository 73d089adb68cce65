//! Running the command as a user does: in an empty folder, with a time limit.
#![allow(dead_code, reason = "each test binary uses its part")]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;

/// An empty folder in which the command runs.
pub(crate) struct Folder(TempDir);

/// What one run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) talk: String,
    pub(crate) line: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(TempDir::new().expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).expect("a file in the temporary folder");
        self
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Files and folders directly inside, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("the temporary folder");
        let mut names: Vec<String> =
            entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into()).collect();
        names.sort();
        names
    }

    /// `gradflow` with these arguments here, at most `seconds` long.
    pub(crate) fn run_within(&self, seconds: u64, args: &[&str]) -> Ran {
        let output = assert_cmd::Command::cargo_bin("gradflow")
            .expect("the command")
            .current_dir(self.0.path())
            .timeout(Duration::from_secs(seconds))
            .args(args)
            .output()
            .expect("the command ran");
        let line: String = args.join(" ").chars().take(200).collect();
        let code = output.status.code();
        Ran {
            code: code
                .unwrap_or_else(|| panic!("gradflow {line}: no exit code within {seconds} s")),
            out: String::from_utf8(output.stdout).expect("UTF-8 on standard output"),
            talk: String::from_utf8(output.stderr).expect("UTF-8 on standard error"),
            line,
        }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.run_within(60, args)
    }

    /// A line as one types it; words with spaces in single quotes.
    pub(crate) fn line(&self, line: &str) -> Ran {
        self.run(&words(line).iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// The words of a line, as a shell splits it; only single quotes are known.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (i, part) in line.split('\'').enumerate() {
        if i % 2 == 1 {
            words.push(part.to_string());
        } else {
            words.extend(part.split_whitespace().map(String::from));
        }
    }
    words
}

impl Ran {
    /// Exit 0, or the reason why not.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.code, 0, "gradflow {}\n{}{}", self.line, self.talk, self.out);
        self
    }

    /// Standard output as JSON. The parser knows neither NaN nor Infinity.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{}: {e}\n{}", self.line, self.out))
    }
}

/// A number inside JSON, by path: `runs/0/gap/w_sup`.
#[track_caller]
pub(crate) fn at(value: &Value, path: &str) -> f64 {
    let found = value.pointer(&format!("/{path}")).unwrap_or_else(|| panic!("no {path}: {value}"));
    found.as_f64().unwrap_or_else(|| panic!("{path} is {found}, no number"))
}

/// |a − b| ≤ `relative` · |b|.
#[track_caller]
pub(crate) fn near(what: &str, a: f64, b: f64, relative: f64) {
    assert!((a - b).abs() <= relative * b.abs(), "{what}: {a:e}, wanted {b:e} to {relative:e}");
}

/// The data of the project's machines, where they are: `GRADFLOW_DATA`, or shared/data beside the repository.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("GRADFLOW_DATA").map_or(beside, PathBuf::from);
    Some(folder.join(name)).filter(|path| path.is_file())
}
