//! The next request: which operation, with which parameters, signed by whom, and what may be answered.

use std::collections::BTreeSet;

use sternway_server::served_operations;
use sternway_wire::catalog::{Catalog, Location, Operation, ParameterKind, ParameterSpec};
use sternway_wire::query;
use sternway_wire::signature::roa;

use crate::dice::Dice;
use crate::fake_clusters::Mood;
use crate::known::USUAL;
use crate::live::{DISABLED, GUEST, Live, ROOT};
use crate::request::{Request, Scheme, Signer};
use crate::{tricks, values, webhooks};

/// What a request is meant to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Parameters, well signed and well sent.
    Parameters,
    /// The same while clusters are away or forbid everything.
    Away,
    /// Paths, encodings, methods, content types and headers that clients do not send; well signed.
    Trick,
    /// Not signed, or not rightly, or by someone who may not.
    Unsigned,
    /// Bytes that HTTP refuses, or that break off.
    NoHttp,
}

/// What may be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// Anything in an envelope.
    Answer,
    /// A gateway error.
    Refusal,
    /// A gateway error, or a list without anything in it: who may see nothing may still ask.
    Nothing,
    /// Anything in an envelope, or what HTTP itself says before there is a request.
    Http,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) operation: &'static str,
    pub(crate) kind: Kind,
    pub(crate) request: Request,
    pub(crate) expected: Expected,
    pub(crate) mood: Mood,
}

/// Name and value of a parameter, and whether it travels in the body.
type Pair = (String, String, bool);

#[derive(Debug)]
pub(crate) struct Traffic {
    dice: Dice,
    served: BTreeSet<&'static str>,
    count: usize,
    /// The nonce of a request that was let in.
    spent: Option<String>,
}

/// Lists that say the same to whoever signs: what the server knows, not what anybody has.
const SAME_FOR_ALL: [&str; 2] = ["ListBuildPack", "ListComponents"];

/// The operations that are served and asked for: all of EDAS, and of our extensions those on webhooks.
pub(crate) fn served() -> Vec<&'static str> {
    let mut served = served_operations();
    served.extend(webhooks::OPERATIONS);
    served
}

