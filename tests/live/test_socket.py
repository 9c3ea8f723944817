# SPDX-License-Identifier: GPL-2.0-or-later
"""Does the socket answer whoever may ask, whatever others do to it?"""
import contextlib
import json
import os
import signal
import socket
import subprocess

from daemon import ONLY_KSM, RUN_DIR
from kvmlive import Libvirtd, wait_until

SOCKET = RUN_DIR / "kvmtuned.sock"
PAUSES = RUN_DIR / "pauses"
GROUP = 64777  # that no test host has
QUIET = {**ONLY_KSM, "ksm": {"mode": "off"}, "daemon": {"interval_s": 3600}}


def connect():
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(SOCKET))
    client.settimeout(60)
    return client


def hear(client):
    """All until the other side closes."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def raw(request):
    """Status and body; 0: closed without an answer."""
    with connect() as client:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request)
        head, _, body = hear(client).partition(b"\r\n\r\n")
    return int(head.split()[1]) if head else 0, body


def ask(method, path, body=None):
    """Status and the JSON."""
    text = b"" if body is None else json.dumps(body).encode()
    status, answer = raw(f"{method} {path} HTTP/1.1\r\nConnection: close\r\n"
                         f"Content-Length: {len(text)}\r\n\r\n".encode() + text)
    return status, json.loads(answer)


def change(what, **parts):
    status, answer = ask("POST", f"/v1/{what}", parts)
    assert status == 200, (what, parts, answer)
    assert answer["schema"] == 1
    return answer["done"]


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def as_somebody(group, *curl):
    """curl's exit status and the HTTP status, as a user that is nobody, in this group."""
    done = subprocess.run(["setpriv", "--reuid", "65534", "--regid", str(group), "--clear-groups",
                           "curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
                           "--max-time", "60", "--unix-socket", SOCKET, *curl],
                          stdout=subprocess.PIPE, text=True)
    return done.returncode, int(done.stdout or 0)


CANNOT_CONNECT = 7  # of curl
HOSTILE = [
    b"", b"\r\n", b"\0" * 100, b"\xff" * 3000, b"GET", b"GET /v1/tick", b"GET / HTTP/9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000 + b"\r\n",
    b"GET / HTTP/1.1\r\nX: " + b"y" * 1000000,
    b"POST /v1/pause HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n" + b"{" * 100000,
    b"POST /v1/pause HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
    b"POST /v1/pause HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
    b"POST /v1/pause HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n{\r\n" * 20000,
    b"FOO /v1/status HTTP/1.1\r\n\r\n", b"GET %%% HTTP/1.1\r\n\r\n",
    b"GET http://[::1/v1/status HTTP/1.1\r\n\r\n",
]
WRONG = [
    ("GET", "/", None, 404), ("GET", "/v1/nothing", None, 404), ("POST", "/v2/tick", {}, 404),
    ("GET", "/v1/tick", None, 405), ("POST", "/v1/status", {}, 405), ("PUT", "/v1/tick", {}, 405),
    ("GET", "/v1/explain", None, 400), ("GET", "/v1/explain?guest=a&loop=ksm", None, 400),
    ("GET", "/v1/decisions?after=-1", None, 400), ("GET", "/v1/status?guest=%00", None, 400),
    ("GET", "/v1/advise?vcpus=many", None, 400), ("GET", "/v1/plan?now=1", None, 400),
    ("POST", "/v1/tick?now=1", {}, 400),
    ("POST", "/v1/pause", [], 400), ("POST", "/v1/pause", "web", 400), ("POST", "/v1/pause", 1, 400),
    ("POST", "/v1/pause", {"guest": 1}, 400), ("POST", "/v1/pause", {"loop": "cpu"}, 400),
    ("POST", "/v1/pause", {"for_s": -1}, 400), ("POST", "/v1/pause", {"for_s": "2h"}, 400),
    ("POST", "/v1/pause", {"guest": {"a": {"b": {}}}}, 400),
    ("POST", "/v1/release", {}, 400), ("POST", "/v1/resume", {"for_s": 1}, 400),
    ("POST", "/v1/pause", {"guest": "nobody"}, 404), ("POST", "/v1/pause", {"guest": "\x1b\n\""}, 404),
]


