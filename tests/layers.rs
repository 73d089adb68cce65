//! Dependencies flow one way: no file names a layer above its own, and foreign crates stay in their rooms.

use std::fs;
use std::path::{Path, PathBuf};

/// The house from the ground up. Modules of one storey may name each other, but for `model` and `loss`.
const STOREYS: [(&str, usize); 18] = [
    ("error", 0),
    ("files", 0),
    ("random", 0),
    ("linalg", 0),
    ("scalar", 0),
    ("threads", 0),
    ("device", 0),
    ("data", 1),
    ("model", 2),
    ("loss", 2),
    ("flow", 3),
    ("solve", 4),
    ("constants", 5),
    ("theory", 6),
    ("experiment", 7),
    ("figure", 8),
    ("cli", 9),
    ("main", 10),
];

/// A foreign crate, and the only places that may name it.
const ROOMS: [(&str, &[&str]); 8] = [
    ("diffsol", &["src/solve/ode/"]),
    ("faer", &["src/linalg.rs", "src/solve/ode/"]),
    ("pulp", &["src/linalg.rs"]),
    ("rayon", &["src/threads.rs"]),
    ("cust", &["src/device/cuda/"]),
    ("plotters", &["src/figure/"]),
    ("clap", &["src/cli/", "src/main.rs"]),
    ("indicatif", &["src/cli/"]),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("src").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Each file of `src`, by its path from the root, with its code lines (comments left out).
fn files() -> Vec<(String, Vec<String>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    sources(&root.join("src"), &mut paths);
    assert!(paths.len() > 30, "found {} files", paths.len());
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(root).expect("inside").to_string_lossy().replace('\\', "/");
        let text = fs::read_to_string(path).expect("a source file");
        let lines = text.lines().filter(|l| !l.trim_start().starts_with("//"));
        (name, lines.map(String::from).collect())
    };
    paths.iter().map(read).collect()
}

fn storey(module: &str) -> Option<usize> {
    STOREYS.iter().find(|(name, _)| *name == module).map(|(_, storey)| *storey)
}

/// The top module a file belongs to: `src/solve/gap.rs` to `solve`.
fn module(file: &str) -> &str {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').next().unwrap_or(inside)
}

/// Modules named by `crate::…` on a line, `use crate::{a, b::c}` included.
fn named(line: &str) -> Vec<String> {
    let word = |text: &str| {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let mut found = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 0;
                let mut part = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => found.push(word(std::mem::take(&mut part).trim())),
                        _ => part.push(c),
                    }
                }
                found.push(word(part.trim()));
            }
            None => found.push(word(rest)),
        }
    }
    found
}

#[test]
fn no_file_names_a_layer_above_its_own() {
    let mut checked = 0;
    for (file, lines) in files() {
        let Some(own) = storey(module(&file)) else {
            assert_eq!(file, "src/lib.rs", "a file outside the house");
            continue;
        };
        for (line, target) in lines.iter().flat_map(|l| named(l).into_iter().map(move |t| (l, t))) {
            let Some(other) = storey(&target) else { continue };
            checked += 1;
            assert!(other <= own, "{file} (layer {own}) names {target} (layer {other}): {line}");
            let strangers = [module(&file), target.as_str()];
            assert!(
                !(strangers.contains(&"model") && strangers.contains(&"loss")),
                "{file}: {line}"
            );
        }
    }
    assert!(checked > 60, "only {checked} references seen: the test has lost its eyes");
}

#[test]
fn the_test_sees_references() {
    assert_eq!(named("use crate::{Error, flow::Path, loss::{A, B}};"), ["Error", "flow", "loss"]);
    assert_eq!(named("    crate::solve::no_modes()"), ["solve"]);
}

#[test]
fn foreign_crates_stay_in_their_rooms() {
    for (file, lines) in files() {
        for (foreign, rooms) in ROOMS {
            let named = lines.iter().find(|line| {
                line.match_indices(foreign).any(|(at, _)| {
                    let before = line[..at].chars().next_back();
                    let after = line[at + foreign.len()..].starts_with("::");
                    after && !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            });
            let allowed = rooms.iter().any(|room| file.starts_with(room));
            assert!(named.is_none() || allowed, "{file} names {foreign}: {named:?}");
        }
    }
}

#[test]
fn no_file_is_longer_than_its_idea() {
    for (file, _) in files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let lines = fs::read_to_string(path).expect("a source file").lines().count();
        assert!(lines <= 400, "{file} has {lines} lines: find the second idea");
    }
}
