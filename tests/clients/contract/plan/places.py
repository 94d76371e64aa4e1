"""Regions, networks, resource groups, tokens, and the line that imports a cluster."""

import os
import pathlib
import subprocess

from harness.server import binary
from harness.suite import equal

from ..defaults import REGION


def places(world):
    """What says where things are."""
    regions = world.call("ListAliyunRegion")["RegionEntityList"]["RegionEntity"]
    equal([region["Id"] for region in regions], [REGION], "the regions")
    equal(world.call("ListVpc", empty=["VpcList"])["VpcList"]["VpcEntity"], [], "the networks")
    groups = world.call("ListResourceGroup", empty=["ResourceGroupList[].SlbList", "ResourceGroupList[].ecsList"])
    equal(groups["ResourceGroupList"]["ResGroupEntity"][0]["Name"], "default", "the first resource group")
    equal(world.call("QueryRegionConfig")["RegionConfig"]["Id"], REGION, "the region that is configured")
    token = world.call("GetSecureToken", NamespaceId=REGION)["SecureToken"]
    equal(world.call("GetSecureToken", NamespaceId=REGION)["SecureToken"], token, "the token when it is asked for again")


def import_command(world):
    """The line does what it says, in a shell that knows kubectl and sternway."""
    line = world.call("CreateIDCImportCommand")["Data"]
    folder = str(pathlib.Path(binary()).parent)
    environment = {**world.server.environment(), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    environment.pop("STERNWAY_ENDPOINT")
    done = subprocess.run(
        ["sh", "-c", line], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60
    )
    if done.returncode:
        raise AssertionError(f"{line} failed: {done.stderr}")
    equal(done.stdout.strip(), world.ids["cluster"], "the cluster that the line imported")
