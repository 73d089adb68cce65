//! `gradflow flow` and `gradflow derive` as users and programs run them, against closed forms.

mod command;

use command::{Folder, at, near};
use serde_json::Value;

/// h = w² − 1 from w = 1 with target 1.5: the line that programs drive the command by.
const SQUARED: &str = "flow --model 'w1^2 - 1' --start 1 --target 1.5 --loss square-half-sum";

fn squared(more: &str) -> Value {
    Folder::new().line(&format!("{SQUARED} {more} --json")).done().json()
}

/// w(t) at scale α: v = w² obeys v' = 4v(c − v) with c = 1 + y*/α, since w' = −(2w/α)(α(w² − 1) − y*).
fn squared_flow(alpha: f64, t: f64) -> f64 {
    let c = 1.0 + 1.5 / alpha;
    (c / (1.0 + (c - 1.0) * (-4.0 * c * t).exp())).sqrt()
}

/// ū(t) = α(w̄ − 1): ū' = −2(2ū − 1.5), so ū = 0.75 (1 − e^(−4t)), at every α.
fn squared_linear(t: f64) -> f64 {
    0.75 * (1.0 - (-4.0 * t).exp())
}

#[test]
fn the_main_job_prints_slopes_and_leaves_a_figure_and_runs_twice() {
    let folder = Folder::new();
    let first = folder.line("flow").done();
    for word in ["two-layer", "λ₁", "sup‖w − w̄‖", "slope", "∞", "Theorem 2.2", "seed 0"]
    {
        assert!(first.out.contains(word), "{word} is missing:\n{}", first.out);
    }
    let slopes = first.out.lines().find(|l| l.trim_start().starts_with("slope")).expect("slopes");
    let slopes: Vec<f64> =
        slopes.split_whitespace().skip(1).map(|s| s.parse().expect("a slope")).collect();
    // Theorem 2.2; the next order in 1/α, at α ≥ 1e3, changes the slopes by about 1e-3.
    for (slope, law) in slopes.iter().zip([-1.0, -2.0, -1.0]) {
        assert!((slope - law).abs() < 1e-2, "{slopes:?}");
    }
    assert_eq!(folder.names(), ["figures"]);
    let (svg, csv) = (folder.read("figures/flow.svg"), folder.read("figures/flow.csv"));
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    assert_eq!(csv.lines().filter(|l| !l.starts_with('#')).count(), 1 + 8, "{csv}");
    assert!(csv.contains("# seed: 0") && csv.contains("# loss: square-half-sum"));

    let second = folder.line("flow").done();
    assert_eq!(second.out, first.out, "same seed, same bytes");
    assert_eq!((folder.read("figures/flow.svg"), folder.read("figures/flow.csv")), (svg, csv));
}

