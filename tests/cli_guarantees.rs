//! `gradflow constants` and `gradflow bounds` as users and programs run them.

mod command;

use command::{Folder, at, near};
use serde_json::Value;

const TEXTBOOK: &str = "--model 'w^2 - 1' --start 1 --target 1";

fn json(line: &str) -> Value {
    Folder::new().line(&format!("{line} --json")).done().json()
}

/// The verdicts of a theorem's hypotheses.
fn verdicts(theorem: &Value) -> Vec<&str> {
    let all = theorem["hypotheses"].as_array().expect("hypotheses");
    all.iter().map(|h| h["verdict"].as_str().expect("a verdict")).collect()
}

#[test]
fn constants_of_the_textbook_model_have_their_closed_forms() {
    let found = json(&format!("constants {TEXTBOOK} --radius 0.1"));
    // h = w² − 1 at w = 1: Dh = 2w, D²h = 2, κ = ‖0 − 1‖ 2/2².
    for (path, wanted) in [
        ("norm_jacobian", 2.0),
        ("sigma_min", 2.0),
        ("sigma_min_positive", 2.0),
        ("rank", 1.0),
        ("lip_h/upper", 2.2),
        ("lip_h/radius", 0.1),
        ("lip_jacobian/upper", 2.0),
        ("lip_jacobian/lower", 2.0),
        ("lip_jacobian/radius", 0.1),
        ("norm_hessian/upper", 2.0),
        ("norm_hessian/lower", 2.0),
        ("kappa/upper", 0.5),
        ("kappa/lower", 0.5),
        ("kernel_eigenvalues/0", 4.0),
        ("one_step/ratio", 0.25),
    ] {
        near(path, at(&found, path), wanted, 1e-6);
    }
    for path in ["lip_h", "lip_jacobian", "norm_hessian", "kappa"] {
        assert!(
            at(&found, &format!("{path}/lower")) <= at(&found, &format!("{path}/upper")),
            "{path}"
        );
    }
    assert!(!found["lip_jacobian"]["method"].as_str().expect("a method").is_empty());
}

#[test]
fn without_targets_there_is_no_kappa_but_everything_else() {
    let found = json("constants --model 'w1*w2' --start 3,4");
    assert!(found["kappa"].is_null() && found["one_step"].is_null());
    near("norm_jacobian", at(&found, "norm_jacobian"), 5.0, 1e-12);
    near("lip_jacobian", at(&found, "lip_jacobian/upper"), 1.0, 1e-12);
    // 2-homogeneous.
    assert_eq!(at(&found, "homogeneity"), 2.0);
    let told = Folder::new().line("constants --model 'w1*w2' --start 3,4").done();
    assert!(told.out.contains("no targets were given"), "{}", told.out);
}

#[test]
fn a_kink_is_never_given_a_lipschitz_constant() {
    let found = json("constants --activation relu --width 8 --samples 5");
    assert!(found["lip_jacobian"]["upper"].is_null());
    let method = found["lip_jacobian"]["method"].as_str().expect("words");
    assert!(method.contains("not Lipschitz"), "{method}");
    let ran =
        Folder::new().line("bounds --activation relu --width 8 --samples 5 --theorem 2.3,1 --json");
    assert_eq!(ran.code, 1, "{}", ran.talk);
    for theorem in ran.json()["theorems"].as_array().expect("theorems") {
        assert!(theorem["bound"].is_null(), "{theorem}");
        assert!(verdicts(theorem).contains(&"fails"), "{theorem}");
    }
    // Not even on the ball of radius 0 that a start without residual would need.
    let line = "bounds --model 'relu(w1)*w2' --start 1,1 --target 1 --theorem 2 --no-figure";
    let rests = Folder::new().line(line);
    assert_eq!(rests.code, 1, "{}", rests.out);
    assert!(!rests.out.contains("Lip(Dh) ≤"), "{}", rests.out);
}

