# SPDX-License-Identifier: GPL-2.0-or-later
"""Does kvmtunectl stand what only a broken or hostile daemon would answer?"""
import copy
import json
import os
import pty
import signal
import subprocess
import tempfile

from answers import complaints
from ctl import CTL, as_bash_reads, complete, ctl
from fake_daemon import DECISION, GUEST, STATUS, STREAM, FakeDaemon, history, http, status

ERROR = {"schema": 1, "error": "no-such-guest", "message": "no guest is called \"x\""}
EXPLAINED = {"loop": "placement", "wish": "set", "reason": "home-by-memory", "sentence": "There it is.",
             "rules": [{"reason": "cooling-down", "passes": False, "sentence": "Acted on recently."}],
             "change": "time", "again_in_s": 12}
EXPLANATION = {"schema": 1, "guest": GUEST, "inputs": [{"name": "demand_cpus", "value": 0.7}],
               "loops": [EXPLAINED]}
PLAN = {"schema": 1, "unix_s": 1.0, "dry_run": False, "look_again_in_s": 5, "actions": [
    {"loop": "ksm", "guest": None, "uuid": None, "what": "pages_to_scan", "from": "100", "to": "1250",
     "reason": "burst", "sentence": "Memory that KSM has not seen yet.", "dry_run": False}]}
ADVICE = {"schema": 1, "vcpus": 4, "memory_kib": None, "nodes": "0-1", "reason": "home-by-load",
          "sentence": "There is room.", "considered": []}
AUDIT = {"schema": 1, "unix_s": 1, "guests_known": True, "tuned_profile": "virtual-host", "ignored": ["host-ept"],
         "summary": {"critical": 0, "warning": 0, "note": 0, "unknown": 0, "ok": 1, "not_applicable": 0},
         "results": [{"id": "host-swappiness", "severity": "warning", "class": "live", "result": "ok", "guest": None,
                      "uuid": None, "is": "10", "should": "10", "why": "So.", "source": "S", "fix": "sysctl",
                      "owner": "tuned", "reason": None}]}
DECISIONS = {"schema": 1, "first": 1, "last": 7, "decisions": [DECISION]}
# Every verb that reads an answer, what it asks for, and a proper answer.
QUESTIONS = [
    (("status",), "/v1/status", STATUS),
    (("explain", "web-01"), "/v1/explain", EXPLANATION),
    (("explain", "ksm"), "/v1/explain", {"schema": 1, "inputs": [], **EXPLAINED}),
    (("plan",), "/v1/plan", PLAN),
    (("advise", "4:8192"), "/v1/advise", ADVICE),
    (("audit", "--all"), "/v1/audit", AUDIT),
    (("audit", "--all", "--long"), "/v1/audit", AUDIT),
    (("monitor",), "/v1/decisions", DECISIONS),
    (("pause",), "/v1/pause", {"schema": 1, "done": "paused"}),
]


def fake(answers):
    """A server with a short path, wherever the tests lie."""
    path = os.path.join(tempfile.mkdtemp(prefix="kt-", dir="/run"), "s")
    return FakeDaemon(path, {path: http(answer) if isinstance(answer, dict) else answer
                             for path, answer in answers.items()})


def proper(verb, path, answer):
    """With what a stream needs beside."""
    answers = {path: answer}
    if verb == "monitor":
        answers["/v1/decisions?after=7&follow=1"] = [STREAM, json.dumps(DECISION).encode() + b"\n"]
    return answers


def test_each_verb_shows_a_proper_answer_and_json_is_it(live):
    for words, path, answer in QUESTIONS:
        server = fake(proper(words[0], path, answer))
        ends = 3 if words[0] == "monitor" else 0
        assert ctl(*words, socket=server.path, expected=ends).text.strip(), words
        shown = json.loads(ctl(*words, "--json", socket=server.path, expected=ends).text)
        assert shown == (DECISION if words[0] == "monitor" else answer), words


def mutants(answer, path=()):
    """The answer with each of its members, at any depth, replaced by nonsense or left out."""
    items = answer.items() if isinstance(answer, dict) else enumerate(answer)
    for key, value in items:
        yield from ((path + (key,), kind) for kind in ("missing", {}, "\x1b[2J", -1e308))
        if isinstance(value, (dict, list)):
            yield from mutants(value, path + (key,))


def mutated(answer, path, value):
    answer = copy.deepcopy(answer)
    at = answer
    for key in path[:-1]:
        at = at[key]
    if value == "missing":
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return answer


