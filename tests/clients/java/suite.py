"""The Java programs against a server: `python3 -m java.suite`. Needs STERNWAY_BINARY and STERNWAY_BUILD."""

import os
import pathlib
import subprocess
import sys

from harness.server import Server, make_image_vanish
from harness.suite import Suite, contains, equal

SOURCES = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ["STERNWAY_BUILD"]) / "java"
BUILD_SECONDS = 600
PROGRAM_SECONDS = 300
UNKNOWN_ORDER = "00000000-0000-4000-8000-000000000000"

suite = Suite("java")


class Programs:
    """Runs the programs of this folder against one server."""

    def __init__(self, server):
        self.server = server
        self.rollback = None
        self.released = None

    def run(self, name, *arguments, **variables):
        """Runs a program with the server's endpoint and these arguments."""
        result = subprocess.run(
            ["java", "-cp", f"{BUILD}/classes:{BUILD}/dependency/*", f"io.sternway.clients.{name}", self.server.host, *arguments],
            env={**self.server.environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PROGRAM_SECONDS,
        )
        output = result.stdout
        print(_indented(f"$ {name} {' '.join(arguments)}\n{output.rstrip()}"), flush=True)
        return result.returncode, output

    def release(self, name, image, new_image, batch_seconds):
        """Creates an application and leaves its release in the second batch. Returns the order's id."""
        code, output = self.run("PhasedRelease", name, image, new_image, str(batch_seconds))
        equal(code, 0, "exit code of PhasedRelease")
        return output.splitlines()[-1]


def _indented(text):
    return "\n".join("        " + line for line in text.splitlines())


def value(output, label):
    """What follows `label: ` in the output."""
    for line in output.splitlines():
        if line.startswith(f"{label}: "):
            return line.removeprefix(f"{label}: ")
    raise AssertionError(f"the program printed no {label}")


def build():
    """Compiles the programs, and lays the libraries beside them."""
    result = subprocess.run(
        ["mvn", "-B", "-q", "-ntp", "-f", str(SOURCES / "pom.xml"), f"-Dsternway.build={BUILD}", "compile"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
    )
    if result.returncode:
        raise SystemExit(f"FAILED  java: the programs cannot be built\n{_indented(result.stdout)}")


def main():
    build()
    with Server() as server:
        programs = Programs(server)
        register(programs)
        return suite.run()


def register(programs):
    @suite.scenario("a running release is aborted and rolled back to Status 2")
    def abort_and_roll_back():
        running = programs.release("java-release", "registry.local/shop:v1", "registry.local/shop:v2-slow6", 600)
        code, output = programs.run("AbortAndRollback", running)
        equal(code, 0, "exit code of AbortAndRollback")
        equal(value(output, "Status"), "2", "the rollback's status")
        contains(output, "application is ready at desired state, version: ", "the task messages")
        # Java's parser does not decode escapes: what arrives as `<br>` was sent as it is.
        contains(output, "Apply success. <br>", "the task messages")
        programs.released, programs.rollback = running, value(output, "ChangeOrderId")

    @suite.scenario("asked again, it answers with the same rollback")
    def asked_again():
        code, output = programs.run("AbortAndRollback", programs.released)
        equal(code, 0, "exit code of AbortAndRollback")
        equal(value(output, "ChangeOrderId"), programs.rollback, "the rollback's id")

    @suite.scenario("a rollback cannot be rolled back, and the refusal says why")
    def rollback_of_a_rollback():
        code, output = programs.run("AbortAndRollback", programs.rollback)
        equal(code, 1, "exit code of AbortAndRollback")
        contains(output, "AbortAndRollbackChangeOrder was refused: Code 400, Message ", "the output")

    @suite.scenario("a rollback that fails ends in Status 3 with the reason in TaskMessage", chain="failure")
    def failing_rollback():
        image = "registry.local/gone:v1"
        running = programs.release("java-failure", image, "registry.local/gone:v2-slow6", 20)
        make_image_vanish(programs.server.kubernetes, image)
        code, output = programs.run("AbortAndRollback", running)
        equal(code, 3, "exit code of AbortAndRollback")
        equal(value(output, "Status"), "3", "the rollback's status")
        messages = "\n".join(line for line in output.splitlines() if line.startswith("TaskMessage: "))
        contains(messages, image, "the task messages")
        contains(messages, "ImagePull", "the task messages")

    @suite.scenario("an unknown change order is refused", chain="unknown order")
    def unknown_order():
        code, output = programs.run("AbortAndRollback", UNKNOWN_ORDER)
        equal(code, 1, "exit code of AbortAndRollback")
        contains(output, f"The change order {UNKNOWN_ORDER} does not exist", "the output")

    @suite.scenario("a wrong secret is told as such: the string that was signed is the server's own", chain="wrong secret")
    def wrong_secret():
        # The SDK compares the string to sign in the answer with its own, byte by byte; only if they agree is it the secret.
        code, output = programs.run("AbortAndRollback", UNKNOWN_ORDER, ACCESS_KEY_SECRET="wrong")
        equal(code, 1, "exit code of AbortAndRollback")
        contains(output, "SDK.InvalidAccessKeySecret", "the output")

    @suite.scenario("an unknown access key is refused", chain="unknown key")
    def unknown_key():
        code, output = programs.run("AbortAndRollback", UNKNOWN_ORDER, ACCESS_KEY_ID="nobody")
        equal(code, 1, "exit code of AbortAndRollback")
        contains(output, "InvalidAccessKeyId.NotFound", "the output")


if __name__ == "__main__":
    sys.exit(main())
