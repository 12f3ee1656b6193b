//! In which order shapes stand below each other, so that few arrows cross: layers, and in each the order by the middle of what a shape
//! is joined to (Sugiyama's barycentres).

use std::collections::{BTreeMap, HashMap};

use super::picture::Picture;

/// Rounds of putting each layer in order, to the right and back.
const ROUNDS: usize = 12;

/// Shapes and the bends of long arrows, layer by layer.
pub(super) struct Layers {
    /// Of each layer its stops, from above.
    pub(super) stops: Vec<Vec<usize>>,
    /// What each stop is: a shape, or a bend.
    pub(super) what: Vec<Stop>,
    /// Of each arrow its stops, from its tail to its head.
    pub(super) ways: Vec<Vec<usize>>,
}

/// Something that takes a place in a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A shape, by its place in the picture.
    Shape(usize),
    /// Where an arrow passes through.
    Bend,
}

impl Layers {
    /// Puts a picture into layers: each column is one, and the joints before it are one.
    pub(super) fn new(picture: &Picture) -> Self {
        let layer = |place: usize| {
            let shape = &picture.shapes[place];
            shape.column * 2 + usize::from(shape.app.is_some())
        };
        let mut what: Vec<Stop> = (0..picture.shapes.len()).map(Stop::Shape).collect();
        let mut layers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for place in 0..picture.shapes.len() {
            layers.entry(layer(place)).or_default().push(place);
        }
        let mut ways = Vec::new();
        for arrow in &picture.arrows {
            let (from, to) = (layer(arrow.from), layer(arrow.to));
            let mut way = vec![arrow.from];
            let (low, high) = (from.min(to), from.max(to));
            // Only the columns of boxes are in the way.
            let mut between: Vec<usize> = (low + 1..high).filter(|layer| layer % 2 == 1).collect();
            if from > to {
                between.reverse();
            }
            for layer in between {
                what.push(Stop::Bend);
                layers.entry(layer).or_default().push(what.len() - 1);
                way.push(what.len() - 1);
            }
            way.push(arrow.to);
            ways.push(way);
        }
        let last = layers.keys().next_back().copied().unwrap_or_default();
        let stops = (0..=last)
            .map(|layer| layers.remove(&layer).unwrap_or_default())
            .collect();
        let mut layers = Self { stops, what, ways };
        layers.untangle();
        layers
    }

    /// Returns what each stop is joined to, on its left and on its right.
    pub(super) fn joined(&self) -> HashMap<usize, (Vec<usize>, Vec<usize>)> {
        let mut joined: HashMap<usize, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for pair in self.ways.iter().flat_map(|way| way.windows(2)) {
            joined.entry(pair[0]).or_default().1.push(pair[1]);
            joined.entry(pair[1]).or_default().0.push(pair[0]);
        }
        joined
    }

    fn untangle(&mut self) {
        let joined = self.joined();
        let mut best = (self.crossings(), self.stops.clone());
        for round in 0..ROUNDS {
            let mut at: HashMap<usize, f64> = HashMap::new();
            for layer in &self.stops {
                for (place, stop) in layer.iter().enumerate() {
                    at.insert(*stop, middle(place, layer.len()));
                }
            }
            let layers: Vec<usize> = if round % 2 == 0 {
                (0..self.stops.len()).collect()
            } else {
                (0..self.stops.len()).rev().collect()
            };
            for layer in layers {
                let wanted = |stop: usize| {
                    let sides = joined.get(&stop);
                    let side = sides.map(|(left, right)| if round % 2 == 0 { left } else { right });
                    let side = side.filter(|side| !side.is_empty())?;
                    Some(side.iter().map(|other| at[other]).sum::<f64>() / amount(side.len()))
                };
                let mut order: Vec<(f64, usize)> = self.stops[layer]
                    .iter()
                    .map(|stop| (wanted(*stop).unwrap_or(at[stop]), *stop))
                    .collect();
                order.sort_by(|one, other| one.0.total_cmp(&other.0));
                self.stops[layer] = order.into_iter().map(|(_, stop)| stop).collect();
                let length = self.stops[layer].len();
                for (place, stop) in self.stops[layer].iter().enumerate() {
                    at.insert(*stop, middle(place, length));
                }
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.stops.clone());
            }
        }
        self.stops = best.1;
    }

    /// Counts how often arrows cross; in a drawing that nobody can read anyway they are not counted.
    fn crossings(&self) -> usize {
        let mut place: HashMap<usize, (usize, usize)> = HashMap::new();
        for (layer, stops) in self.stops.iter().enumerate() {
            for (at, stop) in stops.iter().enumerate() {
                place.insert(*stop, (layer, at));
            }
        }
        let mut between: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
        for pair in self.ways.iter().flat_map(|way| way.windows(2)) {
            let (one, other) = (place[&pair[0]], place[&pair[1]]);
            between.entry((one.0, other.0)).or_default().push((one.1, other.1));
        }
        let mut crossings = 0;
        for lines in between.values().filter(|lines| lines.len() <= 600) {
            for (index, one) in lines.iter().enumerate() {
                let crossed = lines[index + 1..]
                    .iter()
                    .filter(|other| (one.0 < other.0 && one.1 > other.1) || (one.0 > other.0 && one.1 < other.1));
                crossings += crossed.count();
            }
        }
        crossings
    }
}

/// Where something stands in a layer, so that layers of different lengths have one middle.
fn middle(place: usize, length: usize) -> f64 {
    amount(place) - amount(length) / 2.0
}

#[expect(clippy::cast_precision_loss, reason = "the number of shapes in a drawing")]
pub(super) fn amount(number: usize) -> f64 {
    number as f64
}
