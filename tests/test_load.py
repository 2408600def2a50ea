import os

import psutil
import pytest

from kasv import load


def put(root, **files):
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"{content}\n")


def told(findings):
    return [(finding.level, finding.text) for finding in findings]


@pytest.mark.parametrize(
    ("files", "level", "text"),
    [
        ({"fs/cgroup/cpu.max": "max 100000"}, "ok", "no control group"),
        ({"fs/cgroup/cpu.max": "150000 100000"}, "warning", "allows 1.5 cores"),
        (
            {
                "fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            "ok",
            "no control group",
        ),
        (
            {
                "fs/cgroup/cpu/cpu.cfs_quota_us": "200000",
                "fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            "warning",
            "allows 2 cores",
        ),
    ],
)
def test_quota(tmp_path, files, level, text):
    put(tmp_path, **files)
    ((found, said),) = told(load.quota(tmp_path))
    assert found == level
    assert text in said


@pytest.mark.parametrize(
    ("governors", "level"),
    [(["performance", "performance"], "ok"), (["performance", "powersave"], "warning")],
)
def test_governor(tmp_path, governors, level):
    for number, governor in enumerate(governors):
        path = f"devices/system/cpu/cpu{number}/cpufreq/scaling_governor"
        put(tmp_path, **{path: governor})
    assert [found for found, _ in told(load.frequency(tmp_path))] == [level]


@pytest.mark.parametrize(
    ("path", "content", "level"),
    [
        ("intel_pstate/no_turbo", "0", "warning"),
        ("intel_pstate/no_turbo", "1", "ok"),
        ("cpufreq/boost", "1", "warning"),
        ("cpufreq/boost", "0", "ok"),
    ],
)
def test_turbo(tmp_path, path, content, level):
    put(tmp_path, **{f"devices/system/cpu/{path}": content})
    assert [found for found, _ in told(load.frequency(tmp_path))] == [level]


@pytest.mark.parametrize(("counts", "level"), [([0, 0], "ok"), ([0, 7], "warning")])
def test_heat(tmp_path, counts, level):
    for number, count in enumerate(counts):
        path = f"devices/system/cpu/cpu{number}/thermal_throttle/core_throttle_count"
        put(tmp_path, **{path: count})
    assert [found for found, _ in told(load.throttling(tmp_path))] == [level]


def test_what_cannot_be_read_is_left_out(tmp_path):
    looks = (load.quota, load.frequency, load.throttling)
    assert [finding for look in looks for finding in look(tmp_path)] == []


def test_quiet_work_shows_what_must_be_seen():
    finding = load.noise([1.0, 1.001, 1.0, 1.002, 1.001] * 6)
    assert finding.level == "ok"
    assert "rounds show 5%" in finding.text


def test_noisy_work_says_what_it_costs():
    seconds = [1 + 0.05 * (n // 5 % 3) for n in range(30)]
    finding = load.noise(seconds)
    assert finding.level == "warning"
    assert "will not be seen" in finding.text


def test_hopeless_work_says_so():
    seconds = [1 + (n // 5) for n in range(30)]
    assert "no number of rounds under 100" in load.noise(seconds).text


def test_names_a_busy_process(monkeypatch):
    class Busy:
        pid = os.getpid() + 1

        def name(self):
            return "miner\x1b[2J"

        def cpu_percent(self):
            return 100.0 * psutil.cpu_count()

    class Gone(Busy):
        def cpu_percent(self):
            raise psutil.NoSuchProcess(self.pid)

    class Ourselves(Busy):
        pid = os.getpid()

    monkeypatch.setattr(psutil, "process_iter", lambda: [Busy(), Gone(), Ourselves()])
    monkeypatch.setattr(load, "_WATCH_SECONDS", 0.01)
    finding = next(load.others())
    assert finding.level == "warning"
    assert "use 100% of the machine (miner?[2J" in finding.text


@pytest.mark.parametrize(("threads", "level"), [(1, "ok"), (4, "warning"), (8, "warning")])
def test_cores_for_threads(monkeypatch, threads, level):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    assert [found for found, _ in told(load.cores(threads))] == [level]


def test_the_report_of_this_machine(monkeypatch):
    monkeypatch.setattr(load, "_SPIN_SECONDS", 0.001)
    monkeypatch.setattr(load, "_WATCH_SECONDS", 0.01)
    report = load.report()
    assert all(line.strip().startswith(("ok", "warning")) for line in report.splitlines())
    assert "noise: the same work spreads" in report
