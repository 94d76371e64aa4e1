//! Requests of a route that is there, divided between the old and the new pods of a release.
//!
//! A rule that leads to the Service of all pods is made narrower in front of itself, once for each rule of the strategy, and leads to the new pods there;
//! itself, it leads to the old ones. Whatever else the route's rule says (filters, timeouts, other backends) stays as it was, and rules that lead elsewhere
//! are not looked at:
//!
//! ```text
//!   /api ─► web            /api, user=gray ─► web-new
//!                   ──►    /api ─► web-old
//!   /    ─► shop           /    ─► shop
//! ```
//!
//! The way back is rule by rule: what we put in front goes, what stood there before stands there again, and what someone else changed meanwhile stays theirs,
//! with the Service of all pods in the place of our two.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{EVERYTHING, MOST_MATCHES, MOST_MATCHES_OF_ALL, MOST_RULES, Path, Rule, Unroutable, alternatives};

const MOST_BACKENDS: usize = 16;
const HEAVIEST: u64 = 1_000_000;

/// Who gets which requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The Service of all pods: its requests are divided.
    pub service: String,
    /// The Service of the old pods, on the same ports.
    pub old: String,
    /// The Service of the new pods, on the same ports.
    pub new: String,
    /// Which requests go to the new pods, each for itself; the others go to the old ones.
    pub rules: Vec<Rule>,
}

impl Rule {
    /// Whether it looks at nothing: a share of all requests.
    pub fn is_for_all(&self) -> bool {
        self.conditions.is_empty() && self.path == Path::Below("/".to_owned())
    }
}

/// A rule of a divided route, and the rule of the route in whose place it stands; `None` if it was put in front of that.
struct Part {
    rule: Value,
    stands_for: Option<usize>,
}

/// The rules of a route with its requests divided; the same rules if none of them leads to the Service.
///
/// # Errors
/// What the Gateway API has no form for.
pub fn steered(rules: &[Value], split: &Split) -> Result<Vec<Value>, Unroutable> {
    let parts: Vec<Value> = parts(rules, split)?.into_iter().map(|part| part.rule).collect();
    if parts.len() > MOST_RULES && parts.len() > rules.len() {
        return Err(Unroutable::Rules(parts.len()));
    }
    let counts = parts.iter().map(|rule| rule["matches"].as_array().map_or(1, Vec::len));
    let all = counts.clone().sum();
    match counts.max() {
        Some(most) if most > MOST_MATCHES => Err(Unroutable::Matches(most)),
        _ if all > MOST_MATCHES_OF_ALL => Err(Unroutable::MatchesOfAll(all)),
        _ => Ok(parts),
    }
}

/// The rules of a route with its requests not divided any more. `before` are those that were divided, as far as they are known.
pub fn unsteered(rules: &[Value], before: Option<&[Value]>, split: &Split) -> Vec<Value> {
    let before = before.unwrap_or_default();
    let parts = parts(before, split).unwrap_or_default();
    let whole = |rule: &Value| -> Option<Value> {
        if !backends(rule).iter().any(|backend| is_service(backend, &split.old) || is_service(backend, &split.new)) {
            return Some(rule.clone());
        }
        if let Some(part) = parts.iter().find(|part| part.rule == *rule) {
            return part.stands_for.and_then(|index| before.get(index)).cloned();
        }
        let in_front = |part: &Part| part.stands_for.is_none() && part.rule["matches"] == rule["matches"];
        if parts.iter().any(in_front) { None } else { Some(joined(rule, split)) }
    };
    let found: Vec<Value> = rules.iter().filter_map(whole).collect();
    // A route without rules would lead nowhere.
    if found.is_empty() { rules.iter().map(|rule| joined(rule, split)).collect() } else { found }
}

