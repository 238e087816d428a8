"""The page shows everything without a script, and looks the part on a desk and on a phone."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from report_builders import HOSTILE, make_report, mixed, result, run

from metaflow_orchestrator_kit.capabilities import Cap
from metaflow_orchestrator_kit.compliance.report.page import page
from metaflow_orchestrator_kit.compliance.report.timeline import timeline
from metaflow_orchestrator_kit.compliance.verdict import Verdict

_VOID = {"meta", "br"}

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


class Page(HTMLParser):
    """Every element of a page, and whether they are properly nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.names: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        given = dict(attrs)
        self.links += [str(given[key]) for key in ("href", "src") if key in given]
        self.ids += [str(given["id"])] if "id" in given else []
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_needs_no_script_and_nothing_from_elsewhere():
    shown = Page(page(mixed()))
    assert not shown.names & {"script", "img", "link", "iframe", "object"}
    assert all(link.startswith(("#", "evidence/")) for link in shown.links)
    assert "url(" not in page(mixed())


def test_every_link_inside_the_page_leads_somewhere_and_no_id_comes_twice():
    shown = Page(page(mixed()))
    assert len(shown.ids) == len(set(shown.ids))
    assert {link[1:] for link in shown.links if link[0] == "#"} <= set(shown.ids)


def test_text_of_a_scheduler_is_shown_as_text():
    shown = Page(page(mixed()))
    assert HOSTILE.replace("\x00", "") in shown.text.replace("\x00", "").replace("\ufffd", "")


def test_each_case_and_verdict_is_on_the_page_and_the_red_ones_have_their_message():
    shown = Page(page(mixed()))
    for case in mixed()["cases"]:
        assert case["case"] in shown.text
        assert case["verdict"] in shown.text
    assert "LabError: gone" in shown.text
    assert "evidence/scenarios/fails" in shown.links


def test_a_timeline_has_a_bar_for_each_attempt_and_tells_how_it_ended():
    picture = ElementTree.fromstring(timeline(run("retry")))
    bars = [one.attrib["class"] for one in picture.iter("rect")]
    assert sorted(bars) == ["bad", "good", "good", "open"]
    assert len(list(picture.iter("path"))) == 1, "a cross for the failed one"
    labels = [one.text for one in picture.iter("text") if one.attrib["class"] == "lane"]
    assert labels == ["start", "work[0]", "work[1]"]
    for bar in picture.iter("rect"):
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= 720


def test_a_wide_timeline_says_how_much_it_leaves_out():
    wide = run("wide")
    wide["tasks"] = [{**wide["tasks"][1], "index": [number]} for number in range(1000)]
    text = timeline(wide)
    assert "and 960 more tasks" in text
    assert "1000 tasks, 2000 attempts" in text


def test_a_run_without_tasks_has_no_picture_and_the_page_says_so():
    assert timeline({**run("none"), "tasks": []}) == ""
    report = make_report(result("a", Verdict.PASSED))
    report["runs"][0]["tasks"] = []
    assert "No attempt of a task was seen." in page(report)


def test_light_and_dark_have_the_same_colours():
    text = page(mixed())
    light, dark = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    assert re.findall(r"--\w+", light) == re.findall(r"--\w+", dark)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_the_page_without_scrolling_it_sideways(tmp_path: Path, width: int):
    """The page as an element of its width tells its own scroll width; scripts are for the test."""
    report = make_report(
        result("fails", Verdict.FAILED, "observed " + "x" * 400),
        *(result(f"case-{number}", Verdict.PASSED, cap=cap) for number, cap in enumerate(Cap)),
    )
    (tmp_path / "report.html").write_text(page(report), encoding="utf-8", errors="replace")
    probe = tmp_path / "probe.html"
    probe.write_text(
        f'<iframe id="f" src="report.html" style="width:{width}px;height:900px"></iframe>'
        "<p id=out></p><script>f.onload=()=>{const d=f.contentDocument.documentElement;"
        'out.textContent="wide:"+(d.scrollWidth-d.clientWidth)+" bars:"'
        '+d.querySelectorAll("rect").length+" box:"'
        '+d.querySelector("svg").getBoundingClientRect().height}</script>'
    )
    assert CHROMIUM is not None
    shown = subprocess.run(
        [
            CHROMIUM,
            *("--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=4000"),
            *("--dump-dom", probe.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    found = re.search(r"wide:(-?\d+) bars:(\d+) box:([\d.]+)", shown)
    assert found is not None, shown[-500:]
    assert int(found[1]) == 0, "wider than the window"
    assert int(found[2]) > 4
    assert float(found[3]) > 20
