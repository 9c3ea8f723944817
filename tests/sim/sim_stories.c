/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Would a reviewer agree?  Whole decisions of whole hosts as prose, one line for each
 * change of mind, against tests/stories.  KT_STORY_UPDATE=1 writes them anew: read the
 * difference, it is what changes for the host. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kt_check.h"
#include "plant_loop.h"

enum { STORY_MAX = 64 * 1024 };

static struct loop *l;
static char story[STORY_MAX];
static size_t story_len;
static double begin_s;
static struct plan last;

static void say(const char *fmt, ...) KT_PRINTF(1, 2);

static void say(const char *fmt, ...)
{
	va_list args;
	int n;

	story_len += (size_t)snprintf(story + story_len, STORY_MAX - story_len, "%7.0fs ",
				      l->plant.now_s - l->tick_s - begin_s);
	va_start(args, fmt);
	n = vsnprintf(story + story_len, STORY_MAX - story_len, fmt, args);
	va_end(args);
	story_len += (size_t)n;
	ck_assert_uint_lt(story_len, STORY_MAX - 256);
}

/* What the scenario does, among what the daemon answers. */
static void note(const char *what)
{
	story_len += (size_t)snprintf(story + story_len, STORY_MAX - story_len, "%7.0fs -- %s\n",
				      l->plant.now_s - begin_s, what);
}

static void say_ksm(const struct ksm_plan *k, const struct ksm_plan *was)
{
	if (k->wish == was->wish && k->run == was->run && k->pages_to_scan == was->pages_to_scan &&
	    k->why == was->why)
		return;
	if (k->wish != WISH_SET)
		say("ksm %s: %s\n", k->wish == WISH_HOLD ? "left alone" : "not used",
		    why_str(k->why));
	else if (k->run)
		say("ksm run %" PRIu64 " pages: %s\n", k->pages_to_scan, why_str(k->why));
	else
		say("ksm rest: %s\n", why_str(k->why));
}

/* Steps, and what is waited for between them, are one thing to a reader. */
static enum why memory_why(const struct memory_plan *m)
{
	return m->why == WHY_COOLING_DOWN || m->why == WHY_NOT_IDLEST ? WHY_IDLEST_UNDER_PRESSURE
								      : m->why;
}

static void say_memory(const char *name, const struct memory_plan *m)
{
	enum why why = memory_why(m);
	const char *what = m->wish == WISH_RELEASE ? "let go" : "left alone";

	say("%s %s: %s\n", name, why == WHY_IDLEST_UNDER_PRESSURE ? "squeezed" : what,
	    why_str(why));
}

static void say_guest(const struct guest_plan *g, const struct guest_plan *was)
{
	const struct placement_plan *p = &g->placement;
	const struct memory_plan *m = &g->memory;
	bool is_new = !was->present || was->incarnation != g->incarnation;

	if (is_new || p->why != was->placement.why || p->nodes != was->placement.nodes) {
		if (p->wish == WISH_SET)
			say("%s at home on node %d: %s\n", g->name, (int)nodemask_first(p->nodes),
			    why_str(p->why));
		else
			say("%s %s: %s\n", g->name,
			    p->wish == WISH_HOLD ? "pins as they are" : "not pinned",
			    why_str(p->why));
	}
	if (is_new || memory_why(m) != memory_why(&was->memory))
		say_memory(g->name, m);
}

static void tick(bool kicked)
{
	loop_tick(l, kicked);
	say_ksm(&l->plan.ksm, &last.ksm);
	for (size_t i = 0; i < l->plan.nslots; i++)
		if (l->plan.guest[i].present)
			say_guest(&l->plan.guest[i], &last.guest[i]);
	last = l->plan;
}

static void go_on(double seconds)
{
	for (double end_s = l->plant.now_s + seconds; l->plant.now_s < end_s;)
		tick(false);
}

static void begin(unsigned int nnodes, unsigned int cpus_per_node, double gib_per_node)
{
	l = loop_new();
	plant_init(&l->plant, 1, nnodes, cpus_per_node, gib_per_node);
	begin_s = l->plant.now_s;
	story_len = 0;
	memset(&last, 0, sizeof last);
}

static struct plant_guest *start(const char *name, unsigned int vcpus, double gib,
				 double demand_cpus)
{
	struct plant_guest *g = plant_start(&l->plant, vcpus, gib);

	(void)snprintf(g->domain.name, sizeof g->domain.name, "%s", name);
	g->demand_cpus = demand_cpus;
	return g;
}

/* ---- the stories --------------------------------------------------------------------------- */

/* Six guests start one after another on a host that is too small for them, with much of
 * their memory alike; then half of them stop. */
