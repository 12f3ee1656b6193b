//! The drawing as SVG: it needs no program and no script, and is read on a light and on a dark ground.

use std::fmt::Write as _;

use super::super::model::Graph;
use super::super::path::Timeline;
use super::dot::CRITICAL;
use super::order::{Layers, Stop};
use super::picture::{AppBox, Arrow, Kind, Picture, seconds};
use super::place::{HEIGHT, JOINT, Places, WIDTH};
use super::words::{clipped, xml};

/// Boxes have a ground of their own, and all that is outside of them is of a grey that both grounds bear.
const STYLE: &str = "text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}\
.n{font-size:13px;font-weight:600;fill:#16202c}.b{font-size:10.5px;fill:#46566a}.h{font-size:11px;fill:#7d8999}\
.box{fill:#f1f4f8;stroke:#5c6b7f;stroke-width:1}.unknown{fill:url(#hatch)}.critical{stroke:#e8590c;stroke-width:2.5}\
.e{fill:none;stroke:#7d8999;stroke-width:1.3}.perhaps{stroke-dasharray:6 4}.parent{stroke-dasharray:1.5 4;stroke-width:1.1}\
.hot{stroke:#e8590c;stroke-width:2.6}.joint{fill:#7d8999}";

/// The room for the words below the drawing.
const FOOT: f64 = 34.0;
/// No narrower than those words.
const NARROWEST: f64 = 860.0;

impl Graph {
    /// Draws the apps as SVG, from left to right in the order in which they can come: what is in one column waits for nothing in it.
    /// The critical path is marked, what cannot be looked into is hatched, and each box and arrow tells more where one points at it.
    pub fn svg(&self, timeline: &Timeline) -> String {
        let picture = Picture::new(self, timeline);
        let layers = Layers::new(&picture);
        let places = Places::new(&picture, &layers);
        let (width, height) = (places.width.max(NARROWEST), places.height + FOOT);
        let mut svg = Text(String::new());
        svg.line(&format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">"
        ));
        svg.line(&format!(
            "<title>{} apps, expected to be well after {}</title>",
            self.apps().len(),
            seconds(timeline.total)
        ));
        svg.line(&format!("<style>{STYLE}</style>"));
        svg.line(&format!(
            "<defs>{HATCH}{}{}</defs>",
            head("tip", "#7d8999"),
            head("hot-tip", CRITICAL)
        ));
        let columns = picture
            .shapes
            .iter()
            .map(|shape| shape.column + 1)
            .max()
            .unwrap_or_default();
        for column in 0..columns {
            let middle = picture
                .shapes
                .iter()
                .position(|shape| shape.column == column && shape.app.is_some());
            if let Some(place) = middle {
                let x = places.at[place].0;
                svg.line(&format!(
                    "<text class=\"h\" x=\"{x:.1}\" y=\"26\" text-anchor=\"middle\">{}</text>",
                    column + 1
                ));
            }
        }
        // What is critical lies above the rest.
        for is_critical in [false, true] {
            for (arrow, way) in picture
                .arrows
                .iter()
                .zip(&layers.ways)
                .filter(|(arrow, _)| arrow.is_critical == is_critical)
            {
                svg.arrow(arrow, way, &layers, &picture, &places);
            }
        }
        for (place, shape) in picture.shapes.iter().enumerate() {
            let (x, y) = places.at[place];
            match &shape.app {
                Some(app) => svg.app(app, x, y),
                None => svg.line(&format!(
                    "<rect class=\"joint\" x=\"{:.1}\" y=\"{:.1}\" width=\"{JOINT}\" height=\"{HEIGHT}\" rx=\"2\"/>",
                    x - JOINT / 2.0,
                    y - HEIGHT / 2.0
                )),
            }
        }
        svg.key(height - 16.0);
        svg.line("</svg>");
        svg.0
    }
}

const HATCH: &str = "<pattern id=\"hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect width=\"8\" height=\"8\" fill=\"#f1f4f8\"/><rect width=\"3\" height=\"8\" fill=\"#c9d2dd\"/></pattern>";

fn head(name: &str, colour: &str) -> String {
    format!(
        "<marker id=\"{name}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"{colour}\"/></marker>"
    )
}

struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        // Writing into memory does not fail.
        let _ = writeln!(self.0, "{line}");
    }

    fn app(&mut self, app: &AppBox, x: f64, y: f64) {
        let (left, top) = (x - WIDTH / 2.0, y - HEIGHT / 2.0);
        let critical = if app.is_critical { " critical" } else { "" };
        let unknown = if app.is_unknown { " unknown" } else { "" };
        self.line(&format!("<g><title>{}</title>", xml(&app.title)));
        self.line(&format!(
            "<rect class=\"box{unknown}{critical}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>"
        ));
        let middle = left + 10.0;
        self.line(&format!(
            "<text class=\"n\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            y - 2.5,
            xml(&clipped(&app.name, 23))
        ));
        self.line(&format!(
            "<text class=\"b\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            y + 11.5,
            xml(&clipped(&app.below, 32))
        ));
        self.line("</g>");
    }

    fn arrow(&mut self, arrow: &Arrow, way: &[usize], layers: &Layers, picture: &Picture, places: &Places) {
        let half = |stop: usize| match layers.what[stop] {
            Stop::Shape(place) if picture.shapes[place].app.is_some() => WIDTH / 2.0,
            Stop::Shape(_) => JOINT / 2.0,
            Stop::Bend => WIDTH / 2.0,
        };
        let mut path = String::new();
        let is_back = way
            .first()
            .zip(way.last())
            .is_some_and(|(from, to)| places.at[*from].0 >= places.at[*to].0);
        for pair in way.windows(2) {
            let ((ax, ay), (bx, by)) = (places.at[pair[0]], places.at[pair[1]]);
            // What leads back does so from the left side to the right one; what stays in a column swings out of it.
            let (ax, bx) = match (is_back, (ax - bx).abs() < 1.0) {
                (_, true) => (ax + half(pair[0]), bx + half(pair[1])),
                (true, _) => (ax - half(pair[0]), bx + half(pair[1])),
                (false, _) => (ax + half(pair[0]), bx - half(pair[1])),
            };
            let swing = if is_back && (ax - bx).abs() < 1.0 {
                40.0
            } else {
                (bx - ax) / 2.0
            };
            let end = if is_back && (ax - bx).abs() < 1.0 {
                bx + 40.0
            } else {
                bx - swing
            };
            if path.is_empty() {
                let _ = write!(path, "M{ax:.1} {ay:.1}");
            } else {
                let _ = write!(path, "L{ax:.1} {ay:.1}");
            }
            let _ = write!(path, "C{:.1} {ay:.1} {end:.1} {by:.1} {bx:.1} {by:.1}", ax + swing);
        }
        let kind = match arrow.kind {
            Kind::Parent => " parent",
            Kind::Optional | Kind::Conditional => " perhaps",
            Kind::Mandatory => "",
        };
        let (hot, tip) = if arrow.is_critical {
            (" hot", "hot-tip")
        } else {
            ("", "tip")
        };
        // Into a joint no head: it goes on from there.
        let ends_in_box = way.last().is_some_and(|last| half(*last) > JOINT);
        let tip = if ends_in_box {
            format!(" marker-end=\"url(#{tip})\"")
        } else {
            String::new()
        };
        self.line(&format!(
            "<path class=\"e{kind}{hot}\" d=\"{path}\"{tip}><title>{}</title></path>",
            xml(&arrow.title)
        ));
    }

    /// Says what the signs mean.
    fn key(&mut self, y: f64) {
        let signs = [
            ("e hot", "critical path"),
            ("e", "waits for"),
            ("e perhaps", "may have to wait for"),
            ("e parent", "comes with"),
        ];
        let mut x = 24.0;
        for (class, words) in signs {
            self.line(&format!("<path class=\"{class}\" d=\"M{x:.0} {y:.0}h28\"/>"));
            self.line(&format!(
                "<text class=\"h\" x=\"{:.0}\" y=\"{:.0}\">{words}</text>",
                x + 34.0,
                y + 4.0
            ));
            x += 170.0;
        }
        let top = y - 7.0;
        self.line(&format!(
            "<rect class=\"box unknown\" x=\"{x:.0}\" y=\"{top:.0}\" width=\"28\" height=\"14\" rx=\"3\"/>"
        ));
        self.line(&format!(
            "<text class=\"h\" x=\"{:.0}\" y=\"{:.0}\">not known</text>",
            x + 34.0,
            y + 4.0
        ));
    }
}
