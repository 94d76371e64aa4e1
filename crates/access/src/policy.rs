//! Policies in RAM's JSON form, read to the last key or refused.
//!
//! ```text
//! { "Version": "1",
//!   "Statement": [ { "Effect": "Allow" | "Deny",
//!                    "Action" | "NotAction": "edas:Read*" or a list,
//!                    "Resource": "acs:edas:*:*:namespace/cn-hangzhou:test/*" or a list,
//!                    "Condition": { "IpAddress": { "acs:SourceIp": ["10.0.0.0/8"] } } } ] }
//! ```
//!
//! What is not understood is an error that says where it stands: a condition that is not checked, or a key that is not read, would let somebody in
//! whom the policy was written to keep out.

mod condition;
mod json;
mod node;

use serde_json::Value;

pub use self::condition::Circumstances;
use self::condition::Condition;
use self::node::Node;
use crate::action::Action;
use crate::pattern::Pattern;
use crate::resource::Resource;

/// Longer than RAM's 6,144 characters, short enough to be read for every request.
pub const LONGEST_POLICY: usize = 16 << 10;

/// A document that is no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {place}: {problem}")]
pub struct Malformed {
    /// Where, such as `Statement[0].Condition.IpAddress`.
    pub place: String,
    /// What is wrong there.
    pub problem: String,
}

/// What someone may do, and what they may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// Who may take on a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustPolicy {
    statements: Vec<(Vec<Pattern>, Statement)>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What shall be done.
    pub action: Action,
    /// To what.
    pub resource: &'a Resource,
    /// The account of the resource.
    pub account: &'a str,
    /// When and from where.
    pub circumstances: &'a Circumstances,
}

/// What policies say to a question, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// One allows it and none denies it.
    Allowed,
    /// One denies it, whatever others say.
    Denied,
    /// None allows it.
    NotAllowed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    Allow,
    Deny,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Statement {
    effect: Effect,
    actions: Vec<Pattern>,
    /// The actions are those that it does not speak of.
    all_but: bool,
    resources: Vec<ResourcePattern>,
    conditions: Vec<Condition>,
}

/// Matched part by part, so that a wildcard for the region can't reach over into the path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ResourcePattern {
    Any,
    Parts { service: Pattern, region: Pattern, account: Pattern, path: Pattern },
}

impl Verdict {
    /// What several policies say together: a denial wins, silence allows nothing.
    pub fn of<'a>(policies: impl IntoIterator<Item = &'a Policy>, question: &Question<'_>) -> Self {
        let mut verdict = Self::NotAllowed;
        for statement in policies.into_iter().flat_map(|policy| &policy.statements) {
            if statement.speaks_of(question) {
                match statement.effect {
                    Effect::Deny => return Self::Denied,
                    Effect::Allow => verdict = Self::Allowed,
                }
            }
        }
        verdict
    }

    /// What holds if both must allow it.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::NotAllowed, _) | (_, Self::NotAllowed) => Self::NotAllowed,
            (Self::Allowed, Self::Allowed) => Self::Allowed,
        }
    }

    /// What holds if it is enough that one allows it.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Denied, _) | (_, Self::Denied) => Self::Denied,
            (Self::Allowed, _) | (_, Self::Allowed) => Self::Allowed,
            (Self::NotAllowed, Self::NotAllowed) => Self::NotAllowed,
        }
    }
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let value = document(text)?;
        let statements = statements(&value)?;
        let read = |node: &Node<'_>| Statement::read(node, &["Effect", "Action", "NotAction", "Resource", "Condition"]);
        Ok(Self { statements: statements.iter().map(read).collect::<Result<_, _>>()? })
    }
}

impl TrustPolicy {
    /// Reads who may take on a role: statements with a `Principal` and without a `Resource`, whose only action is `sts:AssumeRole`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let value = document(text)?;
        let read = |node: &Node<'_>| {
            let statement = Statement::read(node, &["Effect", "Action", "Principal", "Condition"])?;
            Ok((principals(node)?, statement))
        };
        Ok(Self { statements: statements(&value)?.iter().map(read).collect::<Result<_, _>>()? })
    }

    /// Whether it lets in who is called `principal` (`acs:ram::<account>:user/<name>`). The account's root stands for everybody in it.
    pub fn trusts(&self, principal: &str, question: &Question<'_>) -> bool {
        let root = format!("acs:ram::{}:root", question.account);
        let mut trusted = false;
        for (principals, statement) in &self.statements {
            let names = |name: &str| principals.iter().any(|pattern| pattern.matches(name));
            if (names(principal) || names(&root)) && statement.speaks_of(question) {
                match statement.effect {
                    Effect::Deny => return false,
                    Effect::Allow => trusted = true,
                }
            }
        }
        trusted
    }
}

fn document(text: &str) -> Result<Value, Malformed> {
    let whole = |problem: String| Malformed { place: "the document".to_owned(), problem };
    if text.len() > LONGEST_POLICY {
        return Err(whole(format!("it has {} bytes; at most {LONGEST_POLICY} are allowed", text.len())));
    }
    json::read(text).map_err(|error| whole(format!("it is no JSON ({error})")))
}

fn statements(value: &Value) -> Result<Vec<Node<'_>>, Malformed> {
    let root = Node::root(value);
    let object = root.object(&["Version", "Statement"])?;
    let version = root.required(object, "Version")?;
    if version.text()? != "1" {
        return Err(version.wrong("the only version there is is \"1\""));
    }
    root.required(object, "Statement")?.items()
}