#[test]
fn bounds_are_above_what_is_measured_and_hold_as_the_scale_grows() {
    let found = json(&format!("bounds {TEXTBOOK} --alpha 20,200 --time 1"));
    let theorems = found["theorems"].as_array().expect("theorems");
    let mut compared = 0;
    for theorem in theorems {
        for key in
            ["name", "verdict", "hypotheses", "constants", "bound", "measured", "ratio", "evidence"]
        {
            assert!(theorem.get(key).is_some(), "{key}: {theorem}");
        }
        let all_hold = verdicts(theorem).iter().all(|v| *v == "holds");
        assert_eq!(theorem["verdict"] == "holds", all_hold, "{theorem}");
        assert!(all_hold || theorem["bound"].is_null(), "{theorem}");
        if let Some(ratio) = theorem["least_ratio"].as_f64() {
            compared += 1;
            // The measured curve has rtol 1e-8.
            assert!(ratio >= 1.0 - 1e-7, "{theorem}");
        }
    }
    assert!(compared > 12, "only {compared} bounds were compared");
    // α_min of Theorem 2.4 is 16 here: C₀ = 2³/(32·2·2).
    let theorem = theorems.iter().find(|t| t["id"] == "2.4").expect("Theorem 2.4");
    assert_eq!(theorem["verdict"], "holds");
}

/// The supremum of a residual is at the start: its rate shows at the end. For w² − 1 from 1 and T = 1, Theorem 2.4 has
/// e^(−mσ²t/4) = e^(−1), ours e^(−4) but for O(1/α), near what is measured.
#[test]
fn what_is_left_of_a_residual_is_compared_with_its_rate() {
    let found = json(&format!("bounds {TEXTBOOK} --alpha 1000 --time 1 --theorem 2.4,2"));
    let residuals = found["theorems"].as_array().expect("theorems").iter();
    let residuals: Vec<_> = residuals.filter(|t| t["quantity"] == "residual").collect();
    assert_eq!(residuals.len(), 2);
    for (theorem, exponent) in residuals.into_iter().zip([-1.0_f64, -4.0]) {
        near("bound", at(theorem, "at_end/bound"), exponent.exp(), 1e-2);
        near("measured", at(theorem, "at_end/measured"), (-4.0_f64).exp(), 1e-2);
        // e₀ bounds itself, rounded up.
        near("ratio", at(theorem, "ratio"), 1.0, 1e-12);
    }
    let line = format!("bounds {TEXTBOOK} --alpha 1000 --time 1 --theorem 2.4 --no-figure");
    let told = Folder::new().line(&line).done();
    assert!(told.out.contains("at the end ‖y − y*‖ ≤ 0.36"), "{}", told.out);
}

/// From w = 0.0078 under a large residual the flow leaves the saddle of w² − 1 in a ten-thousandth of its automatic
/// horizon, between the nodes of the first sampling.
#[test]
fn a_flow_that_leaves_a_saddle_exceeds_no_bound() {
    let line = "bounds --model 'w^2 - 1' --start 0.0078 --target 1 --alpha 10 --solver bdf --theorem 3,A --json";
    let ran = Folder::new().line(line).done();
    for theorem in ran.json()["theorems"].as_array().expect("theorems") {
        assert!(at(theorem, "least_ratio") > 1.0 - 1e-6, "{theorem}");
    }
}

#[test]
fn a_theorem_asked_for_by_name_decides_the_exit_code() {
    let folder = Folder::new();
    let holds = folder.line(&format!("bounds {TEXTBOOK} --alpha 17 --theorem 2.4 --no-figure"));
    assert_eq!(holds.code, 0, "{}{}", holds.out, holds.talk);
    let fails = folder.line(&format!("bounds {TEXTBOOK} --alpha 15 --theorem 2.4 --no-figure"));
    assert_eq!(fails.code, 1, "{}", fails.out);
    assert!(fails.out.contains("silent"), "{}", fails.out);
    assert!(fails.out.contains("16"), "what would repair it: {}", fails.out);
    let unknown = folder.line(&format!("bounds {TEXTBOOK} --theorem 2.9"));
    assert_eq!(unknown.code, 2);
    assert!(unknown.talk.contains("2.4"), "{}", unknown.talk);
    assert!(folder.names().is_empty());
}

