//! Rules of scaling: `ScalingRuleTrigger`, the older `ScalingRuleTimer` and `ScalingRuleMetric`, and `ScalingBehaviour`.
//!
//! ```json
//! {"minReplicas":2,"maxReplicas":20,"triggers":[
//!   {"type":"cron","name":"day","metaData":"{\"timezone\":\"Asia/Shanghai\",\"start\":\"0 8 * * *\",\"end\":\"0 20 * * *\",\"desiredReplicas\":10}"},
//!   {"type":"app_metric","name":"cpu","metaData":"{\"metricType\":\"CPU\",\"targetAverageUtilization\":60}"}]}
//! ```
//!
//! EDAS does not publish what `metaData` holds. Taken are, for times, the form of KEDA (above), a single time (`cron` and `desiredReplicas`), and the form of
//! `ScalingRuleTimer`; for metrics the form above, and a metric of Kubernetes's own autoscaler as it is (`metric`).

use serde_json::{Map, Value, json};

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// EDAS's bound.
const MOST_REPLICAS: i64 = 1000;
const LONGEST_NAME: usize = 32;
const MOST_TRIGGERS: usize = 20;
const LONGEST_WINDOW_SECONDS: i64 = 3600;
const LONGEST_PERIOD_SECONDS: i64 = 1800;

/// What a trigger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerType {
    Cron,
    AppMetric,
}

impl TriggerType {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cron => "cron",
            Self::AppMetric => "app_metric",
        }
    }
}

/// One trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct TriggerParameter {
    pub name: String,
    /// What was given, as JSON text.
    pub given: String,
    pub meaning: TriggerMeaning,
}

/// What a trigger says.
#[derive(Clone, Debug, PartialEq)]
pub enum TriggerMeaning {
    Times(Times),
    /// Metrics of a HorizontalPodAutoscaler.
    Metrics(Vec<Value>),
}

/// Times, and the instances wanted from each on; `None` for the fewest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// A name such as `Asia/Shanghai`, or an offset such as `+08:00`.
    pub time_zone: Option<String>,
    /// Cron expressions of five fields.
    pub points: Vec<(String, Option<u32>)>,
    /// `yyyy-MM-dd`
    pub first_day: Option<String>,
    pub last_day: Option<String>,
}

/// Triggers and the bounds that they keep to.
#[derive(Clone, Debug, PartialEq)]
pub struct Triggers {
    /// Absent where only times are given: their targets are the bounds.
    pub bounds: Option<(u32, u32)>,
    pub triggers: Vec<TriggerParameter>,
}

/// `ScalingRuleName`: unique within the application.
pub fn name(parameters: &Parameters) -> Result<&str, GatewayError> {
    const NAME: &str = "ScalingRuleName";
    let name = parameters.required(NAME, "a name for the rule")?;
    let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
    if begins && name.len() <= LONGEST_NAME && super::names::is_label(name) {
        return Ok(name);
    }
    let problem = "It begins with a lower-case letter, has lower-case letters, digits and hyphens, does not end with a hyphen, and is at most 32 characters long.";
    Err(GatewayError::invalid_parameter(NAME, problem))
}

/// `ScalingRuleType`, as it is shown again: `trigger`, `timing`, `metric` or `mix`.
pub fn rule_type(parameters: &Parameters) -> Result<Option<&'static str>, GatewayError> {
    const NAME: &str = "ScalingRuleType";
    let Some(word) = parameters.optional(NAME)? else {
        return Ok(None);
    };
    let found = ["trigger", "timing", "metric", "mix"].into_iter().find(|known| known.eq_ignore_ascii_case(word));
    let problem = "Give trigger, or one of the older timing, metric and mix.";
    found.map(Some).ok_or_else(|| GatewayError::invalid_parameter(NAME, problem))
}

/// All triggers of a request, by whatever parameters; `None` if there is none of them.
pub fn triggers(parameters: &Parameters) -> Result<Option<Triggers>, GatewayError> {
    let mut all: Option<Triggers> = None;
    let mut add = |more: Triggers| {
        let all = all.get_or_insert(Triggers { bounds: None, triggers: Vec::new() });
        all.bounds = all.bounds.or(more.bounds);
        all.triggers.extend(more.triggers);
    };
    // The published example of the two older parameters is the number 1: it says nothing.
    let structure =
        |name: &str| Ok::<_, GatewayError>(parameters.json(name)?.value().filter(|value| !value.is_number()));
    if let Some(value) = structure("ScalingRuleTrigger")? {
        add(trigger_list(&Node::root("ScalingRuleTrigger", &value))?);
    }
    if let Some(value) = structure("ScalingRuleMetric")? {
        add(metric_rule(&Node::root("ScalingRuleMetric", &value))?);
    }
    if let Some(value) = structure("ScalingRuleTimer")? {
        let times = timer(&Node::root("ScalingRuleTimer", &value))?;
        let meaning = TriggerMeaning::Times(times);
        let trigger = TriggerParameter { name: "timer".to_owned(), given: value.to_string(), meaning };
        add(Triggers { bounds: None, triggers: vec![trigger] });
    }
    Ok(all)
}

