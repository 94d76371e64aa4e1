//! From parameters to rules.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;
use sternway_core::ids::AppId;
use sternway_core::scaling::schedule::{Point, Schedule};
use sternway_core::scaling::{Bounds, Meaning, Rule, Trigger};
use sternway_engine::time_zone;
use sternway_wire::error::GatewayError;
use sternway_wire::parameters::scaling::{self, Times, TriggerMeaning, TriggerParameter};

use crate::call::Call;
use crate::failure::Failure;

/// What a request says of a rule; what is `None` it does not say.
pub(super) struct Change {
    kind: Option<&'static str>,
    enabled: Option<bool>,
    triggers: Option<(Bounds, Vec<Trigger>)>,
    behaviour: Option<Value>,
}

impl Change {
    pub(super) fn read(call: &Call) -> Result<Self, GatewayError> {
        let parameters = &call.parameters;
        // EDAS's clocks without a zone show the same offset as its texts.
        let default_zone = call.shared.config.utc_offset.to_string();
        let triggers = match scaling::triggers(parameters)? {
            None => None,
            Some(given) => {
                let triggers = given.triggers.into_iter().map(|trigger| read_trigger(trigger, &default_zone));
                let triggers: Vec<Trigger> = triggers.collect::<Result<_, _>>()?;
                let bounds = match given.bounds {
                    Some((least, most)) => Bounds { least, most },
                    None => bounds_of(&triggers),
                };
                Some((bounds, triggers))
            }
        };
        Ok(Self {
            kind: scaling::rule_type(parameters)?,
            enabled: parameters.boolean("ScalingRuleEnable")?,
            triggers,
            behaviour: scaling::behaviour(parameters)?.change().map(Option::unwrap_or_default),
        })
    }

    pub(super) fn new_rule(self, call: &Call, app: AppId, name: &str) -> Result<Rule, Failure> {
        let missing = || GatewayError::missing_parameter("ScalingRuleTrigger", "the bounds and triggers of the rule");
        let (bounds, triggers) = self.triggers.ok_or_else(missing)?;
        let now = call.now();
        let enabled = self.enabled.unwrap_or(true);
        Ok(Rule {
            app,
            name: name.to_owned(),
            kind: self.kind.unwrap_or("trigger").to_owned(),
            enabled,
            bounds,
            triggers,
            behaviour: self.behaviour.unwrap_or_default(),
            user: call.caller.user.clone(),
            created_at: now,
            updated_at: now,
            disabled_at: (!enabled).then_some(now),
            applied: false,
            on_cluster: false,
            looked_until: now,
            floor: None,
            last: None,
        })
    }

    pub(super) fn apply(&self, rule: &mut Rule, now: Timestamp) {
        rule.updated_at = now;
        if let Some(kind) = self.kind {
            kind.clone_into(&mut rule.kind);
        }
        if let Some((bounds, triggers)) = &self.triggers {
            rule.bounds = *bounds;
            rule.triggers.clone_from(triggers);
            rule.start_anew(now);
        }
        if let Some(behaviour) = &self.behaviour {
            rule.behaviour.clone_from(behaviour);
        }
        if let Some(enabled) = self.enabled {
            set_enabled(rule, enabled, now);
        }
    }
}

/// A rule that is so already stays as it is.
pub(super) fn set_enabled(rule: &mut Rule, enabled: bool, now: Timestamp) {
    match (rule.enabled, enabled) {
        (false, true) => rule.start_anew(now),
        (true, false) => rule.disabled_at = Some(now),
        _ => return,
    }
    rule.enabled = enabled;
    rule.updated_at = now;
}

/// Where no bounds are given there are only times: their own targets.
fn bounds_of(triggers: &[Trigger]) -> Bounds {
    let targets = || {
        triggers.iter().flat_map(|trigger| match &trigger.meaning {
            Meaning::Times(schedule) => schedule.targets(),
            Meaning::Metrics(_) => Vec::new(),
        })
    };
    Bounds { least: targets().min().unwrap_or(0), most: targets().max().unwrap_or(0) }
}

fn read_trigger(given: TriggerParameter, default_zone: &str) -> Result<Trigger, GatewayError> {
    let meaning = match given.meaning {
        TriggerMeaning::Times(times) => Meaning::Times(schedule(times, default_zone)?),
        TriggerMeaning::Metrics(metrics) => Meaning::Metrics(metrics),
    };
    Ok(Trigger { name: given.name, given: given.given, meaning })
}

fn schedule(times: Times, default_zone: &str) -> Result<Schedule, GatewayError> {
    let wrong = |problem: &str| GatewayError::invalid_parameter("ScalingRuleTrigger", problem);
    let zone = times.time_zone.unwrap_or_else(|| default_zone.to_owned());
    if time_zone(&zone).is_none() {
        let problem =
            format!("\"{zone}\" is no time zone here. Give a name such as Asia/Shanghai, or an offset such as +08:00.");
        return Err(wrong(&problem));
    }
    let day = |text: Option<String>| -> Result<Option<Date>, GatewayError> {
        let Some(text) = text else { return Ok(None) };
        let parsed = text.parse().map_err(|_| wrong("\"beginDate\" and \"endDate\" are days such as 2026-12-31."))?;
        Ok(Some(parsed))
    };
    let points = times.points.into_iter().map(|(cron, replicas)| Point { cron, replicas }).collect();
    Schedule::new(zone, points, day(times.first_day)?, day(times.last_day)?)
        .map_err(|error| wrong(&format!("Give times that come: {error}.")))
}
