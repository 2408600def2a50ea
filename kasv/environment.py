"""asv's environment types: `keras` measures every release, `cntk` and the others one backend's.

All types share one environment name, so that results of different backends can be compared and
one graph holds a line for each. Which release is active is decided by the commit and kept on disk
(asv's install-status file), since `asv run --parallel` installs in child processes.
"""

import atexit
import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from asv import util
from asv.console import log
from asv.environment import Environment, EnvironmentUnavailable
from asv.results import get_filename

from kasv import build, datasets, machines, proof, releases, repo, server, suite
from kasv.errors import KasvError
from kasv.history import History
from kasv.journal import Journal, is_quick
from kasv.releases import BACKENDS, Release
from kasv.sessions import Recorder

# What a user's shell may hold that would change what is measured; the suite sets its own.
_FOREIGN = ("THEANO", "MXNET_", "TF_", "XLA_", "JAX_", "KERAS_", "OMP_", "MKL_", "KMP_", "OPENBLAS")

P = ParamSpec("P")
T = TypeVar("T")


def _told_to_asv(method: Callable[P, T]) -> Callable[P, T]:
    """Let asv report our errors and a full disk as it reports its own, without a traceback."""

    @functools.wraps(method)
    def told(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except KasvError as error:
            raise util.UserError(str(error)) from error
        except OSError as error:
            raise util.UserError(f"{error.filename}: {error.strerror}") from error

    return told


class Keras(Environment):
    """Measures the releases of every branch; its subclasses narrow the branches to one backend."""

    tool_name = "keras"
    matches_python_fallback = False
    backends: tuple[str, ...] = BACKENDS

    def __init__(
        self, conf: Any, python: str, requirements: dict[str, str], tagged_env_vars: dict[Any, str]
    ) -> None:
        _refuse_choices(self.tool_name, python not in conf.pythons, bool(requirements))
        self._python = python
        self._requirements = requirements
        super().__init__(conf, python, requirements, tagged_env_vars)
        self._conf = conf
        self._results_dir = Path(conf.results_dir).absolute()
        self._is_quick = False
        self._suite_dir = Path(conf.benchmark_dir)
        self._journals: dict[str, Journal] = {}
        self._unbuilt: set[str] = set()
        self._folder = repo.folder_of(conf.repo)
        self._machine = machines.filed_under(self._results_dir)
        sessions = Path(self._path) / "sessions"
        self._recorder = Recorder(sessions, self._machine, self.name, self.device)
        _select(conf, self)

    @property
    def name(self) -> str:
        """The name that all types share, with the matrix's variables."""
        variables = sorted(self._variables.items())
        return str(util.sanitize_filename("-".join(["keras", *map("".join, variables)])))

    @property
    def dir_name(self) -> str:
        """The folder of this environment's state: what is active, and the journal."""
        turns = os.environ.get("KASV_TURNS")
        return f"{self.name}-{Path(turns).name}" if turns else self.name

    @functools.cached_property
    def _history(self) -> History:
        return History(releases.load(self._folder), self.backends)

    @property
    def _variables(self) -> dict[str, str]:
        return {key: value for (_, key), value in self._tagged_env_vars.items()}

    @property
    def device(self) -> str:
        """The device that the matrix asks for, `cpu` or `gpu`."""
        return self._variables.get("KASV_DEVICE", "cpu")

    @_told_to_asv
    def create(self) -> None:
        """Reserve the machine for this run; environments are built when their release comes up.

        Raises:
            KasvError: another run is measuring with these environments, or the machine's name
                stands for another kind of machine.
        """
        machines.verify(self._machine)
        state = Path(self._path)
        state.mkdir(parents=True, exist_ok=True)
        if "KASV_TURNS" not in os.environ:  # else `kasv interleave` has done it
            build.reserve(state.parent)
        self._recover()
        atexit.unregister(self._end)  # asv calls this more than once
        atexit.register(self._end)

    @property
    @_told_to_asv
    def installed_commit_hash(self) -> None:
        """None: asv is to install each release that it measures, also the one that is active.

        asv asks as it turns to a release, before it reads its results: from then on it reads and
        writes the copy that the journal lends it.
        """
        self._settle()
        self._turn_to_lent()

    @_told_to_asv
    def install_project(self, conf: Any, repo: Any, commit_hash: str) -> None:
        """Build the commit's release and make it the active one.

        Raises:
            asv.util.ProcessError: it cannot be built here; asv goes on to the next release.
            KasvError: no such commit.
        """
        release = self._release(commit_hash)
        try:
            self._announce_and_build(release)
        except KasvError as error:
            self._report_unbuilt(release, error)
            raise util.ProcessError(["kasv", "build", release.tag], 1, "", str(error)) from error
        self._journal_of(commit_hash).lend()
        self._set_commit_hash(commit_hash)
        self._set_installed_commit_hash(commit_hash)
        interrupted = self._journal_of(commit_hash).folder.glob("*.outcome")
        self._recorder.begin(commit_hash, resumes=any(interrupted))

    @_told_to_asv
    def run(self, args: list[str], **kwargs: Any) -> Any:
        """Run Python with these arguments in the active release's environment."""
        match args:
            case [_, "run", _, benchmark, parameters, _, result]:
                return self._run_benchmark(args, benchmark, parameters, Path(result), kwargs)
            case [_, "run_server", *_]:
                raise KasvError("kasv measures with launch_method spawn: leave out forkserver")
        return self.run_executable("python", args, **kwargs)

    def run_executable(self, executable: str, args: list[str], **kwargs: Any) -> Any:
        """Run an executable of the active release's environment."""
        release = self._active()
        folder = build.folder(release, self.device, Path(self._env_dir)).absolute()
        environment = self._environment(release, folder, kwargs.pop("env", os.environ))
        kwargs.setdefault("timeout", self._install_timeout)
        command = [str(folder / "bin" / executable), *args]
        return util.check_output(command, env=environment, **kwargs)

    def _run_benchmark(
        self, args: list[str], benchmark: str, parameters: str, result: Path, kwargs: dict[str, Any]
    ) -> Any:
        """Run one benchmark, or hand over an interrupted run's value, or an earlier proof's."""
        self._is_quick = is_quick(parameters)
        journal = self._open_journal()
        key = (benchmark, suite.digest(self._suite_dir), parameters)
        replayed = journal.replay(*key) or self._proven(benchmark)
        if replayed is None:
            answer = self._measure(args, benchmark, kwargs)
        else:
            result.write_bytes(replayed)
            answer = ("", "", 0)
        journal.add(*key, None if answer[2] else result.read_bytes())
        return answer

    def _proven(self, benchmark: str) -> bytes | None:
        name = Path(get_filename("", self._active().commit, self.name)).name
        folder = self._machine or self._results_dir
        return proof.stored(self._results_dir, folder / name, benchmark)

    def _measure(self, args: list[str], benchmark: str, kwargs: dict[str, Any]) -> Any:
        """Run one benchmark's process once its data is there, or read a training's record."""
        model, _, function = benchmark.partition(".")
        records = proof.records(self._open_journal().records, benchmark)
        if ".time_" in function:
            # A new training starts; asv's later rounds keep the step times of those before.
            for record in records if self._open_journal().is_first_round(benchmark) else ():
                record.unlink()
        elif records and args[5] == "None":  # not to be profiled
            *_, parameters, _, result = args
            return server.run(
                self, self._suite_dir, benchmark, parameters, Path(result), kwargs["cwd"]
            )
        try:
            datasets.ensure(suite.dataset(self._suite_dir, model))
        except KasvError as error:
            log.error(f"{benchmark}: {error}")
            return str(error), "", 1
        return self.run_executable("python", args, **kwargs)

    def _environment(
        self, release: Release, folder: Path, inherited: Mapping[str, str]
    ) -> dict[str, str]:
        """Return the variables for a process of the suite: private, and free of the user's own."""
        home = folder / "home"
        home.mkdir(exist_ok=True)
        kept = {key: value for key, value in inherited.items() if not key.startswith(_FOREIGN)}
        kept.pop("PYTHONPATH", None)
        # A backend's thousands of modules are compiled once, not at each import.
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        return {
            **kept,
            **self._global_env_vars,
            "ASV_COMMIT": release.commit,
            "ASV_ENV_DIR": str(folder),
            "HOME": str(home),
            "KASV_ARRAYS": str(datasets.arrays_folder()),
            "KASV_RECORDS": str(self._journal_of(release.commit).records.absolute()),
            "KASV_RELEASE": json.dumps(release.facts(self.device)),
            "KERAS_BACKEND": release.backend,
            "PATH": os.pathsep.join([str(folder / "bin"), kept.get("PATH", os.defpath)]),
            "PYTHONNOUSERSITE": "1",
        }

    def _open_journal(self) -> Journal:
        """Return the journal of the active release, begun once."""
        commit = self._active().commit
        if commit not in self._journals:
            self._settle()
            self._turn_to_lent()  # `asv find` has not asked for the active release
            self._journals[commit] = self._journal_of(commit)
            self._journals[commit].begin()
            proof.forget(self._journals[commit].records)
        return self._journals[commit]

    def _journal_of(self, commit: str) -> Journal:
        root = Path(self._path) / ("quick" if self._is_quick else "journal")
        return Journal(root, commit, self.name, self._results_dir, self._lent_dir)

    @property
    def _lent_dir(self) -> Path:
        """The folder of results that asv is lent; one for all environments of a process."""
        side = Path(os.environ.get("KASV_TURNS", "")).name
        return Path(self._env_dir).absolute() / f".lent{side and '-'}{side}"

    def _turn_to_lent(self) -> None:
        """Have asv read and write the copies from now on; `asv continuous` lists benchmarks too."""
        self._lent_dir.mkdir(parents=True, exist_ok=True)
        if self._conf.results_dir != str(self._lent_dir):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self._results_dir / "benchmarks.json", self._lent_dir)
            self._conf.results_dir = str(self._lent_dir)

    def _recover(self) -> None:
        """Settle what the last run could not, a killed one too."""
        shutil.rmtree(Path(self._path) / "quick", ignore_errors=True)
        for folder in (Path(self._path) / "journal").glob("*"):
            with _storing(folder):
                self._journal_of(folder.name).recover()
        for path in self._lent_dir.glob(f"*/*{get_filename('', '', self.name)}"):
            path.unlink()  # of a quick run, or of what could not be built

    def _settle(self) -> None:
        """Settle every journal whose results asv has stored since."""
        server.stop()
        for folder in (Path(self._path) / "journal").glob("*"):
            with _storing(folder):
                self._journal_of(folder.name).settle()
        self._journals.clear()
        self._recorder.end()

    def _end(self) -> None:
        try:
            self._settle()
        except KasvError as error:
            log.error(str(error))

    def _active(self) -> Release:
        commit = self._get_installed_commit_hash()
        if commit is None:
            raise KasvError(f"{self._path}: no release is active; `asv run` makes one so")
        return self._release(commit)

    def _release(self, commit: str) -> Release:
        release = self._history.resolve(commit)
        if release.commit != commit:
            raise KasvError(
                f"asv handed over {commit!r} where a commit belongs, as its range TAGS does; "
                "use ALL: every release has a tag here"
            )
        return release

    def _announce_and_build(self, release: Release) -> None:
        env_dir = Path(self._env_dir)
        announced = release.tag in self._unbuilt
        if not (announced or build.is_built(release, self.device, env_dir)):
            log.flush()
            print(f"Building {release.tag} (Python {release.python}, {self.device})", flush=True)
        build.build(release, self.device, env_dir)

    def _report_unbuilt(self, release: Release, error: KasvError) -> None:
        """Say once why."""
        if release.tag not in self._unbuilt:
            log.error(str(error))
        self._unbuilt.add(release.tag)


