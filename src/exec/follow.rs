//! A program whose output is handed on as it comes, and which can be told to end.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::group::Group;
use super::{Error, Exec};
use crate::redact::Redactor;

/// How long a program that was told to end may take. Shorter than what the engine gives a step.
const GRACE: Duration = Duration::from_secs(5);
/// How long the rest of the output is waited for when the program has ended: what it left running may keep the pipes open.
const REST: Duration = Duration::from_secs(1);
/// The longest line in bytes that is handed on; more of it is another line.
const LONGEST: usize = 4096;
/// How much of a line is read before it is redacted. Of a line that is longer yet, the end is held back in which a secret may
/// have begun.
const READ: u64 = 64 * 1024;
/// How many lines are handed on as they come.
const FIRST: usize = 1000;
/// How many of the later lines are handed on at the end.
const LAST: usize = 50;
/// How many lines are quoted when it fails.
const QUOTED: usize = 8;

impl Exec {
    /// Runs it without input and hands on each line that it writes to either output, redacted: the first thousand as they
    /// come and the last fifty at the end. When `stop` resolves, and when its time is over, the program and all in its
    /// process group are told to end, and killed if they do not. Dropping the future kills them at once.
    pub async fn follow(self, mut line: impl FnMut(&str), stop: impl Future<Output = ()>) -> Result<(), Error> {
        let program = self.name();
        let started = |source| Error::Start {
            program: program.clone(),
            source,
        };
        let mut child = self.command(Stdio::null()).spawn().map_err(started)?;
        let mut group = Group::of(&child);
        let (sender, mut written) = unbounded_channel();
        if let (Some(out), Some(errors)) = (child.stdout.take(), child.stderr.take()) {
            tokio::spawn(lines(out, sender.clone(), self.redactor.clone()));
            tokio::spawn(lines(errors, sender, self.redactor.clone()));
        }
        let mut output = Output::default();
        let limit = tokio::time::sleep(self.limit);
        tokio::pin!(limit, stop);
        let mut ended = Box::pin(child.wait());
        let told = loop {
            tokio::select! {
                biased;
                Some(text) = written.recv() => output.take(text, &mut line),
                status = &mut ended => break Ok(status.map_err(started)?),
                () = &mut stop => break Err(None),
                () = &mut limit => break Err(Some(self.limit)),
            }
        };
        let result = match told {
            Ok(status) => Ok(status),
            Err(over) => {
                group.signal(Signal::TERM);
                let gently = tokio::time::timeout(GRACE, async {
                    loop {
                        tokio::select! {
                            biased;
                            Some(text) = written.recv() => output.take(text, &mut line),
                            status = &mut ended => break status,
                        }
                    }
                });
                let status = if let Ok(status) = gently.await {
                    status
                } else {
                    group.signal(Signal::KILL);
                    ended.await
                };
                // Nothing that it started outlives it.
                group.signal(Signal::KILL);
                let (program, status) = (program.clone(), status.map_err(started)?.to_string());
                Err(match over {
                    Some(limit) => Error::TooLong { program, limit },
                    None => Error::Stopped { program, status },
                })
            }
        };
        group.has_ended();
        rest(&mut written, &mut output, &mut line).await;
        output.end(&mut line);
        let status: ExitStatus = result?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            program,
            status: status.to_string(),
            said: output.quoted(),
        })
    }
}

async fn rest(written: &mut UnboundedReceiver<String>, output: &mut Output, line: &mut impl FnMut(&str)) {
    let all = async {
        while let Some(text) = written.recv().await {
            output.take(text, line);
        }
    };
    let _ = tokio::time::timeout(REST, all).await;
}

/// Sends the lines of a pipe, each redacted.
async fn lines(pipe: impl AsyncRead + Unpin, sender: UnboundedSender<String>, redactor: Redactor) {
    let mut reader = BufReader::new(pipe);
    let mut held = Vec::new();
    loop {
        let read = (&mut reader).take(READ).read_until(b'\n', &mut held).await;
        let is_over = !matches!(read, Ok(1..));
        if held.is_empty() && is_over {
            return;
        }
        let is_whole = is_over || held.ends_with(b"\n");
        let rest = held.split_off(if is_whole { held.len() } else { redactor.cut(&held) });
        let text = String::from_utf8_lossy(&held);
        // Cut only once it is redacted: in parts a secret would not be known again.
        let text = redactor.redact(if is_whole { text.trim_end() } else { &text });
        for part in parts(&text, is_whole) {
            if sender.send(part.to_owned()).is_err() {
                return;
            }
        }
        held = rest;
        if is_over {
            return;
        }
    }
}

/// Cuts a text into parts of bounded length, between its letters. An empty line is a line too.
fn parts(text: &str, is_whole: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while rest.len() > LONGEST {
        let (part, more) = rest.split_at(rest.floor_char_boundary(LONGEST));
        parts.push(part);
        rest = more;
    }
    if !rest.is_empty() || (is_whole && parts.is_empty()) {
        parts.push(rest);
    }
    parts
}

/// What was written, in bounds.
#[derive(Default)]
struct Output {
    count: usize,
    last: VecDeque<String>,
}

