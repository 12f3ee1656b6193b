//! Whether the credentials of a runbook can be had. Looks at stores alone.

use super::request::Request;
use super::stores::stores;
use crate::event::Failure;
use crate::steps::Survey;

/// Looks at every place from which the runbook reads a secret.
///
/// # Errors
/// Where a store cannot be made of what the runbook says: a variable that is not set, a CA that cannot be read.
pub async fn survey(request: &Request) -> Result<Survey, Failure> {
    let stores = stores(&request.runbook, &request.redactor)?;
    let now = request.clock.now();
    Ok(crate::steps::survey(&request.runbook, &stores, &request.redactor, now).await)
}
