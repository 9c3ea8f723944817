/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is what the operator has stopped stopped for as long as he said, restarts included? */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "log.h"
#include "pause.h"
#include "scratch.h"
#include "standard_conf.h"

static struct pauses p;
static char dir[64], file[80];
static unsigned int nwarnings;

static void count_warning(const struct log_event *event, void *context)
{
	(void)context;
	nwarnings += event->level <= LOG_LEVEL_WARNING;
}

static void setup(void)
{
	p = (struct pauses){ 0 };
	scratch_make(dir, sizeof dir);
	(void)snprintf(file, sizeof file, "%s/pauses", dir);
	nwarnings = 0;
	log_set_sink(count_warning, NULL, LOG_LEVEL_DEBUG);
}

static void teardown(void)
{
	ck_assert_int_eq(scratch_remove(dir), 0);
}

static struct uuid guest(unsigned int number)
{
	return (struct uuid){ { [0] = (uint8_t)number, [1] = (uint8_t)(number >> 8), [15] = 1 } };
}

static void hold(unsigned int number, enum guest_hold how, uint64_t until_ns)
{
	struct uuid uuid = guest(number);

	ck_assert_int_eq(pauses_set_guest(&p, &uuid, how, until_ns), 0);
}

static enum guest_hold held(unsigned int number, uint64_t *ret_until_ns)
{
	struct uuid uuid = guest(number);

	return pauses_of_guest(&p, &uuid, ret_until_ns);
}

START_TEST(a_guest_is_held_in_one_way_at_a_time)
{
	uint64_t until_ns = 7;

	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_NONE);
	ck_assert_uint_eq(until_ns, 7);
	hold(1, GUEST_HOLD_PAUSED, 100);
	hold(2, GUEST_HOLD_PAUSED, 300);
	hold(1, GUEST_HOLD_RELEASED, UINT64_MAX);
	ck_assert_uint_eq(p.n, 2);
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_RELEASED);
	ck_assert_uint_eq(until_ns, UINT64_MAX);
	pauses_clear_guest(&p, &(struct uuid){ { 1, [15] = 1 } });
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_NONE);
	ck_assert_int_eq(held(2, &until_ns), GUEST_HOLD_PAUSED);
	ck_assert_uint_eq(until_ns, 300);
}
END_TEST

START_TEST(there_are_no_more_than_there_is_room_for)
{
	struct uuid another = guest(PAUSES_MAX);

	for (unsigned int i = 0; i < PAUSES_MAX; i++)
		hold(i, GUEST_HOLD_PAUSED, UINT64_MAX);
	ck_assert_int_eq(pauses_set_guest(&p, &another, GUEST_HOLD_PAUSED, 1), -ENOSPC);
	ck_assert(uuid_equal(&p.guest[0].uuid, &(struct uuid){ { 0, [15] = 1 } }));
	hold(PAUSES_MAX - 1, GUEST_HOLD_RELEASED, 5); /* has its place already */
	pauses_clear_guest(&p, &(struct uuid){ { 0, [15] = 1 } });
	hold(PAUSES_MAX, GUEST_HOLD_PAUSED, 1);
}
END_TEST

START_TEST(a_pause_ends_at_its_time_and_is_told_once)
{
	struct ended_pause ended;

	p.loop_until_ns[LOOP_KSM] = 100;
	p.loop_until_ns[LOOP_MEMORY] = UINT64_MAX;
	hold(1, GUEST_HOLD_RELEASED, 50);
	hold(2, GUEST_HOLD_PAUSED, UINT64_MAX);
	ck_assert_uint_eq(pauses_next_end_ns(&p), 50);
	ck_assert(!pauses_take_ended(&p, 49, &ended));
	ck_assert(pauses_take_ended(&p, 50, &ended));
	ck_assert(!ended.is_of_loop && ended.guest.hold == GUEST_HOLD_RELEASED);
	ck_assert_uint_eq(ended.guest.uuid.byte[0], 1);
	ck_assert(!pauses_take_ended(&p, 99, &ended));
	ck_assert_uint_eq(pauses_next_end_ns(&p), 100);
	ck_assert(pauses_take_ended(&p, 100, &ended));
	ck_assert(ended.is_of_loop && ended.loop == LOOP_KSM);
	ck_assert_uint_eq(pauses_next_end_ns(&p), UINT64_MAX);
	ck_assert(!pauses_take_ended(&p, UINT64_MAX - 1, &ended));
	ck_assert_uint_eq(p.n, 1);
}
END_TEST

