"""A `sternway serve` of a suite's own, on a free port of the loopback interface, in a directory that vanishes."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request

from .waiting import eventually

START_SECONDS = 60
STOP_SECONDS = 30


def binary():
    """The program under test: `STERNWAY_BINARY`."""
    path = pathlib.Path(os.environ.get("STERNWAY_BINARY", "sternway"))
    found = shutil.which(path)
    if found is None:
        raise SystemExit(f"{path} is no program: set STERNWAY_BINARY, or run scripts/test")
    return str(pathlib.Path(found).resolve())


class Process:
    """A started `sternway`, with its log in a file."""

    def __init__(self, arguments, log, environment=None):
        self.log = log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [binary(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
            )

    def check_alive(self):
        """Raises with the end of the log if it has ended."""
        code = self._process.poll()
        if code is not None:
            raise AssertionError(f"sternway ended with code {code}:\n{self.tail()}")

    def tail(self, lines=40):
        """The end of its log."""
        return "\n".join(pathlib.Path(self.log).read_text(errors="replace").splitlines()[-lines:])

    def kill(self):
        """Ends it as a power failure would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_SECONDS)

    def stop(self):
        """Asks it to stop, and returns its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"sternway did not stop within {STOP_SECONDS} s of SIGTERM:\n{self.tail()}") from None


class Sandbox:
    """A sandbox cluster alone, which outlives the servers that work on it. A context manager."""

    def __init__(self):
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="sternway-sandbox-"))
        self.kubeconfig = self._directory / "kubeconfig"
        self.process = None

    def __enter__(self):
        arguments = ["sandbox", "--listen", "127.0.0.1:0", "--kubeconfig-out", str(self.kubeconfig)]
        self.process = Process(arguments, self._directory / "sandbox.log")
        try:
            eventually("the sandbox to be ready", self._ready, START_SECONDS, self.process.check_alive)
        except BaseException:
            self.process.stop()
            raise
        return self

    def __exit__(self, kind, error, trace):
        code = self.process.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
        if kind is None and code != 0:
            raise AssertionError(f"the sandbox stopped with exit code {code} on SIGTERM")

    def _ready(self):
        if not self.kubeconfig.exists():
            return "not yet: it has written no kubeconfig"
        return is_ready(kubernetes_address(self.kubeconfig))


class Server:
    """A server, ready to be used. A context manager: it is stopped at the end, and has to stop in good order.

    `kubeconfig` is the cluster to serve; without it, the server brings a sandbox.
    """

    def __init__(self, kubeconfig=None):
        self._given = kubeconfig
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="sternway-server-"))
        self.host = None
        self.process = None
        self.access_key_id = None
        self.access_key_secret = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.data, ignore_errors=True)
            raise
        return self

    def __exit__(self, kind, error, trace):
        code = self.process.stop()
        if kind is not None:
            print(f"--- the end of the server's log\n{self.process.tail()}\n---", flush=True)
        shutil.rmtree(self.data, ignore_errors=True)
        if kind is None and code != 0:
            raise AssertionError(f"the server stopped with exit code {code} on SIGTERM")

    def start(self):
        """Starts it, or starts it again on the state that it left; returns when it is ready."""
        cluster = ["--kubeconfig", str(self._given)] if self._given else ["--sandbox"]
        log = self.data / "server.log"
        log.unlink(missing_ok=True)
        self.process = Process(["serve", "--listen", "127.0.0.1:0", "--data", str(self.data / "data"), *cluster], log)
        try:
            self.host = eventually("the server to listen", self._address, START_SECONDS, self.process.check_alive)
            eventually("the server to be ready", lambda: is_ready(f"http://{self.host}"), START_SECONDS, self.process.check_alive)
            key = json.loads((self.data / "data" / "root-access-key.json").read_text())
        except BaseException:
            print(f"--- the end of the server's log\n{self.process.tail()}\n---", flush=True)
            self.process.stop()
            raise
        self.access_key_id, self.access_key_secret = key["AccessKeyId"], key["AccessKeySecret"]

    def kill(self):
        """Ends it as a power failure would."""
        self.process.kill()

    @property
    def kubeconfig(self):
        """The file with which kubectl reaches the cluster."""
        return pathlib.Path(self._given or self.data / "data" / "sandbox.kubeconfig")

    @property
    def kubernetes(self):
        """The address of the cluster's own API."""
        return kubernetes_address(self.kubeconfig)

    def environment(self):
        """The environment of a client: keys as the SDKs' documentation names them, and the server's address."""
        return {
            **os.environ,
            "ACCESS_KEY_ID": self.access_key_id,
            "ACCESS_KEY_SECRET": self.access_key_secret,
            "STERNWAY_ENDPOINT": f"http://{self.host}",
            "KUBECONFIG": str(self.kubeconfig),
        }

    def _address(self):
        found = re.search(r"listening on http://([0-9.]+:[0-9]+)", self.process.tail())
        return found.group(1) if found else "not yet: it has not said where it listens"


def is_ready(address):
    """Whether a server, ours or the sandbox's, says that it is ready."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError as error:
        return f"not yet: {error}"


def kubernetes_address(kubeconfig):
    """The server's address in a kubeconfig of a sandbox."""
    found = re.search(r"server:\s*[\"']?(http://[^\s\"']+)", pathlib.Path(kubeconfig).read_text())
    if found is None:
        raise AssertionError(f"{kubeconfig} names no server")
    return found.group(1).rstrip("/")


def make_image_vanish(kubernetes, image):
    """From now on no node of the sandbox can pull this image; containers that run go on."""
    body = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "sandbox-images", "namespace": "kube-system"},
            "data": {"missing": image},
        }
    )
    request = urllib.request.Request(
        f"{kubernetes}/api/v1/namespaces/kube-system/configmaps",
        data=body.encode(),
        headers={"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        if answer.status != 201:
            raise AssertionError(f"the sandbox did not take the list of images: {answer.status}")
