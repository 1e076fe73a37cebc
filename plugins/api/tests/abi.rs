//! Calls between host and plugin, and tables that are rejected.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "plugins are behind pointers")]

mod support;

use std::collections::BTreeMap;

use supernet_plugin::Operand::*;
use supernet_plugin::abi::{
    self, AbiError, Buffer, Host, MAGIC, OK, Request, Slice, Table, VERSION,
};
use supernet_plugin::{BuildError, CpuOp, Field, Space, SpaceEntry, Supergraph, inventory};

use support::plugin::{SOUND, host, request};

inventory::submit! {
    SpaceEntry {
        name: "line",
        summary: "a layer",
        fields: || {
            if std::thread::current().name() == Some("fields panic") {
                panic!("the fields are gone");
            }
            vec![Field::int("width", 4, 1..=8, "how wide")]
        },
        build: |config| {
            let s = Space::new("line");
            match config.size("width")? {
                5 => return Err(BuildError::refused("5 is an unlucky width")),
                6 => panic!("6 is {}", "too much"),
                7 => std::panic::panic_any(Bomb),
                width => s.output(s.input("row", &[3]).linear(width, true)),
            }
            s.finish()
        },
    }
}

/// A payload that panics again when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the bomb went off");
    }
}

inventory::submit! {
    CpuOp {
        op: "leaky",
        run: |call| {
            let slope = call.number("slope")? as f32;
            if slope < 0.0 {
                panic!("a negative slope");
            }
            call.per_element(|x| x.max(slope * x), |x, _, gy| if x > 0.0 { gy } else { slope * gy })
        },
    }
}

