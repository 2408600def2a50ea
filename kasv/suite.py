"""What the host knows of the suite without running it: its files and each model's data set."""

import ast
import functools
import hashlib
from pathlib import Path

from kasv.errors import KasvError


@functools.cache
def digest(benchmark_dir: Path) -> str:
    """Return a hash of the suite's sources."""
    sources = sorted(benchmark_dir.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def models(benchmark_dir: Path) -> list[str]:
    """Return the suite's reference models: the modules that name a data set."""
    return sorted(path.stem for path in benchmark_dir.glob("*.py") if _dataset(path))


def dataset(benchmark_dir: Path, module: str) -> str:
    """Return the literal `dataset` of the model in a module of the suite.

    Raises:
        KasvError: the module names none.
    """
    path = benchmark_dir / f"{module}.py"
    name = _dataset(path)
    if name is None:
        raise KasvError(f'{path}: the model\'s class needs its data set: dataset = "mnist"')
    return name


def _dataset(path: Path) -> str | None:
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.Assign([ast.Name("dataset")], ast.Constant(str(name))):
                return name
    return None
