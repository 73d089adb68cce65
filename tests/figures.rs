//! Tables and pictures: what is written reads back, pictures are functions of their tables, odd tables are borne, and
//! a failure leaves no file behind.

use gradflow::Error;
use gradflow::experiment::Table;
use gradflow::figure::{FIGURES, Figure, number_label, power_of_ten};
use std::fs;
use std::path::Path;

/// Gaps with the orders of Theorem 2.2 and higher-order corrections, invented.
fn gaps(outputs_order: i32) -> Table {
    let columns = [
        "alpha",
        "displacement",
        "w_gap",
        "outputs_gap",
        "displacement_scaled",
        "w_gap_scaled",
        "outputs_gap_scaled",
    ];
    let mut table = Table::new(&columns.map(|name| (name, "")))
        .note("model", "two-layer tanh, width 64")
        .note("loss", "½‖y − y*‖²")
        .note("seed", 0)
        .note("tolerance", "1e-10");
    if outputs_order != 1 {
        table = table.note("outputs_order", outputs_order);
    }
    for k in 0..=12 {
        let alpha = 10_f64.powf(f64::from(k) / 2.0);
        let (u, e) = (1.3 / (1.0 + 0.2 / alpha), 2.407 / (1.0 + 0.7 / alpha));
        let s = 0.81 / (1.0 + 0.4 / alpha) * alpha.powi(1 - outputs_order);
        table.push(&[alpha, u / alpha, e / alpha.powi(2), s / alpha, u, e, s]).unwrap();
    }
    let last = if outputs_order == 1 { 0.81 } else { 0.0 };
    let missing = f64::NAN;
    table.push(&[f64::INFINITY, missing, missing, missing, 1.3, 2.407, last]).unwrap();
    table
}

/// A run in time, invented; the first row is the start, where the gap is zero.
fn run() -> Table {
    let columns = ["time", "loss", "linear_loss", "w_gap", "outputs_gap", "displacement"];
    let mut table = Table::new(&columns.map(|name| (name, "")))
        .note("model", "tanh(w1) + w2^2; w2 + w1*w2")
        .note("loss", "½‖y − y*‖²")
        .note("alpha", 10)
        .note("tolerance", "1e-8");
    for k in 0..120 {
        let t = if k == 0 { 0.0 } else { 10_f64.powf(-3.0 + f64::from(k) / 24.0) };
        let decay = 0.6 * (-t).exp() + 0.05 * (-0.05 * t).exp();
        let gap = 1.0 - (-t).exp();
        table
            .push(&[t, decay * (1.0 - 0.2 * gap), decay, 4e-3 * gap * gap, 0.04 * gap, 0.1 * gap])
            .unwrap();
    }
    table
}

fn drawn(name: &str, table: &Table, file: &str) -> (tempfile::TempDir, Result<Vec<u8>, Error>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    let result = Figure::named(name).unwrap().draw(table, &path);
    let bytes = result.map(|()| fs::read(&path).unwrap());
    (folder, bytes)
}

/// Keeps a picture for human eyes where the variable `GRADFLOW_LOOK` names a folder.
fn look(file: &str, bytes: &[u8]) {
    if let Some(folder) = std::env::var_os("GRADFLOW_LOOK") {
        fs::write(Path::new(&folder).join(file), bytes).unwrap();
    }
}

fn svg(name: &str, table: &Table) -> String {
    String::from_utf8(drawn(name, table, "picture.svg").1.unwrap()).unwrap()
}

#[test]
fn pictures_are_functions_of_their_tables() {
    for (name, table) in [("lazy-limit", gaps(1)), ("lazy-limit", gaps(2)), ("paths", run())] {
        for file in ["a.svg", "a.png"] {
            let bytes = drawn(name, &table, file).1.unwrap();
            assert_eq!(bytes, drawn(name, &table, file).1.unwrap());
            // Through the disk as well.
            let again = Table::from_csv(&table.to_csv(), Path::new("t.csv")).unwrap();
            assert_eq!(bytes, drawn(name, &again, file).1.unwrap());
            let order = table.noted("outputs_order").unwrap_or("1");
            look(&format!("{name}{order}-{file}"), &bytes);
        }
    }
}

