//! What goes wrong, or looks as if it did, once a flow runs: exit code 1 with partial results kept and marked, honest
//! words about flows that stand still or do not differ, and files written whole or not at all.

mod command;

use command::{Folder, at};
use std::io::Read;
use std::process::{Command, Stdio};

#[test]
fn a_model_that_is_not_finite_at_the_start_is_named_by_its_output() {
    let folder = Folder::new();
    for (line, output) in [
        ("flow --model 'ln(w1)' --start -1 --target 1", "output 0"),
        ("flow --model 'w1; ln(w2)' --start 1,-1 --target 1,1", "output 1"),
    ] {
        let ran = folder.line(line);
        assert_eq!(ran.code, 1, "{}", ran.talk);
        assert!(
            ran.talk.contains(output) && ran.talk.contains("choose another start"),
            "{}",
            ran.talk
        );
        assert!(ran.out.is_empty() && folder.names().is_empty());
    }
}

#[test]
fn a_flow_that_leaves_its_domain_says_when_and_other_scales_are_kept() {
    let folder = Folder::new();
    let line = "flow --model ln(w1) --start 1 --target -1000 --alpha 1,1e3 --time 10";
    let ran = folder.line(&format!("{line} --json"));
    assert_eq!(ran.code, 1);
    assert!(
        ran.talk.contains("α = 1: the flow leaves the domain") && ran.talk.contains("t = "),
        "{}",
        ran.talk
    );
    let found = ran.json();
    // w' = −(ln w + 1000)/w at α = 1 is −1000/w and less before it ends at w = 0: w² ≤ 1 − 2·(1000 − |ln w|) t.
    let failed = &found["runs"][0];
    assert_eq!((failed["stop"].as_str(), at(failed, "alpha")), (Some("failed"), 1.0));
    assert!((at(failed, "time") - 5e-4).abs() < 1e-5, "{failed}");
    assert!(failed["error"].as_str().unwrap_or_default().contains("--time"));
    assert_eq!(found["runs"][1]["stop"], "horizon");
    assert!(at(&found, "runs/1/gap/w_sup") > 0.0);
    // The table says the same, and the figure shows what there is.
    let ran = folder.line(line);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("failed at t = 5.0") && ran.out.contains("horizon"), "{}", ran.out);
    assert!(folder.read("figures/flow.csv").contains("displacement"));
}

#[test]
fn spent_budgets_are_failures_with_the_time_reached() {
    let folder = Folder::new();
    let line = "flow --model w1^2-1 --start 1 --target 1.5 --alpha 10 --time 10 --json";
    let ran = folder.line(&format!("{line} --max-steps 5"));
    assert_eq!(ran.code, 1);
    assert!(
        ran.talk.contains("work budget is spent") && ran.talk.contains("--max-steps"),
        "{}",
        ran.talk
    );
    assert!(at(&ran.json(), "runs/0/time") > 0.0);
    // A separable logistic loss has no minimum: no rest to be found, and no hang either.
    let ran = folder.line(
        "flow --model w1 --start 0 --labels 1 --loss logistic --alpha 1 --time inf --max-seconds 20 --json",
    );
    assert_eq!(ran.code, 1, "{}", ran.talk);
    assert_eq!(ran.json()["runs"][0]["stop"], "failed");
}

#[test]
fn a_stationary_start_is_not_called_converged() {
    let folder = Folder::new();
    let ran = folder.line("flow --model w1^2 --start 0 --target 1 --alpha 1,10 --time 1").done();
    assert!(
        ran.out.contains("stationary at start") && ran.out.contains("loss at 5.0000e-1"),
        "{}",
        ran.out
    );
    assert!(ran.talk.contains("no figure figures/flow.svg"), "{}", ran.talk);
    assert!(!folder.path("figures/flow.svg").exists() && folder.path("figures/flow.csv").exists());
    let ran = folder.line("flow --model w1^2 --start 0 --target 1 --alpha 1 --json").done().json();
    assert_eq!(
        (ran["runs"][0]["stop"].as_str(), at(&ran, "runs/0/loss")),
        (Some("stationary"), 0.5)
    );
}

