# SPDX-License-Identifier: GPL-2.0-or-later
# What does it take to place guests: how many ticks, how much memory, whose pins?
#
# Sourced after common.sh.  Guests are busy by their boot sector, and the kernel's own
# balancing is off, because bytes are counted.  Ticks are those of the daemon, by
# KVMTUNED_CYCLE in the journal.  The table is in out/placement.table.
#
# Emulated twice, a page takes milliseconds to copy and remote memory costs nothing: judged is
# where things are, never how fast they run.

configure() { # LINE... of [placement]
	printf '%s\n' '[ksm]' 'policy = off' '[memory]' 'mode = off' '[placement]' \
		'node_reserve_mib = 64' 'cooldown_s = 10' "$@" >$conf
}

count_placement() {
	echo 0 >/proc/sys/kernel/numa_balancing
	: >out/placement.table
	row '' ticks 'KiB copied' pins
}

show_table() {
	sed 's/^/# /' out/placement.table
}

# ---- guests and what they do -----------------------------------------------------------

# cli; ds = 0; sti; while (ticks_of_the_BIOS % 8 < EIGHTHS) ; hlt; again.
busy_disk() { # GUEST EIGHTHS of the time
	local file=/run/t/$1.disk eighths
	printf -v eighths '\\x%02x' "$2"
	{
		printf '\x31\xc0\x8e\xd8\xfb\xa0\x6c\x04\x24\x07\x3c%b\x72\xf7\xf4\xeb\xf4' "$eighths"
		head -c 493 /dev/zero
		printf '\x55\xaa'
		head -c 64K /dev/zero
	} >"$file"
	echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>" \
		"<source file='$file'/><target dev='hda' bus='ide'/></disk>"
}

start_busy() { # NAME MIB NUMACTL-OPTION EIGHTHS
	start_guest "$1" 1 "$2" "$3" "$(busy_disk "$1" "$4")"
}

destroy() { # GUEST...
	local guest pids=()
	for guest; do
		virsh -q destroy "$guest" &
		pids+=($!)
	done
	all_of "${pids[@]}"
}

cpu_ticks_of() { # GUEST: of vCPU 0
	local task
	for task in "/proc/$(pid_of "$1")"/task/*; do
		[ "$(cat "$task/comm")" = 'CPU 0/TCG' ] && sed 's/.*) //' "$task/stat" | awk '{ print $12 + $13 }'
	done
}

# Its boot sector runs: the firmware in front of it needs less.
is_busy() { # GUEST
	local ticks
	ticks=$(cpu_ticks_of "$1")
	sleep 1
	(($(cpu_ticks_of "$1") - ticks > 20)) || { echo "$1: its vCPU is idle"; return 1; }
}

# Wherever: two vCPUs may not fit a node that has lost a CPU.
threads_are_pinned() { # GUEST
	local all free
	all=$(cat /sys/devices/system/cpu/online)
	free=$(masks_of "$1" | grep -e ": $all$" -e ': 0-7$')
	[ -z "$free" ] || { echo "$1: thread $free"; return 1; }
	masks_of "$1" | grep -q 'CPU 0/TCG' || { echo "$1: its threads cannot be seen"; return 1; }
}

# ---- counting ----------------------------------------------------------------------------

remember() { # PHASE GUEST...
	local phase=$1 guest
	shift
	for guest; do
		masks_of "$guest" >"out/masks.$guest.$phase"
		memory_of "$guest" >"out/memory.$guest.$phase"
	done
	grep -E '^(pgmigrate|thp_migration|numa_pages_migrated)' /proc/vmstat >"out/vmstat.$phase"
}

# What left the nodes that it was on; guests that got all their memory at the start give none back.
moved_kib() { # PHASE GUEST...
	local phase=$1 guest
	shift
	for guest; do
		{ cat "out/memory.$guest.$phase"; echo; memory_of "$guest"; } |
			awk 'NR == 1 { split($0, was) }
				NR == 2 { for (i = 1; i <= NF; i++) if (was[i] > $i) sum += was[i] - $i }
				END { print sum + 0 }'
	done | awk '{ sum += $1 } END { print sum }'
}

# By the whole host, kernel and all; a page that went twice counts twice.
copied_kib() { # PHASE
	awk '$1 == "pgmigrate_success" { n = $2 - n } END { print n * 4 }' "out/vmstat.$1" /proc/vmstat
}

# Threads whose mask is not the one that it was.
changed_threads() { # PHASE GUEST...
	local phase=$1 guest
	shift
	for guest; do
		masks_of "$guest" | awk 'NR == FNR { was[$1] = $NF; next } $1 in was && was[$1] != $NF' \
			"out/masks.$guest.$phase" -
	done | wc -l
}

# QEMU allocates something for itself now and then, a few huge pages even, and frees it.
memory_stayed() { # PHASE GUEST...
	local kib
	kib=$(moved_kib "$@")
	((kib < 8 * 1024)) || { echo "$kib KiB left their nodes"; return 1; }
}

cycles() { # GUEST FIELD=VALUE: of the entries of the daemon that runs now
	journalctl -u kvmtuned "_PID=$(property MainPID)" "KVMTUNED_DOMAIN=$1" "$2" -o export |
		sed -n 's/^KVMTUNED_CYCLE=//p'
}

# From the last of them to appear to the last time that it was done.
ticks_until() { # ACTION GUEST...
	local action=$1 guest appeared=0 done=0 cycle
	shift
	for guest; do
		for cycle in $(cycles "$guest" KVMTUNED_ACTION=appear); do
			((cycle > appeared)) && appeared=$cycle
		done
		for cycle in $(cycles "$guest" "KVMTUNED_ACTION=$action"); do
			((cycle > done)) && done=$cycle
		done
	done
	((done > 0)) || { echo never; return; }
	echo $((done - appeared))
}

placed_within_ticks() { # TICKS GUEST...
	local limit=$1 ticks
	shift
	ticks=$(ticks_until pin "$@")
	[[ $ticks != never && $ticks -le $limit ]] || { echo "ticks until placed: $ticks"; return 1; }
}

row() { # WHAT TICKS KIB-COPIED ADMIN-PINS-CHANGED
	printf '%-44s %6s %10s %6s\n' "$@" >>out/placement.table
}
