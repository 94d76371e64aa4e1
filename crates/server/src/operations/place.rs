//! ListAliyunRegion, ListVpc, ListResourceGroup, QueryRegionConfig: where things are. Off Alibaba Cloud a region is a word that clusters and
//! logical regions are sorted by, and there are no virtual networks.

pub(crate) mod group;
pub(crate) mod token;

use std::collections::BTreeSet;
use std::sync::Arc;

use sternway_wire::model::{ListAliyunRegion, ListVpc, QueryRegionConfig, RegionConfig, RegionEntity};

use crate::call::Call;
use crate::failure::Failure;

/// ListAliyunRegion: every region that something is in, and the server's own.
pub(crate) async fn regions(call: Arc<Call>) -> Result<ListAliyunRegion, Failure> {
    let mut names = BTreeSet::from([call.shared.config.region.clone()]);
    names.extend(call.store().clusters().await?.into_iter().map(|cluster| cluster.region));
    names.extend(call.store().logical_regions().await?.iter().map(|region| belongs(&region.region_id).to_owned()));
    let region_entity_list = names.into_iter().map(|id| RegionEntity { name: id.clone(), id }).collect();
    Ok(ListAliyunRegion { region_entity_list })
}

/// ListVpc
pub(crate) async fn networks(_: Arc<Call>) -> Result<ListVpc, Failure> {
    Ok(ListVpc::default())
}

/// QueryRegionConfig: the region's names. There is neither an agent to install nor a file server to fetch it from.
pub(crate) async fn config(call: Arc<Call>) -> Result<QueryRegionConfig, Failure> {
    let region = belongs(&call.region).to_owned();
    let region_config = RegionConfig {
        address_server_host: call.host.clone(),
        id: region.clone(),
        name: region.clone(),
        tag: region,
        ..RegionConfig::default()
    };
    Ok(QueryRegionConfig { region_config })
}

/// The region that a logical region is in.
pub(crate) fn belongs(tag: &str) -> &str {
    tag.split(':').next().unwrap_or_default()
}
