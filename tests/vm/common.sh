# SPDX-License-Identifier: GPL-2.0-or-later
# What does every scenario need to know about guests, the host and the service?
#
# Sourced in the NUMA host, in a folder with kvmtuned.deb.
#
# Which node a guest has its memory on comes from QEMU's memory policy, which no XML tells:
# kvmtuned leaves guests alone whose XML says where they belong.
set -u
export LC_ALL=C.UTF-8

emulator=/run/t/qemu-by-policy
conf=/etc/kvmtuned.conf.d/vm.conf
swap=/dev/nvme0n4
all_cpus=$(cat /sys/devices/system/cpu/online)
scenario=$(cat name)
failed=0

check() { # NAME COMMAND...: the last line that it prints is the reason
	local name=$1 said since=$SECONDS
	shift
	echo "$name" >out/check
	if said=$("$@" 2>&1); then
		echo "ok vm/$scenario/$name ($((SECONDS - since)) s)"
	else
		echo "not ok vm/$scenario/$name: ${said##*$'\n'}"
		# Elsewhere nothing is kept of this host but what it prints.
		journalctl -q -b -u kvmtuned -n 20 -o short-monotonic | cut -c 1-300 | sed 's/^/# /'
		failed=1
	fi
}

# Of a machine that has nothing else to do; three times as long before it counts as never.
within() { # SECONDS COMMAND...
	local said end=$((SECONDS + 3 * $1))
	shift
	until said=$("$@"); do
		((SECONDS < end)) || { echo "$said"; return 1; }
		sleep 0.5
	done
}

# What hangs is told before run.sh ends the host from outside, when nobody can ask it any more.
end_when_late() {
	sleep "$(($(<deadline) - $(date +%s)))"
	echo "not ok vm/$scenario/$(<out/check): no end in or after it; processes, jobs and journal:"
	{
		ps -N --ppid 2 -o pid,etimes,stat,wchan:20,args --forest
		systemctl list-jobs --no-pager
		journalctl -q -b -n 20 -o short-monotonic --no-pager
	} | cut -c 1-200 | sed 's/^/# /'
	kill $$
}
end_when_late &

# ---- guests ----------------------------------------------------------------------

make_emulator() {
	mkdir -p /run/t/policy
	cat >$emulator <<-'END'
		#!/bin/bash
		if [[ $* =~ guest=([^,]*) ]]; then
			file=/run/t/policy/${BASH_REMATCH[1]}
			read -ra policy <"$file"
			[ ! -e "$file.options" ] || set -- "$@" $(<"$file.options")
		fi
		[ -z "${policy:-}" ] || exec numactl "${policy[@]}" /usr/bin/qemu-system-x86_64 "$@"
		exec /usr/bin/qemu-system-x86_64 "$@"
	END
	chmod +x $emulator
}

guest_xml() { # NAME VCPUS MIB [XML of a device]
	cat <<-END
		<domain type='qemu'>
			<name>$1</name><vcpu ${cpuset:+cpuset='$cpuset'} current='$2'>${max_vcpus:-$2}</vcpu>
			<iothreads>1</iothreads><memory unit='MiB'>$3</memory>
			<memoryBacking><allocation mode='${allocation:-immediate}'/></memoryBacking>
			<os><type arch='x86_64' machine='pc'>hvm</type></os>
			<devices>
				<emulator>$emulator</emulator>
				<controller type='usb' model='none'/><memballoon model='none'/>${4:-}
			</devices>
		</domain>
	END
}

start_guest() { # NAME VCPUS MIB NUMACTL-OPTION [XML of a device]
	echo "$4" >"/run/t/policy/$1"
	virsh -k 0 create <(guest_xml "$1" "$2" "$3" "${5:-}")
}

all_of() { # PID...: each has to end well
	local pid
	for pid; do wait "$pid" || return; done
}

pid_of() { # GUEST
	cat "/run/libvirt/qemu/$1.pid"
}

memory_of() { # GUEST: KiB on each node
	local group
	group=$(cut -d : -f 3 "/proc/$(pid_of "$1")/cgroup")
	awk '$1 == "anon" {
		for (i = 2; i <= NF; i++) {
			split($i, part, "=")
			printf "%d ", part[2] / 1024
		}
	}' "/sys/fs/cgroup/${group%/libvirt/*}/libvirt/memory.numa_stat"
}

home_of() { # GUEST: the node with most of its memory
	memory_of "$1" | awk '{
		for (i = 1; i <= NF; i++)
			if ($i > most) { most = $i; node = i - 1 }
		print node
	}'
}

