"""The published site in a real browser: Debian's `chromium` and `chromium-driver`, headless."""

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import made_results as made
import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from kasv import metrics, releases
from kasv.pages import site

pytestmark = pytest.mark.browser

SCRIPT = "<script>alert(1)</script>"
PAYLOAD = (
    '<meta data-evil http-equiv="refresh" content="0;url=about:blank"><base data-evil href="//x">'
    "<img data-evil src=x onerror=alert(1)><a data-evil href='javascript:alert(1)'>evil</a>"
)
OURS = (
    "index.html",
    "leaderboard-small-cpu-1-2017.html",
    "convergence.html",
    "releases.html",
    "releases-cntk.html",
    "published.html",
    "work.html",
)
ASVS = ("#/", "#/summarylist", "#/regressions", "#mnist_mlp.MnistMlp.time_epoch?p-data='real'")
# What each of asv's views holds once it is drawn.
DRAWN = ", ".join(
    (
        "#summarygrid-display canvas",
        "#summarylist-body td",
        "#regressions-body table",
        "#main-graph canvas",
    )
)
# Every element with text of its own whose colour is too close to what lies behind it (WCAG's AA).
TOO_PALE = """
    const channel = c => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    const light = c => .2126 * channel(c[0]) + .7152 * channel(c[1]) + .0722 * channel(c[2]);
    const parse = text => text.match(/[\\d.]+/g).map(Number);
    const behind = e => {
        for (; e; e = e.parentElement) {
            const c = parse(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c;
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll("body *")].filter(e => {
        if (![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) return false;
        const style = getComputedStyle(e);
        const ink = light(parse(e.closest("svg") ? style.fill : style.color));
        const paper = light(behind(e));
        return (Math.max(ink, paper) + .05) / (Math.min(ink, paper) + .05) < 4.5;
    }).map(e => e.outerHTML.slice(0, 200));
"""


def find(*names: str) -> str:
    """Return the path of an installed program; a machine without a browser fails these tests."""
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.fail(f"no {names[0]} on PATH: apt-get install chromium chromium-driver")


def start(*arguments: str) -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = find("chromium", "chromium-browser", "google-chrome")
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1280,900", *arguments):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(find("chromedriver")))


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """Publish results of two machines, one of them with a name that is a script."""
    folder = tmp_path_factory.mktemp("site")
    project = made.write_everything(folder, each=3)
    for release in releases.load(folder / "backends"):
        if release.version == "1.2":
            made.write_result(folder / "results", release, "evil")
    for path in (folder / "results" / "evil").glob("*.json"):
        path.write_text(path.read_text().replace('"evil"', json.dumps(SCRIPT)))
    put_payloads(folder / "results")
    return made.publish(project)


