//! Batch normalisation: statistics, application, gradients.

use super::chunks::{self, CHUNK, fold, part, reduction_rows, repeat, strip_pixels};
use super::vectorised::vectorised;
use super::workspace::Workspace;
use crate::catalogue::{BatchNorm, Rows};

vectorised! {
    fn sum_strips<'a>(x: &'a [f32], sums: &'a mut [f32]) {
        sums.fill(0.0);
        for x in x.chunks(sums.len()) {
            sums.iter_mut().zip(x).for_each(|(sum, x)| *sum += x);
        }
    }
}

vectorised! {
    fn deviation_strips<'a>(x: &'a [f32], mean: &'a [f32], sums: &'a mut [f32], squares: &'a mut [f32]) {
        sums.fill(0.0);
        squares.fill(0.0);
        for x in x.chunks(mean.len()) {
            for (((x, mean), sum), square) in x.iter().zip(mean).zip(sums.iter_mut()).zip(squares.iter_mut()) {
                let deviation = x - mean;
                *sum += deviation;
                *square += deviation * deviation;
            }
        }
    }
}

/// Mean and sum of squared deviations of one chunk; the second pass also computes the error of the
/// mean from the first.
fn moments(x: &[f32], channels: usize, scratch: &mut [f32], moments: &mut [f32]) {
    let rows = (x.len() / channels) as f32;
    let strip = strip_pixels(channels) * channels;
    let [sums, mean, squares] = thirds(scratch, strip);
    let (means, rest) = moments.split_at_mut(channels);
    sum_strips(x, sums);
    fold(sums, channels, means);
    means.iter_mut().for_each(|m| *m /= rows);
    repeat(means.iter().copied(), mean);
    deviation_strips(x, mean, sums, squares);
    fold(squares, channels, rest);
    let off = &mut squares[..channels];
    fold(sums, channels, off);
    for ((mean, rest), off) in means.iter_mut().zip(rest).zip(off) {
        *mean += *off / rows;
        *rest -= *off * *off / rows;
    }
}

fn thirds(scratch: &mut [f32], len: usize) -> [&mut [f32]; 3] {
    let (a, rest) = scratch.split_at_mut(len);
    let (b, rest) = rest.split_at_mut(len);
    [a, b, &mut rest[..len]]
}

/// Mean and 1/√(variance + eps) of every channel.
pub(super) fn stats(
    rows: &Rows,
    eps: f32,
    workspace: &mut Workspace,
    x: &[f32],
    stats: &mut [f32],
) {
    let (count, channels) = (rows.rows as usize, rows.channels as usize);
    let chunk = reduction_rows(count, channels);
    let slots = workspace
        .slots
        .prepare(3 * strip_pixels(channels) * channels);
    let partials = workspace
        .partials
        .floats(count.div_ceil(chunk) * 2 * channels);
    chunks::for_each(partials, 2 * channels, x.len(), |i, partial| {
        slots.with(|scratch| moments(part(x, i, chunk * channels), channels, scratch, partial));
    });
    let (mean, rstd) = stats.split_at_mut(channels);
    for (c, (mean, rstd)) in mean.iter_mut().zip(rstd).enumerate() {
        // Chan, Golub and LeVeque's rule for combining the moments of two sets.
        let (mut rows, mut middle, mut squares) = (0.0, 0.0, 0.0);
        for (i, partial) in partials.chunks_exact(2 * channels).enumerate() {
            let more = chunk.min(count - i * chunk) as f64;
            let delta = f64::from(partial[c]) - middle;
            rows += more;
            middle += delta * more / rows;
            squares +=
                f64::from(partial[channels + c]) + delta * delta * more * (rows - more) / rows;
        }
        *mean = middle as f32;
        *rstd = (1.0 / (squares / rows + f64::from(eps)).sqrt()) as f32;
    }
}

vectorised! {
    fn apply_strips<'a>(x: &'a [f32], constants: [&'a [f32]; 3], relu: bool, y: &'a mut [f32]) {
        let [mean, scale, shift] = constants;
        let strip = mean.len();
        for (x, y) in x.chunks(strip).zip(y.chunks_mut(strip)) {
            let constants = mean.iter().zip(scale).zip(shift);
            for ((y, x), ((mean, scale), shift)) in y.iter_mut().zip(x).zip(constants) {
                let value = (x - mean) * scale + shift;
                *y = if relu && value <= 0.0 { 0.0 } else { value };
            }
        }
    }
}

/// y = γ·(x − mean)·rstd + β, then the ReLU.
pub(super) fn apply(b: &BatchNorm, workspace: &mut Workspace, reads: &[&[f32]], y: &mut [f32]) {
    let channels = b.rows.channels as usize;
    let (x, (mean, rstd)) = (reads[0], reads[1].split_at(channels));
    let affine = b.affine.then(|| (reads[2], reads[3]));
    let strip = strip_pixels(channels) * channels;
    let [means, scales, shifts] = thirds(workspace.packed.floats(3 * strip), strip);
    repeat(mean.iter().copied(), means);
    match affine {
        Some((gamma, beta)) => {
            repeat(gamma.iter().zip(rstd).map(|(g, r)| g * r), scales);
            repeat(beta.iter().copied(), shifts);
        }
        None => {
            repeat(rstd.iter().copied(), scales);
            shifts.fill(0.0);
        }
    }
    let constants = [&*means, &*scales, &*shifts];
    let (chunk, work) = (CHUNK.next_multiple_of(strip), y.len());
    chunks::for_each(y, chunk, work, |i, y| {
        apply_strips(part(x, i, chunk), constants, b.relu, y)
    });
}

