//! Answers that the proxy makes up, and answers that it changes. Without IO.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, RETRY_AFTER};
use http::response::Parts;
use http::{HeaderValue, Response, StatusCode};
use jiff::SignedDuration;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};
use serde_json::{Value, json};

use super::{Asked, Fault};

/// The answer that takes the server's place, where the fault is of that kind.
pub(super) fn instead(fault: &Fault, asked: &Asked) -> Option<Response<String>> {
    match fault {
        Fault::Answer {
            status,
            retry_after,
            reason,
            message,
        } => {
            let mut response = json_response(*status, &status_object(*status, reason, message));
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Some(response)
        }
        Fault::Gone if asked.is_watch() => {
            let object = status_object(410, "Expired", "too old resource version: 1 (4711)");
            Some(json_response(200, &json!({"type": "ERROR", "object": object})))
        }
        _ => None,
    }
}

/// Moves the header `Date`.
pub(super) fn move_date(parts: &mut Parts, by: SignedDuration) {
    let date = parts.headers.get(DATE).and_then(|value| value.to_str().ok());
    let date = date.and_then(|text| DateTimeParser::new().parse_timestamp(text).ok());
    let moved = date.and_then(|date| date.checked_add(by).ok());
    let text = moved.and_then(|date| DateTimePrinter::new().timestamp_to_rfc9110_string(&date).ok());
    if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
        parts.headers.insert(DATE, value);
    }
}

/// The answer to `/version` with another version in it, such as `v1.17.3`.
pub(super) fn version(parts: &mut Parts, body: &[u8], version: &str) -> String {
    let mut answer: Value = serde_json::from_slice(body).unwrap_or_else(|_| json!({}));
    let mut numbers = version.trim_start_matches('v').split('.');
    answer["gitVersion"] = json!(version);
    answer["major"] = json!(numbers.next().unwrap_or_default());
    answer["minor"] = json!(numbers.next().unwrap_or_default());
    parts.headers.remove(CONTENT_LENGTH);
    answer.to_string()
}

fn status_object(code: u16, reason: &str, message: &str) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

fn json_response(status: u16, body: &Value) -> Response<String> {
    let mut response = Response::new(format!("{body}\n"));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn the_date_is_moved_and_stays_a_date() {
        let mut parts = Response::builder()
            .header(DATE, "Sat, 21 Nov 2026 23:59:50 GMT")
            .body(())
            .unwrap()
            .into_parts()
            .0;
        move_date(&mut parts, SignedDuration::from_secs(20));
        assert_eq!(parts.headers[DATE], "Sun, 22 Nov 2026 00:00:10 GMT");
    }

    #[test]
    fn only_a_watch_is_told_that_its_history_is_gone() {
        let watch = Asked::of(&Method::GET, &"/api/v1/pods?watch=true".parse().unwrap());
        let list = Asked::of(&Method::GET, &"/api/v1/pods".parse().unwrap());
        assert!(instead(&Fault::Gone, &watch).unwrap().body().contains("410"));
        assert!(instead(&Fault::Gone, &list).is_none());
    }
}
