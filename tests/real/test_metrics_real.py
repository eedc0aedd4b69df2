"""Metrics of a whole server, and what is shipped for those who watch it: rules and a dashboard."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.programs import program
from tests.real.served import Served, place

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "tmuxpulse.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "tmuxpulse.json"
NAME = re.compile(r"\b(?:tmuxpulse|process)_[a-z_]+")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with place() as served:
        served.tmux("new-session", "-d", "-s", "secret-name", "cat")
        served.tmux("split-window", "-d", "-t", "secret-name", "cat")
        (served.folder / "token").write_text(served.token("prometheus", "--scope", "read"))
        served.serve()
        yield served


@pytest.fixture(scope="module")
def token(served: Served) -> str:
    return (served.folder / "token").read_text()


def get(served: Served, path: str, token: str | None = None) -> tuple[int, str]:
    request = urllib.request.Request(served.url.replace("ws", "http", 1).rstrip("/") + path)
    if token is not None:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def scrape(served: Served, token: str) -> dict[str, float]:
    """The samples, those of one name added up."""
    status, text = get(served, "/metrics", token)
    assert status == 200, text
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_what_a_server_tells_is_true_and_names_nothing(served: Served, token: str) -> None:
    served.until(lambda: scrape(served, token)["tmuxpulse_panes"] == 2)
    with served.client(token) as client:
        client.ask(action="subscribe")
        found = scrape(served, token)
        assert found["tmuxpulse_clients"] == 1
        assert found["tmuxpulse_subscriptions"] == 1
        assert found["tmuxpulse_client_sent_bytes_total"] > 100
    served.until(lambda: scrape(served, token)["tmuxpulse_clients"] == 0)
    found = served.until(
        lambda: (
            now
            if (now := scrape(served, token))["tmuxpulse_history_written_events_total"] > 0
            else None
        )
    )
    assert found["tmuxpulse_clients_total"] == 1
    assert found["tmuxpulse_collector_list_seconds_count"] >= 1
    assert 0 < found["tmuxpulse_collector_list_seconds_sum"] < 1000
    assert found["tmuxpulse_events_total"] >= 4
    assert found["tmuxpulse_history_bytes"] > 4096
    assert found["process_cpu_seconds_total"] > 0
    _, text = get(served, "/metrics", token)
    assert "secret-name" not in text
    assert token not in text
    assert str(served.folder) not in text


def test_nobody_reads_them_without_a_token_but_the_owner(served: Served) -> None:
    assert get(served, "/metrics")[0] == 401
    assert get(served, "/metrics", "tp_wrong_token")[0] == 401
    assert get(served, "/healthz") == (200, "ok\n")
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    (path,) = (served.folder / "run").glob("*.sock")
    connection.sock.connect(str(path))
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    assert answer.status == 200
    assert b"tmuxpulse_build_info" in answer.read()
    connection.close()


def test_prometheus_itself_finds_nothing_wrong_with_them(served: Served, token: str) -> None:
    _, text = get(served, "/metrics", token)
    ran = subprocess.run(
        [program("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_rules_and_the_sample_of_a_configuration_load() -> None:
    for arguments in (
        ("check", "rules", str(RULES)),
        ("check", "config", "--syntax-only", str(RULES.with_name("prometheus.yml"))),
    ):
        ran = subprocess.run(
            [program("promtool"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_every_metric_that_is_shipped_in_rules_and_dashboard_is_told(
    served: Served, token: str
) -> None:
    _, text = get(served, "/metrics", token)
    told = {
        name
        for family in text_string_to_metric_families(text)
        for name in (
            [sample.name for sample in family.samples]
            or [family.name + ("_total" if family.type == "counter" else "")]
        )
    }
    assert "tmuxpulse_auth_failures_total" in told
    assert len(queries()) > 30
    for expression in [*queries(), RULES.read_text()]:
        named = set(NAME.findall(re.sub(r"\btmuxpulse\b|#.*", "", expression)))
        assert named
        assert named <= told


def queries() -> list[str]:
    """What the dashboard asks Prometheus, for a server of any name."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


def test_prometheus_reads_them_takes_the_alerts_and_answers_the_dashboard(
    served: Served, token: str, tmp_path: Path
) -> None:
    """The whole program, with the samples that are shipped but for places and pace."""
    credentials = tmp_path / "token"
    credentials.write_text(token)
    behind = re.search(r"(127\.0\.0\.1:\d+)/", served.url)
    assert behind is not None
    text = (RULES.with_name("prometheus.yml")).read_text()
    for old, new in (
        ("tmuxpulse.rules.yml", str(RULES)),
        ("scrape_interval: 15s", "scrape_interval: 1s"),
        ("/etc/prometheus/tmuxpulse-token", str(credentials)),
        ("127.0.0.1:8765", behind[1]),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (tmp_path / "prometheus.yml").write_text(text)
    port = free_port()
    with (tmp_path / "log").open("wb") as log:
        prometheus = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={tmp_path / 'prometheus.yml'}",
                f"--storage.tsdb.path={tmp_path / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}/api/v1"
        found = served.until(lambda: asked(f"{url}/query?query=tmuxpulse_panes", "result"))
        assert {one["metric"]["status"] for one in found} >= {"waiting", "busy"}
        (group,) = asked(f"{url}/rules", "groups")
        assert len(group["rules"]) >= 10
        with served.client(token) as client:  # requests are counted by their name and code
            client.ask(action="ping")
            assert client.ask(action="nonsense")["type"] == "error"
        served.until(lambda: all(has_result(url, one) for one in queries()))
    finally:
        prometheus.terminate()
        prometheus.wait(60)


def has_result(url: str, query: str) -> bool:
    return bool(asked(f"{url}/query?{urlencode({'query': query})}", "result"))


def asked(url: str, field: str) -> list[Any]:
    """What Prometheus answers; empty: nothing yet."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            found: list[Any] = json.load(answer)["data"][field]
    except OSError:  # it does not listen yet
        return []
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port
