import base64
import hashlib
import itertools
import json
import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, unquote

import asv
import made_results as made
import pytest
from asv.graph import GraphSet

from kasv import metrics, reference, releases, vendor
from kasv.background import Background
from kasv.measurements import Series, Setting, Task
from kasv.pages import application, change_points, chart, everything, site
from kasv.pages.addresses import Graphs

TODAY = date(2026, 11, 22)
SCRIPT = "<script>alert(1)</script>"
BACKENDS = releases.BACKENDS


class Reader(HTMLParser):
    """Reads a page's links, ids, tags and tables; a table is a list of rows of texts."""

    def __init__(self, path: Path):
        super().__init__()
        self.links, self.ids, self.tags, self.tables, self.text = [], [], [], {}, []
        self._rows = self._cell = None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.append((tag, found))
        self.links += [found["href"]] if tag == "a" else []
        self.ids += [found["id"]] if "id" in found else []
        if tag == "section":
            self._section = found.get("id")
        if tag == "table":
            self._rows = self.tables.setdefault((self._section, found.get("class")), [])
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")
            self._cell = True

    _section = None

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self._cell = None

    def handle_data(self, data):
        self.text.append(data)
        if self._cell:
            self._rows[-1][-1] += data.strip()


def write(folder: Path, found: list[change_points.ChangePoint] | None = None) -> Path:
    benchmarks = json.loads((folder / "results" / "benchmarks.json").read_text())
    del benchmarks["version"]
    known = list(releases.load(folder / "backends"))
    pages = folder / "html" / "kasv"
    everything.write(pages, folder / "results", known, benchmarks, found or [], TODAY)
    return pages


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    made.write_everything(folder, each=3)
    return folder


@pytest.fixture(scope="module")
def pages(project):
    return write(project)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    made.write_everything(folder, each=1)
    for path in (folder / "results").glob("*/*.json"):
        text = path.read_text().replace(json.dumps(made.MACHINE), json.dumps(SCRIPT))
        path.write_text(text.replace('"small"', json.dumps(SCRIPT)))
    record = {"machine": SCRIPT, "version": 1, "cpu": '"><img src=x onerror=alert(1)>'}
    (folder / "results" / made.MACHINE / "machine.json").write_text(json.dumps(record))
    return write(folder)


def all_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.html"))


def test_the_pages_that_there_are(pages):
    assert {path.name for path in all_of(pages)} == {
        "index.html",
        "leaderboard-small-cpu-1-2017.html",
        "leaderboard-small-cpu-1-2018.html",
        "convergence.html",
        "published.html",
        "releases.html",
        "work.html",
        *(f"releases-{backend}.html" for backend in BACKENDS),
    }


@pytest.mark.parametrize("model", made.MODELS)
def test_a_models_tables_hold_the_files_numbers(pages, model):
    task = Task(model, "generated" if model == "babi_rnn" else "real")
    found = Reader(pages / "index.html").tables
    times = {row[0]: row[1:] for row in found[site.slug(str(task)), "times"][2:]}
    quality = {row[0]: row[1:] for row in found[site.slug(str(task)), "quality"][1:]}
    fastest = made.step("tensorflow", 2, model)
    for backend in BACKENDS:
        name = site.NAMES[backend]
        if (backend, model) == ("mxnet", "imdb_fasttext"):
            assert (times[f"{name}1.2"], quality[name]) == (["fails", "", ""], ["fails"])
            continue
        step = made.step(backend, 2, model)
        factor = metrics.factor(step / fastest) if step > fastest else ""
        epochs = made.seconds(backend, 2, model), made.published_epoch(backend, 2, model)
        expected = [metrics.digits(1000 * step), factor, *map(metrics.digits, epochs)]
        assert times[f"{name}1.2"] == expected
        value = made.accuracy(backend, model)
        loss = f"{3 * (1 - value):.3f}"
        assert quality[name] == [loss if model == "lstm_text_generation" else f"{value:.1%}"]


