"""The live view: what it reads of a run that goes on, and what its server answers."""

from __future__ import annotations

import http.client
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from analysis_data import SPACE, made_up_scores, write_run
from paper import SETTINGS, scored

pytest.importorskip("plotly", reason="the live view needs the extra plot")

from tegnas.analysis.report import LiveDocument, PageServer  # noqa: E402
from tegnas.analysis.unfinished import is_unfinished, read_unfinished  # noqa: E402
from tegnas.errors import InputError  # noqa: E402
from tegnas.search.store import ScoreStore  # noqa: E402

ARCHS = tuple(SPACE)[500:540]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run that has scored ten architectures and no result yet."""
    path = tmp_path / "run"
    path.mkdir()
    configuration = {"space": SPACE.name, "strategy": "random", "seed": 0}
    (path / "run.json").write_text(json.dumps(configuration))
    more(path, ARCHS[9::-1])
    return path


def more(path: Path, archs: tuple) -> None:
    """The run scores some more."""
    table = made_up_scores(archs)
    store = ScoreStore(path / "scores.sqlite", space=SPACE.name, settings=SETTINGS, data="d")
    store.add(scored(archs, *table.values.T), seconds=2.0)
    store.close()


def test_a_run_that_goes_on_is_read_in_the_order_of_its_scores(run: Path) -> None:
    assert is_unfinished(run)
    found = read_unfinished(run)
    assert [each.arch for each in found.result.history] == list(ARCHS[9::-1])
    assert found.result.seconds == pytest.approx(2.0)
    assert found.label == "random, seed 0"
    write_run(run / "finished", ARCHS)
    assert not is_unfinished(run / "finished")
    os.utime(run / "finished" / "result.json", (0, 0))
    assert is_unfinished(run / "finished")


def test_the_document_changes_with_the_run(run: Path, monkeypatch) -> None:
    monkeypatch.setattr("tegnas.analysis.report.live._SHARE", 1e9)
    live = LiveDocument([run])
    tag, first = live.current()
    assert live.current() == (tag, first)
    more(run, ARCHS[10:])
    newer, second = live.current()
    assert newer != tag
    counts = [
        len(json.loads(each)["content"]["runs"][0]["evaluations"]) for each in (first, second)
    ]
    assert counts == [10, 40]
    assert json.loads(second)["states"][0]["scored"] == 40


def test_a_document_is_not_made_all_the_time(run: Path) -> None:
    live = LiveDocument([run])
    first = live.current()
    more(run, ARCHS[10:])
    assert live.current() == first


def test_a_run_without_scores_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    (state,) = json.loads(LiveDocument([tmp_path]).current()[1])["states"]
    assert "scores.sqlite" in state["problem"]
    ScoreStore(tmp_path / "scores.sqlite", space=SPACE.name, settings=SETTINGS, data="d").close()
    (state,) = json.loads(LiveDocument([tmp_path]).current()[1])["states"]
    assert "no scores yet" in state["problem"]
    with pytest.raises(InputError, match="no run directory"):
        LiveDocument([tmp_path / "elsewhere"])


def test_a_space_from_a_file_is_not_run(run: Path, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text("raise SystemExit('was run')")
    (run / "run.json").write_text(json.dumps({"space": f"{tmp_path / 'model.py'}:SPACE"}))
    with pytest.raises(InputError, match="--space"):
        LiveDocument([run])


@pytest.fixture
def server(run: Path) -> Iterator[PageServer]:
    with PageServer(LiveDocument([run])) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server: PageServer, path: str, host: str = "localhost:1") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    connection.request("GET", path, headers={"Host": host})
    return connection.getresponse()


def test_the_server_gives_the_page_its_document_and_nothing_else(server: PageServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    answer = ask(server, "/")
    assert answer.status == 200 and b'data-live="true"' in answer.read()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    document = json.loads(ask(server, "/document.json").read())
    assert ask(server, f"/document.json?since={document['tag']}").status == 204
    for path in ("/run.json", "/../run/run.json", "//etc/passwd", "/document.json/", "/%2e%2e/x"):
        assert ask(server, path).status == 404


def test_a_page_of_another_name_reads_nothing(server: PageServer) -> None:
    for name in ("example.org", "127.0.0.1.example.org", "", "localhost.example.org:80"):
        assert ask(server, "/document.json", name).status == 403
    assert ask(server, "/document.json", "127.0.0.1:5").status == 200


def test_a_port_that_is_taken_is_one_sentence(server: PageServer) -> None:
    with pytest.raises(InputError, match="--port"):
        PageServer(server.live, server.server_address[1])
