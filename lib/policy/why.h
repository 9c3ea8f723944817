/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every reason there is: one stable kebab-case word each, the same in the journal,
 * in kvmtunectl and in the metrics.  Documented in kvmtuned(8). */
#ifndef KT_WHY_H
#define KT_WHY_H

/* clang-format off: one reason a line */
/* X(enum constant, word, sentence, what would change it) */
#define KT_WHY_LIST(X)                                                                             \
	X(WHY_NONE, "none", "no decision yet", "")                                                 \
	/* common */                                                                               \
	X(WHY_SWITCHED_OFF, "switched-off", "configuration or metadata switches this loop off",    \
	  "set the mode of the loop, or the guest's own word, to what you want")                   \
	X(WHY_PAUSED, "paused",                                                                    \
	  "the operator has paused it: nothing new is done until it is resumed",                   \
	  "end the pause with kvmtunectl resume, or wait until it is over")                        \
	X(WHY_RELEASED, "released", "the operator wants it left alone: everything is given back",  \
	  "take it back with kvmtunectl resume, or wait until the release is over")                \
	X(WHY_CEDED, "ceded", "somebody else changed the value; it is theirs now",                 \
	  "kvmtunectl reload, once nobody else sets the value any more")                           \
	X(WHY_GUEST_BUSY, "guest-busy", "migration, save or snapshot under way: hands off",        \
	  "when the migration, save or snapshot has ended")                                        \
	X(WHY_NOT_SAMPLED, "not-sampled", "the guest's process could not be read",                 \
	  "when its process can be read; the journal says what failed")                            \
	X(WHY_COOLING_DOWN, "cooling-down", "acted on recently; the effect is awaited first",      \
	  "when the cool-down is over")                                                            \
	X(WHY_ACTUATOR_OFF, "actuator-off", "the kernel or libvirt refused the last write",        \
	  "mend what the journal says was refused, then kvmtunectl reload")                        \
	X(WHY_STOPPING, "stopping", "kvmtuned stops, or was asked to give everything back",        \
	  "start kvmtuned again")                                                                  \
	X(WHY_GUEST_LOST, "guest-lost", "libvirt no longer knows it, but its process lives",       \
	  "restart libvirt's daemon so that it finds the guest again, or end its process")         \
	/* knobs of the host */                                                                    \
	X(WHY_AUDIT_RULE, "audit-rule", "a rule of the audit, which apply in [host] names",        \
	  "take the rule out of apply in [host]")                                                  \
	X(WHY_OWNED_ELSEWHERE, "owned-elsewhere",                                                  \
	  "sysctl.d or the active profile of tuned sets this value: it is theirs",                 \
	  "change the value there, or take it out of there; for KSM, set advisor in [ksm]")        \
	X(WHY_IRQBALANCE, "irqbalance",                                                            \
	  "irqbalance may use the guests' CPUs: it would take interrupts back there",              \
	  "name the guests' CPUs in IRQBALANCE_BANNED_CPULIST, no reserved ones, or stop it")      \
	X(WHY_NO_RESERVED_CPUS, "no-reserved-cpus",                                                \
	  "no CPU is reserved for the host: interrupts have nowhere to go",                        \
	  "set reserved_cpus in [placement]")                                                      \
	/* ksm */                                                                                  \
	X(WHY_NO_KSM, "no-ksm", "this kernel has no KSM", "boot a kernel with CONFIG_KSM")         \
	X(WHY_NO_MERGEABLE_GUEST, "no-mergeable-guest",                                            \
	  "no running guest has memory that KSM may merge",                                        \
	  "when a guest starts that can be merged; explain GUEST says what bars the others")       \
	X(WHY_MEMORY_SHORT, "memory-short", "available memory is below the target: scan faster",   \
	  "when more memory is available than free_target_percent of it")                          \
	X(WHY_MEMORY_COMMITTED, "memory-committed",                                                \
	  "guests could outgrow memory: keep scanning, slower",                                    \
	  "when the guests fit into memory beside the target, or memory becomes short")            \
	X(WHY_MEMORY_PLENTIFUL, "memory-plentiful",                                                \
	  "enough memory even if guests grow: KSM rests",                                          \
	  "when less memory is available; or set merge = always in [ksm]")                         \
	X(WHY_GUESTS_UNKNOWN, "guests-unknown",                                                    \
	  "libvirt has not listed the guests yet: only free memory decides",                       \
	  "when libvirt answers; look at systemctl status of its daemon if it does not")           \
	X(WHY_KERNEL_ADVISOR, "kernel-advisor",                                                    \
	  "the kernel's own KSM advisor is on and owns the scan rate",                             \
	  "set advisor = take-over in [ksm], or write none to /sys/kernel/mm/ksm/advisor_mode")    \
	X(WHY_MERGE_NEVER, "merge-never", "configuration says that nothing is to be merged",       \
	  "set merge = auto in [ksm]")                                                             \
	X(WHY_SETTLING, "settling",                                                                \
	  "guests have just come: their memory is looked at in a moment",                          \
	  "when no guest has come and none has filled memory for settle_s")                        \
	X(WHY_BURST, "burst", "memory that KSM has not seen yet: scan fast while it pays",         \
	  "when a full pass brings less than min_yield_mib for a second of CPU time")              \
	X(WHY_SWEEP, "sweep", "smart_scan is off for some passes: late duplicates merge too",      \
	  "when all memory has been seen")                                                         \
	X(WHY_CONVERGED, "converged", "what is left to merge is not worth more than a trickle",    \
	  "when guests come, grow or wake up, when memory gets dearer, or when a sweep is due")    \
	X(WHY_NO_ROOM, "no-room", "all that is merged would not fit into memory unmerged",         \
	  "when more memory is available than all that is merged would take")                      \
	/* ksm, of a guest */                                                                      \
	X(WHY_MERGEABLE, "mergeable", "KSM may merge its memory; more is not known yet",           \
	  "when KSM has passed its memory a few times")                                            \
	X(WHY_MERGED, "merged", "KSM has merged a part of its memory", "")                         \
	X(WHY_NO_PROFIT, "no-profit", "KSM's notes take more memory than it has saved there",      \
	  "put nosharepages into its XML: that saves what KSM spends on it")                       \
	X(WHY_NOTHING_ALIKE, "nothing-alike", "KSM has found no equal memory elsewhere",           \
	  "when other guests with the same system or data run here")                               \
	X(WHY_HUGE_PAGES_WHOLE, "huge-pages-whole",                                                \
	  "nothing equal found; most of it is in transparent huge pages",                          \
	  "keep transparent huge pages from it, if merging is worth more than their speed")        \
	X(WHY_NOT_SCANNED, "not-scanned",                                                          \
	  "KSM cannot see most of it (before Linux 6.6 NUMA balancing hides idle memory)",         \
	  "set kernel.numa_balancing = 0, or boot Linux 6.6 or later")                             \
	X(WHY_SHARED_MEMORY, "shared-memory", "shared memory (memfd, file, vhost-user)",           \
	  "take memfd or file backing and shared access out of its XML, if no device needs them")  \
	X(WHY_HUGEPAGES, "hugepages", "hugepages, which KSM cannot merge",                         \
	  "take hugepages out of its XML, if merging is worth more than their speed")              \
	X(WHY_LOCKED, "locked", "locked memory is not for merging", "take locked out of its XML")  \
	X(WHY_DEVICE_MEMORY, "device-memory", "a passthrough device has its memory pinned",        \
	  "take the passthrough device out of its XML")                                            \
	X(WHY_CONFIDENTIAL, "confidential", "encrypted memory is never alike", "")                 \
	X(WHY_NOSHAREPAGES, "nosharepages", "its XML says nosharepages",                           \
	  "take nosharepages out of its XML")                                                      \
	X(WHY_OPTED_OUT, "opted-out",                                                              \
	  "metadata or configuration says off; only nosharepages in its XML enforces it",          \
	  "say ksm = on in its metadata or its [domain] section")                                  \
	/* placement */                                                                            \
	X(WHY_SINGLE_NODE_HOST, "single-node-host", "one NUMA node: nothing to choose", "")        \
	X(WHY_PINNED_BY_ADMIN, "pinned-by-admin",                                                  \
	  "its XML or its threads carry pins that are not ours",                                   \
	  "take vcpupin, emulatorpin, iothreadpin, numatune out of its XML, and start it again")   \
	X(WHY_PLACEMENT_AUTO, "placement-auto", "libvirt placed it with numad's advice at start",  \
	  "say placement='static' in its XML, for vcpu and numatune, and start it again")          \
	X(WHY_REALTIME, "realtime", "realtime vCPUs are never touched", "")                        \
	X(WHY_MEMORY_UNKNOWN, "memory-unknown", "where its memory lies cannot be read",            \
	  "when memory.numa_stat of its cgroup or /proc/PID/numa_maps can be read")                \
	X(WHY_WIDER_THAN_NODE, "wider-than-node", "more vCPUs or memory than any one node has",    \
	  "give it fewer vCPUs or less memory, or virtual NUMA cells that fit a node each")        \
	X(WHY_NOT_MEASURED, "not-measured",                                                        \
	  "it was there before kvmtuned, and what it needs is not known yet",                      \
	  "when the next samples say what it needs")                                               \
	X(WHY_NODE_CROWDED, "node-crowded",                                                        \
	  "the node of its memory has no CPUs or memory to spare",                                 \
	  "when other guests leave room there")                                                    \
	X(WHY_HOME_BY_MEMORY, "home-by-memory", "most of its memory lies there",                   \
	  "when another node gains enough to pay for the change")                                  \
	X(WHY_HOME_BY_LOAD, "home-by-load",                                                        \
	  "memory does not decide; these CPUs are the least loaded ones",                          \
	  "when its memory gathers on a node, or the load of the nodes changes")                   \
	X(WHY_HOME_BY_DEVICE, "home-by-device", "a device of the guest is attached to this node",  \
	  "when its memory gathers on another node, or the load of the nodes changes")             \
	X(WHY_HOME_IN_CPUSET, "home-in-cpuset",                                                    \
	  "its cpuset bars the node of its memory: this is the best of what is left",              \
	  "give it a cpuset with CPUs of the node of its memory")                                  \
	X(WHY_NUMAD_RUNNING, "numad-running",                                                      \
	  "numad runs and overrides every pin; stop it to have guests placed",                     \
	  "systemctl disable --now numad")                                                         \
	X(WHY_NO_CPUS, "no-cpus",                                                                  \
	  "its cpuset, reserved_cpus and isolated CPUs leave it no CPU of any node",               \
	  "give it a wider cpuset, or keep fewer CPUs from guests")                                \
	X(WHY_SPREAD, "spread", "it is best off on all nodes: none has room enough",               \
	  "when one node has room enough for it")                                                  \
	X(WHY_ROLLED_BACK, "rolled-back", "the last change did not help; it is undone",            \
	  "when the load changes; what did not help is forgotten in some ten minutes")             \
	X(WHY_PREDICTIONS_FAIL, "predictions-fail",                                                \
	  "too many changes did not help: placement only watches until it is reloaded",            \
	  "kvmtunectl reload, after a look at what else uses the CPUs")                            \
	/* memory moves */                                                                         \
	X(WHY_MOVE_PAYS, "move-pays", "its memory is moved to its home: that pays back", "")       \
	X(WHY_NOTHING_TO_MOVE, "nothing-to-move", "no memory whose move would pay back", "")       \
	X(WHY_MOVE_PRESSURE, "move-pressure",                                                      \
	  "memory is short or the host's CPUs are taken: no memory is moved now",                  \
	  "when the host stalls less for memory, swaps nothing out and has its CPUs to itself")    \
	X(WHY_HOME_KEPT, "home-kept",                                                              \
	  "its home still does; nothing speaks for another one clearly enough",                    \
	  "when another node gains enough to pay for the change")                                  \
	/* memory */                                                                               \
	X(WHY_NO_SWAP, "no-swap", "no swap or zram with room: guest memory cannot be reclaimed",   \
	  "add swap or zram, and let the guest's cgroup use it")                                   \
	X(WHY_HOST_CALM, "host-calm", "the host has memory enough: nothing is taken",              \
	  "when less memory is available, until its price reaches squeeze_price")                  \
	X(WHY_HOST_BETWEEN, "host-between", "between calm and pressed: nothing new is taken",      \
	  "when the price of memory reaches squeeze_price, or shortage falls below calm_price")    \
	X(WHY_NO_CGROUP, "no-cgroup", "no memory cgroup of its own",                               \
	  "start it in a memory cgroup of its own, as libvirt does")                               \
	X(WHY_UNRECLAIMABLE, "unreclaimable", "hugepages, locked, VFIO or encrypted memory",       \
	  "take hugepages, locked memory and passthrough devices out of its XML")                  \
	X(WHY_LIMITED_BY_ADMIN, "limited-by-admin", "memtune limits that are not ours",            \
	  "take memtune out of its XML, and start it again")                                       \
	X(WHY_GUEST_PAUSED, "guest-paused", "paused: it could not answer to a squeeze",            \
	  "virsh resume")                                                                          \
	X(WHY_GUEST_YOUNG, "guest-young", "not observed for long enough",                          \
	  "when it has been watched for a minute")                                                 \
	X(WHY_GUEST_ACTIVE, "guest-active", "it uses its CPUs: idler guests go first",             \
	  "when it uses less than a tenth of its vCPUs")                                           \
	X(WHY_GUEST_SUFFERS, "guest-suffers",                                                      \
	  "stalls, faults, waiting vCPUs or a late reclaim: let go at once",                       \
	  "when it suffers no more and the back-off is over")                                      \
	X(WHY_NOT_IDLEST, "not-idlest", "idler guests give what the host lacks and can swap out",  \
	  "when the idler guests have nothing more to give")                                       \
	X(WHY_AT_FLOOR, "at-floor", "nothing more may be taken of it",                             \
	  "lower floor_percent or its min_guarantee_mib, if it may lose more")                     \
	X(WHY_NO_RECLAIM, "no-reclaim",                                                            \
	  "backend = reclaim, and the kernel or the unit does not let it be used",                 \
	  "set backend = auto in [memory], or boot Linux 5.19 or later with cgroup v2")            \
	X(WHY_NEEDS_NO_LIMIT, "needs-no-limit",                                                    \
	  "its memory is reclaimed once: no limit has to stay in force", "")                       \
	X(WHY_NOTHING_COLD, "nothing-cold",                                                        \
	  "two steps in a row got hardly anything: it has no cold memory",                         \
	  "when the back-off is over")                                                             \
	X(WHY_RUNAWAY, "runaway", "its process uses far more than its guest and QEMU need",        \
	  "look for what QEMU keeps; raise overhead_mib in [memory] if so much is right")          \
	X(WHY_IDLEST_UNDER_PRESSURE, "idlest-under-pressure",                                      \
	  "the host is short of memory and this guest is one of the idlest",                       \
	  "when it wakes up or suffers, or more memory is available")
/* clang-format on */

#define X(constant, word, sentence, change) constant,
enum why { KT_WHY_LIST(X) _WHY_MAX };
#undef X

/* "none" for anything out of range. */
const char *why_str(enum why why);
const char *why_sentence(enum why why);
/* What the operator could do, or what would have to happen, for it to be otherwise; "":
 * nothing, or nothing that anybody would want. */
const char *why_change(enum why why);

#endif