def test_the_glance_and_the_means_hold_the_factors(pages):
    found = Reader(pages / "index.html").tables
    glance = {row[0]: row[1:] for row in found[None, "glance"]}
    assert glance["mnist_mlp"] == ["1.0x", "2.0x", "3.0x", "4.0x", "5.0x", "6.0x"]
    assert glance["imdb_fasttext"] == ["1.0x", "2.0x", "3.0x", "fails", "5.0x", "6.0x"]
    means = next(rows for (_, name), rows in found.items() if name == "means")
    assert means[1] == ["TensorFlow", "1.0x", "1.0x to 1.0x", "8 of 8"]
    assert means[4] == ["MXNet", "4.0x", "4.0x to 4.0x", "7 of 8"]


def test_a_year_has_the_releases_of_its_end(pages):
    found = Reader(pages / "leaderboard-small-cpu-1-2017.html").tables
    assert found["mnist-mlp", "times"][2][:2] == ["TensorFlow1.1", "9.00"]


def test_links_are_relative_and_lead_somewhere(pages):
    readers = {path.name: Reader(path) for path in all_of(pages)}
    for name, reader in readers.items():
        assert len(reader.ids) == len(set(reader.ids)), name
        for link in reader.links:
            file, _, anchor = link.partition("#")
            if link.startswith("../index.html") or link.startswith("http"):
                continue
            assert not anchor or anchor in readers[file or name].ids, (name, link)
            assert not file or file in readers, (name, link)


def test_links_to_graphs_name_what_asv_has(pages, project):
    benchmarks = json.loads((project / "results" / "benchmarks.json").read_text())
    found = {link for path in all_of(pages) for link in Reader(path).links if "html#" in link}
    graphs = [link.partition("#")[2] for link in found if link.startswith("../index.html#")]
    assert len(graphs) > 100
    for graph in graphs:
        name, _, query = graph.partition("?")
        chosen = parse_qs(query)
        assert chosen["p-data"][0] in benchmarks[unquote(name)]["params"][0]
        assert set(chosen["branch"]) <= set(BACKENDS)
        assert (chosen["machine"], chosen["env-KASV_SIZE"]) == ([made.MACHINE], ["small"])


def test_a_page_asks_for_nothing_and_runs_nothing(pages):
    for path in all_of(pages):
        reader = Reader(path)
        for tag, attributes in reader.tags:
            assert tag not in ("script", "iframe", "object", "img", "form", "base"), path.name
            assert not {"src", "style", "srcset"} & attributes.keys(), path.name
            assert not [name for name in attributes if name.startswith("on")], path.name
        links = [a["href"] for tag, a in reader.tags if tag == "link"]
        assert links == ["data:,"]


def test_the_policy_allows_the_pages_own_style_only(pages):
    text = (pages / "index.html").read_text()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src &#39;none&#39;; style-src &#39;sha256-{digest}&#39;" in text
    assert "url(" not in style
    assert "unsafe" not in text


def test_nothing_that_a_result_file_says_becomes_a_tag(hostile):
    for path in all_of(hostile):
        reader = Reader(path)
        assert {"script", "img"}.isdisjoint(tag for tag, _ in reader.tags), path.name
    index = Reader(hostile / "index.html")
    assert SCRIPT in "".join(index.text)
    assert "onerror=alert(1)" in "".join(index.text)


def test_many_machines_are_spread_over_pages(tmp_path):
    made.write_releases(tmp_path / "backends", each=1)
    made.write_benchmarks(tmp_path / "results")
    for release in releases.load(tmp_path / "backends"):
        for number in range(9):
            made.write_result(tmp_path / "results", release, f"machine-{number}")
    folder = write(tmp_path)
    first = folder / "index.html"
    assert first.stat().st_size < 300_000
    parts = [first, *(folder / f"leaderboard-small-cpu-1-{n}.html" for n in (2, 3))]
    text = "".join("".join(Reader(path).text) for path in parts)
    assert all(f"machine-{number}" in text for number in range(9))


