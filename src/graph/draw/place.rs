//! Where shapes stand: columns from left to right, and in each as near as may be to what they are joined to.

use std::collections::HashMap;

use super::order::{Layers, Stop, amount};
use super::picture::Picture;

/// The width of a box.
pub(super) const WIDTH: f64 = 186.0;
/// The height of a box.
pub(super) const HEIGHT: f64 = 38.0;
/// The width of a joint.
pub(super) const JOINT: f64 = 5.0;
/// Between two columns.
const GAP: f64 = 92.0;
/// From the middle of one box to the next below.
const PITCH: f64 = 52.0;
/// From a bend to the next.
const BEND: f64 = 14.0;
/// Around all.
const MARGIN: f64 = 24.0;
/// Above the first box.
const HEAD: f64 = 30.0;
/// Rounds of moving shapes towards what they are joined to.
const ROUNDS: usize = 24;

/// Where everything is.
pub(super) struct Places {
    /// The middle of each stop.
    pub(super) at: Vec<(f64, f64)>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Places {
    pub(super) fn new(picture: &Picture, layers: &Layers) -> Self {
        let joined = layers.joined();
        let room = |stop: usize| match layers.what[stop] {
            Stop::Shape(_) => PITCH / 2.0,
            Stop::Bend => BEND / 2.0,
        };
        let mut y = vec![0.0; layers.what.len()];
        for layer in &layers.stops {
            let whole: f64 = layer.iter().map(|stop| room(*stop) * 2.0).sum();
            let mut from = -whole / 2.0;
            for stop in layer {
                y[*stop] = from + room(*stop);
                from += room(*stop) * 2.0;
            }
        }
        for round in 0..ROUNDS {
            for layer in &layers.stops {
                let wanted: Vec<f64> = layer
                    .iter()
                    .map(|stop| {
                        let both = joined.get(stop);
                        let near: Vec<f64> = both
                            .into_iter()
                            .flat_map(|(left, right)| left.iter().chain(right))
                            .map(|other| y[*other])
                            .collect();
                        if near.is_empty() {
                            y[*stop]
                        } else {
                            near.iter().sum::<f64>() / amount(near.len())
                        }
                    })
                    .collect();
                settle(layer, &wanted, &mut y, room, round);
            }
        }
        Self::laid(picture, layers, &y)
    }

    fn laid(picture: &Picture, layers: &Layers, y: &[f64]) -> Self {
        let top = layers
            .stops
            .iter()
            .flatten()
            .map(|stop| y[*stop])
            .fold(f64::INFINITY, f64::min);
        let top = if top.is_finite() { top } else { 0.0 };
        let mut at = vec![(0.0, 0.0); y.len()];
        for (layer, stops) in layers.stops.iter().enumerate() {
            // Columns are the odd layers; the joints before each stand in the gap.
            let column = amount(layer / 2);
            let left = MARGIN + column * (WIDTH + GAP);
            let x = if layer % 2 == 1 {
                left + WIDTH / 2.0
            } else {
                left - GAP / 2.0
            };
            for stop in stops {
                at[*stop] = (x, y[*stop] - top + MARGIN + HEAD + HEIGHT / 2.0);
            }
        }
        let columns = picture
            .shapes
            .iter()
            .map(|shape| shape.column + 1)
            .max()
            .unwrap_or_default();
        let bottom = at.iter().map(|place| place.1).fold(0.0, f64::max);
        Self {
            at,
            width: MARGIN * 2.0 + amount(columns) * (WIDTH + GAP) - if columns > 0 { GAP } else { 0.0 },
            height: bottom + HEIGHT / 2.0 + MARGIN,
        }
    }
}

/// Moves the stops of a layer to where they want to be, in their order and without touching each other.
fn settle(layer: &[usize], wanted: &[f64], y: &mut [f64], room: impl Fn(usize) -> f64, round: usize) {
    // From above in one round and from below in the next, and then the middle of both: nobody is pushed aside for good.
    let mut down: HashMap<usize, f64> = HashMap::new();
    let mut least = f64::NEG_INFINITY;
    for (stop, wanted) in layer.iter().zip(wanted) {
        let place = wanted.max(least + room(*stop));
        down.insert(*stop, place);
        least = place + room(*stop);
    }
    let mut up: HashMap<usize, f64> = HashMap::new();
    let mut most = f64::INFINITY;
    for (stop, wanted) in layer.iter().zip(wanted).rev() {
        let place = wanted.min(most - room(*stop));
        up.insert(*stop, place);
        most = place - room(*stop);
    }
    let share = if round + 1 == ROUNDS { 1.0 } else { 0.7 };
    for stop in layer {
        let place = f64::midpoint(down[stop], up[stop]);
        y[*stop] += (place - y[*stop]) * share;
    }
}
