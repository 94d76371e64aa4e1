//! Rules as EDAS shows them.

use serde_json::Value;
use sternway_core::scaling::{Meaning, Rule, Trigger};
use sternway_wire::model::{
    ScalingBehaviour, ScalingDirection, ScalingMetric, ScalingMetricTarget, ScalingPolicy, ScalingRule, ScalingTrigger,
};
use sternway_wire::parameters::scaling::TriggerType;

use crate::operations::whole;

/// The rule; its metrics of processor and memory also in the older form.
pub(super) fn rule(rule: &Rule) -> ScalingRule {
    let (least, most) = (whole(rule.bounds.least), whole(rule.bounds.most));
    let milliseconds = |moment: Option<jiff::Timestamp>| moment.map_or(0, |moment| moment.as_millisecond());
    ScalingRule {
        app_id: rule.app.to_string(),
        behaviour: ScalingBehaviour {
            scale_down: direction(&rule.behaviour["scaleDown"]),
            scale_up: direction(&rule.behaviour["scaleUp"]),
        },
        create_time: rule.created_at.as_millisecond(),
        last_disable_time: milliseconds(rule.disabled_at),
        max_replicas: most,
        metric: ScalingMetric {
            max_replicas: most,
            metrics: rule.metrics().iter().filter_map(target).collect(),
            min_replicas: least,
        },
        min_replicas: least,
        scale_rule_enabled: rule.enabled,
        scale_rule_name: rule.name.clone(),
        scale_rule_type: rule.kind.clone(),
        trigger: ScalingTrigger {
            max_replicas: most,
            min_replicas: least,
            triggers: rule.triggers.iter().map(trigger).collect(),
        },
        update_time: rule.updated_at.as_millisecond(),
    }
}

fn trigger(trigger: &Trigger) -> sternway_wire::model::Trigger {
    let kind = match trigger.meaning {
        Meaning::Times(_) => TriggerType::Cron,
        Meaning::Metrics(_) => TriggerType::AppMetric,
    };
    sternway_wire::model::Trigger {
        meta_data: trigger.given.clone(),
        name: trigger.name.clone(),
        r#type: kind.code().to_owned(),
    }
}

fn target(metric: &Value) -> Option<ScalingMetricTarget> {
    let resource = &metric["resource"];
    Some(ScalingMetricTarget {
        metric_type: resource["name"].as_str()?.to_uppercase(),
        metric_target_average_utilization: whole(resource["target"]["averageUtilization"].as_i64()?),
    })
}

fn direction(native: &Value) -> ScalingDirection {
    let policies = native["policies"].as_array().into_iter().flatten();
    let number = |value: &Value| whole(value.as_i64().unwrap_or_default());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    ScalingDirection {
        policies: policies
            .map(|policy| ScalingPolicy {
                period_seconds: number(&policy["periodSeconds"]),
                r#type: text(&policy["type"]),
                value: policy["value"].to_string(),
            })
            .collect(),
        select_policy: match text(&native["selectPolicy"]).as_str() {
            // EDAS's word.
            "Disabled" => "Disable".to_owned(),
            word => word.to_owned(),
        },
        stabilization_window_seconds: number(&native["stabilizationWindowSeconds"]),
    }
}
