"""What is in deploy/ fits together, and its command lines are those of this command line.

Neither Docker nor Kubernetes is needed; that an image can be built is for those who have them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from quorate.cli.nodes_options import membership_of
from quorate.cli.run import run as run_command
from quorate.worlds.real.membership import PORT_DEFAULT, Address, Membership

ROOT = Path(__file__).parents[1]
IMAGE = (ROOT / "deploy" / "Dockerfile").read_text()
MANIFEST = (ROOT / "deploy" / "kubernetes.yaml").read_text()
OBJECTS = {each["kind"]: each for each in yaml.safe_load_all(MANIFEST)}
NODES, MAIN = OBJECTS["StatefulSet"]["spec"], OBJECTS["Job"]["spec"]
FIELDS = {"metadata.name": "node-1", "status.podIP": "10.0.0.7"}


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("QUORATE_COOKIE", "of the secret")


def pod(spec: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(a pod, its one container)."""
    inside = spec["template"]["spec"]
    [container] = inside["containers"]
    return inside, container


def node_of(spec: dict[str, Any], **fields: str) -> Membership:
    """The node that a container runs, by the words of its command line."""
    _, container = pod(spec)
    fields = fields or FIELDS
    values = {
        each["name"]: fields.get(each["valueFrom"].get("fieldRef", {}).get("fieldPath"), "")
        for each in container["env"]
    }
    words = [re.sub(r"\$\((\w+)\)", lambda name: values[name[1]], w) for w in container["args"]]
    assert words[0] == "run"
    with run_command.make_context("run", words[1:]) as context:
        options = {name: context.params[name] for name in context.params}
        assert options.pop("args") == ("main.da",)
        found = membership_of(options)
    assert found is not None
    return found


def test_the_nodes_listen_where_main_looks_for_them() -> None:
    node, main = node_of(NODES), node_of(MAIN)
    service = OBJECTS["Service"]["metadata"]["name"]
    assert NODES["serviceName"] == service
    assert (node.name, node.idle) == ("node-1", True)
    assert node.address == Address(f"node-1.{service}", PORT_DEFAULT)
    assert (main.idle, main.address) == (False, Address("10.0.0.7", PORT_DEFAULT))
    names = [f"{OBJECTS['StatefulSet']['metadata']['name']}-{n}" for n in range(NODES["replicas"])]
    assert main.known == {name: Address(f"{name}.{service}", PORT_DEFAULT) for name in names}
    assert {node.bound, main.bound} == {Address("0.0.0.0", PORT_DEFAULT)}
    assert node.cookie == main.cookie == b"of the secret"


def test_where_pods_have_addresses_of_ipv6() -> None:
    """What the head of the manifest says to write there."""
    changed = MANIFEST.replace("0.0.0.0", '"[::]"')
    changed = changed.replace("- main@$(ADDRESS)", "- main@[$(ADDRESS)]")
    _, nodes, job = yaml.safe_load_all(changed)
    main = node_of(job["spec"], **{"status.podIP": "fd00::7"})
    assert main.address == Address("fd00::7", PORT_DEFAULT)
    assert {node_of(nodes["spec"]).bound, main.bound} == {Address("::", PORT_DEFAULT)}


def test_an_image_that_is_there_is_not_looked_for() -> None:
    """An image with no tag is asked of a registry each time unless this is said."""
    assert {pod(spec)[1]["imagePullPolicy"] for spec in (NODES, MAIN)} == {"IfNotPresent"}


def test_a_node_is_ready_when_it_listens() -> None:
    _, container = pod(NODES)
    probed = container["readinessProbe"]["tcpSocket"]["port"]
    ports = {each["name"]: (each["containerPort"], each["protocol"]) for each in container["ports"]}
    assert ports[probed] == (PORT_DEFAULT, "TCP")
    assert OBJECTS["Service"]["spec"]["publishNotReadyAddresses"], "names are there before"


def test_what_names_what_is_there() -> None:
    assert NODES["selector"]["matchLabels"] == NODES["template"]["metadata"]["labels"]
    assert OBJECTS["Service"]["spec"]["selector"] == NODES["selector"]["matchLabels"]
    for spec in (NODES, MAIN):
        inside, container = pod(spec)
        volumes = {each["name"] for each in inside["volumes"]}
        assert {each["name"] for each in container["volumeMounts"]} == volumes
        [cookie] = [each for each in container["env"] if each["name"] == "QUORATE_COOKIE"]
        assert set(cookie["valueFrom"]) == {"secretKeyRef"}, "the cookie stands in the manifest"
        ports = {(each["containerPort"], each["protocol"]) for each in container["ports"]}
        assert ports == {(PORT_DEFAULT, "TCP"), (PORT_DEFAULT, "UDP")}


def test_nobody_is_root() -> None:
    [user] = re.findall(r"^USER (\d+):\d+$", IMAGE, re.MULTILINE)
    assert int(user) > 0
    for spec in (NODES, MAIN):
        inside, container = pod(spec)
        assert inside["securityContext"]["runAsUser"] == int(user)
        assert inside["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert not container["securityContext"]["allowPrivilegeEscalation"]


def test_the_image_is_made_of_what_is_there() -> None:
    copied = re.findall(r"^COPY ((?!--from).*) \S+$", IMAGE, re.MULTILINE)
    assert copied
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    assert 'ENTRYPOINT ["quorate"]' in IMAGE
    assert f"EXPOSE {PORT_DEFAULT}/tcp {PORT_DEFAULT}/udp" in IMAGE
