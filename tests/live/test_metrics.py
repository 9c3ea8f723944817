# SPDX-License-Identifier: GPL-2.0-or-later
"""Does a real Prometheus take what the real daemon exports?"""
import json
import pathlib
import re
import socket
import subprocess
import urllib.parse
import urllib.request

from daemon import ONLY_KSM, RUN_DIR, guest_verdict
from kvmlive import BUILD, ROOT, Skip, wait_until
from test_guests import HOSTILE_NAMES, create_if_permitted

OPEN = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
CURL = ["curl", "--silent", "--unix-socket", RUN_DIR / "kvmtuned.sock"]
OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
EVERY_REASON = re.findall(r'(?m)^\tX\(WHY_\w+, "([a-z-]+)"', (ROOT / "lib/policy/why.h").read_text())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def tools():
    done = subprocess.run([ROOT / "tests/promtool"], capture_output=True, text=True)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return pathlib.Path(done.stdout.strip())


def get(port, accept):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with OPEN(request, timeout=30) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def samples(text):
    return [line for line in text.splitlines() if line and not line.startswith("#")]


class Prometheus:
    def __init__(self, live, target):
        self.port = free_port()
        conf = live.file("prometheus.yml", b"""global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: kvmtuned
    static_configs: [{targets: ["127.0.0.1:%d"]}]
""" % target)
        self.log = live.dir / "prometheus.log"
        subprocess.Popen([tools() / "prometheus", f"--config.file={conf}", f"--storage.tsdb.path={live.dir}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL,
                         stdout=self.log.open("wb"), stderr=subprocess.STDOUT)

    def ask(self, path, **query):
        """None: it does not answer yet."""
        try:
            with OPEN(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}",
                      timeout=30) as answer:
                return json.load(answer)["data"]
        except OSError:
            return None

    def series(self, query):
        """[(labels, value)] of now."""
        answer = self.ask("query", query=query) or {"result": []}
        return [(one["metric"], float(one["value"][1])) for one in answer["result"]]


def test_a_real_prometheus_scrapes_the_daemon(live):
    port = free_port()
    guests = [create_if_permitted(live, name) for name in HOSTILE_NAMES.values()]
    names = {guest.name for guest in guests if guest}
    assert len(names) >= 8, "libvirt refused nearly all of them"
    daemon = live.daemon({"metrics": {"listen": f"127.0.0.1:{port}"}})
    for guest in filter(None, guests):
        daemon.wait_for(guest_verdict(guest, "memory"))
    prometheus = Prometheus(live, port)
    wait_until(lambda: prometheus.series("up == 1"), what=f"up; {prometheus.log} tells more")
    wait_until(lambda: prometheus.series("kvmtuned_domains") and
               prometheus.series("kvmtuned_domains")[0][1] == len(names), what="all guests are counted")

    # It has asked for OpenMetrics, where families of counters have no _total.
    families = wait_until(lambda: prometheus.ask("targets/metadata", match_target='{job="kvmtuned"}'))
    types = {family["metric"]: family["type"] for family in families}
    assert types["kvmtuned_moved_bytes"] == "counter", types
    assert types["kvmtuned_cycle_duration_seconds"] == "histogram", types

    seen = {labels["domain"] for labels, _ in prometheus.series("kvmtuned_domain_info")}
    plain = {name for name in names if name.isprintable()}
    assert plain and plain <= seen, plain - seen  # as libvirt's exporters have them
    assert len(seen) == len(names), seen
    target = prometheus.ask("targets")["activeTargets"][0]
    assert target["health"] == "up" and not target["lastError"], target


def test_both_forms_say_the_same(live):
    port = free_port()
    live.guest("one")
    daemon = live.daemon(ONLY_KSM, {"metrics": {"listen": f"127.0.0.1:{port}"}})
    daemon.wait_for("one: ksm: ")
    kind, classic = get(port, "*/*")
    assert kind.startswith("text/plain; version=0.0.4"), kind
    done = subprocess.run([tools() / "promtool", "check", "metrics"], input=classic, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done
    kind, openmetrics = get(port, OPENMETRICS)
    assert kind.startswith("application/openmetrics-text; version=1.0.0"), kind
    assert openmetrics.endswith("\n# EOF\n"), openmetrics[-100:]

    def names(text):
        return [line.rsplit(" ", 1)[0] for line in samples(text)]
    # Decisions may have come meanwhile; none has gone.
    assert set(names(classic)) <= set(names(openmetrics)), openmetrics
    by_socket = subprocess.run([*CURL, "http://localhost/metrics"], capture_output=True, text=True).stdout
    assert set(names(classic)) <= set(names(by_socket)), by_socket
    file = live.dir / "kvmtuned.prom"
    subprocess.run([BUILD / "kvmtunectl", "metrics", "-o", file], check=True)
    assert set(names(classic)) <= set(names(file.read_text())), file.read_text()
    assert [path.name for path in live.dir.glob("kvmtuned.prom*")] == [file.name], "something is left behind"


def test_reasons_are_the_words_of_the_log_and_of_the_manual(live):
    port = free_port()
    guest = live.guest("one")
    daemon = live.daemon(ONLY_KSM, {"metrics": {"listen": f"127.0.0.1:{port}"}})
    for loop in "ksm", "placement", "memory":
        daemon.wait_for(guest_verdict(guest, loop))
    daemon.wait_ticks()
    said = {word for line in daemon.found(r" info +.*: (ksm|placement|memory): .*\(")
            for word in re.findall(r"\(([a-z-]+)\): ", line)}
    told = subprocess.run([*CURL, "http://localhost/v1/decisions?after=0"], capture_output=True, text=True)
    decided = {one["reason"] for one in json.loads(told.stdout)["decisions"] if one["reason"]}
    counted = set(re.findall(r'kvmtuned_decisions_total{.*reason="([^"]+)"}', get(port, "*/*")[1]))
    assert said and said <= decided <= counted, (said, decided, counted)
    assert counted <= set(EVERY_REASON), counted - set(EVERY_REASON)


def test_guests_are_left_out_when_that_is_wanted(live):
    port = free_port()
    guest = live.guest("one")
    daemon = live.daemon({"metrics": {"listen": f"127.0.0.1:{port}", "per_domain": "no"}})
    daemon.wait_for(guest_verdict(guest, "ksm"))
    text = get(port, "*/*")[1]
    assert "domain=" not in text and "kvmtuned_domains 1\n" in text, text
