//! Files of data: what is read is what was written, and bad files are refused by name, place and reason.

use gradflow::data::cifar::{Cifar10, Encoding};
use gradflow::data::{Dataset, Request, csv, npy, open};
use gradflow::{Error, Result};
use nalgebra::{DMatrix, dmatrix};
use std::path::{Path, PathBuf};

/// A folder for the files of one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a temporary file");
        path
    }
}

fn words(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_string()).collect()
}

/// The error's exit code is `code` and its message holds all of `parts`.
fn assert_refused<T>(result: Result<T>, code: u8, parts: &[&str]) {
    let error: Error = result.err().unwrap_or_else(|| panic!("accepted, not refused: {parts:?}"));
    let message = error.to_string();
    assert_eq!(error.exit_code(), code, "{message}");
    for part in parts {
        assert!(message.contains(part), "{message}\n  lacks: {part}");
    }
}

fn read_csv(content: impl AsRef<[u8]>, targets: &[&str]) -> Result<Dataset> {
    let folder = Folder::new();
    csv::read(&folder.file("table.csv", content), &words(targets), None)
}

#[test]
fn csv_columns_are_found_by_name() -> Result<()> {
    let folder = Folder::new();
    let table = folder.file("t.csv", "a,label,b\n1,-1,2e3\n 3 ,1,\"4\"\n");
    let data = csv::read(&table, &words(&["label"]), None)?;
    assert_eq!(data.inputs(), &dmatrix![1.0, 3.0; 2000.0, 4.0]);
    assert_eq!(data.targets_sample_major(), [-1.0, 1.0]);
    assert_eq!(
        (data.input_names(), data.target_names()),
        (&words(&["a", "b"])[..], &words(&["label"])[..])
    );
    assert!(data.source().contains("t.csv, 2 samples"));
    let swapped = csv::read(&table, &words(&["b", "a"]), Some(&words(&["label"])))?;
    assert_eq!(swapped.targets(), &dmatrix![2000.0, 4.0; 1.0, 3.0]);
    Ok(())
}

#[test]
fn csv_dialects_are_accepted() -> Result<()> {
    let want = read_csv("a,b,y\n1,2,3\n4,5,6\n", &["y"])?;
    for (what, content) in [
        ("CRLF", "a,b,y\r\n1,2,3\r\n4,5,6\r\n"),
        ("byte order mark", "\u{feff}a,b,y\n1,2,3\n4,5,6\n"),
        ("semicolons", "a;b;y\n1;2;3\n4;5;6\n"),
        ("tabs", "a\tb\ty\n1\t2\t3\n4\t5\t6\n"),
        ("no last newline, empty line", "a,b,y\n1,2,3\n\n4,5,6"),
        ("quoted separators in the header", "\"a\",b,\"y\"\n1,2,3\n4,5,6\n"),
    ] {
        let data = read_csv(content, &["y"])?;
        assert_eq!((data.inputs(), data.targets()), (want.inputs(), want.targets()), "{what}");
        assert_eq!(data.input_names(), want.input_names(), "{what}");
    }
    Ok(())
}

/// Row 1 of the fault table: line and column of what is not a finite number.
#[test]
fn csv_bad_cells_are_named() {
    for (cell, words) in [
        ("", "is empty"),
        ("NaN", "not a finite double"),
        ("-inf", "not a finite double"),
        ("1e999", "not a finite double"),
        ("n/a", "`n/a` is not a number"),
        ("\"3,5\"", "decimal comma"),
    ] {
        let table = format!("height,y\n1,0\n{cell},1\n");
        assert_refused(
            read_csv(table, &["y"]),
            3,
            &["table.csv", "line 3, column `height`", words],
        );
    }
    assert_refused(read_csv(b"a,y\n\xff\xfe,1\n", &["y"]), 3, &["line 2, column `a`"]);
    let text = read_csv("a,kind\n1,cat\n", &["kind"]);
    assert_refused(text, 3, &["line 2, column `kind`", "label `cat` is text", "recode"]);
    for (table, place) in [
        ("a,b,y\r\n1,2,3\r\n\r\n4,5,x\r\n", "line 4, column `y`"),
        ("a,b,y\n1,2,3\n\n\n4,5,x\n", "line 5, column `y`"),
        ("\u{feff}a,b,y\n1,2,3\n4,5,x", "line 3, column `y`"),
        ("a,b,y\n\"1\",\"2\",3\n4,\"5\n5\",6\n", "line 3, column `b`"),
    ] {
        assert_refused(read_csv(table, &["y"]), 3, &[place]);
    }
}

