"""The runner of text cases reads, compares, rewrites, and refuses what it cannot read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cases
from cases import Case, MalformedCases, check, load_cases

SAMPLE = """\
What this file is about.

== adds
1 + 1
-- expected
2

== has two parts
    -- expected
x
-- expected: tree
Name x
-- expected: python
x

y
"""


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.test"
    path.write_text(SAMPLE)
    return path


@pytest.fixture
def updating(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "_updating", True)


def test_reads_names_lines_sources_and_parts(sample: Path) -> None:
    first, second = load_cases(sample)
    assert (first.name, first.line, first.source) == ("adds", 3, "1 + 1\n")
    assert first.expected == {"": "2"}
    assert second.source == "    -- expected\nx\n", "only column 0 begins a part"
    assert second.expected == {"tree": "Name x", "python": "x\n\ny"}


def test_passes_on_what_is_expected(sample: Path) -> None:
    first, second = load_cases(sample)
    check(first, "2  \n\n")
    check(second, "Name x\n", "tree")
    assert sample.read_text() == SAMPLE


def test_a_difference_fails_and_names_the_place(sample: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match=r"sample\.test:3: adds(.|\n)*-2\n\+3"):
        check(load_cases(sample)[0], "3")


def test_a_missing_part_fails(sample: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no such expected part"):
        check(load_cases(sample)[0], "2", "plan")


@pytest.mark.usefixtures("updating")
def test_updating_rewrites_only_what_differs(sample: Path) -> None:
    first, second = load_cases(sample)
    check(first, "3\n")
    check(second, "Name x", "tree")
    check(second, "z", "python")
    expected = SAMPLE.replace("\n2\n", "\n3\n").replace("\nx\n\ny\n", "\nz\n")
    assert sample.read_text() == expected


@pytest.mark.usefixtures("updating")
def test_updating_adds_a_part(tmp_path: Path) -> None:
    path = tmp_path / "new.test"
    path.write_text("== only source\nx = 1\n")
    check(load_cases(path)[0], "out")
    assert path.read_text() == "== only source\nx = 1\n-- expected\nout\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("== a\n== a\n", "2: a second case named 'a'"),
        ("== a\n-- expected\n1\n-- expected\n2\n", "4: a second expected part"),
    ],
)
def test_refuses_what_comes_twice(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.test"
    path.write_text(text)
    with pytest.raises(MalformedCases, match=message):
        load_cases(path)


output_lines = st.one_of(
    st.sampled_from(["== a", "-- expected", "-- expected: b", "\\== a", "-- label", "", "  x"]),
    st.text("ab\\=- ", max_size=8),
)


@given(st.lists(output_lines, min_size=1, max_size=6))
def test_any_output_survives_being_stored(lines: list[str]) -> None:
    actual = cases._trim("\n".join(lines))
    stored = cases._format("", [Case(Path("x"), "a", 1, "source\n", {"": actual})])
    path = Path("x")
    [case] = _parse_text(path, stored)
    assert case.expected == {"": actual}
    assert case.source == "source\n"


def _parse_text(path: Path, text: str) -> list[Case]:
    """Parse without a file, so that hypothesis need not write one for each example."""

    class Text(type(path)):  # type: ignore[misc]
        def read_text(self, encoding: str | None = None) -> str:
            return text

    return load_cases(Text(path))


def test_update_wants_one_process(pytester: pytest.Pytester) -> None:
    tests = Path(__file__).parent
    pytester.makeconftest((tests / "conftest.py").read_text().replace("pytest_plugins", "_unused"))
    pytester.makepyfile(cases=(tests / "cases.py").read_text())
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_inprocess("--update", "-n", "2")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*use it with -n 0*"])
