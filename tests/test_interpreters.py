"""Interpreters are found where people have them, and believed only once they ran."""

import sys
import sysconfig
from pathlib import Path

import pytest

from kasv import interpreters
from kasv.errors import KasvError

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """Hide every interpreter of this machine."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    return tmp_path


def install(path: Path) -> Path:
    """Put this very Python at a path, as a script that runs it."""
    path.parent.mkdir(parents=True)
    path.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n', encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("place", [f"bin/python{THIS}", f"pyenv/versions/{THIS}.9/bin/python"])
def test_on_path_and_in_pyenv(nothing_installed, place):
    install(nothing_installed / place)
    found = interpreters.find(THIS)
    assert found.version == THIS
    assert Path(found.executable).samefile(sys.executable)
    assert found.shared == bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))


def test_in_a_conda_environment(nothing_installed):
    install(nothing_installed / "envs" / "old" / "bin" / "python")
    listed = nothing_installed / "home" / ".conda" / "environments.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text(f"\n{nothing_installed}/envs/old\n", encoding="utf-8")
    assert interpreters.find(THIS).version == THIS


@pytest.mark.parametrize(
    ("version", "remedy"), [("3.6", "pyenv install 3.6"), ("3.11", "uv python install 3.11")]
)
def test_a_missing_one_is_named_with_the_command_that_gets_it(nothing_installed, version, remedy):
    with pytest.raises(KasvError, match=f"no Python {version} found.*{remedy}"):
        interpreters.find(version)


def test_a_shim_that_fails_is_no_interpreter(nothing_installed):
    shim = install(nothing_installed / "bin" / "python3.6")
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.6: command not found' >&2\nexit 127\n")
    with pytest.raises(KasvError, match=r"no Python 3\.6 found"):
        interpreters.find("3.6")


def test_one_of_another_version_is_not_taken(nothing_installed):
    install(nothing_installed / "bin" / "python3.6")
    with pytest.raises(KasvError, match=r"no Python 3\.6 found"):
        interpreters.find("3.6")


def test_a_shared_library_is_insisted_on(nothing_installed):
    path = nothing_installed / "bin" / f"python{THIS}"
    path.parent.mkdir()
    answer = f'{{"version": "{THIS}", "executable": "x", "shared": false}}'
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    assert interpreters.find(THIS).executable == "x"
    with pytest.raises(KasvError, match="built with --enable-shared"):
        interpreters.find(THIS, shared=True)
