"""Every operation, with every parameter, through two generations of the SDK: `python -m contract.suite`. Needs STERNWAY_BINARY."""

import contextlib
import sys

from harness.server import Server
from harness.suite import Suite, equal
from python.generations import Legacy, Tea

from .defaults import DEFAULTS
from .plan import applications, clusters, lanes, places, rules
from .world import World, never_called, never_sent

# In this sequence: what one makes, the next ones use.
PLAN = [
    clusters.clusters,
    clusters.regions,
    places.places,
    places.import_command,
    applications.create,
    applications.show,
    lanes.swimming_lanes,
    lanes.migration,
    applications.release,
    applications.change,
    rules.prechecks,
    rules.hooks_and_logs,
    rules.scaling,
    rules.tags,
    rules.templates,
    rules.ways_back,
    applications.delete,
    clusters.forget,
]

suite = Suite("contract")


def main():
    with contextlib.ExitStack() as servers:
        worlds = [World(generation, servers.enter_context(Server()), DEFAULTS) for generation in (Legacy, Tea)]
        for world in worlds:
            for step in PLAN:
                register(world, step)

        @suite.scenario("every operation is called through every generation that has it", chain="operations")
        def operations():
            equal(never_called(worlds), [], "what was not called")

        @suite.scenario("every parameter is sent", chain="parameters")
        def all_parameters():
            equal(never_sent(worlds), [], "what was not sent")

        return suite.run()


def register(world, step):
    family = step.__module__.rpartition(".")[2]

    @suite.scenario(f"{world.name}: {family}: {step.__name__.replace('_', ' ')}", chain=world.name)
    def run():
        step(world)


if __name__ == "__main__":
    sys.exit(main())
