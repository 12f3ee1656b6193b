//! The moments at which the program is killed.

use std::fmt;

use testbed::proxy::Side;

/// One moment of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// A line of the journal is written, and nothing that follows it has happened. Counted from 1, the header included.
    Append(usize),
    /// So many requests that change the platform have been answered, and the next has not reached the server, or its answer has not
    /// reached the program.
    Request(usize, Side),
    /// The same of the requests by which a run says that it is at work: its Lease, then its record.
    Own(usize, Side),
    /// The step that must not be done twice is begun: it has done nothing yet, or all of it, and its end is not written down.
    Data(Side),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (answered, side, what) = match self {
            Self::Append(nth) => return write!(f, "at journal append {nth}"),
            Self::Request(answered, side) => (answered, side, "changing"),
            Self::Own(answered, side) => (answered, side, "own"),
            Self::Data(side) => return write!(f, "{} what must not be done twice", name(*side)),
        };
        write!(f, "{} {what} request {}", name(*side), answered + 1)
    }
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::Before => "before",
        Side::After => "after",
    }
}

/// Which points a chain visits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    /// How many requests are let through before the one at which the program is killed: taken in turn.
    pub(super) strides: &'static [usize],
    /// Every so many requests one append is visited.
    pub(super) appends_every: usize,
    /// Every so many requests one of the run's own requests is visited.
    pub(super) own_every: usize,
    /// Every so many requests the machine is lost, and the next run goes on elsewhere. It waits half a minute for a sign of life.
    pub(super) elsewhere_every: usize,
    /// How many of the last appends are visited in the end.
    pub(super) late_appends: usize,
}

/// About sixty points: what an ordinary test run has time for.
pub(super) const ORDINARY: Spread = Spread {
    strides: &[1],
    appends_every: 1,
    own_every: 3,
    elsewhere_every: 7,
    late_appends: 5,
};

/// The run's own requests: taking the Lease, and writing the record before the first change.
pub(super) const OWN: [Point; 4] = [
    Point::Own(0, Side::Before),
    Point::Own(0, Side::After),
    Point::Own(1, Side::Before),
    Point::Own(1, Side::After),
];

/// Before and after every single changing request, and at every append.
pub(super) const ALL: Spread = Spread {
    strides: &[0],
    appends_every: 2,
    own_every: 10,
    elsewhere_every: 10,
    late_appends: usize::MAX,
};
