//! What AWS means by a refusal.

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use jiff::Timestamp;

use super::skew;
use crate::redact::Redactor;

/// Longest text of AWS's that goes into an error.
const QUOTE: usize = 300;

/// Why AWS refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// We may not.
    Denied,
    /// We may not use the key that the value is encrypted with.
    KeyDenied,
    /// The key of the secret does not open its value, or encrypts no other.
    Undecipherable,
    /// There is no such secret.
    Missing,
    /// There is such a secret, and no such version of it.
    MissingValue,
    /// It is to be deleted and can be brought back.
    Deleted,
    /// There is such a secret already.
    Exists,
    /// There would be more of something than the account may have.
    Full,
    /// We ask too often.
    Throttled,
    /// It fails in itself.
    Failing,
    /// The credentials have ended.
    Expired,
    /// The credentials are not known.
    Unknown,
    /// The signature is not the one that AWS computes.
    Signature,
    /// The signature is not of now.
    Skewed,
    /// This AWS does not know the request.
    NoSuchRequest,
    /// The request asks for something that cannot be.
    Malformed,
    /// Something else.
    NotUnderstood,
}

impl Cause {
    /// Tells by the error's code, its words and the answer's status. The codes are those of the service's model and the common ones:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>.
    fn of(code: &str, words: &str, status: u16) -> Self {
        let words = words.to_lowercase();
        match code {
            "AccessDeniedException" | "AccessDenied" | "NotAuthorized" => {
                if is_of_key(&words) {
                    Self::KeyDenied
                } else {
                    Self::Denied
                }
            }
            "DecryptionFailure" | "DecryptionFailureException" | "EncryptionFailure" | "EncryptionFailureException" => {
                Self::Undecipherable
            }
            "ResourceExistsException" => Self::Exists,
            "LimitExceededException" => Self::Full,
            "ResourceNotFoundException" if words.contains("secret value") => Self::MissingValue,
            "ResourceNotFoundException" => Self::Missing,
            "InvalidRequestException" if words.contains("deletion") || words.contains("deleted") => Self::Deleted,
            "InvalidRequestException" | "InvalidParameterException" | "ValidationException" | "ValidationError" => {
                Self::Malformed
            }
            "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "RequestLimitExceeded" => {
                Self::Throttled
            }
            "ExpiredTokenException" | "ExpiredToken" => Self::Expired,
            "RequestTimeTooSkewed" | "RequestExpired" => Self::Skewed,
            "InvalidSignatureException" | "SignatureDoesNotMatch" => {
                if words.contains("signature expired") || words.contains("signature not yet current") {
                    Self::Skewed
                } else {
                    Self::Signature
                }
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "AuthFailure"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "OptInRequired"
            | "SubscriptionRequiredException" => Self::Unknown,
            "UnknownOperationException" | "InvalidAction" => Self::NoSuchRequest,
            _ if status == 429 => Self::Throttled,
            _ if status >= 500 => Self::Failing,
            _ => Self::NotUnderstood,
        }
    }

    /// Whether another region may do better.
    pub(super) fn is_passing(self) -> bool {
        matches!(self, Self::Throttled | Self::Failing)
    }
}

/// Whether a refusal, in small letters, is about the key: a user, a role or a secret may have `kms` in its name too. The second text is
/// what Secrets Manager says where the key is not even named.
fn is_of_key(words: &str) -> bool {
    words.contains("perform: kms:") || words.contains("access to kms is not allowed")
}

/// A refusal.
#[derive(Debug)]
pub(super) struct Refused {
    /// What it means.
    pub(super) cause: Cause,
    /// AWS's words, without any value.
    pub(super) words: String,
    /// The number of the account that those name, or `*`.
    pub(super) account: String,
    /// The time that AWS's clock showed.
    pub(super) date: Option<Timestamp>,
    code: String,
    status: u16,
}

