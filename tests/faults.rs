//! Bad inputs and what the command answers: exit code, words that say what was found and what to do, no panic, no
//! partial file, soon.

mod command;

use command::Folder;
use std::time::{Duration, Instant};

/// A line, its exit code, and words that standard error must hold.
type Fault<'a> = (&'a str, i32, &'a [&'a str]);

/// A formula that works, to be spoilt by what is appended.
const FORMULA: &str = "flow --model 'w1^2 - 1' --start 1 --target 1.5 --no-figure";

/// Every line fails as it should, in an otherwise unchanged folder.
fn check(folder: &Folder, faults: &[Fault<'_>]) {
    let before = folder.names();
    let mut wrong = Vec::new();
    for (line, code, words) in faults {
        let begin = Instant::now();
        let ran = folder.line(&line.replace("FORMULA", FORMULA));
        let taken = begin.elapsed();
        let missing: Vec<_> = words.iter().filter(|w| !ran.talk.contains(**w)).collect();
        let panicked = ran.talk.contains("panicked") || ran.talk.contains("RUST_BACKTRACE");
        // A refused line is answered at once; ten seconds leave room for a busy machine.
        let slow = taken > Duration::from_secs(10);
        if ran.code != *code || !missing.is_empty() || panicked || slow {
            let (found, talk, line) = (ran.code, &ran.talk, &ran.line);
            wrong.push(format!(
                "{line}\n  exit {found}, wanted {code}; missing {missing:?}; {taken:?}\n{talk}"
            ));
        }
        if *code == 2 || *code == 3 || *code == 5 {
            assert!(ran.out.is_empty(), "{}: no data where nothing was done", ran.line);
        }
        assert_eq!(folder.names(), before, "{}", ran.line);
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn unknown_words_are_answered_with_the_nearest_known_one() {
    check(
        &Folder::new(),
        &[
            ("flow --model two-layr", 2, &["`two-layr`", "did you mean `two-layer`?", "mlp"]),
            ("flow --model mpl", 2, &["did you mean `mlp`?"]),
            ("flow --model mlp3", 2, &["did you mean `mlp`?"]),
            ("flow --model perceptron", 2, &["known: two-layer, mlp, or a formula"]),
            ("flow --loss sqare-mean", 2, &["did you mean `square-mean`?", "huber-sum"]),
            ("flow --solver bfd", 2, &["did you mean `bdf`?", "tsit45"]),
            ("flow --activation thanh", 2, &["did you mean `tanh`?", "gelu"]),
            ("flow --init xaver", 2, &["did you mean `xavier`?"]),
            ("flow --zero centerd", 2, &["did you mean `centred`?"]),
            ("flow --scale standardised", 2, &["did you mean `standardized`?"]),
            ("flow --scaling 1/n", 2, &["did you mean `1/m`?"]),
            ("flow --model mlp --parametrization ntkk", 2, &["did you mean `ntk`?"]),
            ("flow --estimate sometimes", 2, &["always, never, auto"]),
            ("flow --alhpa 3", 2, &["--alhpa", "similar", "--alpha"]),
            ("flwo", 2, &["flwo", "similar", "flow"]),
            ("", 2, &["Usage", "flow", "derive"]),
            ("flow stray", 2, &["stray"]),
            ("derive", 2, &["FORMULA"]),
            ("derive w1 w2", 2, &["w2"]),
        ],
    );
}

#[test]
fn scales_times_and_tolerances_out_of_range_are_refused() {
    check(
        &Folder::new(),
        &[
            ("FORMULA --alpha 0", 2, &["α = 0", "[1e-3, 1e100]", "inf"]),
            ("FORMULA --alpha -1", 2, &["α = -1", "wanted"]),
            ("FORMULA --alpha nan", 2, &["nan", "finite"]),
            ("FORMULA --alpha 1e300", 2, &["α = 1e300: wanted"]),
            ("FORMULA --alpha 1e-300", 2, &["α = 1e-300: wanted"]),
            ("FORMULA --alpha ''", 2, &["α = ``"]),
            ("FORMULA --alpha 1,,2", 2, &["α = ``"]),
            ("FORMULA --alpha 1e4..1e0", 2, &["10000..1", "ascends"]),
            ("FORMULA --alpha 1..inf", 2, &["`inf`", "finite"]),
            ("FORMULA --alpha 1..2:1000000000", 5, &["1000000000 solves", "limit", "shorter"]),
            ("FORMULA --alpha 1..2:1", 2, &["at least 2"]),
            ("FORMULA --time -1", 2, &["time = `-1`", "at least 0, inf, or auto"]),
            ("FORMULA --time nan", 2, &["time = `nan`"]),
            ("FORMULA --time abc", 2, &["time = `abc`", "auto"]),
            ("FORMULA --rtol 0", 2, &["rtol = 0", "(0, 0.1]"]),
            ("FORMULA --rtol -1", 2, &["rtol = -1"]),
            ("FORMULA --rtol nan", 2, &["rtol = NaN"]),
            ("FORMULA --rtol abc", 2, &["abc", "--rtol", "wanted a number"]),
            ("FORMULA --rtol 1e-16", 1, &["cannot be reached", "smallest reachable is 1e-12"]),
            ("FORMULA --max-steps 0", 2, &["max-steps = 0", "at least one"]),
            ("FORMULA --max-seconds -1", 2, &["--max-seconds", "seconds above 0"]),
            ("FORMULA --max-seconds nan", 2, &["--max-seconds", "seconds above 0"]),
            ("FORMULA --stop-loss -1", 2, &["stop at loss = -1", "above 0"]),
            ("FORMULA --stop-gradient nan", 2, &["stop at gradient", "above 0"]),
            ("FORMULA --seed -1", 2, &["--seed", "whole number"]),
            ("FORMULA --points 1", 2, &["points = 1", "between"]),
            ("FORMULA --points 99999999999", 2, &["points", "between"]),
        ],
    );
}

#[test]
fn sizes_are_refused_before_anything_is_made() {
    check(
        &Folder::new(),
        &[
            ("flow --width 0", 2, &["width of hidden layer 1 = 0", "at least 1"]),
            ("flow --width -5", 2, &["--width", "-5", "whole number"]),
            ("flow --width 1.5", 2, &["--width", "1.5", "whole number"]),
            ("flow --width 1000000000000", 5, &["bytes", "limit", "narrower"]),
            ("flow --width 18446744073709551615", 5, &["bytes", "limit"]),
            ("flow --width 99999999999999999999", 2, &["--width", "smaller whole number"]),
            // A million neurons fit one sweep, but not two hundred times of paths.
            ("flow --width 1000000", 5, &["bytes", "limit", "--width"]),
            ("flow --model mlp --depth 0", 2, &["depth = 0", "between 1 and 1000"]),
            ("flow --model mlp --depth 1000000000", 2, &["depth", "between 1 and 1000"]),
            ("flow --model mlp --depth 1000 --width 100000", 5, &["bytes", "limit"]),
            ("flow --samples 0", 2, &["samples = 0", "at least one"]),
            ("flow --samples 1000000000000", 5, &["samples", "limit", "fewer"]),
            ("flow --samples 1000000", 5, &["1000000 outputs", "limit", "--samples"]),
            ("flow --points 1000000", 5, &["1000000 times", "--points"]),
            (
                "FORMULA --alpha 1..2:10000 --points 1000 --csv big.csv",
                5,
                &["whole paths", "--points"],
            ),
        ],
    );
}

#[test]
fn starts_targets_and_labels_must_fit() {
    check(
        &Folder::new(),
        &[
            (
                "flow --model w1^2 --start 1,2 --target 1",
                2,
                &["start", "found 2", "wanted 1", "w1"],
            ),
            ("flow --model w1^2 --start nan --target 1", 2, &["start[0] = `nan`", "finite"]),
            ("flow --model w1^2 --start '' --target 1", 2, &["start[0]"]),
            ("flow --start 1,2", 2, &["start", "found 2", "one per parameter"]),
            ("flow --model w1^2 --start 1 --target 1,2", 2, &["--target", "found 2", "wanted 1"]),
            ("flow --model 'w1; w2' --start 1,2 --target 1", 2, &["--target", "wanted 2"]),
            ("flow --model w1^2 --start 1 --target inf", 2, &["target[0] = `inf`", "finite"]),
            ("flow --model w1^2 --start 1", 2, &["without targets", "--target", "--labels"]),
            (
                "flow --model w1^2 --start 1 --labels 2 --loss logistic",
                3,
                &["sample 0", "2", "+1 or −1"],
            ),
            (
                "flow --model 'w1; w2' --labels 5 --loss cross-entropy",
                3,
                &["sample 0", "from 0 to 1"],
            ),
            ("flow --model w1^2 --labels 1 --target 1", 2, &["cannot be used"]),
            ("flow --target 5", 2, &["no inputs", "--data"]),
            ("flow --classes 3,5", 2, &["--classes", "--data"]),
            ("flow --inputs a", 2, &["--inputs", "--data"]),
            ("FORMULA --samples 3", 2, &["--samples", "--data"]),
            ("FORMULA --scale normalized", 2, &["--scale", "--data"]),
        ],
    );
}

#[test]
fn faults_of_text_tables_name_file_line_and_column() {
    let folder = Folder::new();
    folder
        .write("good.csv", "a,b,y\n1,2,3\n4,5,6\n2,2,1\n")
        .write("nan.csv", "a,b,y\n1,2,3\n4,nan,6\n")
        .write("inf.csv", "a,b,y\n1,2,3\n4,5,1e999\n")
        .write("text.csv", "a,b,y\n1,2,3\n4,foo,6\n")
        .write("cat.csv", "a,b,y\n1,2,3\n4,5,cat\n")
        .write("ragged.csv", "a,b,y\n1,2,3\n4,5\n")
        .write("hole.csv", "a,b,y\n1,,3\n")
        .write("empty.csv", "")
        .write("bare.csv", "a,b,y\n")
        .write("headless.csv", "1,2,3\n4,5,6\n")
        .write("twice.csv", "a,b,a\n1,2,3\n")
        .write("wide.csv", b"\xff\xfea\x00,\x00b\x00".as_slice())
        .write("bytes.csv", b"a,y\n1,\xff\n".as_slice())
        .write("labels.csv", "a,y\n1,1\n2,0\n3,-1\n");
    std::fs::create_dir(folder.path("folder.csv")).expect("a folder");
    check(
        &folder,
        &[
            (
                "flow --data nan.csv --target y",
                3,
                &["nan.csv: line 3, column `b`", "nan", "finite"],
            ),
            ("flow --data inf.csv --target y", 3, &["inf.csv: line 3, column `y`", "1e999"]),
            ("flow --data text.csv --target y", 3, &["text.csv: line 3, column `b`", "`foo`"]),
            ("flow --data cat.csv --target y", 3, &["cat.csv: line 3, column `y`", "label `cat`"]),
            ("flow --data ragged.csv --target y", 3, &["ragged.csv: line 3", "2 cells", "has 3"]),
            ("flow --data hole.csv --target y", 3, &["hole.csv: line 2, column `b`", "empty"]),
            ("flow --data empty.csv --target y", 3, &["empty.csv: line 1", "empty", "names"]),
            ("flow --data bare.csv --target y", 3, &["bare.csv: line 2", "no samples"]),
            ("flow --data headless.csv --target y", 3, &["headless.csv: line 1", "header"]),
            ("flow --data twice.csv --target b", 3, &["twice.csv: line 1", "two columns", "`a`"]),
            ("flow --data wide.csv --target y", 3, &["wide.csv: line 1", "UTF-8"]),
            ("flow --data bytes.csv --target y", 3, &["bytes.csv: line 2, column `y`"]),
            (
                "flow --data labels.csv --target y --loss logistic",
                3,
                &["labels.csv", "sample 1", "+1 or −1"],
            ),
            (
                "flow --data labels.csv --target y --loss cross-entropy",
                3,
                &["labels.csv", "sample 2", "-1"],
            ),
            ("flow --data good.csv", 2, &["target columns", "a, b, y"]),
            ("flow --data good.csv --target Y", 2, &["column `Y`", "did you mean `y`?"]),
            ("flow --data good.csv --target y --inputs a,y", 2, &["`y`", "twice"]),
            ("flow --data good.csv --target y,a,b", 2, &["input columns", "at least one"]),
            ("flow --data good.csv --target y --classes 1,2", 2, &["class numbers", ".bin"]),
            ("flow --data good.csv --target y --samples 0", 2, &["samples", "0"]),
            ("flow --data good.csv --target y --model 'w1*a; w1'", 2, &["1 × 3", "2 per sample"]),
            ("flow --data good.csv --target y --model w1*a --start 1,2", 2, &["found 2", "w1"]),
            (
                "flow --data missing.csv --target y",
                4,
                &["missing.csv", "cannot read", "No such file"],
            ),
            ("flow --data folder.csv --target y", 3, &["folder.csv", "not a regular file"]),
            ("flow --data good.txt --target y", 2, &["`txt`", "csv, tsv, npy, bin"]),
            ("flow --data /dev/zero --target y", 2, &["ending"]),
        ],
    );
}

/// An .npy file whose header says `shape`.
fn npy(shape: &str, numbers: &[f64]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    header.push_str(&" ".repeat(117 - header.len()));
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).expect("a short header").to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    bytes
}

#[test]
fn faults_of_binary_files_name_the_place() {
    let folder = Folder::new();
    let image = |label: u8| [vec![label], vec![0; 3072]].concat();
    folder
        .write("two.bin", [image(3), image(5)].concat())
        .write("cut.bin", &[image(3), image(5)].concat()[..5000])
        .write("empty.bin", "")
        .write("label.bin", [image(3), image(200)].concat())
        .write("x.npy", npy("(4, 2)", &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]))
        .write("y.npy", npy("(4,)", &[1.0, 2.0, 0.0, 1.0]))
        .write("short.npy", npy("(3, 1)", &[1.0, 2.0, 0.0]))
        .write("lie.npy", npy("(1000000000, 1000000000)", &[1.0]))
        .write("huge.npy", npy("(100000000000000000000000, 2)", &[1.0]))
        .write("nan.npy", npy("(4, 1)", &[1.0, 2.0, f64::NAN, 1.0]))
        .write("none.npy", npy("(0, 1)", &[]))
        .write("magic.npy", "not an array");
    check(
        &folder,
        &[
            ("flow --data cut.bin", 3, &["cut.bin: offset 3073", "1927 of 3073", "truncated"]),
            ("flow --data empty.bin", 3, &["empty.bin: offset 0", "empty"]),
            ("flow --data label.bin", 3, &["label.bin: record 1", "offset 3073", "label 200"]),
            ("flow --data two.bin --classes 11", 2, &["11", "0 to 9"]),
            ("flow --data two.bin --classes 3,3", 2, &["[3, 3]", "different"]),
            ("flow --data two.bin --classes -1,3", 2, &["`-1`", "0 to 9"]),
            ("flow --data two.bin --classes 0,1", 3, &["two.bin", "airplane, automobile"]),
            ("flow --data two.bin --target y", 2, &["--target", "--classes"]),
            ("flow --data two.bin --samples 0", 2, &["0", "at least one"]),
            (
                "flow --data lie.npy --target y.npy",
                3,
                &["lie.npy: offset", "8 bytes of data", "promises"],
            ),
            ("flow --data x.npy --target huge.npy", 3, &["huge.npy: header", "beyond any memory"]),
            ("flow --data x.npy --target nan.npy", 3, &["nan.npy: row 2, column 0", "NaN"]),
            ("flow --data none.npy --target y.npy", 3, &["none.npy", "[0, 1]", "at least one"]),
            ("flow --data magic.npy --target y.npy", 3, &["magic.npy: offset 0", "magic"]),
            ("flow --data x.npy --target short.npy", 3, &["3 × 1", "4 × 2", "one per sample"]),
            ("flow --data x.npy", 2, &["without targets", ".npy"]),
            ("flow --data x.npy --target gone.npy", 4, &["gone.npy", "cannot read"]),
        ],
    );
}

#[test]
fn faults_of_formulas_point_at_the_column() {
    let folder = Folder::new();
    let nested = format!("derive '{}w1{}'", "(".repeat(30_000), ")".repeat(30_000));
    let powers = format!("derive '{}w1'", "w1^".repeat(30_000));
    let minus = format!("flow --target 1 --model '{}w1'", "-".repeat(100_000));
    let long = format!("flow --target 1 --model '{}w'", "w+".repeat(60_000));
    check(
        &folder,
        &[
            ("flow --target 1 --model 'w1 +'", 2, &["column 4", "\n  w1 +\n     ^"]),
            ("flow --target 1 --model '(w1'", 2, &["column 1", "never closed", "\n  ^"]),
            ("flow --target 1 --model 'sinn(w1)'", 2, &["column 1", "did you mean `sin`?"]),
            ("flow --target 1 --model 2w1", 2, &["column 2", "write 2*w1"]),
            ("flow --target 1 --model 1/0*w1", 2, &["column 2", "division by zero"]),
            ("flow --target 1 --model 1e999*w1", 2, &["column 1", "range"]),
            ("flow --target 1 --model 'w1 $ 2'", 2, &["column 4", "found `$`"]),
            ("flow --target 1 --model ''", 2, &["empty"]),
            ("flow --target 1 --model 'w1;'", 2, &["column 3", "no output"]),
            ("flow --target 1 --model 3+4", 2, &["no parameter"]),
            ("derive 'w1 +'", 2, &["column 4", "^"]),
            ("derive w1*x --inputs x,x", 2, &["`x`", "own name"]),
            (&nested, 2, &["128 deep", "character 129"]),
            (&powers, 2, &["128 deep"]),
            (&minus, 2, &["128 deep"]),
            (&long, 2, &["100000"]),
        ],
    );
}
