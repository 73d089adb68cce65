//! How far members of an ensemble that differ in the seed alone are apart: in distribution, and on shifted data (D'Amour et al.
//! 2020). Of every data set there is one ensemble; member 0 is the one for which the shift is chosen.

use super::check::Check;
use super::initial_scale::grouped;
use super::ranks::rank_correlation;
use super::students::mean_and_deviation;
use super::table::Table;
use super::underspecification::Theirs;
use crate::Result;

/// Of two risks, in distribution and shifted, what is told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Both {
    pub(crate) iid: f64,
    pub(crate) shifted: f64,
}

impl Both {
    fn of(value: impl Fn(bool) -> f64) -> Self {
        Both { iid: value(false), shifted: value(true) }
    }

    fn widened(self) -> f64 {
        self.shifted / self.iid
    }
}

/// Ensembles of one size, over all data sets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) size: f64,
    /// Mean risks of member 0.
    pub(crate) first: Both,
    /// Mean risks of the others.
    pub(crate) others: Both,
    /// Standard deviations of one draw of member 0, of everything.
    first_draw: Both,
    /// Of one draw of another member.
    others_draw: Both,
    /// Standard deviations over the seeds of one ensemble, those that the shift was not chosen for; root mean square over
    /// data sets.
    deviation: Both,
    /// Largest less least risk of one ensemble, all members; mean over data sets.
    range: Both,
    /// Rank correlation of the two risks over the members that the shift was not chosen for; mean over data sets.
    pub(crate) correlation: f64,
}

impl Spread {
    /// The shifted risk of member 0 over that of the others.
    pub(crate) fn ratio(&self) -> f64 {
        self.first.shifted / self.others.shifted
    }

    /// Beside one draw of another program's.
    pub(super) fn beside(&self, theirs: &Theirs) -> Vec<Check> {
        let n = self.size;
        let close = |words: &str, paper: f64, found: f64, draw: f64| {
            let off = (3.0 * draw).max(0.1 * paper);
            let quantity = format!("{words}, N/d = {n}");
            Check::new(quantity, paper, ((paper - off).max(0.0), paper + off), found)
        };
        let off = (self.first.iid / self.others.iid - 1.0).abs();
        let theirs_off = (theirs.iid.0 / theirs.iid.1 - 1.0).abs();
        let quantity = format!("shifted risk of member 0 over the others', N/d = {n}");
        vec![
            close("iid risk of member 0", theirs.iid.0, self.first.iid, self.first_draw.iid),
            close("iid risk of the others", theirs.iid.1, self.others.iid, self.others_draw.iid),
            Check::new(
                format!("iid risk of member 0 off the others', N/d = {n}"),
                theirs_off,
                (0.0, 0.1),
                off,
            ),
            close(
                "shifted risk of member 0",
                theirs.shifted.0,
                self.first.shifted,
                self.first_draw.shifted,
            ),
            close(
                "shifted risk of the others",
                theirs.shifted.1,
                self.others.shifted,
                self.others_draw.shifted,
            ),
            Check::new(quantity, theirs.ratio, (theirs.least, f64::INFINITY), self.ratio()),
        ]
    }

    /// What seeds do to the two risks.
    pub(super) fn of_seeds(&self, words: &str) -> [Check; 4] {
        let iid = self.deviation.iid / self.others.iid;
        let relative = self.deviation.shifted / self.others.shifted / iid;
        // The source gives the spread of the iid risk, 10 %, at N/d = 2.
        let paper = (words == "random features, N/d = 2").then_some(0.1);
        let wider = (3.0, f64::INFINITY);
        [
            Check::new(
                format!("{words}: deviation over seeds of the iid risk, of it"),
                paper,
                (0.0, 0.15),
                iid,
            ),
            Check::new(
                format!("{words}: deviation over seeds, shifted over iid"),
                None,
                wider,
                self.deviation.widened(),
            ),
            Check::new(
                format!("{words}: the same, each deviation of its mean"),
                None,
                (1.5, f64::INFINITY),
                relative,
            ),
            Check::new(
                format!("{words}: range over seeds, shifted over iid"),
                None,
                wider,
                self.range.widened(),
            ),
        ]
    }
}

