"""Runs the client suites one after the other and sums up: `python3 tests/clients/run.py [java] [python] [kubectl] [contract]`.

Each suite starts servers of its own. STERNWAY_BINARY names the program under test; STERNWAY_BUILD a directory for what is built
and installed on the way (by default target/clients), which is kept from run to run.
"""

import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
SUITES = ("python", "java", "kubectl", "contract")
# Those that drive the SDKs for Python.
WITH_SDKS = ("python", "contract")
SUITE_SECONDS = 900
INSTALL_SECONDS = 600


def main(arguments):
    unknown = [name for name in arguments if name not in SUITES]
    if unknown:
        print(f"unknown suite {unknown[0]}; there are {', '.join(SUITES)}", file=sys.stderr)
        return 2
    root = HERE.parent.parent
    build = pathlib.Path(os.environ.get("STERNWAY_BUILD", root / "target" / "clients")).absolute()
    build.mkdir(parents=True, exist_ok=True)
    os.environ["STERNWAY_BUILD"] = str(build)
    os.environ.setdefault("STERNWAY_BINARY", str(root / "target" / "debug" / "sternway"))

    passed = failed = 0
    for name in arguments or SUITES:
        began = time.monotonic()
        print(f"\n--- {name}", flush=True)
        good, bad = run(name, build)
        passed, failed = passed + good, failed + bad
        print(f"--- {name}: {time.monotonic() - began:.0f} s", flush=True)
    print(f"\nAll client suites:\n{passed} passed, {failed} failed", flush=True)
    return 0 if passed and not failed else 1


def run(name, build):
    """Runs a suite, showing what it prints. Returns how many scenarios passed and failed."""
    try:
        python = environment(build) if name in WITH_SDKS else sys.executable
    except NotInstalled as error:
        print(f"FAILED  {name}: its packages cannot be installed\n{error}", flush=True)
        return 0, 1
    process = subprocess.Popen(
        [python, "-m", f"{name}.suite"],
        cwd=HERE,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    # As by Ctrl-C, so that the suite stops the servers that it started.
    watchdog = threading.Timer(SUITE_SECONDS, process.send_signal, [signal.SIGINT])
    watchdog.start()
    sums = None
    for line in process.stdout:
        found = re.fullmatch(r"(\d+) passed, (\d+) failed\n", line)
        # The sum of all suites is printed once, at the end.
        sums = found or sums
        if not found:
            print(line, end="", flush=True)
    process.wait()
    watchdog.cancel()
    if not sums:
        print(f"FAILED  {name}: the suite ended early, with code {process.returncode}", flush=True)
        return 0, 1
    good, bad = map(int, sums.groups())
    # A suite may pass all scenarios and still go wrong, such as when its server does not stop in good order.
    return good, bad + (1 if process.returncode and not bad else 0)


def environment(build):
    """A virtual environment with the SDKs; made anew when the requirements change. Returns its Python."""
    place = build / "python"
    files = [HERE / "python" / name for name in ("requirements.txt", "constraints.txt")]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files) + sys.version.encode()).hexdigest()
    stamp = place / "requirements.sha256"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("installing the SDKs for Python", flush=True)
        run_quietly(sys.executable, "-m", "venv", "--clear", str(place))
        run_quietly(
            str(place / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", str(files[0]), "-c", str(files[1])
        )
        stamp.write_text(wanted)
    return str(place / "bin" / "python")


class NotInstalled(Exception):
    """What a command that installs something had to say when it failed, indented."""


def run_quietly(*command):
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=INSTALL_SECONDS
    )
    if result.returncode:
        raise NotInstalled("\n".join("        " + line for line in result.stdout.splitlines()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
