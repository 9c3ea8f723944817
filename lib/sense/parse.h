/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of the kernel -> numbers.  Total: any bytes give an answer, an output is
 * untouched when the answer is no.  Texts are NUL-terminated. */
#ifndef KT_PARSE_H
#define KT_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "guest_thread.h"
#include "sample.h"

/* Skips blanks, reads decimal digits, moves *s behind them.  False: no digit here, or
 * more than 64 bits. */
bool parse_number(const char **s, uint64_t *ret) KT_MUST_USE;

/* The whole text: an optional minus, digits, a newline. */
int parse_i64(const char *text, int64_t *ret) KT_MUST_USE;

/* A wanted line "key value" or "Key:   value kB"; a key has two letters or more. */
struct parse_key {
	const char *key;
	uint64_t *value;
};

/* One pass; keys are best listed in the order of the file.  Returns how many were found. */
size_t parse_keys(const char *text, const struct parse_key *keys, size_t nkeys);

/* A line "key type value" of /proc/spl/kstat.  False: no such line. */
bool parse_kstat(const char *text, const char *key, uint64_t *ret) KT_MUST_USE;

/* /proc/pressure/X.  -EINVAL: no "some" line with a total. */
int parse_psi(const char *text, struct psi_sample *ret) KT_MUST_USE;

/* The first line of /proc/stat, in ticks: user, nice, system and interrupts; idle and
 * I/O wait; stolen. */
int parse_cpu_ticks(const char *text, uint64_t *ret_busy, uint64_t *ret_idle,
		    uint64_t *ret_steal) KT_MUST_USE;

/* The lines of single CPUs that follow: idle and I/O wait, in ticks, by number.  CPUs that
 * have no line keep what is there. */
void parse_cpus_idle(const char *text, uint64_t hz[KT_CPUS_MAX]);

int parse_schedstat(const char *text, uint64_t *ret_run_ns, uint64_t *ret_delay_ns) KT_MUST_USE;

struct pid_stat {
	pid_t ppid;
	uint64_t cpu_hz; /* user and system, in ticks; of its dead threads too */
	uint64_t nthreads, start_ticks, rss_pages;
};

/* /proc/PID/stat.  The name in it may hold anything, parentheses too: the last one
 * closes it. */
int parse_pid_stat(const char *text, struct pid_stat *ret) KT_MUST_USE;

/* What a thread of QEMU is, by its name: "CPU 3/KVM", "IO iothread1", "vhost-4711". */
enum thread_role parse_thread_name(const char *comm, unsigned int *ret_number);

/* Adds the N<id>=<count> of the line that begins with `key` (memory.numa_stat), each
 * times unit_bytes, to KiB by node id.  False: no such line. */
bool parse_node_counts(const char *text, const char *key, uint64_t unit_bytes,
		       uint64_t kib[KT_NODES_MAX]);

/* One line of numa_maps: its pages by node, by their own size. */
void parse_numa_maps_line(const char *line, uint64_t kib[KT_NODES_MAX]);

/* One line of /proc/PID/maps.  False: not memory that may be read and written and is
 * private without a file, or shared. */
bool parse_maps_line(const char *line, uint64_t *ret_start, uint64_t *ret_end) KT_MUST_USE;

/* /proc/PID/cgroup: the path of the hierarchy that has this v1 controller, or of v2
 * (controller ""), into ret.  -ENOENT: none; -ENAMETOOLONG. */
int parse_cgroup_path(const char *text, const char *controller, char *ret, size_t size) KT_MUST_USE;

/* One line of mountinfo: where it is mounted, if it is cgroup v2 (controller "") or the
 * v1 hierarchy with this controller, from its root.  -ENOENT: something else, or the part
 * of it that a container sees; -ENAMETOOLONG. */
int parse_cgroup_mount(const char *line, const char *controller, char *ret,
		       size_t size) KT_MUST_USE;

/* cmdline: the argument behind "-uuid".  -ENOENT: no such argument. */
int parse_uuid_argument(const char *cmdline, size_t length, struct uuid *ret) KT_MUST_USE;

/* The same, of a program whose name begins with "qemu" only. */
int parse_qemu_uuid(const char *cmdline, size_t length, struct uuid *ret) KT_MUST_USE;

#endif
