"""Regions, networks, resource groups, tokens: nothing of it is on a cluster."""

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
