//! Malicious or corrupted input: it may be rejected, but must not cause a panic, a hang or
//! exhaustion of memory. `SUPERNET_FUZZ_CASES` sets the number of cases.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "plugins are behind pointers")]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::{Duration, Instant};

use supernet_plugin::Operand::*;
use supernet_plugin::abi::{Description, Host, MAGIC, Request, VERSION};
use supernet_plugin::{
    Count, CustomOp, Init, Kernel, Length, Role, SearchSpace, Space, Supergraph,
};

/// A space with a little of everything that a space can have.
fn rich() -> SearchSpace {
    let s = Space::new("rich");
    s.summary("for tests");
    let op = s
        .op("op", &["conv", "pool", "custom"])
        .prior(&[1.0, 2.0, 0.5]);
    let width = s.value("width", &[4, 8]).active_if(op.is(0));
    let skip = s.skip("skip", "start");
    let size = s.extent(width);
    s.define_op(CustomOp::per_element("swish", "…"));
    s.define_op(
        CustomOp::kernels("scaled", "…")
            .params(1)
            .saved(Length::Rows(Input(0)))
            .forward(
                Kernel::per_element("go", Output)
                    .bind(0, Dims)
                    .bind(2, Output)
                    .bind(3, Saved(0)),
            )
            .backward(
                Kernel::fixed("back", [1, 2, 3])
                    .bind(2, Saved(0))
                    .bind(3, GradInput(0))
                    .bind(4, GradParam(0)),
            ),
    );
    let x = s.input("image", &[6, 6, 2]);
    let wide = x.conv(3, size).norm().relu().conv(3, 2);
    let alpha: BTreeMap<String, _> = [
        ("alpha".to_owned(), 0.5.into()),
        ("on".to_owned(), true.into()),
    ]
    .into();
    let custom = s.custom("swish", &[x], &[], alpha);
    let custom = s.custom(
        "scaled",
        &[custom],
        &[s.weights("scale", &[2u32], Init::Ones)],
        BTreeMap::new(),
    );
    let y = s.block("edge", || s.choose(op, &[wide, x.max_pool(3), custom]));
    let y = s.sum_when([(y, supernet_plugin::When::ALWAYS), (x, skip.on())]);
    s.output(y.global_avg_pool().linear(3, true));
    s.group("edges", &[op], 1, 0);
    s.step(&[op]).keep("start");
    s.step(&[width]);
    s.step(&[skip]);
    s.require(op.is(0).or(!skip.on()), "something holds");
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

/// Reads a space and runs the operations of a search on it.
fn use_it(json: &str) {
    let Ok(space) = SearchSpace::from_json(json) else {
        return;
    };
    let Ok(graph) = Supergraph::new(space) else {
        return;
    };
    if let Ok(genome) = graph.sample(&mut |weights| weights.iter().position(|w| *w > 0.0).unwrap())
    {
        let child = graph.child(&genome).unwrap();
        let _ = (
            child.macs(),
            graph.count(&genome, Count::Chosen),
            graph.canonical(&genome),
            graph.size().to_string(),
        );
    }
    let again = graph.space().to_json().unwrap();
    assert_eq!(SearchSpace::from_json(&again).unwrap(), *graph.space());
}

#[test]
fn long_and_deep_texts_are_refused() {
    let long = " ".repeat((64 << 20) + 1);
    assert_eq!(
        SearchSpace::from_json(&long).unwrap_err().to_string(),
        "this JSON is not a search space: it has 67108865 bytes, and at most 67108864 are read"
    );
    let json = rich().to_json().unwrap();
    let nodes = "{\"id\":\"n\",\"op\":\"concat\"},".repeat(10_000_000);
    let nodes = json.replacen("\"nodes\":[", &format!("\"nodes\":[{nodes}"), 1);
    let refused = SearchSpace::from_json(&nodes).unwrap_err().to_string();
    assert!(
        refused.ends_with("and at most 67108864 are read"),
        "{refused}"
    );
    drop(nodes);
    for (open, close) in [("[", "]"), ("{\"not\":", "}"), ("{\"all\":[", "]}")] {
        for depth in [100, 127, 128, 100_000] {
            let nested = format!(
                "{}{}{}",
                open.repeat(depth),
                "{\"in\":[\"op\",[0]]}",
                close.repeat(depth)
            );
            use_it(&json.replacen("{\"in\":[\"op\",[0]]}", &nested, 1));
            let config = format!(
                "\"config\":{{\"a\":{}1{}}},\"decisions\"",
                "[".repeat(depth),
                "]".repeat(depth)
            );
            use_it(&json.replacen("\"decisions\"", &config, 1));
        }
    }
    let scans = format!(
        "{}1{}",
        "{\"op\":{\"scan\":{\"nodes\":[".repeat(5000),
        "]}}}".repeat(5000)
    );
    use_it(&json.replacen("\"nodes\":[", &format!("\"nodes\":[{scans},"), 1));
    // Deeply nested lists: each level is read once, not copied for the next.
    let wide = format!(
        "{}{}1{}",
        "[".repeat(120),
        "1,".repeat(200_000),
        "]".repeat(120)
    );
    let start = Instant::now();
    use_it(&json.replacen(
        "\"decisions\"",
        &format!("\"config\":{{\"a\":{wide}}},\"decisions\""),
        1,
    ));
    assert!(start.elapsed() < Duration::from_secs(5));
    let many = vec!["{\"node\":\"x\",\"role\":\"hidden\"}"; 1_000_001].join(",");
    let many = json.replacen("\"outputs\":[", &format!("\"outputs\":[{many},"), 1);
    let error = SearchSpace::from_json(&many).unwrap_err().to_string();
    assert!(
        error.contains("a list has more than 1000000 items, and may have no more at line 1 column"),
        "{error}"
    );
}

/// A small generator with a fixed seed, so that failures are reproducible.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

fn cases() -> usize {
    std::env::var("SUPERNET_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(20_000)
}

const WORDS: [&str; 24] = [
    "0",
    "1",
    "-1",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "1e308",
    "-0.0",
    "1e999",
    "null",
    "[]",
    "{}",
    "\"\"",
    "\"x\"",
    "\"op\"",
    "\"time\"",
    "true",
    "\"like_input\"",
    "\"per_element\"",
    "{\"dims\":0}",
    "\"output\"",
    "\"\\u0000\"",
    "[0]",
    "65536",
];

/// The text with a few mutations: bytes changed, parts removed, duplicated, moved or replaced.
fn mutate(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let end = (at + dice.below(40)).min(bytes.len());
        // Mutations at the start of a value reach deepest.
        let value = bytes[at..]
            .iter()
            .position(|b| matches!(b, b':' | b',' | b'['))
            .map_or(at, |i| at + i + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] = dice.below(256) as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = dice.below(bytes.len());
                bytes.splice(to..to, part);
            }
            3..=5 => {
                let stop = |b: &u8| matches!(b, b',' | b']' | b'}');
                let until = bytes[value..]
                    .iter()
                    .position(stop)
                    .map_or(bytes.len(), |i| value + i);
                bytes.splice(value..until, WORDS[dice.below(WORDS.len())].bytes());
            }
            _ => {
                // Another value from the same text.
                let from = dice.below(bytes.len());
                let part: Vec<u8> = bytes[from..].iter().copied().take(dice.below(60)).collect();
                bytes.splice(value..value, part);
            }
        }
    }
    bytes
}