START_TEST(a_loop_that_is_paused_is_so_unless_it_is_off)
{
	struct policy_conf conf = standard_policy_conf(), all = conf;

	pauses_apply(&p, &all);
	ck_assert_mem_eq(&all, &conf, sizeof conf);
	p.loop_until_ns[LOOP_KSM] = 1;
	pauses_apply(&p, &all);
	ck_assert_int_eq(all.ksm.mode, LOOP_PAUSED);
	ck_assert_int_eq(all.placement.mode, LOOP_ACTIVE);
	p.loop_until_ns[LOOP_PLACEMENT] = UINT64_MAX;
	p.loop_until_ns[LOOP_MEMORY] = 1;
	all.placement.mode = LOOP_OFF;
	all.memory.mode = LOOP_OBSERVE;
	pauses_apply(&p, &all);
	ck_assert_int_eq(all.placement.mode, LOOP_OFF);
	ck_assert_int_eq(all.memory.mode, LOOP_PAUSED);
}
END_TEST

/* ---- the file ----------------------------------------------------------------------------- */

static void write_text(const char *text, size_t length)
{
	FILE *f = fopen(file, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, length, f), length);
	ck_assert_int_eq(fclose(f), 0);
}

#define GUEST_1 "guest 01000000-0000-0000-0000-000000000001 paused 5\n"
#define GUEST_2 "guest 02000000-0000-0000-0000-000000000001 released resumed\n"

