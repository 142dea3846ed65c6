"""The report and the live view as a person uses them: in headless Chromium, by Playwright."""

from __future__ import annotations

import csv
import random
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from analysis_data import SPACE, made_up_scores, write_run
from paper import SETTINGS, scored

from tegnas.search.store import ScoreStore
from tegnas.spaces import get_space

playwright = pytest.importorskip(
    "playwright.sync_api", reason="needs the package playwright, which drives the browser"
)
pytest.importorskip("plotly", reason="reports need the extra plot")

from tegnas.analysis.report import LiveDocument, PageServer, write_report  # noqa: E402
from tegnas.analysis.runs import load_runs  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's package chromium")

WIDTHS = (500, 900, 1400)
EVIL = "$\\frac{$ <a href='http://e.org'>here</a><img src=x onerror=alert(1)>"
TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"
# Charts follow the window a moment later.
FOLLOWED = """() => [...document.querySelectorAll(".panel")].every(
  (panel) => panel.querySelector(".main-svg").clientWidth <= panel.clientWidth + 1)"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


class Opened:
    """A page in a window of its own, and what it complained of or asked others for."""

    def __init__(self, browser: Any, where: Path | str) -> None:
        self.complaints: list[str] = []
        self.page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))
        self.page.goto(where if isinstance(where, str) else where.as_uri())
        self.page.wait_for_selector("#evaluations tbody tr")

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:", "http://127.0.0.1:")):
            self.complaints.append(url)


@pytest.fixture
def opened(browser) -> Iterator[Callable[[Path | str], Any]]:
    """Opens pages, of which none complains."""
    found: list[Opened] = []

    def call(where: Path | str) -> Any:
        found.append(Opened(browser, where))
        return found[-1].page

    yield call
    for each in found:
        each.page.close()
        assert each.complaints == []


def sampled(space: Any, count: int, seed: int = 0) -> tuple:
    rng = random.Random(seed)
    return tuple({space.sample(rng): None for _ in range(count)})


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    """Two runs that end alike, one of a name that would like to be more than text."""
    folder = tmp_path_factory.mktemp("report")
    archs = sampled(SPACE, 120)
    runs = [
        write_run(folder / "one", archs),
        write_run(folder / "two", archs[:80], strategy=EVIL, seed=1),
    ]
    loaded = load_runs(runs)
    write_report(
        loaded, folder / "report.html", accuracies={str(archs[0]): 93.21, str(archs[1]): 90.0}
    )
    return folder / "report.html"


@pytest.fixture(scope="module")
def opened_once(browser, report) -> Iterator[Opened]:
    found = Opened(browser, report)
    yield found
    found.page.close()


@pytest.fixture
def page(opened_once) -> Iterator[Any]:
    """The page of the report, which one test leaves to the next as it was; it never complains."""
    opened_once.page.set_viewport_size({"width": 1400, "height": 900})
    yield opened_once.page
    assert opened_once.complaints == []


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_it_fits_every_width(page, mode) -> None:
    page.emulate_media(color_scheme=mode)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(FOLLOWED)
        assert page.evaluate(TOO_WIDE) <= 0, width
        # Numbers stand in one line each.
        cells = "[...document.querySelectorAll('#evaluations td')].map(cell => cell.offsetHeight)"
        assert max(page.evaluate(cells)) < 45
    assert page.locator(".js-plotly-plot").count() == 12


def test_names_are_text(page) -> None:
    assert page.locator("main a, main img").count() == 0
    assert EVIL[:20] in page.locator("#runs").inner_text()


def test_a_policy_that_is_broken_is_complained_of(report, browser, tmp_path) -> None:
    """What the other tests look for would be seen."""
    text = report.read_text("utf-8")
    bad = "<img src='https://example.org/x.png'><script>oops()</script></body>"
    (tmp_path / "bad.html").write_text(text.replace("</body>", bad), "utf-8")
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto((tmp_path / "bad.html").as_uri())
    page.wait_for_selector("#evaluations tbody tr")
    page.close()
    assert sum("Content Security Policy" in each for each in said) == 2


def test_a_click_on_a_dot_shows_and_copies_its_architecture(page) -> None:
    page.locator("#landscapes .panel").first.scroll_into_view_if_needed()
    page.locator("#landscapes .panel path.point").nth(5).click(force=True)
    details = page.locator("#details")
    text = details.locator("pre").inner_text()
    SPACE.parse(text)
    assert details.locator(".cell svg").count() == 1
    assert details.locator("tr").count() == 6  # a heading, three indicators, rank score, accuracy
    details.locator(".controls span", has_text="copied").wait_for()
    page.keyboard.press("Escape")
    assert details.is_hidden()


def test_hover_shows_the_numbers_of_the_tables(page) -> None:
    page.locator("#trades .panel").scroll_into_view_if_needed()
    page.locator("#trades .panel path.point").last.hover(force=True)
    hover = page.locator("#trades .hovertext").first.text_content()
    page.locator("#trades .panel path.point").last.click(force=True)
    numbers = page.locator("#details td:nth-child(2)").all_inner_texts()
    page.keyboard.press("Escape")
    assert all(each in hover for each in numbers)


def architectures(page: Any) -> list[str]:
    """The whole texts of those in the table, which shows their short forms."""
    return [str(SPACE.parse(each)) for each in page.locator("#evaluations code").all_inner_texts()]


def test_the_table_is_sorted_and_searched(page) -> None:
    table = page.locator("#evaluations")
    table.get_by_role("button", name="E (R)").click()
    table.get_by_role("button", name="E (R)").click()
    column = [
        float(each.replace(",", ""))
        for each in table.locator("tbody td:nth-child(5)").all_inner_texts()
    ]
    assert len(column) == 25 and column == sorted(column, reverse=True)
    table.locator("input[type=search]").fill("skip_connect~0 nor_conv_3x3~2")
    texts = architectures(page)
    assert texts and all("skip_connect~0" in each and "nor_conv_3x3~2" in each for each in texts)
    shown = int(table.locator(".count").inner_text().split()[0])
    table.locator("input[type=checkbox]").check()
    assert int(table.locator(".count").inner_text().split()[0]) < shown
    table.locator("input[type=checkbox]").uncheck()
    table.locator("input[type=search]").fill("")


def test_the_table_is_saved_with_whole_texts(page) -> None:
    page.locator("#evaluations input[type=search]").fill("evolution")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save as CSV").click()
    rows = list(csv.DictReader(saved.value.path().read_text("utf-8").splitlines()))
    assert len(rows) == 120 and {row["run"] for row in rows} == {"one"}
    assert all(str(SPACE.parse(row["short form"])) == row["architecture"] for row in rows)
    assert float(rows[0]["linear_regions"]) > 0 and rows[0]["true accuracy"] == "93.21"
    page.locator("#evaluations input[type=search]").fill("")


def test_lines_that_are_picked_are_those_of_the_table(page) -> None:
    panel = page.locator("#parallel .panel")
    panel.scroll_into_view_if_needed()
    box = panel.locator(".nsewdrag").bounding_box()
    at = box["x"] + box["width"] * 5.3 / 10.9  # the axis of the first choice, after five numbers
    page.mouse.move(at - 15, box["y"] + 0.01 * box["height"])
    page.mouse.down()
    page.mouse.move(at + 15, box["y"] + 0.19 * box["height"], steps=4)
    page.mouse.up()
    page.locator("#evaluations .count", has_not_text="200 of 200").wait_for()
    texts = architectures(page)
    assert texts and all(each.startswith("|avg_pool_3x3~0|+") for each in texts)
    page.get_by_role("button", name="Show all lines").click()
    assert page.locator("#evaluations .count").inner_text() == "200 of 200"


def test_a_keyboard_reaches_everything_and_goes_on_where_it_was(page) -> None:
    rank = page.locator("#evaluations").get_by_role("button", name="rank score")
    rank.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "rank score ↑"
    page.locator("#evaluations tbody button").nth(2).focus()
    page.keyboard.press("Enter")
    assert page.locator("#details").get_by_role("heading").inner_text().startswith("Place")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Close"
    page.keyboard.press("Enter")
    assert page.locator("#details").is_hidden()
    focused = "document.activeElement.closest('tr').rowIndex"
    assert page.evaluate(focused) == 3
    assert page.locator("#history .panel[aria-label]").count() == 5


def test_it_is_printed_on_light_paper(page) -> None:
    page.emulate_media(color_scheme="dark")
    on_paper = """() => {
      dispatchEvent(new Event("beforeprint"));
      const panels = [...document.querySelectorAll(".panel")];
      const seen = [getComputedStyle(document.body).backgroundColor, document.body.clientWidth,
        panels.every((one) => one.querySelector(".main-svg").clientWidth <= one.clientWidth + 1)];
      dispatchEvent(new Event("afterprint"));
      return seen;
    }"""
    assert page.evaluate(on_paper) == ["rgb(255, 255, 255)", 700, True]
    page.wait_for_function(FOLLOWED)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"


def test_runs_are_hidden_and_shown(page) -> None:
    first, second = page.locator("#runs input").all()
    second.uncheck()
    assert page.locator("#evaluations .count").inner_text() == "120 of 120"
    first.click()
    assert first.is_checked()  # one stays
    page.locator("#runs input").last.check()
    assert page.locator("#evaluations .count").inner_text() == "200 of 200"


def test_many_runs_are_told_apart_and_folded(opened, tmp_path) -> None:
    archs = sampled(SPACE, 12)
    runs = [write_run(tmp_path / str(seed), archs, seed=seed) for seed in range(6)]
    write_report(load_runs(runs), tmp_path / "report.html")
    page = opened(tmp_path / "report.html")
    chips = page.locator("#runs .chip").evaluate_all("all => all.map(chip => chip.style.cssText)")
    assert len(set(chips)) == 6
    folded = page.locator("#best details")
    assert folded.count() == 6 and page.locator("#best details[open]").count() == 0
    folded.first.locator("summary").click()
    assert folded.first.locator(".cell svg").first.is_visible()


@pytest.mark.parametrize("name", ["nas-bench-101", "darts", "mobilenet", "vit"])
def test_spaces_are_shown_each_by_what_it_has(name, opened, tmp_path) -> None:
    space = get_space(name)
    run = write_run(tmp_path / "run", sampled(space, 12), space=space)
    write_report(load_runs([run]), tmp_path / "report.html")
    page = opened(tmp_path / "report.html")
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function(FOLLOWED)
    assert page.evaluate(TOO_WIDE) <= 0
    page.locator("#evaluations tbody tr").first.click()
    cells = page.locator("#details .cell svg").count()
    assert cells == {"nas-bench-101": 1, "darts": 2}.get(name, 0)
    choices = page.locator("#details .taken td[style]").count()
    assert choices == (len(space.choices()) if name == "mobilenet" else 0)
    best = page.locator("#best .taken td[style]").count()
    assert best == (10 * len(space.choices()) if name == "mobilenet" else 0)
    for section in ("parallel", "importance"):
        assert page.locator(f"#{section}").count() == (name != "vit"), section
    assert ("can't be laid out" in page.locator("#landscapes").inner_text()) == (name == "vit")


def test_a_search_is_watched(opened, tmp_path) -> None:
    archs = tuple(SPACE)[300:360]
    store = ScoreStore(tmp_path / "scores.sqlite", space=SPACE.name, settings=SETTINGS, data="d")
    (tmp_path / "run.json").write_text("{}")

    def more(some: tuple) -> None:
        store.add(scored(some, *made_up_scores(some).values.T))

    more(archs[:20])
    with PageServer(LiveDocument([tmp_path])) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        page = opened(server.url)
        assert page.locator("#evaluations .count").inner_text() == "20 of 20"
        assert "20 architectures scored" in page.locator("#status").inner_text()
        more(archs[20:])
        page.locator("#evaluations .count", has_text="60 of 60").wait_for()
        server.shutdown()
        thread.join()
    store.close()
