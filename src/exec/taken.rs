//! What a program writes, in bounds.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use zeroize::Zeroizing;

/// How many bytes of the error output are kept, of its beginning and of its end: a Go program that fails of itself says why in
/// its first line, before the state of all its threads.
const KEPT: usize = 16 * 1024;

/// What was taken of an output.
pub(super) enum Taken {
    /// All of it.
    All(Vec<u8>),
    /// There was more than is taken.
    TooMuch,
}

/// Takes an output of at most `limit` bytes. It may be a secret: nothing of it is left in a buffer.
pub(super) async fn taken(pipe: Option<impl AsyncRead + Unpin>, limit: usize) -> io::Result<Taken> {
    let mut all = Zeroizing::new(Vec::new());
    let Some(mut pipe) = pipe else {
        return Ok(Taken::All(Vec::new()));
    };
    let mut part = Zeroizing::new(vec![0; 64 * 1024]);
    loop {
        let length = pipe.read(&mut part).await?;
        if length == 0 {
            return Ok(Taken::All(std::mem::take(&mut *all)));
        }
        let needed = all.len() + length;
        if needed > limit {
            return Ok(Taken::TooMuch);
        }
        if needed > all.capacity() {
            // A buffer that grows by itself leaves what it held behind.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(2 * all.capacity())));
            larger.extend_from_slice(&all);
            all = larger;
        }
        all.extend_from_slice(&part[..length]);
    }
}

/// Takes the beginning and the end of an error output.
pub(super) async fn said(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let (mut first, mut last) = (Vec::new(), Vec::new());
    let Some(mut pipe) = pipe else { return String::new() };
    let mut part = vec![0; KEPT];
    while let Ok(length @ 1..) = pipe.read(&mut part).await {
        let room = length.min(KEPT - first.len());
        first.extend_from_slice(&part[..room]);
        last.extend_from_slice(&part[room..length]);
        if last.len() > 2 * KEPT {
            last.drain(..last.len() - KEPT);
        }
    }
    first.extend_from_slice(&last);
    String::from_utf8_lossy(&first).into_owned()
}
