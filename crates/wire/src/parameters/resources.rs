//! What an instance may use. EDAS has three vocabularies for it, one per operation, all meaning the same.
//!
//! Processor time is in cores or in millicores, of which the finer wins; memory is in MiB and ephemeral storage in GiB. Zero
//! means no limit, so it clears; absent keeps. The documentation calls Deploy's `Mcpu..` cores, but every client sends
//! millicores.

use super::Parameters;
use crate::error::GatewayError;

/// Which side of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// `limits`: what an instance gets at most.
    Limit,
    /// `requests`: what is reserved for it.
    Request,
}

/// A change of one resource of the main container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceChange {
    pub bound: Bound,
    /// Kubernetes's name: `cpu`, `memory` or `ephemeral-storage`.
    pub resource: &'static str,
    /// A Kubernetes quantity; `None` clears.
    pub quantity: Option<String>,
}

/// The parameters' names in one operation, for limit and request.
struct Vocabulary {
    cores: [&'static str; 2],
    millicores: [&'static str; 2],
    memory: [&'static str; 2],
    storage: [&'static str; 2],
}

const INSERT: Vocabulary = Vocabulary {
    cores: ["LimitCpu", "RequestsCpu"],
    millicores: ["LimitmCpu", "RequestsmCpu"],
    memory: ["LimitMem", "RequestsMem"],
    storage: ["LimitEphemeralStorage", "RequestsEphemeralStorage"],
};

const DEPLOY: Vocabulary = Vocabulary {
    cores: ["CpuLimit", "CpuRequest"],
    millicores: ["McpuLimit", "McpuRequest"],
    memory: ["MemoryLimit", "MemoryRequest"],
    storage: ["LimitEphemeralStorage", "RequestsEphemeralStorage"],
};

const CONFIGURE: Vocabulary = Vocabulary { storage: ["EphemeralStorageLimit", "EphemeralStorageRequest"], ..DEPLOY };

/// The resources that InsertK8sApplication asks for.
pub fn of_insert(parameters: &Parameters) -> Result<Vec<ResourceChange>, GatewayError> {
    changes(parameters, &INSERT)
}

/// The resources that DeployK8sApplication changes.
pub fn of_deploy(parameters: &Parameters) -> Result<Vec<ResourceChange>, GatewayError> {
    changes(parameters, &DEPLOY)
}

/// The resources that UpdateK8sApplicationConfig changes.
pub fn of_configuration(parameters: &Parameters) -> Result<Vec<ResourceChange>, GatewayError> {
    changes(parameters, &CONFIGURE)
}

/// A resource as Kubernetes knows it.
struct Measure {
    resource: &'static str,
    /// Anything larger is a wrong unit.
    most: u64,
    quantity: fn(u64) -> String,
}

const PROCESSOR: Measure = Measure {
    resource: "cpu",
    most: 2_000_000,
    quantity: |millicores| match millicores % 1000 {
        0 => (millicores / 1000).to_string(),
        _ => format!("{millicores}m"),
    },
};
const MEMORY: Measure = Measure { resource: "memory", most: 1 << 30, quantity: |mebibytes| format!("{mebibytes}Mi") };
const STORAGE: Measure =
    Measure { resource: "ephemeral-storage", most: 1 << 30, quantity: |gibibytes| format!("{gibibytes}Gi") };

fn changes(parameters: &Parameters, words: &Vocabulary) -> Result<Vec<ResourceChange>, GatewayError> {
    let whole = |name| decimal(parameters, name, 0);
    let processor = [
        millicores(parameters, words.cores[0], words.millicores[0])?,
        millicores(parameters, words.cores[1], words.millicores[1])?,
    ];
    let memory = [whole(words.memory[0])?, whole(words.memory[1])?];
    let storage = [whole(words.storage[0])?, whole(words.storage[1])?];
    let mut changes = PROCESSOR.changes(words.millicores, processor)?;
    changes.extend(MEMORY.changes(words.memory, memory)?);
    changes.extend(STORAGE.changes(words.storage, storage)?);
    Ok(changes)
}

impl Measure {
    /// Limit and request, as far as they are given.
    fn changes(
        &self,
        names: [&'static str; 2],
        amounts: [Option<u64>; 2],
    ) -> Result<Vec<ResourceChange>, GatewayError> {
        for (name, amount) in names.iter().zip(amounts) {
            if amount.is_some_and(|amount| amount > self.most) {
                return Err(GatewayError::invalid_parameter(name, "It is too large; check its unit."));
            }
        }
        let [limit, request] = amounts;
        if let Some(limit @ 1..) = limit
            && request.is_some_and(|request| request > limit)
        {
            let problem = format!("It must not exceed {}.", names[0]);
            return Err(GatewayError::invalid_parameter(names[1], &problem));
        }
        let change = |(bound, amount): (Bound, Option<u64>)| {
            let amount = amount?;
            let quantity = (amount > 0).then(|| (self.quantity)(amount));
            Some(ResourceChange { bound, resource: self.resource, quantity })
        };
        Ok([(Bound::Limit, limit), (Bound::Request, request)].into_iter().filter_map(change).collect())
    }
}

/// Millicores; clients that fill in all fields send 0 for the one they don't mean.
fn millicores(parameters: &Parameters, cores: &str, millicores: &str) -> Result<Option<u64>, GatewayError> {
    let coarse = decimal(parameters, cores, 3)?;
    let fine = decimal(parameters, millicores, 0)?;
    Ok(fine.filter(|fine| *fine > 0).or(coarse.filter(|coarse| *coarse > 0)).or(fine).or(coarse))
}

/// A number of at most that many decimal places, in units of its last place: `0.5` with 3 places is 500.
fn decimal(parameters: &Parameters, name: &str, places: usize) -> Result<Option<u64>, GatewayError> {
    let Some(text) = parameters.optional(name)?.map(str::trim) else {
        return Ok(None);
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let readable = !whole.is_empty() && all_digits(whole) && all_digits(fraction) && fraction.len() <= places;
    let number = readable.then(|| format!("{whole}{fraction:0<places$}").parse().ok()).flatten();
    number.map(Some).ok_or_else(|| {
        let problem = match places {
            0 => "Give a whole number, 0 for no limit.".to_owned(),
            _ => format!("Give a number with at most {places} decimal places, 0 for no limit."),
        };
        GatewayError::invalid_parameter(name, &problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::from_pairs(pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()).unwrap()
    }

    fn shown(changes: Vec<ResourceChange>) -> Vec<String> {
        changes
            .into_iter()
            .map(|change| format!("{:?} {} {}", change.bound, change.resource, change.quantity.unwrap_or("-".into())))
            .collect()
    }

    #[test]
    fn the_three_vocabularies_mean_the_same() {
        let expected = ["Limit cpu 500m", "Request cpu 1", "Limit memory 2048Mi", "Limit ephemeral-storage 4Gi"];
        let insert = parse(&[("LimitmCpu", "500"), ("LimitMem", "2048"), ("LimitEphemeralStorage", "4")]);
        assert_eq!(shown(of_insert(&insert).unwrap()), [expected[0], expected[2], expected[3]]);
        let deploy = parse(&[("CpuRequest", "1"), ("MemoryLimit", "2048"), ("LimitEphemeralStorage", "4")]);
        assert_eq!(shown(of_deploy(&deploy).unwrap()), expected[1..]);
        let configure = parse(&[("CpuLimit", "0.5"), ("MemoryLimit", "2048"), ("EphemeralStorageLimit", "4")]);
        assert_eq!(shown(of_configuration(&configure).unwrap()), [expected[0], expected[2], expected[3]]);
    }

    #[test]
    fn millicores_win_unless_they_are_zero() {
        assert_eq!(shown(of_insert(&parse(&[("LimitCpu", "4"), ("LimitmCpu", "1500")])).unwrap()), ["Limit cpu 1500m"]);
        assert_eq!(shown(of_insert(&parse(&[("LimitCpu", "4"), ("LimitmCpu", "0")])).unwrap()), ["Limit cpu 4"]);
    }

    #[test]
    fn zero_clears_and_absent_keeps() {
        assert_eq!(
            shown(of_deploy(&parse(&[("MemoryRequest", "0"), ("McpuLimit", "0")])).unwrap()),
            ["Limit cpu -", "Request memory -"]
        );
        assert_eq!(of_deploy(&parse(&[])).unwrap(), []);
        assert_eq!(of_deploy(&parse(&[("MemoryLimit", "")])).unwrap(), []);
    }

    #[test]
    fn a_request_beyond_its_limit_is_refused_unless_there_is_no_limit() {
        let error = of_deploy(&parse(&[("McpuLimit", "500"), ("CpuRequest", "1")])).unwrap_err();
        assert!(error.message.contains("McpuRequest") && error.message.contains("McpuLimit"));
        of_deploy(&parse(&[("McpuLimit", "0"), ("CpuRequest", "1")])).unwrap();
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for (name, value) in [
            ("LimitMem", "1.5"),
            ("LimitMem", "-1"),
            ("LimitMem", "1Gi"),
            ("LimitCpu", "0.0001"),
            ("LimitCpu", "."),
            ("LimitmCpu", "99999999999"),
            ("LimitMem", "99999999999999999999"),
        ] {
            assert_eq!(of_insert(&parse(&[(name, value)])).unwrap_err().code, "InvalidParameter", "{name} {value}");
        }
    }
}