static void boot_storm(void)
{
	static const char *const names[] = { "web-1", "web-2", "web-3", "db-1", "db-2", "db-3" };

	begin(2, 8, 16);
	note("an empty host");
	tick(false);
	for (unsigned int i = 0; i < 6; i++) {
		struct plant_guest *g = start(names[i], 2, 7, 0.5);

		g->birth_node = i % 2;
		g->duplicate_share = 0.5;
		g->kib_per_s = 8 * 1024;
		note("a guest starts");
		tick(true);
	}
	go_on(3600);
	note("half of the guests stop");
	for (unsigned int i = 0; i < 3; i++)
		plant_stop(&l->plant, i);
	tick(true);
	go_on(1800);
}

/* Idle guests hold cold memory when a busy one needs it; one of them wakes up; in the end
 * the busy one stops. */
static void squeeze(void)
{
	struct plant_guest *busy;

	begin(1, 16, 32);
	l->plant.swap_kib = 16 * PLANT_GIB;
	l->conf.ksm.mode = LOOP_OFF;
	for (unsigned int i = 0; i < 3; i++) {
		struct plant_guest *g = start((const char *[]){ "idle-1", "idle-2", "idle-3" }[i],
					      4, 6, 0.04 + 0.04 * i);

		g->on_node_kib[0] = g->memory_kib;
		g->hot_kib = 0.3 * g->memory_kib;
	}
	go_on(300);
	note("a busy guest starts");
	busy = start("busy", 8, 12, 6);
	busy->hot_kib = busy->target_kib = 10 * PLANT_GIB;
	tick(true);
	go_on(1800);
	note("idle-1 wakes up");
	l->plant.guest[0].hot_kib = l->plant.guest[0].memory_kib;
	l->plant.guest[0].demand_cpus = 3;
	go_on(1200);
	note("the busy guest stops");
	plant_stop(&l->plant, 3);
	tick(true);
	go_on(120);
}

/* Two guests at home on one node get busy at once; later the memory of one that moved has
 * followed it, as NUMA balancing does it. */
static void crowded_node(void)
{
	struct plant_guest *g[3];

	begin(2, 8, 32);
	l->conf.ksm.mode = l->conf.memory.mode = LOOP_OFF;
	for (unsigned int i = 0; i < 3; i++) {
		g[i] = start((const char *[]){ "left-1", "left-2", "left-3" }[i], 4, 4, 0.2);
		g[i]->on_node_kib[0] = (4 - 0.5 * i) * PLANT_GIB;
		g[i]->target_kib = g[i]->on_node_kib[0];
	}
	go_on(180);
	note("left-1, left-2 and left-3 get busy");
	for (unsigned int i = 0; i < 3; i++)
		g[i]->demand_cpus = 3.5;
	go_on(300);
	note("left-2 rests");
	g[1]->demand_cpus = 0.1;
	go_on(300);
	note("the admin pins left-2 through libvirt");
	g[1]->domain.admin_pins = true;
	go_on(60);
	note("left-1 migrates away");
	g[0]->domain.busy = true;
	go_on(60);
}

static const struct {
	const char *name;
	void (*run)(void);
} stories[] = {
	{ "boot_storm", boot_storm },
	{ "squeeze", squeeze },
	{ "crowded_node", crowded_node },
};

static void update(const char *path)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f && fwrite(story, 1, story_len, f) == story_len, "%s cannot be written",
		      path);
	fclose(f);
}

static size_t line_of(const char *text, size_t at)
{
	size_t line = 1;

	for (size_t i = 0; i < at; i++)
		line += text[i] == '\n';
	return line;
}

START_TEST(the_story_is_told_as_it_was)
{
	static char expected[STORY_MAX];
	char path[512];
	size_t len, same = 0;
	FILE *f;

	stories[_i].run();
	loop_free(l);
	(void)snprintf(path, sizeof path, "%s/stories/%s.txt", KT_TESTS_DIR, stories[_i].name);
	if (getenv("KT_STORY_UPDATE"))
		update(path);
	f = fopen(path, "r");
	ck_assert_msg(f, "%s cannot be read", path);
	len = fread(expected, 1, sizeof expected, f);
	fclose(f);
	while (same < len && same < story_len && expected[same] == story[same])
		same++;
	ck_assert_msg(same == len && same == story_len,
		      "%s differs in line %zu: KT_STORY_UPDATE=1 writes it anew, git diff shows "
		      "what changed",
		      path, line_of(story, same));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sim_stories");
	TCase *c = tcase_create("stories");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, the_story_is_told_as_it_was, 0, (int)KT_ARRAY_LEN(stories));
	suite_add_tcase(s, c);
	return kt_run(s);
}
