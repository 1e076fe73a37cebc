//! Ops of sequence networks.

use super::{STEP, check, dot, first, random};
use crate::catalogue::{Call, Embedding, Function, Highway, Rows};
use crate::reference::run;

#[test]
fn the_recurrent_cell() {
    let (rows, width, len) = (3, 4, 12);
    let (x, dy) = (random(15, 12), random(16, 12));
    for function in Function::ALL {
        let forward = Call::Activation { function, len };
        let y = first(forward, &[&x]);
        let point = if function.slope_from_result() { &y } else { &x };
        let dx = first(Call::ActivationGrad { function, len }, &[point, &dy]);
        check("activation", &x, &dx, |x| dot(&dy, &first(forward, &[x])));
        let (h, both) = (
            Highway {
                rows,
                width,
                function,
            },
            random(17, 24),
        );
        let y = |both: &[f64], x: &[f64]| dot(&dy, &first(Call::Highway(h), &[both, x]));
        let gradients = run(&Call::HighwayGrad(h), &STEP, &[&both, &x, &dy], &[]);
        check("highway, both", &both, &gradients[0].value, |both| {
            y(both, &x)
        });
        check("highway, h", &x, &gradients[1].value, |x| y(&both, x));
    }
    let [a, b, g] = [18, 19, 20].map(|seed| random(seed, 12));
    let y = |a: &[f64], b: &[f64], g: &[f64]| dot(&dy, &first(Call::Lerp { len }, &[a, b, g]));
    let gradients = run(&Call::LerpGrad { len }, &STEP, &[&a, &b, &g, &dy], &[]);
    check("lerp, a", &a, &gradients[0].value, |a| y(a, &b, &g));
    check("lerp, b", &b, &gradients[1].value, |b| y(&a, b, &g));
    check("lerp, g", &g, &gradients[2].value, |g| y(&a, &b, g));
}

#[test]
fn embeddings_and_dropped_words() {
    let (e, tokens) = (
        Embedding {
            rows: 4,
            words: 5,
            width: 3,
        },
        [2.0, 0.0, 2.0, 4.0],
    );
    let (w, dy) = (random(21, 15), random(22, 12));
    let dw = first(Call::EmbeddingGrad(e), &[&tokens, &dy]);
    check("embedding", &w, &dw, |w| {
        dot(&dy, &first(Call::Embedding(e), &[&tokens, w]))
    });
    let call = Call::WordDropout {
        rows: Rows {
            rows: 4,
            channels: 3,
        },
        rate: 0.4,
        stream: 3,
    };
    let x = random(23, 12);
    check("words", &x, &first(call, &[&dy, &tokens]), |x| {
        dot(&dy, &first(call, &[x, &tokens]))
    });
}
