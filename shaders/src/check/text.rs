//! The text of a module before naga reads it: its words and marks, how deep it nests, where its
//! loops are.
//!
//! Naga's parser, its validator, what writes a module for a driver, and what drivers do with that
//! all recurse wherever a text nests. Naga limits the depth of brackets but not that of `a + a + a
//! …`, of `!!!…a` or of `else if` chains, and a stack that overflows ends the process. A larger
//! stack would help here and not in wgpu, which parses the text again, so a deep text is refused
//! instead.

use super::Violation;

/// Most bytes of a module's text.
pub const MOST_SOURCE: usize = 1 << 20;
/// How deep brackets, operators and `else` may nest, all counted together.
pub(super) const MOST_DEPTH: u32 = 250;
/// Most functions, variables, types and so on of a module: naga recurses from each into those it
/// mentions.
pub(super) const MOST_DECLARATIONS: usize = 1024;
/// Most statements, of all functions together: naga takes time that grows with the square of their
/// number.
pub(super) const MOST_STATEMENTS: usize = 8192;

/// A word or a number, or a mark of one character.
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
                // A number's point is part of it; after a name it is a mark.
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

/// Bytes of the comment that `rest` begins with; comments nest.
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

/// As WGSL has it.
fn ends_line(c: char) -> bool {
    matches!(c, '\u{a}'..='\u{d}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn blank(c: char) -> bool {
    ends_line(c) || matches!(c, ' ' | '\t' | '\u{200e}' | '\u{200f}')
}

/// Of what is not ASCII, all that is no blank: naga refuses what no word may have, whatever it is
/// taken for here.
fn in_word(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || !c.is_ascii() && !blank(c)
}

/// Whether the text is one that can be handed to a parser that recurses.
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

/// What lies between two brackets.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Operators since the last `;`, `,` or end of a statement: no tree is deeper than it has
    /// operators.
    operators: u32,
    /// The deepest brackets since then.
    inner: u32,
    /// The deepest of what was before.
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

/// A bound on how deep the tree of the text is, once parsed.
fn depth(source: &str) -> u32 {
    let mut outer = vec![];
    let mut level = Level::default();
    let mut closed = false;
    for (_, token) in tokens(source) {
        // A block ends a statement unless `else` goes on with it.
        if std::mem::take(&mut closed) && token != Token::Word("else") {
            level.part();
        }
        match token {
            Token::Mark('(' | '[' | '{') => {
                // Brackets in a row, as in `a[0][0]`, are a chain like any other.
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

/// Declarations outside functions, and what ends a statement within.
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

/// Where the directives end, which stand before everything else.
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
    /// Where its keyword is.
    pub(super) begins: usize,
    /// Where its body begins, past the brace.
    pub(super) body: usize,
}

/// The loops of a valid text, by where their bodies begin. The words are WGSL's own, so nothing
/// else is called that; what stands before the body has no braces.
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
