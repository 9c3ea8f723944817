/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Do the audit's helpers take facts for what they are, and owners at their word? */
#include "audit_fixture.h"

START_TEST(a_fact_is_known_absent_or_unknown)
{
	const struct fact known = fact(7), absent = { 0 }, unknown = fact_unknown(13);

	fixture_reset();
	ck_assert(audit_take(&fx.v, &known, "none"));
	ck_assert_uint_eq(fx.v.number[0], 7);
	ck_assert(!audit_take(&fx.v, &absent, "none"));
	ck_assert_int_eq(fx.v.result, AUDIT_NOT_APPLICABLE);
	ck_assert_str_eq(fx.v.reason, "none");
	ck_assert(!audit_take(&fx.v, &unknown, "none"));
	ck_assert_int_eq(fx.v.result, AUDIT_UNKNOWN);
	ck_assert_int_eq(fx.v.error, 13);
}
END_TEST

START_TEST(words_of_strangers_are_escaped_and_cut)
{
	struct word_fact f = fact_word("a\nb");
	char name[KT_NAME_MAX];

	fixture_reset();
	ck_assert(audit_take_word(&fx.v, &f, "none"));
	ck_assert_str_eq(fx.v.word[0], "a\\x0ab");
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	audit_say(fx.v.word[1], name);
	ck_assert_uint_eq(strlen(fx.v.word[1]), AUDIT_OWNER - 1);
}
END_TEST

START_TEST(words_are_equal_to_their_ends)
{
	ck_assert(audit_word_is("none", "none"));
	ck_assert(audit_word_is("", ""));
	ck_assert(!audit_word_is("non", "none"));
	ck_assert(!audit_word_is("none", "non"));
	ck_assert(!audit_word_is("", "none"));
	ck_assert(!audit_word_is("none", ""));
}
END_TEST

static const struct {
	uint64_t number;
	const char *word, *says;
	bool owned;
} owners[] = {
	{ 10, "", "10", true },
	{ 40, "", "40%", true },
	{ 10, "", "11", false },
	{ 10, "", "10 %", false },
	{ 10, "", "10x", false },
	{ 7, "", "", true }, /* it cannot be told: it may be his */
	{ 0, "", "%", false },
	{ 0, "", "18446744073709551616", false }, /* 2^64 is not 0 */
	{ 0, "never", "never", true },
	{ 0, "never", "nevermore", false },
	{ 0, "never", "nev", false },
	{ 0, "never", "", true },
	{ 0, "ondemand", "schedutil|ondemand|powersave", true },
	{ 0, "powersave", "schedutil|ondemand|powersave", true },
	{ 0, "demand", "schedutil|ondemand", false },
};

START_TEST(what_an_owner_says_is_ok)
{
	fixture_reset();
	fx.v.number[0] = owners[_i].number;
	memcpy(fx.v.word[0], owners[_i].word, strlen(owners[_i].word) + 1);
	fx.v.result = AUDIT_UNKNOWN;
	fixture_owner(OWNED_KSM, owners[_i].says);
	ck_assert_msg(audit_owned(&fx.in, &fx.v, OWNED_KSM) == owners[_i].owned, "%s: %s",
		      owners[_i].word, owners[_i].says);
	ck_assert_int_eq(fx.v.result, owners[_i].owned ? AUDIT_OK : AUDIT_UNKNOWN);
	ck_assert_str_eq(fx.v.owner, "tuned profile mine");
}
END_TEST

START_TEST(what_nobody_owns_is_not_judged_by_owners)
{
	fixture_reset();
	ck_assert(!audit_owned(&fx.in, &fx.v, OWNED_KSM));
	ck_assert_ptr_null(fx.v.owner);
}
END_TEST

static const struct {
	const char *profile;
	bool is_for_latency;
} profiles[] = {
	{ "", false },
	{ "virtual-host", false },
	{ "cpu-partitioning", true },
	{ "cpu-partitioning-powersave", true },
	{ "mine realtime-virtual-host", true },
	{ "realtime-virtual-guest", false },
	{ "my-cpu-partitioning", false },
	{ "virtual-host ", false },
};

START_TEST(profiles_for_latency_have_their_way)
{
	fixture_reset();
	strcpy(fx.host.tuned_profile, profiles[_i].profile);
	ck_assert_msg(audit_owned_by_latency(&fx.in, &fx.v) == profiles[_i].is_for_latency, "%s",
		      profiles[_i].profile);
	ck_assert(!fx.v.owner == !profiles[_i].is_for_latency);
}
END_TEST

/* ---- counts of guests ------------------------------------------------------------------- */

