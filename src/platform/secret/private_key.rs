//! Private keys in PEM.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::report::Report;

/// What a key of OpenSSH begins with, before the name of its cipher (`PROTOCOL.key` of OpenSSH).
const OPENSSH: &[u8] = b"openssh-key-v1\0";

/// Checks each private key in a text: whether it can be read at all, and without a person.
pub(super) fn check(key: &str, text: &str, report: &mut Report<'_>) {
    let Some((label, body)) = block(text) else { return };
    if text.contains('\r') {
        report
            .warning(
                "secret/line-breaks",
                format!("`{key}` is a private key with the line breaks of Windows, which ssh does not read"),
            )
            .help("store it with `\\n` alone at the end of each line (`dos2unix`)");
    }
    let locked = "is a private key that a passphrase protects, and nobody will be there to type it";
    if label == "ENCRYPTED PRIVATE KEY" || body.contains("Proc-Type: 4,ENCRYPTED") {
        report
            .error("secret/passphrase", format!("`{key}` {locked}"))
            .help("store it without one: `openssl pkey -in KEY`");
        return;
    }
    let letters: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    let Ok(decoded) = STANDARD.decode(letters.as_bytes()).map(Zeroizing::new) else {
        unreadable(key, report);
        return;
    };
    if label == "OPENSSH PRIVATE KEY" {
        match cipher(&decoded) {
            None => unreadable(key, report),
            Some(b"none") => {}
            Some(_) => report
                .error("secret/passphrase", format!("`{key}` {locked}"))
                .help("store it without one: `ssh-keygen -p -N '' -f KEY`"),
        }
        return;
    }
    let is_known = matches!(label, "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY");
    let parsed = PrivateKeyDer::from_pem_slice(text.as_bytes());
    if is_known && !parsed.is_ok_and(|key| any_supported_type(&key).is_ok()) {
        unreadable(key, report);
    }
}

fn unreadable(key: &str, report: &mut Report<'_>) {
    report
        .warning(
            "secret/unreadable-key",
            format!("`{key}` looks like a private key, and cannot be read as one"),
        )
        .help("compare it with the one in use: lines may be missing, or it was stored in base64 twice");
}

/// Returns the label and the body of the first private key in a text.
fn block(text: &str) -> Option<(&str, &str)> {
    text.match_indices("-----BEGIN ").find_map(|(at, begin)| {
        let (label, rest) = text[at + begin.len()..].split_once("-----")?;
        let (body, _) = rest.split_once("-----END ")?;
        label.ends_with("PRIVATE KEY").then_some((label, body))
    })
}

/// Returns the name of the cipher of a key of OpenSSH.
fn cipher(key: &[u8]) -> Option<&[u8]> {
    let (length, rest) = key.strip_prefix(OPENSSH)?.split_first_chunk::<4>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
