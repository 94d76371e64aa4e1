//! `Hooks` of UpdateHookConfiguration: `[{"name":"prestopInstance","script":"..","ignoreFail":true}]`.

use super::structure::Node;
use super::{Given, Parameters};
use crate::error::GatewayError;

/// A moment of an instance's life, by EDAS's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookMoment {
    AfterPreparation,
    BeforeStart,
    AfterStart,
    BeforeStop,
    AfterStop,
    AfterDeletion,
}

impl HookMoment {
    /// All, as they follow on each other.
    pub const ALL: [Self; 6] = [
        Self::AfterPreparation,
        Self::BeforeStart,
        Self::AfterStart,
        Self::BeforeStop,
        Self::AfterStop,
        Self::AfterDeletion,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfterPreparation => "postprepareInstanceEnvironmentOnScaleOut",
            Self::BeforeStart => "prestartInstance",
            Self::AfterStart => "poststartInstance",
            Self::BeforeStop => "prestopInstance",
            Self::AfterStop => "poststopInstance",
            Self::AfterDeletion => "postdeleteInstanceDataOnScaleIn",
        }
    }

    /// By EDAS's name, or by Kubernetes's own.
    fn of(name: &str) -> Option<Self> {
        let own = Self::ALL.into_iter().find(|moment| moment.name() == name);
        own.or(match name {
            "postStart" => Some(Self::AfterStart),
            "preStop" => Some(Self::BeforeStop),
            _ => None,
        })
    }
}

/// A script at a moment; an empty one takes back what was there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookScript {
    pub moment: HookMoment,
    pub script: String,
    pub ignore_fail: bool,
}

/// `Hooks`, which must be there. Kubernetes has two of the moments; a script for another one is refused.
pub fn hooks(parameters: &Parameters) -> Result<Vec<HookScript>, GatewayError> {
    const NAME: &str = "Hooks";
    let expected = r#"a list such as [{"name":"prestopInstance","script":"..","ignoreFail":true}]"#;
    let Given::Value(value) = parameters.json(NAME)? else {
        return Err(GatewayError::missing_parameter(NAME, expected));
    };
    let mut hooks: Vec<HookScript> = Vec::new();
    for item in Node::root(NAME, &value).items()? {
        let hook = hook(&item)?;
        if hooks.iter().any(|other| other.moment == hook.moment) {
            return Err(item.error("It is given twice; give it once."));
        }
        hooks.push(hook);
    }
    Ok(hooks)
}

fn hook(item: &Node<'_>) -> Result<HookScript, GatewayError> {
    item.object(&["name", "script", "ignoreFail"])?;
    let moment = HookMoment::of(item.required_text("name")?).ok_or_else(|| {
        let names: Vec<_> = HookMoment::ALL.iter().map(|moment| moment.name()).collect();
        item.error(&format!("\"name\" is one of {}.", names.join(", ")))
    })?;
    let script = item.member("script").map(|script| script.text()).transpose()?.unwrap_or_default();
    let ignore_fail = item.member("ignoreFail").map(|flag| flag.boolean()).transpose()?.unwrap_or(false);
    match moment {
        HookMoment::AfterStart | HookMoment::BeforeStop => {}
        _ if script.trim().is_empty() => {}
        _ => {
            return Err(item.error(
                "Kubernetes has no such moment. Give poststartInstance or prestopInstance, or use InitContainers of DeployK8sApplication before the start.",
            ));
        }
    }
    Ok(HookScript { moment, script: script.to_owned(), ignore_fail })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<HookScript>, GatewayError> {
        hooks(&Parameters::from_pairs(vec![("Hooks".into(), text.into())]).unwrap())
    }

    #[test]
    fn the_documented_list_is_taken() {
        let text = r#"[{"ignoreFail":false,"name":"postprepareInstanceEnvironmentOnScaleOut","script":""},
            {"ignoreFail":true,"name":"poststartInstance","script":"ls"},{"name":"preStop","script":"sleep 5"}]"#;
        let hooks = read(text).unwrap();
        let shown: Vec<_> = hooks.iter().map(|hook| (hook.moment, hook.script.as_str(), hook.ignore_fail)).collect();
        let expected = [
            (HookMoment::AfterPreparation, "", false),
            (HookMoment::AfterStart, "ls", true),
            (HookMoment::BeforeStop, "sleep 5", false),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn scripts_without_a_moment_are_refused() {
        for text in [
            r#"[{"name":"prestartInstance","script":"ls"}]"#,
            r#"[{"name":"whenever","script":"ls"}]"#,
            r#"[{"script":"ls"}]"#,
            r#"[{"name":"preStop","script":1}]"#,
            r#"[{"name":"preStop","script":"a"},{"name":"prestopInstance","script":"b"}]"#,
            r#"{"name":"preStop"}"#,
        ] {
            assert_eq!(read(text).unwrap_err().code, "InvalidParameter", "{text}");
        }
        assert_eq!(read("[]").unwrap_err().code, "MissingParameter");
    }
}
