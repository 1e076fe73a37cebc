//! Literals of Python and JSON, the formats of published architectures.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Number(u32),
    /// A list, a tuple, or a range.
    List(Vec<Literal>),
    /// An object, or the result of a call with named arguments.
    Record(Vec<(String, Literal)>),
}

/// The text is not a single value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: expected {expected}, and found {found}")]
pub struct LiteralError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1, in characters.
    pub column: usize,
    /// What was expected.
    pub expected: &'static str,
    /// What was found.
    pub found: String,
}

/// Published architectures nest three levels deep. Deeper texts are rejected, so that they cannot
/// exhaust the stack.
const DEEPEST: usize = 8;

/// The longest range that is expanded.
const LONGEST: u32 = 1000;

/// Reads one value: `{"a": [1, 2]}`, `Name(a=[('b', 1)], c=range(2, 6))`, `NAME = Name(...)`.
pub(crate) fn read(text: &str) -> Result<Literal, LiteralError> {
    let letters: Vec<char> = text.chars().collect();
    let mut reader = Reader { letters, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at < reader.letters.len() {
        Err(reader.wrong("nothing more"))
    } else {
        Ok(value)
    }
}

struct Reader {
    letters: Vec<char>,
    at: usize,
}

impl Reader {
    fn wrong(&self, expected: &'static str) -> LiteralError {
        let before = &self.letters[..self.at.min(self.letters.len())];
        let line = 1 + before.iter().filter(|letter| **letter == '\n').count();
        let column = 1 + before
            .iter()
            .rev()
            .take_while(|letter| **letter != '\n')
            .count();
        let found = self
            .letters
            .get(self.at)
            .map_or("the end".to_owned(), |letter| format!("`{letter}`"));
        LiteralError {
            line,
            column,
            expected,
            found,
        }
    }

    /// Skips whitespace and comments.
    fn space(&mut self) {
        while let Some(letter) = self.letters.get(self.at) {
            if *letter == '#' {
                while self
                    .letters
                    .get(self.at)
                    .is_some_and(|letter| *letter != '\n')
                {
                    self.at += 1;
                }
            } else if letter.is_whitespace() {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    /// Consumes a character if it comes next.
    fn take(&mut self, sign: char) -> bool {
        self.space();
        let found = self.letters.get(self.at) == Some(&sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: char, expected: &'static str) -> Result<(), LiteralError> {
        if self.take(sign) {
            Ok(())
        } else {
            Err(self.wrong(expected))
        }
    }

    fn value(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        self.space();
        if depth > DEEPEST {
            return Err(self.wrong("a value that nests less deeply"));
        }
        match self.letters.get(self.at) {
            Some('[') => self.list(']', depth).map(Literal::List),
            Some('(') => self.list(')', depth).map(Literal::List),
            Some('{') => self.object(depth),
            Some('"' | '\'') => self.text().map(Literal::Text),
            Some(letter) if letter.is_ascii_digit() => self.number().map(Literal::Number),
            Some(letter) if letter.is_alphabetic() || *letter == '_' => self.call(depth),
            _ => Err(self.wrong("a list, a text, a number or a genotype")),
        }
    }

    fn list(&mut self, close: char, depth: usize) -> Result<Vec<Literal>, LiteralError> {
        self.at += 1;
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.value(depth + 1)?);
            if !self.take(',') {
                self.expect(
                    close,
                    if close == ']' {
                        "`,` or `]`"
                    } else {
                        "`,` or `)`"
                    },
                )?;
                break;
            }
        }
        Ok(items)
    }

    fn object(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        self.at += 1;
        let mut fields = Vec::new();
        while !self.take('}') {
            self.space();
            if !matches!(self.letters.get(self.at), Some('"' | '\'')) {
                return Err(self.wrong("a name in quotes, or `}`"));
            }
            let name = self.text()?;
            self.expect(':', "`:`")?;
            fields.push((name, self.value(depth + 1)?));
            if !self.take(',') {
                self.expect('}', "`,` or `}`")?;
                break;
            }
        }
        Ok(Literal::Record(fields))
    }

    fn text(&mut self) -> Result<String, LiteralError> {
        let quote = self.letters[self.at];
        let rest = &self.letters[self.at + 1..];
        let Some(length) = rest
            .iter()
            .position(|letter| *letter == quote || *letter == '\n')
        else {
            self.at = self.letters.len();
            return Err(self.wrong("a quote at the text's end"));
        };
        let text = rest[..length].iter().collect();
        self.at += 1 + length;
        if self.letters[self.at] != quote {
            return Err(self.wrong("a quote at the text's end"));
        }
        self.at += 1;
        Ok(text)
    }

    fn number(&mut self) -> Result<u32, LiteralError> {
        let digits: String = self.letters[self.at..]
            .iter()
            .take_while(|letter| letter.is_ascii_digit())
            .collect();
        let number = digits
            .parse()
            .map_err(|_| self.wrong("a number below 2³²"))?;
        self.at += digits.len();
        Ok(number)
    }

    fn name(&mut self) -> String {
        let named = |letter: &&char| letter.is_alphanumeric() || matches!(**letter, '_' | '.');
        let name: String = self.letters[self.at..].iter().take_while(named).collect();
        self.at += name.chars().count();
        name
    }

    /// `range(2, 6)`, `Name(a=1)`, or `NAME = ` followed by a value.
    fn call(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        let name = self.name();
        if self.take('=') {
            return self.value(depth + 1);
        }
        self.expect('(', "`(` or `=` after a name")?;
        if name == "range" {
            return self.range(depth);
        }
        let mut fields = Vec::new();
        while !self.take(')') {
            self.space();
            let key = self.name();
            if key.is_empty() {
                return Err(self.wrong("a named argument, or `)`"));
            }
            self.expect('=', "`=` and the argument's value")?;
            fields.push((key, self.value(depth + 1)?));
            if !self.take(',') {
                self.expect(')', "`,` or `)`")?;
                break;
            }
        }
        Ok(Literal::Record(fields))
    }

    /// The arguments of a range, whose name and opening parenthesis have been consumed.
    fn range(&mut self, depth: usize) -> Result<Literal, LiteralError> {
        self.at -= 1;
        let arguments = self.list(')', depth)?;
        let ends = match arguments.as_slice() {
            [Literal::Number(end)] => Some((0, *end)),
            [Literal::Number(start), Literal::Number(end)] => Some((*start, *end)),
            _ => None,
        };
        match ends {
            Some((start, end)) if end.saturating_sub(start) <= LONGEST => {
                Ok(Literal::List((start..end).map(Literal::Number).collect()))
            }
            _ => Err(self.wrong("a range of one or two numbers, at most 1000 long")),
        }
    }
}
