//! The default binary needs no driver of a card; one that is built with the feature `cuda` needs it to start.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::process::Command;

/// The libraries that the system's loader would bring in, as `ldd` lists them.
fn needed() -> String {
    let list = Command::new(env!("CARGO_BIN_EXE_gradflow"))
        .env("LD_TRACE_LOADED_OBJECTS", "1")
        .output()
        .expect("the loader's list");
    String::from_utf8_lossy(&list.stdout).into_owned()
}

#[test]
fn the_driver_is_needed_with_the_feature_cuda_only() {
    let needed = needed();
    assert!(needed.contains("libc.so"), "the loader lists nothing:\n{needed}");
    let asked = ["libcuda", "libnvrtc", "libcudart", "libcublas"].map(|name| needed.contains(name));
    assert_eq!(asked, [cfg!(feature = "cuda"), false, false, false], "{needed}");
}

/// A build that knows no card says so, and how to get one that does.
#[cfg(not(feature = "cuda"))]
#[test]
fn a_card_that_was_not_built_in_is_refused_with_a_remedy() {
    let run = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gradflow")).args(words).output();
        let output = output.expect("the command");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, talk) = run(&["flow", "--device", "cuda"]);
    assert_eq!(code, Some(2), "{talk}");
    assert!(talk.contains("--features cuda") && talk.contains("--device cpu"), "{talk}");
    let (code, talk) = run(&["--device", "gpu", "flow"]);
    assert!(code == Some(2) && talk.contains("known: cpu, cuda"), "{talk}");
    let model = ["kernel", "--model", "w1*tanh(w2)", "--start", "1,1", "--precision"];
    let (code, talk) = run(&[&model[..], &["single"]].concat());
    assert!(code == Some(2) && talk.contains("--features cuda"), "{talk}");
    let (code, talk) = run(&[&model[..], &["half"]].concat());
    assert!(code == Some(2) && talk.contains("known: double, single"), "{talk}");
}
