//! Swimming lanes: some pods of some applications, and the requests that go to them.
//!
//! A group says which applications there are and by which one requests come in. A lane has a tag, applications and rules. What it means on a cluster:
//!
//! ```text
//!   HTTPRoute <entry>-lanes-<group>     one per group: the rules of all its lanes that are switched on, by priority
//!        │ matches: header, cookie, parameter, path; weights: percent
//!        ▼
//!   Service <app>-lane-<lane>           one per lane and application: the pods of the lane
//! ```
//!
//! The pods of a lane are those of its applications that carry the tag in the label `alicloud.service.tag`; of an application that is not of the group
//! (one of its own for the lane), all of them. Pods and templates are never touched: the label is set by a deploy.
//!
//! What is kept are two kinds of records ([`record`]). What has to be on the clusters follows from them and from what is there ([`plan`]); so an
//! operation plans first, which finds everything that is wrong, then writes its record, and then brings the clusters to the plan ([`apply`]), which may
//! be repeated at will.

mod apply;
pub(crate) mod entrance;
pub(crate) mod group;
pub(crate) mod lanes;
pub(crate) mod plan;
mod record;
pub(crate) mod rules;

use tokio::sync::Mutex;

use crate::call::Call;
use crate::failure::Failure;

/// The label of pods that says of which lane they are, as Alibaba Cloud's service governance has it.
const TAG_LABEL: &str = "alicloud.service.tag";
/// The label of our objects with the id of the group.
const GROUP_LABEL: &str = "sternway.io/lane-group";
/// The label of a lane's Services with the id of the lane.
const LANE_LABEL: &str = "sternway.io/lane";

/// Lanes are changed one at a time: what is brought to a cluster is made of all lanes of a group, and an older plan must not win over a newer one.
static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());

/// The logical region of the group in GroupId, as permission is asked by; `None` if there is no such group.
pub(crate) async fn region_of_group(call: &Call) -> Result<Option<String>, Failure> {
    match call.parameters.integer("GroupId", 1..=i64::MAX)? {
        Some(id) => Ok(record::find_group(call.records(), id).await?.map(|group| group.value.logical_region)),
        None => Ok(None),
    }
}

/// The same for the lane in LaneId.
pub(crate) async fn region_of_lane(call: &Call) -> Result<Option<String>, Failure> {
    let lane = match call.parameters.integer("LaneId", 1..=i64::MAX)? {
        Some(id) => record::lane(call.records(), id).await?,
        None => None,
    };
    match lane {
        Some(lane) => {
            let group = record::find_group(call.records(), lane.value.group).await?;
            Ok(group.map(|group| group.value.logical_region))
        }
        None => Ok(None),
    }
}
