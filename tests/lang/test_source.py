"""Places count characters, files that are no text are refused, and nothing waits on a pipe."""

import ast
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quorate.lang.diagnostics import QuorateSyntaxError
from quorate.lang.source import Source, Span

TEXT = "x = 'é漢😀', value\nif x:\n\ty = (1,\n\t     2)\n"


def the_name(source: Source, name: str) -> ast.AST:
    nodes = ast.walk(ast.parse(source.text))
    return next(node for node in nodes if isinstance(node, ast.Name) and node.id == name)


def test_columns_are_characters_although_ast_counts_bytes() -> None:
    source = Source("a.da", TEXT)
    assert source.span(the_name(source, "value")) == Span(1, 11, 1, 16)
    assert source.segment(the_name(source, "value")) == "value"


def test_segment_of_several_lines() -> None:
    source = Source("a.da", TEXT)
    (pair,) = (n for n in ast.walk(ast.parse(TEXT)) if isinstance(n, ast.Tuple) and n.lineno == 3)
    assert source.span(pair) == Span(3, 5, 4, 8)
    assert source.segment(pair) == "(1,\n\t     2)"


def test_an_expression_phrase_is_without_its_comments() -> None:
    text = "x = [1,  # one\n     '# no comment',\n     # two\n     2] # three\n"
    source = Source("a.da", text)
    [value] = (n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.List))
    assert source.phrase(value) == "[1, '# no comment', 2]"


def test_a_node_without_a_place_is_at_the_start() -> None:
    source = Source("a.da", TEXT)
    assert source.span(ast.Load()) == Span(1, 0, 1, 0)
    assert source.segment(ast.Load()) == ""


def test_only_line_ends_of_python_end_a_line() -> None:
    source = Source("a.da", "a\r\nb\rc\x0c\u2028d\n")
    assert source.lines == ["a", "b", "c\x0c\u2028d", ""]
    assert source.text.count("\n") == 3


@given(st.text(alphabet="aé漢😀\n'# \t"))
def test_every_name_is_where_its_span_says(noise: str) -> None:
    comment = "# " + noise.replace("\n", " ")
    text = repr(noise) + f"; marked = 1 {comment}\n"
    source = Source("a.da", text)
    assert source.segment(the_name(source, "marked")) == "marked"


@given(st.text(alphabet="ab\n"), st.integers(0, 20))
def test_position_finds_the_character(text: str, index: int) -> None:
    if index < len(text) and text[index] != "\n":
        source = Source("a.da", text)
        assert source.segment(source.position(index)) == text[index]


def test_read_takes_the_declared_encoding_and_no_mark(tmp_path: Path) -> None:
    latin, marked = tmp_path / "latin.da", tmp_path / "marked.da"
    latin.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    marked.write_bytes("\ufeffx = 'é'\r\n".encode())
    assert Source.read(latin).lines[1] == "x = 'é'"
    assert Source.read(marked).text == "x = 'é'\n"


def refusal(path: Path, shown: str) -> str:
    with pytest.raises(QuorateSyntaxError) as caught:
        Source.read(path)
    return str(caught.value).replace(str(path.parent), shown)


def test_a_missing_file_names_the_one_that_was_meant(tmp_path: Path) -> None:
    (tmp_path / "paxos.da").write_text("")
    assert refusal(tmp_path / "paxso.da", "DIR") == (
        "error[Q001]: cannot read `DIR/paxso.da`: No such file or directory\n"
        " --> DIR/paxso.da\n"
        "  = help: there is a file `DIR/paxos.da`"
    )
    assert refusal(tmp_path / "paxos", "DIR").endswith("= help: write `DIR/paxos.da`")
    assert "help" not in refusal(tmp_path / "other.da", "DIR")
    assert "embedded null" in refusal(tmp_path / "a\0b", "DIR")


def test_directories_and_pipes_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe", "DIR") == (
        "error[Q001]: `DIR/pipe` is a pipe or a device, not a file\n"
        " --> DIR/pipe\n"
        "  = help: name the `.da` file itself"
    )
    assert "`DIR` is a directory, not a file" in refusal(tmp_path, str(tmp_path.parent)).replace(
        str(tmp_path), "DIR"
    )


@pytest.mark.parametrize("declaration", [b"", b"# coding: nonsense\n", b"# coding: rot13\n"])
def test_what_is_no_text_is_refused_at_its_place(tmp_path: Path, declaration: bytes) -> None:
    path = tmp_path / "latin.da"
    path.write_bytes(declaration + "ok = 1\r\nx = 'é', '".encode() + b"\xe9'\n")
    line = 2 + bool(declaration)
    assert refusal(path, "DIR") == (
        "error[Q002]: `DIR/latin.da` is not text\n"
        f" --> DIR/latin.da:{line}:11\n"
        "  |\n"
        f"{line} | x = 'é', '\N{REPLACEMENT CHARACTER}'\n"
        "  |           ^ not utf-8: byte 0xe9\n"
        "  = help: save it as UTF-8 text, or name its encoding in the first line: "
        "`# coding: latin-1`"
    )


def test_a_nul_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "nul.da"
    path.write_bytes(b"x = 1\ny\0z\n")
    assert "2 | y\u2400z\n  |  ^ a NUL byte" in refusal(path, "DIR")
