"""Scenarios with a verdict each, run in the order in which they are written."""

import concurrent.futures
import time
import traceback


class Suite:
    """Collects scenarios, runs them, and tells how they went.

    A scenario is a function that raises if something is wrong. Scenarios of one suite build on each other (what one
    creates, the next one changes), so after a failure in a chain the rest of that chain counts as failed too: it says
    so instead of failing by itself in confusing ways.
    """

    def __init__(self, name):
        self.name = name
        self._scenarios = []

    def scenario(self, title, chain="main"):
        """Registers a function as a scenario."""

        def register(function):
            self._scenarios.append((title, chain, function))
            return function

        return register

    def run(self, side_by_side=()):
        """Runs all, prints a line for each and the sums at the end. Returns the process's exit code.

        The chains that are named run side by side, each in its sequence; after them all others, one after the other.
        """
        parts = [[scenario for scenario in self._scenarios if scenario[1] == chain] for chain in side_by_side]
        with concurrent.futures.ThreadPoolExecutor(max_workers=len(parts) or 1) as threads:
            verdicts = [verdict for part in threads.map(self._run, parts) for verdict in part]
        verdicts += self._run([scenario for scenario in self._scenarios if scenario[1] not in side_by_side])
        passed, failed = verdicts.count(True), verdicts.count(False)
        print(f"\n{passed} passed, {failed} failed", flush=True)
        return 0 if passed and not failed else 1

    def _run(self, scenarios):
        """Runs scenarios in sequence; whether each has passed."""
        verdicts, broken = [], set()
        for title, chain, function in scenarios:
            name = f"{self.name}: {title}"
            if chain in broken:
                verdicts.append(False)
                _say(f"FAILED  {name}\n        not run: a scenario that it builds on has failed")
                continue
            began = time.monotonic()
            try:
                function()
            except Exception as error:  # A scenario may fail in any way; the others still run.
                verdicts.append(False)
                broken.add(chain)
                _say(f"FAILED  {name}\n{_explain(error)}")
            else:
                verdicts.append(True)
                _say(f"ok      {name} ({time.monotonic() - began:.1f} s)")
        return verdicts


def _say(text):
    """Prints it in one piece, whoever else prints."""
    print(f"{text}\n", end="", flush=True)


def _explain(error):
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return "".join("        " + line + "\n" for line in "".join(lines).splitlines()).rstrip()


def equal(actual, expected, what):
    """Raises if two values differ, and says what was compared."""
    if actual != expected:
        raise AssertionError(f"{what}: expected {expected!r}, got {actual!r}")


def contains(text, part, what):
    """Raises if a text lacks a part."""
    if part not in (text or ""):
        raise AssertionError(f"{what}: expected {part!r} in {text!r}")