#[test]
fn the_line_for_programs_has_every_key_and_the_closed_form() {
    let found = squared("--alpha 10 --time 1 --rtol 1e-10");
    for key in ["crate_version", "conventions", "slopes", "model", "data", "start", "solver"] {
        assert!(found.get(key).is_some(), "{key}");
    }
    assert_eq!(found["seed"], 0);
    assert_eq!(found["conventions"]["loss"], "square-half-sum");
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    assert_eq!(run["stop"], "horizon");
    assert_eq!((at(run, "alpha"), at(run, "time")), (10.0, 1.0));

    let (w, u) = (squared_flow(10.0, 1.0), squared_linear(1.0));
    let wanted = [
        ("w/0", w),
        ("outputs/0", 10.0 * (w * w - 1.0)),
        ("linear/w/0", 1.0 + 0.1 * u),
        ("linear/outputs/0", 2.0 * u),
        ("displacement_sup", w - 1.0), // the flow is monotone
    ];
    for (key, value) in wanted {
        near(key, at(run, key), value, 1e-9); // 10 rtol
    }
    // Losses are quadratic in outputs that are right to 10 rtol of 1.5.
    for (key, y) in [("loss", 10.0 * (w * w - 1.0)), ("linear_loss", 2.0 * u)] {
        near(key, at(run, key), 0.5 * (y - 1.5) * (y - 1.5), 1e-6);
    }
    // Suprema over continuous time, by a fine grid of the closed form; at a maximum its error is second order.
    let times = (0..=200_000).map(|i| f64::from(i) / 200_000.0);
    let (mut w_sup, mut y_sup) = ((0.0, 0.0), (0.0, 0.0));
    for t in times {
        let (w, u) = (squared_flow(10.0, t), squared_linear(t));
        let (e, s) = ((w - 1.0 - 0.1 * u).abs(), (10.0 * (w * w - 1.0) - 2.0 * u).abs());
        w_sup = if e > w_sup.0 { (e, t) } else { w_sup };
        y_sup = if s > y_sup.0 { (s, t) } else { y_sup };
    }
    near("w_sup", at(run, "gap/w_sup"), w_sup.0, 1e-8);
    near("outputs_sup", at(run, "gap/outputs_sup"), y_sup.0, 1e-8);
    assert!((at(run, "gap/outputs_sup_time") - y_sup.1).abs() < 1e-3);
    assert!((at(run, "gap/w_sup_time") - w_sup.1).abs() < 1e-3);
    near("w_scaled_sup", at(run, "gap/w_scaled_sup"), 100.0 * w_sup.0, 1e-8);
    near("outputs_scaled_sup", at(run, "gap/outputs_scaled_sup"), 10.0 * y_sup.0, 1e-8);

    assert!(at(run, "error_estimate") >= 0.0);
    for counter in ["steps", "rhs", "jacobians", "linear_solves"] {
        assert!(run["work"][counter].is_u64(), "{counter}");
    }
    assert!(run["work"]["steps"].as_u64() > Some(0) && run["work"]["rhs"].as_u64() > Some(0));
}

