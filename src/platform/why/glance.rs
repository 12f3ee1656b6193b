//! What is kept of one watched object.

use serde_json::Value;

use super::cause::Cause;
use super::deadlock::{Labels, labels};
use super::{pod, unwell};
use crate::health::Health;
use crate::object::ObjectRef;
use crate::platform::argocd::application::{controller, text};

/// What is kept of one watched object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glance {
    /// Which object.
    pub id: ObjectRef,
    /// Its UID.
    pub uid: String,
    /// The UID of the object that made it and manages it.
    pub owner: Option<String>,
    /// How well it is; `None` where its kind has no check.
    pub health: Option<Health>,
    /// What it says of itself that keeps it from being well.
    pub(super) causes: Vec<Cause>,
    /// The claims that it needs.
    pub(super) claims: Vec<String>,
    /// Of a Service: the labels of the pods behind it.
    pub(super) selects: Labels,
    /// Of a workload: the labels that its pods bear.
    pub(super) bears: Labels,
    /// Whether it is of interest only while it is there: a pod that is well.
    pub(super) is_idle: bool,
}

impl Glance {
    /// Takes a look at an object, of which `health` is thought. `None` where it has no name.
    pub fn of(object: &Value, health: Option<Health>) -> Option<Self> {
        let name = Some(text(object, "/metadata/name")).filter(|name| !name.is_empty())?;
        let is_pod = text(object, "/apiVersion") == "v1" && text(object, "/kind") == "Pod";
        let owner = controller(object).map(str::to_owned);
        let is_service = text(object, "/apiVersion") == "v1" && text(object, "/kind") == "Service";
        let of = |is: bool, pointer: &str| if is { labels(object, pointer) } else { Labels::new() };
        let unready = if is_pod { pod::unready(object) } else { None };
        Some(Self {
            id: ObjectRef::new(
                text(object, "/apiVersion"),
                text(object, "/kind"),
                text(object, "/metadata/namespace"),
                name,
            ),
            uid: text(object, "/metadata/uid").to_owned(),
            is_idle: is_pod && owner.is_some() && unready.is_none(),
            owner,
            selects: of(is_service, "/spec/selector"),
            bears: of(!is_service, "/spec/template/metadata/labels"),
            health,
            causes: match &unready {
                Some(unready) => unready.causes.clone(),
                None if is_pod => Vec::new(),
                None => unwell::own(object),
            },
            claims: unready.map(|unready| unready.claims).unwrap_or_default(),
        })
    }
}
