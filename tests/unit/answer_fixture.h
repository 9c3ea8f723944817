/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's whole state over a scratch host of two nodes, with guests of hostile names, and
 * its answers. */
#ifndef KT_ANSWER_FIXTURE_H
#define KT_ANSWER_FIXTURE_H

#include "answer.h"
#include "audit_run.h"
#include "sense_root.h"

#define NODE1 "sys/devices/system/node/node1"

static struct kvmtuned *k;
static struct in_force *in_force; /* what act says; tests say it for it */
static struct answer answer;

static const char *const hostile_names[] = {
	"web-01",
	"a\"b\\c",
	"new\nline\tand \x1b[31m",
	"<script>alert(1)</script>",
	"\xff\xfe\xc3(",
	"%n%s%n%s",
	"../../etc/passwd",
	"y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y "
	"y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y "
	"y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y y",
};

static inline void make_topology(void)
{
	k->topology = (struct topology){ .nnodes = 2, .ncpu_nodes = 2, .ncores = 4 };
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		cpumask_set(&k->topology.online, cpu);
		cpumask_set(&k->topology.usable, cpu);
		cpumask_set(&k->topology.node[cpu / 2].cpus, cpu);
		k->topology.core_of[cpu] = (uint16_t)cpu;
	}
	for (unsigned int n = 0; n < 2; n++) {
		k->topology.node[n].present = true;
		k->topology.node[n].ncores = 2;
		k->topology.node[n].mem_total_kib = 1000;
		k->topology.node[n].distance[n] = 10;
		k->topology.node[n].distance[!n] = 20;
	}
}

/* Its process is there as well. */
static inline size_t add_guest(unsigned int number, const char *name)
{
	struct domain d = domain_of(number);
	int slot;

	put_guest(number, (pid_t)(1000 + 10 * number));
	snprintf(d.name, sizeof d.name, "%s", name);
	d.vcpus = 2;
	d.memory_kib = 512;
	d.soft_limit_kib = d.hard_limit_kib = KT_UNLIMITED_KIB;
	slot = domains_put(k->domains, &d);
	ck_assert_int_ge(slot, 0);
	return (size_t)slot;
}

static inline void answer_setup(void)
{
	root_setup();
	put("sys/devices/system/node/online", "0-1\n");
	put(NODE1 "/meminfo",
	    "Node 1 MemTotal: 1000 kB\nNode 1 MemFree: 200 kB\nNode 1 FilePages: 9 kB\n");
	k = kvmtuned_new();
	ck_assert_ptr_nonnull(k);
	ck_assert_int_eq(hostfs_open(root, &k->fs), 0);
	k->conf_path = "/etc/kvmtuned.conf";
	k->started_ns = now_monotonic_ns();
	conf_defaults(&k->conf);
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	k->vm_ops = guests_vm_ops(k);
	ck_assert_int_eq(act_new(&k->fs, NULL, &k->vm_ops, &k->act), 0);
	in_force = (struct in_force *)(uintptr_t)act_in_force(k->act);
	k->guests_known = k->link_told = k->link_up = true;
	make_topology();
	answer = (struct answer){ .status = 200 };
}

static inline void answer_forget(void)
{
	json_object_put(answer.json);
	free(answer.text);
	answer = (struct answer){ .status = 200 };
}

static inline void answer_teardown(void)
{
	answer_forget();
	kvmtuned_free(k);
	root_teardown();
}

static inline void tick(uint64_t now_ns)
{
	ck_assert_int_eq(kvmtuned_tick(k, now_ns), 0);
	k->tick_began_ns = now_ns;
}

/* Asks, and gives the answer's text as the socket would; it lives until the next question. */
static inline const char *ask(answer_fn *fn, struct question q)
{
	answer_forget();
	fn(k, &q, &answer);
	ck_assert_ptr_nonnull(answer.json);
	return answer_text(answer.json);
}

/* A member by its path, as "loops.ksm.state" or "guests.0.name". */
static inline struct json_object *at(const char *path)
{
	struct json_object *o = answer.json;
	char copy[128], *rest = copy;

	snprintf(copy, sizeof copy, "%s", path);
	for (char *part; (part = strsep(&rest, "."));) {
		if (json_object_is_type(o, json_type_array))
			o = json_object_array_get_idx(o, (size_t)atoi(part));
		else
			ck_assert_msg(json_object_object_get_ex(o, part, &o), "no %s in %s", part,
				      path);
	}
	return o;
}

/* Its text; "null" for null. */
static inline const char *text_at(const char *path)
{
	struct json_object *o = at(path);

	return o ? json_object_get_string(o) : "null";
}

static inline double number_at(const char *path)
{
	ck_assert_msg(at(path) != NULL, "%s is null", path);
	return json_object_get_double(at(path));
}

static inline size_t length_at(const char *path)
{
	return json_object_array_length(at(path));
}

static inline struct question about_guest(const char *name)
{
	return (struct question){ .given = ASKS_GUEST, .guest = name };
}

#endif
