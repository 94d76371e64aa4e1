//! Rules by which an application is scaled without anybody asking.

use serde::{Deserialize, Serialize};

/// The payload of creating, changing, enabling and disabling a rule: the rule as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingRuleAnswer {
    pub app_scaling_rule: ScalingRule,
}

/// All rules of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DescribeApplicationScalingRules {
    pub app_scaling_rules: ScalingRulePage,
}

/// A page of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingRulePage {
    pub current_page: i32,
    pub page_size: i32,
    pub result: Vec<ScalingRule>,
    pub total_size: i32,
}

/// A rule. Times are epoch milliseconds, 0 for never.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingRule {
    pub app_id: String,
    pub behaviour: ScalingBehaviour,
    pub create_time: i64,
    pub last_disable_time: i64,
    pub max_replicas: i32,
    pub metric: ScalingMetric,
    pub min_replicas: i32,
    pub scale_rule_enabled: bool,
    pub scale_rule_name: String,
    pub scale_rule_type: String,
    pub trigger: ScalingTrigger,
    pub update_time: i64,
}

/// How fast the number of instances may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingBehaviour {
    pub scale_down: ScalingDirection,
    pub scale_up: ScalingDirection,
}

/// How fast it may change in one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingDirection {
    pub policies: Vec<ScalingPolicy>,
    pub select_policy: String,
    pub stabilization_window_seconds: i32,
}

/// A bound of the change within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingPolicy {
    pub period_seconds: i32,
    /// `Pods` or `Percent`
    pub r#type: String,
    pub value: String,
}

/// The older form of triggers by metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingMetric {
    pub max_replicas: i32,
    pub metrics: Vec<ScalingMetricTarget>,
    pub min_replicas: i32,
}

/// What a metric is kept at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingMetricTarget {
    pub metric_target_average_utilization: i32,
    pub metric_type: String,
}

/// The triggers, and the bounds that they keep to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ScalingTrigger {
    pub max_replicas: i32,
    pub min_replicas: i32,
    pub triggers: Vec<Trigger>,
}

/// A trigger; what it says is JSON in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Trigger {
    pub meta_data: String,
    pub name: String,
    /// `cron` or `app_metric`
    pub r#type: String,
}
