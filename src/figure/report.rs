//! `gradflow report`: one page of HTML that holds every picture of a folder, what it shows, and the paper's numbers beside
//! ours. It needs nothing else: pictures are part of it, and it adapts to narrow screens and to dark ones.

use super::gallery::{EXHIBITS, Exhibit};
use super::style::number_label;
use crate::experiment::{Check, Order, Size, Table};
use crate::{Result, files};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A picture with its numbers and what they are held against.
struct Shown {
    /// Its anchor on the page.
    id: String,
    title: String,
    words: String,
    command: String,
    svg: String,
    notes: Vec<(String, String)>,
    checks: Vec<Check>,
}

/// The page over the pictures in `folder`: exhibits in their order, then what else lies there.
///
/// # Errors
/// A folder or a file in it that cannot be read, numbers that do not belong to their picture.
pub fn html(folder: &Path) -> Result<String> {
    let mut shown = Vec::new();
    let mut missing = Vec::new();
    let mut known = Vec::new();
    for exhibit in EXHIBITS {
        let before = shown.len();
        for size in [Size::Standard, Size::Full, Size::Quick] {
            let picture = exhibit.path(folder, size);
            if picture.exists() {
                shown.push(exhibit_shown(exhibit, size, &picture)?);
            }
            known.push(picture);
        }
        if shown.len() == before {
            missing.push(exhibit);
        }
    }
    for picture in pictures(folder)?.into_iter().filter(|picture| !known.contains(picture)) {
        shown.push(other_shown(&picture)?);
    }
    Ok(page(folder, &shown, &missing))
}

fn exhibit_shown(exhibit: &Exhibit, size: Size, picture: &Path) -> Result<Shown> {
    let folder = picture.parent().unwrap_or(Path::new("."));
    let table = Table::read(&exhibit.numbers_path(folder, size))?;
    let order = Order { size, ..Order::default() };
    let checks = exhibit.experiment(&order)?.checks(&table)?;
    let option = if size == Size::Standard { String::new() } else { format!(" --{}", size.name()) };
    Ok(Shown {
        id: stem(picture),
        title: format!("{}: {}", stem(picture), exhibit.source),
        words: capital(exhibit.shows),
        command: format!("gradflow figure {}{option}", exhibit.name),
        svg: read(picture)?,
        notes: table.notes().to_vec(),
        checks,
    })
}

fn other_shown(picture: &Path) -> Result<Shown> {
    let numbers = picture.with_extension("csv");
    let table = if numbers.exists() { Table::read(&numbers)? } else { Table::default() };
    Ok(Shown {
        id: stem(picture),
        title: stem(picture),
        words: String::new(),
        command: String::new(),
        svg: read(picture)?,
        notes: table.notes().to_vec(),
        checks: Vec::new(),
    })
}

/// All SVG files of a folder, by name.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(files::failed(folder, "read"))?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "svg"))
        .collect();
    found.sort();
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(files::failed(path, "read"))
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// With a capital letter; symbols stay as they are.
fn capital(text: &str) -> String {
    let mut text = text.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// Text as HTML.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `2.6 to 3.6`, `≥ 15`, `0 to 0.15`.
pub fn band(check: &Check) -> String {
    let (low, high) = check.allowed;
    let label = |end: f64| if end == 0.0 { "0".into() } else { number_label(end) };
    if high.is_finite() {
        format!("{} to {}", label(low), label(high))
    } else {
        format!("≥ {}", label(low))
    }
}

/// The cells of a check: quantity, ours, the paper's, allowed, verdict.
pub fn cells(check: &Check) -> [String; 5] {
    let paper = check.paper.map_or_else(|| "–".into(), number_label);
    [check.quantity.clone(), number_label(check.found), paper, band(check), check.verdict()]
}

fn page(folder: &Path, shown: &[Shown], missing: &[&Exhibit]) -> String {
    let mut text = String::from(HEAD);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "<header><h1>Lazy training, executable</h1>\n<p>The figures of <em>On Lazy Training in Differentiable \
         Programming</em> (Chizat, Oyallon, Bach 2019), made and held against the paper by gradflow {}, from the numbers in \
         <code>{}</code>.</p></header>\n<main>\n",
        env!("CARGO_PKG_VERSION"),
        plain(&folder.display().to_string())
    );
    overview(&mut text, shown, missing);
    for picture in shown {
        section(&mut text, picture);
    }
    text.push_str("</main>\n</body>\n</html>\n");
    text
}

