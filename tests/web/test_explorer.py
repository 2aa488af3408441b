"""The explorer's page in a browser: walked through by keys and clicks, and safe to look at."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pages import HOSTILE
from quorate.web.server import Server
from serving import serving


def opened(browser: Any, server: Server, link: str = "") -> Any:
    """A page of the explorer, which has come to the state of a link."""
    tab = browser.new_page()
    tab.said = []
    tab.on("console", lambda message: tab.said.append(message.text))
    tab.on("pageerror", lambda error: tab.said.append(str(error)))
    tab.goto(f"{server.url}#{link}" if link else server.url)
    tab.locator("#steps > *").first.wait_for()
    return tab


@pytest.fixture
def tab(browser: Any, server: Server) -> Iterator[Any]:
    tab = opened(browser, server)
    yield tab
    assert not tab.said
    tab.close()


def after(tab: Any, steps: int) -> None:
    """Wait until the state after so many steps is shown."""
    title = f"The state after {steps} step{'' if steps == 1 else 's'}"
    tab.locator("#here-title", has_text=title).wait_for()


def field(tab: Any, process: str, name: str) -> str:
    article = tab.locator("article", has=tab.locator("h3", has_text=process))
    row = article.locator("tr", has=tab.locator("td:first-child", has_text=name))
    return str(row.locator("td").last.inner_text())


def step(tab: Any, text: str) -> Any:
    return tab.locator(".step", has_text=text).first


def test_three_steps_by_keys_and_back(tab: Any) -> None:
    after(tab, 1)
    assert tab.locator("h3", has_text="Client-3").count() == 3  # its steps, state and messages
    texts = tab.locator(".step b").all_inner_texts()
    assert texts[:2] == [f"takes ('acquire',) from Client-{n}" for n in (2, 3)]
    focused = "document.activeElement.querySelector('b').textContent"
    assert tab.evaluate(focused) == texts[0]
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("ArrowUp")
    assert tab.evaluate(focused) == texts[1]
    tab.keyboard.press("Enter")
    after(tab, 2)
    assert field(tab, "Server-1", "free") == "False True"  # which it was
    assert tab.locator("tr.changed").count() == 1
    assert tab.locator("#messages .come").all_inner_texts() == ["('granted',)"]
    assert tab.locator("#messages .gone").all_inner_texts() == ["('acquire',)"]
    ran = tab.locator("#source li.ran").all_inner_texts()
    assert [line.strip() for line in ran][-2:] == ["free = False", "send(('granted',), to=p)"]
    tab.keyboard.press("Enter")
    after(tab, 3)
    rows = tab.locator("#diagram .row")
    assert rows.count() == 9 + 2
    assert rows.last.get_attribute("aria-current") == "step"
    tab.keyboard.press("Backspace")
    after(tab, 2)
    tab.go_back()
    after(tab, 3)
    rows.nth(9).click()
    after(tab, 2)
    tab.locator("#beginning").click()
    tab.locator("#here-title", has_text="Nothing has happened yet").wait_for()
    assert tab.locator("#back").is_disabled()


def test_a_link_is_opened_elsewhere(tab: Any, browser: Any, server: Server) -> None:
    step(tab, "takes ('acquire',) from Client-3").click()
    after(tab, 2)
    step(tab, "waits no longer").click()
    after(tab, 3)
    link = tab.evaluate("location.hash").removeprefix("#")
    other = opened(browser, server, link)
    after(other, 3)
    for part in ("#steps", "#processes", "#messages", "#properties"):
        assert other.locator(part).inner_text() == tab.locator(part).inner_text()
    other.close()


def test_what_bounds_hold_back_is_said(tab: Any) -> None:
    step(tab, "waits no longer").click()
    after(tab, 2)
    assert "timeouts: 1 of 1" in tab.locator("#bounds").inner_text()
    assert "beyond the bounds: no more timeouts" in step(tab, "waits no longer").inner_text()


def test_a_state_is_searched_for(tab: Any) -> None:
    tab.keyboard.press("/")
    tab.keyboard.type("some(p in Client, has=p.inside)")
    tab.keyboard.press("Enter")
    after(tab, 4)
    assert "after 4 steps, the first of" in tab.locator("#told").inner_text()
    assert "◀" in tab.locator("li[data-who]").first.evaluate(
        "e => getComputedStyle(e, '::after').content"
    )
    tab.locator("#expression").fill("some(p in Client, has=p.insid)")
    tab.keyboard.press("Enter")
    tab.locator("#told.error").wait_for()
    told = tab.locator("#told").inner_text()
    assert told.startswith("[Q141] this cannot be searched for: `Client` has no field `insid`")
    assert "did you mean `p.inside`?" in told
    tab.said.clear()  # the browser's word on the status of the answer
    tab.locator("#expression").fill("some(p in Client, q in Client, has=p == q and p.inside == 7)")
    tab.keyboard.press("Enter")
    tab.locator("#told", has_text="in none of").wait_for()


def test_a_violation_is_found(tab: Any) -> None:
    tab.locator("#violation").click()
    after(tab, 9)
    assert "error[Q120]: `alone` does not hold after 9 steps" in tab.locator("#told").inner_text()
    bad = tab.locator("#properties .bad").inner_text()
    assert bad.splitlines()[0] == "always alone: does not hold"
    assert "q.inside = True" in bad
    tab.keyboard.press("Backspace")
    after(tab, 8)
    assert tab.locator("#properties .bad").count() == 0
    assert tab.locator("#told").is_hidden()


def test_a_link_that_leads_nowhere(browser: Any, server: Server) -> None:
    tab = browser.new_page()
    tab.goto(f"{server.url}#none.such")
    tab.locator("#told.error", has_text="[Q140] this link leads nowhere").wait_for()
    tab.locator("#beginning").click()
    tab.locator("#here-title", has_text="Nothing has happened yet").wait_for()
    tab.close()


def test_narrow_windows_and_dark_ones(tab: Any) -> None:
    tab.set_viewport_size({"width": 380, "height": 700})
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    tops = [tab.locator(f"#{name}").bounding_box()["y"] for name in ("next", "here", "way", "text")]
    assert tops == sorted(tops)
    tab.emulate_media(color_scheme="dark")
    colour = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(20, 24, 29)"


HOSTILE_PROGRAM = """\
class P(process):
    def setup(texts):
        self.field = None
    def run():
        for text in texts:
            field = text
            output(text)
            send((text, {text: text}), to=self)
            -- on
@sometimes
def said():
    return some(p in P, has=p.field in TEXTS)
TEXTS = HOSTILE  # <script>document.title = 'pwned'</script>
def main():
    p = new(P, num=['<img src=x onerror=alert(1)>'])
    setup(p, (TEXTS,))
    start(p)
"""


def test_hostile_values_are_text(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "hostile.da"
    path.write_text(HOSTILE_PROGRAM.replace("HOSTILE", repr(HOSTILE)))
    with serving(path, "<b>bold</b>") as server:
        tab = opened(browser, server)
        asked: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        for number in range(2, 5):
            step(tab, "goes on").click()
            after(tab, number)
        assert "<script>document.title = 'pwned'</script>" in tab.locator("#here").inner_text()
        assert tab.locator("#program").inner_text().endswith("<b>bold</b>")
        assert tab.locator("img, iframe, b:not(.step b), script:not([src])").count() == 0
        assert tab.locator("#diagram .row").count() >= 5
        assert "pwned" not in tab.title()
        assert all(url.startswith(server.url) for url in asked)
        assert not tab.said
        tab.close()
