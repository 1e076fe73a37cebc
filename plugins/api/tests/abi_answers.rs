//! Invalid answers of a plugin, and how the host reports them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(unsafe_code, reason = "plugins are behind pointers")]

mod support;

use std::sync::Mutex;
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};

use supernet_plugin::Supergraph;
use supernet_plugin::abi::{self, AbiError, Buffer, OK, OpCall, Slice, Table};

use support::plugin::{SOUND, host, request};

/// The answer of the bad plugin, and the number of its buffers not yet given back.
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
    // SAFETY: the buffer is the host's, valid for writes.
    unsafe { out.write(buffer) };
    status
}

unsafe extern "C" fn bad_build(_: Slice, out: *mut Buffer) -> i32 {
    // SAFETY: the pointer is passed on unchanged.
    unsafe { bad_describe(out) }
}

unsafe extern "C" fn bad_run(_: *const OpCall, out: *mut Buffer) -> i32 {
    // SAFETY: the pointer is passed on unchanged.
    unsafe { bad_describe(out) }
}

unsafe extern "C" fn bad_free(buffer: Buffer) {
    assert!(!buffer.ptr.is_null());
    OUT.fetch_sub(1, SeqCst);
    // SAFETY: the buffer was made from a vector of bytes above.
    drop(unsafe { Vec::from_raw_parts(buffer.ptr, 0, buffer.capacity) });
}

const BAD: Table = Table {
    describe: bad_describe,
    build: bad_build,
    run_op: bad_run,
    free: bad_free,
    ..SOUND
};

/// What the host reports if every call gets this answer. Every buffer is given back once.
#[track_caller]
fn answered(status: i32, bytes: impl Into<Vec<u8>>, shape: Shape) -> [Result<(), String>; 3] {
    let _one = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let host = host(&BAD).unwrap();
    let bytes = bytes.into();
    let say = |ask: &dyn Fn() -> Result<(), AbiError>| {
        // A zeroed vector of this size occupies no memory until it is written, but a copy would.
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
