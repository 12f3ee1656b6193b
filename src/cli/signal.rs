//! Ctrl-C, SIGTERM and SIGHUP: the first asks the run to stop, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::exit;

/// Returns a token that the first signal cancels.
pub(super) fn interrupt() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    // A terminal that is closed, or an ssh that drops.
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
                _ = hangups.recv() => {}
            }
            if cancelled.is_cancelled() {
                end();
            }
            cancelled.cancel();
        }
    });
    Ok(token)
}

#[expect(
    clippy::exit,
    reason = "a person who presses Ctrl-C twice wants it to end now; the journal is on disk"
)]
fn end() -> ! {
    // Nothing is dropped from here on.
    crate::report::terminal::restore_echo();
    std::process::exit(i32::from(exit::INTERRUPTED))
}
