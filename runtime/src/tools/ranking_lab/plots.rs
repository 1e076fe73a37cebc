//! Two plots as SVG: scores against truth, and τ with its errors.

use std::fmt::Write;

use super::{RankedNetwork, RankingReport};
use crate::results::{Mean, ranking};

const SIDE: f64 = 240.0;
const MARGIN: f64 = 48.0;
const ROW: f64 = 20.0;
const LABELS: f64 = 220.0;
const WIDTH: f64 = 400.0;

struct Svg {
    text: String,
}

impl Svg {
    fn new(width: f64, height: f64) -> Self {
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
        );
        Self { text }
    }

    // Writing to a string does not fail.

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>"
        );
    }

    fn dot(&mut self, (x, y): (f64, f64), fill: &str, stroke: &str) {
        let _ = writeln!(
            self.text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{fill}\" stroke=\"{stroke}\"/>"
        );
    }

    fn label(&mut self, (x, y): (f64, f64), anchor: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    fn finish(self) -> String {
        self.text + "</svg>\n"
    }
}

/// A panel for each strategy: the mean rank of every network by loss against its truth; the more
/// parameters, the darker.
pub(super) fn scores(
    networks: &[RankedNetwork],
    truth: &[f64],
    panels: &[(&str, Vec<f64>)],
) -> String {
    let (step, height) = (SIDE + MARGIN, SIDE + 2.0 * MARGIN);
    let mut svg = Svg::new(MARGIN + step * panels.len().max(1) as f64, height);
    let mut sorted: Vec<f64> = truth
        .iter()
        .copied()
        .filter(|truth| truth.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    // A few broken networks would press all others to the upper edge.
    let low = sorted.get(sorted.len() / 20).copied().unwrap_or_default();
    let high = sorted.last().copied().unwrap_or_default();
    let span = if high > low { high - low } else { 1.0 };
    let sizes: Vec<f64> = networks
        .iter()
        .map(|network| network.parameters as f64)
        .collect();
    let last = networks.len().saturating_sub(1).max(1) as f64;
    let shades: Vec<f64> = ranking::ranks(&sizes)
        .iter()
        .map(|rank| rank / last)
        .collect();
    for (panel, (name, ranks)) in (0..).zip(panels) {
        let (left, bottom) = (MARGIN + step * f64::from(panel), MARGIN + SIDE);
        svg.line((left, bottom), (left + SIDE, bottom), "black");
        svg.line((left, bottom), (left, MARGIN), "black");
        svg.label((left + SIDE / 2.0, MARGIN - 16.0), "middle", name);
        svg.label(
            (left + SIDE / 2.0, bottom + 18.0),
            "middle",
            "rank by loss, best on the right",
        );
        svg.label(
            (left + 4.0, MARGIN - 2.0),
            "start",
            &format!("truth {high:.4}"),
        );
        svg.label(
            (left + 4.0, bottom - 4.0),
            "start",
            &format!("{low:.4} or less"),
        );
        for ((rank, truth), shade) in ranks.iter().zip(truth).zip(&shades) {
            let height = ((truth - low) / span).clamp(0.0, 1.0);
            let at = (left + SIDE * rank / last, bottom - SIDE * height);
            let light = (200.0 * (1.0 - shade)) as u8;
            svg.dot(
                at,
                &format!("rgb({light},{light},{})", light.saturating_add(40)),
                "none",
            );
        }
    }
    svg.finish()
}

/// A row for each strategy and baseline: τ with one standard error on either side. Full dots rank
/// by loss or by the baseline, empty ones by reward; a line marks the number of parameters.
pub(super) fn taus(report: &RankingReport) -> String {
    let mut rows: Vec<(String, [Option<Mean>; 2])> = report
        .strategies
        .iter()
        .map(|strategy| {
            let taus = [strategy.by_loss.tau, strategy.by_reward.tau];
            (strategy.strategy.word().to_owned(), taus)
        })
        .collect();
    let baselines = report.baselines.iter();
    rows.extend(baselines.map(|baseline| (baseline.name.clone(), [baseline.figures.tau, None])));
    let height = 2.0 * ROW + ROW * rows.len() as f64;
    let mut svg = Svg::new(LABELS + WIDTH + MARGIN, height + MARGIN);
    let x = |tau: f64| LABELS + WIDTH * (tau.clamp(-1.0, 1.0) + 1.0) / 2.0;
    for tick in [-1.0, -0.5, 0.0, 0.5, 1.0] {
        svg.line((x(tick), ROW), (x(tick), height), "lightgrey");
        svg.label((x(tick), height + 16.0), "middle", &format!("{tick}"));
    }
    svg.label(
        (x(0.0), height + 34.0),
        "middle",
        "Kendall's tau with the truth; full: by loss, empty: by reward",
    );
    let parameters = report
        .baselines
        .first()
        .and_then(|baseline| baseline.figures.tau);
    if let Some(tau) = parameters {
        svg.line((x(tau.mean), ROW), (x(tau.mean), height), "orange");
    }
    for (row, (name, taus)) in (0..).zip(rows) {
        let y = 2.0 * ROW + ROW * f64::from(row);
        svg.label((LABELS - 12.0, y + 4.0), "end", &name);
        for (tau, (fill, shift)) in taus.into_iter().zip([("black", -2.0), ("white", 3.0)]) {
            let Some(tau) = tau else { continue };
            let (error, y) = (tau.standard_error.unwrap_or_default(), y + shift);
            svg.line((x(tau.mean - error), y), (x(tau.mean + error), y), "black");
            svg.dot((x(tau.mean), y), fill, "black");
        }
    }
    svg.finish()
}
