"""Supply the MPI library that CNTK links against and nobody packages any more.

CNTK hard-links OpenMPI 1.10's `libmpi.so.12` and `libmpi_cxx.so.1` even where a single process
trains and makes no MPI call. A stub that only defines the names which its wheel leaves open, put
where the wheel's RUNPATH looks first, is enough: no root, no LD_LIBRARY_PATH. Every function in it
ends the process with a message, so that distributed training cannot misbehave in silence.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from kasv.errors import KasvError

_LIBRARIES = ("libmpi.so.12", "libmpi_cxx.so.1")
_FUNCTIONS_OF_OMPI = {"ompi_mpi_cxx_op_intercept", "ompi_op_set_cxx_callback"}
_HEADER = """\
#include <stdio.h>
#include <stdlib.h>
static void refuse(const char *name) {
    fprintf(stderr, "kasv: %s was called, but this CNTK has no MPI: one process only\\n", name);
    abort();
}
"""


def supply(environment: Path) -> None:
    """Build the stub libraries into the environment's `cntk/libs`.

    Raises:
        KasvError: there is no C compiler, or it failed.
    """
    for folder in environment.glob("lib/python3.*/site-packages/cntk/libs"):
        for library in _LIBRARIES:
            _compile(folder / library)


def _compile(library: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise KasvError(
            "CNTK needs a C compiler for its MPI stub and none is on PATH; "
            "install one (Debian: `apt-get install gcc libc6-dev`)"
        )
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(stub_source())
        source.flush()
        command = [compiler, "-shared", "-fPIC", f"-Wl,-soname,{library.name}"]
        answer = subprocess.run(
            [*command, "-o", library, source.name], capture_output=True, text=True, check=False
        )
    if answer.returncode:
        raise KasvError(f"{compiler} could not build CNTK's {library.name}: {answer.stderr[-500:]}")


def stub_source() -> str:
    """Return the stub's C source: data symbols as zeroed blocks, functions that refuse."""
    symbols = (Path(__file__).parent / "mpi_symbols.txt").read_text(encoding="ascii").split()
    return _HEADER + "".join(_definition(symbol) for symbol in symbols)


def _definition(symbol: str) -> str:
    if symbol.startswith("ompi_") and symbol not in _FUNCTIONS_OF_OMPI:
        return f"char {symbol}[512];\n"  # OpenMPI's handles are the addresses of such blocks
    return f'int {symbol}(void) {{ refuse("{symbol}"); return 1; }}\n'
