/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How large the world may be.  Everything that comes from outside is bounded;
 * what does not fit is refused with a message, never cut. */
#ifndef KT_LIMITS_H
#define KT_LIMITS_H

/* Fuzzers have fewer: they begin each of millions of inputs with everything cleared. */
#ifndef KT_GUESTS
#define KT_GUESTS 1024
#endif

enum {
	KT_CPUS_MAX = 1024,
	KT_NODES_MAX = 64,   /* node ids are indices; ids are sparse on some machines */
	KT_CACHES_MAX = 256, /* last-level caches; hosts with more have one per node */
	KT_GUESTS_MAX = KT_GUESTS,
	KT_CELLS_MAX = 8,      /* virtual NUMA cells of a guest */
	KT_DEVICES_MAX = 8,    /* of a guest, that lie on a node */
	KT_DEVICE_MAX = 16,    /* "0000:3b:00.0", or the name of a network interface */
	KT_THREADS_MAX = 1024, /* per guest */
	KT_NAME_MAX = 256,     /* libvirt stops at 255 bytes where it names files by guests */
	KT_CPULIST_MAX = 4096, /* 1,024 CPUs as "0,2,4,...": 512 numbers of 4 digits and commas */
	KT_PATH_MAX = 768,
	KT_GUARANTEE_MIB_MAX = 1 << 30, /* 1 PiB: no machine has as much memory */
	/* The largest text read as a whole: /proc/stat of 1,024 CPUs, for each of which the
	 * kernel sets 128 bytes aside. */
	KT_FILE_MAX = 128 * 1024,
};

/* cgroup and libvirt both say "no limit" in their own ways; we say this. */
#define KT_UNLIMITED_KIB UINT64_MAX

#endif