static bool has_balloon(const struct audit_input *in, size_t slot)
{
	return in->domains->slot[slot].domain.audit.has_balloon;
}

/* By guests: y it is so, n it is not, ? not known. */
static const struct {
	const char *guests;
	enum audit_result any, not_all, some; /* OK: the caller goes on */
} counts[] = {
	{ "", AUDIT_NOT_APPLICABLE, AUDIT_OK, AUDIT_NOT_APPLICABLE },
	{ "y", AUDIT_OK, AUDIT_NOT_APPLICABLE, AUDIT_OK },
	{ "n", AUDIT_NOT_APPLICABLE, AUDIT_OK, AUDIT_OK },
	{ "?", AUDIT_UNKNOWN, AUDIT_UNKNOWN, AUDIT_UNKNOWN },
	{ "yn", AUDIT_OK, AUDIT_OK, AUDIT_OK },
	{ "y?", AUDIT_OK, AUDIT_UNKNOWN, AUDIT_UNKNOWN },
	{ "n?", AUDIT_UNKNOWN, AUDIT_OK, AUDIT_UNKNOWN },
};

static enum audit_result result_of(bool goes_on)
{
	enum audit_result result = fx.v.result;

	ck_assert(goes_on == (result == AUDIT_OK));
	ck_assert(goes_on == !fx.v.reason);
	memset(&fx.v, 0, sizeof fx.v);
	return result;
}

START_TEST(guests_that_are_not_known_are_not_counted_as_anything)
{
	struct audit_count count;

	fixture_reset();
	for (const char *g = counts[_i].guests; *g; g++) {
		struct audit_guest *guest = fixture_guest();

		guest->known = *g != '?';
		guest->has_balloon = *g == 'y';
	}
	count = audit_count(&fx.in, has_balloon);
	ck_assert_int_eq(result_of(audit_any(&fx.v, count, "none")), counts[_i].any);
	ck_assert_int_eq(result_of(audit_not_all(&fx.v, count, "all")), counts[_i].not_all);
	ck_assert_int_eq(result_of(audit_some_guests(&fx.v, count)), counts[_i].some);
}
END_TEST

START_TEST(without_libvirt_nothing_is_said_of_guests)
{
	fixture_reset();
	fixture_guest()->has_balloon = true;
	fx.in.view = &fx.view;
	ck_assert(!audit_any(&fx.v, audit_count(&fx.in, has_balloon), "none"));
	ck_assert_int_eq(fx.v.result, AUDIT_UNKNOWN);
	fx.view.guests_known = true;
	ck_assert(audit_any(&fx.v, audit_count(&fx.in, has_balloon), "none"));
	fx.in.domains = NULL;
	ck_assert(!audit_not_all(&fx.v, audit_count(&fx.in, has_balloon), "all"));
	ck_assert_int_eq(fx.v.result, AUDIT_UNKNOWN);
}
END_TEST

START_TEST(free_slots_are_no_guests)
{
	fixture_reset();
	fixture_guest()->has_balloon = true;
	fx.domains.slot[0].used = false;
	ck_assert_uint_eq(audit_count(&fx.in, has_balloon).of, 0);
	ck_assert_uint_eq(audit_count(&fx.in, has_balloon).yes, 0);
}
END_TEST

START_TEST(what_is_in_force_is_of_one_life_of_a_guest)
{
	fixture_reset();
	fixture_guest();
	ck_assert_ptr_null(audit_in_force(&fx.in, 0));
	fx.in_force.guest[0].incarnation = 1;
	ck_assert_ptr_eq(audit_in_force(&fx.in, 0), &fx.in_force.guest[0]);
	fx.in.in_force = NULL;
	ck_assert_ptr_null(audit_in_force(&fx.in, 0));
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit");
	TCase *t = tcase_create("helpers");

	tcase_add_test(t, a_fact_is_known_absent_or_unknown);
	tcase_add_test(t, words_of_strangers_are_escaped_and_cut);
	tcase_add_test(t, words_are_equal_to_their_ends);
	tcase_add_loop_test(t, what_an_owner_says_is_ok, 0, KT_ARRAY_LEN(owners));
	tcase_add_test(t, what_nobody_owns_is_not_judged_by_owners);
	tcase_add_loop_test(t, profiles_for_latency_have_their_way, 0, KT_ARRAY_LEN(profiles));
	tcase_add_loop_test(t, guests_that_are_not_known_are_not_counted_as_anything, 0,
			    KT_ARRAY_LEN(counts));
	tcase_add_test(t, without_libvirt_nothing_is_said_of_guests);
	tcase_add_test(t, free_slots_are_no_guests);
	tcase_add_test(t, what_is_in_force_is_of_one_life_of_a_guest);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
