//! The drawing for Graphviz.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::model::Graph;
use super::super::path::Timeline;
use super::picture::{Kind, Picture};
use super::words::dot;

/// The colour of the critical path, which is read on a light and on a dark ground.
pub(super) const CRITICAL: &str = "#e8590c";

impl Graph {
    /// Draws the apps as a graph for `dot`, from left to right in the order in which they can come.
    pub fn dot(&self, timeline: &Timeline) -> String {
        let picture = Picture::new(self, timeline);
        let critical = format!(", color=\"{CRITICAL}\", penwidth=2.5");
        let mut text = String::from(
            "digraph platform {\n  rankdir=LR; bgcolor=transparent;\n  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f1f4f8\", color=\"#5c6b7f\", fontcolor=\"#16202c\", fontname=sans];\n  edge [color=\"#7d8999\", fontname=sans];\n",
        );
        let mut columns: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (place, shape) in picture.shapes.iter().enumerate() {
            let Some(app) = &shape.app else {
                line(&mut text, &format!("  n{place} [shape=point, width=0.08, label=\"\"];"));
                continue;
            };
            columns.entry(shape.column).or_default().push(format!("n{place}"));
            let label = format!("{}\n{}", app.name, app.below);
            let mut more = String::new();
            if app.is_critical {
                more.clone_from(&critical);
            }
            if app.is_unknown {
                more.push_str(", style=\"rounded,filled,dashed\", fillcolor=\"#d5dbe3\"");
            }
            line(
                &mut text,
                &format!("  n{place} [label={}, tooltip={}{more}];", dot(&label), dot(&app.title)),
            );
        }
        for names in columns.values() {
            line(&mut text, &format!("  {{ rank=same; {}; }}", names.join("; ")));
        }
        for arrow in &picture.arrows {
            let style = match arrow.kind {
                Kind::Parent | Kind::Optional => "dotted",
                Kind::Conditional => "dashed",
                Kind::Mandatory => "solid",
            };
            let critical = if arrow.is_critical { critical.as_str() } else { "" };
            let tooltip = dot(&arrow.title);
            line(
                &mut text,
                &format!(
                    "  n{} -> n{} [style={style}, tooltip={tooltip}{critical}];",
                    arrow.from, arrow.to
                ),
            );
        }
        text.push_str("}\n");
        text
    }
}

fn line(text: &mut String, line: &str) {
    // Writing into memory does not fail.
    let _ = writeln!(text, "{line}");
}
