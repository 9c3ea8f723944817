# SPDX-License-Identifier: GPL-2.0-or-later
# What becomes of the service where something is missing?
#
# Sourced after common.sh by scenario-sandbox.  Everywhere: its state says what it is, nobody
# starts it again and again, and what needs nothing of that works.

tree=/run/t/container

# ---- the state of the service ------------------------------------------------------------

status_has() { # PATTERN: the line of `systemctl status`
	[[ $(property StatusText) == *$1* ]] || { echo "status: $(property StatusText)"; return 1; }
}

stays_up() {
	local state
	state="$(property ActiveState) $(property NRestarts)"
	[ "$state" = 'active 0' ] || { echo "$state restarts"; return 1; }
}

never_restarted() {
	local n
	n=$(journalctl -q -b -u kvmtuned -o cat | grep -c 'Scheduled restart job')
	((n == 0)) || { echo "$n times"; return 1; }
}

# With the status that systemctl shows, and once.
is_refused() { # EXIT-STATUS PATTERN-IN-SYSTEMCTL-STATUS
	local state
	! systemctl start kvmtuned 2>/dev/null || { echo 'it starts'; return 1; }
	state="$(property ActiveState) $(property ExecMainStatus) $(property NRestarts)"
	[ "$state" = "failed $1 0" ] || { echo "$state restarts"; return 1; }
	systemctl status kvmtuned >out/status.refused
	grep -qE "$2" out/status.refused || { echo "systemctl status has no '$2'"; return 1; }
	systemctl reset-failed kvmtuned
}

# ---- neither libvirt nor KSM ---------------------------------------------------------------

libvirt_units=({libvirtd,virtqemud}.{service,socket} {libvirtd,virtqemud}-{ro,admin}.socket)

libvirt_goes() {
	systemctl stop "${libvirt_units[@]}" 2>/dev/null
	systemctl mask -q --runtime "${libvirt_units[@]}"
	! virsh list >/dev/null 2>&1 || { echo 'it answers'; return 1; }
}

libvirt_comes() {
	systemctl unmask -q --runtime "${libvirt_units[@]}" && systemctl start libvirtd.service
}

says_what_it_lacks() {
	journalctl -q -u kvmtuned -o cat | grep -q 'missing: KSM in this kernel' ||
		{ echo 'the journal does not miss KSM'; return 1; }
	kvmtunectl status >out/status.poor
	grep -q '^  problem .*no connection to libvirt' out/status.poor ||
		{ echo 'kvmtunectl does not miss libvirt'; return 1; }
}

# ---- no room below /run ----------------------------------------------------------------------

fill_run_dir() {
	mkdir -p /run/kvmtuned
	mount -t tmpfs -o size=4k,nr_inodes=16 full /run/kvmtuned &&
		head -c 4096 /dev/zero >/run/kvmtuned/all
}

cannot_remember() {
	journalctl -q -u kvmtuned -o cat | grep -q 'the undo file cannot be written (No space left' ||
		{ echo 'the journal does not say so'; return 1; }
	kvmtunectl status | grep -q '^  problem .*undo file' || { echo 'kvmtunectl status does not say so'; return 1; }
}

# ---- the configuration -----------------------------------------------------------------------

break_configuration() {
	printf '%s\n' '[ksm]' 'mode = sometimes' >/etc/kvmtuned.conf.d/broken.conf
}

hide_configuration() {
	ln -sfn /nowhere /etc/kvmtuned.conf.d/broken.conf
}

mend_configuration() {
	rm -f /etc/kvmtuned.conf.d/broken.conf
}

# ---- a container -------------------------------------------------------------------------------

# The system of the host in a tree of its own, with one thing to do: the same package.
make_container() {
	mkdir -p $tree/{usr,var/lib,run,tmp,proc,sys,dev,root} && mount --bind /usr $tree/usr || return
	ln -s usr/{bin,sbin,lib,lib64} $tree && cp -a /etc $tree && cp -a /var/lib/dpkg $tree/var/lib || return
	cp kvmtuned.deb $tree/root
	: >$tree/etc/kvmtuned.conf.d/vm.conf
	cat >$tree/etc/systemd/system/inside.service <<-'END'
		[Unit]
		SuccessAction=exit-force
		FailureAction=exit-force
		[Service]
		Type=oneshot
		ExecStart=/root/inside
	END
	cat >$tree/root/inside <<-'END'
		#!/bin/bash
		cd /root
		dpkg -i kvmtuned.deb >dpkg 2>&1
		echo $? >dpkg.rc
		systemctl start kvmtuned >start 2>&1
		echo $? >start.rc
		systemctl show -p ActiveState,ConditionResult,NRestarts kvmtuned | paste -sd ' ' >state
		systemctl status kvmtuned >status
		kvmtuned --foreground --once --dry-run >by-hand 2>&1
		echo $? >by-hand.rc
	END
	chmod +x $tree/root/inside
}

boot_container() {
	timeout 300 systemd-nspawn --quiet --boot --register=no --directory=$tree \
		systemd.unit=inside.service >out/container.log 2>&1
	cp $tree/root/* out/ && [ -s $tree/root/by-hand.rc ] || { echo 'it has not come to the end'; return 1; }
}

inside_has() { # FILE PATTERN
	grep -qE "$2" "$tree/root/$1" || { echo "$1: $(tail -n 1 "$tree/root/$1")"; return 1; }
}

# ---- the story -----------------------------------------------------------------------------------

poor_hosts() {
	check no-libvirt libvirt_goes
	check no-ksm mount -t tmpfs none /sys/kernel/mm
	check poor-starts systemctl enable --now kvmtuned
	check poor-says-what-it-lacks within 10 says_what_it_lacks
	check poor-status within 10 status_has 'libvirt not connected; problems: '
	check poor-stays-up stays_up
	umount /sys/kernel/mm
	check libvirt-comes libvirt_comes
	check libvirt-is-found within 60 status_has 'libvirt connected'
	check libvirt-no-restart stays_up
	check poor-stops service_stops

	break_configuration
	check broken-configuration is_refused 78 'broken.conf:2: .*sometimes.*allowed'
	hide_configuration
	check unreadable-configuration is_refused 78 'broken.conf: cannot be read'
	mend_configuration
}

no_room() { # GUEST
	check no-room fill_run_dir
	check no-room-starts systemctl start kvmtuned
	check no-room-is-told within 30 cannot_remember
	check no-room-nothing-pinned threads_are_free "$1"
	check no-room-stays-up stays_up
	check no-room-stops systemctl stop kvmtuned
	check room-again umount /run/kvmtuned
}

container() {
	check container-tree make_container
	check container-boots boot_container
	check container-installs inside_has dpkg.rc '^0$'
	check container-start-is-no-failure inside_has start.rc '^0$'
	check container-is-skipped inside_has state 'ConditionResult=no'
	check container-stays-inactive inside_has state 'ActiveState=inactive'
	check container-says-why inside_has status 'ConditionVirtualization=!container'
	check container-by-hand inside_has by-hand 'guests-unknown|no connection to libvirt'
}
