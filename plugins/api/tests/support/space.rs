//! A valid space, and the problem that a change causes.

use supernet_plugin::{Condition, Init, Role, SearchSpace, Space, Supergraph};

/// A convolution or a pooling, then a classifier, and a scan next to them.
pub fn sound() -> SearchSpace {
    let s = Space::new("sound");
    let op = s.op("op", &["conv", "pool"]);
    let width = s.value("width", &[4, 8]).active_if(op.is(0));
    let size = s.extent(width);
    let x = s.input("image", &[6, 6, 2]);
    let wide = x.conv(3, size).conv(3, 2);
    let y = s.choose(op, &[wide, x.max_pool(3)]);
    s.scope("head", || s.output(y.global_avg_pool().linear(3, true)));
    s.group("edges", &[op], 1, 0);
    s.step(&[op]).keep("t0");
    s.step(&[width]);
    s.require(op.is_in(&[0, 1]), "anything goes");
    let words = s.weights("words", &[5u32, 4], Init::Uniform { bound: 0.1 });
    let z = s.scan("cell", [s.tokens("tokens").embed_by(words)], |cell, [x]| {
        let state = cell.carry("state", &[4u32]);
        let next = s.sum(&[x, state]);
        cell.next(state, next);
        next
    });
    s.output_as(z, Role::Hidden);
    s.finish().unwrap()
}

#[track_caller]
pub fn problem(change: impl FnOnce(&mut SearchSpace)) -> String {
    let mut space = sound();
    change(&mut space);
    Supergraph::new(space).unwrap_err()[0].to_string()
}

pub fn node(space: &mut SearchSpace, id: &str) -> usize {
    let at = space.nodes.iter().position(|node| node.id == id);
    at.unwrap_or_else(|| {
        panic!(
            "no {id} in {:?}",
            space.nodes.iter().map(|node| &node.id).collect::<Vec<_>>()
        )
    })
}

pub fn on(decision: &str, choices: &[u32]) -> Condition {
    Condition::In(decision.into(), choices.to_vec())
}
