//! Events for programs.

use std::io::Write;

use crate::event::{Event, RunState, Sink};

/// Writes each event as one line of JSON, exactly as the journal does.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Sink for Json<W> {
    fn event(&mut self, event: &Event, _: &RunState) {
        if let Ok(line) = serde_json::to_string(event) {
            // One write a line: a reader of a pipe never sees half an event of ours.
            let _ = self.out.write_all(format!("{line}\n").as_bytes());
            let _ = self.out.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::story::story;

    #[test]
    fn each_event_is_one_line_that_reads_back_as_the_event() {
        let story = story().until_apps();
        let mut out = Vec::new();
        story.tell(&mut Json::new(&mut out));
        let read: Vec<Event> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, story.events());
    }
}
