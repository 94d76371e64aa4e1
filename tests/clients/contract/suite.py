"""Every operation, with every parameter, through two generations of the SDK: `python -m contract.suite`. Needs STERNWAY_BINARY and kubectl.

Each generation has a server of its own. The two go through the plan side by side; what only one of them finds is found all the same.
"""

import contextlib
import copy
import sys

from harness.server import Server
from harness.suite import Suite, equal
from python.generations import Legacy, Tea

from .catalog import spoiled
from .defaults import DEFAULTS
from .plan import applications, clusters, lanes, packages, permissions, places, resources, rules
from .world import World, never_called, never_filled, never_sent

# In this sequence: what one makes, the next ones use.
PLAN = [
    clusters.clusters,
    clusters.import_command,
    clusters.regions,
    places.places,
    resources.config_maps,
    resources.secrets,
    applications.create,
    applications.show,
    permissions.grants,
    lanes.swimming_lanes,
    lanes.migration,
    resources.services,
    resources.load_balancers,
    resources.ingress_rules,
    resources.users,
    resources.anything,
    resources.conversion,
    resources.take_away,
    applications.release,
    applications.gray_release,
    applications.change,
    # A minute has to begin until the rule scales; what is between concerns other applications.
    rules.scaling,
    applications.create_with_services,
    packages.runtimes,
    packages.upload,
    packages.of_a_jar,
    packages.of_a_war,
    rules.prechecks,
    rules.templates,
    rules.tags,
    rules.scaled,
    rules.hooks_and_logs,
    rules.ways_back,
    applications.change_pods,
    applications.runtime_class,
    applications.retry,
    applications.delete,
    resources.forget,
    clusters.forget,
]

# Lists that have no items anywhere but on Alibaba Cloud.
ALWAYS_EMPTY = [
    # There is no certificate service.
    ("ListK8sSecrets", "Result.Secrets[].CertDetail.DomainNames"),
    # Pods run on nodes, which no group has, and load balancers belong to applications.
    ("ListResourceGroup", "ResourceGroupList[].SlbList"),
    ("ListResourceGroup", "ResourceGroupList[].ecsList"),
    # There are no networks.
    ("ListVpc", "VpcList"),
]

# Families that concern no object of a cluster.
NOT_ON_CLUSTERS = ["places"]

suite = Suite("contract")


def main():
    with contextlib.ExitStack() as servers:
        worlds = [World(generation, servers.enter_context(Server()), DEFAULTS) for generation in (Legacy, Tea)]
        for world in worlds:
            for step in PLAN:
                register(world, step)
        judge(worlds)
        return suite.run(side_by_side=[world.name for world in worlds])


def register(world, step):
    @suite.scenario(f"{world.name}: {family(step)}: {step.__name__.replace('_', ' ')}", chain=world.name)
    def run():
        world.family = family(step)
        step(world)


def family(step):
    """The operations that a step is about: the name of its module."""
    return step.__module__.rpartition(".")[2]


def judge(worlds):
    """What has to be true when the plan was carried out."""

    @suite.scenario("every operation is called through every generation that has it", chain="operations")
    def operations():
        equal(never_called(worlds), [], "what was not called")

    @suite.scenario("every parameter is sent through every generation that has it", chain="parameters")
    def all_parameters():
        equal(never_sent(worlds), [], "what was not sent")

    @suite.scenario("every list has items in some answer, but those that mean nothing here", chain="lists")
    def lists():
        equal(never_filled(worlds), ALWAYS_EMPTY, "the lists that were always empty")

    @suite.scenario("the effect of every family of operations is looked at with kubectl", chain="families")
    def families():
        families = {family(step) for step in PLAN} - set(NOT_ON_CLUSTERS)
        unseen = [(world.name, name) for world in worlds for name in sorted(families - world.looked_at)]
        equal(unseen, [], "what was not looked at")

    @suite.scenario("an answer that lacks a field, an operation or a parameter that is left out would be found", chain="judges")
    def judges():
        for world in worlds:
            for operation, (body, empty) in world.answers.items():
                for name, lacking in spoiled(operation, body, for_java=world.reads_as_java):
                    refused(lambda: world.check(operation, lacking, empty), f"{world.name} takes {operation} without {name}")
        first, second = worlds
        poorer = copy.copy(first)
        poorer.called = first.called - {"GetCluster"}
        equal(never_called([poorer, second]), [f"GetCluster ({first.name})"], "what was not called")
        poorer = copy.copy(first)
        poorer.sent = first.sent - {("GetCluster", "ClusterId")}
        equal(never_sent([poorer, second]), [f"GetCluster.ClusterId ({first.name})"], "what was not sent")


def refused(check, otherwise):
    """Raises unless the check does."""
    try:
        check()
    except AssertionError:
        return
    raise AssertionError(otherwise)


if __name__ == "__main__":
    sys.exit(main())
