//! Large spaces: building them takes time and memory in proportion to their size.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use supernet_plugin::{SearchSpace, Supergraph};

/// `{"schema":2,...}` with these parts.
fn space(decisions: &str, rest: &str, params: &str, nodes: &str) -> String {
    format!(
        "{{\"schema\":2,\"name\":\"large\",\"decisions\":[{decisions}],{rest}\"params\":[{params}],\"nodes\":[\
         {{\"id\":\"x\",\"op\":{{\"input\":{{\"shape\":[4]}}}}}}{nodes}],\"outputs\":[{{\"node\":\"x\",\"role\":\"logits\"}}]}}"
    )
}

fn join(count: usize, each: impl Fn(usize) -> String) -> String {
    (0..count).map(each).collect::<Vec<_>>().join(",")
}

/// Builds the supergraph of a large space, within a time limit.
#[track_caller]
fn in_time(json: &str) -> Result<Supergraph, String> {
    let start = Instant::now();
    let graph = Supergraph::new(SearchSpace::from_json(json).unwrap());
    // A quadratic algorithm would take minutes.
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "it took {:?}",
        start.elapsed()
    );
    graph.map_err(|problems| problems[0].to_string())
}

#[test]
fn large_spaces_take_their_size_and_not_its_square() {
    const N: usize = 100_000;
    let nodes =
        |node: &dyn Fn(usize) -> String| (0..N).fold(String::new(), |all, i| all + "," + &node(i));
    let relu = |i: usize, more: &str| {
        format!(
            "{{\"id\":\"n{i}\",\"op\":{{\"activation\":{{\"function\":\"relu\"}}}},\"inputs\":[\"x\"]{more}}}"
        )
    };
    in_time(&space("", "", "", &nodes(&|i| relu(i, "")))).unwrap();
    let blocks = format!(
        "\"blocks\":[{}],",
        join(N, |i| format!("{{\"id\":\"b{i}\",\"key\":\"k\"}}"))
    );
    in_time(&space(
        "",
        &blocks,
        "",
        &nodes(&|i| relu(i, &format!(",\"block\":\"b{}\"", N - 1 - i))),
    ))
    .unwrap();

    let value = "{\"id\":\"d\",\"kind\":{\"value\":{\"values\":[1,2]}}}";
    let extents = join(N, |i| {
        format!(
            "{{\"id\":\"e{i}\",\"decision\":\"d\",\"sizes\":[{},9]}}",
            i + 10
        )
    });
    let extents = format!("\"extents\":[{extents}],");
    let params = join(N, |i| {
        format!(
            "{{\"id\":\"p{i}\",\"shape\":[\"e{}\"],\"init\":\"ones\"}}",
            N - 1 - i
        )
    });
    let weights =
        nodes(&|i| format!("{{\"id\":\"n{i}\",\"op\":\"weight\",\"params\":[\"p{i}\"]}}"));
    in_time(&space(value, &extents, &params, &weights)).unwrap();

    let ops = join(N, |i| {
        format!("{{\"name\":\"o{i}\",\"wgsl\":\"\",\"shape\":{{\"like_input\":0}}}}")
    });
    let custom = nodes(&|i| {
        format!(
            "{{\"id\":\"n{i}\",\"op\":{{\"custom\":{{\"name\":\"o{}\"}}}},\"inputs\":[\"x\"]}}",
            N - 1 - i
        )
    });
    in_time(&space("", &format!("\"ops\":[{ops}],"), "", &custom)).unwrap();

    let decisions = join(N, |i| {
        format!("{{\"id\":\"d{i}\",\"kind\":{{\"skip\":{{}}}}}}")
    });
    let all = join(N, |i| format!("{{\"in\":[\"d{i}\",[0,1]]}}"));
    let all = format!("\"require\":[{{\"that\":{{\"all\":[{all}]}},\"because\":\"so\"}}],");
    in_time(&space(&decisions, &all, "", "")).unwrap();
    // It takes a thousand tries to see that nothing satisfies a constraint, unless that would take
    // too long.
    let never = "\"require\":[{\"that\":{\"any\":[]},\"because\":\"so\"}],";
    in_time(&space(&decisions, never, "", "")).unwrap();
    let scans = nodes(&|i| {
        let body = format!("{{\"id\":\"m{i}\",\"op\":{{\"sum\":{{}}}},\"inputs\":[\"s{i}\"]}}");
        let body = format!("\"nodes\":[{body}],\"steps\":[\"s{i}\"],\"yields\":\"m{i}\"");
        format!("{{\"id\":\"n{i}\",\"op\":{{\"scan\":{{{body}}}}},\"inputs\":[\"x\"]}}")
    });
    let flag = "{\"id\":\"a\",\"kind\":{\"skip\":{}}},{\"id\":\"b\",\"kind\":{\"skip\":{}},\"active_if\":{\"in\":[\"a\",[1]]}}";
    in_time(&space(flag, "", "", &scans)).unwrap();
}

