"""A machine's name says which kind it is, and no two kinds ever share one."""

import json
import shutil
import time
from pathlib import Path

import pytest
from asv.machine import Machine, MachineCollection
from click.testing import CliRunner

from kasv import conditions, machines
from kasv.cli import main
from kasv.conditions import Conditions, Session
from kasv.errors import KasvError
from kasv.facts import Facts
from kasv.machines import Record, default_name

EPYC, XEON = "AMD EPYC", "Intel(R) Xeon(R) Processor @ 2.20GHz"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Give each test a home of its own, where asv knows no machine."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def become(monkeypatch):
    """Return a function that has asv find another processor here, on the same host."""

    def change(cpu, num_cpu="2", **others):
        found = {**Machine.get_defaults(), "cpu": cpu, "num_cpu": num_cpu, **others}
        monkeypatch.setattr(Machine, "get_defaults", lambda: found)

    return change


@pytest.fixture
def results_dir(tmp_path):
    return tmp_path / "results"


def put_record(folder, **fields):
    folder.mkdir(parents=True)
    record = {"machine": folder.name, "version": 1, **fields}
    (folder / "machine.json").write_text(json.dumps(record), encoding="utf-8")


@pytest.mark.parametrize(
    ("processor", "cores", "name"),
    [
        ("AMD EPYC", "2", "amd-epyc-2cpu"),
        ("AMD EPYC", "4", "amd-epyc-4cpu"),
        ("AMD EPYC 7B13", "2", "amd-epyc-7b13-2cpu"),
        ("AMD EPYC 7763 64-Core Processor", "2", "amd-epyc-7763-2cpu"),
        ("Intel(R) Xeon(R) Processor", "2", "intel-xeon-2cpu"),
        (XEON, "2", "intel-xeon-2.20ghz-2cpu"),
        ("Intel(R) Xeon(R) CPU @ 2.00GHz", "2", "intel-xeon-2.00ghz-2cpu"),
        ("Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", "8", "intel-core-i7-1165g7-2.80ghz-8cpu"),
        ("aarch64", "1", "aarch64-1cpu"),
        ("", "2", "unknown-2cpu"),
        ("../../x\n<script>", "2", "x-script-2cpu"),
        ("x" * 300, "2", "x" * 48 + "-2cpu"),
    ],
)
def test_the_default_name_follows_from_the_processor(processor, cores, name):
    assert default_name(processor, cores) == name
    assert machines._checked(name) == name


@pytest.mark.parametrize(
    "name", ["../../x", "..", "", "x" * 65, "x" * 300, "a\nb", "<script>", "a/b", "-x", ".x", "é"]
)
def test_names_that_are_none_for_a_folder(results_dir, home, name):
    with pytest.raises(KasvError, match="cannot name a machine"):
        machines.register(name, results_dir)
    assert not (home / ".asv-machine.json").exists()


def test_asv_finds_the_name_by_itself(results_dir, become):
    become(EPYC)
    MachineCollection.save("another", {"machine": "another"})  # asv asks where it knows several
    assert machines.register(None, results_dir) == "amd-epyc-2cpu"
    for name in (None, "amd-epyc-2cpu"):
        machine = Machine.load(machine_name=name)
        assert (machine.machine, machine.cpu) == ("amd-epyc-2cpu", EPYC)


def test_another_processor_gets_another_name(results_dir, become):
    become(EPYC)
    machines.register(None, results_dir)
    become(XEON)
    assert machines.register(None, results_dir) == "intel-xeon-2.20ghz-2cpu"
    assert Machine.load().cpu == XEON


def test_a_chosen_name_stays_while_the_processor_does(results_dir, become):
    become(EPYC)
    assert machines.register("mine", results_dir) == "mine"
    assert machines.register(None, results_dir) == "mine"
    become(XEON)
    assert machines.register(None, results_dir) == "intel-xeon-2.20ghz-2cpu"


def test_a_host_name_as_asv_saves_it_is_replaced(results_dir, become):
    become(EPYC)
    host = Machine.get_unique_machine_name()
    MachineCollection.save(host, {**Machine.get_defaults(), "machine": host})
    assert machines.register(None, results_dir) == "amd-epyc-2cpu"


