# SPDX-License-Identifier: GPL-2.0-or-later
"""Is `kvmtunectl report` a page that a browser shows as it is meant?"""
import contextlib
import os
import re
import struct
import subprocess
import zlib

import canned
from browser import Browser
from daemon import RUN_DIR
from fake_daemon import FakeDaemon, http
from kvmlive import BUILD, wait_until

CTL = BUILD / "kvmtunectl"


def report(socket, *options, **how):
    return subprocess.run([CTL, "report", "--socket", socket, *map(str, options)], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "TZ": "UTC"}, **how)


def daemon_that_says(live, **what):
    """The path of its socket."""
    path = live.dir / "socket"
    path.unlink(missing_ok=True)
    FakeDaemon(path, {where: http(answer) for where, answer in canned.answers(**what).items()})
    return path


def page(live, name="page.html", **what):
    path = live.dir / name
    done = report(daemon_that_says(live, **what), "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    return path


@contextlib.contextmanager
def browser(live):
    one = Browser(live.dir)
    try:
        yield one
    finally:
        one.close()


def pixel_rows(png):
    """How many rows of a picture differ from others; a blank one has one or two."""
    data, at = b"", 8
    width, height, _, kind = struct.unpack(">IIBB", png[16:26])
    while at < len(png):
        size = struct.unpack(">I", png[at:at + 4])[0]
        data += png[at + 8:at + 8 + size] if png[at + 4:at + 8] == b"IDAT" else b""
        at += 12 + size
    row = width * {2: 3, 6: 4}[kind] + 1
    pixels = zlib.decompress(data)
    return len({pixels[y * row:(y + 1) * row] for y in range(height)})


def shown_well(live, chromium, path, guests):
    """What is true of every page, light and dark, wide and narrow."""
    colors = set()
    for dark, width in ((False, 1200), (True, 420)):
        chromium.open(path, width, dark=dark)
        assert chromium.requests == [f"file://{path}"], chromium.requests
        assert not chromium.complaints, chromium.complaints
        sizes = chromium.evaluate("[...document.querySelectorAll('svg')].map(s => s.getBoundingClientRect())")
        assert all(size["width"] > 300 and size["height"] > 30 for size in sizes), sizes
        assert chromium.evaluate("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
        names = chromium.evaluate("[...document.querySelectorAll('tbody th')].map(n => n.textContent)")
        assert names == guests, names
        assert not chromium.evaluate("document.querySelectorAll('script, img, iframe, link, a').length")
        colors.add(chromium.evaluate("getComputedStyle(document.body).backgroundColor"))
        picture = chromium.screenshot()
        (live.dir / f"{path.stem}-{width}{'-dark' if dark else ''}.png").write_bytes(picture)
        assert pixel_rows(picture) > 200, "the page is blank"
    assert len(colors) == 2, "dark is as light"


def texts_within(chromium, selector, width=1040):
    """Texts of drawings that leave them by more than the margin has room for."""
    return chromium.evaluate(f"""[...document.querySelectorAll('{selector}')].filter(t => {{
        const box = t.getBBox(); return box.x < -20 || box.x + box.width > {width} + 60; }}).map(t => t.textContent)""")


def test_the_browser_would_complain(live):
    """The other tests rely on it."""
    path = live.dir / "bad.html"
    path.write_text("<img src='http://127.0.0.1:9/x.png'><script>console.error('no'); throw 1</script>")
    blank = live.dir / "blank.html"
    blank.write_text("<!DOCTYPE html>")
    with browser(live) as chromium:
        chromium.open(path)
        assert "http://127.0.0.1:9/x.png" in chromium.requests
        assert len(chromium.complaints) >= 2, chromium.complaints
        chromium.open(blank)
        assert pixel_rows(chromium.screenshot()) < 5


def test_pages_of_few_and_many_guests_are_shown(live):
    with browser(live) as chromium:
        for guests, nodes in ((1, 1), (12, 4), (200, 8)):
            path = page(live, f"page-{guests}.html", guests=guests, nodes=nodes, count=guests * 10)
            shown_well(live, chromium, path, canned.names(guests, False))
            assert texts_within(chromium, "svg text") == []
            drawings = chromium.evaluate("[...document.querySelectorAll('svg > title')].map(t => t.textContent)")
            assert {"NUMA nodes and the guests on them", "Decisions over time", "Memory available",
                    "CPU time of ksmd", "Price of memory", "Memory pressure"} <= set(drawings), drawings


def test_hostile_names_are_only_text(live):
    names = canned.names(12, True)
    with browser(live) as chromium:
        path = page(live, guests=12, nodes=2, hostile=True)
        shown_well(live, chromium, path, names)
        text = chromium.evaluate("document.body.textContent")
        assert all(name in text for name in names), text
        assert "<b>not bold</b> & so on" in text
        assert not chromium.evaluate("document.querySelectorAll('b b, li b').length")
        titles = chromium.evaluate("[...document.querySelectorAll('svg g > title')].map(t => t.textContent)")
        assert any(title.startswith(names[0] + ": ") for title in titles), titles


def test_a_daemon_without_a_past_has_a_page_that_says_so(live):
    with browser(live) as chromium:
        path = page(live, guests=0, nodes=2, minutes=1, count=0)
        chromium.open(path)
        text = chromium.evaluate("document.body.textContent")
        for sentence in ("There is nothing to plot yet", "No guest is running", "Nothing was decided in this time"):
            assert sentence in text, text
        assert not chromium.complaints


def test_it_is_a_whole_file_or_none(live):
    socket = daemon_that_says(live)
    first, second = report(socket, "-o", "-"), report(socket, "-o", "-")
    assert first.returncode == 0 and first.stdout.endswith("</html>\n")
    assert first.stdout == second.stdout, "not the same page for the same answers"
    done = report(socket, cwd=live.dir)
    assert "kvmtuned-report.html" in done.stdout
    assert (live.dir / "kvmtuned-report.html").read_text() == first.stdout
    assert (live.dir / "kvmtuned-report.html").stat().st_mode & 0o777 == 0o644
    full = report(socket, "-o", "-", preexec_fn=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 1))
    assert full.returncode == 1 and "could not be written" in full.stderr, full
    for bad in ("0", "30s", "8d", "x", "", "-1"):
        assert report(socket, f"--since={bad}", "-o", live.dir / "wrong").returncode == 2
    missing = report(socket, "-o", live.dir / "nowhere" / "page")
    assert missing.returncode == 1 and "nowhere" in missing.stderr
    assert not list(live.dir.glob("wrong*"))


def test_since_is_what_is_shown(live):
    socket = daemon_that_says(live)
    hour, day = (report(socket, "--since", since, "-o", "-").stdout for since in ("1h", "1d"))
    assert "<h2>The last 60 min</h2>" in hour and "<h2>The last 24 h</h2>" in day
    assert hour.count('class="mark ') < day.count('class="mark ') == 320


def test_a_real_daemon_has_a_report(live):
    live.guest("one<&>'two", paused=False)
    live.daemon()
    socket = RUN_DIR / "kvmtuned.sock"
    wait_until(lambda: re.search(r"one&lt;&amp;&gt;&#39;two: [0-9.]+ MiB</title>", report(socket, "-o", "-").stdout),
               what="the guest is drawn on its node")
    done = report(socket, "-o", live.dir / "real.html")
    assert done.returncode == 0, done
    with browser(live) as chromium:
        chromium.open(live.dir / "real.html")
        assert not chromium.complaints and len(chromium.requests) == 1
        (live.dir / "real.png").write_bytes(chromium.screenshot())
        text = chromium.evaluate("document.body.textContent")
        assert "one<&>'two" in text and "Node 0" in text
