"""Histories as JSON lines: what is written is read again, and no bytes do harm."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consistency import atomic
from quorate.consistency import MODELS, HistoryError, Recorder, lines_of, read, read_file, reading
from quorate.consistency.values import DEPTH_MAX, FALSE, TRUE, Unfrozen, frozen, shown, thawed

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.data(), st.sampled_from(sorted(MODELS)))
def test_what_is_written_is_read_again(data: st.DataObject, name: str) -> None:
    history = data.draw(atomic.histories(name, right=False))
    lines = lines_of(history)
    again = read([each.encode() for each in lines])
    assert lines_of(again) == lines
    assert [str(each) for each in again.operations] == [str(each) for each in history.operations]


def refused(lines: list[bytes]) -> HistoryError | None:
    try:
        read(lines)
    except HistoryError as error:
        return error
    return None


@given(st.lists(st.binary(max_size=40), max_size=4))
def test_any_bytes_are_refused(lines: list[bytes]) -> None:
    error = refused(lines)
    assert (error is None) is all(line.isspace() or not line for line in lines)
    if error is not None:
        assert error.code == "Q301"
        assert lines[(error.line or 0) - 1].strip()
        assert error.help
        assert error.message.isprintable()


_some = st.sampled_from([*reading.EVENTS, 1, "a", None, True, [1], {"a": 1}, 0.5, "\x1b"])


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*reading.KEYS, "clinet", "\x00"]), _some, max_size=6),
        max_size=4,
    )
)
def test_any_objects_are_refused_or_read(events: list[dict[str, object]]) -> None:
    error = refused([json.dumps(each).encode() for each in events])
    if error is not None:
        assert error.message.isprintable()
        assert str(error).startswith(f"[{error.code}] line ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"[" * 100_000, "nested too deeply"),
        (b'{"client": 1, "note": ' + b"[" * 100_000, "nested too deeply"),
        (b'"\xff"', "not UTF-8 text"),
        (b'{"client": 1, "event": "invoke", "op": "\\ud800"}', "this is no JSON"),
        (b'{"client": 1, "event": "invoke", "op": "a", "args": [NaN]}', "this is no JSON"),
    ],
)
def test_hostile_lines(line: bytes, message: str) -> None:
    with pytest.raises(HistoryError, match=message) as caught:
        read([b"", line])
    assert caught.value.line == 2


def test_values_nested_deeply() -> None:
    nested = b"[" * (DEPTH_MAX + 5) + b"]" * (DEPTH_MAX + 5)
    line = b'{"client": 1, "event": "invoke", "op": "a", "args": [' + nested + b"]}"
    with pytest.raises(HistoryError, match="nested more than"):
        read([line])


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LINE_BYTES_MAX", 100)
    path = tmp_path / "long"
    path.write_bytes(b"\n" + b"1" * 1000)
    with pytest.raises(HistoryError, match=r"longer than 100 bytes") as caught:
        read_file(str(path))
    assert caught.value.line == 2


def test_a_directory_is_no_history(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="Is a directory"):
        read_file(str(tmp_path))


@given(json_values, json_values)
def test_frozen_values_are_equal_if_the_json_is(one: object, other: object) -> None:
    frozen_one, frozen_other = frozen(one), frozen(other)
    assert frozen(thawed(frozen_one)) == frozen_one
    same = canonical(one) == canonical(other)
    assert (frozen_one == frozen_other) is same
    if same:
        assert hash(frozen_one) == hash(frozen_other)


def canonical(value: object) -> object:
    """A value whose booleans are no numbers."""
    if isinstance(value, bool):
        return ("boolean", "yes" if value else "no")
    if isinstance(value, list):
        return ["list", *map(canonical, value)]
    if isinstance(value, dict):
        return {name: canonical(member) for name, member in value.items()}
    return value


def test_booleans_are_no_numbers() -> None:
    assert frozen(True) is TRUE
    assert TRUE != 1
    assert TRUE == True  # noqa: E712
    assert frozen([False, {"a": [1]}]) == (FALSE, frozen({"a": [1]}))
    assert frozen([["a", 1]]) != frozen({"a": 1})
    assert len({TRUE, 1, FALSE, 0}) == 4


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: 2}, {1, 2}, b"x"])
def test_what_is_no_json_value(value: object) -> None:
    with pytest.raises(Unfrozen):
        frozen(value)
    with pytest.raises(HistoryError, match="no JSON value"):
        Recorder().invoke("a", "put", value)


@given(json_values, st.integers(8, 60))
def test_what_is_shown_is_printable_and_short(value: object, width: int) -> None:
    text = shown(frozen(value), width)
    assert text.isprintable()
    assert len(text) <= width