#[test]
fn every_scale_up_to_the_limit_has_its_closed_form() {
    let found = squared("--alpha 1,1e3,1e6,1e12,inf --time 1 --rtol 1e-10");
    let runs = found["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 5);
    for (run, alpha) in runs.iter().zip([1.0, 1e3, 1e6, 1e12]) {
        assert_eq!(at(run, "alpha"), alpha);
        near("w", at(run, "w/0"), squared_flow(alpha, 1.0), 1e-9);
    }
    let limit = &runs[4];
    assert_eq!(limit["alpha"], "inf");
    assert_eq!(at(limit, "w/0"), 1.0);
    near("outputs", at(limit, "outputs/0"), 2.0 * squared_linear(1.0), 1e-9);
    // At 1e12 the scaled suprema are those of the limit but for a relative 1e-12.
    let far = &runs[3];
    for key in ["gap/w_scaled_sup", "gap/outputs_scaled_sup", "displacement_scaled_sup"] {
        near(key, at(far, key), at(limit, key), 1e-9);
    }
    assert_eq!((at(limit, "gap/w_sup"), at(limit, "gap/outputs_sup")), (0.0, 0.0));
}

#[test]
fn infinite_time_ends_at_rest() {
    let found = squared("--alpha 10,inf --time inf");
    for (run, w) in found["runs"].as_array().expect("runs").iter().zip([1.15_f64.sqrt(), 1.0]) {
        assert_eq!(run["stop"], "converged");
        near("w", at(run, "w/0"), w, 1e-7);
        near("outputs", at(run, "outputs/0"), 1.5, 1e-7);
    }
}

#[test]
fn a_range_of_scales_gives_a_run_a_decade_in_order() {
    let found = squared("--alpha 1e0..1e4 --time 1");
    let alphas: Vec<f64> =
        found["runs"].as_array().expect("runs").iter().map(|r| at(r, "alpha")).collect();
    assert_eq!(alphas, [1.0, 10.0, 100.0, 1e3, 1e4]);
    near("slope", at(&found, "slopes/w_gap"), -2.0, 0.05);
}

#[test]
fn labels_are_the_targets_of_classifying_losses() {
    let folder = Folder::new();
    let line = "flow --model 'w1; w1*w2; w2' --start 1,1 --alpha 10 --time 1 --zero centred --json";
    let logistic = folder.line(&format!("{line} --loss logistic --labels 1,1,-1")).done().json();
    assert_eq!(logistic["conventions"]["loss"], "logistic-sum");
    // The loss falls from 3 ln 2, where it starts with all outputs 0.
    assert!(at(&logistic, "runs/0/loss") < 3.0 * 2.0_f64.ln());
    let classes = folder.line(&format!("{line} --loss cross-entropy --labels 2")).done().json();
    assert!(at(&classes, "runs/0/loss") < 3.0_f64.ln());
}

#[test]
fn every_loss_and_its_convention_can_be_named() {
    let folder = Folder::new();
    for loss in gradflow::loss::LossName::ALL.map(|loss| loss.to_string()) {
        let targets = if loss.starts_with("cross") { "1" } else { "1,-1" };
        let line = format!(
            "flow --model 'w1; w1*w2' --start 1,1 --zero centred --labels {targets} --loss {loss} --alpha 10 \
             --time 1 --json"
        );
        let found = folder.line(&line).done().json();
        assert_eq!(found["conventions"]["loss"].as_str(), Some(loss.as_str()));
        assert_eq!(found["runs"][0]["stop"], "horizon", "{loss}");
    }
    // A mean over two outputs runs at half the speed of the sum.
    let run = |loss: &str, time: &str| {
        let line =
            "flow --model 'w1; w1*w2' --start 1,1 --zero centred --target 1,-1 --alpha 10 --json";
        let found = folder.line(&format!("{line} --loss {loss} --time {time}")).done().json();
        at(&found, "runs/0/w/1")
    };
    near("mean", run("square-half-mean", "2"), run("square-half-sum", "1"), 1e-7);
    near("half", run("square-sum", "1"), run("square-half-sum", "2"), 1e-7);
}

#[test]
fn every_solver_comes_to_the_same_path() {
    for solver in ["auto", "bdf", "tr-bdf2", "esdirk34", "tsit45"] {
        let found = squared(&format!("--alpha 10 --time 1 --rtol 1e-6 --solver {solver}"));
        near(solver, at(&found, "runs/0/w/0"), squared_flow(10.0, 1.0), 1e-5);
        let used = found["runs"][0]["solver"].as_str().unwrap_or_default();
        assert!(solver == "auto" || used == solver, "{solver}: {used}");
    }
}

#[test]
fn whole_paths_are_written_and_read_back() {
    let folder = Folder::new();
    let line = format!("{SQUARED} --alpha 10,inf --time 1 --points 50 --csv paths.csv --no-figure");
    let ran = folder.line(&line).done();
    assert!(ran.talk.contains("wrote: paths.csv"), "{}", ran.talk);
    let table = gradflow::experiment::Table::read(&folder.path("paths.csv")).expect("a table");
    assert_eq!(table.noted("seed"), Some("0"));
    let column = |name: &str| table.column(name).expect("a column");
    assert_eq!(table.len(), 2 * 50, "a row per scale and time, the first at 0");
    for (i, &t) in column("time").iter().take(50).enumerate() {
        let (w, u) = (squared_flow(10.0, t), squared_linear(t));
        assert!((column("w1")[i] - w).abs() < 1e-7, "w at {t}");
        assert!((column("linear_w1")[i] - (1.0 + 0.1 * u)).abs() < 1e-12, "w̄ at {t}");
        assert!((column("y1")[i] - 10.0 * (w * w - 1.0)).abs() < 1e-6, "y at {t}");
        assert!((column("linear_y1")[i] - 2.0 * u).abs() < 1e-12, "ȳ at {t}");
    }
    assert_eq!(column("alpha")[50], f64::INFINITY);
    assert_eq!(folder.names(), ["paths.csv"]);
}

#[test]
fn a_figure_is_a_picture_by_its_ending_with_its_numbers_beside_it() {
    let folder = Folder::new();
    folder.line(&format!("{SQUARED} --alpha 1..100 --time 1 --figure deep/x.png")).done();
    let png = std::fs::read(folder.path("deep/x.png")).expect("a picture");
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(folder.read("deep/x.csv").contains("w_gap_scaled"));
    // One scale: the path in time; JSON and a figure together.
    let ran =
        folder.line(&format!("{SQUARED} --alpha 10 --time 1 --figure path.svg --json")).done();
    assert!(folder.read("path.svg").contains("</svg>") && ran.talk.is_empty(), "{}", ran.talk);
    assert!(folder.read("path.csv").contains("linear_loss"));
    ran.json();
}

#[test]
fn data_go_to_standard_output_and_talk_to_standard_error() {
    let folder = Folder::new();
    let plain = folder.line(&format!("{SQUARED} --alpha 1,10 --time 1")).done();
    assert!(plain.talk.contains("wrote: figures/flow.svg") && !plain.out.contains("wrote"));
    assert!(plain.out.contains("sup‖w − w̄‖") && !plain.out.contains('\u{1b}'));
    let quiet = folder.line(&format!("{SQUARED} --alpha 1,10 --time 1 --quiet")).done();
    assert_eq!((quiet.talk.as_str(), &quiet.out), ("", &plain.out));
    let json = folder.line(&format!("{SQUARED} --alpha 1,10 --time 1 --json")).done();
    assert_eq!(json.talk, "");
    assert!(json.out.starts_with('{') && json.out.ends_with("}\n"));
}

#[test]
fn a_seed_is_reproducible_and_another_seed_is_another_run() {
    let folder = Folder::new();
    let run = |seed: &str| {
        let line = format!("flow --width 8 --alpha 1,10 --json --seed {seed}");
        let mut found = folder.line(&line).done().json();
        assert_eq!(found["seed"].to_string(), seed);
        found.as_object_mut().expect("an object").remove("seed");
        found["runs"].to_string()
    };
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
    run("18446744073709551615");
}

#[test]
fn networks_of_every_kind_can_be_asked_for() {
    let folder = Folder::new();
    let common = "--width 8 --alpha 10 --samples 6 --seed 3 --json";
    for more in [
        "--model mlp --depth 3 --activation erf --parametrization standard --init xavier",
        "--model mlp --biases --activation softplus",
        "--activation gelu --scaling 1/m --init he --zero doubled",
        "--activation sigmoid --scaling 1 --init gaussian:0.1 --biases",
        "--activation identity --init unit-sphere --scale standardized",
        "--activation relu --rtol 1e-3",
    ] {
        let found = folder.line(&format!("flow {common} {more}")).done().json();
        assert_eq!(found["runs"][0]["stop"], "horizon", "{more}");
    }
}

#[test]
fn events_stop_the_flow_at_their_level() {
    let found = squared("--alpha 10 --time 10 --stop-loss 0.01 --rtol 1e-9");
    assert_eq!(found["runs"][0]["stop"], "loss");
    near("loss", at(&found, "runs/0/loss"), 0.01, 1e-6);
    let found = squared("--alpha 10 --time 10 --stop-distance 0.05 --rtol 1e-9");
    assert_eq!(found["runs"][0]["stop"], "distance");
    near("w", at(&found, "runs/0/w/0"), 1.05, 1e-8);
}

#[test]
fn a_formula_derives_its_gradient_flow() {
    let folder = Folder::new();
    let text = folder.line("derive w1*tanh(w2*x)").done();
    assert!(text.out.contains("∂h/∂w2 = w1*x*(1 - tanh(w2*x)^2)"), "{}", text.out);
    assert!(text.out.contains("w1' = -(1/α) Σᵢ rᵢ*tanh(w2*xᵢ)") && text.talk.is_empty());
    let latex = folder.line("derive --latex w1*tanh(w2*x)").done().out;
    assert!(latex.contains(r"\begin{align*}") && latex.contains(r"\dot{w}_{1}"), "{latex}");
    assert!(folder.line("derive a*t --inputs t").done().out.contains("∂h/∂a = t"));
    assert!(folder.line("derive -w1").done().out.contains("∂h/∂w1 = -1"));
    assert!(folder.names().is_empty());
}

#[test]
fn help_names_every_option_and_the_exit_codes() {
    let folder = Folder::new();
    let help = folder.line("flow --help").done().out;
    for option in [
        "--model", "--width", "--data", "--target", "--labels", "--loss", "--alpha", "--time",
        "--rtol", "--solver", "--seed", "--json", "--csv", "--figure", "--quiet",
    ] {
        assert!(help.contains(option), "{option}:\n{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
    assert!(folder.line("derive --help").done().out.contains("--latex"));
    assert!(folder.line("--help").done().out.contains("Exit codes"));
    assert!(folder.line("--version").done().out.starts_with("gradflow "));
}
