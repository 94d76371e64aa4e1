//! ListAliyunRegion, ListVpc, ListResourceGroup, QueryRegionConfig: where things are. Off Alibaba Cloud a region is a word that clusters and
//! logical regions are sorted by, and there are no virtual networks.

pub(crate) mod group;
pub(crate) mod token;

use std::collections::BTreeSet;
use std::sync::Arc;

use sternway_access::{Action, Resource};
use sternway_wire::model::{
    FileServerConfig, ListAliyunRegion, ListVpc, QueryRegionConfig, RegionConfig, RegionEntity,
};

use crate::call::Call;
use crate::failure::Failure;

/// EDAS's word for a file server that speaks OSS.
const FILE_SERVER: &str = "oss";

/// ListAliyunRegion: the server's own region and every other that something is in, as far as the caller may see it.
pub(crate) async fn regions(call: Arc<Call>) -> Result<ListAliyunRegion, Failure> {
    let may_read = |tag: &str| call.permit.allows(Action::ReadNamespace, &Resource::namespace(Some(tag)));
    let mut names = BTreeSet::new();
    let own = &call.shared.config.region;
    if may_read(own) {
        names.insert(own.clone());
    }
    let clusters = call.store().clusters().await?.into_iter().filter(|cluster| call.may_read_cluster(cluster));
    names.extend(clusters.map(|cluster| cluster.region));
    let logical = call.store().logical_regions().await?.into_iter().filter(|region| may_read(&region.region_id));
    names.extend(logical.map(|region| belongs(&region.region_id).to_owned()));
    let region_entity_list = names.into_iter().map(|id| RegionEntity { name: id.clone(), id }).collect();
    Ok(ListAliyunRegion { region_entity_list })
}

/// ListVpc
pub(crate) async fn networks(_: Arc<Call>) -> Result<ListVpc, Failure> {
    Ok(ListVpc::default())
}

/// QueryRegionConfig: the region's names, and this server as the file server: plug-ins upload packages there. There is no agent to install.
pub(crate) async fn config(call: Arc<Call>) -> Result<QueryRegionConfig, Failure> {
    let region = belongs(&call.region).to_owned();
    let (file_server_type, file_server_config) = file_server(&call).await?;
    let region_config = RegionConfig {
        address_server_host: call.host.clone(),
        file_server_config,
        file_server_type,
        id: region.clone(),
        name: region.clone(),
        tag: region,
        ..RegionConfig::default()
    };
    Ok(QueryRegionConfig { region_config })
}

/// Where packages are uploaded, if this server takes any: the plug-ins for other places than Alibaba Cloud look here for the host.
async fn file_server(call: &Call) -> Result<(String, FileServerConfig), Failure> {
    let Some(service) = &call.shared.packages else {
        return Ok((String::new(), FileServerConfig::default()));
    };
    let Some(url) = service.public_url() else {
        return Ok((String::new(), FileServerConfig::default()));
    };
    let host = url.split_once("://").map_or(url, |(_, host)| host).to_owned();
    let bucket = service.keys(call.records()).await?.bucket();
    let config = FileServerConfig { bucket, internal_url: host.clone(), public_url: host.clone(), vpc_url: host };
    Ok((FILE_SERVER.to_owned(), config))
}

/// The region that a logical region is in.
pub(crate) fn belongs(tag: &str) -> &str {
    tag.split(':').next().unwrap_or_default()
}