/// Rows 3 and 4: nothing there, or not a table.
#[test]
fn csv_bad_shapes_are_named() {
    assert_refused(read_csv("", &["y"]), 3, &["the file is empty"]);
    assert_refused(read_csv("a,y\n", &["y"]), 3, &["no samples below the header"]);
    assert_refused(read_csv("y\n1\n", &["y"]), 2, &["input columns", "at least one"]);
    assert_refused(read_csv("a,y\n1,2\n", &[]), 2, &["target columns", "a, y"]);
    assert_refused(
        read_csv("a,y\n1,2\n3\n", &["y"]),
        3,
        &["line 3", "1 cells where the header has 2"],
    );
    assert_refused(
        read_csv("a,y\n1,2,3\n", &["y"]),
        3,
        &["line 2", "3 cells where the header has 2"],
    );
    assert_refused(
        read_csv("59.0,2.0\n1,2\n", &["y"]),
        3,
        &["line 1", "59.0, 2.0", "add a header line"],
    );
    assert_refused(read_csv("a,a,y\n1,2,3\n", &["y"]), 3, &["two columns are named `a`"]);
    assert_refused(read_csv("a,,y\n1,2,3\n", &["y"]), 3, &["column 2 has no name"]);
    let misspelt = read_csv("age,progression\n1,2\n", &["progresion"]);
    assert_refused(misspelt, 2, &["unknown column", "did you mean `progression`?"]);
    assert_refused(read_csv("a,y\n1,2\n", &["y", "y"]), 2, &["`y` is asked for twice"]);
}

/// Files that are none, or that need not end.
#[test]
fn only_regular_files_are_read() {
    let (folder, request) = (Folder::new(), Request::default());
    assert_refused(open(&folder.path("absent.bin"), &request), 4, &["absent.bin", "cannot read"]);
    assert_refused(
        open(&folder.file("x.txt", ""), &request),
        2,
        &["data file ending `txt`", "csv, tsv, npy, bin"],
    );
    assert_refused(csv::read(folder.0.path(), &words(&["y"]), None), 3, &["not a regular file"]);
    if Path::new("/dev/zero").exists() {
        assert_refused(csv::read(Path::new("/dev/zero"), &words(&["y"]), None), 3, &["regular"]);
    }
    let huge = folder.path("huge.csv");
    let file = std::fs::File::create(&huge).expect("a temporary file");
    if file.set_len(3 << 30).is_ok() {
        // Sparse: no disk is used.
        assert_refused(
            csv::read(&huge, &words(&["y"]), None),
            5,
            &["huge.csv", "limit is 2147483648 bytes"],
        );
    }
}

#[test]
fn a_request_must_fit_the_format() -> Result<()> {
    let folder = Folder::new();
    let table = folder.file("t.csv", "a,y\n1,2\n3,4\n");
    let request = Request { targets: words(&["y"]), samples: Some(1), ..Request::default() };
    assert_eq!(open(&table, &request)?.samples(), 1);
    let classes = Request { classes: vec![1, 2], ..request.clone() };
    assert_refused(open(&table, &classes), 2, &["does not take class numbers", ".bin"]);
    assert_refused(open(&folder.path("x.npy"), &request), 2, &["does not take column names"]);
    assert_refused(open(&folder.path("x.npy"), &Request::default()), 2, &["without targets"]);
    Ok(())
}

