//! Texts in their published forms, valid and invalid.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Text, TextSettings, Unit};
use crate::SplitSpec;

const WORDS: TextSettings = TextSettings {
    unit: Unit::Word,
    limit: 0,
};
const CHARACTERS: TextSettings = TextSettings {
    unit: Unit::Character,
    limit: 0,
};

/// An empty folder for one test.
fn place(test: &str) -> PathBuf {
    let place = std::env::temp_dir().join(format!("supernet-text-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    place
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
}

fn vocabulary(text: &Text) -> Vec<&str> {
    (0..text.vocabulary.len())
        .map(|number| text.vocabulary.word(number))
        .collect()
}

fn said(path: &Path, settings: &TextSettings) -> String {
    Text::read(path, settings).unwrap_err().to_string()
}

const TREE: [(&str, &str); 3] = [
    (
        "ptb.train.txt",
        " the cat sat \n the dog sat \n\n <unk> the end \n",
    ),
    ("ptb.valid.txt", " the cow sat \n"),
    ("ptb.test.txt", "cat\r\ndog"),
];

#[test]
fn penn_treebank_s_layout_ends_lines_with_eos_and_knows_the_words_of_the_training_file_alone() {
    let place = place("layout");
    write(&place, &TREE);
    write(
        &place,
        &[("README", "train valid test"), (".train.txt", "hidden")],
    );
    let text = Text::read(&place, &WORDS).unwrap();
    // By frequency, then by first occurrence.
    assert_eq!(
        vocabulary(&text),
        ["<eos>", "the", "sat", "cat", "dog", "<unk>", "end"]
    );
    assert_eq!(text.train, [1, 3, 2, 0, 1, 4, 2, 0, 0, 5, 1, 6, 0]);
    assert_eq!(
        (&text.validation[..], &text.test[..]),
        (&[1, 5, 2, 0][..], &[3, 0, 4, 0][..])
    );
    assert_eq!(text.facts().vocabulary, Some(7));
    assert_eq!(text.vocabulary.word(7), "<unk>");

    let wiki = self::place("wiki");
    for (from, to) in
        TREE.iter()
            .zip(["wiki.train.tokens", "wiki.valid.tokens", "wiki.test.tokens"])
    {
        write(&wiki, &[(to, from.1)]);
    }
    assert_eq!(Text::read(&wiki, &WORDS).unwrap(), text);
}

#[test]
fn a_limit_keeps_the_most_frequent_and_the_first_of_equals() {
    let place = place("limit");
    write(&place, &TREE);
    let limited = |limit| Text::read(&place, &TextSettings { limit, ..WORDS }).unwrap();
    assert_eq!(limited(7), Text::read(&place, &WORDS).unwrap());
    // `<unk>` is kept even if it is not among the most frequent tokens.
    let four = limited(4);
    assert_eq!(vocabulary(&four), ["<eos>", "the", "sat", "<unk>"]);
    assert_eq!(four.train, [1, 3, 2, 0, 1, 3, 2, 0, 0, 3, 1, 3, 0]);
    assert_eq!(
        vocabulary(&limited(5)),
        ["<eos>", "the", "sat", "cat", "<unk>"]
    );
    assert_eq!(vocabulary(&limited(2)), ["<eos>", "<unk>"]);
    assert!(
        said(&place, &TextSettings { limit: 1, ..WORDS })
            .contains("limit of 1 token tells nothing apart")
    );
}

#[test]
fn unk_is_there_only_if_some_token_becomes_it() {
    let place = place("unk");
    write(
        &place,
        &[("train", "a b a"), ("valid", "b a"), ("test", "a b")],
    );
    assert_eq!(
        vocabulary(&Text::read(&place, &WORDS).unwrap()),
        ["a", "b", "<eos>"]
    );
    // A word that occurs only outside the training split has to become something.
    write(&place, &[("test", "a c")]);
    let text = Text::read(&place, &WORDS).unwrap();
    assert_eq!(
        (vocabulary(&text), &text.test[..]),
        (vec!["a", "b", "<eos>", "<unk>"], &[0, 3, 2][..])
    );
    // The same within the limit.
    let text = Text::read(&place, &TextSettings { limit: 3, ..WORDS }).unwrap();
    assert_eq!(
        (vocabulary(&text), &text.train[..]),
        (vec!["a", "b", "<unk>"], &[0, 1, 0, 2][..])
    );
    // An `<unk>` outside the training split does not count as one in it.
    write(&place, &[("test", "<unk> a")]);
    assert_eq!(Text::read(&place, &WORDS).unwrap().test, [3, 0, 2]);
}

#[test]
fn one_file_is_divided_by_position_alone_or_in_its_folder() {
    let place = place("one");
    let alphabet = "abcdefghij".repeat(10);
    write(&place, &[("input.txt", &alphabet)]);
    let text = Text::read(&place, &CHARACTERS).unwrap();
    assert_eq!(
        [text.train.len(), text.validation.len(), text.test.len()],
        [90, 5, 5]
    );
    assert_eq!(
        (text.vocabulary.len(), &text.validation[..], &text.test[..]),
        (10, &[0, 1, 2, 3, 4][..], &[5, 6, 7, 8, 9][..])
    );
    assert_eq!(
        Text::read(&place.join("input.txt"), &CHARACTERS).unwrap(),
        text
    );
    let split = |train, validation| {
        let text = Text::divided(
            &place,
            &CHARACTERS,
            &SplitSpec {
                train,
                validation,
                seed: 3,
            },
        )?;
        Ok::<_, crate::DataError>([text.train.len(), text.validation.len(), text.test.len()])
    };
    assert_eq!(split(0.6, 0.0).unwrap(), [60, 5, 35]);
    assert_eq!(split(10.0, 88.0).unwrap(), [10, 88, 2]);
    for (train, validation) in [(0.0, 0.1), (1.0, 5.0), (50.0, 49.0), (4e9, 4e9)] {
        let error = split(train, validation).unwrap_err().to_string();
        assert!(
            error.contains("input.txt: of its 100 tokens") && error.contains("data.validation"),
            "{error}"
        );
    }
    // The characters of the test split are not known beforehand.
    write(&place, &[("input.txt", &alphabet.replacen('a', "z", 1))]);
    let reversed: String = fs::read_to_string(place.join("input.txt"))
        .unwrap()
        .chars()
        .rev()
        .collect();
    write(&place, &[("input.txt", &reversed)]);
    let text = Text::read(&place, &CHARACTERS).unwrap();
    assert_eq!(
        (text.vocabulary.word(10), *text.test.last().unwrap()),
        ("<unk>", 10)
    );
}

#[test]
fn settings_take_the_beginning_of_files_of_their_own() {
    let place = place("shortened");
    write(&place, &TREE);
    let divided = |train, validation| {
        Text::divided(
            &place,
            &WORDS,
            &SplitSpec {
                train,
                validation,
                seed: 0,
            },
        )
    };
    let text = divided(4.0, 0.5).unwrap();
    assert_eq!(vocabulary(&text), ["the", "cat", "sat", "<eos>", "<unk>"]);
    assert_eq!(
        (&text.train[..], &text.validation[..], &text.test[..]),
        (&[0, 1, 2, 3][..], &[0, 4][..], &[1, 3, 4, 3][..])
    );
    let error = divided(14.0, 0.0).unwrap_err().to_string();
    assert!(
        error.contains("ptb.train.txt: `data.train` = 14 takes 14 of its 13 tokens"),
        "{error}"
    );
    let error = divided(0.0, 1.0).unwrap_err().to_string();
    assert!(
        error.contains("ptb.valid.txt: `data.validation` = 1 takes 1 of its 4 tokens"),
        "{error}"
    );
}

#[test]
fn characters_are_those_of_unicode_and_a_mark_at_the_beginning_is_none() {
    let place = place("unicode");
    write(
        &place,
        &[("input.txt", &format!("\u{feff}{}", "äö\r\n".repeat(20)))],
    );
    let text = Text::read(&place, &CHARACTERS).unwrap();
    assert_eq!(vocabulary(&text), ["ä", "ö", "\r", "\n"]);
    assert_eq!(text.train[..5], [0, 1, 2, 3, 0]);
    assert_eq!(
        vocabulary(&Text::read(&place, &WORDS).unwrap()),
        ["äö", "<eos>"]
    );
}

#[test]
fn what_is_no_text_is_named_with_the_place() {
    let place = place("bad");
    let file = place.join("input.txt");
    for (bytes, sentence) in [
        (&b""[..], "input.txt: it is empty"),
        (b"abc\xff", "input.txt, byte 3: the byte 0xff is no UTF-8"),
        // Compressed with gzip.
        (
            b"\x1f\x8b\x08",
            "input.txt, byte 1: the byte 0x8b is no UTF-8; if the file is packed, unpack it",
        ),
        (b"ab\xc3", "input.txt, byte 2: the byte 0xc3"),
        (
            b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "input.txt: `a` is the only token of its training split",
        ),
        (
            b"abc",
            "input.txt: of its 3 tokens 3 were to train and 0 to validate, and 0 are left to test",
        ),
    ] {
        fs::write(&file, bytes).unwrap();
        assert!(
            said(&file, &CHARACTERS).contains(sentence),
            "{sentence}: {}",
            said(&file, &CHARACTERS)
        );
    }
    fs::write(&file, "\n".repeat(40)).unwrap();
    assert!(
        said(&file, &CHARACTERS).contains("`\\n` is the only token"),
        "{}",
        said(&file, &CHARACTERS)
    );
    let huge = fs::File::create(&file).unwrap();
    huge.set_len(5 << 30).unwrap();
    assert!(
        said(&file, &WORDS)
            .contains("it has 5368709120 bytes, and a text is read up to 4294967295")
    );
    assert!(said(&place.join("absent"), &WORDS).contains("cannot read"));
}

#[test]
fn a_folder_that_is_no_text_is_told_what_one_is() {
    let place = place("no-text");
    assert!(
        said(&place, &WORDS)
            .contains("it holds no files and no folders; a text is a folder with three files")
    );
    write(&place, &[("ptb.train.txt", "a b"), ("ptb.test.txt", "a b")]);
    let error = said(&place, &WORDS);
    assert!(
        error.contains("holds the files ptb.test.txt, ptb.train.txt and no folders, but no file whose name says valid"),
        "{error}"
    );
    write(&place, &[("train.txt", "a b")]);
    assert!(
        said(&place, &WORDS).contains("ptb.train.txt and train.txt could both be its train file")
    );
    let two = self::place("two");
    write(&two, &[("a.txt", "a b"), ("b.txt", "a b")]);
    assert!(
        said(&two, &WORDS).contains("it holds the files a.txt, b.txt and no folders"),
        "{}",
        said(&two, &WORDS)
    );
    let empty = self::place("empty-part");
    write(&empty, &[("train", "a b"), ("valid", ""), ("test", "a b")]);
    assert!(said(&empty, &WORDS).contains("valid: it is empty"));
    write(&empty, &[("valid", "a")]);
    assert!(said(&empty, &CHARACTERS).contains("valid: it has fewer than the 2 tokens"));
}

#[test]
fn a_part_too_short_for_a_batch_is_named() {
    let place = place("short");
    write(&place, &TREE);
    let text = Text::read(&place, &WORDS).unwrap();
    text.fits("toy", 12, 3).unwrap();
    let error = text.fits("toy", 13, 3).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "the training split of `toy` has 13 tokens, too few for 13 streams side by side, which take 14"
        ),
        "{error}"
    );
    let error = text.fits("toy", 12, 4).unwrap_err().to_string();
    assert!(
        error.contains("validation split") && error.contains("`score.batch`"),
        "{error}"
    );
}

#[test]
fn a_fingerprint_sees_whatever_a_search_sees() {
    let place = place("fingerprint");
    write(&place, &TREE);
    let text = Text::read(&place, &WORDS).unwrap();
    let of = |change: fn(&mut Text)| {
        let mut text = text.clone();
        change(&mut text);
        text.fingerprint()
    };
    assert_eq!(text.fingerprint(), of(|_| {}));
    let others = [
        of(|text| text.train[0] += 1),
        of(|text| text.test[0] += 1),
        of(|text| {
            // The same tokens, split differently.
            let last = text.train.pop().unwrap();
            text.validation.insert(0, last);
        }),
        Text::read(&place, &TextSettings { limit: 6, ..WORDS })
            .unwrap()
            .fingerprint(),
    ];
    assert!(others.iter().all(|other| *other != text.fingerprint()));
}
