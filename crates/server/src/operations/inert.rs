//! Parameters that are accepted and change nothing: they mean something only on Alibaba Cloud.
//! `docs/edas-compatibility.md` lists exactly these.

/// By operation, both in alphabetical order. Any other parameter of a served operation has its effect.
pub(crate) const INERT: &[(&str, &[&str])] = &[
    ("BindK8sSlb", &["ClusterId"]),
    ("CreateK8sSecret", &["CertRegionId"]),
    ("DeleteCluster", &["Mode"]),
    ("DeleteK8sApplication", &["Force"]),
    (
        "DeployK8sApplication",
        &[
            "CanaryRuleId",
            "CustomAgentVersion",
            "EnableAhas",
            "EnableEmptyPushReject",
            "EnableLosslessRule",
            "ImagePlatforms",
            "LosslessRuleAligned",
            "LosslessRuleDelayTime",
            "LosslessRuleFuncType",
            "LosslessRuleRelated",
            "LosslessRuleWarmupTime",
            "StorageType",
        ],
    ),
    ("GetK8sApplication", &["From"]),
    ("GetK8sCluster", &["SubClusterType"]),
    ("ImportK8sCluster", &["EnableAsm", "Mode", "NamespaceId"]),
    (
        "InsertK8sApplication",
        &[
            "AppConfig",
            "AppTemplateName",
            "ContainerRegistryId",
            "CustomAgentVersion",
            "EnableAhas",
            "EnableAsm",
            "EnableEmptyPushReject",
            "EnableLosslessRule",
            "FeatureConfig",
            "ImagePlatforms",
            "IsMultilingualApp",
            "LosslessRuleAligned",
            "LosslessRuleDelayTime",
            "LosslessRuleFuncType",
            "LosslessRuleRelated",
            "LosslessRuleWarmupTime",
            "RepoId",
            "StorageType",
        ],
    ),
    ("MigrateApplication", &["config"]),
    ("RollbackApplication", &["GroupId"]),
    ("StartK8sAppPrecheck", &["ComponentIds", "JavaStartUpConfig", "PackageUrl"]),
    ("SynchronizeResource", &["ResourceIds"]),
    ("UnbindK8sSlb", &["ClusterId"]),
    ("UpdateHookConfiguration", &["GroupId"]),
    ("UpdateK8sApplicationConfig", &["ClusterId"]),
    ("UpdateK8sSecret", &["CertRegionId"]),
    ("UpdateK8sSlb", &["ClusterId"]),
];

/// Those of one operation.
pub(crate) fn parameters_of(operation: &str) -> &'static [&'static str] {
    let found = INERT.iter().find(|(name, _)| *name == operation);
    found.map_or(&[], |(_, parameters)| parameters)
}
