"""Clusters and logical regions."""

from harness.suite import equal

from ..defaults import REGION
from ..world import LEFT_OUT


def clusters(world):
    """The clusters that there are, and one that is imported again."""
    body = world.call("ListCluster", ResourceGroupId="default")
    world.ids["cluster"] = body["ClusterList"]["Cluster"][0]["ClusterId"]
    world.call("GetCluster")
    world.call("GetK8sCluster", ClusterType=7, RegionTag=REGION, SubClusterType="ManagedKubernetes")
    namespaces = world.call("ListK8sNamespaces")
    world.call("ImportK8sCluster", EnableAsm=False, Mode=0, NamespaceId=LEFT_OUT)
    if "default" not in str(namespaces):
        raise AssertionError(f"no namespace default in {namespaces}")


def regions(world):
    """A logical region, made, shown and deleted."""
    tag = f"{REGION}:{world.name}"
    common = {"DebugEnable": True, "MseInstanceId": LEFT_OUT, "RegistryType": "default", "RegionTag": tag}
    region = world.call("InsertOrUpdateRegion", Id=0, RegionName="first", Description="a region", **common)["UserDefineRegionEntity"]
    again = world.call("InsertOrUpdateRegion", Id=region["Id"], RegionName="second", Description="", **common)["UserDefineRegionEntity"]
    equal((again["Id"], again["RegionName"]), (region["Id"], "second"), "the region as changed")
    world.call("ListUserDefineRegion", DebugEnable=True)
    world.call("DeleteUserDefineRegion", Id=region["Id"], RegionTag=tag)


def forget(world):
    """A cluster that nobody uses any more."""
    world.call("DeleteCluster", Mode=0)