fn parts(rules: &[Value], split: &Split) -> Result<Vec<Part>, Unroutable> {
    let share_of_all = split.rules.iter().filter(|rule| rule.is_for_all()).map(|rule| rule.percent).max().unwrap_or(0);
    let mut parts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let leads = backends(rule).iter().any(|backend| is_service(backend, &split.service));
        for narrower in split.rules.iter().filter(|rule| leads && !rule.is_for_all()) {
            let matches = narrowed(rule, narrower)?;
            if matches.is_empty() {
                continue;
            }
            let mut front = divided(rule, split, narrower.percent)?;
            front["matches"] = Value::Array(matches);
            if let Some(fields) = front.as_object_mut() {
                // Names are unique within a route.
                fields.shift_remove("name");
            }
            parts.push(Part { rule: front, stands_for: None });
        }
        let own = if leads { divided(rule, split, share_of_all)? } else { rule.clone() };
        parts.push(Part { rule: own, stands_for: Some(index) });
    }
    Ok(parts)
}

fn backends(rule: &Value) -> &[Value] {
    rule["backendRefs"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether a backend is a Service of this name in the route's own namespace.
fn is_service(backend: &Value, name: &str) -> bool {
    let is = |field: &str, expected: &str| backend[field].as_str().is_none_or(|text| text == expected);
    backend["name"] == name && is("kind", "Service") && is("group", "") && backend["namespace"].is_null()
}

fn weight(backend: &Value) -> u64 {
    backend["weight"].as_u64().unwrap_or(1)
}

/// The rule with `share` percent of what goes to the Service of all pods going to the new ones, and the rest to the old ones.
fn divided(rule: &Value, split: &Split, share: u8) -> Result<Value, Unroutable> {
    let named = |backend: &Value, name: &str| {
        let mut backend = backend.clone();
        backend["name"] = json!(name);
        backend
    };
    let weighed = |backend: &Value, name: &str, part: u8| {
        let mut backend = named(backend, name);
        backend["weight"] = json!(weight(&backend) * u64::from(part));
        backend
    };
    let mut divided = Vec::new();
    for backend in backends(rule) {
        let is_ours = is_service(backend, &split.service);
        let name = backend["name"].as_str().unwrap_or_default();
        match share {
            0 if is_ours => divided.push(named(backend, &split.old)),
            EVERYTHING.. if is_ours => divided.push(named(backend, &split.new)),
            0 | EVERYTHING.. => divided.push(backend.clone()),
            _ if is_ours => {
                divided.push(weighed(backend, &split.new, share));
                divided.push(weighed(backend, &split.old, EVERYTHING - share));
            }
            _ => divided.push(weighed(backend, name, EVERYTHING)),
        }
    }
    if divided.len() > MOST_BACKENDS || divided.iter().any(|backend| weight(backend) > HEAVIEST) {
        return Err(Unroutable::Backends);
    }
    let mut rule = rule.clone();
    rule["backendRefs"] = Value::Array(divided);
    Ok(rule)
}

/// The rule with the Service of all pods in the place of our two.
fn joined(rule: &Value, split: &Split) -> Value {
    let mut joined: Vec<Value> = Vec::new();
    for backend in backends(rule) {
        let is_ours = is_service(backend, &split.old) || is_service(backend, &split.new);
        let mut whole = backend.clone();
        if is_ours {
            whole["name"] = json!(split.service);
        }
        let same = joined
            .iter_mut()
            .find(|other| is_ours && is_service(other, &split.service) && other["port"] == whole["port"]);
        match same {
            Some(other) => other["weight"] = json!((weight(other) + weight(&whole)).min(HEAVIEST)),
            None => joined.push(whole),
        }
    }
    let mut rule = rule.clone();
    rule["backendRefs"] = Value::Array(joined);
    rule
}

/// The matches of a route's rule, made narrower by a rule of the strategy; none if nothing can match both.
fn narrowed(rule: &Value, narrower: &Rule) -> Result<Vec<Value>, Unroutable> {
    let everything = [json!({})];
    let present = match rule["matches"].as_array() {
        Some(matches) if !matches.is_empty() => matches.as_slice(),
        Some(_) | None => &everything,
    };
    let wanted = alternatives(narrower)?;
    let mut matches = Vec::new();
    for one in present {
        let Some(path) = common_path(&one["path"], &narrower.path)? else {
            continue;
        };
        for fields in &wanted {
            let mut both = one.as_object().cloned().unwrap_or_default();
            both.insert("path".to_owned(), path.clone());
            add(&mut both, fields)?;
            matches.push(Value::Object(both));
        }
    }
    Ok(matches)
}

/// Adds what a strategy's rule demands to a match.
fn add(both: &mut Map<String, Value>, fields: &Map<String, Value>) -> Result<(), Unroutable> {
    for (field, items) in fields {
        let present = both.entry(field.clone()).or_insert_with(|| json!([]));
        let (Some(present), Some(items)) = (present.as_array_mut(), items.as_array()) else {
            continue;
        };
        for item in items {
            let name = |item: &Value| match field.as_str() {
                "headers" => item["name"].as_str().unwrap_or_default().to_ascii_lowercase(),
                _ => item["name"].as_str().unwrap_or_default().to_owned(),
            };
            if present.iter().any(|other| name(other) == name(item)) {
                let what = if field == "headers" { "the header" } else { "the parameter" };
                return Err(Unroutable::TakenByRoute(format!("{what} {}", name(item))));
            }
            present.push(item.clone());
        }
    }
    Ok(())
}

/// The paths that both mean; `None` if there are none.
fn common_path(theirs: &Value, ours: &Path) -> Result<Option<Value>, Unroutable> {
    let kind = theirs["type"].as_str().unwrap_or("PathPrefix");
    let value = theirs["value"].as_str().unwrap_or("/");
    let same = json!({"type": kind, "value": value});
    Ok(match (kind, ours) {
        (_, Path::Below(all)) if all == "/" => Some(same),
        ("Exact", Path::Exact(path)) => (value == path).then_some(same),
        ("Exact", Path::Below(path)) => is_below(value, path).then_some(same),
        ("PathPrefix", Path::Exact(path)) => is_below(path, value).then(|| json!({"type": "Exact", "value": path})),
        ("PathPrefix", Path::Below(path)) if is_below(path, value) => {
            Some(json!({"type": "PathPrefix", "value": path}))
        }
        ("PathPrefix", Path::Below(path)) => is_below(value, path).then_some(same),
        _ => return Err(Unroutable::Pattern(value.to_owned())),
    })
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{Condition, Place};

    fn split(rules: Vec<Rule>) -> Split {
        Split { service: "web".to_owned(), old: "web-old".to_owned(), new: "web-new".to_owned(), rules }
    }

    fn user_gray(path: Path, percent: u8) -> Rule {
        let condition = Condition { place: Place::Header, name: "user".to_owned(), values: vec!["gray".to_owned()] };
        Rule { path, any: false, conditions: vec![condition], percent }
    }

    fn share(percent: u8) -> Rule {
        Rule { path: Path::Below("/".to_owned()), any: false, conditions: vec![], percent }
    }

    fn below(path: &str) -> Path {
        Path::Below(path.to_owned())
    }

    fn prefix(path: &str) -> Value {
        json!({"type": "PathPrefix", "value": path})
    }

    fn to(name: &str, weight: u64) -> Value {
        json!({"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight})
    }

    fn route() -> Vec<Value> {
        vec![
            json!({"name": "api", "matches": [{"path": prefix("/api")}], "backendRefs": [to("web", 1)], "timeouts": {"request": "5s"}}),
            json!({"matches": [{"path": prefix("/")}], "backendRefs": [to("shop", 1)]}),
        ]
    }

    fn gray_header() -> Value {
        json!([{"type": "Exact", "name": "user", "value": "gray"}])
    }

    #[test]
    fn what_matches_goes_to_the_new_pods_and_the_rest_to_the_old() {
        let steered = steered(&route(), &split(vec![user_gray(below("/"), 100)])).unwrap();
        let front = json!({
            "matches": [{"path": prefix("/api"), "headers": gray_header()}],
            "backendRefs": [to("web-new", 1)],
            "timeouts": {"request": "5s"},
        });
        let mut own = route()[0].clone();
        own["backendRefs"] = json!([to("web-old", 1)]);
        assert_eq!(steered, [front, own, route()[1].clone()]);
    }

    #[test]
    fn a_share_is_a_share_of_each_backend() {
        let mut rules = route();
        rules[0]["backendRefs"] = json!([to("web", 3), to("legacy", 1)]);
        let steered = steered(&rules, &split(vec![share(10)])).unwrap();
        assert_eq!(steered.len(), 2);
        assert_eq!(steered[0]["backendRefs"], json!([to("web-new", 30), to("web-old", 270), to("legacy", 100)]));
    }

    #[test]
    fn every_division_is_undone_exactly() {
        let strategies = [
            vec![share(10)],
            vec![share(100)],
            vec![user_gray(below("/"), 100)],
            vec![user_gray(below("/api/v2"), 30), share(5)],
            vec![user_gray(Path::Exact("/elsewhere".to_owned()), 100)],
        ];
        for rules in strategies {
            let split = split(rules);
            let there = steered(&route(), &split).unwrap();
            assert_eq!(unsteered(&there, Some(&route()), &split), route(), "{split:?}");
            assert_eq!(unsteered(&route(), Some(&route()), &split), route(), "and twice");
        }
    }

    #[test]
    fn what_someone_else_changed_stays_theirs() {
        let split = split(vec![user_gray(below("/"), 100)]);
        let mut there = steered(&route(), &split).unwrap();
        there[1]["timeouts"] = json!({"request": "9s"});
        there[0]["timeouts"] = json!({"request": "9s"});
        there.push(json!({"backendRefs": [to("new-shop", 1)]}));
        let mut expected = route();
        expected[0]["timeouts"] = json!({"request": "9s"});
        expected.push(json!({"backendRefs": [to("new-shop", 1)]}));
        assert_eq!(unsteered(&there, Some(&route()), &split), expected);
        // Nothing is known of what was there before: nothing leads to our Services any more all the same.
        let found = unsteered(&there, None, &split);
        assert!(!Value::Array(found).to_string().contains("web-"));
        let fronts_alone = vec![there[0].clone()];
        assert_eq!(unsteered(&fronts_alone, Some(&route()), &split)[0]["backendRefs"], json!([to("web", 1)]));
    }

    #[test]
    fn paths_meet() {
        let exact = |path: &str| Path::Exact(path.to_owned());
        for (theirs, ours, expected) in [
            (prefix("/api"), below("/"), Some(prefix("/api"))),
            (prefix("/api"), below("/api/v2"), Some(prefix("/api/v2"))),
            (prefix("/api/v2"), below("/api"), Some(prefix("/api/v2"))),
            (prefix("/api"), below("/apis"), None),
            (prefix("/api"), exact("/api/x"), Some(json!({"type": "Exact", "value": "/api/x"}))),
            (prefix("/api"), exact("/x"), None),
            (Value::Null, exact("/x"), Some(json!({"type": "Exact", "value": "/x"}))),
            (json!({"type": "Exact", "value": "/a"}), below("/a"), Some(json!({"type": "Exact", "value": "/a"}))),
            (json!({"type": "Exact", "value": "/a"}), exact("/b"), None),
        ] {
            assert_eq!(common_path(&theirs, &ours), Ok(expected), "{theirs} {ours:?}");
        }
        let pattern = json!({"type": "RegularExpression", "value": "/a.*"});
        assert_eq!(common_path(&pattern, &below("/")), Ok(Some(pattern.clone())));
        assert!(common_path(&pattern, &below("/b")).is_err());
    }

    #[test]
    fn what_a_route_cannot_say_is_refused() {
        let mut taken = route();
        taken[0]["matches"] = json!([{"headers": [{"name": "User", "value": "x"}]}]);
        let error = steered(&taken, &split(vec![user_gray(below("/"), 100)])).unwrap_err();
        assert_eq!(error, Unroutable::TakenByRoute("the header user".to_owned()));
        let many = vec![route()[0].clone(); 9];
        assert_eq!(steered(&many, &split(vec![user_gray(below("/"), 100)])), Err(Unroutable::Rules(18)));
        let mut heavy = route();
        heavy[0]["backendRefs"] = json!([to("web", 20_001)]);
        assert_eq!(steered(&heavy, &split(vec![share(50)])), Err(Unroutable::Backends));
    }
}
