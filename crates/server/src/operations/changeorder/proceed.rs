//! ContinuePipeline and RetryChangeOrderTask. Both are GET and change state: that is how EDAS has them.

use std::sync::Arc;

use sternway_core::step::Illegal;
use sternway_engine::CommandError;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{Nothing, TextData};

use crate::call::Call;
use crate::failure::Failure;
use crate::operations::governance::approval::in_person;

/// ContinuePipeline
pub(crate) async fn proceed(call: Arc<Call>) -> Result<Nothing, Failure> {
    let text = call.parameters.required("PipelineId", "the id of a pipeline of the order")?;
    let unknown = |_| BusinessError::pipeline_not_found(text);
    let pipeline = text.parse().map_err(unknown)?;
    let confirm = call.parameters.boolean("Confirm")?.unwrap_or(true);
    if call.store().order_of_part(pipeline).await?.is_some_and(|order| order.approval.is_some()) {
        in_person(&call)?;
    }
    call.engine().confirm(pipeline, confirm, call.actor()).await?;
    Ok(Nothing {})
}

/// RetryChangeOrderTask
pub(crate) async fn retry(call: Arc<Call>) -> Result<TextData, Failure> {
    let text = call.parameters.required("TaskId", "the id of a task of the order")?;
    let unknown = |_| BusinessError::task_not_found(text);
    let task = text.parse().map_err(unknown)?;
    if call.parameters.boolean("RetryStatus")? == Some(false) {
        let reason = "A failed task cannot be skipped. Retry it with RetryStatus=true, or abort the order with AbortChangeOrder or AbortAndRollbackChangeOrder.";
        return Err(BusinessError::unprocessable(reason).into());
    }
    let order = call.engine().retry(task, call.actor()).await;
    let order = order.map_err(|error| match error {
        CommandError::NoPart(_) | CommandError::Illegal(Illegal::NoSuchPart { .. }) => {
            BusinessError::task_not_found(text).into()
        }
        other => Failure::from(other),
    })?;
    Ok(TextData { data: order.to_string() })
}
