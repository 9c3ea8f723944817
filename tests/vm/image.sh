#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where does the NUMA host of the vm tier come from?
#
#   image.sh [CACHEDIR]
#
# prints the path of its root file system, and builds it first when the cache has none
# made from the same parts: a Debian with systemd, libvirt, QEMU and the libraries of
# the daemon, from the machine's own package source.  The daemon is not in it.
# Root, for the owners of its files.  Exit 77: no package source answers.
#
# What it does: testrun.service unpacks the tar on the second disk, runs ./scenario of
# it with its output on the second serial line, writes out/ as a tar on the third
# disk, with the exit status in out/rc, and powers off.
#
# libvirt's answers about QEMU's capabilities are not in it: they take 1.6 s of each
# run, and booting the image once to remember them takes 12 s.
set -eu

cache=${1:-${KVMTUNED_VM_CACHE:-/var/cache/kvmtuned-vm}}
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=(systemd systemd-sysv systemd-container dbus udev procps numactl numad ksmtuned tuned
	libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86
	libvirt0 libhwloc15 libevent-2.1-7 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-pthreads-2.1-7
	libinih1 libnuma1 libsystemd0 libjson-c5 libxml2 libsmartcols1 libcurl3-gnutls)
# Nobody logs in and nothing is kept up to date: a second or two less to boot.
no_units=(getty.target {,serial-}getty@.service console-getty.service systemd-logind.service
	libvirt-guests.service systemd-timesyncd.service apt-daily{,-upgrade}.timer dpkg-db-backup.timer
	fstrim.timer e2scrub_all.timer e2scrub_reap.service)

die() { # STATUS WHAT
	echo "image: $2" >&2
	exit "$1"
}

# The files that name the distribution's own archive; others have foreign packages.
sources() {
	apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(SOURCESENTRY)' 'Identifier: Packages' |
		awk -v suite="$suite" '$2 == "main" && $1 ~ "^" suite "(-updates|-security)?$" {
			sub(/:[0-9]+$/, "", $3)
			if (!seen[$3]++)
				print $3
		}'
}

key() {
	{ mmdebstrap --version; echo "$suite"; cat "$0" "${sources[@]}"; } | sha256sum | cut -c 1-16
}

install_packages() { # ROOT
	apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$work/apt.conf" || :
	# Its mounts of /sys and /dev are its own: interrupted, it leaves them behind.
	unshare --mount mmdebstrap --mode=root --format=directory --variant=minbase \
		--include="$(IFS=, && echo "${packages[*]}")" \
		--aptopt="$work/apt.conf" --aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' --dpkgopt='force-unsafe-io' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/iso-codes/*' \
		"$suite" "$1" "${sources[@]}" >"$work/log" 2>&1 && return
	grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Connection (failed|timed out|refused)' \
		"$work/log" && die 77 'no package source answers'
	tail -n 20 "$work/log" >&2
	die 1 'mmdebstrap failed'
}

settle() { # ROOT
	local unit etc=$1/etc
	echo numahost >"$etc/hostname"
	echo '127.0.0.1 localhost numahost' >"$etc/hosts"
	echo 0123456789abcdef0123456789abcdef >"$etc/machine-id" # empty would mean: first boot
	: >"$etc/fstab"
	rm -rf "$1/var/log/journal" # so that the journal stays in memory
	rm -f "$etc/systemd/system/multi-user.target.wants"/{numad,ksm,ksmtuned,tuned}.service
	for unit in "${no_units[@]}"; do ln -sf /dev/null "$etc/systemd/system/$unit"; done
	cat >>"$etc/libvirt/qemu.conf" <<-'END'
		user = "root"
		group = "root"
		security_driver = "none"
		namespaces = []
		seccomp_sandbox = 0
		stdio_handler = "file"
	END
}

add_runner() { # ROOT
	cat >"$1/etc/systemd/system/testrun.service" <<-'END'
		[Unit]
		Wants=libvirtd.service
		After=libvirtd.service dbus.service
		[Service]
		Type=exec
		ExecStart=/usr/local/sbin/testrun
	END
	ln -s ../testrun.service "$1/etc/systemd/system/multi-user.target.wants/testrun.service"
	cat >"$1/usr/local/sbin/testrun" <<-'END'
		#!/bin/bash
		stty -F /dev/ttyS1 -opost && exec >/dev/ttyS1 2>&1
		mkdir -p /run/t/out && cd /run/t || exit
		tar -xf /dev/nvme0n2
		./scenario
		echo $? >out/rc
		tar -cf /dev/nvme0n3 out
		sync
		systemctl poweroff -ff >&/dev/null
	END
	chmod +x "$1/usr/local/sbin/testrun"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
mapfile -t sources < <(sources)
[ ${#sources[@]} -gt 0 ] || die 1 "apt has no source for $suite"
image=$cache/numahost-$(key).ext4
if [ ! -e "$image" ]; then
	[ "$EUID" = 0 ] || die 1 'building it needs root'
	echo 'image: building the NUMA host, some minutes' >&2
	rm -rf --one-file-system "$cache"/numahost-*
	work=$(mktemp -d "$cache/numahost-new.XXXXXX")
	trap 'rm -rf --one-file-system "$work"' EXIT
	install_packages "$work/root"
	settle "$work/root"
	add_runner "$work/root"
	mke2fs -q -F -t ext4 -O '^has_journal,^resize_inode' -m 0 -N 40000 \
		-d "$work/root" "$work/image" 1000M >"$work/log"
	mv "$work/image" "$image"
fi
echo "$image"
