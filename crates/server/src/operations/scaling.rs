//! Create-, Update-, Delete-, Enable-, DisableApplicationScalingRule and DescribeApplicationScalingRules.

mod read;
mod shown;

use std::sync::Arc;

use sternway_core::ids::ClusterId;
use sternway_core::scaling::Rule;
use sternway_engine::RuleError;
use sternway_wire::error::BusinessError;
use sternway_wire::model::{DescribeApplicationScalingRules, Nothing, ScalingRuleAnswer, ScalingRulePage};
use sternway_wire::parameters::scaling;

use self::read::Change;
use crate::call::Call;
use crate::failure::{Failure, of_cluster, sentence};
use crate::operations::whole;

/// CreateApplicationScalingRule: enabled, unless the request says otherwise.
pub(crate) async fn create(call: Arc<Call>) -> Result<ScalingRuleAnswer, Failure> {
    let app = call.app().await?;
    let name = scaling::name(&call.parameters)?;
    let rule = Change::read(&call)?.new_rule(&call, app.id, name)?;
    let made = call.engine().create_rule(rule).await;
    answer(made, app.workload.cluster)
}

/// UpdateApplicationScalingRule: what is absent stays. New times count from now on.
pub(crate) async fn update(call: Arc<Call>) -> Result<ScalingRuleAnswer, Failure> {
    let app = call.app().await?;
    let name = scaling::name(&call.parameters)?;
    let change = Change::read(&call)?;
    let now = call.now();
    let changed = call.engine().change_rule(app.id, name, |rule| change.apply(rule, now)).await;
    answer(changed, app.workload.cluster)
}

/// DeleteApplicationScalingRule: one that is gone is deleted.
pub(crate) async fn delete(call: Arc<Call>) -> Result<Nothing, Failure> {
    let app = call.app().await?;
    let name = scaling::name(&call.parameters)?;
    let deleted = call.engine().delete_rule(app.id, name).await;
    deleted.map_err(|error| failure(error, app.workload.cluster))?;
    Ok(Nothing {})
}

/// EnableApplicationScalingRule: times that passed while it was disabled are not caught up with.
pub(crate) async fn enable(call: Arc<Call>) -> Result<ScalingRuleAnswer, Failure> {
    set_enabled(&call, true).await
}

/// DisableApplicationScalingRule: the application stays as large as it is.
pub(crate) async fn disable(call: Arc<Call>) -> Result<ScalingRuleAnswer, Failure> {
    set_enabled(&call, false).await
}

/// DescribeApplicationScalingRules
pub(crate) async fn describe(call: Arc<Call>) -> Result<DescribeApplicationScalingRules, Failure> {
    let app = call.app().await?;
    let rules = call.engine().rules(app.id).await?;
    let count = whole(rules.len());
    Ok(DescribeApplicationScalingRules {
        app_scaling_rules: ScalingRulePage {
            current_page: 1,
            page_size: count,
            total_size: count,
            result: rules.iter().map(shown::rule).collect(),
        },
    })
}

async fn set_enabled(call: &Call, enabled: bool) -> Result<ScalingRuleAnswer, Failure> {
    let app = call.app().await?;
    let name = scaling::name(&call.parameters)?;
    let now = call.now();
    let changed = call.engine().change_rule(app.id, name, |rule| read::set_enabled(rule, enabled, now)).await;
    answer(changed, app.workload.cluster)
}

fn answer(outcome: Result<Rule, RuleError>, cluster: ClusterId) -> Result<ScalingRuleAnswer, Failure> {
    match outcome {
        Ok(rule) => Ok(ScalingRuleAnswer { app_scaling_rule: shown::rule(&rule) }),
        Err(error) => Err(failure(error, cluster)),
    }
}

fn failure(error: RuleError, cluster: ClusterId) -> Failure {
    let message = sentence(&error);
    let (code, error_code) = match error {
        RuleError::NoRule(_) => (404, "ScalingRule.NotFound"),
        RuleError::Exists(_) | RuleError::NameTaken(_) => (400, "ScalingRule.AlreadyExists"),
        RuleError::OneAutoscaler(_) | RuleError::ForeignAutoscaler(_) => (400, "ScalingRule.Conflict"),
        RuleError::Command(error) => return error.into(),
        RuleError::Cluster(error) => return of_cluster(cluster, &error),
        RuleError::Store(error) => return error.into(),
    };
    BusinessError::new(code, error_code, message).into()
}
