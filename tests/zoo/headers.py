"""What the headers of the programs say, as bench/zoo.py reads it."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent

SEEDS = int(os.environ.get("QUORATE_SEEDS", "60"))
"""How many the right programs are to survive; `QUORATE_SEEDS=10000` is what their headers say."""


def load_zoo() -> ModuleType:
    path = ROOT / "bench" / "zoo.py"
    sys.path.insert(0, str(path.parent))
    try:
        spec = importlib.util.spec_from_file_location("zoo", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(path.parent))


zoo = load_zoo()
