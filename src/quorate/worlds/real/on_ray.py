"""Nodes as actors of Ray: each gets the files of the program, and runs its node beside itself.

Invariant: only the process that tends nodes imports this, and Ray.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

try:
    import ray
except ImportError:
    ray = None

from quorate.worlds.real.launching import Host, Launch, node_command, script
from quorate.worlds.real.tending import CannotLaunch, Child, Line, Started, not_listening

REACH_SECONDS = 5.0

_AMOUNTS = {"cpus": "num_cpus", "gpus": "num_gpus", "memory": "memory"}
"""What Ray calls them; other resources are those that the cluster was given names for."""


class Actor:
    """Lives where Ray puts it, and has a node run there for as long as itself."""

    def __init__(self, host: Host, launch: Launch) -> None:
        self._host: str = ray.util.get_node_ip_address()
        self._folder = tempfile.TemporaryDirectory(prefix="quorate-")
        for name, data in launch.files.items():
            path = Path(self._folder.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        here = Host(host.name, self._host, 0)
        command = node_command([sys.executable, "-P", "-m", "quorate"], here, launch.arguments)
        self._child = Child(["sh", "-c", script(command, self._folder.name)], launch.cookie)

    def host(self) -> str:
        return self._host

    def take(self) -> list[Line]:
        return self._child.take()

    def end(self) -> None:
        self._child.end()

    def status(self) -> int | None:
        return self._child.status()


class OnRay:
    """An actor, seen from the run."""

    def __init__(self, host: Host, launch: Launch) -> None:
        self._name = host.name
        self._wants = host.settings
        self._said: list[Line] = []
        self._over = False
        options: dict[str, Any] = {"max_concurrency": 4, "resources": {}}
        for key, value in host.settings.items():
            if key in _AMOUNTS:
                options[_AMOUNTS[key]] = float(value)
            else:
                options["resources"][key] = float(value)
        self._actor = ray.remote(Actor).options(**options).remote(host, launch)

    def take(self) -> list[Line]:
        if self._over:
            return []
        try:
            lines: list[Line] = ray.get(self._actor.take.remote())
            return lines
        except ray.exceptions.RayError as error:
            words = [] if self._over else str(error).splitlines()
            self._over = True
            return [(2, line.encode()) for line in words]

    @property
    def host(self) -> str:
        found: str = ray.get(self._actor.host.remote())
        return found

    def end(self) -> None:
        self._actor.end.remote()

    def kill(self) -> None:
        self._over = True
        ray.kill(self._actor)

    def why(self) -> CannotLaunch:
        with contextlib.suppress(ray.exceptions.RayError):
            status = ray.get(self._actor.status.remote(), timeout=1)
            return not_listening(self._name, " on Ray", status)
        self.kill()  # nobody is there who could end by himself
        asked = " ".join(f"{key}={value}" for key, value in self._wants.items())
        return CannotLaunch(
            "Q159",
            f"node {self._name} cannot be started: Ray has found no place for it"
            + f" that has {asked}" * bool(asked),
            "see by `ray status` what the cluster has, and that Quorate is installed there",
        )


@contextlib.contextmanager
def on_ray(launch: Launch) -> Iterator[Mapping[str, Started]]:
    """All nodes, started in a cluster that exists, or one of this machine that ends with them.

    Raises `CannotLaunch`.
    """
    if ray is None:
        raise CannotLaunch(
            "Q159", "Ray is not installed", "install it with `pip install 'quorate[ray]'`"
        )
    address = launch.on.partition(":")[2]
    quiet = logging.ERROR  # of Ray's own affairs
    try:
        _look_for(address)
        ray.init(
            address or "local", include_dashboard=False, log_to_driver=False, logging_level=quiet
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise CannotLaunch(
            "Q159",
            f"no cluster of Ray is found{f' at {address}' * bool(address)}: {error}",
            "say where it is, as in --on ray:10.0.0.5:6379; `--on ray` begins one of this machine",
        ) from None
    try:
        yield {host.name: OnRay(host, launch) for host in launch.hosts}
    finally:
        ray.shutdown()


def _look_for(address: str) -> None:
    """Whether somebody listens at HOST:PORT; Ray itself would try for hours. Raises OSError."""
    host, _, port = address.rpartition(":")
    if port.isdigit():
        socket.create_connection((host.removeprefix("ray://"), int(port)), REACH_SECONDS).close()
