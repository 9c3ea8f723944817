# SPDX-License-Identifier: GPL-2.0-or-later
# What presses the host's memory, whose memory is cold, and what has become of it?
#
# Sourced after common.sh.  Guests run the boot sector of tests/guests/sleeper.S: their memory is
# touched page by page, then idle until a key is pressed.  The hog's memory cannot be
# swapped and its cgroup is bounded: what gives way is somebody else's.

hog_max_mib=3072

configure() { # LINE... of [memory]
	printf '%s\n' '[daemon]' 'log_level = debug' '[ksm]' 'policy = off' '[placement]' 'mode = off' \
		'[memory]' "$@" >$conf
}

# ---- guests ------------------------------------------------------------------------

sleeper_disk() { # GUEST MIB [awake]
	local file=/run/t/$1.disk end awake='\x00'
	printf -v end '%08x' $(($2 << 20))
	[ "${3:-}" != awake ] || awake='\x01'
	{
		head -c 4 sleeper
		printf "\\x${end:6:2}\\x${end:4:2}\\x${end:2:2}\\x${end:0:2}$awake"
		tail -c +10 sleeper
		head -c 64K /dev/zero
	} >"$file"
	echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/>" \
		"<source file='$file'/><target dev='hda' bus='ide'/></disk>"
}

start_sleeper() { # NAME MIB [awake]
	allocation=ondemand start_guest "$1" 1 "$2" '' "$(sleeper_disk "$@")"
}

wake() { # GUEST
	virsh -q send-key "$1" KEY_A
}

# In a file: checks run in shells of their own.
find_groups() { # GUEST...
	local guest group
	mkdir -p /run/t/group
	for guest; do
		group=$(cut -d : -f 3 "/proc/$(pid_of "$guest")/cgroup")
		ln -sfn "/sys/fs/cgroup${group%/libvirt/*}/libvirt" "/run/t/group/$guest"
	done
}

kib_of() { # GUEST current|swap.current
	echo $(($(<"/run/t/group/$1/memory.$2") / 1024))
}

stat_of() { # GUEST FIELD of memory.stat
	local name value
	while read -r name value; do
		[ "$name" != "$2" ] || echo "$value"
	done <"/run/t/group/$1/memory.stat"
}

limit_of() { # GUEST: "max" or bytes
	cat "/run/t/group/$1/memory.high"
}

touched() { # MIB GUEST...
	local mib=$1 guest kib
	shift
	for guest; do
		kib=$(kib_of "$guest" current)
		((kib >= mib * 1024)) || { echo "$guest has touched $kib KiB"; return 1; }
	done
}

swapped() { # KIB GUEST
	local kib
	kib=$(kib_of "$2" swap.current)
	((kib >= $1)) || { echo "$2: $kib KiB are swapped out"; return 1; }
}

# ---- the hog -----------------------------------------------------------------------

start_hog() {
	mkfifo /run/t/hog
	cat >/run/t/hog.pl <<-'END'
		$| = 1;
		open ORDERS, "+<", "/run/t/hog"; # has no end
		while (<ORDERS>) {
			splice @held, $_ if @held > $_;
			push @held, "\x01" x 1048576 while @held < $_;
			print;
		}
	END
	systemd-run -q --unit=hog -p MemoryMax=${hog_max_mib}M -p MemorySwapMax=0 \
		-p StandardOutput=file:/run/t/hog.said -E MALLOC_MMAP_THRESHOLD_=65536 \
		perl /run/t/hog.pl
}

hog_has() { # MIB
	[ "$(tail -n 1 /run/t/hog.said)" = "$1" ] || { echo 'the hog is slow'; return 1; }
}

hog() { # MIB that it holds
	echo "$1" >/run/t/hog
	within 100 hog_has "$1"
}

meminfo() { # NAME
	local name value
	while read -r name value _; do
		[ "$name" != "$1:" ] || echo "$value"
	done </proc/meminfo
}

# Leaves the host with so much available; what starts and settles meanwhile is made up for.
press() { # PERMILLE
	local held total more i
	total=$(meminfo MemTotal)
	for ((i = 0; i < 5; i++)); do
		held=$(tail -n 1 /run/t/hog.said)
		more=$((($(meminfo MemAvailable) - total * $1 / 1000) / 1024))
		((i == 0 || more > 8)) || return 0
		hog $((${held:-0} + more)) || return
	done
}

ease() {
	hog 0
}
