"""The page of a judgement: it shows what the text shows, and hostile values are text in it.

In a browser it is looked at where there is one: see tests/pages.py.
"""

from itertools import combinations
from pathlib import Path
from typing import Any

from pages import HOSTILE, Elements
from quorate.consistency import (
    MODELS,
    History,
    Recorder,
    Verdict,
    check_linearizability,
    check_sequential,
    check_sessions,
)
from quorate.consistency.page import page_of

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "pre", "footer"),
    *("svg", "text", "g", "rect", "table", "tr", "td"),
}


def hostile() -> History:
    recorder = Recorder()
    for number, text in enumerate(HOSTILE):
        recorder.invoke(f"{number} {text}", "put", HOSTILE[0], text)
    for number, text in enumerate(HOSTILE):
        recorder.returns(f"{number} {text}")
    recorder.invoke("reader", "get", HOSTILE[0])
    recorder.returns("reader", {HOSTILE[1]: [HOSTILE[2]]})
    return recorder.history()


def page(history: History) -> str:
    return page_of(check_linearizability(history, MODELS["kv"]()), f"{HOSTILE[0]}.jsonl")


def test_hostile_values_are_text() -> None:
    elements = Elements(page(hostile()))
    assert {tag for tag, _ in elements.found} <= TAGS
    names = {name for _, attributes in elements.found for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "style")}
    assert "document.title = 'pwned'</script>" in elements.text
    assert all(each.isprintable() or each == "\n" for each in elements.text)
    assert "\u202e" not in elements.text


def test_the_policy_comes_before_anything_of_the_history() -> None:
    text = page(hostile())
    assert text.index("Content-Security-Policy") < text.index("pwned")
    assert "default-src 'none'" in text


def simple() -> History:
    recorder = Recorder()
    recorder.invoke("a", "put", "x", 1)
    recorder.invoke("b", "put", "x", 2)
    recorder.returns("a")
    recorder.returns("b")
    recorder.invoke("a", "get", "x")
    recorder.invoke("b", "get", "x")
    recorder.returns("a", 1)
    recorder.returns("b", 1)
    recorder.invoke("b", "get", "x")
    recorder.invoke("c", "put", "x", 3)
    recorder.returns("b", 2)
    return recorder.history()


def test_it_shows_the_order_and_why_it_ends() -> None:
    found = check_linearizability(simple(), MODELS["kv"]())
    assert found.verdict is Verdict.VIOLATED
    text = Elements(page_of(found, "history.jsonl")).text
    assert "no order of the operations explains the return in line" in text
    assert "The best order found" in text
    assert "Why nothing can follow" in text


def test_other_judgements_have_pages_too() -> None:
    history, model = simple(), MODELS["kv"]()
    for found in (check_sequential(history, model), check_sessions(history, model)):
        assert "not " in Elements(page_of(found, "history.jsonl")).text
    recorder = Recorder()
    held = check_linearizability(recorder.history(), model)
    assert "linearizable: 0 operations" in Elements(page_of(held, "empty")).text


# --- In a browser


def test_in_a_browser_hostile_values_do_nothing(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(hostile()), encoding="utf-8")
    with browser.new_page() as tab:
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(path.as_uri())
        assert asked == [path.as_uri()]
        assert not said
        assert tab.title().endswith(": violated")
        assert tab.locator("img, iframe, script").count() == 0
        assert "pwned" in tab.locator("svg").inner_html()


def test_in_a_browser_bars_overlap_as_operations_do(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page(simple()), encoding="utf-8")
    with browser.new_page() as tab:
        tab.goto(path.as_uri())
        bars = {}
        for each in tab.locator("svg g").all():
            box = each.locator("rect").bounding_box()
            text = each.locator("text").bounding_box()
            assert box["x"] <= text["x"]
            assert text["x"] + text["width"] <= box["x"] + box["width"], "the text is in its bar"
            bars[each.locator("title").text_content()] = box
        assert len(bars) == 6
        lines = {about: _lines(about, simple()) for about in bars}
        for one, other in combinations(bars, 2):
            drawn = _overlap(
                *[(bars[e]["x"], bars[e]["x"] + bars[e]["width"]) for e in (one, other)]
            )
            assert drawn is _overlap(lines[one], lines[other]), (one, other)
        assert tab.locator("svg g.stuck").count() == 1
        assert "rgb" in tab.locator("svg g.stuck rect").evaluate("e => getComputedStyle(e).fill")


def _ends(box: dict[str, float]) -> tuple[float, float]:
    return box["x"], box["x"] + box["width"]


def _lines(about: str, history: History) -> tuple[float, float]:
    """The lines of an operation, which the title of its bar ends with."""
    _, _, numbers = about.rpartition(" ")
    begin, _, end = numbers.partition("-")
    return int(begin), float(end) if end else len(history.operations) * 2


def _overlap(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
