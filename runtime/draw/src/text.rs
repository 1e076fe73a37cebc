//! Text in a drawing: width, wrapping and escaping.

/// An upper estimate of the width in pixels. The reader's font is unknown, so letters are assumed
/// to be as wide as those of DejaVu Sans, the widest common font of the stack.
pub(super) fn width(text: &str, size: f64, bold: bool) -> f64 {
    let em: f64 = text.chars().map(advance).sum();
    em * size * if bold { 1.1 } else { 1.0 }
}

fn advance(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '\'' | '|' => 0.29,
        ' ' | '.' | ',' | ':' | ';' | '·' => 0.33,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | 'I' => 0.41,
        'm' | 'M' | 'W' | 'w' | '%' | '@' => 0.93,
        '×' | '→' | '+' | '=' | '<' | '>' | '−' => 0.84,
        'a'..='z' | '0'..='9' => 0.62,
        'A'..='Z' => 0.74,
        _ if letter.is_ascii() => 0.62,
        // Beyond Latin, Greek and Cyrillic a letter may be as wide as it is high.
        _ if (letter as u32) < 0x590 => 0.75,
        _ => 1.05,
    }
}

/// The text, or a prefix that fits, with an ellipsis.
pub(super) fn fit(text: &str, size: f64, bold: bool, room: f64) -> String {
    // Text that was measured to fit must fit despite rounding.
    let room = room + 0.01;
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let mut kept = String::new();
    for letter in text.chars() {
        if width(&format!("{kept}{letter}…"), size, bold) > room {
            break;
        }
        kept.push(letter);
    }
    format!("{}…", kept.trim_end())
}

/// Wraps text. A line breaks at a space, but not before a unit or after a number; a word that is
/// too wide ends in an ellipsis.
pub(super) fn wrap(text: &str, size: f64, bold: bool, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(text) {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {piece}"), size, bold) <= room => {
                line.push(' ');
                line.push_str(&piece);
            }
            _ => lines.push(fit(&piece, size, bold, room)),
        }
    }
    // A separator at the end of a line is dropped.
    for line in &mut lines {
        let kept = line.trim_end_matches([' ', '·']).len();
        line.truncate(kept);
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The words, with numbers and their units kept together.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut glue = false;
    for word in text.split_whitespace() {
        match pieces.last_mut() {
            Some(piece) if glue || word == "·" => {
                piece.push(' ');
                piece.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
        glue = word.starts_with(|first: char| first.is_ascii_digit());
    }
    pieces
}

/// Escapes text for XML. Characters that XML does not allow become a replacement character.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            _ if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {
                out.push('\u{fffd}')
            }
            _ => out.push(letter),
        }
    }
    out
}

/// A coordinate with at most one decimal, so that the file is small and the same on every machine.
pub(super) fn number(value: f64) -> String {
    let tenths = (value * 10.0).round();
    let text = format!("{:.1}", tenths / 10.0);
    match text.strip_suffix(".0") {
        Some("-0") => "0".to_owned(),
        Some(whole) => whole.to_owned(),
        None => text,
    }
}
