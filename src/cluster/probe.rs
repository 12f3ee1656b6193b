//! Whether an API server answers at all, asked without saying who we are.
//!
//! No credential is ever sent, and no certificate is verified: who answers is of no matter, only that somebody does, and
//! with which certificate. Proxies are those of the environment, as for `kubectl`.

use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::tls::TlsInfo;
use url::Url;

/// How long a connection, with its TLS handshake, may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long all of one try may take. What takes longer than [`CONNECT`] has at least shaken hands.
const LIMIT: Duration = Duration::from_secs(8);

/// How often a server is tried that does not answer, and the pause between. One lost packet is not death.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(1);

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// Somebody is there.
    Alive {
        /// What the answer was, for people: `401 Unauthorized`.
        words: String,
        /// The certificate that was shown, as DER; `None` where there was none, or it is not known.
        certificate: Option<Vec<u8>>,
    },
    /// Nobody answered. It may be off, and it may only be out of reach from here.
    Silent {
        /// Why the last try failed.
        why: String,
    },
}

impl Sign {
    /// Returns the certificate that was shown.
    pub fn certificate(&self) -> Option<&[u8]> {
        match self {
            Self::Alive { certificate, .. } => certificate.as_deref(),
            Self::Silent { .. } => None,
        }
    }
}

/// Asks a server for a sign of life: an HTTP answer, or so much as a word of TLS. A few tries.
pub async fn sign_of_life(server: &Url) -> Sign {
    let mut sign = look(server).await;
    for _ in 1..TRIES {
        if matches!(sign, Sign::Alive { .. }) {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        sign = look(server).await;
    }
    sign
}

/// The same by one try, where it is of no harm to be wrong.
pub async fn look(server: &Url) -> Sign {
    let client = reqwest::Client::builder()
        .tls_danger_accept_invalid_certs(true)
        .tls_info(true)
        .redirect(Policy::none())
        .connect_timeout(CONNECT)
        .timeout(LIMIT)
        .build();
    let answer = match client {
        Ok(client) => client.get(bare(server)).send().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(answer) => Sign::Alive {
            words: answer.status().to_string(),
            certificate: answer
                .extensions()
                .get::<TlsInfo>()
                .and_then(TlsInfo::peer_certificate)
                .map(<[u8]>::to_vec),
        },
        Err(error) => {
            let why = innermost(&error);
            // Over TLS a connection is not made before hands were shaken.
            let shook = server.scheme() == "https" && !error.is_connect() && !error.is_builder();
            let spoke = speaks_tls(&error) || shook;
            if spoke {
                let certificate = None;
                Sign::Alive {
                    words: why,
                    certificate,
                }
            } else {
                Sign::Silent { why }
            }
        }
    }
}

/// Returns the address of the server's version, without a user or password, which would be sent.
fn bare(server: &Url) -> Url {
    let mut url = server.clone();
    // They fail only for addresses that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_path(&format!("{}/version", server.path().trim_end_matches('/')));
    url
}

/// Whether the trouble is in what the other side said. Any trouble of TLS is: an alert, an odd certificate, or a protocol
/// that is none.
fn speaks_tls(error: &reqwest::Error) -> bool {
    // An error of input and output does not give what it wraps as its source, but the source of that.
    let inner = |link: &'_ (dyn std::error::Error + 'static)| match link.downcast_ref::<std::io::Error>() {
        Some(wrapping) => wrapping.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()),
        None => link.is::<rustls::Error>(),
    };
    std::iter::successors(Some(error as &(dyn std::error::Error + 'static)), |link| link.source()).any(inner)
}

fn innermost(error: &reqwest::Error) -> String {
    let links = std::iter::successors(Some(error as &dyn std::error::Error), |link| link.source());
    let text = links.last().map(ToString::to_string).unwrap_or_default();
    match text.as_str() {
        "operation timed out" | "deadline has elapsed" => "no answer came in time".to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Listens, takes every connection, and says these bytes after the other side has spoken.
    async fn server(says: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut heard = [0; 4096];
                let _ = stream.read(&mut heard).await;
                let _ = stream.write_all(says).await;
            }
        });
        address.to_string()
    }

    async fn seen(address: &str) -> Sign {
        look(&Url::parse(address).unwrap()).await
    }

    fn is_alive(sign: &Sign) -> bool {
        matches!(sign, Sign::Alive { .. })
    }

    #[tokio::test]
    async fn whoever_says_a_word_is_alive() {
        // A TLS alert: handshake_failure, as a server says it that wants a certificate of us.
        let alert = server(&[21, 3, 3, 0, 2, 2, 40]).await;
        let plain = server(b"HTTP/1.0 400 Bad Request\r\n\r\n").await;
        for address in [
            format!("https://{alert}"),
            format!("https://{plain}"),
            format!("http://{plain}"),
        ] {
            let sign = seen(&address).await;
            assert!(is_alive(&sign), "{address}: {sign:?}");
        }
    }

    #[tokio::test]
    async fn a_balancer_without_a_server_behind_it_is_no_sign_of_life() {
        // It takes the connection, and closes it.
        let closing = server(b"").await;
        for address in [format!("https://{closing}"), format!("http://{closing}")] {
            let sign = seen(&address).await;
            assert!(!is_alive(&sign), "{address}: {sign:?}");
        }
        // It takes the connection, and says nothing for ever.
        let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sign = seen(&format!("https://{}", mute.local_addr().unwrap())).await;
        assert!(!is_alive(&sign), "{sign:?}");
    }

    #[tokio::test]
    async fn nobody_is_told_a_password() {
        let url = Url::parse("https://user:password@10.0.0.3:6443/k8s/?token=a").unwrap();
        assert_eq!(bare(&url).as_str(), "https://10.0.0.3:6443/k8s/version");
    }
}
