//! Positions for the items of a layered graph, from left to right, with few crossings.
//!
//! In the manner of Sugiyama, Tagawa and Toda (1981, "Methods for Visual Understanding of
//! Hierarchical System Structures"): readers are to the right of what they read; a line that passes
//! a rank has its own item there, a bend; items are ordered by the mean position of their
//! neighbours, and then moved towards them.

/// An item with a size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Index of the rank, from the left.
    pub(super) rank: usize,
    /// Height of the item.
    pub(super) height: f64,
    /// The y coordinate of its middle, after placement.
    pub(super) y: f64,
}

/// Space between two items of a rank.
const GAP: f64 = 9.0;
const SWEEPS: usize = 24;

/// Places every item; the topmost item begins at 0. Links connect items of neighbouring ranks.
/// Returns the total height.
pub(super) fn place(items: &mut [Item], links: &[[usize; 2]]) -> f64 {
    let mut neighbours = vec![Vec::new(); items.len()];
    for &[from, to] in links {
        neighbours[from].push(to);
        neighbours[to].push(from);
    }
    let count = items.iter().map(|item| item.rank + 1).max().unwrap_or(0);
    let mut ranks: Vec<Vec<usize>> = vec![Vec::new(); count];
    (0..items.len()).for_each(|i| ranks[items[i].rank].push(i));
    order(&mut ranks, items, &neighbours, links);
    for rank in &ranks {
        let mut top = 0.0;
        for &i in rank {
            items[i].y = top + items[i].height / 2.0;
            top += items[i].height + GAP;
        }
    }
    for sweep in 0..SWEEPS {
        for at in 0..count {
            let rank = if sweep % 2 == 0 {
                &ranks[at]
            } else {
                &ranks[count - 1 - at]
            };
            pull(rank, items, &neighbours);
        }
    }
    let top = items
        .iter()
        .map(|item| item.y - item.height / 2.0)
        .fold(f64::INFINITY, f64::min);
    items.iter_mut().for_each(|item| item.y -= top);
    items
        .iter()
        .map(|item| item.y + item.height / 2.0)
        .fold(0.0, f64::max)
}

/// Orders every rank such that few links cross.
fn order(
    ranks: &mut [Vec<usize>],
    items: &[Item],
    neighbours: &[Vec<usize>],
    links: &[[usize; 2]],
) {
    let mut place = vec![0usize; items.len()];
    let number = |ranks: &[Vec<usize>], place: &mut [usize]| {
        ranks
            .iter()
            .for_each(|rank| rank.iter().enumerate().for_each(|(at, &i)| place[i] = at));
    };
    number(ranks, &mut place);
    let mut best = (crossings(items, links, &place), ranks.to_vec());
    for sweep in 0..SWEEPS {
        let right = sweep % 2 == 0;
        for at in 0..ranks.len() {
            let r = if right { at } else { ranks.len() - 1 - at };
            let before = |&&n: &&usize| {
                if right {
                    items[n].rank < r
                } else {
                    items[n].rank > r
                }
            };
            let middle = |i: usize| {
                let seen: Vec<f64> = neighbours[i]
                    .iter()
                    .filter(before)
                    .map(|&n| place[n] as f64)
                    .collect();
                if seen.is_empty() {
                    place[i] as f64
                } else {
                    seen.iter().sum::<f64>() / seen.len() as f64
                }
            };
            let mut keyed: Vec<(f64, usize)> = ranks[r].iter().map(|&i| (middle(i), i)).collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            ranks[r] = keyed.into_iter().map(|(_, i)| i).collect();
            ranks[r]
                .iter()
                .enumerate()
                .for_each(|(at, &i)| place[i] = at);
        }
        let crossed = crossings(items, links, &place);
        if crossed < best.0 {
            best = (crossed, ranks.to_vec());
        }
    }
    ranks.clone_from_slice(&best.1);
}

/// The number of pairs of links that cross.
fn crossings(items: &[Item], links: &[[usize; 2]], place: &[usize]) -> usize {
    let crosses = |a: &[usize; 2], b: &[usize; 2]| {
        items[a[0]].rank == items[b[0]].rank
            && (place[a[0]] < place[b[0]] && place[a[1]] > place[b[1]]
                || place[a[0]] > place[b[0]] && place[a[1]] < place[b[1]])
    };
    let pairs = links
        .iter()
        .enumerate()
        .flat_map(|(i, a)| links[i + 1..].iter().map(move |b| (a, b)));
    pairs.filter(|(a, b)| crosses(a, b)).count()
}

/// Moves a rank's items to the middle of their neighbours, as close as order and spacing allow:
/// least squares, by pooling items that push each other.
fn pull(rank: &[usize], items: &mut [Item], neighbours: &[Vec<usize>]) {
    // A pool moves as one: its first item, the sum of the targets of its items relative to that
    // item, and their number.
    let mut pools: Vec<(usize, f64, f64)> = Vec::new();
    let mut offsets = Vec::with_capacity(rank.len());
    let mut offset = 0.0;
    for (at, &i) in rank.iter().enumerate() {
        if at > 0 {
            offset += (items[rank[at - 1]].height + items[i].height) / 2.0 + GAP;
        }
        offsets.push(offset);
        let wanted = match neighbours[i].len() {
            0 => items[i].y,
            count => neighbours[i].iter().map(|&n| items[n].y).sum::<f64>() / count as f64,
        };
        pools.push((at, wanted - offset, 1.0));
        while let [.., (first, sum, count), (_, more, others)] = pools[..]
            && more / others < sum / count
        {
            pools.truncate(pools.len() - 2);
            pools.push((first, sum + more, count + others));
        }
    }
    for (p, &(first, sum, count)) in pools.iter().enumerate() {
        let end = pools.get(p + 1).map_or(rank.len(), |next| next.0);
        for at in first..end {
            items[rank[at]].y = sum / count + offsets[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_apart_and_lines_uncross() {
        let item = |rank| Item {
            rank,
            height: 20.0,
            y: 0.0,
        };
        // Two values whose readers are initially in the opposite order.
        let mut items = vec![item(0), item(0), item(1), item(1), item(2)];
        let links = [[0, 3], [1, 2], [2, 4], [3, 4]];
        let height = place(&mut items, &links);
        assert!(
            (items[0].y < items[1].y) == (items[3].y < items[2].y),
            "no crossing: {items:?}"
        );
        for (i, a) in items.iter().enumerate() {
            for b in items[i + 1..].iter().filter(|b| b.rank == a.rank) {
                assert!((a.y - b.y).abs() >= 20.0 + GAP - 1e-9);
            }
            assert!(a.y >= 10.0 - 1e-9 && a.y <= height - 10.0 + 1e-9);
        }
        assert!((items[4].y - (items[2].y + items[3].y) / 2.0).abs() < 0.1);
    }
}
