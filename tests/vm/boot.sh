#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What is the NUMA host of the vm tier made of?
#
#   boot.sh ROOT IN OUT SWAP CONSOLE
#
# becomes the QEMU that boots it: four nodes of two CPUs, distances 10 and 20.  ROOT
# is an image made by image.sh and stays as it is; IN a tar for its runner; OUT a file
# for the tar that comes back; SWAP an empty disk, /dev/nvme0n4; CONSOLE gets the
# kernel's messages.  What the tests print comes out on stdout.
set -eu

nodes=4 cpus_per_node=2 node_mib=1024
kernel=$(find /boot -name 'vmlinuz-*-cloud-amd64' | sort -V | tail -n 1)
[ -n "$kernel" ] || { echo 'boot: no cloud kernel in /boot' >&2; exit 1; }

# Emulated even where there is a /dev/kvm: nested, such a kernel may hang at boot.
# Not for this machine's ksmd, which other tests look at meanwhile.
# shellcheck disable=SC2054 # commas of QEMU
machine=(-machine q35,mem-merge=off -accel 'tcg,thread=multi' -cpu 'max,la57=off' -m "$((nodes * node_mib))M"
	-smp "$((nodes * cpus_per_node)),sockets=$nodes,cores=$cpus_per_node,threads=1")
for ((i = 0; i < nodes; i++)); do
	cpu=$((i * cpus_per_node))
	machine+=(-object "memory-backend-ram,id=mem$i,size=${node_mib}M,merge=off"
		-numa "node,nodeid=$i,memdev=mem$i,cpus=$cpu-$((cpu + cpus_per_node - 1))")
	for ((j = 0; j < i; j++)); do
		machine+=(-numa "dist,src=$i,dst=$j,val=20" -numa "dist,src=$j,dst=$i,val=20")
	done
done

# NVMe and ext4 are built into this kernel: no initramfs and no modules.  One
# controller with four namespaces, because several may come up in any order.
machine+=(-device 'nvme,id=nvme,serial=vm')
disk() { # NUMBER FILE SNAPSHOT
	machine+=(-drive "id=d$1,file=$2,snapshot=$3,format=raw,if=none,cache=unsafe,file.locking=off"
		-device "nvme-ns,bus=nvme,drive=d$1,nsid=$1")
}
disk 1 "$1" on
disk 2 "$2" off
disk 3 "$3" off
disk 4 "$4" off

quick='quiet systemd.show_status=auto mitigations=off nokaslr nowatchdog no_timer_check tsc=reliable'
exec qemu-system-x86_64 "${machine[@]}" -nodefaults -no-user-config -display none \
	-serial "file:$5" -serial stdio -kernel "$kernel" \
	-append "console=ttyS0 root=/dev/nvme0n1 rw panic=0 psi=1 apparmor=0 $quick"