impl Output {
    fn take(&mut self, text: String, line: &mut impl FnMut(&str)) {
        self.count += 1;
        if self.count <= FIRST {
            line(&text);
        }
        self.last.push_back(text);
        if self.last.len() > LAST {
            self.last.pop_front();
        }
    }

    /// Hands on the last lines of those that were held back.
    fn end(&self, line: &mut impl FnMut(&str)) {
        let held_back = self.count.saturating_sub(FIRST);
        if held_back > LAST {
            line(&format!("… {} lines are left out …", held_back - LAST));
        }
        let from = self.last.len().saturating_sub(held_back);
        self.last.iter().skip(from).for_each(|text| line(text));
    }

    fn quoted(&self) -> String {
        let from = self.last.len().saturating_sub(QUOTED);
        let last: Vec<_> = self.last.iter().skip(from).map(String::as_str).collect();
        last.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::redact::{MASK, Secret};

    fn shell(script: &str, redactor: &Redactor) -> Exec {
        Exec::new("sh", redactor).args(["-c", script])
    }

    /// Runs a script; returns how it ended and the lines that it wrote.
    async fn followed(exec: Exec, stop: impl Future<Output = ()>) -> (Result<(), Error>, Vec<String>) {
        let mut lines = Vec::new();
        let result = exec.follow(|line| lines.push(line.to_owned()), stop).await;
        (result, lines)
    }

    #[tokio::test]
    async fn both_outputs_come_line_by_line_and_masked() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::from("hunter2hunter2"));
        let script = "echo one; echo two hunter2hunter2 >&2; printf three; exit 3";
        let (result, mut lines) = followed(shell(script, &redactor), std::future::pending()).await;
        // The two pipes are two, so their lines may change places.
        lines.sort();
        assert_eq!(lines, ["one", "three", &format!("two {MASK}")]);
        let Err(Error::Failed { status, said, .. }) = result else {
            panic!("{result:?}")
        };
        assert!(status == "exit status: 3" && said.contains(MASK), "{status} {said}");
    }

    #[tokio::test]
    async fn a_secret_in_a_long_line_is_masked_wherever_it_stands() {
        let redactor = Redactor::default();
        let secret = "hunter2hunter2";
        redactor.learn(&Secret::from(secret));
        for before in [LONGEST - 6, LONGEST * 2 - 1, 64 * 1024 - 6, 64 * 1024 - 1, 200_000] {
            let script = format!("head -c {before} /dev/zero | tr '\\0' x; printf '%s and more\\n\\nend' {secret}");
            let (result, lines) = followed(shell(&script, &redactor), std::future::pending()).await;
            result.unwrap();
            let expected = format!("{}{MASK} and moreend", "x".repeat(before));
            assert!(lines.concat() == expected, "{before}: {:?}", lines.last());
            assert!(lines.iter().all(|line| line.len() <= LONGEST), "{before}");
            assert!(
                lines.ends_with(&[String::new(), "end".into()]),
                "{before}: {:?}",
                lines.last()
            );
        }
    }

    #[tokio::test]
    async fn of_much_output_the_beginning_and_the_end_are_kept() {
        let (result, lines) = followed(shell("seq 5000", &Redactor::default()), std::future::pending()).await;
        result.unwrap();
        assert_eq!(lines.len(), FIRST + 1 + LAST);
        assert_eq!(
            (lines[0].as_str(), lines[FIRST].as_str(), lines[FIRST + LAST].as_str()),
            ("1", "… 3950 lines are left out …", "5000")
        );
    }

    #[tokio::test]
    async fn a_program_that_is_told_to_end_ends_and_its_children_with_it() {
        let told = tokio_util::sync::CancellationToken::new();
        let child = Mutex::new(String::new());
        let script = "trap 'echo bye; exit 0' TERM; sleep 1000 & echo $!; wait";
        let follow = shell(script, &Redactor::default()).follow(
            |line| {
                if line == "bye" {
                    return;
                }
                line.clone_into(&mut child.lock().unwrap());
                told.cancel();
            },
            told.cancelled(),
        );
        let error = follow.await.unwrap_err();
        assert_eq!(error.to_string(), "`sh` was told to end, and ended with exit status: 0");
        let child = child.into_inner().unwrap();
        // It is killed, and waited for by whoever inherited it.
        let stat = format!("/proc/{child}/stat");
        while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_program_that_is_deaf_is_killed_after_its_grace() {
        let told = tokio_util::sync::CancellationToken::new();
        let follow = shell(
            "trap '' TERM; echo ready; while :; do sleep 1000; done",
            &Redactor::default(),
        )
        .follow(|_| told.cancel(), told.cancelled());
        let error = follow.await.unwrap_err();
        assert!(error.to_string().contains("signal: 9"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_runs_too_long_is_ended() {
        let exec = shell("exec sleep 60", &Redactor::default()).limit(Duration::from_millis(50));
        let (result, _) = followed(exec, std::future::pending()).await;
        assert!(matches!(result, Err(Error::TooLong { .. })), "{result:?}");
    }

    #[tokio::test]
    async fn what_a_program_leaves_running_does_not_hold_it_up() {
        let (result, lines) = followed(
            shell("sleep 3 & echo done", &Redactor::default()),
            std::future::pending(),
        )
        .await;
        result.unwrap();
        assert_eq!(lines, ["done"]);
    }
}