def test_machines_may_have_different_releases(tmp_path):
    made.write_releases(tmp_path / "backends", each=2, backends=["cntk"])
    made.write_benchmarks(tmp_path / "results")
    old, new = releases.load(tmp_path / "backends")
    made.write_result(tmp_path / "results", old, "a")
    made.write_result(tmp_path / "results", new, "b", models=["mnist_mlp"])
    rows = Reader(write(tmp_path) / "index.html").tables
    published = metrics.digits(made.published_epoch("cntk", 0, "mnist_mlp"))
    of_one = ["", "1.00", published]
    expected = ["CNTK", "18.01.0", *of_one, "18.01.1", *of_one]
    assert rows["mnist-mlp", "times"][2] == expected
    assert rows["mnist-cnn", "times"][2][5:] == ["not measured", "", ""]


def one_release(folder: Path, **changed: float) -> Path:
    """Write the pages of one release of CNTK, some of its metrics' values changed."""
    made.write_releases(folder / "backends", each=1, backends=["cntk"])
    made.write_benchmarks(folder / "results")
    (only,) = releases.load(folder / "backends")
    values = {f"track_{name}": value for name, value in changed.items()}
    made.write_result(folder / "results", only, changed=values)
    return write(folder)


@pytest.mark.parametrize(
    ("changed", "step", "epoch"),
    [
        ({"spread": 0.3, "other_load": 0.4}, "18.0~!", "1.00~!"),
        ({"waiting": 0.4}, "18.0", "1.00w"),
        ({"deviation": 1e-3, "reproducibility": 1e-3}, "18.0r", "1.00"),
        ({"optimizer_deviation": 1e-2}, "18.0o", "1.00"),
        ({"deviation": float("nan"), "optimizer_deviation": float("nan")}, "18.0?", "1.00"),
    ],
)
def test_doubtful_times_are_marked(tmp_path, changed, step, epoch):
    row = Reader(one_release(tmp_path, **changed) / "index.html").tables["mnist-mlp", "times"][2]
    assert (row[1], row[3]) == (step, epoch)


def test_wrong_work_is_shown_and_not_ranked(tmp_path):
    pages = one_release(tmp_path, deviation=0.5, reproducibility=1e-7)
    assert Reader(pages / "index.html").tables["mnist-mlp", "times"][2][1:3] == ["18.0", "wrong"]


def test_what_has_not_learned_has_a_mark_and_no_curve(tmp_path):
    pages = one_release(tmp_path, accuracy=0.09)
    assert Reader(pages / "index.html").tables["mnist-mlp", "quality"][1] == ["CNTK", "not learned"]
    reader = Reader(pages / "convergence.html")
    assert "Not learned" in "".join(reader.text)
    drawn = [a for tag, a in reader.tags if tag == "polyline"]
    assert len(drawn) == 2  # of lstm_text_generation, which has no accuracy
    assert "not learned" in "".join(Reader(pages / "published.html").text)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "same1.0e-07"),
        ({"deviation": 1e-3, "reproducibility": 1e-3}, "racing1.0e-03"),
        ({"deviation": 0.5}, "wrong5.0e-01"),
        ({"deviation": float("nan")}, "unproven"),
        (
            {"optimizer_deviation": 1e-2, "variant_deviation": 1e-6},
            "same1.0e-07RMSprop with epsilon inside the root 1.0e-02",
        ),
        ({"optimizer_deviation": 1e-2}, "same1.0e-07other 1.0e-02"),
    ],
)
def test_each_release_stands_in_a_family(tmp_path, changed, said):
    rows = Reader(one_release(tmp_path, **changed) / "work.html").tables[None, "work"]
    row = dict(zip(rows[0], rows[1], strict=True))
    assert row["Release"] == "1.0"
    assert row["mnist_mlp"] == said


@pytest.mark.parametrize(
    ("name", "said", "text"),
    [
        ("num_cpu", "2", "2 processors"),
        ("num_cpu", "1", "1 processor"),
        ("num_cpu", "", ""),
        ("ram", "25276514304", "25 GB of memory"),
        ("ram", "16 GB", "16 GB"),
        ("cpu", "AMD EPYC", "AMD EPYC"),
    ],
)
def test_what_is_said_of_a_machine(name, said, text):
    assert everything._fact(name, said) == text