#[test]
fn a_network_on_a_file_gets_a_report_and_a_figure() {
    let folder = Folder::new();
    let rows: String = (0..6)
        .map(|i| {
            let x = f64::from(i) / 2.0 - 1.3;
            format!("{x},{},{}\n", (2.0 * x).cos(), 0.3 * x.sin())
        })
        .collect();
    folder.write("points.csv", format!("a,b,y\n{rows}"));
    let ran = folder
        .line("bounds --data points.csv --target y --width 40 --scale standardized --alpha 10,1000")
        .done();
    for word in [
        "Theorem 2.2",
        "Theorem 2.3",
        "Theorem 2.4",
        "Theorem 1 (ours",
        "points.csv",
        "α = 1000",
        "tightest",
    ] {
        assert!(ran.out.contains(word), "{word} is missing:\n{}", ran.out);
    }
    assert!(!ran.out.contains("EXCEEDED"), "{}", ran.out);
    assert!(!ran.out.contains("NaN") && !ran.out.contains("= inf"), "{}", ran.out);
    assert!(folder.read("figures/bounds.svg").contains("Theorem 1 (ours)"));
    assert!(folder.read("figures/bounds.csv").contains("# seed: 0"));
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_remedy() {
    let folder = Folder::new();
    for (line, word) in [
        (format!("constants {TEXTBOOK} --radius -1"), "radius"),
        (format!("constants {TEXTBOOK} --radius nan"), "radius"),
        (format!("constants {TEXTBOOK} --alpha 1,2"), "one scale"),
        (format!("bounds {TEXTBOOK} --alpha inf"), "finite scales"),
        (format!("bounds {TEXTBOOK} --alpha 0"), "α"),
        (format!("bounds {TEXTBOOK} --theorem 2.4 --all"), "--all"),
        ("bounds --model 'w^2 - 1' --start 1".into(), "target"),
        ("bounds --model 'exp(w)' --start 700 --target 1".into(), "overflows"),
        ("constants --model 'w^2 - 1' --start 1,2".into(), "start"),
        (format!("bounds {TEXTBOOK} --below -1"), "below"),
    ] {
        let ran = folder.line(&line);
        assert_eq!(ran.code, 2, "{line}: {}", ran.talk);
        assert!(ran.talk.contains(word), "{line}: {}", ran.talk);
    }
    assert!(folder.names().is_empty());
}

#[test]
fn a_linear_model_has_exact_zeros() {
    let found = json("constants --model '2*w1 + w2; w1' --start 0,0 --target 1,1");
    assert_eq!((at(&found, "lip_jacobian/upper"), at(&found, "kappa/upper")), (0.0, 0.0));
    let found = json("bounds --model '2*w1 + w2; w1' --start 0,0 --target 1,1 --alpha 1");
    for theorem in found["theorems"].as_array().expect("theorems") {
        if theorem["quantity"] == "outputs-gap" && theorem["verdict"] == "holds" {
            // Rounding of the path, where a bound is measured along it.
            assert!(theorem["bound"].as_f64().is_none_or(|b| b < 1e-6), "{theorem}");
        }
    }
}

#[test]
fn a_start_at_rest_and_a_met_target_give_zero_not_nonsense() {
    let found = json("bounds --model 'w^2 - 1' --start 1 --target 0 --alpha 10");
    for theorem in found["theorems"].as_array().expect("theorems") {
        assert!(theorem["bound"].as_f64().is_none_or(|b| b < 1e-6), "{theorem}");
    }
    // Dh(0) = 0: stationary, and nothing is claimed that needs σ_min > 0.
    let found = json("bounds --model 'w^2' --start 0 --target 1 --alpha 10");
    for theorem in found["theorems"].as_array().expect("theorems") {
        if theorem["id"] == "2.4" || theorem["id"] == "2" {
            assert_eq!(theorem["verdict"], "fails", "{theorem}");
        }
    }
}