START_TEST(what_is_paused_outlives_the_process)
{
	struct pauses then;
	struct stat st;

	p.loop_until_ns[LOOP_PLACEMENT] = 123456789;
	p.loop_until_ns[LOOP_MEMORY] = UINT64_MAX;
	for (unsigned int i = 0; i < PAUSES_MAX; i++)
		hold(i, i % 2 ? GUEST_HOLD_PAUSED : GUEST_HOLD_RELEASED,
		     i % 3 ? UINT64_MAX : i + UINT64_C(1));
	ck_assert_int_eq(pauses_save(&p, dir), 0);
	ck_assert_int_eq(stat(file, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	pauses_load(&then, dir);
	ck_assert_uint_eq(then.n, PAUSES_MAX);
	ck_assert_mem_eq(then.loop_until_ns, p.loop_until_ns, sizeof p.loop_until_ns);
	for (size_t i = 0; i < PAUSES_MAX; i++) {
		ck_assert(uuid_equal(&then.guest[i].uuid, &p.guest[i].uuid));
		ck_assert_int_eq(then.guest[i].hold, p.guest[i].hold);
		ck_assert_uint_eq(then.guest[i].until_ns, p.guest[i].until_ns);
	}
	ck_assert_uint_eq(nwarnings, 0);
}
END_TEST

START_TEST(without_a_pause_there_is_no_file)
{
	hold(1, GUEST_HOLD_PAUSED, 5);
	ck_assert_int_eq(pauses_save(&p, dir), 0);
	pauses_clear_guest(&p, &(struct uuid){ { 1, [15] = 1 } });
	ck_assert_int_eq(pauses_save(&p, dir), 0);
	ck_assert_int_eq(access(file, F_OK), -1);
	ck_assert_int_eq(pauses_save(&p, dir), 0);
	pauses_load(&p, dir);
	ck_assert_uint_eq(p.n + nwarnings, 0);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_an_error)
{
	hold(1, GUEST_HOLD_PAUSED, 5);
	ck_assert_int_eq(pauses_save(&p, "/nonexistent"), -ENOENT);
}
END_TEST

#define TEXT(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static const struct {
	const char *text;
	size_t length;
} damaged[] = {
	TEXT(""),
	TEXT("kvmtuned-pauses 1\n"),
	TEXT("kvmtuned-pauses 1\nend 0"),
	TEXT("kvmtuned-pauses 2\nend 0\n"),
	TEXT("kvmtuned-pauses 1\nend 1\n"),
	TEXT("kvmtuned-pauses 1\n" GUEST_1 "end 2\n"),
	TEXT("kvmtuned-pauses 1\n" GUEST_1 "end 1\n\n"),
	TEXT("kvmtuned-pauses 1\n" GUEST_1 GUEST_1 "end 2\n"),
	TEXT("kvmtuned-pauses 1\nguest x paused 5\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nguest 01000000-0000-0000-0000-000000000001 none 5\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nguest 01000000-0000-0000-0000-000000000001 paused 0\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nguest 01000000-0000-0000-0000-000000000001 paused -5\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nguest 01000000-0000-0000-0000-000000000001 paused 5 x\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nloop ksm 5\nloop ksm 5\nend 2\n"),
	TEXT("kvmtuned-pauses 1\nloop cpu 5\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nloop ksm 18446744073709551615\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nloop ksm 18446744073709551616\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nloop ksm\nend 1\n"),
	TEXT("kvmtuned-pauses 1\nloop ksm 5\0\nend 1\n"),
	TEXT("kvmtuned-pauses 1\n\nend 1\n"),
};

START_TEST(a_damaged_file_counts_for_nothing_and_is_said)
{
	write_text(damaged[_i].text, damaged[_i].length);
	hold(9, GUEST_HOLD_PAUSED, 1);
	pauses_load(&p, dir);
	ck_assert_msg(nwarnings == 1, "%s", damaged[_i].text);
	ck_assert_mem_eq(&p, &(struct pauses){ 0 }, sizeof p);
}
END_TEST

START_TEST(a_file_with_more_than_there_is_room_for_counts_for_nothing)
{
	FILE *f = fopen(file, "w");
	char uuid[KT_UUID_STR];

	ck_assert_ptr_nonnull(f);
	fputs("kvmtuned-pauses 1\n", f);
	for (unsigned int i = 0; i <= PAUSES_MAX; i++) {
		struct uuid u = guest(i);

		fprintf(f, "guest %s paused 5\n", uuid_str(&u, uuid));
	}
	fprintf(f, "end %d\n", PAUSES_MAX + 1);
	ck_assert_int_eq(fclose(f), 0);
	pauses_load(&p, dir);
	ck_assert_uint_eq(nwarnings, 1);
	ck_assert_uint_eq(p.n, 0);
}
END_TEST

START_TEST(a_good_file_is_read)
{
	static const char text[] =
		"kvmtuned-pauses 1\nloop ksm resumed\n" GUEST_1 GUEST_2 "end 3\n";
	uint64_t until_ns = 0;

	write_text(text, sizeof text - 1);
	pauses_load(&p, dir);
	ck_assert_uint_eq(nwarnings, 0);
	ck_assert_uint_eq(p.loop_until_ns[LOOP_KSM], UINT64_MAX);
	ck_assert_int_eq(held(1, &until_ns), GUEST_HOLD_PAUSED);
	ck_assert_uint_eq(until_ns, 5);
	ck_assert_int_eq(held(2, &until_ns), GUEST_HOLD_RELEASED);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
	ck_assert_int_eq(symlink("/dev/zero", file), 0);
	pauses_load(&p, dir);
	ck_assert_uint_eq(nwarnings, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pause");
	TCase *c = tcase_create("pause");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_guest_is_held_in_one_way_at_a_time);
	tcase_add_test(c, there_are_no_more_than_there_is_room_for);
	tcase_add_test(c, a_pause_ends_at_its_time_and_is_told_once);
	tcase_add_test(c, a_loop_that_is_paused_is_so_unless_it_is_off);
	tcase_add_test(c, what_is_paused_outlives_the_process);
	tcase_add_test(c, without_a_pause_there_is_no_file);
	tcase_add_test(c, a_file_that_cannot_be_written_is_an_error);
	tcase_add_loop_test(c, a_damaged_file_counts_for_nothing_and_is_said, 0,
			    KT_ARRAY_LEN(damaged));
	tcase_add_test(c, a_file_with_more_than_there_is_room_for_counts_for_nothing);
	tcase_add_test(c, a_good_file_is_read);
	tcase_add_test(c, a_link_is_not_followed);
	suite_add_tcase(s, c);
	return kt_run(s);
}
