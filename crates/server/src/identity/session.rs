//! Roles that were taken on for a while: a temporary key, and the token without which it is worth nothing.
//!
//! Key and token are kept until a day after their end, so that whoever comes late is told so; the next taking on sweeps the older ones away.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sternway_core::ports::{Ids, Record, Records, Secret};
use sternway_wire::error::GatewayError;

use crate::failure::Failure;

/// What the ids of temporary keys begin with, as in STS.
pub(crate) const PREFIX: &str = "STS.";

const KIND: &str = "sts-session";
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// More than anybody has use for at a time; each is a row that is read at every taking on.
const MOST_EACH: usize = 1000;

/// A role taken on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RoleSession {
    /// The role.
    pub(crate) role: String,
    /// What the one who took it on calls it.
    pub(crate) name: String,
    /// Narrows the role.
    pub(crate) policy: Option<String>,
    /// Who took it on, by name as policies have it.
    pub(crate) assumed_by: String,
    /// The user that it all began with: whoever took on roles one after the other is still the same person.
    #[serde(default)]
    pub(crate) user: String,
    /// Until when.
    pub(crate) expires_at: Timestamp,
}

/// What is secret about it.
#[derive(Serialize, Deserialize)]
struct Sealed {
    secret: Secret,
    token: Secret,
}

/// A temporary key.
#[derive(Debug)]
pub(crate) struct TemporaryKey {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) token: Secret,
    pub(crate) session: RoleSession,
}

impl RoleSession {
    /// Who acts: a name that no user can have.
    pub(crate) fn principal(&self) -> String {
        format!("{}/{}", self.role, self.name)
    }
}

impl TemporaryKey {
    /// Begins a session; what ended long ago is swept away, and for one with many of them what ended at all.
    pub(crate) async fn begin(
        records: &dyn Records,
        ids: &dyn Ids,
        session: RoleSession,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut own = Vec::new();
        for record in records.records(KIND, None).await? {
            let old: RoleSession = serde_json::from_value(record.document)?;
            if now.duration_since(old.expires_at) > KEPT {
                records.delete_record(KIND, &record.id).await?;
            } else if old.user == session.user {
                own.push((old.expires_at, record.id));
            }
        }
        own.sort_unstable();
        for (expires_at, id) in own.iter().take((own.len() + 1).saturating_sub(MOST_EACH)) {
            if *expires_at > now {
                return Err(GatewayError::throttled_user().into());
            }
            records.delete_record(KIND, id).await?;
        }
        let key = Self {
            id: format!("{PREFIX}{}", ids.fresh().simple()),
            secret: random_secret(ids),
            token: random_secret(ids),
            session,
        };
        let sealed = Sealed { secret: key.secret.clone(), token: key.token.clone() };
        let record = Record {
            kind: KIND.to_owned(),
            id: key.id.clone(),
            owner: key.session.role.clone(),
            revision: 1,
            document: serde_json::to_value(&key.session)?,
            secret: Some(Secret::new(serde_json::to_string(&sealed)?)),
        };
        if !records.put_record(record).await? {
            return Err(Failure::Internal("a fresh id is not fresh".into()));
        }
        Ok(key)
    }

    /// Ends the sessions that are such, at once.
    pub(crate) async fn end(
        records: &dyn Records,
        is_such: impl Fn(&RoleSession) -> bool + Send,
    ) -> Result<(), Failure> {
        for record in records.records(KIND, None).await? {
            if is_such(&serde_json::from_value(record.document)?) {
                records.delete_record(KIND, &record.id).await?;
            }
        }
        Ok(())
    }

    /// The temporary key of that id.
    pub(crate) async fn find(records: &dyn Records, id: &str) -> Result<Option<Self>, Failure> {
        let Some(record) = records.record(KIND, id).await? else {
            return Ok(None);
        };
        let sealed = record.secret.ok_or_else(|| Failure::Internal("a temporary key without its secret".into()))?;
        let Sealed { secret, token } = serde_json::from_str(sealed.reveal())?;
        Ok(Some(Self { id: record.id, secret, token, session: serde_json::from_value(record.document)? }))
    }

    /// Checks the token that came with the request, without telling by the time it takes how much of it is right.
    pub(crate) fn check(&self, token: Option<&str>, now: Timestamp) -> Result<(), GatewayError> {
        let token = token.ok_or_else(GatewayError::security_token_missing)?;
        if !are_equal(token.as_bytes(), self.token.reveal().as_bytes()) {
            return Err(GatewayError::security_token_mismatch());
        }
        if now >= self.session.expires_at {
            return Err(GatewayError::security_token_expired());
        }
        Ok(())
    }
}

fn are_equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |different, (a, b)| different | (a ^ b)) == 0
}

/// 244 random bits.
pub(crate) fn random_secret(ids: &dyn Ids) -> Secret {
    Secret::new(format!("{}{}", ids.fresh().simple(), ids.fresh().simple()))
}
