//! Which requests go to which pods: rules on requests, written as an HTTPRoute of the Gateway API.
//!
//! A rule becomes one rule of the route: alternatives are matches beside each other, what has to hold together is in one match. What an HTTPRoute
//! cannot say (comparisons, remainders) is refused by whoever reads rules; the types here have no word for it.
//!
//! The Gateway API lets the more specific match win, and among equals the older route. A rule that looks at the path alone would so lose against
//! every route that was there before; therefore it names the methods, all of them, which makes it the more specific one and excludes nothing.

mod steer;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use self::steer::{Split, steered, unsteered};

/// `apiVersion` of the route.
pub const API_VERSION: &str = "gateway.networking.k8s.io/v1";
/// Rules that one route may have.
pub const MOST_RULES: usize = 16;
/// Matches that one rule may have.
pub const MOST_MATCHES: usize = 64;
/// Matches that all rules of one route may have together.
pub const MOST_MATCHES_OF_ALL: usize = 128;

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
const EVERYTHING: u8 = 100;

/// A rule on requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Where the request goes to.
    pub path: Path,
    /// Whether one of the conditions is enough.
    pub any: bool,
    /// What the request carries.
    pub conditions: Vec<Condition>,
    /// The share of the requests, in percent, for which the rule holds.
    pub percent: u8,
}

/// A path of requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Path {
    /// This one alone.
    Exact(String),
    /// This one and those below it.
    Below(String),
}

/// Something that a request carries: one of some values under a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// Where.
    pub place: Place,
    /// Under which name.
    pub name: String,
    /// The values; one has to be there, exactly.
    pub values: Vec<String>,
}

/// Where a request carries things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// A header.
    Header,
    /// A cookie: a part of the header of that name, found by a regular expression.
    Cookie,
    /// A parameter of the query.
    Parameter,
}

/// A Service, and which of its ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The Service's name.
    pub service: String,
    /// The port's number.
    pub port: u16,
}

/// A rule with where its requests go, and where the rest of its share goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The rule.
    pub rule: Rule,
    /// Where the requests go for which it holds.
    pub to: Backend,
    /// Where those go that it matches and that are not within its share.
    pub rest: Backend,
}

/// What an HTTPRoute cannot say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unroutable {
    /// Two conditions of one header field: only the first would be looked at.
    #[error("a rule cannot demand two things of {0} at once: list the values in one condition, or let one be enough")]
    Twice(String),
    /// Too many matches in a rule.
    #[error("a rule would need {0} matches, and a route's rule has at most 64: list fewer values, or make more rules")]
    Matches(usize),
    /// Too many matches in all.
    #[error("the rules would need {0} matches together, and a route has at most 128: make fewer rules, or groups")]
    MatchesOfAll(usize),
    /// Too many rules.
    #[error("there would be {0} rules, and a route has at most 16: switch some off, or make another group")]
    Rules(usize),
    /// A path below which rules of the route are found by a regular expression.
    #[error("whether the path of a rule is among those that {0} matches cannot be told: leave the rule's path out")]
    Pattern(String),
    /// A condition on a field that the route's own rule looks at already.
    #[error("the route looks at {0} already, and a rule cannot demand two things of it: give another condition")]
    TakenByRoute(String),
    /// Too many backends in a rule, or weights too large.
    #[error("the backends of the route's rule cannot be divided: a rule has at most 16, with weights up to 1000000")]
    Backends,
}

/// The rules of an HTTPRoute, in this order: where two that are equally specific match, the first one wins.
///
/// # Errors
/// What the Gateway API has no form for.
pub fn rules(ways: &[Way]) -> Result<Vec<Value>, Unroutable> {
    if ways.len() > MOST_RULES {
        return Err(Unroutable::Rules(ways.len()));
    }
    let rules: Vec<Value> = ways.iter().map(rule).collect::<Result<_, _>>()?;
    let all = rules.iter().filter_map(|rule| rule["matches"].as_array()).map(Vec::len).sum();
    if all > MOST_MATCHES_OF_ALL { Err(Unroutable::MatchesOfAll(all)) } else { Ok(rules) }
}