fn trigger_list(root: &Node<'_>) -> Result<Triggers, GatewayError> {
    root.object(&["maxReplicas", "minReplicas", "triggers"])?;
    let bounds = bounds(root)?.ok_or_else(|| root.error("\"minReplicas\" and \"maxReplicas\" are missing."))?;
    let items = root.member("triggers").ok_or_else(|| root.error("\"triggers\" is missing."))?.items()?;
    if items.is_empty() || items.len() > MOST_TRIGGERS {
        return Err(root.error(&format!("Give 1 to {MOST_TRIGGERS} triggers.")));
    }
    let triggers = items.iter().enumerate().map(|(at, item)| trigger(at, item)).collect::<Result<_, _>>()?;
    Ok(Triggers { bounds: Some(bounds), triggers })
}

fn trigger(at: usize, item: &Node<'_>) -> Result<TriggerParameter, GatewayError> {
    item.object(&["type", "name", "metaData", "metadata"])?;
    let kind = item.required_text("type")?;
    let meta = item.member("metaData").or_else(|| item.member("metadata"));
    let meta = meta.ok_or_else(|| item.error("\"metaData\" is missing."))?;
    // JSON in a text, or the JSON itself.
    let parsed = match meta.value {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| meta.error(&format!("Give JSON ({error}).")))?
        }
        value => value.clone(),
    };
    let name = item.member("name").map(|name| name.text()).transpose()?.filter(|name| !name.is_empty());
    let inner = Node::root("ScalingRuleTrigger", &parsed);
    let meaning = match kind {
        _ if kind.eq_ignore_ascii_case("cron") => TriggerMeaning::Times(times(&inner)?),
        _ if kind.eq_ignore_ascii_case("app_metric") => TriggerMeaning::Metrics(vec![metric(&inner)?]),
        _ => return Err(item.error("\"type\" is cron or app_metric.")),
    };
    let name = name.map_or_else(|| format!("{}-{at}", kind.to_ascii_lowercase()), str::to_owned);
    Ok(TriggerParameter { name, given: parsed.to_string(), meaning })
}

fn times(meta: &Node<'_>) -> Result<Times, GatewayError> {
    if meta.member("schedules").is_some() {
        return timer(meta);
    }
    meta.object(&["timezone", "timeZone", "start", "end", "cron", "desiredReplicas"])?;
    let time_zone = time_zone(meta)?;
    let wanted = meta.member("desiredReplicas").ok_or_else(|| meta.error("\"desiredReplicas\" is missing."))?;
    let wanted = Some(replicas(&wanted)?);
    let points = match (meta.member("start"), meta.member("end"), meta.member("cron")) {
        (Some(start), Some(end), None) => vec![(start.text()?.to_owned(), wanted), (end.text()?.to_owned(), None)],
        (None, None, Some(cron)) => vec![(cron.text()?.to_owned(), wanted)],
        _ => return Err(meta.error("Give \"start\" and \"end\", or \"cron\"; each a cron expression of five fields.")),
    };
    Ok(Times { time_zone, points, ..Times::default() })
}