#[test]
fn a_sound_plugin_describes_builds_and_runs() {
    let host = host(&SOUND).unwrap();
    let description = host.describe().unwrap();
    assert_eq!(
        [&*description.plugin, &*description.version],
        ["tests", "1.2.3"]
    );
    assert_eq!(description.spaces.len(), 1);
    assert_eq!(description.spaces[0].fields[0].key, "width");
    assert_eq!(description.cpu_ops, ["leaky"]);
    let space = host.build(&request(3)).unwrap();
    assert_eq!(space.config["width"], 3i64.into());
    assert_eq!(Supergraph::new(space).unwrap().total_params(), 12);

    let (x, mut y) = ([2.0, -2.0], [0.0; 2]);
    let dims = [1, 0, 0, 0, 2, 1, 1, 1, 2, 1, 1, 1];
    let mut run = |op: &str, attributes: &str, kernel: &str| {
        host.run_op(
            op,
            kernel,
            attributes,
            &dims,
            [1, 0],
            &[(Input(0), &x)],
            &mut [(Output, &mut y)],
        )
    };
    run("leaky", r#"{"slope":0.5}"#, "forward").unwrap();
    assert_eq!(
        run("leaky", "{}", "forward").unwrap_err().to_string(),
        "the op `leaky` on the CPU: the node has no attribute `slope`, which the op reads; give it one."
    );
    assert_eq!(
        run("leaky", r#"{"slope":-1}"#, "forward")
            .unwrap_err()
            .to_string(),
        "the plugin panicked in `run_op`, and said: \"a negative slope\". It is a mistake in the plugin; tell its authors."
    );
    assert!(
        run("leaky", "{", "forward")
            .unwrap_err()
            .to_string()
            .contains("EOF while parsing")
    );
    assert_eq!(
        run("none", "{}", "forward").unwrap_err().to_string(),
        "the plugin has no function for the op `none` on the CPU; run it on a GPU."
    );
    assert!(run("leaky", r#"{"slope":1}"#, "sideways").is_err());
    assert_eq!(y, [2.0, -1.0]);
}

#[test]
fn refusals_and_panics_come_back_as_sentences() {
    let host = host(&SOUND).unwrap();
    let said = |width| host.build(&request(width)).unwrap_err().to_string();
    assert_eq!(said(5), "5 is an unlucky width.");
    let end = "It is a mistake in the plugin; tell its authors.";
    assert_eq!(
        said(6),
        format!("the plugin panicked in `build`, and said: \"6 is too much\". {end}")
    );
    let nothing = "it panicked without a message";
    assert_eq!(
        said(7),
        format!("the plugin panicked in `build`, and said: {nothing:?}. {end}")
    );
    let unknown = Request {
        space: "lime".into(),
        config: BTreeMap::new(),
    };
    assert_eq!(
        host.build(&unknown).unwrap_err().to_string(),
        "there is no search space `lime`; the nearest is `line`. There are: line."
    );
    let named = std::thread::Builder::new().name("fields panic".into());
    let said = named
        .spawn(move || host.describe().unwrap_err().to_string())
        .unwrap()
        .join()
        .unwrap();
    assert_eq!(
        said,
        format!("the plugin panicked in `describe`, and said: \"the fields are gone\". {end}")
    );
    // SAFETY: the shims accept null for the answer, the call and a buffer.
    unsafe {
        assert_eq!((SOUND.describe)(std::ptr::null_mut()), OK);
        assert_eq!(
            (SOUND.run_op)(std::ptr::null(), std::ptr::null_mut()),
            abi::REFUSED
        );
        assert_eq!(
            (SOUND.build)(
                Slice {
                    ptr: std::ptr::null(),
                    len: 3
                },
                std::ptr::null_mut()
            ),
            abi::REFUSED
        );
        (SOUND.free)(Buffer::EMPTY);
    }
}

#[test]
fn a_table_that_is_none_is_refused_before_it_is_used() {
    // SAFETY: null is allowed.
    let null = unsafe { Host::read(std::ptr::null()) };
    assert_eq!(null.unwrap_err(), AbiError::Null);
    let words = [0u64; 16];
    // SAFETY: rejected because of its address, before it is read.
    let odd = unsafe { Host::read(words.as_ptr().cast::<u8>().add(1).cast()) };
    assert_eq!(odd.unwrap_err(), AbiError::Misaligned);
    let refused = |table| host(&table).unwrap_err().to_string();
    assert_eq!(
        refused(Table { magic: 7, ..SOUND }),
        "the library's `SUPERNET_PLUGIN` starts with 0x0000000000000007 and not with 0x54454e5245505553, so it is not a plugin \
         of supernet; build it with `supernet_plugin::export_plugin!`."
    );
    assert_eq!(
        refused(Table {
            version: VERSION + 2,
            ..SOUND
        }),
        "the plugin speaks version 3 of the interface, and this program version 1; use a newer supernet, or rebuild the \
         plugin with supernet-plugin 0.1.0."
    );
    assert_eq!(
        refused(Table {
            version: 0,
            ..SOUND
        }),
        "the plugin speaks version 0 of the interface, which this program no longer does: its own is 1; rebuild the plugin \
         with supernet-plugin 0.1.0."
    );
    assert_eq!(
        refused(Table { size: 40, ..SOUND }),
        "the plugin's table has 40 bytes, and one of version 1 has 48; rebuild the plugin with supernet-plugin 0.1.0."
    );
    // Fields that a later version appends are ignored.
    host(&Table {
        size: 4096,
        ..SOUND
    })
    .unwrap();
    // Only the first 16 bytes exist.
    let short = [MAGIC, u64::from(VERSION) | 16 << 32];
    // SAFETY: there are 16 bytes, as the header states.
    let short = unsafe { Host::read(short.as_ptr().cast()) };
    assert_eq!(short.unwrap_err(), AbiError::Truncated { size: 16 });
    let hollow = [MAGIC, u64::from(VERSION) | 48 << 32, 0, 0, 0, 0];
    // SAFETY: there are 48 bytes, as the header states; their functions are missing.
    let hollow = unsafe { Host::read(hollow.as_ptr().cast()) };
    assert_eq!(
        hollow.unwrap_err(),
        AbiError::NoFunction { call: "describe" }
    );
}
