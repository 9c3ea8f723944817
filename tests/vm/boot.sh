#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is the NUMA host of the vm tier made of?
#
#   boot.sh [--keep] ROOT IN OUT CONSOLE
#
# becomes the QEMU that boots it: four nodes of two CPUs, distances 10 and 20.  ROOT
# is an image made by image.sh, thrown back to what it was unless --keep; IN a tar for
# its runner; OUT a file for the tar that comes back; CONSOLE gets the kernel's
# messages, and what the tests print comes out on stdout.
#
# Emulated even where there is a /dev/kvm: nested, such a kernel may hang at boot.
# NVMe and ext4 are built into Debian's cloud kernel, so there is no initramfs.  One
# controller with three namespaces, because several may come up in any order.
set -eu

snapshot=on
if [ "$1" = --keep ]; then
	snapshot=off
	shift
fi
nodes=4 cpus_per_node=2 node_mib=1024
kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)

machine=(-machine 'q35' -accel 'tcg,thread=multi' -cpu 'max,la57=off'
	-m "$((nodes * node_mib))M"
	-smp "$((nodes * cpus_per_node)),sockets=$nodes,cores=$cpus_per_node,threads=1")
for ((n = 0; n < nodes; n++)); do
	first=$((n * cpus_per_node))
	machine+=(-object "memory-backend-ram,id=mem$n,size=${node_mib}M"
		-numa "node,nodeid=$n,memdev=mem$n,cpus=$first-$((first + cpus_per_node - 1))")
done
for ((n = 0; n < nodes * nodes; n++)); do
	[ $((n / nodes)) = $((n % nodes)) ] ||
		machine+=(-numa "dist,src=$((n / nodes)),dst=$((n % nodes)),val=20")
done

disks=(-device 'nvme,id=nvme,serial=vm')
disk() { # NUMBER FILE SNAPSHOT
	disks+=(-drive "id=d$1,file=$2,snapshot=$3,format=raw,if=none,cache=unsafe,file.locking=off"
		-device "nvme-ns,bus=nvme,drive=d$1,nsid=$1")
}
disk 1 "$1" $snapshot
disk 2 "$2" off
disk 3 "$3" off

# Waiting for nothing, checking nothing: half of the time that booting takes.
quick='quiet systemd.show_status=0 mitigations=off audit=0 apparmor=0 nokaslr nowatchdog no_timer_check
	tsc=reliable cryptomgr.notests'
exec qemu-system-x86_64 "${machine[@]}" "${disks[@]}" \
	-nodefaults -no-user-config -display none -no-reboot \
	-serial "file:$4" -serial stdio \
	-kernel "$kernel" -append "console=ttyS0 root=/dev/nvme0n1 rw panic=-1 psi=1 $quick"
