//! UpdateK8sApplicationBaseInfo: what people say about an application.

use std::sync::Arc;

use sternway_wire::envelope::SUCCESS_MESSAGE;
use sternway_wire::model::UpdateK8sApplicationBaseInfo;

use crate::call::Call;
use crate::failure::Failure;

const LONGEST_DESCRIPTION: usize = 256;

/// UpdateK8sApplicationBaseInfo
pub(crate) async fn describe(call: Arc<Call>) -> Result<UpdateK8sApplicationBaseInfo, Failure> {
    let app = call.app().await?;
    // An empty description is one: it takes the old one back.
    call.parameters.text("Description", LONGEST_DESCRIPTION)?;
    if let Some(description) = call.parameters.get("Description")? {
        call.engine().describe(app.id, description).await?;
    }
    Ok(UpdateK8sApplicationBaseInfo { result: SUCCESS_MESSAGE.to_owned() })
}
