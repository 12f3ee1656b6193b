//! What the status code of `GET /v1/sys/health` means.
//!
//! Only the code is judged: the body differs between Vault and OpenBao and tells nothing more.
//! Source: <https://openbao.org/api-docs/system/health/> and <https://developer.hashicorp.com/vault/api-docs/system/health>.

use crate::secrets::{Error, ErrorKind};

/// Judges a status code. `store` is the store's name for people.
///
/// # Errors
/// Says in words why the node cannot serve.
pub(super) fn judge(status: u16, store: &str) -> Result<(), Error> {
    let error = |kind, words: &str| Error::new(kind, format!("{store} {words}")).because(health(status));
    Err(match status {
        // A standby (429) and a performance standby (473) hand requests on to the active node.
        200 | 429 | 473 => return Ok(()),
        472 => error(ErrorKind::Standby, "is a disaster-recovery secondary and serves nobody")
            .hint("name the address of the primary, or promote this secondary if the primary is lost"),
        474 => error(ErrorKind::Standby, "is a standby that cannot reach the active node")
            .hint("name the address of the active node, or restore the network between the nodes"),
        501 => error(ErrorKind::NotInitialised, "is not initialised: it holds no secrets yet")
            .hint("restore its snapshot (`bao operator raft snapshot restore -force`), or name the address of the store that holds the secrets"),
        503 => sealed(store).because(health(status)),
        530 => error(ErrorKind::Standby, "was removed from its cluster")
            .hint("name the address of a node that is still a member"),
        400 => error(ErrorKind::Configuration, "does not understand the request")
            .hint("if it serves TLS, write its `address` with https://"),
        404 => error(ErrorKind::Configuration, "answers, and is no Vault or OpenBao at this address")
            .hint("check host, port and path of its `address`"),
        _ => error(ErrorKind::Answer, "answers, and not as a Vault or OpenBao does")
            .hint("check host, port and path of its `address`, and any proxy or load balancer in front of it"),
    })
}

/// The error of a sealed store.
pub(super) fn sealed(store: &str) -> Error {
    Error::new(ErrorKind::Sealed, format!("{store} is sealed"))
        .hint("unseal every node with `bao operator unseal` (as often as its threshold asks), or restore access to its KMS key")
}

fn health(status: u16) -> String {
    format!("its health check answered {status}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_verdict() {
        let table = [
            (200, None),
            (429, None),
            (473, None),
            (472, Some((ErrorKind::Standby, "disaster-recovery secondary"))),
            (474, Some((ErrorKind::Standby, "cannot reach the active node"))),
            (501, Some((ErrorKind::NotInitialised, "not initialised"))),
            (503, Some((ErrorKind::Sealed, "is sealed"))),
            (530, Some((ErrorKind::Standby, "removed from its cluster"))),
            (400, Some((ErrorKind::Configuration, "does not understand"))),
            (404, Some((ErrorKind::Configuration, "no Vault or OpenBao"))),
            (502, Some((ErrorKind::Answer, "not as a Vault"))),
        ];
        for (status, expected) in table {
            match (judge(status, "store vault"), expected) {
                (Ok(()), None) => {}
                (Err(error), Some((kind, words))) => {
                    assert_eq!(error.kind(), kind, "{status}");
                    assert!(error.to_string().contains(words), "{status}: {error}");
                    assert_eq!(error.causes(), [format!("its health check answered {status}")]);
                    assert!(!error.hints().is_empty(), "{status}");
                }
                (verdict, expected) => panic!("{status}: {verdict:?}, expected {expected:?}"),
            }
        }
    }
}
