//! The pairs of networks that a rank correlation counts.

/// Numbers of pairs of networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs {
    /// Concordant minus discordant pairs: those that both variables order in the same way, and
    /// those that they order in opposite ways.
    pub(super) agreement: i64,
    /// Pairs that differ in the first variable.
    pub(super) untied_first: u64,
    /// Pairs that differ in the second variable.
    pub(super) untied_second: u64,
}

impl Pairs {
    /// Counts all pairs by sorting (Knight 1966): sorted by the first variable, the discordant
    /// pairs are those that a merge sort by the second one swaps.
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        // −0 equals 0.
        let mut points: Vec<(f64, f64)> = first
            .iter()
            .zip(second)
            .map(|(a, b)| (a + 0.0, b + 0.0))
            .collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let tied_first = tied(&points, |a, b| a.0 == b.0);
        let tied_both = tied(&points, |a, b| a == b);
        let mut seconds: Vec<f64> = points.iter().map(|point| point.1).collect();
        let discordant = inversions(&mut seconds, &mut Vec::with_capacity(points.len()));
        let tied_second = tied(&seconds, |a, b| a == b);
        let all = pairs_among(points.len());
        // Inclusion and exclusion: what is tied in neither variable, less twice the discordant.
        let untied = (all + tied_both - tied_first - tied_second) as i64;
        Self {
            agreement: untied - 2 * discordant as i64,
            untied_first: all - tied_first,
            untied_second: all - tied_second,
        }
    }

    /// Adds the pairs of another stratum.
    pub(super) fn add(&mut self, other: Self) {
        self.agreement += other.agreement;
        self.untied_first += other.untied_first;
        self.untied_second += other.untied_second;
    }

    /// τ-b; none if a variable is constant.
    pub(super) fn tau(self) -> Option<f64> {
        let untied = (self.untied_first as f64 * self.untied_second as f64).sqrt();
        (untied > 0.0).then(|| self.agreement as f64 / untied)
    }
}

fn pairs_among(count: usize) -> u64 {
    let count = count as u64;
    count * count.saturating_sub(1) / 2
}

/// Pairs that are equal in sorted items.
fn tied<T>(sorted: &[T], equal: impl Fn(&T, &T) -> bool) -> u64 {
    sorted
        .chunk_by(equal)
        .map(|tied| pairs_among(tied.len()))
        .sum()
}

/// Sorts `values`, and counts the pairs whose order changes. `merged` is scratch.
fn inversions(values: &mut [f64], merged: &mut Vec<f64>) -> u64 {
    let half = values.len() / 2;
    if half == 0 {
        return 0;
    }
    let (left, right) = values.split_at_mut(half);
    let mut swapped = inversions(left, merged) + inversions(right, merged);
    merged.clear();
    let (mut i, mut j) = (0, 0);
    while i < left.len() || j < right.len() {
        if j == right.len() || (i < left.len() && left[i] <= right[j]) {
            merged.push(left[i]);
            i += 1;
        } else {
            swapped += (left.len() - i) as u64;
            merged.push(right[j]);
            j += 1;
        }
    }
    values.copy_from_slice(merged);
    swapped
}