impl Refused {
    /// Takes an answer apart; `None` where there was none. Of an answer that is not AWS's nothing is kept but the status: it may hold
    /// anything.
    pub(super) fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, redactor: &Redactor) -> Option<Self> {
        let response = error.raw_response()?;
        let status = response.status().as_u16();
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let code = meta.and_then(|meta| meta.code()).unwrap_or_default().to_owned();
        let words = meta.and_then(|meta| meta.message()).unwrap_or_default();
        let words: String = redactor.redact(words).split_whitespace().collect::<Vec<_>>().join(" ");
        Some(Self {
            cause: Cause::of(&code, &words, status),
            account: super::denied::account(&words).to_owned(),
            words: words.chars().take(QUOTE).collect(),
            date: response.headers().get("date").and_then(skew::date),
            code,
            status,
        })
    }

    /// Returns code and words: `it answered AccessDeniedException: User: …`.
    pub(super) fn quote(&self) -> String {
        let said = if self.code.is_empty() {
            self.status.to_string()
        } else {
            self.code.clone()
        };
        if self.words.is_empty() {
            format!("it answered {said}")
        } else {
            format!("it answered {said}: {}", self.words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_meaning() {
        for (code, words, status, expected) in [
            (
                "AccessDeniedException",
                "User: a is not authorized to perform: b",
                400,
                Cause::Denied,
            ),
            (
                "AccessDeniedException",
                "Access to KMS is not allowed",
                400,
                Cause::KeyDenied,
            ),
            (
                "AccessDeniedException",
                "User: arn:aws:iam::1:user/dr is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:1:key/a",
                400,
                Cause::KeyDenied,
            ),
            (
                "AccessDeniedException",
                "User: arn:aws:sts::1:assumed-role/kms-reader/a is not authorized to perform: secretsmanager:GetSecretValue on resource: a",
                400,
                Cause::Denied,
            ),
            (
                "AccessDeniedException",
                "User: a is not authorized to perform: secretsmanager:DescribeSecret on resource: prod/kms:proxy",
                400,
                Cause::Denied,
            ),
            (
                "DecryptionFailure",
                "can't decrypt the protected secret text",
                400,
                Cause::Undecipherable,
            ),
            (
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret.",
                400,
                Cause::Missing,
            ),
            (
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value for staging label: AWSPREVIOUS",
                400,
                Cause::MissingValue,
            ),
            (
                "InvalidRequestException",
                "You can't perform this operation on the secret because it was marked for deletion.",
                400,
                Cause::Deleted,
            ),
            ("InvalidRequestException", "You can't do that.", 400, Cause::Malformed),
            ("ThrottlingException", "Rate exceeded", 400, Cause::Throttled),
            ("InternalServiceError", "", 500, Cause::Failing),
            ("", "", 503, Cause::Failing),
            ("", "", 429, Cause::Throttled),
            (
                "ExpiredTokenException",
                "The security token included in the request is expired",
                400,
                Cause::Expired,
            ),
            (
                "UnrecognizedClientException",
                "The security token is invalid.",
                400,
                Cause::Unknown,
            ),
            (
                "InvalidSignatureException",
                "Signature expired: 20261122T040000Z is now earlier than 20261122T041000Z (20261122T041500Z - 5 min.)",
                400,
                Cause::Skewed,
            ),
            (
                "InvalidSignatureException",
                "Signature not yet current: 2026",
                400,
                Cause::Skewed,
            ),
            (
                "InvalidSignatureException",
                "The request signature we calculated does not match",
                400,
                Cause::Signature,
            ),
            ("UnknownOperationException", "", 400, Cause::NoSuchRequest),
            ("ValidationException", "", 400, Cause::Malformed),
            ("", "", 404, Cause::NotUnderstood),
        ] {
            assert_eq!(Cause::of(code, words, status), expected, "{code}: {words}");
        }
    }

    #[test]
    fn what_is_refused_of_a_write_has_one_too() {
        for (code, expected) in [
            ("EncryptionFailure", Cause::Undecipherable),
            ("ResourceExistsException", Cause::Exists),
            ("LimitExceededException", Cause::Full),
        ] {
            assert_eq!(Cause::of(code, "", 400), expected, "{code}");
        }
    }

    #[test]
    fn only_what_is_the_regions_own_trouble_is_worth_another_region() {
        let passing = [Cause::Throttled, Cause::Failing];
        for cause in [
            Cause::Denied,
            Cause::KeyDenied,
            Cause::Undecipherable,
            Cause::Missing,
            Cause::MissingValue,
            Cause::Deleted,
            Cause::Exists,
            Cause::Full,
            Cause::Expired,
            Cause::Unknown,
            Cause::Signature,
            Cause::Skewed,
            Cause::NoSuchRequest,
            Cause::Malformed,
            Cause::NotUnderstood,
        ] {
            assert!(!cause.is_passing(), "{cause:?}");
        }
        assert!(passing.iter().all(|cause| cause.is_passing()));
    }
}
