"""Releases are read from data, and a wrong entry is named by file, release and field."""

from pathlib import Path

import pytest

from kasv import releases
from kasv.errors import KasvError

HASH = "0" * 64
GOOD = f"""
["cntk-2.6"]
version = "2.6"
date = 2018-09-15T00:00:00Z
python = "3.6"
keras = "2.2.4"
requires = ["cntk==2.6", "keras==2.2.4"]
lock = '''
asv-runner==0.3.2 --hash=sha256:{HASH}
cntk==2.6 --hash=sha256:{HASH} --hash=sha256:{HASH}
numpy==1.19.5 --hash=sha256:{HASH}
'''
"""


def read(tmp_path: Path, text: str) -> tuple[releases.Release, ...]:
    path = tmp_path / "cntk.toml"
    path.write_text(text, encoding="utf-8")
    return releases.load_file(path)


def test_a_release_knows_its_branch_and_pins(tmp_path):
    (release,) = read(tmp_path, GOOD)
    assert (release.tag, release.backend) == ("cntk-2.6", "cntk")
    assert release.pins() == {"asv-runner": "0.3.2", "cntk": "2.6", "numpy": "1.19.5"}
    assert release.facts("cpu")["backend_version"] == "2.6"


def test_what_the_backend_reports_may_differ_from_its_version(tmp_path):
    (release,) = read(tmp_path, GOOD.replace("lock =", 'reports = "2.6rc"\nlock ='))
    assert release.facts("cpu")["backend_version"] == "2.6rc"


def test_a_changed_pin_is_another_commit_and_a_further_hash_is_not(tmp_path):
    (release,) = read(tmp_path, GOOD)
    (pinned,) = read(tmp_path, GOOD.replace("numpy==1.19.5", "numpy==1.19.4"))
    (hashed,) = read(tmp_path, GOOD.replace("0.3.2 ", f"0.3.2 --hash=sha256:{'1' * 64} "))
    assert release.commit != pinned.commit
    assert release.commit == hashed.commit
    assert len(release.commit) == 40


def test_unrolled_lstms_are_another_commit(tmp_path):
    (looped,) = read(tmp_path, GOOD)
    (unrolled,) = read(tmp_path, GOOD.replace("requires", "unroll = true\nrequires"))
    assert (looped.facts("cpu")["unroll"], unrolled.facts("cpu")["unroll"]) == (False, True)
    assert looped.commit != unrolled.commit


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('version = "2.6"', "", "version"),
        ('version = "2.6"', 'version = "two"', "version"),
        ('version = "2.6"', "version = 2.6", "version"),
        ("2018-09-15T00:00:00Z", '"yesterday"', "date"),
        ("2018-09-15T00:00:00Z", "2018-09-15T00:00:00", "date"),
        ("2018-09-15T00:00:00Z", "9999-12-31T23:00:00-05:00", "date"),
        ('python = "3.6"', 'python = "2.7"', "python"),
        ('keras = "2.2.4"\n', 'keras = "2.2.4"\nfoo = 1\n', "foo"),
        ('keras = "2.2.4"\n', 'keras = "../../etc"\n', "keras"),
        ('keras = "2.2.4"\n', 'keras = "2.2.4"\ntag = "x"\n', "tag"),
        ("cntk==2.6 --hash", "cntk>=2.6 --hash", "lock"),
        ("numpy==1.19.5 --hash", "numpy==1.19.5; import os --hash", "lock"),
        (f"numpy==1.19.5 --hash=sha256:{HASH}", "numpy==1.19.5", "lock"),
        (f"numpy==1.19.5 --hash=sha256:{HASH}\n", "", "numpy"),
        ('["cntk-2.6"]', '["theano-2.6"]', "tag"),
        ('["cntk-2.6"]', '["cntk-../x"]', "tag"),
        ("numpy==1.19.5 --hash", "numpy==1 --hash=sha256:" + HASH + "\nNumPy==2 --hash", "lock"),
        ('"cntk==2.6"', '"--index-url https://example.org"', "requires"),
        ('"cntk==2.6"', '"cntk @ https://example.org/a.whl"', "requires"),
        ('"cntk==2.6"', '"cntk==2.6\\n--index-url x"', "requires"),
        ('"cntk==2.6"', '"-r /etc/passwd"', "requires"),
        ('"cntk==2.6"', '"./cntk"', "requires"),
        (
            "lock =",
            'overrides = [{ requirement = "-e .", reason = "none" }]\nlock =',
            "overrides",
        ),
        ('["cntk-2.6"]', '["cntk-2..6"]', "tag"),
        ('["cntk-2.6"]', '["cntk-2...6"]', "tag"),
        ('["cntk-2.6"]', '["cntk-2.6."]', "tag"),
        ('["cntk-2.6"]', '["cntk-2.6-gpu"]', "tag"),
        ('["cntk-2.6"]', f'["cntk-{"2" * 300}"]', "tag"),
    ],
)
def test_a_malformed_entry_is_named_by_file_release_and_field(tmp_path, old, new, said):
    assert old in GOOD
    with pytest.raises(KasvError) as raised:
        read(tmp_path, GOOD.replace(old, new))
    message = str(raised.value)
    assert message.startswith("cntk.toml: release ")
    assert said in message.partition("': ")[2]


@pytest.mark.parametrize("text", ["[[[", "a = " + "[" * 100_000, "a = " + "{a=" * 100_000])
def test_what_is_not_toml_is_named(tmp_path, text):
    with pytest.raises(KasvError, match=r"cntk\.toml is not valid TOML"):
        read(tmp_path, text)


def test_releases_stand_oldest_first(tmp_path):
    later = GOOD.replace("cntk-2.6", "cntk-2.5.1").replace("2018-09-15", "2018-04-17")
    with pytest.raises(KasvError, match=r"release 'cntk-2\.5\.1'.*oldest first"):
        read(tmp_path, GOOD + later)


def test_a_lock_for_a_gpu_is_asked_for_by_name(tmp_path):
    (release,) = read(tmp_path, GOOD)
    with pytest.raises(KasvError, match=r"cntk-2\.6 has no lock for a GPU"):
        release.lock_for("gpu")


def test_the_committed_files_are_well_formed():
    found = releases.load()
    tags = [release.tag for release in found]
    assert len(set(tags)) == len(tags)
    assert len({release.commit for release in found}) == len(found)
    assert {
        *("tensorflow-1.3.0", "tensorflow-1.14.0", "cntk-2.6", "cntk-2.7.post2"),
        *("cntk-2.7-keras-2.2.2", "cntk-2.7.post2-keras-2.2.2"),
        *("theano-0.9.0", "theano-1.0.5", "mxnet-0.11.0", "mxnet-1.2.1"),
    } <= set(tags)
