//! The parameters a number depends on: a few ranges, or a little more than them.

/// The most ranges kept. Dense layers need three: all of the layers before, a row of weights, a bias.
const RANGES: usize = 4;

/// A set of parameters that contains those in question, as sorted ranges with gaps between them. Where there would be
/// more than four, the narrowest gap is filled: a larger set is still right, for nothing follows from two sets that
/// meet. The size is fixed, so that numbers stay `Copy` and memory linear in their count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Support {
    /// First and last parameter of each range; the first `count` are in use.
    ranges: [(u32, u32); RANGES],
    count: u8,
}

impl Support {
    /// No parameter: a constant.
    pub(crate) const EMPTY: Support = Support { ranges: [(0, 0); RANGES], count: 0 };

    /// One parameter. Those beyond 2³² share the last place.
    pub(crate) fn of(parameter: usize) -> Self {
        let place = u32::try_from(parameter).unwrap_or(u32::MAX);
        let mut ranges = Support::EMPTY.ranges;
        ranges[0] = (place, place);
        Support { ranges, count: 1 }
    }

    fn ranges(&self) -> &[(u32, u32)] {
        &self.ranges[..usize::from(self.count)]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Whether no parameter is in both, for certain.
    pub(crate) fn is_disjoint(&self, o: &Self) -> bool {
        let (mut a, mut b) = (self.ranges(), o.ranges());
        while let (Some(x), Some(y)) = (a.first(), b.first()) {
            if x.0 <= y.1 && y.0 <= x.1 {
                return false;
            }
            if x.1 < y.0 { a = &a[1..] } else { b = &b[1..] }
        }
        true
    }

    /// All parameters of either, and perhaps some between them.
    pub(crate) fn union(&self, o: &Self) -> Self {
        if self == o || o.is_empty() {
            return *self;
        }
        let mut all = [(0_u32, 0_u32); 2 * RANGES];
        let mut count = 0;
        let (mut a, mut b) = (self.ranges(), o.ranges());
        while !(a.is_empty() && b.is_empty()) {
            let from_a = b.first().is_none_or(|y| a.first().is_some_and(|x| x.0 <= y.0));
            let next = if from_a { take(&mut a) } else { take(&mut b) };
            if count > 0 && next.0 <= all[count - 1].1.saturating_add(1) {
                all[count - 1].1 = all[count - 1].1.max(next.1);
            } else {
                all[count] = next;
                count += 1;
            }
        }
        while count > RANGES {
            fill_narrowest_gap(&mut all[..count]);
            count -= 1;
        }
        let mut union = Support { count: 0, ..Support::EMPTY };
        for (slot, range) in union.ranges.iter_mut().zip(&all[..count]) {
            *slot = *range;
            union.count += 1;
        }
        union
    }
}

fn take(ranges: &mut &[(u32, u32)]) -> (u32, u32) {
    let first = ranges[0];
    *ranges = &ranges[1..];
    first
}

/// Joins the two neighbours that are nearest to each other; the last slot becomes free.
fn fill_narrowest_gap(ranges: &mut [(u32, u32)]) {
    let gap = |i: &usize| ranges[*i].0 - ranges[i - 1].1;
    let Some(at) = (1..ranges.len()).min_by_key(gap) else { return };
    ranges[at - 1].1 = ranges[at].1;
    ranges.copy_within(at + 1.., at);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;
    use std::collections::BTreeSet;

    fn of(parameters: &BTreeSet<usize>) -> Support {
        parameters.iter().fold(Support::EMPTY, |s, &i| s.union(&Support::of(i)))
    }

    #[test]
    fn neighbours_join_and_the_narrowest_gap_is_filled() {
        let row = of(&(5..9).collect());
        assert_eq!(row.ranges(), [(5, 8)]);
        let many = of(&[0, 10, 20, 23, 40].into());
        assert_eq!(many.ranges(), [(0, 0), (10, 10), (20, 23), (40, 40)]);
    }

    #[test]
    fn disjointness_is_never_claimed_of_sets_that_meet() {
        let mut generator = Generator::seeded(3);
        let mut apart = 0;
        for _ in 0..2000 {
            let size = 1 + generator.below(8);
            let mut draw = || (0..size).map(|_| generator.below(40)).collect::<BTreeSet<usize>>();
            let (a, b, c) = (draw(), draw(), draw());
            let union = of(&a).union(&of(&b));
            let really = a.union(&b).all(|i| !c.contains(i));
            let claimed = union.is_disjoint(&of(&c));
            assert!(!claimed || really, "{a:?} {b:?} {c:?}");
            assert_eq!(claimed, of(&c).is_disjoint(&union));
            apart += usize::from(claimed);
        }
        assert!(apart > 100, "{apart}: nothing was tested");
    }
}
