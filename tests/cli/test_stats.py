"""The table of `quorate run --stats`."""

import pytest

from quorate.cli.stats import show

ROWS = [
    ("P-10", 1.0, 1234, 0, []),
    ("P-9", 0.5, 0, 2, [("a.da:3: some(x)", 2.0), ("a.da:9: y[b] == 1", 0.25)]),
    ("main", 0.0, 0, 0, []),
]


def test_the_table(capfd: pytest.CaptureFixture[str]) -> None:
    show(ROWS)
    assert capfd.readouterr().err.splitlines() == [
        "process  CPU s     in  out  waited s  for",
        "main     0.000      0    0",
        "P-9      0.500      0    2     2.000  a.da:3: some(x)",
        "                               0.250  a.da:9: y[b] == 1",
        "P-10     1.000  1,234    0",
    ]