def test_there_are_pages_before_anything_is_measured(tmp_path):
    made.write_releases(tmp_path / "backends", each=1)
    made.write_benchmarks(tmp_path / "results")
    folder = write(tmp_path)
    assert "Nothing has been measured yet" in (folder / "index.html").read_text()
    assert "Nothing has been measured yet" in (folder / "convergence.html").read_text()
    assert "not measured" in (folder / "releases.html").read_text()


def test_convergence_holds_the_history_and_its_time(pages):
    reader = Reader(pages / "convergence.html")
    rows = reader.tables["mnist-cnn", None]
    epoch = made.seconds("tensorflow", 2, "mnist_cnn")
    accuracy = made.accuracy("tensorflow", "mnist_cnn", 3)
    assert rows[3][:3] == ["3", f"{accuracy:.1%}", metrics.digits(4 * epoch)]
    assert len(rows) == 1 + made.EPOCHS
    lines = [a for tag, a in reader.tags if tag == "polyline"]
    assert len(lines) == 2 * (len(made.MODELS) * len(BACKENDS) - 1)


def test_releases_list_what_changed_and_the_speed(pages):
    rows = {row[0]: row for row in Reader(pages / "releases.html").tables[None, "releases"]}
    assert rows["cntk-1.2"][1:] == ["2018-07-07", "3.6", "2.2.0", "3", "8", "+50.0%"]
    assert rows["cntk-1.0"][4:] == ["", "8", "the first measured"]
    detail = Reader(pages / "releases-cntk.html").tables["cntk-1.2", None]
    assert ["keras", "2.1.0", "2.2.0"] in detail
    assert ["mnist_mlp", "27.0", "+50.0%"] in detail


def colours(page: Path) -> set[str | None]:
    """Return the classes of the changes on a page."""
    spans = [found for tag, found in Reader(page).tags if tag == "span" and "title" in found]
    return {found["class"] for found in spans}


def test_a_change_has_a_colour_where_it_exceeds_what_the_history_does(tmp_path):
    """One neighbour in three is slower by half, the others are equal: that is no noise."""
    made.write_everything(tmp_path, each=4)
    assert colours(write(tmp_path) / "releases.html") == {"same", "worse"}


def test_without_a_history_no_change_has_a_colour(tmp_path):
    made.write_releases(tmp_path / "backends", each=4, backends=["cntk"])
    made.write_benchmarks(tmp_path / "results")
    for release in releases.load(tmp_path / "backends"):
        made.write_result(tmp_path / "results", release)
    pages = write(tmp_path)
    assert colours(pages / "releases.html") == colours(pages / "releases-cntk.html") == {"same"}


def test_a_commit_leads_to_its_release(pages, project):
    ids = Reader(pages / "releases.html").ids
    assert {r.commit[:8] for r in releases.load(project / "backends")} <= set(ids)


def graph_of(project: Path, values: list[float]) -> tuple[GraphSet, dict[str, int]]:
    """Return asv's graphs with one series of CNTK, and the revisions of its releases."""
    graphs = GraphSet()
    params = {"machine": "<b>", "branch": "cntk", "env-KASV_SIZE": "small"}
    graph = graphs.get_graph(made.full_name("mnist_mlp", "track_step_time"), params)
    found = [r for r in releases.load(project / "backends") if r.backend == "cntk"]
    for number, value in enumerate(values):
        graph.add_data_point(number, [value, None], [1.0, None])
    return graphs, {release.commit: number for number, release in enumerate(found)}


