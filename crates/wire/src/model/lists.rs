//! Item-named lists: a vector here, `{"<Item>": [..]}` on the wire.
//!
//! Each module is for serde's `with`. The one of components writes its list under two names: the Tea SDKs read
//! `Components.Components`, Terraform reads `Components.ComponentsItem`, and Java lays both over each other.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

macro_rules! item_named {
    ($($module:ident => $($item:literal),+;)+) => {$(
        pub(super) mod $module {
            use super::*;

            pub(in crate::model) fn serialize<T, S>(items: &[T], serializer: S) -> Result<S::Ok, S::Error>
            where
                T: Serialize,
                S: Serializer,
            {
                let mut object = serializer.serialize_map(None)?;
                $(object.serialize_entry($item, items)?;)+
                object.end()
            }

            pub(in crate::model) fn deserialize<'de, T, D>(deserializer: D) -> Result<Vec<T>, D::Error>
            where
                T: Deserialize<'de>,
                D: Deserializer<'de>,
            {
                let mut object = BTreeMap::<String, Vec<T>>::deserialize(deserializer)?;
                Ok(None$(.or(object.remove($item)))+.unwrap_or_default())
            }
        }
    )+};
}

item_named! {
    action => "Action";
    application => "Application";
    authority => "Authority";
    build_pack => "BuildPack";
    change_order => "ChangeOrder";
    cluster => "Cluster";
    cmd_arg => "CmdArg";
    component => "Component";
    components => "Components", "ComponentsItem";
    deploy_group => "DeployGroup";
    deploy_record => "DeployRecord";
    ecc => "Ecc";
    ecs_entity => "EcsEntity";
    ecu => "Ecu";
    env => "Env";
    group => "Group";
    instance_dto => "InstanceDTO";
    instance_stage_dto => "InstanceStageDTO";
    items => "Items";
    package_version => "PackageVersion";
    pipeline_info => "PipelineInfo";
    region_entity => "RegionEntity";
    res_group_entity => "ResGroupEntity";
    role_item => "RoleItem";
    slb_entity => "SlbEntity";
    stage_detail_dto => "StageDetailDTO";
    stage_info_dto => "StageInfoDTO";
    sub_account => "SubAccount";
    tag_resource => "TagResource";
    task_info_dto => "TaskInfoDTO";
    user_define_region_entity => "UserDefineRegionEntity";
    vpc_entity => "VpcEntity";
}
