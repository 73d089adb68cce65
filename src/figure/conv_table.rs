//! `conv-table`: accuracies of networks trained as they are and linearized, with the paper's.

use super::picture::{Grid, Picture, notes_line};
use crate::Result;
use crate::experiment::{PAPERS_ACCURACIES, Table};

pub(super) const COLUMNS: &[&str] =
    &["resnet", "width", "linearized", "train_accuracy", "test_accuracy", "stability"];

pub(super) fn picture(table: &Table) -> Result<Picture> {
    let mut rows = vec![
        ["network", "width", "training", "train %", "test %", "stability %"]
            .map(String::from)
            .to_vec(),
    ];
    let column = |name| table.column(name);
    let (resnet, width, linearized) = (column("resnet")?, column("width")?, column("linearized")?);
    let (train, test, stability) =
        (column("train_accuracy")?, column("test_accuracy")?, column("stability")?);
    let percent = |v: f64| if v.is_nan() { "–".to_string() } else { format!("{v:.1}") };
    for i in 0..table.len() {
        rows.push(vec![
            if resnet[i] > 0.0 { "ResNet-18".into() } else { "VGG-11".into() },
            format!("× {}", fraction(width[i])),
            if linearized[i] > 0.0 { "linearized".into() } else { "standard".into() },
            percent(train[i]),
            percent(test[i]),
            percent(stability[i]),
        ]);
    }
    for (network, times, training, [train, test]) in PAPERS_ACCURACIES {
        let words = [network, times, training].map(String::from);
        let values = [train, test].map(percent);
        rows.push([&words[..], &values, &["–".to_string()]].concat());
    }
    let ours = table.len();
    let words = "Above the line: ours, linearized exactly (α = ∞), on a part of the images. Below: the paper's, on all 50 000 \
                 images; linearized there means α = 10⁷.";
    Ok(Picture {
        title: "Networks trained as they are and linearized".into(),
        caption: vec![notes_line(table, &["size", "at most"]), words.into()],
        grid: Some(Grid { rows, rules: vec![1, 1 + ours] }),
        ..Picture::default()
    })
}

/// `1/8` for the widths used, else decimals.
fn fraction(width: f64) -> String {
    if !width.is_finite() {
        return "–".into();
    }
    let inverse = 1.0 / width;
    if width < 1.0 && (inverse - inverse.round()).abs() < 1e-9 {
        format!("1/{inverse:.0}")
    } else {
        format!("{width}")
    }
}
