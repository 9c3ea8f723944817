# SPDX-License-Identifier: GPL-2.0-or-later
"""What would kvmtunectl do with answers that the real daemon never gives?

A server on a unix socket that says what it is told to say, byte by byte.
"""
import copy
import json
import socket
import threading

LOOP = {"state": "active", "reason": "none", "sentence": "No decision yet.",
        "paused_until_unix_s": None, "last_change": None}
GUEST = {
    "name": "web-01", "uuid": "6a3bd8a4-59f8-4d3f-8f0f-0d9c8b8f7a01", "id": 3, "running": True,
    "busy": False, "vcpus": 4, "memory_kib": 8 << 20, "resident_kib": 6 << 20, "home": "0",
    "node_memory_kib": {"0": 6 << 20}, "local_percent": 98.2, "steal_percent": 1.2,
    "demand_cpus": 0.7, "merged_kib": 300 << 10, "limit_kib": None, "reclaimed_kib": 0,
    "hold": None, "hold_until_unix_s": None, "managed": True,
    "ksm": {"reason": "merged", "sentence": "KSM has merged a part of its memory."},
    "placement": {"wish": "set", "reason": "home-by-memory", "sentence": "Most of its memory lies there.",
                  "dry_run": False},
    "memory": {"wish": "hold", "reason": "host-calm", "sentence": "The host has memory enough.",
               "dry_run": False},
    "last_decision": {"unix_s": 1763000000.0, "message": "web-01: placement: home 0 (home-by-memory)"}}
STATUS = {
    "schema": 1, "version": "0.1.0", "unix_s": 1763000010.5, "started_unix_s": 1762990000.0,
    "mode": "active", "dry_run": False, "state": "ok", "problems": [],
    "libvirt": {"connected": True, "uri": "qemu:///system", "version": "libvirt 9.0.0",
                "waiting_s": None, "links": 1},
    "tick": {"count": 123, "last_unix_s": 1763000008.5, "took_s": 0.0012, "next_in_s": 3.2},
    "host": {"nodes": [{"id": 0, "cpus": "0-15", "ncpus": 16, "memory_kib": 64 << 20,
                        "free_kib": 20 << 20, "guests_kib": 40 << 20, "busy_cpus": 3.2}],
             "memory_kib": 64 << 20, "available_kib": 22 << 20, "swap_total_kib": 0,
             "swap_free_kib": 0, "price": 0.31, "psi_memory_some_percent": 0.0,
             "psi_memory_full_percent": 0.0, "steal_percent": 0.0, "idle_cpus": 12.8},
    "loops": {
        "ksm": {**LOOP, "reason": "burst", "run": 1, "pages_to_scan": 1250, "sleep_ms": 20,
                "ksmd_cpu_percent": 0.3, "merged_kib": 3 << 20, "profit_kib": 3 << 20,
                "advisor": "none"},
        "placement": {**LOOP, "pinned": 1,
                      "moving": {"guest": "web-01", "moved_kib": 1 << 20, "kib_per_s": 30 << 10}},
        "memory": {**LOOP, "limited": 0, "reclaimed_kib": 0, "deficit_kib": 0, "squeezing": False}},
    "audit": {"unix_s": 1763000000, "critical": 0, "warning": 2, "note": 1, "unknown": 0},
    "guests": [GUEST]}
DECISION = {"schema": 1, "seq": 1, "unix_s": 1763000000.0, "level": "info", "event": "verdict",
            "guest": "web-01", "uuid": GUEST["uuid"], "loop": "placement", "action": "decide",
            "reason": "home-by-memory", "from": None, "to": "0", "dry_run": False,
            "message": "web-01: placement: home 0 (home-by-memory)"}
POINT = {"unix_s": 1763000000, "available_kib": 22 << 20, "merged_kib": 3 << 20, "reclaimed_kib": 0,
         "ksmd_cpu_percent": 0.3, "price": 0.31, "psi_memory_some_percent": 0, "swap_in_per_s": 0,
         "local_percent": 98.0, "guests": 1, "pinned": 1, "limited": 0}


def status(**changes):
    """A proper status, but for the changes: {"host.price": "high"} goes deeper."""
    result = copy.deepcopy(STATUS)
    for where, value in changes.items():
        *path, last = where.split("__")
        at = result
        for key in path:
            at = at[int(key) if isinstance(at, list) else key]
        at[last] = value
    return result


def http(body, code=200, kind="application/json"):
    """The bytes of a whole answer."""
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    return (f"HTTP/1.1 {code} x\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"


class FakeDaemon:
    """`answers`: bytes for each path, sent before the connection is closed; HANG: none, and it
    stays open.  What was asked is in `asked`."""

    HANG = None

    def __init__(self, path, answers):
        self.path, self.answers, self.asked = str(path), answers, []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen(64)
        self._open = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(65536)
        head, body = head.split(b"\r\n\r\n", 1)
        line, *headers = head.decode("latin-1").split("\r\n")
        length = next((int(h.split(":")[1]) for h in headers if h.lower().startswith("content-length")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        method, path, _ = line.split(" ", 2)
        self.asked.append((method, path, body))
        answer = self.answers.get(path, self.answers.get(path.split("?")[0], self.answers.get("*")))
        try:
            for part in (answer if isinstance(answer, list) else [answer]):
                if part is self.HANG:
                    self._open.append(connection)
                    return
                connection.sendall(part)
        except OSError:
            pass  # it has gone, which is its right
        connection.close()


def history(n):
    """Rising, so that every height is shown."""
    return {"schema": 1, "recent": True,
            "points": [{**POINT, "unix_s": POINT["unix_s"] + i, "psi_memory_some_percent": i % 9,
                        "merged_kib": i << 20, "ksmd_cpu_percent": i / 10} for i in range(n)],
            "guests": []}