def test_bad_requests_are_refused_and_leave_nothing_behind(live):
    daemon = live.daemon(QUIET)
    daemon.status("libvirt connected")
    before = descriptors(daemon)
    for request in HOSTILE:
        with connect() as client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = hear(client)
            assert answer == b"" or answer.split()[1] in (b"400", b"404", b"413", b"501"), answer
    for method, path, body, wanted in WRONG:
        status, answer = ask(method, path, body)
        assert status == wanted, (method, path, body, status, answer)
        assert answer["schema"] == 1 and answer["error"] and answer["message"].isascii(), answer
        assert answer["message"].isprintable(), answer
    assert not PAUSES.exists(), PAUSES.read_text()
    wait_until(lambda: descriptors(daemon) == before, what="all connections are closed")
    assert change("tick")


def test_idle_and_slow_clients_are_in_nobodys_way(live):
    daemon = live.daemon(QUIET)
    daemon.status("libvirt connected")
    before = descriptors(daemon)
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(connect()) for _ in range(200)]
        for number, client in enumerate(crowd[:100]):
            client.sendall(b"POST /v1/tick HTTP/1.1\r\nContent-Le"[:number + 1])
        assert change("tick")
        for client in crowd[:100]:
            with contextlib.suppress(BrokenPipeError):
                client.sendall(b"x")
        assert change("tick")
        # They are given up on, one and all, long before anybody closes here.
        for client in crowd:
            hear(client)
        wait_until(lambda: descriptors(daemon) == before, what="all connections are closed")


def test_more_clients_than_there_is_room_for_keep_nobody_out(live):
    daemon = live.daemon(QUIET)
    with contextlib.ExitStack() as stack:
        for _ in range(600):
            stack.enter_context(connect()).sendall(b"GET /v1")
            assert descriptors(daemon) < 400
        assert change("tick")


def test_answers_go_on_while_libvirtd_hangs(live):
    guest = live.guest("one")
    live.daemon(QUIET).status("1 guests")
    os.kill(Libvirtd.pid(), signal.SIGSTOP)
    try:
        assert change("tick")
        assert "paused" in change("pause", guest=guest.name)
        assert "resumed" in change("resume")
    finally:
        os.kill(Libvirtd.pid(), signal.SIGCONT)


def test_a_pause_outlives_the_daemon_and_ends_when_resumed(live):
    guest = live.guest('o"\'<&>%s\\e')
    uuid = guest.uuid
    daemon = live.daemon(QUIET)
    daemon.status("1 guests")
    assert change("pause", guest=guest.name, for_s=7200).endswith("is paused for 2 h")
    change("release", guest=uuid)
    change("pause", loop="memory")
    text = PAUSES.read_text()
    assert f"guest {uuid} released resumed" in text and "loop memory resumed" in text, text
    daemon.kill()
    assert SOCKET.exists(), "nobody was there to remove it"
    again = live.daemon(QUIET)
    again.status("1 guests")
    assert PAUSES.read_text() == text
    assert change("resume", guest=guest.name).endswith("is resumed")
    assert change("resume", guest=guest.name).endswith("was not paused")
    assert change("resume") == "everything is resumed"
    assert not PAUSES.exists()
    again.stop()
    assert len(again.found(r"notice .*is resumed")) == 2
    assert not SOCKET.exists()


def test_a_pause_ends_by_itself_even_where_nothing_runs(live):
    daemon = live.daemon(QUIET)
    daemon.status("libvirt connected")
    change("pause", loop="ksm", for_s=1)
    daemon.wait_for("ksm is resumed: the time of its pause is over")
    wait_until(lambda: not PAUSES.exists(), what="it is forgotten")


