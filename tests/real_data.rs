//! Real data through the command: CIFAR-10 images where they are at hand, and a table as people have them.

mod command;

use command::{Folder, at, shared};

/// Slopes of Theorem 2.2 over the upper scales of a run, and a figure that can be shown.
fn check_lazy(folder: &Folder, line: &str, tolerance: f64) {
    let words = command::words(line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = folder.run_within(600, &words).done().json();
    for (key, law) in [("displacement", -1.0), ("w_gap", -2.0), ("outputs_gap", -1.0)] {
        let slope = at(&found, &format!("slopes/{key}"));
        assert!((slope - law).abs() < tolerance, "{key} falls like α^{slope:.3}, wanted α^{law}");
    }
    let svg = folder.read("lazy.svg");
    assert!(svg.contains("</svg>") && !svg.contains("NaN"));
}

/// Two classes of CIFAR-10: 3072 inputs a sample. Few images and neurons, so that the test takes seconds; the README
/// has the line for 500 images.
#[test]
fn cifar_images_go_through_the_command() {
    let Some(file) = shared("cifar10-lossless-train4000.bin") else {
        println!("skipped: no CIFAR-10 at ../shared/data; name its folder by GRADFLOW_DATA");
        return;
    };
    let file = file.to_str().expect("a path in UTF-8");
    let line = format!(
        "flow --data '{file}' --classes 0,1 --samples 40 --model two-layer --width 16 --activation tanh \
         --alpha 1e2..1e4 --rtol 1e-4 --figure lazy.svg --json"
    );
    check_lazy(&Folder::new(), &line, 0.05);
}

/// Diabetes progression of 442 patients from ten measurements.
#[test]
fn a_published_table_goes_through_the_command() {
    let Some(file) = shared("diabetes.csv") else {
        println!("skipped: no diabetes.csv at ../shared/data; name its folder by GRADFLOW_DATA");
        return;
    };
    let header = std::fs::read_to_string(&file).expect("a readable file");
    let target = header.lines().next().and_then(|l| l.rsplit(',').next()).expect("a header").trim();
    let file = file.to_str().expect("a path in UTF-8");
    let line = format!(
        "flow --data '{file}' --target {target} --samples 100 --width 16 --activation tanh --scale standardized \
         --loss square-half-mean --alpha 1e4..1e6 --rtol 1e-4 --figure lazy.svg --json"
    );
    // Targets are in the hundreds, so that the asymptotic regime begins at α of the order 1e4.
    check_lazy(&Folder::new(), &line, 0.05);
}

/// Rent of 200 flats by area, rooms, age and distance, with noise.
#[test]
fn a_table_with_names_and_noise_goes_through_the_command() {
    let folder = Folder::new();
    let mut draw = gradflow::random::Generator::seeded(3).split("flats");
    let mut table = String::from("area,rooms,age,distance,rent\n");
    for _ in 0..200 {
        let z = draw.gaussians(5);
        let (area, age) = ((70.0 + 25.0 * z[0]).max(20.0), (30.0 + 15.0 * z[1]).abs());
        let rooms = (area / 28.0 + 0.5 * z[2]).round().max(1.0);
        let distance = (4.0 + 3.0 * z[3]).abs();
        let rent = 0.3 + 0.011 * area + 0.05 * rooms + 0.4 * (-distance / 3.0).exp() - 0.002 * age
            + 0.05 * z[4];
        table += &format!("{area:.1},{rooms},{age:.0},{distance:.2},{rent:.3}\n");
    }
    folder.write("flats.csv", table);
    let line = "flow --data flats.csv --target rent --inputs area,rooms,age,distance --scale standardized \
                --model two-layer --width 32 --activation tanh --biases --loss square-half-mean --alpha 1e2..1e4 \
                --rtol 1e-5 --figure lazy.svg --json";
    check_lazy(&folder, line, 0.05);
    assert!(folder.read("lazy.csv").contains("flats.csv, 200 samples, inputs standardized"));
}
