"""The page of a story: looked at in a browser, stepped through by keys, and safe to open."""

from pathlib import Path
from typing import Any

import pytest

from pages import HOSTILE, Elements
from quorate.trace import Trace
from quorate.trace import events as ev
from quorate.trace.chart import Chart
from quorate.trace.course import Moment, course_of
from quorate.trace.folding import Gap
from quorate.trace.page import page_of, sources_of
from quorate.trace.story import Story, story_of
from recorded import Record

PROGRAM = """\
class Store(process):
    def setup(): self.sum = 0
    def run(): await(False)
    def receive(msg=('add', n), from_=p):
        sum += n
        send(('sum', sum), to=p)
class Client(process):
    def setup(store): self.last = 0
    def run():
        for n in range(4):
            send(('add', 1), to=store)
            await(some(received(('sum', s))))
            assert s > last, f'the sum was {last}, and is {s}'
            self.last = s
            reset(received)
            if await(False): pass
            elif timeout(0.01): pass
def main():
    store = new(Store, ())
    start(store)
    start(new(Client, (store,)))
"""
SCENARIO = "at 12ms partition {Store-1} | {Client-2} for 30ms\nat 15ms crash Store-1 for 1ms\n"


def page(story: Story, text: str | None = PROGRAM) -> str:
    return "\n".join(page_of(story, sources_of(story, lambda _: text)))


@pytest.fixture
def story(record: Record) -> Story:
    return story_of(course_of(record(PROGRAM, SCENARIO).trace), rows_max=None)


@pytest.fixture
def tab(browser: Any, story: Story, tmp_path: Path) -> Any:
    path = tmp_path / "page.html"
    path.write_text(page(story), encoding="utf-8")
    with browser.new_page() as tab:
        said: list[str] = []
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.goto(path.as_uri())
        yield tab
        assert not said


def test_it_opens_at_the_failure(tab: Any, story: Story) -> None:
    assert (
        tab.locator("h1").text_content()
        == "Client-2 fails: AssertionError: the sum was 2, and is 1"
    )
    shown = tab.locator("article:visible")
    assert shown.count() == 1
    assert "Client-2 fails: AssertionError" in shown.locator("li.bad").text_content()
    [line] = tab.locator(".source li.on").all_text_contents()
    assert line.strip().startswith("assert s > last")
    assert tab.locator(".row").count() == len(story.rows)


def test_keys_go_from_step_to_step(tab: Any, story: Story) -> None:
    last = len(story.rows) - 1

    def focused() -> int:
        return int(tab.evaluate("document.activeElement.dataset.row"))

    tab.keyboard.press("k")
    assert focused() == last - 1
    for key, row in (
        *(("ArrowUp", last - 2), ("j", last - 1), ("ArrowDown", last), ("ArrowDown", last)),
        *(("Home", 0), ("ArrowUp", 0), ("End", last), ("PageUp", last - 10)),
    ):
        tab.keyboard.press(key)
        assert focused() == row
        assert tab.locator("article:visible").get_attribute("id") == f"row-{row}"
    tab.keyboard.press("Escape")
    assert tab.locator("article:visible").count() == 0
    assert tab.locator(".hint").is_visible()
    tab.keyboard.press("j")
    assert tab.locator("article:visible").count() == 0
    tab.keyboard.press("Enter")
    assert tab.locator("article:visible").get_attribute("id") == f"row-{focused()}"
    assert tab.locator(".row[aria-expanded=true]").get_attribute("data-row") == str(focused())
    colour = "e => getComputedStyle(e).stroke"
    assert tab.locator(".row:focus rect").evaluate(colour) != "none"


def test_a_click_shows_the_state_before_and_after(tab: Any, story: Story) -> None:
    number = next(
        n
        for n, row in enumerate(story.rows)
        if isinstance(row, Moment) and row.process == "Store-1" and row.step.why == "message"
    )
    tab.locator(f".row[data-row='{number}']").click()
    shown = tab.locator("article:visible")
    changed = shown.locator("tr.changed td").all_text_contents()
    assert changed == ["sum", "0", "1"]
    assert tab.locator(".source li.on").text_content().strip() == "send(('sum', sum), to=p)"
    shown.locator("button").last.click()  # taken in the next step
    assert "Client-2" in tab.locator("article:visible h2").text_content()
    assert tab.locator(".arrows g.on").count() == 1
    tab.locator(f".row[data-row='{number}']").click()
    tab.locator(f".row[data-row='{number}']").click()
    assert tab.locator("article:visible").count() == 0


def test_arrows_go_from_step_to_step(tab: Any, story: Story) -> None:
    chart = Chart(story)
    arrows = tab.locator(".arrows g.message")
    taken = [row for row in story.rows if isinstance(row, Moment) and row.step.message is not None]
    assert arrows.count() == len(taken) > 3
    for arrow in arrows.all():
        begin, end = map(int, arrow.get_attribute("data-rows").split())
        points = arrow.locator("path").evaluate(
            "p => [0, p.getTotalLength()].map(at => { const q = p.getPointAtLength(at);"
            " return [q.x, q.y]; })"
        )
        for (x, y), number in zip(points, (begin, end), strict=True):
            row = story.rows[number]
            sent_again = isinstance(row, ev.Retry)
            process = row.message.partition(">")[0] if sent_again else row.process
            assert abs(x - chart.xs[process]) < 7
            assert abs(y - chart.y(number)) < 7


def test_what_befell_the_run_is_drawn(tab: Any) -> None:
    assert tab.locator("rect.cut").count() == 1
    assert tab.locator("path.crash").count() == 1
    assert tab.locator("circle.anew").count() == 1
    assert tab.locator("line.down").count() == 1
    assert tab.locator("line.fault").count() == 2
    assert tab.locator(".arrows g.lost").count() >= 1


