//! `sternway key rotate-master`: another master key for everything that is sealed.

use std::path::Path;

use anyhow::bail;
use sternway_core::ports::Audit as _;
use sternway_store::{MASTER_KEY_FILE, MASTER_KEY_VARIABLE, MasterKey, NEW_MASTER_KEY_VARIABLE};

use super::record::entry;
use crate::compose;
use crate::exit::Outcome;
use crate::output;

/// Does it, in a data directory that no server uses.
pub(super) async fn run(data: &Path) -> anyhow::Result<Outcome> {
    let in_environment = std::env::var_os(MASTER_KEY_VARIABLE).is_some();
    let new = MasterKey::load_new()?;
    match (in_environment, &new) {
        (true, None) => bail!(
            "the master key is in {MASTER_KEY_VARIABLE}, which cannot be changed from here: put the new one, such as `head -c 32 /dev/urandom | base64` makes, \
             into {NEW_MASTER_KEY_VARIABLE}, run this again, and give the server the new one as {MASTER_KEY_VARIABLE} from then on"
        ),
        (false, Some(_)) => bail!(
            "{NEW_MASTER_KEY_VARIABLE} is set, but the master key is the file {MASTER_KEY_FILE}: unset it, and a new file is made"
        ),
        (true, Some(_)) | (false, None) => {}
    }
    let store = compose::open_existing(data).await?;
    store.append(entry("RotateMasterKey", &[])).await?;
    let sealed = store.rotate_master_key(data, new).await?;
    output::say(&format!("{sealed} values are sealed by the new master key."));
    if in_environment {
        output::say(&format!("Give the server the new key as {MASTER_KEY_VARIABLE} from now on."));
    } else {
        let path = data.join(MASTER_KEY_FILE);
        output::say(&format!("It is in {}; back it up. Backups of before still need the old one.", path.display()));
    }
    Ok(Outcome::Succeeded)
}