def test_a_machine_made_anew_goes_on_with_the_record_of_its_results(results_dir, become):
    become(EPYC, ram="1001", os="Linux 7")
    record = {"cpu": EPYC, "num_cpu": "2", "ram": "1000", "os": "Linux 6", "gpu": "", "arch": "x"}
    put_record(results_dir / "amd-epyc-2cpu", **record)
    machines.register(None, results_dir)
    assert (Machine.load().ram, Machine.load().os) == ("1000", "Linux 6")


def test_a_name_in_use_for_another_processor_is_refused(results_dir, home, become):
    become(EPYC)
    put_record(results_dir / "mine", cpu=XEON, num_cpu="2")
    with pytest.raises(KasvError, match="choose another --name"):
        machines.register("mine", results_dir)
    assert not (home / ".asv-machine.json").exists()


@pytest.mark.parametrize("content", ["", "null", "{}", '{"machine": "other"}', "\xff", "[" * 99999])
def test_a_malformed_record_in_the_results_is_named(results_dir, become, content):
    become(EPYC)
    put_record(results_dir / "amd-epyc-2cpu")
    (results_dir / "amd-epyc-2cpu" / "machine.json").write_text(content, encoding="latin-1")
    with pytest.raises(KasvError, match=r"machine\.json is malformed"):
        machines.register(None, results_dir)


@pytest.mark.parametrize("content", ["{}", '{"version": 1}', '{"version": 1, "x": {}}'])
def test_a_record_of_asvs_that_says_nothing_is_replaced(results_dir, home, become, content):
    become(EPYC)
    (home / ".asv-machine.json").write_text(content)
    assert machines.register(None, results_dir) == "amd-epyc-2cpu"


def test_a_torn_file_of_asvs_is_named(results_dir, home):
    (home / ".asv-machine.json").write_text("{")
    with pytest.raises(KasvError, match=r"asv-machine\.json.*remove it"):
        machines.register(None, results_dir)


def test_a_record_of_another_processor_is_refused(results_dir, become):
    become(EPYC)
    put_record(results_dir / "amd-epyc-2cpu", cpu=EPYC, num_cpu="2")
    machines.verify(results_dir / "amd-epyc-2cpu")
    for cpu, cores in ((XEON, "2"), (EPYC, "4")):
        become(cpu, cores)
        with pytest.raises(KasvError, match="`kasv machine`"):
            machines.verify(results_dir / "amd-epyc-2cpu")
    machines.verify(None)


def test_results_of_other_silicon_under_the_same_model_name_are_refused(results_dir, become):
    become(EPYC)
    folder = results_dir / "amd-epyc-2cpu"
    put_record(folder, cpu=EPYC, num_cpu="2")
    facts = Facts(EPYC, "AuthenticAMD family 99 model 1 stepping 1", 2, "", "Linux 6")
    one = Conditions(folder.name, "0" * 40, {}, (Session(1, 2, facts, None, None, None),))
    conditions.write(folder / "00000000-keras.conditions", one)
    for check in (lambda: machines.verify(folder), lambda: machines.register(None, results_dir)):
        with pytest.raises(KasvError, match=r"family 99.*--name NAME"):
            check()


def test_the_folder_that_asv_has_just_written_to(results_dir, monkeypatch):
    assert machines.filed_under(results_dir) is None
    put_record(results_dir / "old")
    monkeypatch.setattr(machines, "_IMPORTED_AT", time.time() + 60)
    assert machines.filed_under(results_dir) is None
    monkeypatch.setattr(machines, "_IMPORTED_AT", time.time() - 60)
    assert machines.filed_under(results_dir) == results_dir / "old"


def test_the_committed_results_are_of_the_kind_that_they_are_named_after():
    record = machines._recorded(Path("results/amd-epyc-2cpu"))
    assert record.kind == "amd-epyc-2cpu"


def test_the_command(tmp_path, monkeypatch, become):
    become(XEON)
    shutil.copy("asv.conf.json", tmp_path)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["machine"])
    assert result.output == "this machine is known to asv as intel-xeon-2.20ghz-2cpu\n"
    result = CliRunner().invoke(main, ["machine", "--name", "../x"])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    monkeypatch.chdir("/")
    assert "checkout" in CliRunner().invoke(main, ["machine"]).output


def test_records_are_text():
    assert Record("x", cpu=EPYC, num_cpu="2").kind == "amd-epyc-2cpu"
    assert Record("x", arch="aarch64", num_cpu="4").kind == "aarch64-4cpu"