fn rule(way: &Way) -> Result<Value, Unroutable> {
    let share = way.rule.percent.min(EVERYTHING);
    let backend = |backend: &Backend, weight: u8| json!({"group": "", "kind": "Service", "name": backend.service, "port": backend.port, "weight": weight});
    let mut backends = vec![backend(&way.to, share)];
    if share < EVERYTHING {
        backends.push(backend(&way.rest, EVERYTHING - share));
    }
    Ok(json!({"matches": matches(&way.rule)?, "backendRefs": backends}))
}

/// The matches of a rule, each a whole alternative.
fn matches(rule: &Rule) -> Result<Vec<Value>, Unroutable> {
    let alternatives: Vec<Map<String, Value>> = if rule.conditions.is_empty() {
        METHODS.iter().map(|method| Map::from_iter([("method".to_owned(), json!(method))])).collect()
    } else {
        alternatives(rule)?
    };
    let (kind, path) = match &rule.path {
        Path::Exact(path) => ("Exact", path),
        Path::Below(path) => ("PathPrefix", path),
    };
    let placed = alternatives.into_iter().map(|mut fields| {
        fields.insert("path".to_owned(), json!({"type": kind, "value": path}));
        Value::Object(fields)
    });
    Ok(placed.collect())
}

/// What the conditions demand, each a whole alternative without a path; without conditions, nothing of every request.
fn alternatives(rule: &Rule) -> Result<Vec<Map<String, Value>>, Unroutable> {
    let mut alternatives: Vec<Map<String, Value>> = Vec::new();
    if rule.any && !rule.conditions.is_empty() {
        for condition in &rule.conditions {
            alternatives.extend(items(condition).into_iter().map(|item| with(Map::new(), condition.place, item)));
        }
    } else {
        check_once(&rule.conditions)?;
        alternatives.push(Map::new());
        for condition in &rule.conditions {
            let items = items(condition);
            let count = alternatives.len().saturating_mul(items.len());
            if count > MOST_MATCHES {
                return Err(Unroutable::Matches(count));
            }
            let each = |fields: Map<String, Value>| {
                items.iter().map(move |item| with(fields.clone(), condition.place, item.clone())).collect::<Vec<_>>()
            };
            alternatives = alternatives.into_iter().flat_map(each).collect();
        }
    }
    if alternatives.len() > MOST_MATCHES { Err(Unroutable::Matches(alternatives.len())) } else { Ok(alternatives) }
}

/// Of two conditions on the same field, an implementation looks at the first one alone.
fn check_once(conditions: &[Condition]) -> Result<(), Unroutable> {
    let field = |condition: &Condition| match condition.place {
        Place::Header => format!("the header {}", condition.name.to_ascii_lowercase()),
        Place::Cookie => "the header cookie".to_owned(),
        Place::Parameter => format!("the parameter {}", condition.name),
    };
    for (at, condition) in conditions.iter().enumerate() {
        if conditions[..at].iter().any(|other| field(other) == field(condition)) {
            return Err(Unroutable::Twice(field(condition)));
        }
    }
    Ok(())
}

/// The items of a match that the condition becomes, each an alternative.
fn items(condition: &Condition) -> Vec<Value> {
    let exact = |value: &String| json!({"type": "Exact", "name": condition.name, "value": value});
    match condition.place {
        Place::Header | Place::Parameter => condition.values.iter().map(exact).collect(),
        Place::Cookie => vec![json!({"type": "RegularExpression", "name": "Cookie", "value": cookie(condition)})],
    }
}

/// Holds for the whole of a Cookie header that has the cookie with one of the values; some implementations search, some match as a whole.
fn cookie(condition: &Condition) -> String {
    let values: Vec<String> = condition.values.iter().map(|value| literal(value)).collect();
    format!("^(.*;[ ]*)?{}=({})([ ]*;.*)?$", literal(&condition.name), values.join("|"))
}

/// A text as a regular expression that matches nothing else, in the syntax that RE2, PCRE and Rust share.
fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\.+*?()|[]{}^$".contains(character) {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

