//! What was measured, beside what it is held against.

use serde::Serialize;

/// How a figure is judged. The goals are the issue's.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// A time, at most this share of the peer's. The ratio is ours / peer.
    ShareOfTime(f64),
    /// A time, at least this many times shorter than the peer's. The ratio is peer / ours.
    TimesFaster(f64),
    /// A rate, at least this share of the peer's. The ratio is ours / peer.
    ShareOfRate(f64),
    /// A figure without a peer, at most this. The ratio is ours / goal.
    AtMost(f64),
    /// None: both figures are told. The ratio is ours / peer.
    Told,
}

impl Goal {
    /// Returns the ratio of two figures, the goal's number, and whether it is met.
    pub(crate) fn judge(self, ours: f64, peer: Option<f64>) -> (f64, Option<f64>, Option<bool>) {
        let peer = peer.unwrap_or(f64::NAN);
        match self {
            Self::ShareOfTime(most) => (ours / peer, Some(most), Some(ours / peer <= most)),
            Self::TimesFaster(least) => (peer / ours, Some(least), Some(peer / ours >= least)),
            Self::ShareOfRate(least) => (ours / peer, Some(least), Some(ours / peer >= least)),
            Self::AtMost(most) => (ours / most, Some(most), Some(ours <= most)),
            Self::Told => (ours / peer, None, None),
        }
    }

    /// Says the goal as a reader of the table needs it.
    pub(crate) fn words(self) -> String {
        match self {
            Self::ShareOfTime(most) => format!("ratio ≤ {most}"),
            Self::TimesFaster(least) => format!("≥ {least} times faster"),
            Self::ShareOfRate(least) => format!("≥ {least} of its rate"),
            Self::AtMost(most) => format!("≤ {most}"),
            Self::Told => "–".into(),
        }
    }
}

/// What somebody else was seen to need for the same work, under the same conditions.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Peer {
    /// Who it is.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) does: &'static str,
    /// Each round's figure.
    pub(crate) rounds: Vec<f64>,
}

/// Returns the middle figure of several rounds; the mean of the two middle ones where their number is even.
pub(crate) fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}
