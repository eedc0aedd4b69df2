"""Behind nginx and Caddy, with the samples that are shipped: TLS ends there, all else works."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
import trustme
import websockets.sync.client
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.typing import Origin

from tests.programs import program
from tests.real.served import DEADLINE_SECONDS, Client, Served, place

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/t1;
    proxy_temp_path {folder}/t2;
    fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4;
    scgi_temp_path {folder}/t5;
    include {folder}/site.conf;
}}
"""
# A certificate of ours, nothing on port 80, and a log of who came, as for nginx.
CADDY = """
{
	admin off
	auto_https disable_redirects
}
"""
CADDY_SITE = """
	tls {folder}/cert.pem {folder}/key.pem
	log {{
		output file {folder}/access.log
	}}
"""


class Proxied:
    """A server, a proxy before it, and who may come in.

    Attributes:
        served: the server.
        port: where the proxy listens.
        token: that is good.
        trust: the certificates that are.
    """

    def __init__(self, served: Served) -> None:
        self.served = served
        self.port = free_port()
        self.token = ""
        folder = served.folder
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        certificate = authority.issue_cert("localhost")
        (folder / "cert.pem").write_bytes(b"".join(x.bytes() for x in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
        self.trust = ssl.create_default_context(cafile=str(self.ca_file))
        (folder / "config.toml").write_text(
            "[server]\n"
            f'allowed_hosts = ["localhost:{self.port}"]\n'
            f'allowed_origins = ["https://localhost:{self.port}"]\n'
        )
        (folder / "config.toml").chmod(0o600)

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    @property
    def behind(self) -> str:
        """Where the server listens."""
        found = re.search(r"127\.0\.0\.1:\d+", self.served.url)
        assert found is not None
        return found[0]

    def nginx(self) -> list[str]:
        """What starts nginx with its sample, in the names and places of this test."""
        folder = self.served.folder
        text = adapted(
            DEPLOY / "nginx" / "tmuxpulse.conf",
            ("listen 443 ssl", f"listen 127.0.0.1:{self.port} ssl"),
            ("server_name pulse.example", "server_name localhost"),
            ("/etc/ssl/pulse.example.pem", str(folder / "cert.pem")),
            ("/etc/ssl/private/pulse.example.key", str(folder / "key.pem")),
            ("127.0.0.1:8765;", f"{self.behind};"),
        )
        (folder / "site.conf").write_text(text)
        whole = folder / "nginx.conf"
        whole.write_text(NGINX.format(folder=folder))
        log = str(folder / "proxy.log")
        return [program("nginx"), "-p", str(folder), "-c", str(whole), "-e", log]

    def caddy(self) -> list[str]:
        """The same for Caddy."""
        folder = self.served.folder
        text = adapted(
            DEPLOY / "caddy" / "Caddyfile",
            ("\npulse.example {", f"\n{self.name} {{{CADDY_SITE.format(folder=folder)}"),
            ("reverse_proxy 127.0.0.1:8765", f"reverse_proxy {self.behind}"),
        )
        whole = folder / "Caddyfile"
        whole.write_text(CADDY + text)
        return [program("caddy"), "run", "--config", str(whole), "--adapter", "caddyfile"]

    def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        request = urllib.request.Request(f"https://{self.name}{path}")
        if token is not None:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30, context=self.trust) as answer:
                assert answer.headers["Content-Security-Policy"]
                return answer.status, answer.read().decode()
        except HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def connect(self, origin: str | None) -> ClientConnection:
        return websockets.sync.client.connect(
            f"wss://{self.name}/monitor",
            ssl=self.trust,
            origin=None if origin is None else Origin(origin),
            additional_headers={"Authorization": f"Bearer {self.token}"},
            open_timeout=DEADLINE_SECONDS,
            proxy=None,
        )


def adapted(sample: Path, *changes: tuple[str, str]) -> str:
    """A sample with other names and places, each of which is in it once."""
    text = sample.read_text()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def proxied(request: pytest.FixtureRequest) -> Iterator[Proxied]:
    with place() as served:
        proxied = Proxied(served)
        served.token("t", "--file", str(served.folder / "token"))
        proxied.token = (served.folder / "token").read_text().strip()
        served.tmux("new-session", "-d", "-s", "behind", "cat")
        served.serve("--config", str(served.folder / "config.toml"))
        command = proxied.nginx() if request.param == "nginx" else proxied.caddy()
        with (served.folder / "proxy.log").open("ab") as log:
            proxy = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "XDG_DATA_HOME": str(served.folder / "data")},
            )
        try:
            served.until(lambda: listens(proxy, proxied.port))
            yield proxied
        finally:
            proxy.terminate()
            proxy.wait(DEADLINE_SECONDS)


def listens(proxy: subprocess.Popen[bytes], port: int) -> bool:
    assert proxy.poll() is None
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_the_page_and_health_come_through(proxied: Proxied) -> None:
    status, page = proxied.get("/")
    assert status == 200
    assert "<!doctype html>" in page.lower()
    assert proxied.get("/healthz") == (200, "ok\n")


def test_metrics_do_not_whoever_asks(proxied: Proxied) -> None:
    assert proxied.get("/metrics")[0] == 403
    assert proxied.get("/metrics", proxied.token)[0] == 403


@pytest.mark.parametrize("ours", [True, False])
def test_the_origin_still_decides(proxied: Proxied, ours: bool) -> None:
    if ours:
        with proxied.connect(f"https://{proxied.name}") as socket:
            assert "connection.established" in str(socket.recv(timeout=DEADLINE_SECONDS))
        return
    with pytest.raises(InvalidStatus) as refused:
        proxied.connect("https://evil.example")
    assert refused.value.response.status_code == 403


def test_an_event_goes_on_at_once(proxied: Proxied) -> None:
    with proxied.connect(None) as socket:
        client = Client(socket)
        client.next()
        client.ask(action="subscribe", filters={"types": ["pane.output"]})
        proxied.served.tmux("send-keys", "-t", "behind", "through-the-proxy", "Enter")
        client.until(lambda one: "through-the-proxy" in json.dumps(one))


def test_our_own_client_comes_through(proxied: Proxied) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        ran = proxied.served.run(
            *("ls", "--json", "--url", f"wss://{proxied.name}/"),
            *("--token-file", str(proxied.served.folder / "token")),
            *("--ca-file", str(proxied.ca_file)),
        )
        if json.loads(ran.stdout)["sessions"]:
            break
        assert time.monotonic() < deadline
    (session,) = json.loads(ran.stdout)["sessions"]
    assert session["name"] == "behind"


def test_no_token_is_in_what_a_proxy_writes(proxied: Proxied) -> None:
    proxied.get("/metrics", proxied.token)
    access = proxied.served.folder / "access.log"
    proxied.served.until(lambda: "/metrics" in access.read_text())
    written = access.read_text() + (proxied.served.folder / "proxy.log").read_text()
    assert proxied.token not in written
