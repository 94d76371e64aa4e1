//! PutFreezeWindow, ListFreezeWindows, DeleteFreezeWindow.

use std::sync::Arc;

use jiff::tz::TimeZone;
use sternway_core::governance::{FREEZE_WINDOW, FreezeWindow, LONGEST_FREEZE_MINUTES};
use sternway_wire::error::GatewayError;
use sternway_wire::model::{FreezeWindow as Shown, ListFreezeWindows, Nothing};

use super::{LONGEST_TEXT, list, name, put, scope, shown, unusable};
use crate::call::Call;
use crate::failure::Failure;

const DEFAULT_ZONE: &str = "UTC";

/// PutFreezeWindow
pub(crate) async fn put_window(call: Arc<Call>) -> Result<Nothing, Failure> {
    let parameters = &call.parameters;
    let name = name(&call)?;
    let zone = parameters.text("Zone", LONGEST_TEXT)?.unwrap_or(DEFAULT_ZONE);
    if TimeZone::get(zone).is_err() {
        let problem = "Give a time zone of the IANA database, such as Asia/Shanghai.";
        return Err(GatewayError::invalid_parameter("Zone", problem).into());
    }
    let minutes = parameters.required_integer("Minutes", 1..=i64::from(LONGEST_FREEZE_MINUTES))?;
    let window = FreezeWindow {
        name: name.to_owned(),
        scope: scope(&call).await?,
        cron: parameters.required("Cron", "a cron expression such as 0 18 * * FRI")?.to_owned(),
        minutes: u32::try_from(minutes).unwrap_or(LONGEST_FREEZE_MINUTES),
        zone: zone.to_owned(),
        reason: parameters.text("Reason", LONGEST_TEXT)?.unwrap_or_default().to_owned(),
    };
    window.check().map_err(|invalid| GatewayError::invalid_parameter("Cron", &format!("{invalid}.")))?;
    put(&call, FREEZE_WINDOW, name, &window).await?;
    Ok(Nothing {})
}

/// ListFreezeWindows
pub(crate) async fn list_windows(call: Arc<Call>) -> Result<ListFreezeWindows, Failure> {
    let windows: Vec<FreezeWindow> = list(&call, FREEZE_WINDOW).await?;
    let mut shown_windows = Vec::with_capacity(windows.len());
    for window in windows {
        let zone = TimeZone::get(&window.zone).map_err(|error| unusable(&format!("{error}.")))?;
        let until = window.open_until(&zone, call.now()).map_err(|invalid| unusable(&format!("{invalid}.")))?;
        shown_windows.push(Shown {
            app_id: shown(window.scope.app_id.as_ref()),
            namespace: shown(window.scope.namespace.as_ref()),
            cluster_id: shown(window.scope.cluster_id.as_ref()),
            logical_region_id: shown(window.scope.logical_region_id.as_ref()),
            name: window.name,
            cron: window.cron,
            minutes: window.minutes,
            zone: window.zone,
            reason: window.reason,
            open_until: shown(until.as_ref()),
        });
    }
    Ok(ListFreezeWindows { freeze_window_list: shown_windows })
}

/// DeleteFreezeWindow: one that is gone already is no error.
pub(crate) async fn delete_window(call: Arc<Call>) -> Result<Nothing, Failure> {
    call.records().delete_record(FREEZE_WINDOW, name(&call)?).await?;
    Ok(Nothing {})
}