@pytest.mark.parametrize(
    ("values", "ratio"),
    [([1.0] * 6 + [2.0] * 6, 2.0), ([2.0] * 6 + [1.0] * 6, 0.5), ([1.0] * 12, None)],
)
def test_change_points_are_asvs_and_have_suspects(tmp_path, values, ratio):
    made.write_releases(tmp_path / "backends", each=12, backends=["cntk"])
    graphs, revisions = graph_of(tmp_path, values)
    benchmarks = {
        made.full_name("mnist_mlp", "track_step_time"): {"params": [["'real'", "'generated'"]]}
    }
    known = releases.load(tmp_path / "backends")
    found = change_points.find(graphs, benchmarks, revisions, known)
    assert [point.ratio for point in found] == ([ratio] if ratio else [])
    for point in found:
        assert (point.before.tag, point.after.tag) == ("cntk-1.5", "cntk-1.6")
        (place,) = change_points.places([point])
        assert [s.name for s in place.suspects] == ["cntk", "keras", "python", "h5py"]


def test_change_points_are_listed_by_where_they_lie(project, tmp_path):
    made.write_everything(tmp_path, each=3)
    older, newer = releases.load(tmp_path / "backends")[:2]
    series = Series("<b>", Setting("small", "cpu", "1"))
    found = [
        change_points.ChangePoint(
            series, Task(model, "real"), "track_step_time", older, newer, 0.01, 0.03, 3.0
        )
        for model in ("mnist_mlp", "mnist_cnn")
    ]
    reader = Reader(write(tmp_path, found) / "releases.html")
    assert reader.tables[None, "change-points"][1] == [
        "mnist_mlp",
        "step",
        "10.0 ms",
        "30.0 ms",
        "3.0x",
        "<b>: small data, CPU, 1 thread",
    ]
    assert len(reader.tables[None, "change-points"]) == 3


def test_published_figures_are_all_there_and_apart(pages):
    tables = Reader(pages / "published.html").tables
    rows = [row for (_, name), found in tables.items() if name == "published" for row in found]
    figures = [row for row in rows if len(row) == 6 and row[0] != "Hardware"]
    assert len(figures) == len(reference.load())
    titan = ["GeForce GTX 1080 Ti", "CNTK 2.0", "2.0.6", "20", "1.3", "val accuracy98.30%"]
    assert titan in figures
    assert not any(made.MACHINE in row[0] for row in figures)
    assert "not printed" in [row[4] for row in figures]
    measured = tables["mnist-mlp", "measured"]
    assert [row[1] for row in measured[1:]] == [f"{b}-1.0" for b in BACKENDS[:4]]
    computed = metrics.digits(made.published_epoch("tensorflow", 0, "mnist_mlp"))
    assert measured[1][3:5] == [computed, "not run"]


def test_what_was_run_in_full_stands_beside_what_was_computed(tmp_path):
    made.write_releases(tmp_path / "backends", each=1, backends=["cntk"])
    made.write_benchmarks(tmp_path / "results")
    (only,) = releases.load(tmp_path / "backends")
    full = {**made.VARIABLES, "KASV_SIZE": "full"}
    made.write_result(tmp_path / "results", only, variables=full)
    rows = Reader(write(tmp_path) / "published.html").tables["mnist-mlp", "measured"]
    run = metrics.digits(1.2 * made.seconds("cntk", 0, "mnist_mlp"))
    assert rows[1][3:5] == [metrics.digits(made.published_epoch("cntk", 0, "mnist_mlp")), run]


@pytest.mark.parametrize(
    ("metric", "old", "new", "verdict"),
    [
        ("track_step_time", 1.0, 1.5, "worse"),
        ("track_step_time", 1.0, 1.02, "cannot tell"),
        ("track_error", 0.05, 0.10, "worse"),
        ("track_error", 0.05, 0.06, "same"),
        ("track_loss", 1.0, 0.5, "better"),
        ("track_peak_memory", 1e9, 1.01e9, "same"),
    ],
)
def test_a_change_point_is_judged_like_two_releases(metric, old, new, verdict):
    series, task = Series("m", Setting("small", "cpu", "1")), Task("mnist_mlp", "real")
    around = releases.load()[:2]
    point = change_points.ChangePoint(series, task, metric, *around, old, new, new / old)
    assert change_points.judge(point, Background(0.02, 0.01, 30.0)) == verdict


