//! The paper's figures: runs that resume with the same bytes, quick sizes within the paper's bands, and pictures drawn
//! again from the numbers alone.

mod command;

use command::Folder;
use gradflow::experiment::{
    Check, Desk, Experiment, Progress, Rows, Silent, Table, carry_out, is_table_of, keep,
};
use gradflow::figure::EXHIBITS;
use gradflow::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Twelve runs of one to three rows, which fail from the run `broken` on.
struct Counting {
    broken: usize,
    done: AtomicUsize,
}

impl Counting {
    fn until(broken: usize) -> Self {
        Counting { broken, done: AtomicUsize::new(0) }
    }
}

impl Experiment for Counting {
    fn blank(&self) -> Table {
        Table::new(&[("run", ""), ("value", "")]).note("size", "quick").note("seed", 0)
    }
    fn runs(&self) -> usize {
        12
    }
    fn label(&self, run: usize) -> String {
        run.to_string()
    }
    fn run(&self, run: usize, _: &Desk<'_>) -> Result<Rows> {
        if run >= self.broken {
            return Err(Error::Value {
                name: run.to_string(),
                value: "broken".into(),
                wanted: "no".into(),
            });
        }
        self.done.fetch_add(1, Ordering::Relaxed);
        let row = |k: usize| vec![run as f64, (run as f64 + 0.1).exp() / (k as f64 - 1.0)];
        Ok((0..=run % 3).map(row).collect())
    }
    fn checks(&self, _: &Table) -> Result<Vec<Check>> {
        Ok(Vec::new())
    }
}

/// The files beside `path`, hidden ones included.
fn beside(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().expect("a folder");
    std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect()
}

fn ledger(path: &Path) -> PathBuf {
    beside(path)
        .into_iter()
        .find(|file| file.extension().is_some_and(|e| e == "runs"))
        .expect("runs")
}

#[test]
fn what_is_done_is_not_done_again_and_the_bytes_are_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, cut) = (folder.path().join("a/whole.csv"), folder.path().join("b/cut.csv"));
    let table = carry_out(&Counting::until(99), &whole, &Silent).expect("all runs");
    keep(&table, &whole).expect("written");
    assert_eq!(beside(&whole), std::slice::from_ref(&whole), "nothing but the table is left");

    let error = carry_out(&Counting::until(7), &cut, &Silent).expect_err("run 7 is broken");
    assert!(error.to_string().starts_with('7'), "the first run that failed: {error}");
    // As if killed while writing: the last line cut short, and a run of three rows with two.
    let runs = ledger(&cut);
    let text = std::fs::read_to_string(&runs).expect("text");
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("6,")).collect();
    let two: Vec<&str> = kept.iter().copied().filter(|l| l.starts_with("5,")).take(2).collect();
    let others = kept.iter().copied().filter(|l| !l.starts_with("5,"));
    let torn = format!("{}\n6,1,6.0,44", others.chain(two).collect::<Vec<_>>().join("\n"));
    std::fs::write(&runs, torn).expect("written");
    let again = Counting::until(99);
    let resumed = carry_out(&again, &cut, &Silent).expect("the rest");
    assert_eq!(again.done.load(Ordering::Relaxed), 12 - 5, "five runs were complete");
    keep(&resumed, &cut).expect("written");
    let bytes = |path: &Path| std::fs::read(path).expect("a file");
    assert_eq!(bytes(&whole), bytes(&cut));
    assert!(is_table_of(&Table::read(&cut).expect("a table"), &again));
}

