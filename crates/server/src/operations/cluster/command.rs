//! CreateIDCImportCommand: the line that brings a cluster of one's own here. It is run where kubectl reaches the cluster and sternway this server.

use std::sync::Arc;

use sternway_wire::error::GatewayError;
use sternway_wire::model::TextData;

use crate::call::Call;
use crate::failure::Failure;

const PARAMETER: &str = "ClusterId";
const LONGEST_ID: usize = 128;

/// CreateIDCImportCommand
pub(crate) async fn create(call: Arc<Call>) -> Result<TextData, Failure> {
    let id = call.parameters.required(PARAMETER, "the id that the cluster is to have, or has")?;
    // It becomes a word of a shell, and so does the address.
    let is_word = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    if id.len() > LONGEST_ID || !is_word(id, b"-_.") {
        let problem = "Give up to 128 letters, digits, \"-\", \"_\" and \".\".";
        return Err(GatewayError::invalid_parameter(PARAMETER, problem).into());
    }
    let host = if is_word(&call.host, b"-.:[]") { call.host.as_str() } else { "127.0.0.1:8080" };
    let data = format!(
        "kubectl config view --minify --flatten --raw | \
         sternway cluster import --id {id} --kubeconfig /dev/stdin --endpoint \"${{STERNWAY_ENDPOINT:-http://{host}}}\""
    );
    Ok(TextData { data })
}