/// `{"beginDate","endDate","period":"* * *","schedules":[{"atTime":"08:00","targetReplicas":10}]}`; the period is day of the month, month, day of the week.
fn timer(root: &Node<'_>) -> Result<Times, GatewayError> {
    root.object(&["beginDate", "endDate", "period", "schedules", "timezone", "timeZone"])?;
    let day = |name: &str| {
        let member = root.member(name).filter(|member| member.value != "");
        member.map(|member| member.text().map(str::to_owned)).transpose()
    };
    let period = root.member("period").map(|period| period.text()).transpose()?.unwrap_or("* * *");
    if period.split_whitespace().count() != 3 {
        return Err(root.error("\"period\" is day of the month, month and day of the week, such as \"* * *\"."));
    }
    let items = root.member("schedules").ok_or_else(|| root.error("\"schedules\" is missing."))?.items()?;
    if items.is_empty() || items.len() > MOST_TRIGGERS {
        return Err(root.error(&format!("Give 1 to {MOST_TRIGGERS} schedules.")));
    }
    let point = |item: &Node<'_>| {
        item.object(&["atTime", "targetReplicas"])?;
        let text = item.required_text("atTime")?;
        let wrong = || item.error("\"atTime\" is a time such as \"08:00\".");
        let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
        let (hour, minute): (u8, u8) = (hour.parse().map_err(|_| wrong())?, minute.parse().map_err(|_| wrong())?);
        if hour > 23 || minute > 59 {
            return Err(wrong());
        }
        let target = item.member("targetReplicas").ok_or_else(|| item.error("\"targetReplicas\" is missing."))?;
        Ok((format!("{minute} {hour} {period}"), Some(replicas(&target)?)))
    };
    Ok(Times {
        time_zone: time_zone(root)?,
        points: items.iter().map(point).collect::<Result<_, _>>()?,
        first_day: day("beginDate")?,
        last_day: day("endDate")?,
    })
}

fn time_zone(node: &Node<'_>) -> Result<Option<String>, GatewayError> {
    let member = node.member("timezone").or_else(|| node.member("timeZone"));
    let text = member.map(|member| member.text()).transpose()?;
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

fn replicas(node: &Node<'_>) -> Result<u32, GatewayError> {
    Ok(u32::try_from(node.integer(0, MOST_REPLICAS)?).unwrap_or_default())
}

fn bounds(root: &Node<'_>) -> Result<Option<(u32, u32)>, GatewayError> {
    let (Some(least), Some(most)) = (root.member("minReplicas"), root.member("maxReplicas")) else {
        return Ok(None);
    };
    let (least, most) = (replicas(&least)?, replicas(&most)?);
    match least <= most && most > 0 {
        true => Ok(Some((least, most))),
        false => Err(root.error("\"maxReplicas\" is at least 1 and not less than \"minReplicas\".")),
    }
}

/// `{"maxReplicas","minReplicas","metrics":[{"metricType":"CPU","metricTargetAverageUtilization":60}]}`
fn metric_rule(root: &Node<'_>) -> Result<Triggers, GatewayError> {
    root.object(&["maxReplicas", "minReplicas", "metrics"])?;
    let bounds = bounds(root)?.ok_or_else(|| root.error("\"minReplicas\" and \"maxReplicas\" are missing."))?;
    let items = root.member("metrics").ok_or_else(|| root.error("\"metrics\" is missing."))?.items()?;
    if items.is_empty() || items.len() > MOST_TRIGGERS {
        return Err(root.error(&format!("Give 1 to {MOST_TRIGGERS} metrics.")));
    }
    let trigger = |item: &Node<'_>| {
        let meaning = TriggerMeaning::Metrics(vec![metric(item)?]);
        let name = item.required_text("metricType")?.to_ascii_lowercase();
        Ok(TriggerParameter { name, given: item.value.to_string(), meaning })
    };
    Ok(Triggers { bounds: Some(bounds), triggers: items.iter().map(trigger).collect::<Result<_, GatewayError>>()? })
}

/// A metric as Kubernetes's autoscaler has it.
fn metric(meta: &Node<'_>) -> Result<Value, GatewayError> {
    if let Some(native) = meta.member("metric") {
        meta.object(&["metric"])?;
        native.any_object()?;
        native.required_text("type")?;
        return Ok(native.value.clone());
    }
    meta.object(&["metricType", "metricTargetAverageUtilization", "targetAverageUtilization"])?;
    let word = meta.required_text("metricType")?;
    let resource = match word {
        _ if word.eq_ignore_ascii_case("CPU") => "cpu",
        _ if word.eq_ignore_ascii_case("MEMORY") => "memory",
        _ => {
            return Err(meta.error(
                "\"metricType\" is CPU or MEMORY. Give any other metric as \"metric\", in the form of Kubernetes's autoscaling/v2, and a metrics adapter on the cluster.",
            ));
        }
    };
    let target = meta.member("metricTargetAverageUtilization").or_else(|| meta.member("targetAverageUtilization"));
    let target =
        target.ok_or_else(|| meta.error("\"metricTargetAverageUtilization\" is missing."))?.integer(1, 1000)?;
    let target = json!({"type": "Utilization", "averageUtilization": target});
    Ok(json!({"type": "Resource", "resource": {"name": resource, "target": target}}))
}

