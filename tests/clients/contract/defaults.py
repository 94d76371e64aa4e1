"""A good value for each parameter, by its name; a call overrides what means something else there.

What describes pods is in `plan/pods.py`, with what it has to do to them.
"""

from .plan import pods
from .world import LEFT_OUT

REGION = "cn-hangzhou"
IMAGE = "registry.local/shop"

DEFAULTS = {
    # What a call is about.
    "AppId": lambda world: world.ids["app"],
    "ChangeOrderId": lambda world: world.ids["order"],
    "ClusterId": lambda world: world.ids["cluster"],
    "LogicalRegionId": REGION,
    "Namespace": "default",
    "RegionId": REGION,
    "regionId": REGION,
    "CurrentPage": 1,
    "PageNo": 1,
    "PageSize": 50,
    "Timeout": 600,
    # An application beside its pods.
    "ApplicationDescription": "the shop",
    "DeployAcrossNodes": "false",
    "DeployAcrossZones": "false",
    "ImagePlatforms": "linux/amd64",
    # No cluster of a sandbox has such a class: `applications.runtime_class`.
    "RuntimeClassName": LEFT_OUT,
    # What it may use.
    "CpuLimit": 1,
    "CpuRequest": 0,
    "LimitCpu": 1,
    "LimitmCpu": 500,
    "LimitMem": 512,
    "LimitEphemeralStorage": 1,
    "McpuLimit": 500,
    "McpuRequest": 100,
    "MemoryLimit": 512,
    "MemoryRequest": 128,
    "RequestsCpu": 0,
    "RequestsmCpu": 100,
    "RequestsMem": 128,
    "RequestsEphemeralStorage": 1,
    # Packages; an application of an image has none.
    "BuildPackId": LEFT_OUT,
    "EdasContainerVersion": LEFT_OUT,
    "JDK": LEFT_OUT,
    "JavaStartUpConfig": LEFT_OUT,
    "PackageUrl": LEFT_OUT,
    "PackageVersion": "build-1",
    "PackageVersionId": LEFT_OUT,
    "UriEncoding": LEFT_OUT,
    "UseBodyEncoding": LEFT_OUT,
    "UserBaseImageUrl": LEFT_OUT,
    "WebContainer": LEFT_OUT,
    "WebContainerConfig": LEFT_OUT,
    # What means something on Alibaba Cloud only.
    "AppConfig": {},
    "AppTemplateName": "none",
    "CanaryRuleId": "none",
    "ContainerRegistryId": "none",
    "CustomAgentVersion": "none",
    "EnableAhas": False,
    "EnableAsm": False,
    "EnableEmptyPushReject": False,
    "EnableLosslessRule": False,
    "FeatureConfig": {},
    "IsMultilingualApp": False,
    "LosslessRuleAligned": False,
    "LosslessRuleDelayTime": 0,
    "LosslessRuleFuncType": 2,
    "LosslessRuleRelated": False,
    "LosslessRuleWarmupTime": 120,
    "RepoId": "none",
    "StorageType": "none",
    **pods.values(pods.FIRST),
}