# Two processes for all threads: here each costs as much as a hundred elsewhere.
masks_of() { # GUEST: "thread name: CPUs" of each thread
	cat "/proc/$(pid_of "$1")"/task/*/status 2>/dev/null | awk -F '\t' '
		$1 == "Name:" { name = $2 }
		$1 == "Pid:" { thread = $2 }
		$1 == "Cpus_allowed_list:" { print thread " " name ": " $2 }'
}

cpus_of_node() { # NODE
	cat "/sys/devices/system/node/node$1/cpulist"
}

threads_are_on() { # GUEST CPUS
	local lost
	lost=$(masks_of "$1" | grep -v ": $2$")
	[ -z "$lost" ] || { echo "$1: thread $lost instead of $2"; return 1; }
	masks_of "$1" | grep -q 'CPU 0/TCG' || { echo "$1: its threads cannot be seen"; return 1; }
}

threads_are_home() { # GUEST
	threads_are_on "$1" "$(cpus_of_node "$(home_of "$1")")"
}

# A thread younger than the file had the mask of the main thread, the first line.
masks_are_those_in() { # FILE GUEST
	masks_of "$2" | awk 'NR == FNR { was[$1] = $NF; if (FNR == 1) main = $NF; next }
		{ want = $1 in was ? was[$1] : main }
		$NF != want { print "thread " $0 " instead of " want; wrong = 1 }
		END { if (!main || FNR < 4) { print "its threads cannot be seen"; wrong = 1 } exit wrong }' "$1" -
}

# ---- the host ----------------------------------------------------------------------

swap_on() {
	mkswap -q $swap && swapon $swap
}

ksm_values() {
	(cd /sys/kernel/mm/ksm && grep -H . run sleep_millisecs pages_to_scan merge_across_nodes)
}

unit_is() { # UNIT STATE
	local state
	state=$(systemctl is-active "$1")
	[ "$state" = "$2" ] || { echo "$1 is $state"; return 1; }
}

# ---- the service -------------------------------------------------------------------

# Not started: the scenario chooses when.
install_package() { # [ARGUMENT of configure]
	mkdir -p "${conf%/*}"
	configure "$@"
	printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d || return
	dpkg -i kvmtuned.deb && rm /usr/sbin/policy-rc.d && /usr/sbin/kvmtuned --test-config
}

property() { # NAME
	systemctl show --value -p "$1" kvmtuned
}

ticked_at() {
	property WatchdogTimestampMonotonic
}

has_ticked() { # TIME
	[ "$(ticked_at)" != "$1" ] || { echo 'it does not tick'; return 1; }
}

# For what must not happen: it had so many occasions.
ticks_pass() { # N
	local n
	for ((n = 0; n < $1; n++)); do within 60 has_ticked "$(ticked_at)" || return; done
}

service_stops() {
	systemctl stop kvmtuned || return
	local state
	state="$(property ActiveState) $(property Result)"
	[ "$state" = 'inactive success' ] || { echo "$state"; return 1; }
	[ ! -e /run/kvmtuned/undo ] || { echo 'the undo file is still there'; return 1; }
}

nothing_was_restored() {
	local restored
	restored=$(journalctl -q -u kvmtuned -o cat -n 1 KVMTUNED_ACTION=restore)
	[ -z "$restored" ] || { echo "$restored"; return 1; }
}

journal_says_why() { # GUEST
	local entry field cpus
	cpus=$(cat "/sys/devices/system/node/node$(home_of "$1")/cpulist")
	entry=$(journalctl -u kvmtuned -o export -n 1 \
		"KVMTUNED_DOMAIN=$1" KVMTUNED_ACTUATOR=placement "KVMTUNED_TO=$cpus")
	for field in MESSAGE_ID= KVMTUNED_ACTION= KVMTUNED_REASON=home-by-memory KVMTUNED_FROM=$all_cpus \
		"KVMTUNED_UUID=$(virsh domuuid "$1")"; do
		grep -q "^$field" <<<"$entry" || { echo "no entry with $field"; return 1; }
	done
}

catalog_explains() { # GUEST
	journalctl -u kvmtuned -x -n 1 KVMTUNED_DOMAIN="$1" KVMTUNED_REASON=home-by-memory |
		grep -q "Subject:.*$1" || { echo 'journalctl -x knows no text for it'; return 1; }
}

# The unit may not give anything away: the group has the socket because it is the daemon's own.
group_reads() {
	local modes said
	modes=$(cd /run/kvmtuned && stat -c '%a %U %G' . kvmtuned.sock undo | paste -sd ,)
	[ "$modes" = '750 root kvmtuned,660 root kvmtuned,600 root kvmtuned' ] || { echo "$modes"; return 1; }
	setpriv --reuid nobody --regid kvmtuned --clear-groups kvmtunectl status >out/status || return
	said=$(setpriv --reuid nobody --regid kvmtuned --clear-groups kvmtunectl pause 2>&1) &&
		{ echo 'it may pause everything'; return 1; }
	setpriv --reuid nobody --regid nogroup --clear-groups kvmtunectl status >/dev/null 2>&1 &&
		{ echo 'everybody may read'; return 1; }
	[ ! -e /run/kvmtuned/pauses ] || { echo "paused, and said: $said"; return 1; }
}

no_errors() {
	local first
	first=$(journalctl _COMM=kvmtuned -p err -o cat -n 1)
	[ -z "$first" ] || { echo "$first"; return 1; }
}

keep_journals() {
	journalctl -u kvmtuned -o short-monotonic >out/journal
	journalctl -u kvmtuned -o export >out/journal.export
	journalctl -b -o short-monotonic >out/journal.host
}
