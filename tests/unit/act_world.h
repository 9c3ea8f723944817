/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that act writes of a host by itself, in a scratch folder whose kernel may fail, and plans
 * that want all of it changed. */
#ifndef KT_ACT_WORLD_H
#define KT_ACT_WORLD_H

#include "act_fixture.h"
#include "faulty.h"

/* ---- the files ----------------------------------------------------------------------------- */

#define KSM     "sys/kernel/mm/ksm/"
#define FIRST   27 /* interrupt */
#define TICK_NS (5 * KT_NS_PER_S)

enum loop { LOOP_KSM, LOOP_BALANCING, LOOP_HOST, LOOP_IRQ };

static const struct file {
	enum loop loop;
	const char *path, *original, *wished, *other;
} files[] = {
	{ LOOP_KSM, KSM "advisor_mode", "none [scan-time]\n", "[none] scan-time\n", "scan-time\n" },
	{ LOOP_KSM, KSM "merge_across_nodes", "1\n", "0\n", "7\n" },
	{ LOOP_KSM, KSM "use_zero_pages", "0\n", "1\n", "7\n" },
	{ LOOP_KSM, KSM "smart_scan", "1\n", "0\n", "7\n" },
	{ LOOP_KSM, KSM "pages_to_scan", "100\n", "1250\n", "7\n" },
	{ LOOP_KSM, KSM "sleep_millisecs", "20\n", "10\n", "7\n" },
	{ LOOP_KSM, KSM "run", "0\n", "1\n", "2\n" },
	{ LOOP_BALANCING, "proc/sys/kernel/numa_balancing", "1\n", "0\n", "2\n" },
	{ LOOP_HOST, "proc/sys/vm/swappiness", "60\n", "10\n", "7\n" },
	{ LOOP_HOST, "sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n",
	  "always [madvise] never\n", "never\n" },
	{ LOOP_IRQ, "proc/irq/27/smp_affinity_list", "0-7\n", "0-1\n", "5\n" },
	{ LOOP_IRQ, "proc/irq/28/smp_affinity_list", "4\n", "0-1\n", "5\n" },
};
enum { FILES = KT_ARRAY_LEN(files) };

/* ---- the world ----------------------------------------------------------------------------- */

static inline const char *text_of(const struct file *f)
{
	static char text[256];

	(void)get(at(root, f->path), text, sizeof text);
	return text;
}

static inline bool is_on_file(const char *path)
{
	(void)path;
	return exists(at(run_dir, "undo"));
}

static inline void put_file(const struct file *f)
{
	char folder[256];
	const char *path = at(root, f->path);

	for (const char *s = strchr(path + strlen(root) + 1, '/'); s; s = strchr(s + 1, '/')) {
		snprintf(folder, sizeof folder, "%.*s", (int)(s - path), path);
		ck_assert(mkdir(folder, 0755) == 0 || errno == EEXIST);
	}
	put(path, f->original);
}

static inline unsigned int rule_of(const char *id)
{
	for (unsigned int i = 0; host_rule_id(i); i++)
		if (strcmp(host_rule_id(i), id) == 0 && host_rule_path(i))
			return i;
	ck_abort_msg("%s cannot be applied", id);
}

static inline void wish_host(const char *id, enum wish wish, const char *word)
{
	struct host_wish *w = &plan->host.rule[rule_of(id)];

	*w = (struct host_wish){ .wish = wish, .why = WHY_AUDIT_RULE };
	copy_text(w->word, sizeof w->word, word);
}

static inline void wish(enum wish wish)
{
	plan->ksm = (struct ksm_plan){ .wish = wish,
				       .why = WHY_MEMORY_SHORT,
				       .run = true,
				       .pages_to_scan = 1250,
				       .sleep_ms = 10,
				       .sweep = true,
				       .stops_advisor = true,
				       .use_zero_pages = KSM_SWITCH_ON,
				       .merge_across_nodes = KSM_SWITCH_OFF };
	plan->numa_balancing = wish == WISH_SET ? KSM_SWITCH_OFF : KSM_SWITCH_KEEP;
	plan->host.due = true;
	plan->host.nrules = HOST_RULES_MAX;
	wish_host("host-swappiness", wish, "10");
	wish_host("host-thp-enabled", wish, "madvise");
	wish_host("host-irq-affinity", wish, NULL);
	ck_assert_int_eq(cpumask_parse("0-1", &plan->host.irq_cpus), 0);
	plan->host.nirqs = wish == WISH_SET ? 2 : 0;
	plan->host.irq[0] = FIRST;
	plan->host.irq[1] = FIRST + 1;
}

static inline void setup(void)
{
	setup_at(NULL);
	for (size_t i = 0; i < FILES; i++)
		put_file(&files[i]);
	put(at(root, KSM "pages_shared"), "0\n");
	faulty_begin(fs.root_fd);
	faulty_may_write = is_on_file;
}

static inline void plans(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		plan->now_ns += TICK_NS;
		act_apply(act, plan);
	}
}

#endif
