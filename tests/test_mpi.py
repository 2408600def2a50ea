"""The MPI stub loads, defines what CNTK names, and refuses to be called."""

import ctypes
import subprocess
import sys

import pytest

from kasv import mpi
from kasv.errors import KasvError


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    environment = tmp_path_factory.mktemp("env")
    folder = environment / "lib" / "python3.6" / "site-packages" / "cntk" / "libs"
    folder.mkdir(parents=True)
    mpi.supply(environment)
    return folder


@pytest.mark.parametrize("name", ["libmpi.so.12", "libmpi_cxx.so.1"])
@pytest.mark.parametrize("symbol", ["MPI_Init_thread", "ompi_mpi_comm_world", "_ZN3MPI3Win4FreeEv"])
def test_it_defines_what_cntk_names(libraries, name, symbol):
    library = ctypes.CDLL(str(libraries / name))
    ctypes.c_char.in_dll(library, symbol)  # raises where the symbol is missing


def test_a_call_ends_the_process_with_its_name(libraries):
    code = f"import ctypes; ctypes.CDLL('{libraries}/libmpi.so.12').MPI_Send()"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert answer.returncode < 0
    assert b"MPI_Send was called" in answer.stderr


def test_without_a_compiler_it_says_what_to_install(libraries, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KasvError, match="C compiler"):
        mpi.supply(libraries.parents[4])
