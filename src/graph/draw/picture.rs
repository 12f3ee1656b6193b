//! Which boxes and arrows a drawing has.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::apps::{AppSpot, Apps};
use super::super::edge::{Edge, Firmness};
use super::super::model::Graph;
use super::super::node::NodeId;
use super::super::path::Timeline;

/// Beyond this many spots nobody reads a drawing, and what is implied by longer ways is not looked for.
const MANY: usize = 2000;

/// What is drawn.
pub(super) struct Picture {
    pub(super) shapes: Vec<Shape>,
    pub(super) arrows: Vec<Arrow>,
}

/// A box, or a joint.
pub(super) struct Shape {
    /// `None` for a joint.
    pub(super) app: Option<AppBox>,
    /// Its column, from the left.
    pub(super) column: usize,
}

/// What is written in a box.
pub(super) struct AppBox {
    pub(super) name: String,
    /// A second, smaller line.
    pub(super) below: String,
    /// What is told of it besides.
    pub(super) title: String,
    pub(super) is_critical: bool,
    pub(super) is_unknown: bool,
}

/// An arrow between two shapes, by their places.
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Kind,
    pub(super) is_critical: bool,
    pub(super) title: String,
}

/// How firm what an arrow says is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// It only shows who brings an app that waits for nothing else.
    Parent,
    Optional,
    Conditional,
    Mandatory,
}

impl Picture {
    pub(super) fn new(graph: &Graph, timeline: &Timeline) -> Self {
        let apps = graph.app_lines();
        let critical: Vec<NodeId> = timeline.critical.iter().map(|leg| leg.app.node).collect();
        let mut arrows = arrows(graph, &apps, &critical);
        thin(&apps, &mut arrows);
        arrows.extend(parents(graph, &apps, &arrows, &critical));
        let shapes = apps
            .spots
            .iter()
            .zip(&apps.ranks)
            .enumerate()
            .map(|(place, (spot, column))| Shape {
                app: matches!(spot, AppSpot::App(_)).then(|| app_box(graph, timeline, place, &critical)),
                column: *column,
            });
        Self {
            shapes: shapes.collect(),
            arrows,
        }
    }
}

fn app_box(graph: &Graph, timeline: &Timeline, place: usize, critical: &[NodeId]) -> AppBox {
    let app = &graph.apps()[place];
    let (node, timed) = (graph.node(app.node), timeline.apps[place]);
    let parent = app.parent.map(|parent| graph.node(parent).id.name.clone());
    let mut below = vec![format!("at {}", seconds(timed.ends))];
    below.extend(parent.map(|parent| format!("of {parent}")));
    below.extend((!app.cluster.is_empty()).then(|| format!("on {}", app.cluster)));
    let mut title = vec![node.to_string()];
    title.push(if app.unknown.is_empty() {
        match app.objects.len() {
            1 => "1 object".to_owned(),
            many => format!("{many} objects"),
        }
    } else {
        format!("not known: {}", app.unknown.join("; "))
    });
    title.push(format!(
        "expected there at {}, well at {}",
        seconds(timed.begins),
        seconds(timed.ends)
    ));
    let place = node.place.to_string();
    title.extend((!place.is_empty()).then_some(place));
    AppBox {
        name: node.id.name.clone(),
        below: below.join(" · "),
        title: title.join("\n"),
        is_critical: critical.contains(&app.node),
        is_unknown: !app.unknown.is_empty(),
    }
}

fn arrows(graph: &Graph, apps: &Apps, critical: &[NodeId]) -> Vec<Arrow> {
    let direct: HashSet<(usize, usize)> = apps.lines.iter().map(|line| (line.earlier, line.later)).collect();
    let number: HashMap<NodeId, usize> = graph
        .apps()
        .iter()
        .enumerate()
        .map(|(spot, app)| (app.node, spot))
        .collect();
    // A joint is on the path only where nothing leads past it.
    let follows = follows(critical);
    let mut past = follows.clone();
    past.retain(|(one, other)| {
        !number
            .get(one)
            .zip(number.get(other))
            .is_some_and(|(one, other)| direct.contains(&(*one, *other)))
    });
    let mut best: HashMap<(usize, usize), Arrow> = HashMap::new();
    for line in &apps.lines {
        let kind = match line.edge.firmness {
            Firmness::Mandatory => Kind::Mandatory,
            Firmness::Conditional => Kind::Conditional,
            Firmness::Optional => Kind::Optional,
        };
        let is_critical = match (apps.spots[line.earlier], apps.spots[line.later]) {
            (AppSpot::App(one), AppSpot::App(other)) => follows.contains(&(one, other)),
            (AppSpot::App(one), AppSpot::Joint) => {
                let mut onward = apps.lines.iter().filter(|other| other.earlier == line.later);
                onward
                    .any(|other| matches!(apps.spots[other.later], AppSpot::App(other) if past.contains(&(one, other))))
            }
            (AppSpot::Joint, AppSpot::App(other)) => {
                let mut before = apps.lines.iter().filter(|other| other.later == line.earlier);
                before.any(
                    |before| matches!(apps.spots[before.earlier], AppSpot::App(one) if past.contains(&(one, other))),
                )
            }
            (AppSpot::Joint, AppSpot::Joint) => false,
        };
        let arrow = Arrow {
            from: line.earlier,
            to: line.later,
            kind,
            is_critical,
            title: title(
                graph,
                &line.edge,
                (apps.spots[line.earlier], apps.spots[line.later]),
                line.count,
            ),
        };
        let known = best.entry((line.earlier, line.later));
        known
            .and_modify(|known| known.is_critical |= is_critical)
            .or_insert(arrow);
    }
    let mut arrows: Vec<Arrow> = best.into_values().collect();
    arrows.sort_by_key(|arrow| (arrow.from, arrow.to));
    arrows
}