/// Records with the given labels; pixel j of image i is (7 i + j) mod 256.
fn cifar(labels: &[u8]) -> Vec<u8> {
    let image = |(i, label): (usize, &u8)| {
        let pixels = (0..3072).map(move |j| u8::try_from((7 * i + j) % 256).unwrap_or(0));
        std::iter::once(*label).chain(pixels)
    };
    labels.iter().enumerate().flat_map(image).collect()
}

#[test]
fn cifar_classes_are_selected_in_file_order() -> Result<()> {
    let folder = Folder::new();
    let files = [folder.file("1.bin", cifar(&[3, 0, 5, 3])), folder.file("2.bin", cifar(&[5, 9]))];
    let two = Cifar10::default().of_classes(&[5, 3])?;
    let data = two.read(&files)?;
    assert_eq!(data.targets(), &dmatrix![-1.0, 1.0, -1.0, 1.0]); // cat, dog, cat, dog
    assert_eq!(data.inputs()[(10, 1)], f64::from(7 * 2 + 10) / 255.0);
    assert_eq!(
        (data.inputs().nrows(), data.target_names()[0].as_str()),
        (3072, "dog (+1) or cat (−1)")
    );
    assert_eq!((&*data.input_names()[0], &*data.input_names()[3071]), ("r0_0", "b31_31"));
    assert!(data.source().contains("4 images of dog, cat"));
    let first = two.at_most(2).encoded(Encoding::Index);
    assert_eq!(first.read(&files)?.targets(), &dmatrix![1.0, 0.0]);
    let hot = Cifar10::default().of_classes(&[9, 0, 5])?.read(&files)?;
    assert_eq!(
        hot.targets(),
        &dmatrix![0.0, 0.0, 0.0, 1.0; 1.0, 0.0, 0.0, 0.0; 0.0, 1.0, 1.0, 0.0]
    );
    let centred = Cifar10::default().centred().read(&files)?;
    assert_eq!(centred.targets().shape(), (10, 6));
    // Six terms of size 1 are summed.
    assert!(centred.inputs().row_iter().all(|row| row.sum().abs() < 1e-14));
    Ok(())
}

/// Row 34: truncated, wrong bytes, empty; each with its offset.
#[test]
fn cifar_faults_are_located() {
    let folder = Folder::new();
    let read = |content: &[u8]| Cifar10::default().read(&[folder.file("c.bin", content)]);
    let good = cifar(&[1, 2, 3]);
    let truncated = read(&good[..good.len() - 100]);
    assert_refused(truncated, 3, &["c.bin", "offset 6146", "record 2 has 2973 of 3073 bytes"]);
    assert_refused(read(&[]), 3, &["offset 0", "empty"]);
    assert_refused(read(&vec![1; 3074 * 2]), 3, &["CIFAR-100"]);
    assert_refused(read(&cifar(&[1, 77])), 3, &["record 1 (from 0), offset 3073", "label 77"]);
    let none =
        Cifar10::default().of_classes(&[8, 9]).and_then(|c| c.read(&[folder.file("c.bin", &good)]));
    assert_refused(none, 3, &["no image of the classes ship, truck"]);
    for classes in [&[1][..], &[1, 10], &[1, 1]] {
        assert_refused(
            Cifar10::default().of_classes(classes),
            2,
            &["two or more different classes"],
        );
    }
    assert_refused(Cifar10::default().read::<PathBuf>(&[]), 2, &["at least one"]);
}

/// A version 1 file with this header text and data.
fn npy_bytes(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], header.as_bytes(), data].concat()
}