@contextlib.contextmanager
def _storing(journal: Path) -> Iterator[None]:
    """Say what is kept, and where, if results cannot be written."""
    try:
        yield
    except OSError as error:
        raise KasvError(
            f"{error.filename}: {error.strerror}: free some disk or make it writable; what was "
            f"measured is kept in {journal}, and the next `asv run` stores it"
        ) from error


def _refuse_choices(tool_name: str, python: bool, requirements: bool) -> None:
    if python or requirements:
        choice = f"a Python of its own (`{tool_name}:...`)" if python else "requirements"
        raise EnvironmentUnavailable(
            f"environment type {tool_name} takes no {choice}: its releases pin everything"
        )


def _select(conf: Any, environment: Keras) -> None:
    """Narrow the configuration to the backends whose environment types were asked for.

    asv constructs the configured default type once before any that `-E` names, so the first
    `keras` asks for nothing yet. A further type of the same name widens what the first measures
    and is then unavailable: each release is to be measured once.

    Raises:
        EnvironmentUnavailable: another environment measures this type's releases already.
    """
    asked = conf.__dict__.setdefault("kasv_asked", {})
    if type(environment) is Keras and environment.name not in asked:
        asked[environment.name] = []
        return
    types = asked.setdefault(environment.name, [])
    types.append(environment)
    backends = {backend for one in types for backend in one.backends}
    types[0].backends = tuple(backend for backend in BACKENDS if backend in backends)
    conf.branches = list(types[0].backends)
    conf.repo = repo.url_of(conf.repo, types[0].backends)
    if len(types) > 1:
        raise EnvironmentUnavailable(
            f"{environment.tool_name}: measured in one go with {types[0].tool_name}"
        )


class TensorFlow(Keras):
    """Measures TensorFlow's releases."""

    tool_name = "tensorflow"
    backends = ("tensorflow",)


class Cntk(Keras):
    """Measures CNTK's releases."""

    tool_name = "cntk"
    backends = ("cntk",)


class Theano(Keras):
    """Measures Theano's releases."""

    tool_name = "theano"
    backends = ("theano",)


class Mxnet(Keras):
    """Measures MXNet's releases."""

    tool_name = "mxnet"
    backends = ("mxnet",)


class Jax(Keras):
    """Measures JAX's releases."""

    tool_name = "jax"
    backends = ("jax",)


class Torch(Keras):
    """Measures PyTorch's releases."""

    tool_name = "torch"
    backends = ("torch",)
