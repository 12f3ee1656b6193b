//! From the template of a set to an Application (`controllers/template/template.go`, `utils.RenderTemplateParams`).

use serde_json::{Value, json};

use super::facts::{Attempt, Stop};
use super::parameters::{Parameters, fill};
use super::patch;

/// The finalizer by which an Application takes its objects with it.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// Returns the template of a set with what a generator's own says laid over it.
pub(super) fn merged(own: &Value, base: &Value) -> Value {
    let mut merged = own.clone();
    fill(&mut merged, base);
    merged
}

/// Makes one Application.
pub(super) fn application(
    attempt: &Attempt<'_>,
    set: &Value,
    template: &Value,
    parameters: &Parameters,
) -> Result<Value, Stop> {
    let mut app = json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": template["metadata"],
        "spec": template["spec"],
    });
    if !parameters.is_empty() {
        app = attempt.replace_all(&app, parameters)?;
        let keeps = set["spec"]["syncPolicy"]["preserveResourcesOnDeletion"] == Value::Bool(true);
        if !keeps && app["metadata"]["finalizers"].as_array().is_none_or(Vec::is_empty) {
            app["metadata"]["finalizers"] = json!([FINALIZER]);
        }
    }
    if let Some(text) = set["spec"]["templatePatch"].as_str() {
        let text = attempt.replace(text, parameters)?;
        // A text that is still to be rendered is no patch yet.
        if attempt.settle().is_ok() {
            app = patch::applied(app, &text)?;
        }
    }
    app["metadata"]["namespace"] = set["metadata"]["namespace"].clone();
    Ok(app)
}
