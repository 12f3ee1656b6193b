//! The moments at which the program is killed.

use std::fmt;

use testbed::proxy::Side;

/// One moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A line of the journal is written, and nothing that follows it has happened. Counted from 1, the header included.
    Append(usize),
    /// So many changing requests have been answered, and the next has not reached the server, or its answer has not reached the program.
    Request(usize, Side),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Append(nth) => write!(f, "at journal append {nth}"),
            Self::Request(answered, Side::Before) => write!(f, "before changing request {}", answered + 1),
            Self::Request(answered, Side::After) => write!(f, "after changing request {}", answered + 1),
        }
    }
}

/// Which points a chain visits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// How many requests are let through before the one at which the program is killed: taken in turn.
    pub(super) strides: &'static [usize],
    /// Every so many requests one append is visited.
    pub(super) appends_every: usize,
    /// Of the appends at the end of the run, every so many is visited.
    pub(super) late_appends_every: usize,
}

/// About sixty points: what an ordinary test run has time for.
pub(super) const ORDINARY: Spread = Spread {
    strides: &[0, 1],
    appends_every: 2,
    late_appends_every: 2,
};

/// Before and after every single changing request, and at every append.
pub(super) const ALL: Spread = Spread {
    strides: &[0],
    appends_every: 2,
    late_appends_every: 1,
};
