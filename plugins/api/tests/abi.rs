//! What crosses to a plugin and back: a sound one, and every way in which one can be wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "plugins are behind pointers")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};

use supernet_plugin::Operand::*;
use supernet_plugin::abi::{
    self, AbiError, Buffer, Host, MAGIC, OK, OpCall, Request, Slice, Table, VERSION,
};
use supernet_plugin::{BuildError, CpuOp, Field, Space, SpaceEntry, Supergraph, inventory};

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

/// What panics again when it is dropped.
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

unsafe extern "C" fn describe(out: *mut Buffer) -> i32 {
    // SAFETY: passed on.
    unsafe { abi::describe("tests", "1.2.3", out) }
}

const SOUND: Table = Table::of(describe);

fn host(table: &Table) -> Result<Host, AbiError> {
    // SAFETY: a reference to a whole table, whose functions are functions.
    unsafe { Host::read(table) }
}

fn request(width: i64) -> Request {
    Request {
        space: "line".into(),
        config: [("width".to_owned(), width.into())].into(),
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
    // SAFETY: the shims take a null for the answer, the call and a buffer.
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
    // SAFETY: refused for its address.
    let odd = unsafe { Host::read(words.as_ptr().cast::<u8>().add(1).cast()) };
    assert_eq!(odd.unwrap_err(), AbiError::Misaligned);
    let refused = |table| host(&table).unwrap_err().to_string();
    assert_eq!(
        refused(Table { magic: 7, ..SOUND }),
        "the library's `SUPERNET_PLUGIN` starts with 0x0000000000000007 and not with 0x54454e5245505553, so it is no plugin \
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
    // What a later version adds to the end is no hindrance.
    host(&Table {
        size: 4096,
        ..SOUND
    })
    .unwrap();
    // Only the first 16 bytes exist.
    let short = [MAGIC, u64::from(VERSION) | 16 << 32];
    // SAFETY: 16 bytes, which is what they say.
    let short = unsafe { Host::read(short.as_ptr().cast()) };
    assert_eq!(short.unwrap_err(), AbiError::Truncated { size: 16 });
    let hollow = [MAGIC, u64::from(VERSION) | 48 << 32, 0, 0, 0, 0];
    // SAFETY: 48 bytes, whose functions are missing.
    let hollow = unsafe { Host::read(hollow.as_ptr().cast()) };
    assert_eq!(
        hollow.unwrap_err(),
        AbiError::NoFunction { call: "describe" }
    );
}

/// What the bad plugin answers, and how many of its buffers are out.
static ANSWER: Mutex<(i32, Vec<u8>, Shape)> = Mutex::new((OK, Vec::new(), Shape::Honest));
static OUT: AtomicIsize = AtomicIsize::new(0);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[derive(Clone, Copy)]
enum Shape {
    Honest,
    /// A length without bytes.
    Nowhere,
    /// More bytes than were allocated.
    Beyond,
}

unsafe extern "C" fn bad_describe(out: *mut Buffer) -> i32 {
    let mut answer = ANSWER.lock().unwrap();
    let (status, bytes, shape) = (answer.0, std::mem::take(&mut answer.1), answer.2);
    let mut bytes = std::mem::ManuallyDrop::new(bytes);
    let buffer = match shape {
        Shape::Honest => Buffer {
            ptr: bytes.as_mut_ptr(),
            len: bytes.len(),
            capacity: bytes.capacity(),
        },
        Shape::Nowhere => Buffer {
            len: 10,
            ..Buffer::EMPTY
        },
        Shape::Beyond => Buffer {
            ptr: bytes.as_mut_ptr(),
            len: bytes.capacity() + 1,
            capacity: bytes.capacity(),
        },
    };
    if !buffer.ptr.is_null() {
        OUT.fetch_add(1, SeqCst);
    }
    // SAFETY: the host's buffer.
    unsafe { out.write(buffer) };
    status
}

unsafe extern "C" fn bad_build(_: Slice, out: *mut Buffer) -> i32 {
    // SAFETY: passed on.
    unsafe { bad_describe(out) }
}

unsafe extern "C" fn bad_run(_: *const OpCall, out: *mut Buffer) -> i32 {
    // SAFETY: passed on.
    unsafe { bad_describe(out) }
}

unsafe extern "C" fn bad_free(buffer: Buffer) {
    assert!(!buffer.ptr.is_null());
    OUT.fetch_sub(1, SeqCst);
    // SAFETY: made of a vector above; what it holds is bytes.
    drop(unsafe { Vec::from_raw_parts(buffer.ptr, 0, buffer.capacity) });
}

const BAD: Table = Table {
    describe: bad_describe,
    build: bad_build,
    run_op: bad_run,
    free: bad_free,
    ..SOUND
};

/// What the host says when every call is answered so. Every buffer goes back once.
#[track_caller]
fn answered(status: i32, bytes: impl Into<Vec<u8>>, shape: Shape) -> [Result<(), String>; 3] {
    let _one = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let host = host(&BAD).unwrap();
    let bytes = bytes.into();
    let say = |ask: &dyn Fn() -> Result<(), AbiError>| {
        // A zeroed vector of this size is not in memory until somebody writes to it, and a copy
        // would be.
        let bytes = if bytes.len() > 1 << 27 {
            vec![0; bytes.len()]
        } else {
            bytes.clone()
        };
        *ANSWER.lock().unwrap() = (status, bytes, shape);
        let said = ask().map_err(|error| error.to_string());
        assert_eq!(OUT.load(SeqCst), 0, "every buffer goes back once");
        said
    };
    [
        say(&|| host.describe().map(drop)),
        say(&|| host.build(&request(3)).map(drop)),
        say(&|| host.run_op("leaky", "forward", "{}", &[], [1, 0], &[], &mut [])),
    ]
}

#[test]
fn an_answer_that_is_wrong_is_a_sentence() {
    let all =
        |answers: [Result<(), String>; 3]| answers.map(|answer| answer.err().unwrap_or_default());
    let [describe, build, run] = all(answered(9, "{}", Shape::Honest));
    let rest = "with the status 9, and version 1 of the interface has 0 to 2; rebuild the plugin with supernet-plugin 0.1.0.";
    assert_eq!(describe, format!("the plugin answered `describe` {rest}"));
    assert_eq!(build, format!("the plugin answered `build` {rest}"));
    assert_eq!(run, format!("the plugin answered `run_op` {rest}"));

    let [describe, ..] = all(answered(OK, "{\"plugin\": 3", Shape::Honest));
    assert_eq!(
        describe,
        "the plugin's answer to `describe` is not what it should be: invalid type: integer `3`, expected a string at line 1 \
         column 12; tell the plugin's authors."
    );
    let [describe, build, _] = all(answered(OK, b"{\"plugin\": \"\xff\"}", Shape::Honest));
    assert_eq!(
        describe,
        "the plugin's answer to `describe` is not UTF-8 from byte 12 on; tell the plugin's authors."
    );
    assert_eq!(
        build,
        "the plugin's answer to `build` is not UTF-8 from byte 12 on; tell the plugin's authors."
    );

    for sentence in all(answered(OK, "", Shape::Nowhere)) {
        assert!(
            sentence.ends_with(
                "is said to have 10 bytes, but they are nowhere; tell the plugin's authors."
            ),
            "{sentence}"
        );
    }
    for sentence in all(answered(OK, "{}", Shape::Beyond)) {
        assert!(
            sentence.ends_with("but they are nowhere; tell the plugin's authors."),
            "{sentence}"
        );
    }
    for sentence in all(answered(OK, vec![0; 1 << 30], Shape::Honest)) {
        assert!(
            sentence.ends_with(
                "has 1073741824 bytes, and at most 67108864 are read; make the space smaller."
            ),
            "{sentence}"
        );
    }
    let [refused, ..] = all(answered(abi::REFUSED, "", Shape::Honest));
    assert_eq!(
        refused,
        "the plugin refuses to `describe` and does not say why; tell its authors."
    );
    let [refused, ..] = all(answered(abi::REFUSED, vec![b'a'; 10_000], Shape::Honest));
    assert_eq!(refused.chars().count(), 4097);
}

#[test]
fn a_description_is_held_to_its_limits() {
    let described = |names: &[&str]| {
        let spaces: Vec<String> = names
            .iter()
            .map(|name| format!("{{\"name\":{name:?}}}"))
            .collect();
        let json = format!(
            "{{\"plugin\":\"p\",\"version\":\"1\",\"spaces\":[{}]}}",
            spaces.join(",")
        );
        let [describe, ..] = answered(OK, json, Shape::Honest);
        describe.err().unwrap_or_default()
    };
    assert_eq!(described(&["a", "b"]), "");
    assert_eq!(
        described(&["a", "a"]),
        "the plugin says that it has two of one name, the search space `a`; rename one of them."
    );
    let limit = "a name has 1 to 100 printable characters, and no `/`";
    for name in ["", "a/b", "a\nb", &"x".repeat(101)] {
        let shown: String = name.chars().take(100).collect();
        assert_eq!(
            described(&[name]),
            format!("the plugin says that it has a search space {shown:?}; {limit}.")
        );
    }
    let many: Vec<String> = (0..10_001).map(|i| format!("s{i}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(
        described(&many)
            .contains("a list has more than 10000 items, and may have no more at line 1 column")
    );
}

#[test]
fn a_space_that_arrives_whole_may_still_be_wrong() {
    let _one = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let json = r#"{"schema":2,"name":"broken","decisions":[],"params":[],"nodes":[],
        "outputs":[{"node":"nowhere","role":"logits"}]}"#;
    *ANSWER.lock().unwrap() = (OK, json.into(), Shape::Honest);
    let space = host(&BAD).unwrap().build(&request(3)).unwrap();
    assert_eq!(
        Supergraph::new(space).unwrap_err()[0].to_string(),
        "output `nowhere`: there is no such node."
    );
}
