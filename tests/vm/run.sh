#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the installed package do its job on a real NUMA host?
#
#   run.sh DESTDIR
#
# boots the host of image.sh and runs ./scenario in it with the tree that
# `make install DESTDIR=` made.  Prints "ok vm/..." and "not ok vm/...: reason" lines, or
# "skip vm: reason" where the host cannot be had; exit 0 or 1.  In build/vm (or
# $BUILD/vm): console.log, qemu.log, and what the scenario left in out/, its journals
# and masks.
# $KVMTUNED_VM_TIMEOUT seconds, 600 if unset, for all but the making of the image.
set -u

stage=${1:?DESTDIR of make install}
here=$(cd "$(dirname "$0")" && pwd)
logs=${BUILD:-$here/../../build}/vm
limit=${KVMTUNED_VM_TIMEOUT:-600}

not_ok() { # NAME REASON
	echo "not ok vm/$1: $2"
	exit 1
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

[ -x "$stage/usr/sbin/kvmtuned" ] || not_ok stage "no usr/sbin/kvmtuned in $stage"
rm -rf "$logs/out" "$logs"/*.log
mkdir -p "$logs/out" || not_ok stage "cannot write $logs"

own "$here/image.sh" >"$work/image" 2>"$work/said"
case $? in
0) ;;
77) echo "skip vm: $(sed -n '$s/^image: //p' "$work/said")"; exit 0 ;;
*) cat "$work/said" >&2; not_ok image "$(tail -n 1 "$work/said")" ;;
esac

tar -cf "$work/in" --owner=0 --group=0 -C "$here" scenario \
	--transform 's,^\.,tree,S' -C "$(realpath "$stage")" . || not_ok stage "cannot pack $stage"
truncate -s %1M "$work/in"
truncate -s 64M "$work/out"
own timeout --foreground "$limit" "$here/boot.sh" "$(cat "$work/image")" "$work/in" "$work/out" \
	"$logs/console.log" </dev/null 2>"$logs/qemu.log"
[ $? != 124 ] || not_ok run "no end within $limit s; see $logs/console.log"
tar -xf "$work/out" -C "$logs" out 2>/dev/null ||
	not_ok run "it went down without a result; see $logs/console.log and $logs/qemu.log"
[ "$(cat "$logs/out/rc")" = 0 ]