#[test]
fn labels_state_the_orders_and_the_exact_constants() {
    let text = svg("lazy-limit", &gaps(1));
    for label in
        ["sup‖w − w̄‖ ∝ α⁻²", "dashed: 2.41 α⁻²", "dashed: 0.810 α⁻¹", "fitted slope −2.000", "10⁻⁶"]
    {
        assert!(text.contains(label), "{label}");
    }
    assert!(text.contains("width=\"900\" height=\"560\""));
    let doubled = svg("lazy-limit", &gaps(2));
    assert!(doubled.contains("sup‖y − ȳ‖ ∝ α⁻²") && doubled.contains("dashed guide: 0.810 α⁻²"));
    assert!(doubled.contains("Guide: the slope expected"));
}

#[test]
fn numbers_read_back_exactly() {
    let values =
        [0.1, 1.0 / 3.0, 5e-324, f64::MAX, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e300];
    let mut table = Table::new(&[("plain", ""), ("with unit", "s"), ("comma, \"quote\"", "m/s")])
        .note("model", "a: b, c")
        .note("broken\nkey", "two\nlines");
    for value in values {
        table.push(&[value, 2.0 * value, -value]).unwrap();
    }
    let read = Table::from_csv(&table.to_csv(), Path::new("t.csv")).unwrap();
    assert_eq!(read.to_csv(), table.to_csv());
    assert_eq!(read.noted("model"), Some("a: b, c"));
    assert_eq!(read.noted("broken key"), Some("two lines"));
    for (a, b) in read.columns().iter().zip(table.columns()) {
        assert_eq!((&a.name, &a.unit), (&b.name, &b.unit));
        let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
        assert!(a.values.iter().zip(&b.values).all(same));
    }
    // Written by others: Windows line ends, a byte order mark, spaces.
    let text = "\u{feff}# seed: 3\r\na, b [s]\r\n1, \r\ninf,2\r\n";
    let foreign = Table::from_csv(text, Path::new("t.csv")).unwrap();
    assert_eq!(foreign.column("a").unwrap(), [1.0, f64::INFINITY]);
    assert_eq!((foreign.columns()[1].unit.as_str(), foreign.noted("seed")), ("s", Some("3")));
    // A lone column keeps its missing values.
    let mut lone = Table::new(&[("x", "")]);
    lone.push(&[f64::NAN]).unwrap();
    assert_eq!(Table::from_csv(&lone.to_csv(), Path::new("t.csv")).unwrap().len(), 1);
}

#[test]
fn unusable_tables_say_where() {
    let problem = |text| Table::from_csv(text, Path::new("t.csv")).unwrap_err().to_string();
    assert!(problem("a,b\n1,x\n").starts_with("t.csv: line 2, column `b`: found `x`"));
    assert!(problem("a,b\n1,2\n3\n").contains("line 3"));
    assert!(problem("").contains("empty"));
    assert!(matches!(Table::new(&[("a", "")]).push(&[1.0, 2.0]), Err(Error::Shape { .. })));
    assert!(matches!(Table::read(Path::new("/none/t.csv")), Err(Error::Io { .. })));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    fs::write(&path, [b'a', 0xff]).unwrap();
    assert!(Table::read(&path).unwrap_err().to_string().contains("byte 1"));
}

/// One row per entry of `values`, which fills every column; `first` fills the first.
fn filled(figure: &Figure, rows: &[(f64, f64)]) -> Table {
    let columns: Vec<_> = figure.columns.iter().map(|name| (*name, "")).collect();
    let mut table = Table::new(&columns);
    for (first, rest) in rows {
        let mut row = vec![*rest; columns.len()];
        row[0] = *first;
        table.push(&row).unwrap();
    }
    table
}

/// Figures whose columns are curves on log axes, every one of them.
const ON_LOG_AXES: [&str; 5] =
    ["lazy-limit", "paths", "kappa-width", "divergence-bounds", "scaling"];