def test_reload_by_the_socket_says_whether_it_was_good(live):
    daemon = live.daemon(QUIET)
    assert "in force" in change("reload")
    daemon.write_conf("[ksm]\nmode = sometimes\n")
    status, answer = ask("POST", "/v1/reload", {})
    assert status == 500 and answer["error"] == "failed", answer
    _, answer = ask("GET", "/v1/status")
    assert answer["state"] == "degraded" and "mistakes" in answer["problems"][0], answer
    daemon.write_conf(QUIET)
    change("reload")
    assert ask("GET", "/v1/status")[1]["state"] == "ok"


def with_groups(live, text):
    """A daemon that sees these groups and no others."""
    return live.daemon(QUIET, within=["unshare", "--mount", "sh", "-c",
                                      'mount --bind "$0" /etc/group && exec "$@"',
                                      live.file("group", text.encode())])


def test_only_root_changes_something_and_only_its_group_reads(live):
    with_groups(live, f"root:x:0:\nkvmtuned:x:{GROUP}:\n")
    assert as_somebody(65534, "http://localhost/v1/nothing") == (CANNOT_CONNECT, 0)
    assert as_somebody(GROUP, "http://localhost/v1/nothing") == (0, 404)
    assert as_somebody(GROUP, "http://localhost/v1/status") == (0, 200)
    assert as_somebody(GROUP, "--data", "", "http://localhost/v1/tick") == (0, 403)
    assert as_somebody(GROUP, "--data", "{}", "http://localhost/v1/pause") == (0, 403)
    assert not PAUSES.exists()
    assert change("tick")
    assert SOCKET.stat().st_mode & 0o777 == 0o660
    assert RUN_DIR.stat().st_mode & 0o777 == 0o750


def test_without_the_group_only_root_connects(live):
    with_groups(live, "root:x:0:\n")
    assert SOCKET.stat().st_mode & 0o777 == 0o600
    assert as_somebody(0, "http://localhost/v1/nothing") == (CANNOT_CONNECT, 0)


def test_a_dry_run_beside_it_takes_nothing_away(live):
    live.daemon(QUIET)
    other = live.daemon(QUIET, options=("--foreground", "--dry-run"))
    other.wait_for("another kvmtuned answers")
    other.stop()
    assert change("tick")


def test_metrics_on_loopback_are_all_there_is_by_tcp(live):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    live.daemon(QUIET, {"metrics": {"listen": f"127.0.0.1:{port}"}})
    for request, wanted in ((b"POST /v1/tick", b"404"), (b"GET /v1/status", b"404"),
                            (b"POST /metrics", b"405")):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(request + b" HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert hear(client).split()[1] == wanted, request
    for accepted, wanted in (("text/plain", b"text/plain; version=0.0.4"),
                             ("application/openmetrics-text;version=1.0.0,*/*;q=0.1",
                              b"application/openmetrics-text; version=1.0.0")):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(f"GET /metrics HTTP/1.0\r\nAccept: {accepted}\r\n\r\n".encode())
            assert b"\r\nContent-Type: " + wanted in hear(client), accepted


def follow(path):
    """A connection whose answer has begun and does not end."""
    client = connect()
    client.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        head += client.recv(1)
    return client, int(head.split()[1])


def test_followers_hear_of_a_change_and_do_not_hold_up_the_end(live):
    daemon = live.daemon(QUIET)
    daemon.status("libvirt connected")
    before = descriptors(daemon)
    streams = [follow("/v1/decisions?follow=1") for _ in range(20)]
    assert [status for _, status in streams] == [200] * 16 + [503] * 4
    change("pause", loop="ksm")
    heard = b""
    while b"ksm is paused" not in heard:
        heard += streams[0][0].recv(65536)
    for client, _ in streams[8:]:
        client.close()
    wait_until(lambda: descriptors(daemon) <= before + 8, what="those who left are forgotten")
    assert follow("/v1/decisions?follow=1")[1] == 200
    daemon.stop()
    assert not SOCKET.exists()
    hear(streams[0][0])  # ends


def test_status_is_answered_while_others_are_silent(live):
    daemon = live.daemon(QUIET)
    daemon.status("libvirt connected")
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connect()).sendall(b"GET /v1/sta")
        status, answer = ask("GET", "/v1/status")
        assert status == 200 and answer["libvirt"]["connected"], answer
