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
# What it does: testrun.service unpacks the tar on the second disk, runs ./run-tests of
# it with its output on the second serial line, writes out/ as a tar on the third
# disk, with the exit status in out/rc, and powers off.
set -eu

cache=${1:-${KVMTUNED_VM_CACHE:-/var/cache/kvmtuned-vm}}
here=$(cd "$(dirname "$0")" && pwd)
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
packages=(systemd systemd-sysv dbus udev kmod procps numactl numad
	libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86
	libvirt0 libhwloc15 libevent-2.1-7 libevent-core-2.1-7 libevent-extra-2.1-7 libevent-pthreads-2.1-7
	libinih1 libnuma1 libsystemd0 libjson-c5 libxml2 libsmartcols1 libcurl3-gnutls)
# Without these it boots in half the time.
no_units=(getty.target getty@.service serial-getty@.service console-getty.service
	systemd-logind.service systemd-user-sessions.service nss-user-lookup.target remote-fs.target swap.target
	libvirt-guests.service systemd-timesyncd.service systemd-update-utmp{,-runlevel}.service
	systemd-{random-seed,hwdb-update,pstore,binfmt,firstboot,sysusers,repart,boot-system-token}.service
	systemd-{machine-id-commit,network-generator,update-done,journal-catalog-update}.service
	systemd-ask-password-{wall,console}.path systemd-tmpfiles-clean.timer ldconfig.service
	e2scrub_reap.service e2scrub_all.timer apt-daily{,-upgrade}.timer dpkg-db-backup.timer fstrim.timer
	proc-sys-fs-binfmt_misc.automount sys-kernel-{debug,tracing,config}.mount dev-mqueue.mount
	sys-fs-fuse-connections.mount modprobe@{configfs,drm,efi_pstore,fuse,dm_mod,loop}.service)
no_rules=(60-{persistent-storage,persistent-storage-tape,persistent-v4l,persistent-input,persistent-alsa}
	60-{sensor,evdev,serial,block,fido-id,cdrom_id,autosuspend,input-id} 64-btrfs
	70-{camera,joystick,mouse,power-switch,touchpad,uaccess} 71-seat 73-seat-late
	75-{net-description,probe_mtd} 78-sound-card 80-{net-setup-link,drivers})

die() { # STATUS WHAT
	echo "image: $2" >&2
	exit "$1"
}

key() {
	local kernel
	kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
	[ -n "$kernel" ] || die 1 'no cloud kernel in /boot'
	{
		echo "$suite $kernel"
		qemu-system-x86_64 --version
		cat "$here/image.sh" "$here/boot.sh"
	} | sha256sum | cut -c 1-16
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

install_packages() { # ROOT
	local files include
	mapfile -t files < <(sources)
	[ ${#files[@]} -gt 0 ] || die 1 "apt has no source for $suite"
	apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$work/apt.conf" || :
	include=$(IFS=, && echo "${packages[*]}")
	mmdebstrap --mode=root --format=directory --variant=minbase --include="$include" \
		--aptopt="$work/apt.conf" --aptopt='APT::Install-Recommends "false"' \
		--aptopt='Acquire::Languages "none"' --dpkgopt='force-unsafe-io' \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/iso-codes/*' \
		"$suite" "$1" "${files[@]}" >"$work/log" 2>&1 && return
	grep -qE 'Temporary failure resolving|Could not (resolve|connect)|Connection (failed|timed out|refused)' \
		"$work/log" && die 77 'no package source answers'
	tail -n 20 "$work/log" >&2
	die 1 'mmdebstrap failed'
}

settle() { # ROOT: what a compute node has, and a quick boot
	local name etc=$1/etc
	echo numahost >"$etc/hostname"
	echo '127.0.0.1 localhost numahost' >"$etc/hosts"
	echo 0123456789abcdef0123456789abcdef >"$etc/machine-id" # empty would mean: first boot
	: >"$etc/fstab"
	for name in "${no_units[@]}"; do ln -sf /dev/null "$etc/systemd/system/$name"; done
	for name in "${no_rules[@]}"; do ln -sf /dev/null "$etc/udev/rules.d/$name.rules"; done
	rm -f "$etc/systemd/system/multi-user.target.wants/numad.service"
	cat >>"$etc/libvirt/qemu.conf" <<-'END'
		user = "root"
		group = "root"
		security_driver = "none"
		namespaces = []
		seccomp_sandbox = 0
		stdio_handler = "file"
	END
}

runner() { # ROOT
	cat >"$1/usr/local/sbin/testrun" <<-'END'
		#!/bin/bash
		stty -F /dev/ttyS1 -opost && exec >/dev/ttyS1 2>&1
		mkdir -p /run/t/out && cd /run/t
		rc=127
		tar -xf /dev/nvme0n2 && ./run-tests && rc=0 || rc=$?
		echo $rc >out/rc
		tar -cf /dev/nvme0n3 out && blockdev --flushbufs /dev/nvme0n3
		sync
		echo u >/proc/sysrq-trigger # the image may be kept: leave it clean
		systemctl poweroff -ff
	END
	chmod +x "$1/usr/local/sbin/testrun"
	cat >"$1/etc/systemd/system/testrun.service" <<-'END'
		[Unit]
		Wants=libvirtd.service
		After=libvirtd.service dbus.service
		[Service]
		Type=exec
		ExecStart=/usr/local/sbin/testrun
	END
	ln -sf ../testrun.service "$1/etc/systemd/system/multi-user.target.wants/testrun.service"
	# The emulator of guests that are called nodeN-something: memory from node N,
	# without a word of it in their XML.
	cat >"$1/usr/local/bin/qemu-on-node" <<-'END'
		#!/bin/bash
		[[ $* =~ guest=node([0-9]) ]] && node=(numactl --preferred="${BASH_REMATCH[1]}")
		exec "${node[@]}" /usr/bin/qemu-system-x86_64 "$@"
	END
	chmod +x "$1/usr/local/bin/qemu-on-node"
}

# libvirt asks each emulator what it can, which takes 12 s in there, and remembers.
remember_capabilities() { # IMAGE
	printf '#!/bin/sh\nvirsh domcapabilities --emulatorbin /usr/local/bin/qemu-on-node\n' >"$work/run-tests"
	chmod +x "$work/run-tests"
	tar -C "$work" -cf "$work/in" run-tests
	truncate -s %1M "$work/in"
	truncate -s 1M "$work/out"
	timeout --foreground 300 "$here/boot.sh" --keep "$1" "$work/in" "$work/out" "$work/console" </dev/null >"$work/log"
	[ "$(tar -xOf "$work/out" out/rc)" = 0 ] || { tail "$work/console" "$work/log" >&2; die 1 'its first boot failed'; }
	e2fsck -fp "$1" >"$work/log" || [ $? = 1 ] || { cat "$work/log" >&2; die 1 'its first boot spoilt it'; }
}

build() { # IMAGE
	echo 'image: building the NUMA host, some two minutes' >&2
	install_packages "$work/root"
	settle "$work/root"
	runner "$work/root"
	mke2fs -q -F -t ext4 -O ^has_journal,^resize_inode -m 0 -N 40000 -d "$work/root" "$work/image" 1000M >"$work/log"
	remember_capabilities "$work/image"
	mv "$work/image" "$1"
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
image=$cache/numahost-$(key).ext4
if [ ! -e "$image" ]; then
	[ "$EUID" = 0 ] || die 1 'building it needs root'
	rm -rf "$cache"/numahost-*
	work=$(mktemp -d "$cache/numahost-new.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	build "$image"
fi
echo "$image"