#[test]
fn mutated_spaces_neither_panic_nor_hang() {
    let json = rich().to_json().unwrap();
    use_it(&json);
    let mut dice = Dice(0x5eed);
    let start = Instant::now();
    let (mut read, mut sound) = (0, 0);
    for case in 0..cases() {
        let text = String::from_utf8_lossy(&mutate(&json, &mut dice)).into_owned();
        let before = Instant::now();
        use_it(&text);
        assert!(
            before.elapsed() < Duration::from_secs(5),
            "case {case} took {:?}: {text}",
            before.elapsed()
        );
        if let Ok(space) = SearchSpace::from_json(&text) {
            read += 1;
            sound += usize::from(Supergraph::new(space).is_ok());
        }
    }
    // Mutations that nothing survives would only test the JSON reader.
    let mut line = String::new();
    write!(
        line,
        "{read} of {} read, {sound} sound, {:?}",
        cases(),
        start.elapsed()
    )
    .unwrap();
    assert!(
        cases() < 1000 || (read > cases() / 50 && sound > cases() / 200 && sound < read),
        "{line}"
    );
}

#[test]
fn mutated_descriptions_and_requests_are_read_or_refused() {
    let description = r#"{"plugin":"p","version":"1","spaces":[{"name":"a","summary":"s","fields":[{"key":"k","kind":
        {"int":{"min":0,"max":9,"multiple_of":1}},"default":3,"help":"h"}]},{"name":"b"}],"cpu_ops":["f"]}"#;
    let request = r#"{"space":"a","config":{"k":3,"l":[1,2.5,"x",[true]]}}"#;
    let mut dice = Dice(0xfeed);
    for _ in 0..cases() {
        let bytes = mutate(description, &mut dice);
        if let Ok(description) = serde_json::from_slice::<Description>(&bytes) {
            let _ = description.check();
        }
        let _ = serde_json::from_slice::<Request>(&mutate(request, &mut dice));
        let noise: Vec<u8> = (0..dice.below(200))
            .map(|_| dice.below(256) as u8)
            .collect();
        let _ = serde_json::from_slice::<Description>(&noise);
        let _ = serde_json::from_slice::<Request>(&noise);
        use_it(&String::from_utf8_lossy(&noise));
    }
}

#[test]
fn random_headers_are_no_tables() {
    let mut dice = Dice(0xbead);
    for _ in 0..cases() {
        // Now and then part of the header is right, but never all of it.
        let magic = if dice.below(2) == 0 {
            MAGIC
        } else {
            dice.below(usize::MAX) as u64
        };
        let version = if dice.below(2) == 0 {
            VERSION
        } else {
            dice.below(9) as u32
        };
        let size = if magic == MAGIC && version == VERSION {
            dice.below(48)
        } else {
            dice.below(u32::MAX as usize)
        } as u32;
        let mut words = [0u64; 16];
        words[..2].copy_from_slice(&[magic, u64::from(version) | u64::from(size) << 32]);
        words[2..].fill(dice.below(usize::MAX) as u64);
        // SAFETY: there are more bytes than a table has, and the header is rejected before they are
        // read.
        unsafe { Host::read(words.as_ptr().cast()) }.unwrap_err();
    }
}