impl Traffic {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed), served: served().into_iter().collect(), count: 0, spent: None }
    }

    pub(crate) fn next(&mut self, host: &str, live: &Live, only: Option<Kind>) -> Case {
        self.count += 1;
        let operation = self.operation();
        let kind = only.unwrap_or_else(|| match self.dice.below(100) {
            0..60 => Kind::Parameters,
            60..66 => Kind::Away,
            66..80 => Kind::Trick,
            80..94 => Kind::Unsigned,
            _ => Kind::NoHttp,
        });
        let pairs = match kind {
            Kind::Parameters => self.hostile_pairs(operation, live),
            Kind::Away | Kind::Trick | Kind::Unsigned | Kind::NoHttp => self.plausible_pairs(operation, live),
        };
        let mut request = self.request(operation, pairs, host);
        let mut expected = Expected::Answer;
        match kind {
            Kind::Parameters | Kind::Away => {
                let signer = self.signer();
                if signer.id != ROOT.id {
                    expected = Expected::Refusal;
                }
                let nonce = self.sign(&mut request, operation, signer);
                if kind == Kind::Parameters && signer.id == ROOT.id && is_readable(&request) {
                    self.spent = nonce.or(self.spent.take());
                }
            }
            Kind::Trick => {
                let chunked = tricks::play(&mut request, &mut self.dice);
                self.sign(&mut request, operation, ROOT);
                if chunked {
                    tricks::chunk(&mut request);
                }
            }
            Kind::Unsigned => {
                expected = Expected::Refusal;
                let nonce = self.nonce();
                tricks::forge(&mut request, operation, &nonce, self.spent.as_deref(), &mut self.dice);
            }
            Kind::NoHttp => {
                expected = Expected::Http;
                self.sign(&mut request, operation, ROOT);
                tricks::mangle(&mut request, &mut self.dice);
            }
        }
        let claims_guest = request
            .headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && value.contains(GUEST.id));
        if expected == Expected::Refusal && claims_guest {
            expected = if SAME_FOR_ALL.contains(&operation.name) { Expected::Answer } else { Expected::Nothing };
        }
        if request.raw.is_none() && !is_readable(&request) {
            expected = Expected::Http;
        }
        let mood = match kind {
            Kind::Away => self.dice.pick(&[Mood::Away, Mood::Forbidding]),
            Kind::Parameters | Kind::Trick | Kind::Unsigned | Kind::NoHttp => Mood::Well,
        };
        Case { operation: operation.name, kind, request, expected, mood }
    }

    /// Every operation in turn, and those that are served more often.
    fn operation(&mut self) -> &'static Operation {
        let all = Catalog::operations();
        if self.count.is_multiple_of(2) {
            return &all[self.count / 2 % all.len()];
        }
        let name = self.served.iter().nth(self.dice.below(self.served.len())).unwrap();
        Catalog::by_name(name).unwrap()
    }

    fn signer(&mut self) -> Signer {
        match self.dice.below(100) {
            0..93 => ROOT,
            93..97 => GUEST,
            _ => DISABLED,
        }
    }

    fn nonce(&mut self) -> String {
        format!("nonce-{}-{:x}", self.count, self.dice.roll())
    }

    /// Signs in the manner of some client; the nonce, if that client sends one.
    fn sign(&mut self, request: &mut Request, operation: &Operation, signer: Signer) -> Option<String> {
        let scheme = self.dice.pick(&[
            Scheme::Acs3,
            Scheme::Acs3,
            Scheme::Roa(roa::Form::JAVA),
            Scheme::Roa(roa::Form::PYTHON),
            Scheme::Roa(roa::Form::GO),
        ]);
        let nonce = self.dice.percent(70).then(|| self.nonce());
        request.sign(scheme, signer, operation.name, nonce.as_deref());
        nonce
    }

    fn request(&mut self, operation: &Operation, pairs: Vec<Pair>, host: &str) -> Request {
        let (form, query): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(|(_, _, body)| *body);
        let strip = |pairs: Vec<Pair>| -> Vec<(String, String)> {
            pairs.into_iter().map(|(name, value, _)| (name, value)).collect()
        };
        let mut request = Request::new(operation.method, operation.path, &strip(query));
        request.set("host", host);
        request.set("accept", self.dice.pick(&["application/json", "application/octet-stream", "*/*"]));
        request.body = query::join(&strip(form)).into_bytes();
        if !request.body.is_empty() || self.dice.percent(20) {
            request.set("content-type", "application/x-www-form-urlencoded");
        }
        if self.dice.percent(10) {
            let name = self.dice.pick(&["regionid", "x-acs-region-id", "x-edas-deploy-source"]);
            let value =
                self.dice.pick(&["cn-hangzhou", "cn-hangzhou:test", "应用", "\"<b>\" \\u0041", "%00", "x'; --"]);
            request.set(name, value);
        }
        request
    }

    /// What the operation understands: all it needs, and some of the rest.
    fn plausible_pairs(&mut self, operation: &Operation, live: &Live) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for specification in &operation.parameters {
            if specification.required || self.dice.percent(12) {
                pairs.push(self.plausible_pair(operation, specification, live));
            }
        }
        let usual = USUAL.iter().find(|(name, _)| *name == operation.name);
        for name in usual.map_or(&[][..], |(_, names)| names) {
            if pairs.iter().any(|(present, _, _)| present == name) || !self.dice.percent(90) {
                continue;
            }
            match operation.parameters.iter().find(|specification| specification.name == *name) {
                Some(specification) => pairs.push(self.plausible_pair(operation, specification, live)),
                // One of our own, which may travel in either place.
                None => {
                    let value = values::plausible(operation.name, name, ParameterKind::String, live, &mut self.dice);
                    pairs.push(((*name).to_owned(), value, self.dice.percent(50)));
                }
            }
        }
        pairs
    }

    fn plausible_pair(&mut self, operation: &Operation, specification: &ParameterSpec, live: &Live) -> Pair {
        let value = values::plausible(operation.name, specification.name, specification.kind, live, &mut self.dice);
        (specification.name.to_owned(), value, specification.location == Location::Body)
    }

    fn hostile_pairs(&mut self, operation: &Operation, live: &Live) -> Vec<Pair> {
        let mut pairs = match self.dice.below(100) {
            0..8 => Vec::new(),
            8..70 => self.plausible_pairs(operation, live),
            _ => self.everything(operation, live),
        };
        // A third is left as it is: that is how requests come to live state.
        for _ in 0..self.dice.below(3) {
            let Some(specification) = any(&operation.parameters, &mut self.dice) else { break };
            let value = values::hostile(operation.name, Some(specification), live, &mut self.dice);
            pairs.retain(|(name, _, _)| name != specification.name);
            pairs.push((specification.name.to_owned(), value, specification.location == Location::Body));
        }
        self.disturb(&mut pairs, live);
        pairs
    }

    /// Each parameter for itself: absent, expected or hostile.
    fn everything(&mut self, operation: &Operation, live: &Live) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for specification in &operation.parameters {
            let value = match self.dice.below(10) {
                0..4 => continue,
                4..8 => self.plausible_pair(operation, specification, live).1,
                _ => values::hostile(operation.name, Some(specification), live, &mut self.dice),
            };
            pairs.push((specification.name.to_owned(), value, specification.location == Location::Body));
        }
        pairs
    }

    /// Names that are repeated, unknown, flattened, misplaced or too many.
    fn disturb(&mut self, pairs: &mut Vec<Pair>, live: &Live) {
        let value = |dice: &mut Dice| values::hostile("", None, live, dice);
        match self.dice.below(40) {
            0 if !pairs.is_empty() => {
                let mut twice = pairs[self.dice.below(pairs.len())].clone();
                twice.1 = value(&mut self.dice);
                pairs.push(twice);
            }
            1 => pairs.push((value(&mut self.dice), value(&mut self.dice), false)),
            2 => pairs.push(("n".repeat(200), String::new(), false)),
            3 if !pairs.is_empty() => {
                let at = self.dice.below(pairs.len());
                let suffix = self.dice.pick(&[".1", ".1.Key", ".a.b", ".", "..", ".0.0.0", ".99999999999", "[0]", " "]);
                pairs[at].0.push_str(suffix);
            }
            4 => pairs.iter_mut().for_each(|pair| pair.2 = !pair.2),
            5 => pairs.extend((0..1100).map(|index| (format!("p{index}"), String::new(), false))),
            6 => pairs.push(("RegionId".to_owned(), value(&mut self.dice), false)),
            7 => pairs.iter_mut().for_each(|pair| pair.0 = pair.0.to_lowercase()),
            _ => {}
        }
    }
}

fn any<'a>(parameters: &'a [ParameterSpec], dice: &mut Dice) -> Option<&'a ParameterSpec> {
    (!parameters.is_empty()).then(|| dice.choose(parameters))
}

/// Within what is documented: path and query have at most 65,534 bytes.
fn is_readable(request: &Request) -> bool {
    let query = request.query.as_ref().map_or(0, |query| query.len() + 1);
    request.path.len() + query <= 65_534 && request.body.len() <= crate::BODY_LIMIT
}