MUTEX = Path(__file__).parent.parent / "zoo" / "mutex.da"


def test_what_is_under_way_goes_below_all_rows(browser: Any, record: Record) -> None:
    run = record(MUTEX, seed=5, arguments=("overtaking",))
    story = story_of(course_of(run.trace), rows_max=None)
    chart = Chart(story)
    with browser.new_page() as tab:
        tab.set_content(page(story))
        arrows = tab.locator(".arrows g.coming")
        froms = [story.rows[int(each.get_attribute("data-rows"))] for each in arrows.all()]
        assert {row.process for row in froms if isinstance(row, Moment)} >= {"Overtaking-1"}
        for arrow in arrows.all():
            box = arrow.locator("path").evaluate("p => p.getBBox().y + p.getBBox().height")
            assert chart.y(len(story.rows) - 1) < box <= chart.height
        text = tab.locator("aside").inner_text()
        assert "('request', 0) from Overtaking-1 to Overtaking-2" in text
        assert tab.locator("table.end td").all_text_contents()[-2:] == ["inside", "True"]


def test_long_names_are_slanted_and_leave_room_for_text(record: Record) -> None:
    kind = "class AVeryLongNameOfAProcess(process):\n    def run(): send('x', to=parent())\n"
    main = "def main():\n    ps = new(AVeryLongNameOfAProcess, num=8)\n    start(ps)\n"
    run = record(
        f"{kind}{main}    await(lenof(p, received('x', from_=p)) == 8)\n    assert False\n"
    )
    chart = Chart(story_of(course_of(run.trace), rows_max=None))
    assert len(chart.xs) == 9
    assert chart.text < 600
    assert sum("rotate(-30" in line for line in chart.heads()) == 9


def test_a_gap_is_a_row_of_its_own(record: Record) -> None:
    waits = "if await(False): pass\n            elif timeout(0.01): pass\n"
    body = f"for n in range(50):\n            send('beat', to=p)\n            {waits}"
    program = f"class P(process):\n    def setup(p): pass\n    def run():\n        {body}"
    program += "        assert False\nclass Q(process):\n    def run(): await(False)\n"
    program += "def main():\n    q = new(Q, ())\n    start({q, new(P, (q,))})\n"
    story = story_of(course_of(record(program).trace), rows_max=None)
    [gap] = [row for row in story.rows if isinstance(row, Gap)]
    elements = Elements(page(story))
    assert len([tag for tag, names in elements.found if tag == "article"]) == len(story.rows)
    assert gap.told() in elements.text


def test_light_and_dark(tab: Any) -> None:
    colours = []
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        colours.append(tab.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 24, 29)"]


def hostile() -> Trace:
    begin = ev.Begin(1, "0", HOSTILE[0] + ".da", 0, arguments=HOSTILE)
    events: list[ev.Event] = []
    for number, text in enumerate(HOSTILE):
        events.append(ev.Create(0.0, text, text, [number + 1]))
    for number, text in enumerate(HOSTILE):
        events += [
            ev.Step(0.1, text, number + 1, "start", {text: 1}),
            ev.Send(0.1, text, HOSTILE[0], f"m{number}{text}", text, at=f"{text}:1"),
            ev.Output(0.1, text, text, at=f"{text}.da:1"),
            ev.State(0.1, text, {text: [text]}, {text: text}, f"{text}:1", text),
            ev.Drop(0.1, f"m{number}{text}", text),
            ev.Fault(0.1, "partition", [[text], HOSTILE]),
        ]
    events.append(ev.Property(0.2, HOSTILE[1], False, HOSTILE[2], HOSTILE[0], f"{HOSTILE[0]}:3"))
    return Trace(begin, [*events, ev.Over(0.2, "failed", 1, 4)])


def test_hostile_values_are_text() -> None:
    text = page(story_of(course_of(hostile()), everything=True, rows_max=None), HOSTILE[0])
    assert text.index("Content-Security-Policy") < text.index("pwned")
    assert "script-src 'sha256-" in text and "default-src 'none'" in text
    elements = Elements(text)
    kinds = [tag for tag, _ in elements.found]
    assert not {"img", "iframe", "link", "a", "form"} & set(kinds)
    assert kinds.count("script") == 1
    names = {name for _, attributes in elements.found for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("src", "href", "style")}
    assert "document.title = 'pwned'</script>" in elements.text
    assert all(each.isprintable() or each == "\n" for each in elements.text)


def test_in_a_browser_hostile_values_do_nothing(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    story = story_of(course_of(hostile()), everything=True, rows_max=None)
    path.write_text(page(story, HOSTILE[0]), encoding="utf-8")
    with browser.new_page() as tab:
        asked: list[str] = []
        said: list[str] = []
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: said.append(message.text))
        tab.goto(path.as_uri())
        for _ in range(len(story.rows)):
            tab.keyboard.press("j")
        assert asked == [path.as_uri()]
        assert not said
        assert tab.title() != "pwned"
        assert tab.locator("img, iframe").count() == 0


def test_only_programs_are_read() -> None:
    asked: list[str] = []

    def read(name: str) -> None:
        asked.append(name)

    course = course_of(hostile())
    course.trace.begin.program = "/etc/passwd"
    sources_of(story_of(course, everything=True, rows_max=None), read)
    assert asked
    assert all(name.endswith(".da") for name in asked)


def test_where_the_program_is_not_there(story: Story) -> None:
    assert "The program was not there when this page was made." in Elements(page(story, None)).text


def test_a_property_that_does_not_hold_is_the_failure() -> None:
    text = Elements(page(story_of(course_of(hostile()), rows_max=None))).text
    assert f"{HOSTILE[1]} does not hold" in text
