//! What holds for the reports of every sequence of events, however odd.

use std::path::Path;

use proptest::prelude::*;

use super::terminal::Lines;
use super::{Json, Quiet, Style, summary};
use crate::event::properties::events;
use crate::event::{Event, RunState, Sink};

/// Tells events to a sink that writes to a buffer, and returns what it wrote.
fn told<'out, S: Sink + 'out>(events: &[Event], sink: impl FnOnce(&'out mut Vec<u8>) -> S, out: &'out mut Vec<u8>) {
    let mut sink = sink(out);
    let mut state = RunState::default();
    for event in events {
        state.apply(event);
        sink.event(event, &state);
    }
}

proptest! {
    #[test]
    fn no_report_lets_a_control_character_through(events in events(), width in 20_usize..200) {
        let style = Style { colour: false, width };
        let mut lines = Vec::new();
        told(&events, Lines::new, &mut lines);
        let mut quiet = Vec::new();
        told(&events, |out| Quiet::new(out, style), &mut quiet);
        let summary = summary(&RunState::of(&events), style, Some(Path::new("run.jsonl")));
        for text in [String::from_utf8(lines).unwrap(), String::from_utf8(quiet).unwrap(), summary] {
            for line in text.lines() {
                prop_assert!(!line.contains(char::is_control), "{line:?}");
            }
        }
    }

    #[test]
    fn the_json_of_a_run_gives_the_same_report(events in events()) {
        let mut json = Vec::new();
        told(&events, Json::new, &mut json);
        let read: Vec<Event> =
            String::from_utf8(json).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let (live, again) = (RunState::of(&events), RunState::of(&read));
        prop_assert_eq!(summary(&again, Style::default(), None), summary(&live, Style::default(), None));
    }
}
