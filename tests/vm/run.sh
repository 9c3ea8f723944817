#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the installed package do its job on a real NUMA host?
#
#   run.sh PACKAGE [SCENARIO[=ARGUMENT]...]
#
# boots the host of image.sh once for each scenario named, $JOBS (2) at a time, and runs it there
# with the package that `make deb` made.  None named: all but those whose promises
# others look at as well: placement, coexist, numad and memory-limit.  Prints
# "ok vm/..." and "not ok vm/...: reason" lines, or "skip vm: reason" where the host cannot be
# had; exit 0 or 1.  In build/vm (or $BUILD/vm), a folder for each scenario: console.log,
# qemu.log, and what it left in out/, its journals and masks.
# $KVMTUNED_VM_TIMEOUT seconds for each, boots and all; 1800 if unset, which is what hangs, not what is slow: lifecycle
# takes 300 on two free cores and 1000 with four others on them.
set -u

package=${1:?the package of make deb}
shift
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- lifecycle memory package sandbox service
logs=${BUILD:-$here/../../build}/vm
limit=${KVMTUNED_VM_TIMEOUT:-1800}
sleeper=$(realpath "${BUILD:-$here/../../build}/tests")

not_ok() { # NAME REASON
	echo "not ok vm/$1: $2"
	return 1
}

# Its own end_when_late has not done it: it boots, goes down, or is gone.
ended_from_outside() { # SCENARIO CONSOLE
	not_ok "$1" "no end within $limit s; the end of $2:"
	tail -n 20 "$2" | sed 's/^/# /'
	return 1
}

# Runs a command in a process group of its own, which does not outlive us.
child=
own() {
	set -m
	setpriv --pdeathsig TERM "$@" &
	child=$!
	set +m
	wait "$child"
	local status=$?
	child=
	return $status
}

finish() {
	if [ -n "$child" ]; then
		kill -- "-$child"
		wait "$child"
	fi
	rm -rf "$work"
}

work=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

[ -f "$package" ] || not_ok package "there is no $package" || exit
ln -s "$(realpath "$package")" "$work/kvmtuned.deb"
mkdir -p "$logs" || not_ok logs "cannot write $logs" || exit

own "$here/image.sh" >"$work/image" 2>"$work/said"
case $? in
0) ;;
77) echo "skip vm: $(sed -n '$s/^image: //p' "$work/said")"; exit 0 ;;
*) cat "$work/said" >&2; not_ok image "$(tail -n 1 "$work/said")" || exit ;;
esac

run() { # SCENARIO[=ARGUMENT], which it finds in a file
	local log
	echo "${1#*=}" >"$work/argument"
	set -- "${1%%=*}"
	echo "$1" >"$work/name"
	echo "$(($(date +%s) + limit - 60))" >"$work/deadline"
	log=$logs/$1
	rm -rf "$log" && mkdir -p "$log/out" || not_ok "$1" "cannot write $log" || return
	tar -chf "$work/in" --owner=0 --group=0 -C "$here" common.sh counting.sh lifecycle.sh memory.sh poor.sh "scenario-$1" \
		--transform 's,^scenario-.*,scenario,S' --transform 's,^sleeper.bin,sleeper,S' \
		-C "$work" argument deadline name kvmtuned.deb -C "$sleeper" sleeper.bin \
		-C "$here/../.." debian/tests || not_ok "$1" 'cannot pack it' || return
	truncate -s %1M "$work/in"
	truncate -s 0 "$work/out" "$work/swap" && truncate -s 64M "$work/out" && truncate -s 2G "$work/swap"
	own timeout --foreground "$limit" "$here/boot.sh" "$(cat "$work/image")" "$work/in" \
		"$work/out" "$work/swap" "$log/console.log" </dev/null 2>"$log/qemu.log"
	[ $? != 124 ] || ended_from_outside "$1" "$log/console.log" || return
	tar -xf "$work/out" -C "$log" out 2>/dev/null ||
		not_ok "$1" "it went down without a result; see $log/console.log and qemu.log" || return
	[ "$(cat "$log/out/rc")" = 0 ]
}

# The longest first, by default.
if [ $# -eq 1 ]; then run "$1"; else
	printf '%s\n' "$@" >"$work/scenarios"
	own xargs -a "$work/scenarios" -n 1 -P "${JOBS:-2}" "$0" "$package"
fi || exit 1
