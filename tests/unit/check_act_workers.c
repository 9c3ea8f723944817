/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that moves or reclaims memory cannot be started, or is slow to begin or to end: is
 * nothing turned off for it, and is nothing left behind? */
#include <dlfcn.h>
#include <poll.h>
#include <semaphore.h>

#include "act_fixture.h"
#include "act_private.h"
#include "own_process.h"
#include "reclaimer_private.h"

enum { SLOT = 5, INCARNATION = 9, TICK_S = 5 };

static const struct uuid uuid = { .byte = { 1, 2, 3 } };

/* ---- the door to threads --------------------------------------------------------------------- */

static struct {
	int error;        /* none can be started */
	bool opens_late;  /* they begin when somebody waits for their end */
	bool shuts_early; /* nobody hears of their end in time */
	struct reclaimer *ending;
	unsigned int asked;
} door;

static sem_t gate;
static void *(*held)(void *);

static void *begin_late(void *context)
{
	while (sem_wait(&gate) < 0)
		continue;
	return held(context);
}

int pthread_create(pthread_t *ret, const pthread_attr_t *attributes, void *(*live)(void *),
		   void *context)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	door.asked++;
	if (door.error)
		return door.error;
	held = live;
	return real(ret, attributes, door.opens_late ? begin_late : live, context);
}

int pthread_join(pthread_t thread, void **ret)
{
	static int (*real)(pthread_t, void **);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_join");
	sem_post(&gate);
	return real(thread, ret);
}

static bool has_ended(struct reclaimer *r)
{
	bool ended;

	pthread_mutex_lock(&r->lock);
	ended = r->ended;
	pthread_mutex_unlock(&r->lock);
	return ended;
}

int pthread_clockjoin_np(pthread_t thread, void **ret, clockid_t clock,
			 const struct timespec *until)
{
	(void)clock, (void)until;
	if (!door.shuts_early)
		return pthread_join(thread, ret);
	while (!has_ended(door.ending))
		(void)poll(NULL, 0, 1);
	return ETIMEDOUT;
}

/* ---- a guest --------------------------------------------------------------------------------- */

static void setup(void)
{
	memset(&door, 0, sizeof door);
	ck_assert_int_eq(sem_init(&gate, 0, 0), 0);
	setup_at(NULL);
	fs.is_live = true; /* what is below the root may be written */
	put_process("qemu");
	ck_assert_int_eq(mkdir(at(root, "db"), 0755), 0);
	put(at(root, "db/memory.current"), "104857600\n");
	put(at(root, "db/memory.reclaim"), "");
	plan->nslots = SLOT + 1;
	plan->guest[SLOT] = (struct guest_plan){ .present = true,
						 .incarnation = INCARNATION,
						 .uuid = uuid,
						 .name = "db",
						 .pid = 42,
						 .start_ticks = 777,
						 .soft_limit_kib = KT_UNLIMITED_KIB,
						 .memory_cgroup = "db" };
}

static void wish_reclaim(void)
{
	plan->guest[SLOT].memory = (struct memory_plan){ .wish = WISH_SET,
							 .why = WHY_IDLEST_UNDER_PRESSURE,
							 .means = MEMORY_RECLAIM,
							 .target_kib = 50 * 1024 };
}

static void wish_move(void)
{
	struct placement_plan *p = &plan->guest[SLOT].placement;

	p->wish = WISH_SET;
	p->nodes = p->cell[0].nodes = 2;
	p->ncells = 1;
	memset(&p->cell[0].vcpus, 0xff, sizeof p->cell[0].vcpus);
	cpumask_set(&p->cell[0].cpus, 0);
	cpumask_set(&p->helpers, 0);
	plan->move = (struct move_plan){
		.go = true, .slot = SLOT, .from = UINT64_MAX, .kib_per_s = 1024
	};
}

static bool is_reclaiming(void)
{
	return act->reclaimer != NULL;
}

static bool is_moving(void)
{
	return act->move.mover != NULL;
}

static const struct {
	void (*wish)(void);
	bool (*is_done)(void);
} works[] = { { wish_reclaim, is_reclaiming }, { wish_move, is_moving } };

static void plans(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		plan->now_ns += TICK_S * KT_NS_PER_S;
		act_apply(act, plan);
	}
}

/* ---- the tests ------------------------------------------------------------------------------- */

START_TEST(without_a_thread_nothing_is_turned_off)
{
	door.error = EAGAIN;
	works[_i].wish();
	plans(3);
	ck_assert_uint_eq(door.asked, 3);
	ck_assert(!works[_i].is_done());
	ck_assert(!act_in_force(act)->guest[SLOT].reclaim_off && !act_in_force(act)->move.off);
	ck_assert(!act_in_force(act)->guest[SLOT].reclaiming && !act_in_force(act)->move.active);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->error, EAGAIN);
	ck_assert_int_eq(the_one(LOG_WRITE_REFUSED)->level, LOG_LEVEL_WARNING);
	ck_assert_uint_eq(nsaid, 1);
	door.error = 0;
	plans(1);
	ck_assert_uint_eq(door.asked, 4);
	ck_assert(works[_i].is_done());
	ck_assert_uint_eq(count_said(LOG_WRITE_REFUSED), 1);
}
END_TEST

START_TEST(an_order_that_never_began_is_not_talked_about)
{
	door.opens_late = true;
	wish_move();
	plans(1);
	ck_assert(act_in_force(act)->move.active);
	act_ends();
	ck_assert_uint_eq(nsaid, 0);
	act_begins();
}
END_TEST

static int no_call(const struct hostfs *of, const char *path, const char *text)
{
	(void)of, (void)path, (void)text;
	return -EAGAIN;
}

START_TEST(an_end_that_is_heard_of_late_leaves_nothing)
{
	unsigned int threads, files = count_open_files();
	struct reclaimer *r;

	ck_assert_int_eq(reclaimer_new(&fs, no_call, &r), 0);
	threads = count_threads();
	door.shuts_early = true;
	door.ending = r;
	reclaimer_free(r);
	ck_assert_uint_eq(count_threads(), threads - 1);
	ck_assert_uint_eq(count_open_files(), files);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("act_workers");
	TCase *t = tcase_create("workers");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, without_a_thread_nothing_is_turned_off, 0, KT_ARRAY_LEN(works));
	tcase_add_test(t, an_order_that_never_began_is_not_talked_about);
	tcase_add_test(t, an_end_that_is_heard_of_late_leaves_nothing);
	suite_add_tcase(s, t);
	return kt_run(s);
}