fn overview(text: &mut String, shown: &[Shown], missing: &[&Exhibit]) {
    text.push_str("<nav><table class=\"overview\"><thead><tr><th>figure</th><th>must show</th><th>numbers</th></tr></thead><tbody>\n");
    for Shown { id, title, words, checks, .. } in shown {
        let passed = checks.iter().filter(|check| check.passes()).count();
        let (class, verdict) = match checks.len() {
            0 => ("", "–".to_string()),
            all if passed == all => ("passes", format!("{all} of {all} pass")),
            all => ("differs", format!("{passed} of {all} pass")),
        };
        let _ = writeln!(
            text,
            "<tr><td><a href=\"#{id}\">{}</a></td><td>{}</td><td class=\"{class}\">{verdict}</td></tr>",
            plain(title),
            plain(words)
        );
    }
    for exhibit in missing {
        let _ = writeln!(
            text,
            "<tr><td>{}: {}</td><td>{}</td><td>not made: <code>gradflow figure {}</code></td></tr>",
            exhibit.name,
            plain(exhibit.source),
            plain(&capital(exhibit.shows)),
            exhibit.name
        );
    }
    text.push_str("</tbody></table></nav>\n");
}

fn section(text: &mut String, shown: &Shown) {
    let Shown { id, title, words, command, svg, notes, checks } = shown;
    let _ = writeln!(text, "<section id=\"{id}\"><h2>{}</h2>", plain(title));
    if !words.is_empty() {
        let _ = writeln!(text, "<p>{}.</p>", plain(words));
    }
    // What stands before the element would end the page's own.
    let svg = svg.find("<svg").map_or("", |begin| &svg[begin..]);
    let _ = writeln!(
        text,
        "<figure role=\"img\" aria-label=\"{}\">{svg}</figure>",
        plain(if words.is_empty() { title } else { words })
    );
    if !checks.is_empty() {
        text.push_str("<div class=\"wide\"><table><thead><tr><th>quantity</th><th>found</th><th>paper</th><th>allowed</th><th>verdict</th></tr></thead><tbody>\n");
        for check in checks {
            let [quantity, found, paper, allowed, verdict] = cells(check).map(|cell| plain(&cell));
            let class = if check.passes() { "passes" } else { "differs" };
            let _ = writeln!(
                text,
                "<tr><td>{quantity}</td><td class=\"number\">{found}</td><td class=\"number\">{paper}</td>\
                 <td class=\"number\">{allowed}</td><td class=\"{class}\">{verdict}</td></tr>"
            );
        }
        text.push_str("</tbody></table></div>\n");
    }
    text.push_str("<dl>");
    for (key, value) in notes {
        let _ = write!(text, "<dt>{}</dt><dd>{}</dd>", plain(key), plain(value));
    }
    if !command.is_empty() {
        let _ = write!(text, "<dt>command</dt><dd><code>{}</code></dd>", plain(command));
    }
    text.push_str("</dl></section>\n");
}

/// The document up to its body. Pictures are drawn on white: on dark screens their lightness is turned over.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Lazy training, executable</title>
<style>
:root { --ink: #222; --paper: #fff; --faint: #667; --line: #dde; --good: #006d4f; --bad: #a83a00; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e4e8; --paper: #161616; --faint: #9a9aa6; --line: #33333c; --good: #4fd1a5; --bad: #ff9a62; }
  figure svg { filter: invert(0.913) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem 1rem 4rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; }
h2 { font-size: 1.2rem; margin: 0 0 .3rem; }
section { border-top: 1px solid var(--line); margin-top: 2.5rem; padding-top: 1.5rem; }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { display: block; width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th { text-align: left; color: var(--faint); font-weight: 500; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.passes { color: var(--good); white-space: nowrap; }
.differs { color: var(--bad); white-space: nowrap; }
.wide, nav { overflow-x: auto; }
a { color: inherit; }
code { font-size: .9em; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1rem 0 0; font-size: .85rem; color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  body { padding: 1rem .8rem 3rem; }
  dl { grid-template-columns: 1fr; }
  dt { font-weight: 600; margin-top: .3rem; }
  figure svg { min-width: 38rem; }
  .wide td:first-child { min-width: 11rem; }
  .overview td:nth-child(2), .overview th:nth-child(2) { display: none; }
}
</style>
</head>
<body>
"#;

/// The checks of every exhibit in `folder` as rows of a Markdown table.
///
/// # Errors
/// As [`html`].
pub fn markdown(folder: &Path) -> Result<String> {
    let mut text = String::from(
        "| figure | quantity | found | paper | allowed | verdict |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for exhibit in EXHIBITS {
        let picture = exhibit.path(folder, Size::Standard);
        if picture.exists() {
            for check in exhibit_shown(exhibit, Size::Standard, &picture)?.checks {
                let _ = writeln!(text, "| {} | {} |", exhibit.name, cells(&check).join(" | "));
            }
        }
    }
    Ok(text)
}
