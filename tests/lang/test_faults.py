"""How faults are written, and what is said of those that cannot be understood."""

import math
from typing import Any

import pytest

from quorate.lang.faults import FAULTS, FaultError, fault_of, faults_of, times_of

ENDS = {"from": None, "to": None}


@pytest.mark.parametrize(
    ("name", "text", "settings"),
    [
        ("loss", "0.01", {"chance": 0.01, **ENDS}),
        ("loss", "1%,to=Server", {"chance": 0.01, "from": None, "to": "Server"}),
        ("duplicate", "1", {"chance": 1.0, **ENDS}),
        ("reorder", "0.1", {"chance": 0.1, "by": 0.01, **ENDS}),
        ("reorder", "0.1,by=2ms,from=A-1", {"chance": 0.1, "by": 0.002, "from": "A-1", "to": None}),
        ("partition", "on", {"every": 5.0, "for": 1.0, "oneway": False}),
        ("partition", "every=2m, for=500ms, oneway", {"every": 120, "for": 0.5, "oneway": True}),
        ("partition", "oneway", {"every": 5.0, "for": 1.0, "oneway": True}),
        ("clog", "for=10us", {"every": 5.0, "for": 1e-5, **ENDS}),
        ("crash", "on", {"kind": None, "count": 1, "every": 5.0, "for": 1.0}),
        ("crash", "Server", {"kind": "Server", "count": 1, "every": 5.0, "for": 1.0}),
        ("crash", "Server:2,for=ever", {"kind": "Server", "count": 2, "every": 5, "for": math.inf}),
        ("crash", "3,every=1h", {"kind": None, "count": 3, "every": 3600.0, "for": 1.0}),
        ("pause", "Server:1,every=.5s", {"kind": "Server", "count": 1, "every": 0.5, "for": 1.0}),
        ("skew", "50ms", {"by": 0.05}),
        ("drift", "100ppm", {"by": 1e-4}),
        ("drift", "0.1%", {"by": 0.001}),
    ],
)
def test_settings(name: str, text: str, settings: dict[str, Any]) -> None:
    fault = fault_of(name, text)
    assert (fault.name, fault.text) == (name, text)
    assert dict(fault.settings) == pytest.approx(settings)


@pytest.mark.parametrize(
    ("text", "model", "parameters"),
    [
        ("5ms", "constant", {"value": 0.005}),
        ("constant:5ms", "constant", {"value": 0.005}),
        ("1ms..5ms,to=P", "uniform", {"min": 0.001, "max": 0.005}),
        ("uniform:max=5ms", "uniform", {"min": 0.0, "max": 0.005}),
        ("exponential:mean=5ms", "exponential", {"mean": 0.005, "min": 0.0}),
        ("exponential:mean=5ms,min=1ms", "exponential", {"mean": 0.005, "min": 0.001}),
        ("lognormal:median=2ms,sigma=1.5", "lognormal", {"median": 0.002, "sigma": 1.5}),
    ],
)
def test_models_of_latency(text: str, model: str, parameters: dict[str, float]) -> None:
    fault = fault_of("latency", text)
    assert fault["model"] == model
    assert fault["parameters"] == pytest.approx(parameters)
    assert fault["to"] == ("P" if "to=P" in text else None)


@pytest.mark.parametrize(
    ("name", "text", "message", "help"),
    [
        ("lose", "0.1", "there is no fault `lose`", "did you mean `loss`?"),
        ("loss", "1.5", "loss: `1.5` is no chance", "from 0 to 1"),
        ("loss", "", "loss: `` is no chance", "from 0 to 1"),
        ("loss", "0.1,for=1s", "loss: there is no `for`", "there are: from, to"),
        ("loss", "0.1,to", "loss: `to` has no value", "`to=...`"),
        ("reorder", "0.1,by=0s", "reorder: `0s` is no time at all", "`1s`"),
        ("partition", "every=1", "", ""),
        ("partition", "3", "partition: `3` is no setting of it", "`every=5s`"),
        ("partition", "onway", "partition: `onway` is no setting of it", "`on`"),
        ("crash", "Server:many", "crash: `Server:many` says not", "`Server:1`"),
        ("crash", "0", "crash: `0` says not", "`Server:1`"),
        ("skew", "-5ms", "skew: `-5ms` is no length of time", "`5s`"),
        ("drift", "200%", "drift: `200%` is no rate", "`100ppm`"),
        ("latency", "gauss:mean=1ms", "latency: there is no model `gauss`", "exponential"),
        ("latency", "exponential", "latency: `exponential` needs its `mean`", "mean=5ms"),
        ("latency", "exponential:median=1s", "latency: there is no `median`", "did you mean"),
        ("latency", "5ms..1ms", "latency: the least is more than the most", "min=1ms"),
    ],
)
def test_what_cannot_be_understood(name: str, text: str, message: str, help: str) -> None:
    if not message:
        assert fault_of(name, text)
        return
    with pytest.raises(FaultError) as raised:
        fault_of(name, text)
    assert raised.value.message.startswith(message)
    assert help in raised.value.help


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0", 0),
        ("2", 2),
        ("Server", {"Server": 1}),
        ("Server:2, Client", {"Server": 2, "Client": 1}),
        ("2,Client:0", {"process": 2, "Client": 0}),
        ("process:3", 3),
    ],
)
def test_how_often_and_to_whom(text: str, times: Any) -> None:
    assert times_of(text) == times


def test_a_table_has_one_text_of_a_name_or_several() -> None:
    found = faults_of({"loss": [0.1, "0.2,to=P"], "crash": "on"})
    assert [(fault.name, fault.text) for fault in found] == [
        *(("loss", "0.1"), ("loss", "0.2,to=P"), ("crash", "on"))
    ]


def test_the_example_of_each_fault_is_one() -> None:
    for name, kind in FAULTS.items():
        assert fault_of(name, kind.example)
