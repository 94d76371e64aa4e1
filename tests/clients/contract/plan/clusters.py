"""Clusters and logical regions."""

import json
import os
import pathlib

from harness.server import binary
from harness.suite import equal

from ..defaults import REGION
from ..world import LEFT_OUT
from .pods import FILE_SYSTEMS


def clusters(world):
    """The clusters that there are, and one that is imported again."""
    body = world.call("ListCluster", ResourceGroupId="default")
    world.ids["cluster"] = body["ClusterList"]["Cluster"][0]["ClusterId"]
    world.call("GetCluster")
    world.call("GetK8sCluster", ClusterType=7, RegionTag=REGION, SubClusterType="ManagedKubernetes")
    world.kubectl("create", "namespace", "shops")
    world.ids["namespaces"] = sorted(item["metadata"]["name"] for item in world.json("namespaces")["items"])
    listed = world.call("ListK8sNamespaces")
    equal(sorted(item["Namespace"] for item in listed["Data"]), world.ids["namespaces"], "the namespaces")
    world.call("ImportK8sCluster", EnableAsm=False, Mode=0, NamespaceId=REGION)
    world.extended("ImportK8sCluster", {"NasFileSystems": json.dumps(FILE_SYSTEMS)}, ClusterId=world.ids["cluster"])


def regions(world):
    """A logical region, made, shown and deleted."""
    tag = f"{REGION}:{world.name}"
    common = {"DebugEnable": True, "MseInstanceId": "mse-1", "RegistryType": "default", "RegionTag": tag}
    region = world.call("InsertOrUpdateRegion", Id=0, RegionName="first", Description="a region", **common)["UserDefineRegionEntity"]
    again = world.call("InsertOrUpdateRegion", Id=region["Id"], RegionName="second", Description="", **common)["UserDefineRegionEntity"]
    equal((again["Id"], again["RegionName"]), (region["Id"], "second"), "the region as changed")
    world.call("ListUserDefineRegion", DebugEnable=True)
    world.call("DeleteUserDefineRegion", Id=region["Id"], RegionTag=tag)


def import_command(world):
    """The line does what it says, in a shell that knows kubectl and sternway: the cluster is one that is known."""
    line = world.call("CreateIDCImportCommand")["Data"]
    folder = str(pathlib.Path(binary()).parent)
    shell = ["env", "-u", "STERNWAY_ENDPOINT", f"PATH={folder}{os.pathsep}{os.environ['PATH']}", "sh", "-c", line]
    equal(world.execute(*shell).strip(), world.ids["cluster"], "the cluster that the line imported")


def forget(world):
    """A cluster that nobody uses any more is forgotten, and goes on running."""
    world.call("DeleteCluster", Mode=0)
    equal(world.call("GetCluster", code=601)["Code"], 601, "the Code for a cluster that was forgotten")
    equal(sorted(item["metadata"]["name"] for item in world.json("namespaces")["items"]), world.ids["namespaces"], "its namespaces")
