//! Access reviews: answered, never stored. Everybody may do everything here.

use serde_json::json;

use super::decode::{self, Expected};
use super::{Backend, Call, Response, read};
use crate::object;
use crate::status::Status;

/// `POST` of a review.
pub(super) fn create(backend: &Backend<'_>, call: &Call<'_>) -> Result<Response, Status> {
    let mut review = decode::body(call.request, Expected::resource(call.resource), call.query.field_validation)?.object;
    object::as_map(&mut review).insert("status".into(), json!({"allowed": true}));
    read::show(backend, call, 201, &review)
}
