//! AWS Secrets Manager.

use super::super::super::shape::{Format, Kinds, Record, Shape};
use super::super::{may, must};

pub(super) static AWS: Record = Record {
    title: "AWS Secrets Manager",
    fields: &[
        must("region", Shape::Text(Format::Label), "The region, such as `eu-west-1`."),
        may(
            "endpoint",
            Shape::Text(Format::Http),
            "The address to ask in that region, such as that of a VPC endpoint; AWS's own unless given.",
        ),
        may(
            "replicas",
            Shape::List(&Shape::Record(&REPLICA)),
            "Regions with replicas, asked in order where `region` does not answer, throttles or fails.",
        ),
        may(
            "profile",
            Shape::Text(Format::Any),
            "The profile of `~/.aws/config` to log in by; else what the variables of AWS, the container or the instance give.",
        ),
        may("role", Shape::Record(&ROLE), "The role to assume by that login."),
    ],
    kinds: Kinds::None,
};

static REPLICA: Record = Record {
    title: "a region with replicas",
    fields: &[
        must("region", Shape::Text(Format::Label), "The region's name."),
        may(
            "endpoint",
            Shape::Text(Format::Http),
            "The address to ask in that region; AWS's own unless given.",
        ),
    ],
    kinds: Kinds::None,
};

static ROLE: Record = Record {
    title: "a role of AWS",
    fields: &[
        must(
            "arn",
            Shape::Text(Format::Any),
            "Its ARN, such as `arn:aws:iam::123456789012:role/recovery`.",
        ),
        may(
            "session-name",
            Shape::Text(Format::Any),
            "What the session is called in AWS's audit log; `gitops-dr` unless given.",
        ),
        may(
            "external-id",
            Shape::Text(Format::Any),
            "What the owner of the role asks to be told. It is no secret.",
        ),
        may(
            "endpoint",
            Shape::Text(Format::Http),
            "The address of the Security Token Service; AWS's own unless given.",
        ),
    ],
    kinds: Kinds::None,
};
