//! One connection to the proxy: requests in, faults, requests on to the server, answers back.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming};

use super::rules::Doom;
use super::server::Shared;
use super::{Asked, Fault, Side, change};

pub(super) type Body = UnsyncBoxBody<Bytes, Cause>;
/// Why a connection breaks; hyper resets it when a service fails.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Serves one request.
pub(super) async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cause> {
    let asked = Asked::of(request.method(), request.uri());
    let Doom { faults, mut held } = shared.rules.judge(&asked);
    for fault in &faults {
        match fault {
            Fault::Delay(time) => tokio::time::sleep(*time).await,
            Fault::Reset(Side::Before) => return Err("reset before the server heard of it".into()),
            _ => {}
        }
        if let Some(answer) = change::instead(fault, &asked) {
            // Read to its end, or the connection could not be used again.
            request.into_body().collect().await?;
            return Ok(answer.map(whole));
        }
    }
    for hold in held.extract_if(.., |held| held.side == Side::Before) {
        if !hold.wait(&asked).await {
            return Err("held and lost".into());
        }
    }
    // In a task of its own: who asked may be killed meanwhile, and the server is to finish what it was asked all the same.
    let answer = tokio::spawn(forward(shared, request, asked.clone())).await??;
    let answer = changed(answer, &faults).await?;
    for hold in held {
        if !hold.wait(&asked).await {
            return Err("answered and lost".into());
        }
    }
    if faults.contains(&Fault::Reset(Side::After)) {
        return Err("reset after the server answered".into());
    }
    Ok(answer)
}

async fn forward(shared: Arc<Shared>, request: Request<Incoming>, asked: Asked) -> Result<Response<Body>, Cause> {
    let upstream = shared.upstream();
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    for of_the_connection in [HOST, CONNECTION, TRANSFER_ENCODING] {
        headers.remove(of_the_connection);
    }
    let query = if asked.query.is_empty() {
        String::new()
    } else {
        format!("?{}", asked.query)
    };
    let answer = upstream
        .client
        .request(parts.method, format!("{}{}{query}", upstream.address, asked.path))
        .headers(headers)
        .body(body.collect().await?.to_bytes())
        .send()
        .await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        headers.extend(answer.headers().clone());
        headers.remove(TRANSFER_ENCODING);
        headers.remove(CONNECTION);
    }
    // As it comes: a watch never ends.
    let stream = answer
        .bytes_stream()
        .map_ok(Frame::data)
        .map(|frame| frame.map_err(Cause::from));
    Ok(response.body(StreamBody::new(stream).boxed_unsync())?)
}

/// The answer with what the faults change in it.
async fn changed(answer: Response<Body>, faults: &[Fault]) -> Result<Response<Body>, Cause> {
    let (mut parts, mut body) = answer.into_parts();
    for fault in faults {
        match fault {
            Fault::Date(by) => change::move_date(&mut parts, *by),
            Fault::Version(version) => {
                let bytes = body.collect().await?.to_bytes();
                body = whole(change::version(&mut parts, &bytes, version));
            }
            _ => {}
        }
    }
    Ok(Response::from_parts(parts, body))
}

fn whole(text: String) -> Body {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed_unsync()
}
