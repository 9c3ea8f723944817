# SPDX-License-Identifier: GPL-2.0-or-later
"""How does a test run kvmtunectl?"""
import os
import pathlib
import re
import subprocess

from kvmlive import BUILD, ROOT

CTL = BUILD / "kvmtunectl"
COMPLETION = ROOT / "ctl/kvmtunectl.bash"
SIGNALLED = range(-64, 0)


def ctl(*arguments, socket=None, expected=0, timeout=60, environment=None, **popen):
    """One run to its end; expected None: whatever, but no signal."""
    call = [CTL, *(["--socket", socket] if socket else []), *arguments]
    popen.setdefault("stdout", subprocess.PIPE)
    done = subprocess.run([str(word) if isinstance(word, pathlib.Path) else word for word in call],
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=timeout,
                          env={**os.environ, "TERM": "dumb", **(environment or {})}, **popen)
    said = f"{arguments}: exit {done.returncode}: {done.stdout!r} {done.stderr!r}"
    assert done.returncode not in SIGNALLED, said
    assert expected is None or done.returncode == expected, said
    done.said = done.stderr.decode("ascii")  # nothing else may come out
    done.text = (done.stdout or b"").decode("utf-8")
    assert not re.search(r"[^\n\x20-\x7e]", done.said), said
    return done


def complete(words, socket, folder):
    """What bash would insert for the last of the words."""
    script = r'''
		. "$1"; shift
		kvmtunectl() { "$KT_CTL" --socket "$KT_SOCKET" "$@"; }
		timeout() { shift; "$@"; }
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_kvmtunectl kvmtunectl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf '%s\0' "${COMPREPLY[@]}"'''
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", COMPLETION, *words], timeout=60,
                          cwd=folder, capture_output=True, check=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "KT_CTL": str(CTL), "KT_SOCKET": str(socket)})
    return [word.decode() for word in done.stdout.split(b"\0") if word]


def as_bash_reads(text):
    """The words that a shell makes of what was inserted."""
    done = subprocess.run(["bash", "--norc", "-c", f"printf '%s\\0' {text}"], timeout=60, check=True,
                          capture_output=True)
    return [word.decode() for word in done.stdout.split(b"\0")[:-1]]