#[test]
fn other_settings_have_other_runs() {
    struct Other;
    impl Experiment for Other {
        fn blank(&self) -> Table {
            Counting::until(0).blank().note("seed", 1)
        }
        fn runs(&self) -> usize {
            1
        }
        fn label(&self, _: usize) -> String {
            String::new()
        }
        fn run(&self, _: usize, _: &Desk<'_>) -> Result<Rows> {
            Ok(vec![vec![0.0, -1.0]])
        }
        fn checks(&self, _: &Table) -> Result<Vec<Check>> {
            Ok(Vec::new())
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.csv");
    carry_out(&Counting::until(7), &path, &Silent).expect_err("broken");
    let table = carry_out(&Other, &path, &Silent).expect("its own run");
    assert_eq!(table.rows(), [[0.0, -1.0]]);
    assert_eq!(beside(&path).len(), 2, "both sets of runs are kept");
}

#[test]
fn progress_hears_of_every_run_once() {
    #[derive(Default)]
    struct Heard(AtomicUsize, AtomicUsize);
    impl Progress for Heard {
        fn begin(&self, runs: usize, done: usize) {
            self.0.store(runs - done, Ordering::Relaxed);
        }
        fn advance(&self, _: usize, _: f64) {}
        fn finish(&self, _: usize, _: &str) {
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (path, heard) = (folder.path().join("x.csv"), Heard::default());
    carry_out(&Counting::until(99), &path, &heard).expect("all runs");
    assert_eq!((heard.0.into_inner(), heard.1.into_inner()), (12, 12));
}

/// Killed with no warning once a run is written down, `gradflow figure` goes on to the same bytes.
#[test]
fn a_killed_figure_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let figure = |out: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gradflow"));
        command
            .current_dir(folder.path())
            .args(["figure", "fig4", "--full", "--quiet", "--out", out]);
        command.env("GRADFLOW_THREADS", "1").stdout(Stdio::null());
        command
    };
    assert!(figure("whole").status().expect("it starts").success());
    let mut killed = figure("cut").spawn().expect("it starts");
    let path = folder.path().join("cut/fig4_full.csv");
    let begun = Instant::now();
    let some = || {
        path.parent().is_some_and(Path::exists)
            && beside(&path).iter().any(|f| std::fs::metadata(f).is_ok_and(|m| m.len() > 0))
    };
    while !some() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(2));
    }
    killed.kill().expect("killed");
    killed.wait().expect("gone");
    assert!(!path.exists(), "it was killed before it was done");
    assert!(figure("cut").status().expect("it starts").success());
    for file in ["fig4_full.csv", "fig4_full.svg"] {
        let bytes = |out: &str| std::fs::read(folder.path().join(out).join(file)).expect(file);
        assert!(bytes("whole") == bytes("cut"), "{file} differs");
    }
    assert_eq!(beside(&path).len(), 2, "the table and the picture, and nothing else");
}

/// All checks of the quick size of these figures pass, and drawing again changes no byte.
fn passes_quick(names: &str) {
    passes_but(names, "", &[]);
}

/// The same with more options, but for these checks.
fn passes_but(names: &str, options: &str, without: &[&str]) {
    let folder = Folder::new();
    let line = format!("figure {names} --quick --json{options}");
    let run = || folder.run_within(900, &line.split(' ').collect::<Vec<_>>()).done();
    let found = run();
    for line in found.out.lines() {
        let figure: serde_json::Value = serde_json::from_str(line).expect("JSON");
        // Figure 7(a) draws the numbers of 3(a).
        assert_eq!(figure["made"], figure["figure"] != "fig7a");
        for check in figure["checks"].as_array().expect("checks") {
            let words = check["quantity"].as_str().expect("words");
            if !without.contains(&words) {
                assert_eq!(check["verdict"], "passes", "{}: {check}", figure["figure"]);
            }
        }
    }
    assert_eq!(found.out.lines().count(), names.split(' ').count());
    let drawn = |name: &str| folder.read(&format!("figures/{name}_quick.svg"));
    let before: Vec<String> = names.split(' ').map(drawn).collect();
    let again = run();
    assert!(again.out.lines().all(|line| line.contains("\"made\":false")), "{}", again.out);
    assert_eq!(names.split(' ').map(drawn).collect::<Vec<_>>(), before);
}

#[test]
fn trajectories_and_kernels_are_the_papers() {
    passes_quick("fig1a fig1b fig4");
    // With a fifth of the neurons each has five times as much of the initial output to cancel.
    passes_but("fig6", "", &["the same, (b)"]);
}

#[test]
fn the_scale_of_the_start_decides_as_in_the_paper() {
    passes_quick("fig1c");
}

#[test]
fn wide_nets_evolve_as_linear_models() {
    passes_quick("wide_nets");
}

#[test]
fn wide_networks_are_as_much_worse_as_in_the_paper() {
    passes_quick("fig2a");
}

#[test]
fn the_population_loss_is_the_papers() {
    passes_quick("fig2b");
}

/// On the stand-in: patterns that a linear method tells apart, so that little is lost by being lazy, and few steps. The
/// rest holds: large scales agree with each other and with the exact linearization, and hardly any sign changes.
#[test]
fn lazy_convolutional_networks_are_their_linearizations() {
    let unlearnt = [
        "train accuracy lost from α = 1 to 100, points",
        "train loss at α = 100 over that at 1",
        "eigenvalue 10, images over random pixels",
    ];
    passes_but("fig3a fig7a fig7b", " --data synthetic", &unlearnt);
}

#[test]
fn linearized_networks_keep_their_signs() {
    let folder = Folder::new();
    let line = "figure table3b --quick --quiet --data synthetic";
    folder.run_within(600, &line.split(' ').collect::<Vec<_>>()).done();
    let table = Table::read(&folder.path("figures/table3b_quick.csv")).expect("a table");
    let column = |name: &str| table.column(name).expect("a column").to_vec();
    let rows =
        column("linearized").into_iter().zip(column("stability")).zip(column("train_accuracy"));
    assert_eq!(table.len(), 8);
    for ((linearized, stability), accuracy) in rows {
        assert!((0.0..=100.0).contains(&accuracy), "{accuracy}");
        assert!(
            if linearized > 0.0 { stability == 100.0 } else { stability < 100.0 },
            "{stability}"
        );
    }
}

