use super::real::Real;

/// Rows and columns of the block that is summed in registers: 4 x 8 numbers of 4 bytes are half of
/// the 16 registers that every 64-bit x86 has.
const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// `c += a · b`, in row-major order: `a` is m x k, `b` is k x n, `c` is m x n.
///
/// Every number of `c` is summed over k in the same order whatever m is, so that a rollout gets the
/// same bits alone and in a batch, sampled and replayed.
pub(super) fn add_product<F: Real>(c: &mut [F], a: &[F], b: &[F], k: usize, n: usize) {
    let m = c.len() / n.max(1);
    debug_assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    let (whole, blocked) = (n - n % COLUMNS, m - m % ROWS);
    for column in (0..whole).step_by(COLUMNS) {
        for row in (0..blocked).step_by(ROWS) {
            block::<F, ROWS>(c, a, b, [row, column, k, n]);
        }
        for row in blocked..m {
            block::<F, 1>(c, a, b, [row, column, k, n]);
        }
    }
    for row in 0..m {
        for column in whole..n {
            let mut sum = F::ZERO;
            for (p, x) in a[row * k..][..k].iter().enumerate() {
                sum += *x * b[p * n + column];
            }
            c[row * n + column] += sum;
        }
    }
}

#[inline(always)]
fn block<F: Real, const R: usize>(c: &mut [F], a: &[F], b: &[F], [row, column, k, n]: [usize; 4]) {
    let mut sums = [[F::ZERO; COLUMNS]; R];
    let lines: [&[F]; R] = std::array::from_fn(|r| &a[(row + r) * k..][..k]);
    for (p, line) in b.chunks_exact(n).enumerate().take(k) {
        let part = &line[column..][..COLUMNS];
        for (r, sum) in sums.iter_mut().enumerate() {
            let x = lines[r][p];
            for (s, y) in sum.iter_mut().zip(part) {
                *s += x * *y;
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        for (into, s) in c[(row + r) * n + column..][..COLUMNS].iter_mut().zip(sum) {
            *into += *s;
        }
    }
}

/// Σ a·b in eight parallel sums, so that it becomes SIMD code.
pub(super) fn dot<F: Real>(a: &[F], b: &[F]) -> F {
    let mut sums = [F::ZERO; COLUMNS];
    let (a, b) = (a.chunks_exact(COLUMNS), b.chunks_exact(COLUMNS));
    let rest = a
        .remainder()
        .iter()
        .zip(b.remainder())
        .fold(F::ZERO, |sum, (x, y)| sum + *x * *y);
    for (a, b) in a.zip(b) {
        sums.iter_mut()
            .zip(a)
            .zip(b)
            .for_each(|((s, x), y)| *s += *x * *y);
    }
    sums.into_iter().fold(rest, |total, sum| total + sum)
}

/// The transpose of `a`, whose rows hold `columns` numbers.
pub(super) fn transposed<F: Real>(a: &[F], columns: usize) -> Vec<F> {
    let rows = a.len() / columns.max(1);
    let mut turned = vec![F::ZERO; a.len()];
    for (row, line) in a.chunks_exact(columns.max(1)).enumerate() {
        for (column, x) in line.iter().enumerate() {
            turned[column * rows + row] = *x;
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use supernet_shaders::random::{Random, RngStream};

    #[test]
    fn a_dot_product_takes_every_number() {
        for n in [0, 1, 7, 8, 9, 64, 67] {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            assert_eq!(dot(&a, &a), a.iter().map(|x| x * x).sum::<f64>(), "{n}");
        }
    }

    #[test]
    fn products_of_odd_sizes_are_exact_and_do_not_depend_on_the_batch() {
        let mut random = Random::new(3, RngStream::Test(0));
        for [m, k, n] in [[1, 1, 1], [4, 8, 8], [5, 7, 19], [20, 128, 256], [3, 64, 6]] {
            // Small integers, so that every order of summation gives the same sum.
            let mut whole = |len: usize| -> Vec<f32> {
                (0..len).map(|_| random.below(9) as f32 - 4.0).collect()
            };
            let (a, b, mut c) = (whole(m * k), whole(k * n), whole(m * n));
            let mut expected = c.clone();
            for (i, x) in expected.iter_mut().enumerate() {
                *x += (0..k)
                    .map(|p| a[i / n * k + p] * b[p * n + i % n])
                    .sum::<f32>();
            }
            add_product(&mut c, &a, &b, k, n);
            assert_eq!(c, expected, "{m} {k} {n}");
            assert_eq!(transposed(&transposed(&a, k), m), a);
        }
        let mut real = |len: usize| -> Vec<f32> { (0..len).map(|_| random.normal()).collect() };
        let (a, b, mut all) = (real(7 * 33), real(33 * 21), vec![0.0; 7 * 21]);
        add_product(&mut all, &a, &b, 33, 21);
        for row in 0..7 {
            let mut one = vec![0.0; 21];
            add_product(&mut one, &a[row * 33..][..33], &b, 33, 21);
            assert_eq!(one, all[row * 21..][..21]);
        }
    }
}