fn with(mut fields: Map<String, Value>, place: Place, item: Value) -> Map<String, Value> {
    let key = match place {
        Place::Header | Place::Cookie => "headers",
        Place::Parameter => "queryParams",
    };
    let list = fields.entry(key).or_insert_with(|| json!([]));
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(place: Place, name: &str, values: &[&str]) -> Condition {
        Condition { place, name: name.to_owned(), values: values.iter().map(|&value| value.to_owned()).collect() }
    }

    fn way(path: Path, any: bool, conditions: Vec<Condition>, percent: u8) -> Way {
        let backend = |service: &str| Backend { service: service.to_owned(), port: 80 };
        Way { rule: Rule { path, any, conditions, percent }, to: backend("lane"), rest: backend("base") }
    }

    fn below() -> Path {
        Path::Below("/".to_owned())
    }

    #[test]
    fn rules_become_matches() {
        let path = json!({"type": "PathPrefix", "value": "/"});
        let exact = |name: &str, value: &str| json!({"type": "Exact", "name": name, "value": value});
        let header = |values: &[&str]| condition(Place::Header, "user", values);
        let parameter = |values: &[&str]| condition(Place::Parameter, "q", values);
        let cookie = |values: &[&str]| condition(Place::Cookie, "lane", values);
        let cookie_item = |value: &str| json!({"type": "RegularExpression", "name": "Cookie", "value": value});
        let cases = [
            ("a header", false, vec![header(&["a"])], json!([{"headers": [exact("user", "a")], "path": path}])),
            (
                "one of two values",
                false,
                vec![header(&["a", "b"])],
                json!([{"headers": [exact("user", "a")], "path": path}, {"headers": [exact("user", "b")], "path": path}]),
            ),
            (
                "two things at once",
                false,
                vec![header(&["a"]), parameter(&["1", "2"])],
                json!([
                    {"headers": [exact("user", "a")], "queryParams": [exact("q", "1")], "path": path},
                    {"headers": [exact("user", "a")], "queryParams": [exact("q", "2")], "path": path},
                ]),
            ),
            (
                "one of two things",
                true,
                vec![header(&["a"]), parameter(&["1"])],
                json!([{"headers": [exact("user", "a")], "path": path}, {"queryParams": [exact("q", "1")], "path": path}]),
            ),
            (
                "a cookie",
                false,
                vec![cookie(&["v.1", "v2"])],
                json!([{"headers": [cookie_item(r"^(.*;[ ]*)?lane=(v\.1|v2)([ ]*;.*)?$")], "path": path}]),
            ),
        ];
        for (what, any, conditions, expected) in cases {
            let rules = rules(&[way(below(), any, conditions, 100)]).unwrap();
            assert_eq!(rules[0]["matches"], expected, "{what}");
        }
    }

    #[test]
    fn a_share_is_weighed_and_the_whole_needs_no_rest() {
        let whole = rules(&[way(below(), false, vec![], 100)]).unwrap();
        assert_eq!(
            whole[0]["backendRefs"],
            json!([{"group": "", "kind": "Service", "name": "lane", "port": 80, "weight": 100}])
        );
        let part = rules(&[way(below(), false, vec![], 10)]).unwrap();
        let weights: Vec<_> = part[0]["backendRefs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|b| (b["name"].clone(), b["weight"].clone()))
            .collect();
        assert_eq!(weights, [(json!("lane"), json!(10)), (json!("base"), json!(90))]);
    }

    #[test]
    fn a_path_alone_names_every_method() {
        let path = Path::Exact("/traffic".to_owned());
        let rules = rules(&[way(path, false, vec![], 100)]).unwrap();
        let matches = rules[0]["matches"].as_array().unwrap();
        assert_eq!(matches.len(), METHODS.len());
        assert!(matches.iter().all(|one| one["path"] == json!({"type": "Exact", "value": "/traffic"})));
        assert_eq!(matches[0]["method"], "GET");
    }

    #[test]
    fn what_a_route_cannot_say_is_refused() {
        let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let header = |name: &str, values: &[&str]| condition(Place::Header, name, values);
        let cases = [
            (vec![way(below(), false, vec![header("A", &["1"]), header("a", &["2"])], 100)], "demand two things"),
            (
                vec![way(
                    below(),
                    false,
                    vec![condition(Place::Cookie, "a", &["1"]), condition(Place::Cookie, "b", &["1"])],
                    100,
                )],
                "demand two things",
            ),
            (vec![way(below(), false, vec![header("a", &many)], 100)], "would need 65 matches"),
            (vec![way(below(), true, vec![header("a", &many)], 100)], "would need 65 matches"),
            (vec![way(below(), false, vec![], 100); 17], "17 rules"),
            (vec![way(below(), false, vec![], 100); 15], "135 matches together"),
        ];
        for (ways, expected) in cases {
            let error = rules(&ways).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