#[test]
fn ridgeless_regression_descends_twice() {
    passes_quick("double_descent");
}

#[test]
fn labels_are_learnt_as_fast_and_as_well_as_their_projections_say() {
    passes_quick("true_random_labels complexity_measure");
}

/// Two classes of images, where no other program's measures are at hand.
#[test]
fn two_classes_of_images_are_learnt_so_too() {
    passes_but("true_random_labels complexity_measure", " --data synthetic", &[]);
}

#[test]
fn two_classes_without_images_are_said_to_be_skipped() {
    let folder = Folder::new();
    let generated = folder.line("figure complexity_measure --quick");
    assert_eq!(generated.code, 0, "{}", generated.talk);
    for word in ["skipped", "complexity_measure", "the data are generated", "--data PATH"] {
        assert!(generated.talk.contains(word), "{}", generated.talk);
    }
    let images = folder.line("figure complexity_measure --quick --data synthetic");
    assert!(images.code == 0 && !images.talk.contains("skipped"), "{}", images.talk);
}

#[test]
fn seeds_come_apart_on_shifted_data() {
    passes_quick("underspecification");
}

#[test]
fn depth_keeps_the_signal_from_the_right_start() {
    passes_quick("depth");
}

#[test]
fn without_images_the_message_says_what_to_give() {
    for name in ["fig3a", "fig7a", "fig7b", "table3b"] {
        let refused = Folder::new().line(&format!("figure {name} --quick"));
        assert_eq!(refused.code, 2, "{name}");
        for word in ["--data", "CIFAR-10", "TRAIN.bin,TEST.bin", "synthetic"] {
            assert!(refused.talk.contains(word), "{name}: {}", refused.talk);
        }
    }
    let folder = Folder::new();
    let refused = folder.line("figure fig3a --quick --data nowhere.bin");
    assert!(refused.code == 4 && refused.talk.contains("nowhere.bin"), "{}", refused.talk);
}

/// The page holds every picture of the folder, and nothing outside of it.
#[test]
fn the_report_is_whole_and_stands_alone() {
    let folder = Folder::new();
    folder.line("figure fig4 --quick --quiet").done();
    folder.line("flow --quiet").done();
    folder.line("report --quiet").done();
    let page = folder.read("figures/report.html");
    assert_eq!(page.matches("<svg").count(), 2, "fig4_quick and flow");
    assert_eq!(page.matches("</svg>").count(), 2);
    for word in [
        "fig4_quick",
        "passes",
        "not made: <code>gradflow figure fig1c",
        "seed",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(page.contains(word), "{word}");
    }
    for outside in ["src=", "href=\"http", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let missing = folder.line("report nowhere");
    assert!(missing.code == 4 && missing.talk.contains("nowhere"), "{}", missing.talk);
}

#[test]
fn the_list_names_every_exhibit_and_a_wrong_name_gets_the_nearest() {
    let listed = Folder::new().line("figure").done();
    for exhibit in EXHIBITS {
        assert!(listed.out.contains(exhibit.name) && listed.out.contains(exhibit.shows));
    }
    let refused = Folder::new().line("figure fig1d");
    assert!(refused.code == 2 && refused.talk.contains("did you mean"), "{}", refused.talk);
}

/// The numbers and the picture of every exhibit are kept, belong to the settings of today, and belong together.
#[test]
fn the_figures_kept_are_those_of_the_code() {
    let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("figures");
    let readme = std::fs::read_to_string(figures.join("README.md")).expect("README.md");
    for exhibit in EXHIBITS {
        let order = gradflow::experiment::Order::default();
        let picture = exhibit.path(&figures, order.size);
        let table = Table::read(&exhibit.numbers_path(&figures, order.size)).expect(exhibit.name);
        let experiment = exhibit.experiment(&order).expect(exhibit.name);
        assert!(is_table_of(&table, &*experiment), "{}: made with other settings", exhibit.name);
        let folder = tempfile::tempdir().expect("a folder");
        let drawn = folder.path().join("drawn.svg");
        let figure = gradflow::figure::Figure::named(exhibit.figure).expect("a kind of figure");
        figure.draw(&table, &drawn).expect("drawn");
        let bytes = |path: &Path| std::fs::read(path).expect("a picture");
        assert!(bytes(&drawn) == bytes(&picture), "{}: not drawn from its numbers", exhibit.name);
        for check in experiment.checks(&table).expect("checks") {
            let row = format!("| {} | ", check.quantity);
            assert!(readme.contains(&row), "figures/README.md lacks: {}", check.quantity);
        }
    }
}
