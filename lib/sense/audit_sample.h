/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the audit looks at, beyond what the loops sample: facts that change rarely and are read
 * when somebody asks.  No opinion here: rules are in policy/audit.h. */
#ifndef KT_AUDIT_SAMPLE_H
#define KT_AUDIT_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpumask.h"
#include "limits.h"

enum fact_state {
	FACT_ABSENT,  /* the host has no such thing: rules about it do not apply */
	FACT_UNKNOWN, /* it could not be read, or not understood; error says why */
	FACT_KNOWN,
};

struct fact {
	enum fact_state state;
	int error;      /* positive errno, with UNKNOWN */
	uint64_t value; /* with KNOWN */
};

enum {
	AUDIT_WORD = 32,
	AUDIT_OWNER = 96,
	AUDIT_DISKS_MAX = 64,
	AUDIT_IRQS_MAX = 1024,
	AUDIT_MASKS_MAX = 8
};

/* The chosen word of a file such as "always [madvise] never", or all of a one-word file. */
struct word_fact {
	enum fact_state state;
	int error;
	char word[AUDIT_WORD];
};

/* Values that somebody else may own. */
enum owned_value {
	OWNED_SWAPPINESS,
	OWNED_DIRTY_RATIO,
	OWNED_DIRTY_BACKGROUND_RATIO,
	OWNED_ZONE_RECLAIM,
	OWNED_NUMA_BALANCING,
	OWNED_THP_ENABLED,
	OWNED_THP_DEFRAG,
	OWNED_KHUGEPAGED_DEFRAG,
	OWNED_KHUGEPAGED_SCAN_SLEEP,
	OWNED_KSM,
	OWNED_GOVERNOR,
	OWNED_CSTATES,
	OWNED_BLOCK_SCHEDULER,
	OWNED_HALT_POLL,
	_OWNED_MAX,
};

/* Who sets a value, and to what: a file of sysctl.d or the active profile of tuned.  The one
 * that has the last word (tuned with reapply_sysctl: sysctl.d). */
struct owner {
	char who[AUDIT_OWNER]; /* "/etc/sysctl.d/10-x.conf", "tuned profile virtual-host"; "":
				  nobody */
	/* As written there, without the "%" of a share; "": it cannot be told, as it is a variable,
	 * has alternatives or is relative.  Then whatever is there may be his. */
	char value[AUDIT_WORD];
};

struct audit_disk {
	char name[AUDIT_WORD];      /* of /sys/block */
	char scheduler[AUDIT_WORD]; /* "": it has none to choose */
	bool is_nvme, is_rotational;
};

struct audit_irq {
	unsigned int number;
	char device[AUDIT_WORD]; /* action name as the kernel shows it, escaped; "": none */
	bool is_nic, is_nvme, is_managed;  /* managed: the kernel chooses, nobody may write */
	struct cpumask allowed, effective; /* effective is empty where the kernel does not tell */
};

struct audit_cpus {
	struct fact governors; /* CPUs that have one */
	struct fact
		not_performance; /* ... of another name than performance; first_governor is one's */
	char first_governor[AUDIT_WORD];
	struct fact cstate_limit_us;   /* /dev/cpu_dma_latency */
	struct fact deepest_cstate_us; /* that is not disabled */
	struct fact halt_poll_ns;
	struct fact ept, npt, nested; /* 0, 1 */
	struct cpumask isolated, nohz_full;
	struct fact isolation; /* how many CPUs are in either; UNKNOWN: a list was not understood */
};

struct audit_hugepages {
	struct fact total, free; /* of one node and size */
};

struct audit_host {
	struct fact swappiness, dirty_ratio, dirty_bytes, dirty_background_ratio,
		dirty_background_bytes, zone_reclaim_mode, numa_balancing;
	struct fact has_swap;
	struct word_fact thp_enabled, thp_defrag;
	struct fact khugepaged_defrag, khugepaged_scan_sleep_ms;
	struct fact ksm_run, ksm_pages_to_scan, ksm_sleep_ms, ksm_across_nodes, ksm_shared;
	struct word_fact ksm_advisor;
	struct audit_hugepages small[KT_NODES_MAX],
		large[KT_NODES_MAX]; /* 2 MiB, 1 GiB; by node id */
	struct fact mem_total_kib;
	struct audit_cpus cpus;
	struct fact has_vhost_net, has_kvm;
	double busy_share; /* of all CPUs since the audit before; < 0: not known */
	uint64_t busy_hz_total, all_hz_total; /* at that time, for the next */
	struct fact disks;                    /* UNKNOWN: not all could be read, or more than fit */
	size_t ndisks;
	struct audit_disk disk[AUDIT_DISKS_MAX];
	size_t nirqs;
	struct audit_irq irq[AUDIT_IRQS_MAX]; /* that somebody handles, by number */
	struct fact irqs;          /* UNKNOWN: /proc/irq could not be read, or has more than fit */
	struct cpumask irq_banned; /* irqbalance's IRQBALANCE_BANNED_CPULIST; empty: none */
	struct fact
		irq_bans; /* how many it bans; ABSENT: not configured; UNKNOWN: not understood */
	bool irqbalance_runs;
	char tuned_profile[AUDIT_WORD]; /* "": none active */
	/* One that it names, or is included, and does not exist; "": none. */
	char tuned_missing[AUDIT_WORD];
	/* Its isolated_cores as written, maybe with variables; "": none. */
	char tuned_isolated[AUDIT_OWNER];
	struct owner owner[_OWNED_MAX];
};

