# SPDX-License-Identifier: GPL-2.0-or-later
# What must be as it was whenever kvmtuned is stopped, and what may happen to it before?
#
# Sourced after common.sh.  Everything that kvmtuned can change of a host and its guests is in
# force: KSM, pins, limits and numa_balancing, whose originals are none of the defaults.

dropin=/run/systemd/system/kvmtuned.service.d/vm.conf

# A QEMU that has far more memory than its guest is limited at once, without a hog.
configure() { # PAGES that KSM scans at a time
	printf '%s\n' '[daemon]' 'interval_s = 1' \
		'[ksm]' 'policy = ksmtuned' 'interval_s = 1' 'free_target_percent = 100' \
		"min_pages = ${1:-10}" "max_pages = ${1:-10}" \
		'[placement]' 'memory = leave' 'numa_balancing = off' 'node_reserve_mib = 64' \
		'[memory]' 'runaway = limit' 'overhead_mib = 0' >$conf
}

# Crashes are wanted here, and no pause after them; numa_balancing takes what kvmtuned.conf(5) says.
override() { # LINE... of [Service]
	mkdir -p "${dropin%/*}"
	printf '%s\n' '[Unit]' 'StartLimitIntervalSec=0' '[Service]' 'RestartSec=100ms' \
		'ReadWritePaths=-/proc/sys/kernel/numa_balancing' 'CapabilityBoundingSet=CAP_SYS_ADMIN' "$@" >$dropin
	systemctl daemon-reload
}

# ---- originals -----------------------------------------------------------------------

set_host_originals() {
	echo 0 >/sys/kernel/mm/ksm/run
	echo 77 >/sys/kernel/mm/ksm/pages_to_scan
	echo 33 >/sys/kernel/mm/ksm/sleep_millisecs
	echo 1 >/proc/sys/kernel/numa_balancing
}

host_values() {
	find /sys/kernel/mm/ksm /proc/sys/kernel/numa_balancing -type f -perm -u+w -exec grep -H . {} + | sort
}

# What of a guest's live XML can be kvmtuned's.
settings_of() { # GUEST
	virsh dumpxml "$1" | grep -E 'kvmtuned|soft_limit|vcpupin|emulatorpin|iothreadpin'
}

memory_high_of() { # GUEST: "max" or bytes
	local group
	group=$(cut -d : -f 3 "/proc/$(pid_of "$1")/cgroup")
	cat "/sys/fs/cgroup${group%/libvirt/*}/libvirt/memory.high"
}

remember_guest() { # GUEST
	masks_of "$1" >"out/masks.$1.before"
	settings_of "$1" >"out/settings.$1.before"
}

# Of one that starts while kvmtuned runs, and that nobody pins.
expect_guest() { # GUEST
	echo "0 main: $all_cpus" >"out/masks.$1.before"
	: >"out/settings.$1.before"
}

host_is_original() {
	diff out/host.before <(host_values)
}

guest_is_original() { # GUEST
	masks_are_those_in "out/masks.$1.before" "$1" || return
	[ "$(memory_high_of "$1")" = max ] || { echo "$1: memory.high is $(memory_high_of "$1")"; return 1; }
	diff "out/settings.$1.before" <(settings_of "$1")
}

running_guests() {
	virsh list --name | grep .
}

all_is_original() {
	local guest
	host_is_original || return
	for guest in $(running_guests); do guest_is_original "$guest" || return; done
}

# ---- what is in force ----------------------------------------------------------------------

leaky_is_limited() {
	[ "$(memory_high_of leaky)" != max ] || { echo 'leaky has no limit'; return 1; }
}

host_is_changed() {
	grep -qx '/sys/kernel/mm/ksm/run:1' <(host_values) || { echo 'KSM does not scan'; return 1; }
	grep -qx '/proc/sys/kernel/numa_balancing:0' <(host_values) || { echo 'numa_balancing is on'; return 1; }
}

