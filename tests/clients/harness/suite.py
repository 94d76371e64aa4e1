"""Scenarios with a verdict each, run in the order in which they are written."""

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

    def run(self):
        """Runs all, prints a line for each and the sums at the end. Returns the process's exit code."""
        passed, failed, broken = 0, 0, set()
        for title, chain, function in self._scenarios:
            name = f"{self.name}: {title}"
            if chain in broken:
                failed += 1
                print(f"FAILED  {name}\n        not run: a scenario that it builds on has failed", flush=True)
                continue
            began = time.monotonic()
            try:
                function()
            except Exception as error:  # A scenario may fail in any way; the others still run.
                failed += 1
                broken.add(chain)
                print(f"FAILED  {name}\n{_explain(error)}", flush=True)
            else:
                passed += 1
                print(f"ok      {name} ({time.monotonic() - began:.1f} s)", flush=True)
        print(f"\n{passed} passed, {failed} failed", flush=True)
        return 0 if passed and not failed else 1


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