def test_an_answer_with_wrong_types_is_an_error_and_never_a_crash(live):
    refused = 0
    for words, path, answer in QUESTIONS:
        for where, value in mutants(answer):
            server = fake(proper(words[0], path, mutated(answer, where, value)))
            done = ctl(*words, socket=server.path, expected=None)
            assert done.returncode in (0, 1, 3, 4), (words, where, value, done)
            assert "\x1b" not in done.text, (words, where, value)
            refused += "not understood" in done.said
    assert refused > 200, refused


test_an_answer_with_wrong_types_is_an_error_and_never_a_crash.seconds = 240


def none_may_be(path, answer, without):
    """By the schema: nothing is wrong with it that was not with the whole answer."""
    name = path.rsplit("/", 1)[1].replace("pause", "done")
    wrong = [set(complaints(name, json.dumps(one).encode())) for one in (answer, without)]
    return wrong[1] <= wrong[0]


def test_what_a_schema_lets_be_unknown_is_shown_as_unknown(live):
    unknown = 0
    for words, path, answer in QUESTIONS:
        for where in {where for where, _ in mutants(answer)}:
            without = mutated(answer, where, None)
            if not none_may_be(path, answer, without):
                continue
            ctl(*words, socket=fake(proper(words[0], path, without)).path,
                expected=3 if words[0] == "monitor" else None if words[0] == "advise" else 0)
            unknown += 1
    assert unknown > 40, unknown


def test_what_is_no_answer_is_said_to_be_none(live):
    for body in (b"", b"garbage", b"[]", b"{}", b'{"schema": 2}', b'{"schema": "1"}', b'{"schema": 1',
                 b"\0" * 100, b"[" * 100000, b'{"schema": 1}' * 2):
        done = ctl("status", socket=fake({"*": http(body)}).path, expected=1)
        assert "is not understood" in done.said and not done.text, (body[:20], done)
    ctl("status", "a", "b", socket=fake({"*": {"schema": 1}}).path, expected=1)
    for answer in (b"SSH-2.0-OpenSSH_9.2\r\n", b"\0\0\0\0", b"HTTP/9.9 abc\r\n\r\n"):
        done = ctl("status", socket=fake({"*": answer}).path, expected=1)
        assert "is not kvmtuned" in done.said, (answer, done)
    for answer in (b"", http(b"x" * 100)[:-50]):
        assert "closed the connection" in ctl("tick", socket=fake({"*": answer}).path, expected=1).said


def test_an_answer_without_end_is_cut_off(live):
    endless = [STREAM] + [b"x" * (1 << 20)] * 65
    for words in (("metrics",), ("monitor", "--all")):
        assert "larger than" in ctl(*words, socket=fake({"*": endless}).path, expected=1).said