#[test]
fn an_unreachable_target_ends_at_rest_above_zero() {
    // w² + 1 is never 0: the flow comes to rest at w = 0 with the loss ½.
    let line = "flow --model w1^2+1 --start 1 --target 0 --alpha 1 --time inf --json";
    let found = Folder::new().line(line).done().json();
    assert_eq!(found["runs"][0]["stop"], "converged");
    assert!((at(&found, "runs/0/loss") - 0.5).abs() < 1e-7, "{found}");
}

#[test]
fn a_model_linear_in_its_parameters_has_gap_zero_not_nan() {
    let folder = Folder::new();
    let line = "flow --model '2*w1 + w2; w2' --start 0,0 --target 1,2 --alpha 1..100,inf";
    let ran = folder.line(line).done();
    assert!(ran.out.contains("exactly zero") && !ran.out.contains("NaN"), "{}", ran.out);
    assert!(folder.read("figures/flow.svg").contains("</svg>"), "the displacement can be drawn");
    let found = folder.line(&format!("{line} --json")).done().json();
    for run in found["runs"].as_array().expect("runs") {
        assert_eq!((at(run, "gap/w_sup"), at(run, "gap/outputs_sup")), (0.0, 0.0));
    }
    assert!(found["slopes"]["w_gap"].is_null());
    // Nothing is trained at all: nothing to draw, which is no failure.
    let ran = folder.line("flow --model w1-w1 --start 1 --target 1 --figure no.svg").done();
    assert!(ran.talk.contains("no figure no.svg") && !folder.path("no.svg").exists());
}

#[test]
fn time_zero_is_the_start() {
    let line = "flow --model w1^2-1 --start 1 --target 1.5 --alpha 10 --time 0 --json";
    let found = Folder::new().line(line).done().json();
    assert_eq!((at(&found, "runs/0/w/0"), at(&found, "runs/0/loss")), (1.0, 1.125));
}

#[test]
fn a_start_away_from_zero_is_warned_about_and_has_no_limit() {
    let folder = Folder::new();
    let line = "flow --model w1^2 --start 1 --target 2 --time 0.1 --no-figure";
    let ran = folder.line(line).done();
    assert!(
        ran.talk.contains("‖h(w₀)‖ = 1.000e0") && ran.talk.contains("--zero centred"),
        "{}",
        ran.talk
    );
    assert!(!ran.out.contains('∞'), "the limit, not asked for in words, is left out:\n{}", ran.out);
    let ran = folder.line(&format!("{line} --alpha 1,inf"));
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.talk.contains("α = ∞") && ran.talk.contains("--zero centred"), "{}", ran.talk);
    let ran = folder.line(&format!("{line} --alpha 1,inf --zero centred")).done();
    assert!(ran.out.contains('∞') && ran.talk.is_empty());
}

#[test]
fn repeated_scales_are_solved_once_with_a_note() {
    let line = "flow --model w1^2-1 --start 1 --target 1.5 --alpha 1,10,1 --time 1 --no-figure";
    let ran = Folder::new().line(line).done();
    assert!(ran.talk.contains("solved once"), "{}", ran.talk);
}

#[test]
fn tables_that_look_odd_and_are_not_wrong_are_read() {
    let folder = Folder::new();
    folder
        .write("bom.csv", b"\xef\xbb\xbfa,b,y\r\n1,2,3\r\n4,5,6\r\n".as_slice())
        .write("twin.csv", "a,b,y\n1,2,3\n1,2,3\n4,5,6\n1,2,4\n")
        .write("equal.csv", "a,y\n1,0\n2,0\n")
        .write("tiny.csv", "a,y\n5e-324,-0.0\n1,1\n");
    for line in [
        "--data bom.csv --target y",
        // Samples given twice, with contradicting targets: a kernel of deficient rank, an unreachable target.
        "--data twin.csv --target y --biases",
        // More outputs than parameters.
        "--data twin.csv --target y --model w1*a",
        "--data equal.csv --target y --loss cross-entropy",
        "--data tiny.csv --target y",
    ] {
        let line = format!("flow {line} --width 4 --alpha 1,10 --time 1 --json");
        let found = folder.line(&line).done().json();
        assert_eq!(found["runs"][1]["stop"], "horizon", "{line}");
    }
}

