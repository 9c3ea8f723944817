/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every reason there is: one stable kebab-case word each, the same in the journal,
 * in kvmtunectl and in the metrics.  Documented in kvmtuned(8). */
#ifndef KT_WHY_H
#define KT_WHY_H

/* clang-format off: one reason a line */
/* X(enum constant, word, sentence) */
#define KT_WHY_LIST(X)                                                                             \
	X(WHY_NONE, "none", "no decision yet")                                                     \
	/* common */                                                                               \
	X(WHY_SWITCHED_OFF, "switched-off", "configuration or metadata switches this loop off")    \
	X(WHY_PAUSED, "paused",                                                                    \
	  "the operator has paused it: nothing is changed until it is resumed")                    \
	X(WHY_RELEASED, "released", "the operator wants it left alone: everything is given back")  \
	X(WHY_CEDED, "ceded", "somebody else changed the value; it is theirs now")                 \
	X(WHY_GUEST_BUSY, "guest-busy", "migration, save or snapshot under way: hands off")        \
	X(WHY_NOT_SAMPLED, "not-sampled", "the guest's process could not be read")                 \
	X(WHY_COOLING_DOWN, "cooling-down", "acted on recently; the effect is awaited first")      \
	X(WHY_ACTUATOR_OFF, "actuator-off", "the kernel or libvirt refused the last write")        \
	X(WHY_STOPPING, "stopping", "kvmtuned stops, or was asked to give everything back")        \
	X(WHY_GUEST_LOST, "guest-lost", "libvirt no longer knows it, but its process lives")       \
	/* ksm */                                                                                  \
	X(WHY_NO_KSM, "no-ksm", "this kernel has no KSM")                                          \
	X(WHY_NO_MERGEABLE_GUEST, "no-mergeable-guest",                                            \
	  "no running guest has memory that KSM may merge")                                        \
	X(WHY_MEMORY_SHORT, "memory-short", "available memory is below the target: scan faster")   \
	X(WHY_MEMORY_COMMITTED, "memory-committed",                                                \
	  "guests could outgrow memory: keep scanning, slower")                                    \
	X(WHY_MEMORY_PLENTIFUL, "memory-plentiful",                                                \
	  "enough memory even if guests grow: KSM rests")                                          \
	X(WHY_GUESTS_UNKNOWN, "guests-unknown",                                                    \
	  "libvirt has not listed the guests yet: only free memory decides")                       \
	X(WHY_KERNEL_ADVISOR, "kernel-advisor",                                                    \
	  "the kernel's own KSM advisor is on and owns the scan rate")                             \
	X(WHY_MERGE_NEVER, "merge-never", "configuration says that nothing is to be merged")       \
	X(WHY_SETTLING, "settling",                                                                \
	  "guests have just come: their memory is looked at in a moment")                          \
	X(WHY_BURST, "burst", "memory that KSM has not seen yet: scan fast while it pays")         \
	X(WHY_SWEEP, "sweep", "smart_scan is off for some passes: late duplicates merge too")      \
	X(WHY_CONVERGED, "converged", "what is left to merge is not worth more than a trickle")    \
	X(WHY_NO_ROOM, "no-room", "all that is merged would not fit into memory unmerged")         \
	/* ksm, of a guest */                                                                      \
	X(WHY_MERGEABLE, "mergeable", "KSM may merge its memory; more is not known yet")           \
	X(WHY_MERGED, "merged", "KSM has merged a part of its memory")                             \
	X(WHY_NO_PROFIT, "no-profit", "KSM's notes take more memory than it has saved there")      \
	X(WHY_NOTHING_ALIKE, "nothing-alike", "KSM has found no equal memory elsewhere")           \
	X(WHY_HUGE_PAGES_WHOLE, "huge-pages-whole",                                                \
	  "nothing equal found; most of it is in transparent huge pages")                          \
	X(WHY_NOT_SCANNED, "not-scanned",                                                          \
	  "KSM cannot see most of it (before Linux 6.6 NUMA balancing hides idle memory)")         \
	X(WHY_SHARED_MEMORY, "shared-memory", "shared memory (memfd, file, vhost-user)")           \
	X(WHY_HUGEPAGES, "hugepages", "hugepages, which KSM cannot merge")                         \
	X(WHY_LOCKED, "locked", "locked memory is not for merging")                                \
	X(WHY_DEVICE_MEMORY, "device-memory", "a passthrough device has its memory pinned")        \
	X(WHY_CONFIDENTIAL, "confidential", "encrypted memory is never alike")                     \
	X(WHY_NOSHAREPAGES, "nosharepages", "its XML says nosharepages")                           \
	X(WHY_OPTED_OUT, "opted-out",                                                              \
	  "metadata or configuration says off; only nosharepages in its XML enforces it")          \
	/* placement */                                                                            \
	X(WHY_SINGLE_NODE_HOST, "single-node-host", "one NUMA node: nothing to choose")            \
	X(WHY_PINNED_BY_ADMIN, "pinned-by-admin",                                                  \
	  "its XML or its threads carry pins that are not ours")                                   \
	X(WHY_PLACEMENT_AUTO, "placement-auto", "libvirt placed it with numad's advice at start")  \
	X(WHY_REALTIME, "realtime", "realtime vCPUs are never touched")                            \
	X(WHY_MEMORY_UNKNOWN, "memory-unknown", "where its memory lies cannot be read")            \
	X(WHY_WIDER_THAN_NODE, "wider-than-node", "more vCPUs or memory than any one node has")    \
	X(WHY_NOT_MEASURED, "not-measured",                                                        \
	  "it was there before kvmtuned, and what it needs is not known yet")                      \
	X(WHY_NODE_CROWDED, "node-crowded",                                                        \
	  "the node of its memory has no CPUs or memory to spare")                                 \
	X(WHY_HOME_BY_MEMORY, "home-by-memory", "most of its memory lies there")                   \
	X(WHY_HOME_BY_LOAD, "home-by-load",                                                        \
	  "memory does not decide; these CPUs are the least loaded ones")                          \
	X(WHY_HOME_BY_DEVICE, "home-by-device", "a device of the guest is attached to this node")  \
	X(WHY_HOME_IN_CPUSET, "home-in-cpuset",                                                    \
	  "its cpuset bars the node of its memory: this is the best of what is left")              \
	X(WHY_NUMAD_RUNNING, "numad-running",                                                      \
	  "numad runs and overrides every pin; stop it to have guests placed")                     \
	X(WHY_NO_CPUS, "no-cpus",                                                                  \
	  "its cpuset, reserved_cpus and isolated CPUs leave it no CPU of any node")               \
	X(WHY_SPREAD, "spread", "it is best off on all nodes: none has room enough")               \
	X(WHY_ROLLED_BACK, "rolled-back", "the last change did not help; it is undone")            \
	X(WHY_PREDICTIONS_FAIL, "predictions-fail",                                                \
	  "too many changes did not help: placement only watches until it is reloaded")            \
	/* memory moves */                                                                         \
	X(WHY_MOVE_PAYS, "move-pays", "its memory is moved to its home: that pays back")           \
	X(WHY_NOTHING_TO_MOVE, "nothing-to-move", "no memory whose move would pay back")           \
	X(WHY_MOVE_PRESSURE, "move-pressure",                                                      \
	  "memory is short or the host's CPUs are taken: no memory is moved now")                  \
	X(WHY_HOME_KEPT, "home-kept",                                                              \
	  "its home still does; nothing speaks for another one clearly enough")                    \
	/* memory */                                                                               \
	X(WHY_NO_SWAP, "no-swap", "no swap or zram with room: guest memory cannot be reclaimed")   \
	X(WHY_HOST_CALM, "host-calm", "the host has memory enough: nothing is taken")              \
	X(WHY_HOST_BETWEEN, "host-between", "between calm and pressed: nothing new is taken")      \
	X(WHY_NO_CGROUP, "no-cgroup", "no memory cgroup of its own")                               \
	X(WHY_UNRECLAIMABLE, "unreclaimable", "hugepages, locked, VFIO or encrypted memory")       \
	X(WHY_LIMITED_BY_ADMIN, "limited-by-admin", "memtune limits that are not ours")            \
	X(WHY_GUEST_PAUSED, "guest-paused", "paused: it could not answer to a squeeze")            \
	X(WHY_GUEST_YOUNG, "guest-young", "not observed for long enough")                          \
	X(WHY_GUEST_ACTIVE, "guest-active", "it uses its CPUs: idler guests go first")             \
	X(WHY_GUEST_SUFFERS, "guest-suffers",                                                      \
	  "stalls, faults, waiting vCPUs or a late reclaim: let go at once")                       \
	X(WHY_NOT_IDLEST, "not-idlest", "idler guests give what the host lacks and can swap out")  \
	X(WHY_AT_FLOOR, "at-floor", "nothing more may be taken of it")                             \
	X(WHY_NO_RECLAIM, "no-reclaim",                                                            \
	  "backend = reclaim, and the kernel or the unit does not let it be used")                 \
	X(WHY_NEEDS_NO_LIMIT, "needs-no-limit",                                                    \
	  "its memory is reclaimed once: no limit has to stay in force")                           \
	X(WHY_NOTHING_COLD, "nothing-cold",                                                        \
	  "two steps in a row got hardly anything: it has no cold memory")                         \
	X(WHY_RUNAWAY, "runaway", "its process uses far more than its guest and QEMU need")        \
	X(WHY_IDLEST_UNDER_PRESSURE, "idlest-under-pressure",                                      \
	  "the host is short of memory and this guest is one of the idlest")
/* clang-format on */

#define X(constant, word, sentence) constant,
enum why { KT_WHY_LIST(X) _WHY_MAX };
#undef X

/* "none" for anything out of range. */
const char *why_str(enum why why);
const char *why_sentence(enum why why);

#endif
