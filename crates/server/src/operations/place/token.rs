//! GetSecureToken: the pair of keys by which the applications of one logical region are told from those of another. EDAS's own registry and
//! configuration service ask for it; here it is for a registry of the user's own. It opens nothing of this API.

use std::sync::Arc;

use rand::Rng as _;
use rand::distr::Alphanumeric;
use serde::{Deserialize, Serialize};
use sternway_core::ports::{LogicalRegion, Record, Secret};
use sternway_wire::error::BusinessError;
use sternway_wire::model::{GetSecureToken, SecureToken};

use super::belongs;
use crate::call::Call;
use crate::failure::Failure;

const KIND: &str = "secure-token";
const PARAMETER: &str = "NamespaceId";
const ID_LENGTH: usize = 24;
/// 190 bits.
const SECRET_LENGTH: usize = 32;

/// What is kept of a token beside its secret.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    access_key: String,
}

/// GetSecureToken: the same each time it is asked for, from the first time until the logical region is deleted.
pub(crate) async fn get(call: Arc<Call>) -> Result<GetSecureToken, Failure> {
    let tag = call.parameters.required(PARAMETER, "the id of a microservice namespace")?;
    let made = call.store().logical_regions().await?.into_iter().find(|made| made.region_id == tag);
    if made.is_none() && tag.contains(':') {
        return Err(BusinessError::region_not_found(tag).into());
    }
    let (kept, secret) = kept_or_new(&call, tag).await?;
    Ok(GetSecureToken { secure_token: shown(&call, tag, made.as_ref(), kept, &secret) })
}

/// Forgets the token of a logical region that is deleted.
pub(crate) async fn forget(call: &Call, tag: &str) -> Result<(), Failure> {
    call.records().delete_record(KIND, tag).await?;
    Ok(())
}

async fn kept_or_new(call: &Call, tag: &str) -> Result<(Kept, Secret), Failure> {
    loop {
        if let Some(record) = call.records().record(KIND, tag).await? {
            let secret = record.secret.unwrap_or_else(|| Secret::new(""));
            return Ok((serde_json::from_value(record.document)?, secret));
        }
        let kept = Kept { access_key: random(ID_LENGTH) };
        let secret = Secret::new(random(SECRET_LENGTH));
        let record = Record {
            kind: KIND.to_owned(),
            id: tag.to_owned(),
            owner: tag.to_owned(),
            revision: 1,
            document: serde_json::to_value(&kept)?,
            secret: Some(secret.clone()),
        };
        // Whoever comes second takes what the first one made.
        if call.records().put_record(record).await? {
            return Ok((kept, secret));
        }
    }
}

fn random(length: usize) -> String {
    rand::rng().sample_iter(Alphanumeric).take(length).map(char::from).collect()
}

fn shown(call: &Call, tag: &str, region: Option<&LogicalRegion>, kept: Kept, secret: &Secret) -> SecureToken {
    let told = |tell: fn(&LogicalRegion) -> &str| region.map(tell).unwrap_or_default().to_owned();
    SecureToken {
        access_key: kept.access_key,
        address_server_host: call.host.clone(),
        belong_region: belongs(tag).to_owned(),
        description: told(|region| &region.description),
        edas_id: call.caller.user.clone(),
        id: region.map_or(0, |region| region.id),
        mse_instance_id: told(|region| &region.mse_instance_id),
        mse_registry_type: told(|region| &region.registry_type),
        region_id: tag.to_owned(),
        region_name: region.map_or(tag, |region| &region.name).to_owned(),
        secret_key: secret.reveal().to_owned(),
        tenant_id: tag.to_owned(),
        user_id: call.caller.user.clone(),
        ..SecureToken::default()
    }
}