#[test]
fn odd_tables_are_borne() {
    for figure in FIGURES.iter().filter(|figure| ON_LOG_AXES.contains(&figure.name)) {
        let borne: [&[(f64, f64)]; 6] = [
            &[(1.0, 2.0)],
            &[(1.0, 3.0), (10.0, 3.0), (100.0, 3.0)],
            &[(5.0, 1.0), (5.0, 2.0)],
            &[(1e-300, 1e300), (1e300, 1e-300)],
            &[(0.0, 0.0), (1.0, f64::NAN), (2.0, 1.0), (f64::INFINITY, 1.0), (3.0, f64::INFINITY)],
            &[(5e-324, f64::MAX)],
        ];
        for rows in borne {
            let table = filled(figure, rows);
            let text = svg(figure.name, &table);
            look(&format!("odd-{}-{rows:?}.svg", figure.name), text.as_bytes());
            assert!(
                !text.contains("NaN") && !text.contains("inf,") && !text.contains("2147483647"),
                "{rows:?}"
            );
            drawn(figure.name, &table, "a.png").1.unwrap();
        }
        for rows in [&[][..], &[(0.0, 0.0)], &[(f64::NAN, f64::NAN)]] {
            let (folder, result) = drawn(figure.name, &filled(figure, rows), "a.svg");
            assert!(matches!(result, Err(Error::Figure { .. })), "{rows:?}");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        }
    }
    // Others need not show what these tables hold, and may show zeros: a picture, or an error and no file.
    for figure in FIGURES.iter().filter(|figure| !ON_LOG_AXES.contains(&figure.name)) {
        for rows in
            [&[][..], &[(0.0, 0.0)], &[(f64::NAN, f64::NAN)], &[(1.0, 2.0)], &[(5e-324, f64::MAX)]]
        {
            let (folder, result) = drawn(figure.name, &filled(figure, rows), "a.svg");
            match result {
                Ok(bytes) => {
                    let text = String::from_utf8(bytes).unwrap();
                    assert!(
                        !text.contains("NaN") && !text.contains("inf,"),
                        "{}: {rows:?}",
                        figure.name
                    );
                }
                Err(error) => {
                    assert!(matches!(error, Error::Figure { .. }), "{}: {error}", figure.name);
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
                }
            }
        }
    }
    let mut zero = filled(Figure::named("paths").unwrap(), &[]);
    zero.push(&[1.0, 0.5, 0.5, 0.0, 0.0, 0.1]).unwrap();
    assert!(svg("paths", &zero).contains("‖w − w̄‖ is zero throughout and not drawn."));
}

#[test]
fn long_captions_wrap() {
    let text =
        svg("lazy-limit", &gaps(1).note("command", "gradflow sweep --alpha 1e0..1e6 ".repeat(30)));
    assert!(text.contains('…'));
    look("long.svg", text.as_bytes());
    drawn("paths", &run().note("<&>\"", "x".repeat(10_000)), "a.png").1.unwrap();
}

#[test]
fn wishes_that_cannot_be_met() {
    assert!(
        Figure::named("lazy-limits")
            .unwrap_err()
            .to_string()
            .contains("did you mean `lazy-limit`?")
    );
    assert!(matches!(drawn("paths", &gaps(1), "a.svg").1, Err(Error::Unknown { .. })));
    assert!(matches!(drawn("paths", &run(), "a.pdf").1, Err(Error::Unknown { .. })));
    let odd =
        Table::from_csv(&gaps(3).to_csv().replace("order: 3", "order: x"), Path::new("t.csv"));
    assert!(matches!(drawn("lazy-limit", &odd.unwrap(), "a.svg").1, Err(Error::Value { .. })));
}

#[test]
fn files_are_whole_or_absent() {
    let folder = tempfile::tempdir().unwrap();
    let names = |folder: &Path| -> Vec<_> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    // Folders are made, files replaced, nothing else is left.
    let deep = folder.path().join("new/folder");
    for _ in 0..2 {
        run().write(&deep.join("run.csv")).unwrap();
    }
    assert_eq!(names(&deep), ["run.csv"]);
    assert_eq!(fs::read_to_string(deep.join("run.csv")).unwrap(), run().to_csv());
    // A file where a folder should be, and a folder where the file should be.
    for path in [deep.join("run.csv/below.csv"), folder.path().join("new")] {
        assert!(matches!(run().write(&path), Err(Error::Io { .. })), "{}", path.display());
    }
    let blocked = folder.path().join("blocked.png");
    fs::create_dir(&blocked).unwrap();
    for path in
        [blocked.as_path(), &deep.join("run.csv/below.svg"), &deep.join("run.csv/below.png")]
    {
        let result = Figure::named("paths").unwrap().draw(&run(), path);
        assert!(matches!(result, Err(Error::Io { .. })), "{}", path.display());
    }
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(left, ["blocked.png", "new"]);
    assert_eq!(names(&deep), ["run.csv"]);
}

#[test]
fn ticks_are_powers_of_ten() {
    assert_eq!([-300, -5, 0, 1, 12].map(power_of_ten), ["10⁻³⁰⁰", "10⁻⁵", "10⁰", "10¹", "10¹²"]);
    let labels = [0.0, 0.5, -2.0, 12.34, 123.4, 1e-5, -2.5e20, f64::INFINITY].map(number_label);
    assert_eq!(labels, ["0.00", "0.500", "−2.00", "12.3", "123", "1.00·10⁻⁵", "−2.50·10²⁰", "inf"]);
}