/* The active profile of tuned sets KSM; or its scripts end it, as those of profiles with
 * isolated_cores do, which no value tells. */
static inline bool audit_tuned_has_ksm(const struct audit_host *h)
{
	return h->owner[OWNED_KSM].who[0] || h->tuned_isolated[0];
}

/* ---- a guest, from its live XML ----------------------------------------------------------- */

/* So many of so many, and the first of the n by name.  What the XML leaves to libvirt or QEMU
 * is never among the n. */
struct count_fact {
	unsigned int n, of;
	char first[AUDIT_WORD]; /* escaped: a disk's target, a NIC's MAC, scsi0; "": no name */
};

enum guest_emulation { GUEST_KVM, GUEST_TCG, GUEST_OTHER };

struct audit_guest {
	bool known; /* its XML was read and understood */
	enum guest_emulation emulation;
	/* vCPUs */
	unsigned int max_vcpus, current_vcpus;
	char cpu_mode[AUDIT_WORD]; /* escaped; "": not given */
	/* "custom" is what libvirt makes of host-model while the guest runs; that of the
	 * persistent XML is taken instead.  True: there is none, nobody can tell. */
	bool cpu_mode_hidden;
	unsigned int sockets, dies, cores, threads; /* 0: no topology */
	/* Pins of the XML, ours too.  <vcpu cpuset> is that of all threads without one.  Of
	 * max_vcpus, plugged or not: those with a mask narrower than the host. */
	unsigned int npinned_vcpus;
	unsigned int nsingle_cpu_pins; /* ... with a mask of one CPU */
	struct cpumask pinned_cpus;    /* of all vCPU pins */
	bool has_emulator_pin, has_iothread_pin;
	struct cpumask emulator_cpus, iothread_cpus;
	size_t npin_masks;
	/* distinct ones of more than one CPU, of vCPUs, emulator and iothreads */
	struct cpumask pin_mask[AUDIT_MASKS_MAX];
	bool more_pin_masks; /* than fit */
	bool has_shares, has_quota;
	bool hint_dedicated, poll_control, has_l3_cache;
	bool uses_nested; /* vmx or svm: asked for by name, or passed through with all else */
	/* memory */
	uint64_t memory_kib, current_kib;
	bool has_numatune, numatune_strict, placement_auto;
	bool memnodes_strict; /* one at least */
	/* That the strict ones of <memory> and <memnode> name; 0: libvirt has chosen. */
	uint64_t strict_nodes;
	unsigned int nnuma_cells;
	bool hugepages, hugepages_1g, locked, nosharepages, memfd_or_file;
	uint64_t hard_limit_kib, soft_limit_kib, swap_hard_limit_kib; /* KT_UNLIMITED_KIB: none */
	bool has_balloon;
	/* disks: only device='disk' and not vhostuser */
	struct count_fact disk_cache;    /* another than none is asked for */
	struct count_fact disk_io;       /* neither native nor io_uring; of raw and block ones with
					    cache none */
	struct count_fact disk_bus;      /* neither virtio nor virtio-scsi */
	struct count_fact disk_iothread; /* no iothread of its own or its controller's; of
					    nvirtio_disks */
	struct count_fact disk_throttle; /* iotune */
	struct count_fact
		scsi_queues; /* another number than of vCPUs; of virtio-scsi controllers */
	unsigned int niothreads, nunused_iothreads;
	unsigned int nvirtio_disks; /* virtio and virtio-scsi */
	bool all_cache_none;        /* each disk asks for it */
	/* network: neither vhostuser nor hostdev */
	struct count_fact nic_model;    /* not virtio */
	struct count_fact nic_vhost;    /* driver qemu is asked for; of virtio ones with a tap */
	struct count_fact nic_queues;   /* fewer than min(vCPUs, 8), or more than vCPUs; of virtio
					   ones with a tap, and vhostuser */
	struct count_fact nic_throttle; /* bandwidth */
	unsigned int nhostdevs;         /* PCI devices, network functions among them */
	bool kvmclock_off, uses_hyperv_clock;
};

#endif
