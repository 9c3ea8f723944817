/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ten thousand events at once: is anything lost, does anything grow, and is what is known
 * afterwards what a new list would say? */
#include <string.h>

#include "flood_fixture.h"

/* As the news tell it. */
static struct known {
	bool there, running;
	int id;
} known[GUESTS];

static size_t nnews;

static struct known *known_of(const struct uuid *u)
{
	for (size_t i = 0; i < GUESTS; i++)
		if (uuid_equal(&flooded_uuid[i], u))
			return &known[i];
	return NULL;
}

static void take(const struct virt_news *news)
{
	struct known *one = known_of(&news->uuid);

	nnews++;
	ck_assert(news->kind == VIRT_GUEST || news->kind == VIRT_GUEST_GONE);
	if (!one)
		return;
	if (news->kind == VIRT_GUEST_GONE) {
		ck_assert(one->there); /* gone and new take turns */
		one->there = false;
		return;
	}
	ck_assert(!one->there || one->id == news->guest.id);
	one->there = true;
	one->running = news->guest.running;
	one->id = news->guest.id;
}

static void take_all(void)
{
	struct virt_news news;

	while (virt_next(virt, &news))
		take(&news);
}

static bool is_as_listed(void)
{
	for (size_t i = 0; i < GUESTS; i++) {
		int state = state_of(flooded[i]);

		if (known[i].there != (state != VIR_DOMAIN_SHUTOFF))
			return false;
		if (known[i].there && (known[i].running != (state == VIR_DOMAIN_RUNNING) ||
				       known[i].id != (int)virDomainGetID(flooded[i])))
			return false;
	}
	return true;
}

static void until_as_listed(void)
{
	while (!is_as_listed()) {
		struct virt_news news = next();

		take(&news);
	}
}

/* 0: nobody takes news meanwhile; 1: somebody does. */
START_TEST(after_a_flood_all_is_known)
{
	uint64_t seed = 20 + (uint64_t)_i;
	struct cpumask cpus = one_cpu(3);
	struct virt_news news;

	make_guests(admin);
	for (int i = 0; i < EVENTS; i++) {
		something_happens(&seed);
		if (_i == 1)
			take_all();
	}
	until_as_listed();
	/* Events are folded: what nobody has looked at yet is one piece of news. */
	ck_assert_uint_le(nnews, 2 * EVENTS);
	if (_i == 0)
		ck_assert_uint_le(nnews, EVENTS / 4);
	ck_assert_int_eq(warnings, 0);
	/* And nothing is left that would come later. */
	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	while ((news = next()).kind != VIRT_REPLY)
		take(&news);
	ck_assert_int_eq(news.reply.error, 0);
	ck_assert(is_as_listed());
}
END_TEST

static void tear_down_all(void)
{
	free_guests();
	tear_down();
}

int main(void)
{
	Suite *s = suite_create("virt_flood");
	TCase *c = tcase_create("virt_flood");

	tcase_add_checked_fixture(c, set_up, tear_down_all);
	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, after_a_flood_all_is_known, 0, 2);
	suite_add_tcase(s, c);
	return kt_run(s);
}
