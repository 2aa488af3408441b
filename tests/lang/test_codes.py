"""Every code is explained, by programs; every code that the project uses is in the catalogue."""

import re
from pathlib import Path

import pytest

import quorate
from quorate.lang.codes import codes, explain

SOURCES = Path(quorate.__file__).parent
WITHOUT_EXAMPLES = {
    *("Q001", "Q002", "Q005", "Q016", "Q017", "Q089", "Q110", "Q117", "Q118", "Q119", "Q900"),
    *("Q120", "Q121", "Q122", "Q125", "Q126", "Q127"),  # they are about runs
    *(
        "Q128",
        "Q131",
        "Q133",
        "Q134",
        "Q135",
        "Q136",
        "Q139",
        "Q145",
        "Q146",
        "Q147",
        "Q148",
    ),  # about all that may happen
    *("Q140", "Q141", "Q142", "Q143"),  # about looking at it
    *("Q144", "Q149", "Q150", "Q151", "Q152", "Q153", "Q154", "Q155", "Q156"),  # about nodes
    *("Q158", "Q159"),  # about nodes elsewhere
    *("Q301", "Q302", "Q303", "Q304", "Q305"),  # they are about histories, not programs
    *("Q401", "Q402", "Q403", "Q404"),  # about traces
}


def test_codes_are_in_order_and_titles_are_short() -> None:
    assert list(codes()) == sorted(codes())
    assert len(set(codes().values())) == len(codes())
    assert all(len(title) <= 70 and not title.endswith(".") for title in codes().values())


@pytest.mark.parametrize("code", codes())
def test_every_code_is_explained(code: str) -> None:
    text = explain(code)
    assert text is not None
    assert text.startswith(f"{code}: {codes()[code]}\n\n")
    blocks = re.findall(r"^(Wrong|Right):.*\n\n```python\n(?s:(.+?))^```$", text, re.MULTILINE)
    expected = [] if code in WITHOUT_EXAMPLES else ["Wrong", "Right"]
    assert [kind for kind, _ in blocks] == expected


@pytest.mark.parametrize("spelling", ["Q012", "q012", "Q12", "12", " q12 "])
def test_a_code_is_found_as_people_write_it(spelling: str) -> None:
    text = explain(spelling)
    assert text is not None
    assert text.startswith("Q012: ")


@pytest.mark.parametrize("spelling", ["", "Q", "Q999", "E012", "Q-1", "²", "Q012x"])
def test_what_is_no_code(spelling: str) -> None:
    assert explain(spelling) is None


def test_every_code_in_the_project_is_in_the_catalogue() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py")]
    used = {code for text in texts for code in re.findall(r'"(Q\d{3})"', text)}
    assert used <= set(codes())