#[test]
fn files_that_exist_are_kept_unless_told_otherwise() {
    let folder = Folder::new();
    folder.write("old.csv", "precious").write("old.svg", "precious");
    let flow = "flow --model w1^2-1 --start 1 --target 1.5 --alpha 1,10 --time 1";
    for output in ["--csv old.csv --no-figure", "--figure old.svg", "--figure old.png"] {
        let ran = folder.line(&format!("{flow} {output}"));
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{output}");
        assert!(ran.talk.contains("exists") && ran.talk.contains("--overwrite"), "{}", ran.talk);
    }
    assert_eq!(
        (folder.read("old.csv"), folder.read("old.svg")),
        ("precious".into(), "precious".into())
    );
    folder.line(&format!("{flow} --figure old.svg --overwrite")).done();
    assert!(folder.read("old.csv").contains("w_gap") && folder.read("old.svg").contains("</svg>"));
    // Nothing overwrites the data that are read.
    folder.write("flats.csv", "a,y\n1,2\n2,1\n");
    let ran = folder.line("flow --data flats.csv --target y --figure flats.svg --overwrite");
    assert!(ran.code == 2 && ran.talk.contains("flats.csv holds the data"), "{}", ran.talk);
    assert_eq!(folder.read("flats.csv"), "a,y\n1,2\n2,1\n");
    std::fs::remove_file(folder.path("flats.csv")).expect("a file to remove");
    // Paths and the figure's numbers would be one file.
    let ran = folder.line(&format!("{flow} --figure a.svg --csv a.csv"));
    assert!(
        ran.code == 2 && ran.talk.contains("--csv") && ran.talk.contains("figure"),
        "{}",
        ran.talk
    );
    assert_eq!(folder.names(), ["old.csv", "old.svg"]);
}

#[test]
fn places_that_cannot_be_written_are_named_and_nothing_is_left() {
    let folder = Folder::new();
    folder.write("file", "in the way");
    std::fs::create_dir(folder.path("folder.csv")).expect("a folder");
    let flow = "flow --model w1^2-1 --start 1 --target 1.5 --alpha 1,10 --time 1 --overwrite";
    for (output, name) in [
        ("--csv folder.csv --no-figure", "folder.csv"),
        ("--figure folder.svg", "folder.csv"),
        ("--csv file/x.csv --no-figure", "file"),
        ("--csv /dev/null --no-figure", "/dev/null"),
    ] {
        let ran = folder.line(&format!("{flow} {output}"));
        assert_eq!(ran.code, 4, "{output}: {}", ran.talk);
        assert!(ran.talk.contains(name) && ran.talk.contains("cannot"), "{}", ran.talk);
        assert_eq!(folder.names(), ["file", "folder.csv"], "{output}");
    }
    let ran = folder.line(&format!("{flow} --figure x.gif"));
    assert!(ran.code == 2 && ran.talk.contains("known: svg, png") && ran.out.is_empty());
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    // 4000 weights four times over are far more than a pipe holds; one byte of them is read.
    let model = (1..=4000).map(|i| format!("w{i}")).collect::<Vec<_>>().join(" + ");
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("gradflow"))
        .args(["flow", "--quiet", "--target", "1", "--alpha", "1,10", "--json", "--model", &model])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut byte = [0];
    let mut out = child.stdout.take().expect("a pipe");
    out.read_exact(&mut byte).expect("a byte");
    drop(out);
    let ended = child.wait_with_output().expect("the command ends");
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

/// Unknowns of size 10⁻²⁰⁰, whose squares vanish, and steps that are computed from them: an answer or a failure by
/// every solver, never a panic.
#[test]
fn numbers_too_small_to_square_end_a_solve_in_words() {
    let folder = Folder::new();
    for solver in ["auto", "exponential", "bdf", "tr-bdf2", "esdirk34", "tsit45"] {
        for target in ["1e-160", "1e-200", "1e-300"] {
            let line = format!("--model w1^2-1 --start 1 --target {target} --solver {solver}");
            let ran = folder.line(&format!("bounds {line} --theorem 4"));
            assert!(ran.code <= 1, "{line}: {} {}", ran.code, ran.talk);
            let ran = folder.line(&format!("flow {line} --alpha 1e-3,1,1e6 --time 5"));
            assert!(ran.code <= 1, "{line}: {} {}", ran.code, ran.talk);
        }
    }
}
