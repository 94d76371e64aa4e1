"""A server, one generation of the SDK, and what the calls hand on to each other."""

import json
import os
import subprocess

from harness.server import binary
from harness.suite import contains, equal
from harness.waiting import eventually
from python.generations import GatewayRefusal, Legacy

from .catalog import check_for_java, check_for_tea, kubernetes_operations, parameters

ORDER_SECONDS = 120
COMMAND_SECONDS = 60
ENDED = (2, 3, 6, 7, 10)
SUCCEEDED, FAILED, WAITING = 2, 3, 8

# A value of a step for a parameter that is not sent this time.
LEFT_OUT = object()


class World:
    """Calls operations with all their parameters, and remembers which were sent."""

    def __init__(self, generation, server, defaults):
        self.server = server
        self.name = generation.name
        self.generation = generation
        # The older SDK hands out the body as it came, as Java's parser gets it; the newer ones what their models make of it.
        self.reads_as_java = generation is Legacy
        self.sdk = generation(server.host, server.access_key_id, server.access_key_secret)
        self.defaults = defaults
        # What is known of this world by name: the ids of the application, the cluster, orders, lanes.
        self.ids = {}
        # The contents of packages by file name.
        self.packages = {}
        self.called = set()
        self.sent = set()
        # An answer of each operation, with the lists that had no items.
        self.answers = {}
        # The lists of an operation's answers that have had no items so far.
        self.without_items = {}
        # Which family of operations is being called, and those whose effect was looked at with kubectl.
        self.family = None
        self.looked_at = set()

    def call(self, operation, code=200, empty=(), order=SUCCEEDED, **values):
        """Calls an operation with all its parameters, checks the answer against the catalog, and waits for its order."""
        arguments = self.arguments(operation, values)
        body = self.sdk.call(operation, **arguments)
        self.called.add(operation)
        # The two operations of migration write it small.
        if body.get("Code", body.get("code")) != code:
            raise AssertionError(f"{operation} answered {json.dumps(body)[:1000]} to {arguments}")
        if code != 200:
            return body
        self.sent.update((operation, name) for name in arguments)
        self.check(operation, body, empty)
        self.answers[operation] = (body, empty)
        self.without_items[operation] = self.without_items.get(operation, set(empty)) & set(empty)
        started = body.get("ChangeOrderId") or (body.get("ApplicationInfo") or {}).get("ChangeOrderId")
        if started and order is not None:
            self.wait(started, order)
        return body

    def check(self, operation, body, empty):
        """Raises unless an answer has all that this generation, or Java, reads."""
        check = check_for_java if self.reads_as_java else check_for_tea
        check(operation, body, empty)

    def refused(self, operation, code, parameter, **values):
        """Calls an operation with a parameter that is known and cannot be served here: the refusal has to name it, which is its effect."""
        body = self.call(operation, code=code, **values)
        contains(body["Message"], parameter, f"the Message of {operation}")
        self.sent.add((operation, parameter))
        return body

    def extended(self, operation, extensions, **values):
        """Calls an operation with parameters of Sternway's own; the older SDK takes any."""
        sdk = Legacy(self.server.host, self.server.access_key_id, self.server.access_key_secret)
        equal(sdk.call(operation, extensions, **values)["Code"], 200, f"the Code of {operation}")

    def turned_away(self, operation, code, **values):
        """Calls an operation that the gateway has to refuse with that Code."""
        try:
            body = self.sdk.call(operation, **self.arguments(operation, values))
        except GatewayRefusal as refusal:
            if refusal.code != code:
                raise AssertionError(f"{operation} was refused as {refusal}, not as {code}") from refusal
            return refusal
        raise AssertionError(f"{operation} was let in: {body}")

    def arguments(self, operation, values):
        """Every parameter of the catalog that this generation of the SDK has, with its value."""
        unknown = set(values) - set(parameters(operation))
        if unknown:
            raise AssertionError(f"{operation} has no parameter {', '.join(sorted(unknown))}")
        known = self.sdk.parameters(operation)
        if known is None:
            raise AssertionError(f"{self.name} has no {operation}")
        arguments = {}
        for name in parameters(operation):
            value = values.get(name, self.defaults.get(name))
            if value is None:
                raise AssertionError(f"{operation}: no value is set for {name}")
            if value is LEFT_OUT or name not in known:
                continue
            value = value(self) if callable(value) else value
            # Structures travel as JSON text.
            arguments[name] = json.dumps(value) if isinstance(value, (dict, list)) else value
        return arguments

    def order(self, order):
        """A change order as it is now."""
        return self.sdk.call("GetChangeOrderInfo", ChangeOrderId=order)["changeOrderInfo"]

    def wait(self, order, wanted):
        """Waits until an order has this status; one that ends otherwise ends the waiting too."""

        def probe():
            info = self.order(order)
            if info["Status"] == wanted:
                return info
            if info["Status"] in ENDED:
                raise AssertionError(f"order {order} ended in {info['Status']}: {json.dumps(info)[:3000]}")
            return f"not yet: Status {info['Status']}"

        return eventually(f"order {order} to be {wanted}", probe, ORDER_SECONDS)

    @staticmethod
    def parameters(operation):
        """The names of an operation's parameters."""
        return parameters(operation)

    def images(self):
        """The images of the application's pods, but of those on their way out."""
        pods = self.json("pods", "-l", f"sternway.io/app-id={self.ids['app']}")["items"]
        return {pod["spec"]["containers"][0]["image"] for pod in pods if "deletionTimestamp" not in pod["metadata"]}

    def settle(self):
        """Waits until the application's last change is done."""
        orders = self.sdk.call("ListRecentChangeOrder", AppId=self.ids["app"])["ChangeOrderList"]["ChangeOrder"]
        self.wait(orders[0]["ChangeOrderId"], SUCCEEDED)

    def kubectl(self, *arguments):
        """What kubectl prints."""
        self.looked_at.add(self.family)
        return self.execute(os.environ.get("STERNWAY_KUBECTL", "kubectl"), *arguments)

    def sternway(self, *arguments, code=0):
        """What the program prints as a client of the server."""
        return self.execute(binary(), *arguments, code=code)

    def execute(self, *command, code=0):
        done = subprocess.run(
            command,
            # kubectl keeps what it found out about a cluster by address, and another run may have had the same one.
            env={**self.server.environment(), "KUBECACHEDIR": str(self.server.data / "kubectl")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode != code:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}, not {code}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def json(self, *arguments):
        """An object as kubectl reads it."""
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))