/// `ScalingBehaviour` in the form of Kubernetes's autoscaler.
pub fn behaviour(parameters: &Parameters) -> Result<Given<Value>, GatewayError> {
    const NAME: &str = "ScalingBehaviour";
    parameters.json(NAME)?.try_map(|value| {
        let root = Node::root(NAME, &value);
        root.object(&["scaleUp", "scaleDown"])?;
        let mut behaviour = Map::new();
        for side in ["scaleUp", "scaleDown"] {
            if let Some(given) = root.member(side) {
                behaviour.insert(side.to_owned(), direction(&given)?);
            }
        }
        Ok(Value::Object(behaviour))
    })
}

fn direction(node: &Node<'_>) -> Result<Value, GatewayError> {
    node.object(&["stabilizationWindowSeconds", "selectPolicy", "policies"])?;
    let mut direction = Map::new();
    if let Some(window) = node.member("stabilizationWindowSeconds") {
        let seconds = window.integer(0, LONGEST_WINDOW_SECONDS)?;
        direction.insert("stabilizationWindowSeconds".to_owned(), json!(seconds));
    }
    if let Some(select) = node.member("selectPolicy") {
        let word = select.text()?;
        let known = [("Max", "Max"), ("Min", "Min"), ("Disable", "Disabled"), ("Disabled", "Disabled")];
        let found = known.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
        let (_, native) = found.ok_or_else(|| select.error("Give Max, Min or Disable."))?;
        direction.insert("selectPolicy".to_owned(), json!(native));
    }
    let policies = node.member("policies").map(|policies| policies.items()).transpose()?.unwrap_or_default();
    if !policies.is_empty() {
        let policies: Vec<Value> = policies.iter().map(policy).collect::<Result<_, _>>()?;
        direction.insert("policies".to_owned(), json!(policies));
    }
    Ok(Value::Object(direction))
}