vectorised! {
    fn grad_strips<'a>(x: &'a [f32], dy: &'a [f32], mean: &'a [f32], products: &'a mut [f32], sums: &'a mut [f32]) {
        let strip = mean.len();
        for (x, dy) in x.chunks(strip).zip(dy.chunks(strip)) {
            let sums = products.iter_mut().zip(sums.iter_mut());
            for (((x, dy), mean), (product, sum)) in x.iter().zip(dy).zip(mean).zip(sums) {
                *product += (x - mean) * dy;
                *sum += dy;
            }
        }
    }
}

vectorised! {
    fn grad_strips_relu<'a>(
        reads: [&'a [f32]; 3],
        mean: &'a [f32],
        products: &'a mut [f32],
        sums: &'a mut [f32],
    ) {
        let [x, dy, y] = reads;
        let strip = mean.len();
        for ((x, dy), y) in x.chunks(strip).zip(dy.chunks(strip)).zip(y.chunks(strip)) {
            let sums = products.iter_mut().zip(sums.iter_mut());
            for ((((x, dy), y), mean), (product, sum)) in x.iter().zip(dy).zip(y).zip(mean).zip(sums) {
                let dy = if *y > 0.0 { *dy } else { 0.0 };
                *product += (x - mean) * dy;
                *sum += dy;
            }
        }
    }
}

/// ∂γ and ∂β.
pub(super) fn grad_sums(
    b: &BatchNorm,
    workspace: &mut Workspace,
    reads: &[&[f32]],
    dgamma: &mut [f32],
    dbeta: &mut [f32],
) {
    let (count, channels) = (b.rows.rows as usize, b.rows.channels as usize);
    let (x, dy, (mean, rstd)) = (reads[0], reads[1], reads[2].split_at(channels));
    let chunk = reduction_rows(count, channels);
    let strip = strip_pixels(channels) * channels;
    let means = workspace.packed.floats(strip);
    repeat(mean.iter().copied(), means);
    let (means, slots) = (&*means, workspace.slots.prepare(2 * strip));
    let partials = workspace
        .partials
        .floats(count.div_ceil(chunk) * 2 * channels);
    chunks::for_each(partials, 2 * channels, x.len(), |i, partial| {
        let part = |x| part(x, i, chunk * channels);
        slots.with(|scratch| {
            scratch.fill(0.0);
            let (products, sums) = scratch.split_at_mut(strip);
            if b.relu {
                grad_strips_relu([part(x), part(dy), part(reads[3])], means, products, sums);
            } else {
                grad_strips(part(x), part(dy), means, products, sums);
            }
            let (dgamma, dbeta) = partial.split_at_mut(channels);
            fold(products, channels, dgamma);
            fold(sums, channels, dbeta);
        });
    });
    dgamma.fill(0.0);
    dbeta.fill(0.0);
    for partial in partials.chunks_exact(2 * channels) {
        let (products, sums) = partial.split_at(channels);
        dgamma.iter_mut().zip(products).for_each(|(d, p)| *d += p);
        dbeta.iter_mut().zip(sums).for_each(|(d, s)| *d += s);
    }
    dgamma.iter_mut().zip(rstd).for_each(|(d, r)| *d *= r);
}

vectorised! {
    fn grad_input_strips<'a>(
        x: &'a [f32],
        dy: &'a [f32],
        y: Option<&'a [f32]>,
        constants: [&'a [f32]; 4],
        dx: &'a mut [f32],
    ) {
        let [mean, slope, middle, scale] = constants;
        let strip = mean.len();
        let masked = y.unwrap_or(dy);
        let keep_all = y.is_none();
        let chunks = x.chunks(strip).zip(dy.chunks(strip)).zip(masked.chunks(strip));
        for (dx, ((x, dy), y)) in dx.chunks_mut(strip).zip(chunks) {
            let constants = mean.iter().zip(slope).zip(middle.iter().zip(scale));
            for ((dx, ((x, dy), y)), ((mean, slope), (middle, scale))) in
                dx.iter_mut().zip(x.iter().zip(dy).zip(y)).zip(constants)
            {
                let dy = if keep_all || *y > 0.0 { *dy } else { 0.0 };
                *dx = (dy - middle - (x - mean) * slope) * scale;
            }
        }
    }
}

/// ∂x, through the statistics of the batch.
pub(super) fn grad_input(
    b: &BatchNorm,
    workspace: &mut Workspace,
    reads: &[&[f32]],
    dx: &mut [f32],
) {
    let channels = b.rows.channels as usize;
    let (x, dy, (mean, rstd)) = (reads[0], reads[1], reads[2].split_at(channels));
    let (dgamma, dbeta) = (reads[3], reads[4]);
    let gamma = b.affine.then(|| reads[5]);
    let y = b.relu.then(|| reads[5 + usize::from(b.affine)]);
    let rows = b.rows.rows as f32;
    let strip = strip_pixels(channels) * channels;
    let (constants, scales) = workspace.packed.floats(4 * strip).split_at_mut(3 * strip);
    let [means, slopes, middles] = thirds(constants, strip);
    repeat(mean.iter().copied(), means);
    repeat(rstd.iter().zip(dgamma).map(|(r, d)| r * d / rows), slopes);
    repeat(dbeta.iter().map(|d| d / rows), middles);
    match gamma {
        Some(gamma) => repeat(gamma.iter().zip(rstd).map(|(g, r)| g * r), scales),
        None => repeat(rstd.iter().copied(), scales),
    }
    let constants = [&*means, &*slopes, &*middles, &*scales];
    let (chunk, work) = (CHUNK.next_multiple_of(strip), dx.len());
    chunks::for_each(dx, chunk, work, |i, dx| {
        let y = y.map(|y| part(y, i, chunk));
        grad_input_strips(part(x, i, chunk), part(dy, i, chunk), y, constants, dx);
    });
}