all_is_in_force() {
	host_is_changed && threads_are_home stays && leaky_is_limited
}

# ---- cycles ---------------------------------------------------------------------------

passers=(passer0 passer1 passer2)
declare -A passing=() # the process that starts or destroys it

toggle_guest() { # GUEST NODE
	if [ -e "/run/libvirt/qemu/$1.pid" ]; then
		virsh -q destroy "$1"
	else
		start_guest "$1" 1 32 "--preferred=$2"
	fi
}

guest_comes_or_goes() {
	local guest=${passers[RANDOM % ${#passers[@]}]} node=$((RANDOM % 4))
	[ -z "${passing[$guest]:-}" ] || wait "${passing[$guest]}" || return
	toggle_guest "$guest" $node >>out/passers 2>&1 &
	passing[$guest]=$!
}

guests_settle() {
	local guest
	for guest in "${!passing[@]}"; do
		wait "${passing[$guest]}" || { echo "$guest does not start or end"; return 1; }
	done
	passing=()
}

has_new_process() { # PID
	local pid
	pid=$(property MainPID)
	[[ $pid != 0 && $pid != "$1" ]] || { echo "its process is $pid, it was $1"; return 1; }
}

# It may not yet be ready when the next cycle comes.
kill_it() {
	local pid
	pid=$(property MainPID)
	kill -KILL "$pid" && within 20 has_new_process "$pid"
}

is_restored() {
	within 60 [ ! -e /run/kvmtuned/undo ] || { echo 'kvmtuned-restore.service did not restore'; return 1; }
}

# Where libvirt starts guests as slowly as an emulated one may, the daemon does not wait for it
# for ever: it fails; and one that was killed may not have begun again, so that a signal (CLD_KILLED)
# is what ended the last.  Then kvmtuned-restore.service has to do it.
stops_or_is_restored() {
	service_stops && return
	[[ $(property Result) = exit-code || $(property ExecMainCode) = 2 ]] || return
	echo late >>out/undone
	guests_settle && is_restored && systemctl reset-failed kvmtuned
}

# ---- stops that no kvmtuned sees --------------------------------------------------------

is_waiting() {
	[ "$(property SubState)" = auto-restart ] || { echo "it is $(property SubState)"; return 1; }
}

# While systemd waits to start it again.
is_restored_when_stopped_after_crash() {
	override RestartSec=1h
	kill -KILL "$(property MainPID)" && within 20 is_waiting && systemctl stop kvmtuned && is_restored
}

# SIGTERM comes before it is held, as sleep never does.
is_restored_when_stopped_before_main() {
	local pid
	pid=$(property MainPID)
	override ExecStart= 'ExecStart=/bin/sleep infinity'
	kill -KILL "$pid" && within 20 has_new_process "$pid" && systemctl stop kvmtuned && is_restored
}

# Stopped in the middle of whatever it did: the guests come to rest after it.
stop_it() { # N
	! all_is_in_force >/dev/null || echo "$1" >>out/undone
	stops_or_is_restored && guests_settle && all_is_original || return
	systemctl start kvmtuned
}

cycle() { # WHAT N
	case $1 in
	kill) kill_it ;;
	restart) systemctl restart kvmtuned ;;
	stop) stop_it "$2" ;;
	esac
}

survives_cycles() { # N SEED
	local n what whats=(kill kill restart stop stop) said
	RANDOM=$2
	: >out/undone
	for ((n = 1; n <= $1; n++)); do
		what=${whats[RANDOM % ${#whats[@]}]}
		guest_comes_or_goes || { echo "cycle $n, seed $2: a guest does not start or end"; return 1; }
		sleep "0.$((RANDOM % 10))"
		echo "cycle $n: $what at $SECONDS s, with $(running_guests | tr '\n' ' ')" >>out/cycles
		cycle $what $n >out/cycle 2>&1 ||
			{ echo "cycle $n ($what), seed $2: $(tail -n 1 out/cycle)"; return 1; }
	done
	guests_settle
}
