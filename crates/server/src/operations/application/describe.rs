//! UpdateK8sApplicationBaseInfo: what people say about an application.

use std::sync::Arc;

use sternway_engine::About;
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
    let mut about = About {
        description: call.parameters.get("Description")?.map(str::to_owned),
        owner: call.parameters.text("Owner", LONGEST_DESCRIPTION)?.map(str::to_owned),
        ..About::default()
    };
    for name in ["Email", "PhoneNumber"] {
        if let Some(value) = call.parameters.text(name, LONGEST_DESCRIPTION)? {
            about.attributes.insert(name.to_owned(), value.to_owned());
        }
    }
    call.command(call.engine().describe(app.id, &about)).await?;
    Ok(UpdateK8sApplicationBaseInfo { result: SUCCESS_MESSAGE.to_owned() })
}
