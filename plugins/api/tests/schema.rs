//! The JSON Schema that comes with the crate.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;
use supernet_plugin::{JSON_SCHEMA, Role, Space, When};

#[cfg(feature = "schema")]
#[test]
fn the_schema_is_that_of_the_types() {
    let mut schema = Value::from(schemars::schema_for!(supernet_plugin::SearchSpace));
    unlink(&mut schema);
    if std::env::var_os("SUPERNET_WRITE_SCHEMA").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/space.schema.json");
        std::fs::write(path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
        return;
    }
    let kept: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    assert!(
        kept == schema,
        "space.schema.json is not that of the types any more; write it again by \
         `SUPERNET_WRITE_SCHEMA=1 cargo test -p supernet-plugin --features schema --test schema`, and look at the difference"
    );
}

/// Descriptions come from doc comments, whose links have no target in a schema: `[x](crate::x)` and
/// `[x]` become `x`.
#[cfg(feature = "schema")]
fn unlink(schema: &mut Value) {
    match schema {
        Value::Object(parts) => {
            for (key, part) in parts {
                match part {
                    Value::String(text) if key == "description" => {
                        let mut plain = String::new();
                        for part in text.replace("[`", "`").split("`]") {
                            let linked =
                                part.starts_with("(crate::") || part.starts_with("(Self::");
                            let part = if linked {
                                part.split_once(')').map_or("", |(_, rest)| rest)
                            } else {
                                part
                            };
                            plain.push_str(if plain.is_empty() { "" } else { "`" });
                            plain.push_str(part);
                        }
                        *text = plain;
                    }
                    part => unlink(part),
                }
            }
        }
        Value::Array(parts) => parts.iter_mut().for_each(unlink),
        _ => {}
    }
}

/// The keys of an object schema.
fn keys(schema: &Value) -> Vec<&str> {
    schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn the_schema_knows_what_a_space_writes() {
    let s = Space::new("all");
    s.summary("everything at the top");
    s.define_op(supernet_plugin::CustomOp::per_element("swish", "…"));
    let op = s.op("op", &["a", "b"]);
    let size = s.extent(s.value("width", &[4, 8]));
    let x = s.input("row", &[8]).custom("swish");
    let y = s.block("key", || {
        s.choose(op, &[x, x.linear(size, true).linear(8, false)])
    });
    s.output_as(y, Role::Logits);
    s.require(When::ALWAYS, "it is always so");
    s.step(&[op]).keep("a");
    s.group("g", &[op], 1, 0);
    let mut space = s.finish().unwrap();
    space.config.insert("width".into(), 8i64.into());

    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let written: Value = serde_json::from_str(&space.to_json().unwrap()).unwrap();
    let (known, written) = (keys(&schema), written.as_object().unwrap());
    assert_eq!(
        known.len(),
        written.len(),
        "the space writes everything that there is"
    );
    for key in written.keys() {
        assert!(
            known.contains(&key.as_str()),
            "the schema does not know `{key}`"
        );
    }
    // Optional fields are not required, and all others are.
    let required: Vec<&str> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap())
        .collect();
    assert_eq!(
        required,
        ["schema", "name", "decisions", "params", "nodes", "outputs"]
    );
    let op = &schema["$defs"]["CustomOp"];
    assert_eq!(op["required"], serde_json::json!(["name", "shape"]));
    assert_eq!(op["properties"]["inputs"]["default"], 1);
    assert_eq!(schema["$defs"]["Kernel"]["additionalProperties"], false);
    assert!(JSON_SCHEMA.contains("\"depthwise_conv2d\""));
}