/// The spreads of ensembles of the kind of that number, by size.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown) for a missing column.
pub(crate) fn spreads(table: &Table, kind: f64) -> Result<Vec<Spread>> {
    let [ensemble, size, repeat, member, iid, shifted] =
        ["ensemble", "size", "repeat", "member", "iid", "shifted"].map(|name| table.column(name));
    let (ensemble, size, repeat) = (ensemble?, size?, repeat?);
    let (member, iid, shifted) = (member?, iid?, shifted?);
    let rows: Vec<usize> = (0..table.len()).filter(|i| ensemble[*i] == kind).collect();
    let places: Vec<f64> = rows.iter().map(|i| size[*i]).collect();
    let column = |moved: bool| if moved { shifted } else { iid };
    let of_size = |&(place, ..): &(f64, f64, f64)| {
        let ours: Vec<usize> = rows.iter().copied().filter(|i| size[*i] == place).collect();
        let members = |first: bool| {
            let part: Vec<usize> =
                ours.iter().copied().filter(|i| (member[*i] == 0.0) == first).collect();
            let moments = |moved: bool| {
                mean_and_deviation(&part.iter().map(|i| column(moved)[*i]).collect::<Vec<_>>())
            };
            (Both::of(|moved| moments(moved).0), Both::of(|moved| moments(moved).1))
        };
        let groups: Vec<&[usize]> = ours.chunk_by(|a, b| repeat[*a] == repeat[*b]).collect();
        let over = |value: &dyn Fn(&[usize]) -> f64| {
            groups.iter().map(|group| value(group)).sum::<f64>() / groups.len() as f64
        };
        let of = |group: &[usize], moved: bool, skip: usize| -> Vec<f64> {
            group.iter().skip(skip).map(|i| column(moved)[*i]).collect()
        };
        let variance = |moved: bool| over(&|g| mean_and_deviation(&of(g, moved, 1)).1.powi(2));
        let range = |risks: Vec<f64>| {
            let ends =
                risks.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), risk| {
                    (low.min(*risk), high.max(*risk))
                });
            ends.1 - ends.0
        };
        let ((first, first_draw), (others, others_draw)) = (members(true), members(false));
        Spread {
            size: place,
            first,
            others,
            first_draw,
            others_draw,
            deviation: Both::of(|moved| variance(moved).sqrt()),
            range: Both::of(|moved| over(&|g| range(of(g, moved, 0)))),
            correlation: over(&|g| rank_correlation(&of(g, false, 1), &of(g, true, 1))),
        }
    };
    Ok(grouped(&places, &places)?.iter().map(of_size).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two data sets of three members each, by hand.
    #[test]
    fn spreads_are_those_of_a_table_by_hand() {
        let columns = ["ensemble", "size", "repeat", "member", "iid", "shifted"];
        let mut table = Table::new(&columns.map(|name| (name, "")));
        for (repeat, member, iid, shifted) in [
            (0.0, 0.0, 1.0, 10.0),
            (0.0, 1.0, 2.0, 4.0),
            (0.0, 2.0, 4.0, 8.0),
            (1.0, 0.0, 3.0, 20.0),
            (1.0, 1.0, 2.0, 9.0),
            (1.0, 2.0, 8.0, 3.0),
        ] {
            table.push(&[1.0, 16.0, repeat, member, iid, shifted]).unwrap();
        }
        let found = spreads(&table, 1.0).unwrap();
        assert_eq!(found.len(), 1);
        let Spread { first, others, deviation, range, correlation, .. } = found[0];
        assert_eq!((first.iid, first.shifted, others.iid, others.shifted), (2.0, 15.0, 4.0, 6.0));
        assert_eq!(found[0].ratio(), 2.5);
        // Variances 2 and 18, 8 and 18.
        assert!((deviation.iid - 10_f64.sqrt()).abs() < 1e-15, "{}", deviation.iid);
        assert!((deviation.shifted - 13_f64.sqrt()).abs() < 1e-15, "{}", deviation.shifted);
        assert_eq!((range.iid, range.shifted), (4.5, 11.5));
        // One rises, one falls.
        assert_eq!(correlation, 0.0);
        assert!(spreads(&table, 0.0).unwrap().is_empty());
    }
}
