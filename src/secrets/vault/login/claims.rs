//! What a token (a JWT) says of itself. It is signed and not encrypted: all but the signature may be told.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::redact::Secret;

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    aud: Option<Audience>,
    sub: Option<String>,
    exp: Option<f64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// Says who made a token, for whom and until when; or that it is none.
pub(super) fn told(token: &Secret) -> Vec<String> {
    let Some(claims) = claims(token) else {
        return vec!["what was given is no JWT".to_owned()];
    };
    let audience = claims.aud.map(|audience| match audience {
        Audience::One(audience) => audience,
        Audience::Many(audiences) => audiences.join(", "),
    });
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no token lasts longer than a whole number of seconds can tell"
    )]
    let ends = claims
        .exp
        .and_then(|seconds| Timestamp::from_second(seconds as i64).ok())
        .map(|end| end.to_string());
    let parts = [
        ("issuer", claims.iss),
        ("audience", audience),
        ("subject", claims.sub),
        ("ends at", ends),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter_map(|(what, value)| Some(format!("{what} {}", value?)))
        .collect();
    vec![format!("the token says of itself: {}", parts.join(", "))]
}

fn claims(token: &Secret) -> Option<Claims> {
    let mut parts = token.expose_str()?.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let claims = Zeroizing::new(URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?);
    serde_json::from_slice(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret {
        Secret::new(format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    #[test]
    fn a_token_tells_who_made_it_for_whom_and_until_when() {
        for (given, expected) in [
            (
                token(r#"{"iss":"https://ci","aud":"vault","sub":"job 1","exp":1800000000}"#),
                "the token says of itself: issuer https://ci, audience vault, subject job 1, ends at 2027-01-15T08:00:00Z",
            ),
            (
                token(r#"{"aud":["a","b"],"exp":1800000000.5}"#),
                "the token says of itself: audience a, b, ends at 2027-01-15T08:00:00Z",
            ),
            (Secret::from("hvs.canary"), "what was given is no JWT"),
            (Secret::from("a.canary.b"), "what was given is no JWT"),
        ] {
            assert_eq!(told(&given), [expected]);
        }
    }
}