fn principals(node: &Node<'_>) -> Result<Vec<Pattern>, Malformed> {
    let principal = node.required(node.object(&["Effect", "Action", "Principal", "Condition"])?, "Principal")?;
    let object = principal.object(&["RAM"])?;
    let read = |node: &Node<'_>| {
        let text = node.text()?;
        let parts: Vec<&str> = text.split(':').collect();
        let is_one = match parts.as_slice() {
            ["acs", "ram", _, _, who] => *who == "root" || who.starts_with("user/") || who.starts_with("role/"),
            _ => false,
        };
        if is_one && !text.contains(['*', '?']) {
            return Ok(Pattern::new(text));
        }
        Err(node.wrong("a name such as acs:ram::1:root, acs:ram::1:user/alice or acs:ram::1:role/deployer is expected, without wildcards"))
    };
    principal.required(object, "RAM")?.one_or_more()?.iter().map(read).collect()
}

impl Statement {
    fn read(node: &Node<'_>, keys: &[&str]) -> Result<Self, Malformed> {
        let object = node.object(keys)?;
        let effect = node.required(object, "Effect")?;
        let effect = match effect.text()? {
            "Allow" => Effect::Allow,
            "Deny" => Effect::Deny,
            _ => return Err(effect.wrong("Allow or Deny is expected")),
        };
        let (actions, all_but) = match (node.child(object, "Action"), node.child(object, "NotAction")) {
            (Some(actions), None) => (actions, false),
            (None, Some(actions)) => (actions, true),
            (Some(_), Some(both)) => return Err(both.wrong("Action stands beside it; give one of the two")),
            (None, None) => return Err(node.wrong("Action is missing")),
        };
        let actions = actions.one_or_more()?.iter().map(action).collect::<Result<_, _>>()?;
        let resources = if keys.contains(&"Resource") {
            let resources = node.required(object, "Resource")?;
            resources.one_or_more()?.iter().map(ResourcePattern::read).collect::<Result<_, _>>()?
        } else {
            vec![ResourcePattern::Any]
        };
        let conditions = match node.child(object, "Condition") {
            Some(conditions) => Condition::read(&conditions)?,
            None => Vec::new(),
        };
        Ok(Self { effect, actions, all_but, resources, conditions })
    }

    fn speaks_of(&self, question: &Question<'_>) -> bool {
        let named = self.actions.iter().any(|pattern| pattern.matches_in_any_case(question.action.name()));
        named != self.all_but
            && self.resources.iter().any(|pattern| pattern.matches(question.resource, question.account))
            && self.conditions.iter().all(|condition| condition.is_met(question.circumstances))
    }
}

/// An action of another service is understood: it allows and denies nothing here. One of ours that does not exist is a mistake.
fn action(node: &Node<'_>) -> Result<Pattern, Malformed> {
    let text = node.text()?;
    let pattern = Pattern::new(text);
    if text == "*" {
        return Ok(pattern);
    }
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.*?".contains(&byte))
    };
    let Some((service, _)) = text.split_once(':').filter(|(service, name)| is_word(service) && is_word(name)) else {
        return Err(node.wrong("an action such as edas:ReadApplication, edas:Read* or * is expected"));
    };
    let ours = ["edas", "ram", "sts"].iter().any(|own| own.eq_ignore_ascii_case(service));
    if ours && !Action::ALL.iter().any(|known| pattern.matches_in_any_case(known.name())) {
        return Err(node.wrong(format!("there is no action like {text}")));
    }
    Ok(pattern)
}

impl ResourcePattern {
    fn read(node: &Node<'_>) -> Result<Self, Malformed> {
        const EXPECTED: &str =
            "a resource such as acs:edas:cn-hangzhou:*:namespace/cn-hangzhou:test/application/*, or *, is expected";
        let text = node.text()?;
        if text == "*" {
            return Ok(Self::Any);
        }
        let parts: Vec<&str> = text.splitn(5, ':').collect();
        let ["acs", service, region, account, path] = parts.as_slice() else {
            return Err(node.wrong(EXPECTED));
        };
        if service.is_empty() || path.is_empty() {
            return Err(node.wrong(EXPECTED));
        }
        let kinds: Option<&[&str]> = match *service {
            "edas" => Some(&["namespace/"]),
            "ram" => Some(&["user/", "group/", "policy/", "role/"]),
            _ => None,
        };
        let path = Pattern::new(path);
        if let Some(kinds) = kinds {
            let start = path.literal_start();
            let fits = |kind: &&str| start.starts_with(*kind) || (path.has_wildcard() && kind.starts_with(start));
            if !kinds.iter().any(fits) {
                return Err(node.wrong(format!("a resource of {service} begins with {}", kinds.join(", "))));
            }
        }
        // RAM has no regions, and writes nothing in their place.
        let or_any = |part: &str| Pattern::new(if part.is_empty() { "*" } else { part });
        Ok(Self::Parts { service: Pattern::new(service), region: or_any(region), account: or_any(account), path })
    }

    fn matches(&self, resource: &Resource, in_account: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Parts { service, region, account, path } => {
                service.matches(resource.service)
                    && region.matches(&resource.region)
                    && account.matches(in_account)
                    && path.matches(&resource.path.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests;