#[test]
fn npy_is_read_as_numpy_writes_it() -> Result<()> {
    let folder = Folder::new();
    let header = |descr: &str, fortran: &str, shape: &str| {
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}   \n")
    };
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let six = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    // Two samples (1, 2, 3) and (4, 5, 6).
    let want = dmatrix![1.0, 4.0; 2.0, 5.0; 3.0, 6.0];
    let read = |name, content: Vec<u8>| npy::read(&folder.file(name, content));
    assert_eq!(read("c", npy_bytes(&header("<f8", "False", "(2, 3)"), &bytes(&six)))?, want);
    let columns = bytes(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(read("f", npy_bytes(&header("<f8", "True", "(2, 3)"), &columns))?, want);
    assert_eq!(
        read("u1", npy_bytes(&header("|u1", "False", "(2, 3)"), &[1, 2, 3, 4, 5, 6]))?,
        want
    );
    assert_eq!(
        read("b1", npy_bytes(&header("|b1", "False", "(3,)"), &[1, 0, 1]))?,
        dmatrix![1.0, 0.0, 1.0]
    );
    let f4: Vec<u8> =
        [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0].into_iter().flat_map(f32::to_le_bytes).collect();
    assert_eq!(read("f4", npy_bytes(&header("<f4", "False", "(2, 3)"), &f4))?, want);
    let i8: Vec<u8> = (1..=6_i64).flat_map(i64::to_le_bytes).collect();
    assert_eq!(read("i8", npy_bytes(&header("<i8", "False", "(2, 3)"), &i8))?, want);
    Ok(())
}

#[test]
fn npy_round_trips() -> Result<()> {
    let folder = Folder::new();
    let (x, y) = (dmatrix![1.0, 0.1; -0.0, 1e-310; 1e300, 5.0], dmatrix![1.0, -1.0]);
    let (inputs, targets) = (folder.path("x.npy"), folder.path("y.npy"));
    npy::write(&inputs, &x)?;
    npy::write(&targets, &y)?;
    let request = Request { target_file: Some(targets), ..Request::default() };
    let data = open(&inputs, &request)?;
    assert_eq!((data.inputs(), data.targets()), (&x, &y));
    assert_eq!(
        std::fs::read_dir(folder.0.path()).map(Iterator::count).ok(),
        Some(2),
        "no part file is left"
    );
    assert_refused(npy::write(&folder.path("no/such/x.npy"), &x), 4, &["cannot write"]);
    Ok(())
}

/// Rows 1, 3, 4 and 34 of the fault table for arrays.
#[test]
fn npy_faults_are_located() -> Result<()> {
    let folder = Folder::new();
    let read = |content: &[u8]| npy::read(&folder.file("a.npy", content));
    let plain = |shape: &str, data: &[u8]| {
        npy_bytes(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}\n"), data)
    };
    let mut data = [0_u8; 48];
    data[32..40].copy_from_slice(&f64::NAN.to_le_bytes());
    assert_refused(read(&plain("(2, 3)", &data)), 3, &["a.npy", "row 1, column 1 (from 0)", "NaN"]);
    assert_refused(
        read(&plain("(2, 3)", &data[..40])),
        3,
        &["40 bytes of data", "2 × 3 of 8 bytes, 48"],
    );
    assert_refused(read(&plain("(2, 2)", &data)), 3, &["48 bytes of data"]);
    assert_refused(read(&plain("(9000000000, 9000000000000)", &data)), 3, &["beyond any memory"]);
    assert_refused(read(&plain("(0, 18446744073709551615, 3)", &data)), 3, &["beyond any memory"]);
    assert_refused(read(&plain("(1000000000, 1000)", &data)), 3, &["48 bytes of data"]);
    assert_refused(read(&plain("(0, 3)", &[])), 3, &["at least one entry"]);
    assert_refused(read(&plain("()", &data[..8])), 3, &["one or two axes"]);
    assert_refused(read(&plain("(1, 2, 3)", &data)), 3, &["one or two axes", "[1, 2, 3]"]);
    assert_refused(read(&plain(&"(".repeat(60_000), &data)), 3, &["header"]);
    assert_refused(read(b"PK\x03\x04 this is an npz"), 3, &["offset 0", "no NPY magic"]);
    assert_refused(read(b"\x93NUMPY\x09\x00"), 3, &["offset 6"]);
    assert_refused(
        read(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"),
        3,
        &["offset 8", "a header of 4294967295 bytes"],
    );
    assert_refused(read(&npy_bytes("{'descr': '<f8'}", &[])), 3, &["header", "fortran_order"]);
    for descr in ["'|O'", "'<c16'", "'<U3'", "[('a', '<f8')]"] {
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1, 1)}}");
        let item = if descr == "'<c16'" {
            16
        } else if descr == "'<U3'" {
            12
        } else {
            8
        };
        assert_refused(read(&npy_bytes(&header, &data[..item])), 3, &["astype(numpy.float64)"]);
    }
    let (x, y) = (folder.path("x.npy"), folder.path("y.npy"));
    npy::write(&x, &DMatrix::zeros(3, 4))?;
    npy::write(&y, &DMatrix::zeros(1, 5))?;
    assert_refused(npy::dataset(&x, &y), 3, &["y.npy", "5 × 1", "4 × 3"]);
    Ok(())
}