def put_payloads(folder: Path) -> None:
    """Put elements wherever results hold text that asv's page shows."""
    path = folder / "benchmarks.json"
    benchmarks = json.loads(path.read_text())
    for table in benchmarks.values():
        if isinstance(table, dict):
            table |= {"pretty_name": PAYLOAD, "code": PAYLOAD, "description": PAYLOAD}
    benchmarks["mnist_mlp.MnistMlp.track_loss"]["unit"] = PAYLOAD
    benchmarks["mnist_mlp.MnistMlp.track_error"]["param_names"] = [PAYLOAD]
    path.write_text(json.dumps(benchmarks))
    machine = folder / made.MACHINE / "machine.json"
    facts = {**json.loads(machine.read_text()), "cpu": PAYLOAD, PAYLOAD: PAYLOAD}
    machine.write_text(json.dumps(facts))
    one = json.loads(next((folder / made.MACHINE).glob("*-*.json")).read_text())
    for field in ("env_vars", "params"):
        spoilt = {**one, field: {**one[field], PAYLOAD: "1"}}
        (folder / made.MACHINE / f"{field}.json").write_text(json.dumps(spoilt))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def address(published) -> Iterator[str]:
    """Serve the site under a path of its own, as any static host may."""
    handler = functools.partial(Quiet, directory=published.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{published.name}/"
        server.shutdown()


@pytest.fixture(scope="module")
def started() -> Iterator[webdriver.Chrome]:
    driver = start()
    yield driver
    driver.quit()


@pytest.fixture
def browser(started) -> webdriver.Chrome:
    """Return a browser without what the test before left behind."""
    command = started.execute_cdp_cmd
    command("Emulation.clearDeviceMetricsOverride", {})
    command("Emulation.setEmulatedMedia", {"features": []})
    started.get("about:blank")
    logged(started)
    return started


def logged(browser: webdriver.Chrome) -> tuple[list[str], set[str]]:
    """Return what the console has and which hosts were asked since the last call."""
    console = [entry["message"] for entry in browser.get_log("browser")]
    events = [json.loads(e["message"])["message"] for e in browser.get_log("performance")]
    asked = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    urls = [urlsplit(request["request"]["url"]) for request in asked]
    return console, {url.netloc for url in urls if url.scheme not in ("data", "about")}


def wait(browser: webdriver.Chrome, selector: str) -> list:
    """Return the elements that a selector finds, once there are any."""
    return WebDriverWait(browser, 20).until(lambda b: b.find_elements(By.CSS_SELECTOR, selector))


def scheme(browser: webdriver.Chrome, name: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": name}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


@pytest.mark.parametrize("page", OURS)
def test_our_pages_open_quietly_and_ask_no_other_host(browser, address, page):
    browser.get(f"{address}kasv/{page}")
    assert browser.find_element(By.TAG_NAME, "h1").is_displayed()
    assert logged(browser) == ([], {urlsplit(address).netloc})


@pytest.mark.parametrize("view", ASVS)
def test_asvs_pages_open_quietly_and_ask_no_other_host(browser, address, view):
    browser.get(f"{address}index.html{view}")
    wait(browser, DRAWN)
    assert logged(browser) == ([], {urlsplit(address).netloc})


@pytest.mark.parametrize("page", OURS)
def test_our_pages_work_from_a_disk(browser, published, page):
    browser.get((published / "kasv" / page).as_uri())
    assert "system-ui" in browser.execute_script(
        "return getComputedStyle(document.body).fontFamily"
    )
    assert logged(browser) == ([], {""})


@pytest.mark.parametrize("model", made.MODELS)
def test_a_tables_numbers_are_the_files(browser, address, model):
    browser.get(f"{address}kasv/index.html")
    data = "-generated-data" if model == "babi_rnn" else ""
    rows = browser.find_elements(
        By.CSS_SELECTOR, f"#{model.replace('_', '-')}{data} .times tbody tr"
    )
    assert len(rows) == len(releases.BACKENDS)
    for row, backend in zip(rows, releases.BACKENDS, strict=True):
        cells = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        if (backend, model) == ("mxnet", "imdb_fasttext"):
            assert cells[0] == "fails"
        else:
            assert cells[0] == metrics.number(made.step(backend, 2, model), metrics.STEP)


def test_the_best_is_bold(browser, address):
    browser.get(f"{address}kasv/index.html")
    best, second = browser.find_elements(
        By.CSS_SELECTOR, "#mnist-mlp .times tbody tr td:nth-child(2)"
    )[:2]
    assert int(best.value_of_css_property("font-weight")) >= 600
    assert int(second.value_of_css_property("font-weight")) <= 400


def test_a_click_leads_from_a_cell_to_its_graph_and_back(browser, address):
    browser.get(f"{address}kasv/index.html")
    row = browser.find_elements(By.CSS_SELECTOR, "#mnist-cnn .times tbody tr")[1]
    row.find_element(By.CSS_SELECTOR, "td a").click()
    wait(browser, "#main-graph canvas")
    assert browser.find_element(By.ID, "title").text == "mnist_cnn.MnistCnn.track_step_time"
    active = browser.find_elements(By.CSS_SELECTOR, "#graphdisplay-navigation .btn.active")
    assert {"cntk", "real", made.MACHINE} <= {button.text for button in active}
    assert "tensorflow" not in {button.text for button in active}
    browser.find_element(By.LINK_TEXT, "Leaderboards").click()
    assert browser.current_url == f"{address}kasv/index.html"
    assert logged(browser) == ([], {urlsplit(address).netloc})


def test_asvs_lines_are_named_by_backend_and_its_axis_by_tag(browser, address):
    browser.get(f"{address}kasv/index.html")
    browser.find_element(By.CSS_SELECTOR, "#mnist-mlp").find_element(
        By.LINK_TEXT, "All backends over time"
    ).click()
    wait(browser, "#main-graph canvas")
    WebDriverWait(browser, 20).until(
        lambda b: len(b.find_elements(By.CSS_SELECTOR, ".legendLabel")) == 6
    )
    labels = [label.text for label in browser.find_elements(By.CSS_SELECTOR, ".legendLabel")]
    assert {label.split(";")[0] for label in labels} == {f"branch-{b}" for b in releases.BACKENDS}
    tags = {
        e.text for e in browser.find_elements(By.CSS_SELECTOR, '#main-graph > div[style*="-2ex"]')
    }
    assert {"cntk-1.0", "cntk-1.2", "torch-1.1"} <= tags


def test_a_machine_named_like_a_script_stays_text(browser, address):
    browser.get(f"{address}kasv/index.html")
    assert SCRIPT in browser.find_element(By.TAG_NAME, "main").text
    assert browser.find_elements(By.TAG_NAME, "script") == []
    browser.get(f"{address}index.html#mnist_mlp.MnistMlp.time_epoch?p-data='real'")
    wait(browser, "#main-graph canvas")
    for button in browser.find_elements(By.CSS_SELECTOR, "#graphdisplay-state-params .btn"):
        ActionChains(browser).move_to_element(button).perform()  # an alert would raise here
    assert SCRIPT in browser.find_element(By.ID, "graphdisplay-state-params").text


@pytest.mark.parametrize("page", [*OURS, *(f"../index.html{view}" for view in ASVS)])
def test_nothing_that_results_say_becomes_an_element(browser, address, page):
    browser.get(f"{address}kasv/{page}")
    if page not in OURS:
        wait(browser, DRAWN)
        browser.execute_script(  # asv's tooltips show a benchmark's code
            "for (const e of document.querySelectorAll('#graphdisplay-navigation li, .btn, "
            "#summarygrid-display div, td')) "
            "e.dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))"
        )
    assert browser.find_elements(By.CSS_SELECTOR, "[data-evil]") == []
    assert browser.current_url.startswith(address)


@pytest.mark.parametrize("page", OURS)
@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read_in_both_schemes(browser, address, page, name):
    scheme(browser, name)
    browser.get(f"{address}kasv/{page}")
    paper = browser.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
    assert (paper == "rgba(255, 255, 255, 1)") == (name == "light")
    assert browser.execute_script(TOO_PALE) == []


@pytest.mark.parametrize("page", OURS)
@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_down_only(browser, address, page, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 2, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    browser.get(f"{address}kasv/{page}")
    widths = "return [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    assert browser.execute_script(widths) == [width, width]


def test_the_keyboard_reaches_everything(browser, address):
    browser.get(f"{address}kasv/releases-cntk.html")
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    links = browser.find_elements(By.CSS_SELECTOR, "a, summary, .wide")
    focused = []
    for _ in links[1:]:
        browser.switch_to.active_element.send_keys(Keys.TAB)
        focused.append(browser.switch_to.active_element)
    assert focused == links[1:]


def test_everything_is_there_without_scripts(address):
    driver = start("--blink-settings=scriptEnabled=false")
    try:
        driver.get(f"{address}kasv/index.html")
        cell = driver.find_element(By.CSS_SELECTOR, "#mnist-mlp .times tbody td")
        assert cell.text == metrics.number(made.step("tensorflow", 2, "mnist_mlp"), metrics.STEP)
        driver.get(f"{address}kasv/convergence.html")
        picture = driver.find_element(By.CSS_SELECTOR, "svg.chart")
        assert picture.size["height"] > 100
        assert site.NAMES["theano"] in picture.text
        driver.get(f"{address}index.html")
        assert driver.find_element(By.LINK_TEXT, "leaderboards").is_displayed()
    finally:
        driver.quit()


def test_the_first_page_is_small(published):
    assert (published / "kasv" / "index.html").stat().st_size < 300_000
