"""What the node and its workers tell each other arrives as it was told."""

import pytest

from quorate.worlds.real import control as ct


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (ct.Failed("boo", True), ct.Failed("boo", True)),
        (ct.Failed("a\udc80b é", False), ct.Failed("a\\udc80b é", False)),
        (ct.Stands(3, [((1, 2), "P\ud800", True)]), ct.Stands(3, [((1, 2), "P\\ud800", True)])),
    ],
)
def test_any_text_crosses(sent: ct.Message, arrives: ct.Message) -> None:
    one, two = map(ct.Channel, ct.pair())
    one.send(sent)
    assert two.receive() == [arrives]
    one.close()
    two.close()