/// Row 34 once more: whatever byte is lost or damaged, the answer is a value or an error, never a panic; and no array
/// loses its end unnoticed.
#[test]
fn damaged_files_do_no_harm() {
    let folder = Folder::new();
    let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 3), }\n";
    let array = npy_bytes(header, &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]);
    for end in 0..array.len() {
        assert!(npy::read(&folder.file("cut.npy", &array[..end])).is_err(), "cut at {end}");
    }
    for at in 0..array.len() {
        for damage in [0x01, 0x10, 0x80, 0xff] {
            let mut array = array.clone();
            array[at] ^= damage;
            if let Ok(matrix) = npy::read(&folder.file("bad.npy", array)) {
                assert_eq!(matrix.len(), 6, "byte {at} ^ {damage:#x}");
            }
        }
    }
    let table = b"a,\"b\",y\r\n1,2,3\r\n4,\"5\",6\r\n";
    for at in 0..table.len() {
        let _ = read_csv(&table[..at], &["y"]);
        for damage in [0x01, 0x10, 0x80, 0xff] {
            let mut table = table.to_vec();
            table[at] ^= damage;
            let _ = read_csv(table, &["y"]);
        }
    }
}

/// Real files, where a folder of them is given by `GRADFLOW_DATA` or lies beside the repository.
#[test]
fn real_files_are_read() -> Result<()> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("GRADFLOW_DATA").map_or(beside, PathBuf::from);
    let present = |name: &str| {
        let path = folder.join(name);
        if !path.is_file() {
            println!("skipped: {} is not there (set GRADFLOW_DATA)", path.display());
        }
        path.is_file().then_some(path)
    };
    if let Some(path) = present("cifar10-lossless-train4000.bin") {
        let data = Cifar10::default().read(&[path])?;
        assert_eq!((data.inputs().shape(), data.targets().shape()), ((3072, 4000), (10, 4000)));
        // The counts of a class lie between 366 and 422 (the data's own description).
        assert!(data.targets().row_iter().all(|row| (366.0..=422.0).contains(&row.sum())));
    }
    if let Some(path) = present("diabetes.csv") {
        let data = csv::read(&path, &words(&["progression"]), None)?;
        assert_eq!((data.samples(), data.inputs().nrows(), data.targets()[0]), (442, 10, 151.0));
    }
    if let Some(path) = present("digits.csv") {
        let data = csv::read(&path, &words(&["label"]), None)?;
        assert_eq!((data.samples(), data.inputs().nrows()), (1797, 64));
        assert!(data.standardized().source().contains("constant: `p0`"));
    }
    Ok(())
}