#[test]
fn mistakes_without_end_are_twenty() {
    const N: usize = 50_000;
    let outputs = join(N, |i| {
        format!("{{\"id\":\"g{i}\",\"decisions\":[\"nobody{i}\"],\"keep\":7,\"none\":3}}")
    });
    let decisions = join(N, |i| {
        format!("{{\"id\":\"nobodx{i}\",\"kind\":{{\"skip\":{{}}}}}}")
    });
    in_time(&space(
        &decisions,
        &format!("\"groups\":[{outputs}],"),
        "",
        "",
    ))
    .unwrap_err();
    let plan = join(N, |i| format!("{{\"decide\":[\"nobody{i}\"]}}"));
    in_time(&space(&decisions, &format!("\"plan\":[{plan}],"), "", "")).unwrap_err();
    let long = "x".repeat(1 << 20);
    let active = format!(
        "{{\"id\":\"d\",\"kind\":{{\"skip\":{{}}}},\"active_if\":{{\"in\":[\"{long}\",[0]]}}}}"
    );
    in_time(&space(
        &format!("{active},{{\"id\":\"{long}y\",\"kind\":{{\"skip\":{{}}}}}}"),
        "",
        "",
        "",
    ))
    .unwrap_err();
    let unused = join(N, |i| {
        format!("{{\"id\":\"p{i}\",\"shape\":[0],\"init\":\"ones\"}}")
    });
    in_time(&space("", "", &unused, "")).unwrap_err();
}

#[test]
fn what_would_eat_the_memory_is_refused() {
    const N: usize = 100_000;
    let choices = join(N, |_| "\"\"".into());
    let decision = format!("{{\"id\":\"d\",\"kind\":{{\"op\":{{\"choices\":[{choices}]}}}}}}");
    let conditions = join(N, |_| "{\"in\":[\"d\",[]]}".into());
    let require =
        format!("\"require\":[{{\"that\":{{\"any\":[{conditions}]}},\"because\":\"so\"}}],");
    let sentence = in_time(&space(&decision, &require, "", "")).unwrap_err();
    assert!(
        sentence.starts_with("the constraint \"so\": all conditions together would take 67"),
        "{sentence}"
    );

    let extent = format!(
        "\"extents\":[{{\"id\":\"e\",\"decision\":\"d\",\"sizes\":[{}]}}],",
        join(N, |i| (i + 1).to_string())
    );
    let params = join(N, |i| {
        format!("{{\"id\":\"p{i}\",\"shape\":[\"e\"],\"init\":\"ones\"}}")
    });
    let sentence = in_time(&space(&decision, &extent, &params, "")).unwrap_err();
    assert_eq!(
        sentence,
        "param `p671`: up to here all nodes together have more than 67108864 sizes that follow decisions; give the decisions \
         fewer choices, or let fewer sizes follow them."
    );
    let shape = join(N, |_| "1".into());
    let params = format!("{{\"id\":\"p\",\"shape\":[{shape}],\"init\":\"ones\"}}");
    let sentence = in_time(&space("", "", &params, "")).unwrap_err();
    assert_eq!(
        sentence,
        "param `p`: a shape of 100000 axes is too much, and 8 are the most."
    );
}