def never_called(worlds):
    """Operations of the catalog that were not called in all worlds that have them, or that no world has."""
    had = [(world, operation) for world in worlds for operation in kubernetes_operations() if world.sdk.parameters(operation) is not None]
    nowhere = set(kubernetes_operations()) - {operation for _, operation in had}
    return sorted(nowhere) + sorted(f"{operation} ({world.name})" for world, operation in had if operation not in world.called)


def never_sent(worlds):
    """Parameters of the catalog that were not sent in all worlds that have them, or that no world has, as `operation.parameter`.

    Those of operations that were not called at all are not said again.
    """
    every = {(operation, name) for operation in kubernetes_operations() for name in parameters(operation)}
    had = [(world, one) for world in worlds for one in every if one[1] in (world.sdk.parameters(one[0]) or ())]
    nowhere = every - {one for _, one in had}
    missing = [f"{operation}.{name} ({world.name})" for world, (operation, name) in had if operation in world.called and (operation, name) not in world.sent]
    return sorted(f"{operation}.{name}" for operation, name in nowhere) + sorted(missing)


def never_filled(worlds):
    """Lists of answers that never had an item, so that nobody has looked at what is in them."""
    return sorted({(operation, path) for world in worlds for operation, paths in world.without_items.items() for path in paths})
