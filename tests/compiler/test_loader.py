"""Loading .da modules: the cache holds what would be compiled now, and import finds them."""

import importlib
import linecache
import multiprocessing
import os
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from quorate.compiler import loader
from quorate.compiler.loader import compiled, load
from quorate.lang.diagnostics import QuorateSyntaxError

PROGRAM = "from shared import Base, STEP\nclass P(Base):\n    def go(): return n + STEP\n"
SHARED = "STEP = 1\nclass Base(process):\n    def setup(n): pass\n"


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Leaves sys.path and sys.modules as they were."""
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(getattr(sys.modules[name], "__file__", "")).endswith(".da"):
            del sys.modules[name]


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that are compiled, in order."""
    made: list[str] = []
    compile_module = loader.compile_module

    def noting(module: object, path: str) -> object:
        made.append(os.path.basename(path))
        return compile_module(module, path)  # type: ignore[arg-type]

    monkeypatch.setattr(loader, "compile_module", noting)
    return made


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return write(tmp_path, {"prog.da": PROGRAM, "shared.da": SHARED}) / "prog.da"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def reload(path: Path) -> object:
    for name in ("prog", "shared"):
        sys.modules.pop(name, None)
    return load(str(path))


# The cache ------------------------------------------------------------------------------------


def test_a_second_load_takes_what_is_kept(program: Path, compilations: list[str]) -> None:
    reload(program)
    assert compilations == ["prog.da", "shared.da"]
    module = reload(program)
    assert compilations == ["prog.da", "shared.da"]
    assert module.P.go.__code__.co_filename == str(program)  # type: ignore[attr-defined]


def test_an_edit_of_the_source_counts(program: Path, compilations: list[str]) -> None:
    reload(program)
    facts = program.stat()
    program.write_text(PROGRAM.replace("n + STEP", "n - STEP"))
    os.utime(program, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # same size, same time
    reload(program)
    assert compilations == ["prog.da", "shared.da", "prog.da"]


def test_an_edit_of_an_imported_module_counts(program: Path, compilations: list[str]) -> None:
    """Which bare names are fields depends on it."""
    reload(program)
    (program.parent / "shared.da").write_text(SHARED + "n = 5\n")
    reload(program)
    assert compilations == ["prog.da", "shared.da"] * 2


def test_another_compiler_counts(
    program: Path, compilations: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reload(program)
    monkeypatch.setattr("quorate.compiler.loader._compiler_digest", lambda: b"another")
    reload(program)
    assert len(compilations) == 4


def test_a_moved_folder_is_compiled_again(
    program: Path, compilations: list[str], tmp_path: Path
) -> None:
    """Tracebacks name the file, so its path is part of the code."""
    reload(program)
    program.parent.rename(tmp_path.with_name("moved"))
    moved = tmp_path.with_name("moved") / "prog.da"
    code = compiled(str(moved))
    assert code.co_filename == str(moved)
    assert compilations[-1] == "prog.da"


def test_a_source_that_changes_meanwhile_is_compiled_again(
    program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_module = loader.compile_module

    def editing(module: object, path: str) -> object:
        Path(path).write_text("x = 2\n")
        return compile_module(module, path)  # type: ignore[arg-type]

    lone = write(program.parent, {"lone.da": "x = 1\n"}) / "lone.da"
    monkeypatch.setattr(loader, "compile_module", editing)
    assert load(str(lone)).x == 1
    monkeypatch.setattr(loader, "compile_module", compile_module)
    assert load(str(lone)).x == 2


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "other", "folder"])
def test_a_damaged_cache_is_harmless(program: Path, compilations: list[str], damage: str) -> None:
    reload(program)
    (kept,) = (program.parent / "__pycache__").glob("prog.*.quorate")
    data = kept.read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0xFF
    texts = {"cut": data[:-7], "flip": bytes(flipped), "empty": b"", "other": b"\0" * 500}
    kept.unlink()
    if damage == "folder":
        kept.mkdir()
    else:
        kept.write_bytes(texts[damage])
    assert reload(program).P  # type: ignore[attr-defined]
    assert compilations == ["prog.da", "shared.da", "prog.da"]
    left = [path.name for path in kept.parent.iterdir() if not path.name.endswith(".quorate")]
    assert left == []


@pytest.mark.parametrize("place", ["file", "missing"])
def test_a_cache_that_cannot_be_written_is_no_error(program: Path, place: str) -> None:
    if place == "file":
        (program.parent / "__pycache__").write_text("in the way")
    else:
        program.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        assert reload(program).P  # type: ignore[attr-defined]
    finally:
        program.parent.chmod(stat.S_IRWXU)


def test_no_cache_on_request(program: Path) -> None:
    load(str(program), cache=False)
    assert not list((program.parent / "__pycache__").glob("prog.*"))


def test_many_processes_at_once(program: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=reload, args=(program,)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 6
    kept = sorted(path.name for path in (program.parent / "__pycache__").iterdir())
    assert [name.partition(".")[0] for name in kept] == ["prog", "shared"]


# Import ---------------------------------------------------------------------------------------


def test_names_of_modules(tmp_path: Path) -> None:
    write(tmp_path, {"queue.da": "", "pytest.da": "", "other.da": ""})
    names = [load(str(tmp_path / f"{name}.da")).__name__ for name in ("queue", "pytest", "other")]
    assert names == ["queue_da", "pytest_da", "other"]


def test_a_module_that_raises_is_not_there(tmp_path: Path) -> None:
    write(tmp_path, {"bad.da": "x = 1\n\nraise KeyError(x)\n"})
    with pytest.raises(KeyError) as raised:
        load(str(tmp_path / "bad.da"))
    assert traceback.extract_tb(raised.tb)[-1].lineno == 3
    assert "bad" not in sys.modules


def test_errors_are_syntax_errors_with_a_place(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"prog.da": "import wrong\n", "wrong.da": "class P(process):\n  def run(): await x\n"},
    )
    with pytest.raises(SyntaxError) as raised:
        load(str(tmp_path / "prog.da"))
    assert isinstance(raised.value, QuorateSyntaxError)
    assert raised.value.filename == str(tmp_path / "wrong.da")
    loader.install()
    sys.path.insert(0, str(tmp_path))
    with pytest.raises(SyntaxError):
        importlib.import_module("wrong")


@pytest.mark.parametrize("text", ["break\n", "def f():\n    x = 1\n    global x\n", "return 3\n"])
def test_what_only_pythons_compiler_refuses_is_reported_alike(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"prog.da": text})
    with pytest.raises(QuorateSyntaxError) as raised:
        load(str(tmp_path / "prog.da"))
    assert raised.value.lineno == text.count("\n")


