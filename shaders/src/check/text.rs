//! Lexical analysis of a module before naga reads it: its tokens, its nesting depth and its loops.
//!
//! Naga's parser, its validator, its backends and the drivers' compilers all recurse wherever a
//! text nests. Naga limits the depth of brackets but not that of `a + a + a …`, of `!!!…a` or of
//! `else if` chains, and a stack overflow ends the process. A larger stack would help here but not
//! in wgpu, which parses the text again, so deeply nested texts are rejected instead.

use super::Violation;

/// The most bytes of the text of a module.
pub const MOST_SOURCE: usize = 1 << 20;
/// The maximum nesting depth of brackets, operators and `else`, all counted together.
pub(super) const MOST_DEPTH: u32 = 250;
/// The most functions, variables, types and other declarations of a module: naga recurses from each
/// into those that it refers to.
pub(super) const MOST_DECLARATIONS: usize = 1024;
/// The most statements of all functions together: naga's running time is quadratic in their number.
pub(super) const MOST_STATEMENTS: usize = 8192;

/// A word, a number, or a punctuation character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Word(&'a str),
    Mark(char),
}

/// The tokens of a text, without comments, each with its offset.
pub(super) fn tokens(source: &str) -> impl Iterator<Item = (usize, Token<'_>)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let rest = &source[at..];
            let first = rest.chars().next()?;
            let begin = at;
            if rest.starts_with("//") {
                at += rest.find(ends_line).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                at += block_comment(rest);
            } else if blank(first) {
                at += first.len_utf8();
            } else if in_word(first) {
                // The point of a number is part of it; after a name it is punctuation.
                let number = first.is_ascii_digit();
                let len = rest
                    .find(|c| !(in_word(c) || number && c == '.'))
                    .unwrap_or(rest.len());
                at += len;
                return Some((begin, Token::Word(&rest[..len])));
            } else {
                at += first.len_utf8();
                return Some((begin, Token::Mark(first)));
            }
        }
    })
}

/// The length in bytes of the comment at the beginning of `rest`; comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut at, mut depth) = (2, 1_usize);
    let bytes = rest.as_bytes();
    while depth > 0 && at < bytes.len() {
        match &bytes[at..] {
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            _ => at += 1,
        }
    }
    at
}

/// The line breaks of WGSL.
fn ends_line(c: char) -> bool {
    matches!(c, '\u{a}'..='\u{d}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn blank(c: char) -> bool {
    ends_line(c) || matches!(c, ' ' | '\t' | '\u{200e}' | '\u{200f}')
}

/// Any non-ASCII character that is not whitespace counts as part of a word: naga rejects characters
/// that no word may have, whatever they count as here.
fn in_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && !blank(c)
}

/// Checks that the text can be passed to a recursive parser.
pub(super) fn check(source: &str) -> Result<(), Violation> {
    if source.len() > MOST_SOURCE {
        return Err(Violation::Source {
            bytes: source.len(),
        });
    }
    if depth(source) > MOST_DEPTH {
        return Err(Violation::Depth);
    }
    let (declarations, statements) = count(source);
    if declarations > MOST_DECLARATIONS {
        return Err(Violation::Declarations { got: declarations });
    }
    if statements > MOST_STATEMENTS {
        Err(Violation::Statements { got: statements })
    } else {
        Ok(())
    }
}

/// The state between two brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `;`, `,` or end of a statement: no tree is deeper than its number
    /// of operators.
    operators: u32,
    /// The greatest depth of brackets since then.
    inner: u32,
    /// The greatest depth before that.
    most: u32,
}

impl Level {
    fn depth(self) -> u32 {
        self.most.max(self.operators + self.inner)
    }

    fn part(&mut self) {
        *self = Level {
            most: self.depth(),
            ..Level::default()
        };
    }
}

/// An upper bound on the depth of the syntax tree of the text.
fn depth(source: &str) -> u32 {
    let mut outer = vec![];
    let mut level = Level::default();
    let mut closed = false;
    for (_, token) in tokens(source) {
        // A block ends a statement unless `else` continues it.
        if std::mem::take(&mut closed) && token != Token::Word("else") {
            level.part();
        }
        match token {
            Token::Mark('(' | '[' | '{') => {
                // Successive brackets, as in `a[0][0]`, form a chain like operators.
                level.operators += 1;
                outer.push(std::mem::take(&mut level));
            }
            Token::Mark(mark @ (')' | ']' | '}')) => {
                let depth = level.depth() + 1;
                let Some(around) = outer.pop() else { continue };
                level = Level {
                    inner: depth.max(around.inner),
                    ..around
                };
                closed = mark == '}';
            }
            Token::Mark(';' | ',') => level.part(),
            Token::Mark(_) | Token::Word("else") => level.operators += 1,
            Token::Word(_) => {}
        }
    }
    outer.iter().rev().fold(level.depth(), |depth, around| {
        around.depth().max(around.operators + depth + 1)
    })
}

/// The numbers of declarations outside functions and of statement ends inside them.
fn count(source: &str) -> (usize, usize) {
    let (mut depth, mut declarations, mut statements) = (0_usize, 0, 0);
    for (_, token) in tokens(source) {
        match token {
            Token::Mark('{') => depth += 1,
            Token::Mark('}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if matches!(token, Token::Mark(';' | '}')) {
            *if depth == 0 {
                &mut declarations
            } else {
                &mut statements
            } += 1;
        }
    }
    (declarations, statements)
}

/// The offset at which the directives end; they precede everything else.
pub(super) fn directives(source: &str) -> usize {
    let (mut end, mut within) = (0, false);
    for (at, token) in tokens(source) {
        match token {
            Token::Mark(';') if within => (end, within) = (at + 1, false),
            Token::Word("enable" | "requires" | "diagnostic") => within = true,
            _ if within => {}
            _ => break,
        }
    }
    end
}

/// A loop of any kind in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Loop {
    /// The offset of its keyword.
    pub(super) begins: usize,
    /// The offset of its body, after the brace.
    pub(super) body: usize,
}

/// The loops of a valid text, in the order of their bodies. The keywords are reserved by WGSL, so
/// nothing else has these names; nothing between keyword and body contains braces.
pub(super) fn loops(source: &str) -> Vec<Loop> {
    let mut loops = vec![];
    let mut open = None;
    for (at, token) in tokens(source) {
        match token {
            Token::Word("loop" | "for" | "while") => open = Some(at),
            Token::Mark('{') => loops.extend(open.take().map(|begins| Loop {
                begins,
                body: at + 1,
            })),
            _ => {}
        }
    }
    loops
}
