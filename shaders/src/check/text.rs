//! Whether a stranger's text may be handed to naga at all.
//!
//! Naga goes down into a text by recursion, and so do the compilers of drivers. A text that is nested deeply enough would end
//! the process with a stack overflow, which nothing can catch, so it is refused before anybody reads it.

use super::Breach;

/// Bytes of a module at most.
pub const MOST_SOURCE: usize = 64 << 10;
/// Brackets in brackets at most.
const MOST_NESTED: usize = 64;
/// Bytes of one statement at most, since a chain of operators is as deep as it is long.
const MOST_STATEMENT: usize = 2048;
/// Times `else` at most, for the same reason.
const MOST_ELSE: usize = 256;
/// Functions at most: each may call the one before it.
const MOST_FUNCTIONS: usize = 256;

/// Whether the text is short and flat enough.
pub(super) fn check(source: &str) -> Result<(), Breach> {
    if source.len() > MOST_SOURCE {
        return Err(Breach::Long { what: "the module", got: source.len(), most: MOST_SOURCE, line: 1 });
    }
    let text = without_comments(source);
    let (mut depth, mut statement, mut line) = (0_usize, 0, 1);
    for byte in &text {
        statement += 1;
        match byte {
            b'\n' => line += 1,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if matches!(byte, b';' | b'{' | b'}') {
            statement = 0;
        }
        if depth > MOST_NESTED {
            return Err(Breach::Nested { most: MOST_NESTED, line });
        }
        if statement > MOST_STATEMENT {
            return Err(Breach::Long { what: "a statement", got: statement, most: MOST_STATEMENT, line });
        }
    }
    for (word, most) in [("else", MOST_ELSE), ("fn", MOST_FUNCTIONS)] {
        let letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let got = text.split(|byte| !letter(byte)).filter(|part| *part == word.as_bytes()).count();
        if got > most {
            return Err(Breach::Often { word, got, most });
        }
    }
    Ok(())
}

/// The text with comments blanked out; lines stay where they are.
fn without_comments(source: &str) -> Vec<u8> {
    let mut text = source.as_bytes().to_vec();
    let (mut at, mut open, mut rest_of_line) = (0, 0, false);
    while at < text.len() {
        let pair = [text[at], text.get(at + 1).copied().unwrap_or(0)];
        let (skip, step) = match pair {
            [b'\n', _] => {
                rest_of_line = false;
                (false, 1)
            }
            _ if rest_of_line => (true, 1),
            // Comments of this kind nest in WGSL.
            [b'/', b'*'] => {
                open += 1;
                (true, 2)
            }
            [b'*', b'/'] if open > 0 => {
                open -= 1;
                (true, 2)
            }
            [b'/', b'/'] if open == 0 => {
                rest_of_line = true;
                (true, 2)
            }
            _ => (open > 0, 1),
        };
        let end = (at + step).min(text.len());
        if skip {
            text[at..end].fill(b' ');
        }
        at = end;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(source: &str) -> String {
        check(source).map_or_else(|breach| breach.to_string(), |()| "fine".into())
    }

    #[test]
    fn texts_that_are_deep_are_refused() {
        assert_eq!(said("fn f() { let a = (1 + (2)); } // ((((("), "fine");
        assert_eq!(said(&format!("/* {} /* */ {0} */ fn f() {{ }}", "(".repeat(500))), "fine");
        let deep = format!("fn f() {{\n let a = {}1{}; }}", "(".repeat(70), ")".repeat(70));
        assert_eq!(said(&deep), "line 2 has more than 64 brackets in brackets; give inner parts names");
        let long = format!("fn f() {{ let a = 1{}; }}", "+1".repeat(1100));
        assert!(said(&long).starts_with("a statement has 2049 bytes up to line 1"), "{}", said(&long));
        let often = format!("fn f() {{ if a {{ }} {} }}", "else if a { } ".repeat(300));
        assert_eq!(said(&often), "`else` stands in it 300 times; at most 256 are allowed");
        assert!(said(&" ".repeat(70_000)).starts_with("the module has 70000 bytes"));
    }

    #[test]
    fn lines_are_counted_in_comments_too() {
        let text = format!("/*\n\n*/ //\n{}", "(".repeat(65));
        assert!(said(&text).starts_with("line 4 "), "{}", said(&text));
    }
}