fn policy(node: &Node<'_>) -> Result<Value, GatewayError> {
    node.object(&["type", "value", "periodSeconds"])?;
    let word = node.required_text("type")?;
    let kind = ["Pods", "Percent"].into_iter().find(|known| known.eq_ignore_ascii_case(word));
    let kind = kind.ok_or_else(|| node.error("\"type\" is Pods or Percent."))?;
    let number = |name: &str, most: i64| {
        let member = node.member(name).ok_or_else(|| node.error(&format!("\"{name}\" is missing.")))?;
        member.integer(1, most)
    };
    let value = number("value", i64::from(i32::MAX))?;
    Ok(json!({"type": kind, "value": value, "periodSeconds": number("periodSeconds", LONGEST_PERIOD_SECONDS)?}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Parameters {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Parameters::from_pairs(pairs).unwrap()
    }

    fn points(times: &Times) -> Vec<(&str, Option<u32>)> {
        times.points.iter().map(|(cron, replicas)| (cron.as_str(), *replicas)).collect()
    }

    #[test]
    fn triggers_come_in_their_forms() {
        let text = json!({"minReplicas": 2, "maxReplicas": "20", "triggers": [
            {"type": "cron", "name": "day", "metaData": r#"{"timezone":"Asia/Shanghai","start":"0 8 * * *","end":"0 20 * * *","desiredReplicas":"10"}"#},
            {"type": "cron", "metaData": {"cron": "0 0 * * SUN", "desiredReplicas": 1}},
            {"type": "app_metric", "name": "cpu", "metaData": r#"{"metricType":"CPU","targetAverageUtilization":60}"#},
            {"type": "app_metric", "metaData": {"metric": {"type": "Pods", "pods": {"metric": {"name": "qps"}}}}},
        ]});
        let read =
            triggers(&parse(&[("ScalingRuleTrigger", &text.to_string()), ("ScalingRuleTimer", "1")])).unwrap().unwrap();
        assert_eq!(read.bounds, Some((2, 20)));
        let names: Vec<_> = read.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
        assert_eq!(names, ["day", "cron-1", "cpu", "app_metric-3"]);
        let TriggerMeaning::Times(day) = &read.triggers[0].meaning else { panic!() };
        assert_eq!(day.time_zone.as_deref(), Some("Asia/Shanghai"));
        assert_eq!(points(day), [("0 8 * * *", Some(10)), ("0 20 * * *", None)]);
        let TriggerMeaning::Metrics(cpu) = &read.triggers[2].meaning else { panic!() };
        assert_eq!(
            cpu[0],
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}})
        );
        assert_eq!(triggers(&Parameters::default()).unwrap(), None);
    }

    #[test]
    fn the_older_parameters_are_triggers_too() {
        let timer = r#"{"beginDate":null,"endDate":"2026-12-31","period":"* * Mon,Tue","schedules":[{"atTime":"08:05","targetReplicas":10},{"atTime":"20:00","targetReplicas":3}]}"#;
        let metric = r#"{"maxReplicas":3,"minReplicas":1,"metrics":[{"metricType":"MEMORY","metricTargetAverageUtilization":20}]}"#;
        let read = triggers(&parse(&[("ScalingRuleTimer", timer), ("ScalingRuleMetric", metric)])).unwrap().unwrap();
        assert_eq!(read.bounds, Some((1, 3)));
        let TriggerMeaning::Times(times) = &read.triggers[1].meaning else { panic!() };
        assert_eq!(points(times), [("5 8 * * Mon,Tue", Some(10)), ("0 20 * * Mon,Tue", Some(3))]);
        assert_eq!((times.first_day.as_deref(), times.last_day.as_deref()), (None, Some("2026-12-31")));
        let only = triggers(&parse(&[("ScalingRuleTimer", timer)])).unwrap().unwrap();
        assert_eq!(only.bounds, None);
    }

    #[test]
    fn triggers_that_cannot_be() {
        let trigger = |inner: &str| format!(r#"{{"minReplicas":1,"maxReplicas":3,"triggers":[{inner}]}}"#);
        for text in [
            r#"{"triggers":[]}"#.to_owned(),
            r#"{"minReplicas":4,"maxReplicas":3,"triggers":[{"type":"cron"}]}"#.to_owned(),
            r#"{"minReplicas":1,"maxReplicas":1001,"triggers":[]}"#.to_owned(),
            trigger(""),
            trigger(r#"{"type":"http","metaData":"{}"}"#),
            trigger(r#"{"type":"cron"}"#),
            trigger(r#"{"type":"cron","metaData":"{"}"#),
            trigger(r#"{"type":"cron","metaData":{"start":"0 8 * * *","desiredReplicas":1}}"#),
            trigger(r#"{"type":"cron","metaData":{"cron":"0 8 * * *"}}"#),
            trigger(r#"{"type":"cron","metaData":{"schedules":[{"atTime":"24:00","targetReplicas":1}]}}"#),
            trigger(r#"{"type":"app_metric","metaData":{"metricType":"QPS","targetAverageUtilization":1}}"#),
            trigger(r#"{"type":"app_metric","metaData":{"metricType":"CPU"}}"#),
        ] {
            let error = triggers(&parse(&[("ScalingRuleTrigger", &text)])).unwrap_err();
            assert_eq!(error.code, "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn the_documented_behaviour_is_kubernetes_own() {
        let text = r#"{"scaleUp":{"stabilizationWindowSeconds":"0","selectPolicy":"Max","policies":[{"type":"Pods","value":5,"periodSeconds":15}]},
            "scaleDown":{"stabilizationWindowSeconds":"300","selectPolicy":"Disable","policies":[{"type":"Percent","value":"200","periodSeconds":15}]}}"#;
        let read = behaviour(&parse(&[("ScalingBehaviour", text)])).unwrap().value().unwrap();
        assert_eq!(
            read,
            json!({
                "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [{"type": "Pods", "value": 5, "periodSeconds": 15}]},
                "scaleDown": {"stabilizationWindowSeconds": 300, "selectPolicy": "Disabled", "policies": [{"type": "Percent", "value": 200, "periodSeconds": 15}]},
            })
        );
        for text in [
            r#"{"scaleUp":{"selectPolicy":"Most"}}"#,
            r#"{"scaleUp":{"stabilizationWindowSeconds":3601}}"#,
            r#"{"scaleUp":{"policies":[{"type":"Pods","value":0,"periodSeconds":15}]}}"#,
            r#"{"sideways":{}}"#,
        ] {
            assert_eq!(
                behaviour(&parse(&[("ScalingBehaviour", text)])).unwrap_err().code,
                "InvalidParameter",
                "{text}"
            );
        }
    }

    #[test]
    fn names_are_short_labels() {
        assert_eq!(name(&parse(&[("ScalingRuleName", "cpu-trigger")])).unwrap(), "cpu-trigger");
        for text in ["1a", "A", "a_b", "a-", &"a".repeat(33)] {
            assert_eq!(name(&parse(&[("ScalingRuleName", text)])).unwrap_err().code, "InvalidParameter", "{text}");
        }
        assert_eq!(rule_type(&parse(&[("ScalingRuleType", "Trigger")])).unwrap(), Some("trigger"));
        rule_type(&parse(&[("ScalingRuleType", "other")])).unwrap_err();
    }
}
