//! CloudEvents 1.0 in structured JSON.

use serde_json::{Value, json};

use crate::notice::Notice;

pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

pub(super) fn body(notice: &Notice) -> Value {
    json!({
        "specversion": "1.0",
        "id": notice.id,
        "source": notice.source,
        "type": notice.kind,
        "subject": notice.subject,
        "time": notice.time,
        "datacontenttype": "application/json",
        "data": notice.data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::notice;

    #[test]
    fn it_has_all_that_cloudevents_asks_for_and_the_apis_names() {
        let expected = json!({
            "specversion": "1.0",
            "id": "47e2a63a-5a3e-4a3c-9a3c-000000000001-7",
            "source": "/clusters/c1/namespaces/shop/applications/a1",
            "type": "io.sternway.order.succeeded",
            "subject": "47e2a63a-5a3e-4a3c-9a3c-000000000001",
            "time": "2026-11-26T04:00:00.5Z",
            "datacontenttype": "application/json",
            "data": {
                "ChangeOrderId": "47e2a63a-5a3e-4a3c-9a3c-000000000001",
                "Sequence": 7,
                "AppId": "a1",
                "AppName": "web",
                "Namespace": "shop",
                "ClusterId": "c1",
                "ClusterName": "lab",
                "LogicalRegionId": "cn-hangzhou",
                "CoTypeCode": "CoDeploy",
                "Status": 2,
                "Version": 22,
                "Batch": 2,
                "Batches": 3,
                "Message": "ended with status 2: all is <well>",
                "Description": "v22",
                "UserId": "alice",
                "Source": "pop",
                "TraceId": "0badc0de",
            },
        });
        assert_eq!(body(&notice("succeeded")), expected);
    }
}