@pytest.mark.parametrize(
    ("words", "slug"),
    [(("A b", "../c"), "a-b-..-c"), (("<x>",), "x"), (("a" * 99,), "a" * 40)],
)
def test_slugs_are_safe_in_a_files_name(words, slug):
    assert site.slug(*words) == slug
    assert "/" not in site.slug(*words)


def test_a_benchmark_that_asv_does_not_know_has_no_address():
    series = Series("m", Setting("small", "cpu", "1"))
    assert Graphs({}).address(Task("x", "real"), "time_epoch", series, []) == ""


@pytest.mark.parametrize(
    ("low", "high", "whole", "found"),
    [
        (1, 7, True, [1, 2, 3, 4, 5, 6, 7]),
        (1, 50, True, [1, 10, 20, 30, 40, 50]),
        (0.42, 0.97, False, [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        (0.5, 0.5, False, [0.5, 0.6]),
        (0, 0, False, [0, 0.2]),
    ],
)
def test_ticks_are_round(low, high, whole, found):
    assert chart.ticks(low, high, whole=whole) == found


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [(1, 20, [1, 2, 5, 10, 20]), (3, 4, [3]), (0.01, 2000, [0.01, 0.1, 1, 10, 100, 1000])],
)
def test_logarithmic_ticks(low, high, found):
    assert chart.log_ticks(low, high) == pytest.approx(found)


@pytest.mark.parametrize("places", [[], [100.0], [100.0] * 6, [12.0, 13.0, 14.0], [275.0, 280.0]])
def test_labels_do_not_cover_each_other(places):
    moved = sorted(chart.apart(places))
    assert all(b - a > chart._LABEL_HEIGHT - 1 for a, b in itertools.pairwise(moved))
    assert all(chart._TOP - 1 <= place <= chart.HEIGHT for place in moved)


@pytest.mark.parametrize(("slowest", "log"), [(20.0, False), (2000.0, True)])
def test_a_wide_range_of_times_is_logarithmic(slowest, log):
    lines = [chart.Line("cntk", [(1.0, 0.1), (10.0, 0.2)]), chart.Line("theano", [(slowest, 0.1)])]
    drawn = chart.draw(lines, "seconds", "accuracy", percent=True, by_time=True)
    assert drawn.x_label.endswith("logarithmic") == log
    inside = [drawn.left - 1 < x < drawn.right + 1 for line in drawn.lines for x, _ in line.dots]
    assert all(inside)


@pytest.fixture
def published(tmp_path):
    original = Path(asv.__file__).parent / "www" / "index.html"
    (tmp_path / "index.html").write_text(original.read_text())
    return tmp_path


def test_asvs_page_leads_to_ours(published, monkeypatch):
    monkeypatch.setattr(vendor, "localise", lambda page, *_: vendor._TAG.sub("<script>", page))
    application.adapt(published)
    page = (published / "index.html").read_text()
    assert page.count('<a href="kasv/index.html">Leaderboards</a>') == 1
    assert "<noscript>" in page
    assert "js_load_failure()" not in page
    assert "script-src 'self';" in page


def test_the_policy_names_each_script_from_elsewhere(published, monkeypatch):
    monkeypatch.setattr(vendor, "localise", lambda page, *_: page)
    application.adapt(published)
    page = (published / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    directives = {d.split()[0]: d.split()[1:] for d in policy.split(";")}
    assets = list(vendor.assets(page))
    for directive, kind in (("script-src", "script"), ("style-src", "link")):
        elsewhere = [source for source in directives[directive] if "'" not in source]
        assert elsewhere == [asset.address for asset in assets if asset.kind == kind]
        assert elsewhere
    assert "'unsafe-inline'" not in directives["script-src"]


def test_another_asv_is_told(published, monkeypatch, capsys):
    monkeypatch.setattr(vendor, "localise", lambda page, *_: page)
    (published / "index.html").write_text("<html><head></head><body></body></html>")
    application.adapt(published)
    assert "no navigation" in capsys.readouterr().err