def test_a_daemon_that_hangs_is_given_up(live):
    servers = [fake({"*": FakeDaemon.HANG}), fake({"*": [STREAM[:20], FakeDaemon.HANG]})]
    calls = [subprocess.Popen([CTL, "--socket", server.path, *words], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
             for server in servers for words in (("status",), ("monitor", "--all"), ("pause", "web"))]
    for call in calls:
        said = call.communicate(timeout=60)[1]
        assert call.returncode == 1 and b"does not answer" in said, (call.args, said)


def test_the_daemon_s_refusals_are_told_with_their_exit_status(live):
    for code, expected in ((400, 1), (403, 77), (404, 1), (409, 1), (413, 1), (500, 1), (503, 1)):
        for words in (("explain", "x"), ("pause", "x"), ("monitor", "--all")):
            done = ctl(*words, socket=fake({"*": http(ERROR, code)}).path, expected=expected)
            assert ERROR["message"] in done.said and not done.text, (code, done)


def test_no_control_character_comes_through(live):
    evil = "web\x1b]0;x\x07\x9b2J\n\tend"
    guest = {**GUEST, "name": evil, "last_decision": {"unix_s": 1, "message": evil}}
    decision = json.dumps({**DECISION, "message": evil}, ensure_ascii=False).encode() + b"\n"
    server = fake({"/v1/status": http(json.dumps(status(guests=[guest]), ensure_ascii=False).encode()),
                   "/v1/history": history(3), "/v1/plan": http(ERROR | {"message": evil}, 503),
                   "/v1/decisions": [STREAM, decision], "/metrics": http(f"# {evil}\n".encode())})
    for words, expected in ((("status",), 0), (("status", "-q"), 0), (("status", "--json"), 0),
                            (("top", "-b", "-n", "1"), 0), (("plan",), 1), (("metrics",), 0),
                            (("monitor", "--all"), 3), (("monitor", "--all", "--json"), 3)):
        text = ctl(*words, socket=server.path, expected=expected).text
        assert not set(text) & set(map(chr, [*range(10), *range(11, 32), *range(127, 160)])), (words, text)


def test_output_that_cannot_be_written_is_a_failure(live):
    server = fake({"/v1/status": STATUS, "/v1/history": history(3), "/metrics": http(b"x 1\n"),
                   "/v1/decisions": [STREAM, (json.dumps(DECISION) + "\n").encode() * 3]})
    with open("/dev/full", "wb") as full:
        for words in (("status",), ("metrics",), ("help",), ("top", "-b"), ("monitor", "--all"),
                      ("--version",)):
            done = ctl(*words, socket=server.path, expected=1, stdout=full)
            assert "could not be written" in done.said, (words, done)
    for restore in (True, False):  # SIGPIPE as usual, or ignored as in services
        call = subprocess.Popen([CTL, "--socket", server.path, "top", "-b", "-d", "1"], restore_signals=restore,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        call.stdout.readline()
        call.stdout.close()
        said = call.communicate(timeout=60)[1]
        assert call.returncode in (1, -signal.SIGPIPE) and not said, (call.returncode, said)


def test_a_metrics_file_is_replaced_whole_or_not_at_all(live):
    file = live.file("x.prom", b"old\n")
    ctl("metrics", "-o", file, socket=fake({"*": http(b"new 1\n")}).path)
    assert file.read_bytes() == b"new 1\n" and file.stat().st_mode & 0o777 == 0o644
    ctl("metrics", "-o", file, socket=fake({"*": http(b"new 2\n")[:-2]}).path, expected=1)
    ctl("metrics", "-o", live.dir / "none" / "x", socket=fake({"*": http(b"new 3\n")}).path, expected=1)
    assert file.read_bytes() == b"new 1\n" and len(list(live.dir.glob("x.prom*"))) == 1


def test_colour_is_for_terminals_that_want_it(live):
    server = fake({"/v1/status": status(guests=[{**GUEST, "hold": "paused"}])})
    call = ["--color", "auto", "status"]
    assert "\x1b" not in ctl(*call, socket=server.path).text
    assert "\x1b" in ctl("status", "--color=always", socket=server.path, environment={"NO_COLOR": "1"}).text
    for no_color, coloured in (("", True), ("1", False)):
        shown = on_terminal(["--socket", server.path, "status"], NO_COLOR=no_color)
        assert (b"\x1b[" in shown) == coloured, (no_color, shown)


def on_terminal(words, keys=b"", after=b"\n", end=None, **environment):
    """What it shows on a terminal, where keys are pressed after it has shown something."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(CTL, [str(CTL), *words], {**os.environ, "TERM": "xterm", **environment})
    shown = b""
    while True:
        try:
            shown += os.read(terminal, 65536)
        except OSError:
            break
        if keys and after in shown:
            os.write(terminal, keys[:1])
            shown, keys = b"", keys[1:]
        if end and after in shown:
            os.kill(pid, end)
            end = None
    os.close(terminal)
    return shown if os.waitpid(pid, 0)[1] in (0, end or 0, signal.SIGTERM) else None


def test_top_sorts_by_keys_and_gives_the_terminal_back(live):
    guests = [{**GUEST, "name": "guest-a", "steal_percent": 0, "merged_kib": 9},
              {**GUEST, "name": "guest-b", "steal_percent": 9, "merged_kib": None}]
    server = fake({"/v1/status": status(guests=guests), "/v1/history": history(100)})
    batch = ctl("top", "-b", "-n", "2", "-d", "1", socket=server.path).text
    assert batch.count("2 guests by steal") == 2 and batch.index("guest-b") < batch.index("guest-a")
    by_ksm = ctl("top", "-b", "-n", "1", "-o", "ksm", socket=server.path).text
    assert by_ksm.index("guest-a") < by_ksm.index("guest-b")
    # A window of no size counts as one of 24 lines.
    live_call = ["--socket", server.path, "top", "-d", "1h"]
    shown = on_terminal(live_call, keys=b"kq", after=b"\x1b[J")
    assert shown is not None and shown.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l"), shown
    shown = on_terminal(live_call, after=b"\x1b[J", end=signal.SIGTERM)
    assert shown is not None and shown.endswith(b"\x1b[?7h\x1b[?25h\x1b[?1049l"), shown


def test_status_of_several_guests_is_one_answer(live):
    one, two = ({**GUEST, "name": name} for name in ("a b", "ksm"))
    server = fake({"/v1/status?guest=a%20b": status(guests=[one]), "/v1/status?guest=ksm": status(guests=[two])})
    shown = json.loads(ctl("status", "--json", "a b", "ksm", socket=server.path).text)
    assert [guest["name"] for guest in shown["guests"]] == ["a b", "ksm"]
    table = ctl("status", "--no-legend", "a b", "ksm", socket=server.path).text.splitlines()
    assert len(table) == 2 and table[0].startswith("a b ") and table[1].startswith("ksm ")
    numbers = ("web-10", "db", "web-9")
    several = fake({"*": status(guests=[{**GUEST, "name": name} for name in numbers])})
    assert ctl("status", "-q", socket=several.path).text.split() == ["db", "web-9", "web-10"]
    degraded = fake({"*": status(state="degraded", problems=["libvirt has not answered for 40 s"])})
    assert "has not answered" in ctl("status", socket=degraded.path, expected=4).text
    ctl("status", "--json", socket=degraded.path, expected=4)


def test_status_shows_how_fast_ksm_scans_when_it_does(live):
    for run, shown in ((1, "1250 pages each 20 ms"), (0, "at rest"), (2, "at rest"), (None, "no KSM")):
        server = fake({"*": status(loops__ksm__run=run)})
        line = next(line for line in ctl("status", socket=server.path).text.splitlines() if line.startswith("ksm "))
        assert shown in line and (run == 1) == ("pages each" in line), (run, line)


def test_it_asks_for_what_it_was_told(live):
    for words, asked in (
            (("pause", "ksm"), ("POST", "/v1/pause", {"loop": "ksm"})),
            (("pause", "ksm", "--guest"), ("POST", "/v1/pause", {"guest": "ksm"})),
            (("pause", "we\"b\n", "--for=2h"), ("POST", "/v1/pause", {"guest": "we\"b\n", "for_s": 7200})),
            (("pause",), ("POST", "/v1/pause", {})),
            (("resume", "memory"), ("POST", "/v1/resume", {"loop": "memory"})),
            (("release", "placement"), ("POST", "/v1/release", {"guest": "placement"})),
            (("reload",), ("POST", "/v1/reload", {})),
            (("tick",), ("POST", "/v1/tick", {}))):
        server = fake({"*": {"schema": 1, "done": "done"}})
        assert ctl(*words, socket=server.path).text == "done\n"
        assert ctl(*words, "-q", socket=server.path).text == ""
        method, path, body = server.asked[0]
        assert (method, path, json.loads(body)) == asked, server.asked
    server = fake({"*": ADVICE})
    assert ctl("advise", "4:8192", socket=server.path).text == "0-1\n"
    assert server.asked[0][1] == "/v1/advise?vcpus=4&mib=8192"
    none = fake({"*": {**ADVICE, "nodes": None, "reason": "wider-than-node"}})
    assert "wider-than-node" in ctl("advise", "400", socket=none.path, expected=1).said


HOSTILE = ["$(touch ran)", "`touch ran`", "; touch ran", "a b", "two\\x0alines", "'", "db:5", "a=b", "*", "~", "-x",
           "&", "!ls", "\\x22", "x" * 255]


def test_completion_offers_verbs_options_guests_and_never_runs_a_name(live):
    server = fake({"/v1/status": status(guests=[{**GUEST, "name": name} for name in HOSTILE])})

    def offered(*words):
        return complete(["kvmtunectl", *words], server.path, live.dir)
    assert offered("sta") == ["status"]
    assert set(offered("")) >= {"status", "top", "explain", "check-config", "help"}
    assert offered("pause", "--f") == ["--for"]
    assert offered("status", "--color", "=", "al") == ["always"]
    assert set(offered("explain", "k")) == {"ksm"}
    assert offered("explain", "--guest", "k") == []
    names = offered("status", "")
    assert sorted(as_bash_reads(name) for name in names) == sorted([name] for name in HOSTILE), names
    assert [as_bash_reads(name) for name in offered("explain", "two")] == [["two\\x0alines"]]
    assert offered("explain", "db", ":", "5") == ["5"] and offered("explain", "db", ":") == ["5"]
    (live.dir / "a file").touch()
    assert offered("replay", "a") == ["a file"] and offered("check-config", "--soc") == ["--socket"]
    assert not (live.dir / "ran").exists()
