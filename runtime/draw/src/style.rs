//! The style sheet of a drawing, with a light and a dark half.
//!
//! The hues are those of Okabe and Ito ("Color universal design", 2008), which people with any
//! common colour vision can tell apart; every colour is also explained in text. Colours are set in
//! classes, not in CSS variables, which several SVG converters do not support. Printouts are always
//! light.

/// The class of the root element; every rule is scoped to it, so that a drawing embedded in a page
/// does not affect the page.
pub(super) const ROOT: &str = "supernet-drawing";

/// Fill, stroke and other properties in light and dark: selector, property, light, dark.
const COLOURS: [(&str, &str, &str, &str); 29] = [
    (".paper", "fill", "#ffffff", "#11161d"),
    ("text", "fill", "#1a2330", "#e9eef4"),
    (".small", "fill", "#56616e", "#a5b1bf"),
    (".conv", "fill", "#d9e9f6", "#10334d"),
    (".conv", "stroke", "#0072b2", "#56b4e9"),
    (".sep", "fill", "#fbe2d3", "#4b2611"),
    (".sep", "stroke", "#d55e00", "#f28b4b"),
    (".pool", "fill", "#d3eee5", "#0b3b2f"),
    (".pool", "stroke", "#009e73", "#2fc99c"),
    (".dense", "fill", "#f6e0ed", "#45253b"),
    (".dense", "stroke", "#b5528b", "#e39ac6"),
    (".plain", "fill", "#eceff3", "#262e38"),
    (".plain", "stroke", "#7a8592", "#8e9aa8"),
    (".data", "fill", "#ffffff", "#11161d"),
    (".data", "stroke", "#9aa4b0", "#6d7987"),
    (".step", "stroke", "#1a2330", "#e9eef4"),
    (".tip", "fill", "#1a2330", "#e9eef4"),
    (".edge", "stroke", "#5b6672", "#a5b1bf"),
    (".edge-tip", "fill", "#5b6672", "#a5b1bf"),
    (".skip", "stroke", "#4a5a8a", "#9db2ea"),
    (".skip-tip", "fill", "#4a5a8a", "#9db2ea"),
    (".halo", "stroke", "#ffffff", "#11161d"),
    (".cut", "stroke", "#b08800", "#d9b036"),
    (".pill", "fill", "#fff5d1", "#3a2f0c"),
    (".pill", "stroke", "#b08800", "#d9b036"),
    (".dot", "fill", "#fff5d1", "#3a2f0c"),
    (".dot", "stroke", "#b08800", "#d9b036"),
    (".sample", "stroke", "#4a5a8a", "#9db2ea"),
    (".rule", "stroke", "#d5dae0", "#333d49"),
];

/// The style sheet.
pub(super) fn sheet() -> String {
    let mut sheet = String::new();
    let mut rule =
        |selector: &str, body: &str| sheet.push_str(&format!(".{ROOT} {selector}{{{body}}}\n"));
    let fonts = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,'Liberation Sans','DejaVu Sans',sans-serif";
    rule("text", &format!("font-family:{fonts};font-size:14.5px"));
    rule(".title", "font-size:21px;font-weight:700");
    rule(".subtitle", "font-size:13.5px");
    rule(".heading", "font-size:15px;font-weight:700");
    rule(".label", "font-weight:600");
    rule(".small", "font-size:12px");
    rule(".end", "text-anchor:end");
    rule(".middle", "text-anchor:middle");
    rule(".box", "stroke-width:1.5");
    rule(".chip", "stroke-width:1");
    rule(".data", "stroke-dasharray:4 3");
    rule(".step", "fill:none;stroke-width:2");
    rule(".op", "font-size:12px;font-weight:500");
    rule(".edge", "fill:none;stroke-width:1.5");
    rule(".skip", "fill:none;stroke-width:1.7");
    rule(".sample", "fill:none;stroke-width:1.7");
    rule(".many", "stroke-width:1.1;stroke-opacity:.8");
    rule(".halo", "fill:none;stroke-width:4.5");
    rule(".cut", "fill:none;stroke-width:1.3;stroke-dasharray:2 4");
    rule(".pill", "stroke-width:1.2");
    rule(".dot", "stroke-width:1.5");
    for (selector, property, light, _) in COLOURS {
        rule(selector, &format!("{property}:{light}"));
    }
    sheet.push_str("@media screen and (prefers-color-scheme:dark){\n");
    for (selector, property, _, dark) in COLOURS {
        sheet.push_str(&format!(".{ROOT} {selector}{{{property}:{dark}}}\n"));
    }
    sheet.push_str("}\n");
    sheet
}