def test_the_text_of_a_module_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"prog.da": "import inner\n", "inner.da": "x = 1\nclass P(process): pass\n"})
    module = load(str(tmp_path / "prog.da"))
    assert linecache.getline(module.inner.__file__, 2) == "class P(process): pass\n"
    assert module.inner.P.__module__ == "inner"


@pytest.mark.parametrize(
    "body",
    [
        "pass\n    output(" + "n + " * 400 + "n)",
        "pass\n    if n: pass\n" + "".join(f"    elif n == {i}: pass\n" for i in range(400)),
        "pass\n    for x in n:\n"
        + "".join(" " * i + "for x in n:\n" for i in range(5, 30))
        + " " * 30
        + "n",
        "pass\n    return " + "-" * 50_000 + "n",
    ],
)
def test_what_is_too_deep_is_told_where_it_stands(tmp_path: Path, body: str) -> None:
    path = write(tmp_path, {"deep.da": f"x = 1\ndef f(n):\n    {body}\n"}) / "deep.da"
    with pytest.raises(QuorateSyntaxError) as raised:
        compiled(str(path), cache=False)
    (only,) = raised.value.diagnostics
    assert (only.code, only.help is not None) == ("Q005", True)
    assert only.span.line >= 4


def test_columns_in_a_file_that_begins_with_a_mark_of_its_encoding(tmp_path: Path) -> None:
    path = tmp_path / "bom.da"
    path.write_bytes(b"\xef\xbb\xbfx = (1 +\n")
    with pytest.raises(QuorateSyntaxError) as raised:
        compiled(str(path), cache=False)
    assert raised.value.diagnostics[0].span.column == 4


def test_any_python_can_import_programs(tmp_path: Path) -> None:
    (tmp_path / "good.da").write_text("ANSWER = 42\n")
    (tmp_path / "bad.da").write_text("class P(process):\n    def run(): output(x)\n")
    script = """
import quorate
quorate.install()
import good
assert good.ANSWER == 42
try:
    import bad
except SyntaxError as error:
    assert "Q010" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