fn follows(critical: &[NodeId]) -> HashSet<(NodeId, NodeId)> {
    critical.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Says why there is an arrow. A joint stands for all that is behind it (or before it), and is no thing of its own.
fn title(graph: &Graph, edge: &Edge, between: (AppSpot, AppSpot), count: usize) -> String {
    let (earlier, later) = (graph.node(edge.earlier.0), graph.node(edge.later.0));
    let reason = edge.reason.to_string();
    let bare = reason.strip_suffix(", after").unwrap_or(&reason);
    let mut title = match between {
        (_, AppSpot::Joint) => format!("what {bare} comes after {earlier}"),
        (AppSpot::Joint, AppSpot::App(_)) => format!("{later} {bare}"),
        _ => format!("{later} {reason} {earlier}"),
    };
    let place = edge.place.to_string();
    if !place.is_empty() {
        title = format!("{title}\n{place}");
    }
    if count > 1 {
        title = format!("{title}\nand {} more", count - 1);
    }
    title
}

/// Leaves out what longer ways say as well. What is on the critical path stays.
fn thin(apps: &Apps, arrows: &mut Vec<Arrow>) {
    if apps.spots.len() > MANY {
        return;
    }
    let mut onward: HashMap<usize, Vec<usize>> = HashMap::new();
    // Only what leads to the right can be a longer way, so that a circle implies nothing.
    for arrow in arrows
        .iter()
        .filter(|arrow| position(apps, arrow.from) < position(apps, arrow.to))
    {
        onward.entry(arrow.from).or_default().push(arrow.to);
    }
    let is_implied = |arrow: &Arrow| {
        let last = position(apps, arrow.to);
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        let mut queue: Vec<usize> = onward
            .get(&arrow.from)
            .into_iter()
            .flatten()
            .copied()
            .filter(|to| *to != arrow.to)
            .collect();
        while let Some(at) = queue.pop() {
            if at == arrow.to {
                return true;
            }
            if position(apps, at) < last && seen.insert(at) {
                queue.extend(onward.get(&at).into_iter().flatten());
            }
        }
        false
    };
    let implied: Vec<bool> = arrows
        .iter()
        .map(|arrow| !arrow.is_critical && is_implied(arrow))
        .collect();
    let mut implied = implied.into_iter();
    arrows.retain(|_| !implied.next().unwrap_or_default());
}

/// Where a spot is from left to right: a joint stands before its column.
fn position(apps: &Apps, spot: usize) -> usize {
    apps.ranks[spot] * 2 + usize::from(apps.spots[spot] != AppSpot::Joint)
}

/// Shows who brings what nothing else leads to.
fn parents(graph: &Graph, apps: &Apps, arrows: &[Arrow], critical: &[NodeId]) -> Vec<Arrow> {
    let led_to: HashSet<usize> = arrows.iter().map(|arrow| arrow.to).collect();
    let number: HashMap<NodeId, usize> = graph
        .apps()
        .iter()
        .enumerate()
        .map(|(spot, app)| (app.node, spot))
        .collect();
    let follows = follows(critical);
    let all = graph.apps().iter().enumerate().filter_map(|(to, app)| {
        let parent = app.parent?;
        let from = *number.get(&parent)?;
        let is_critical = follows.contains(&(parent, app.node));
        let is_shown = (is_critical || !led_to.contains(&to)) && apps.ranks[from] < apps.ranks[to];
        is_shown.then(|| Arrow {
            from,
            to,
            kind: Kind::Parent,
            is_critical,
            title: format!("{} comes with {}", graph.node(app.node), graph.node(parent)),
        })
    });
    all.collect()
}

/// Writes a time as people say it.
pub(super) fn seconds(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 60, seconds % 60) {
        (0, seconds) => format!("{seconds}s"),
        (minutes, seconds) => format!("{minutes}m{seconds:02}s"),
    }
}
