/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All kinds of answers of a host with hostile guests.  With KT_ANSWERS_DIR they are written
 * there, one file each, for tests/schemas; without, it is enough that each can be read. */
#include "answer_fixture.h"

static const char *in_state; /* which the host is in, for the names of files */

static void keep(const char *schema, const char *what, const char *text)
{
	const char *folder = getenv("KT_ANSWERS_DIR");
	char path[256];
	FILE *file;

	if (!folder)
		return;
	snprintf(path, sizeof path, "%s/%s.%s-%s", folder, schema, in_state, what);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	fputs(text, file);
	ck_assert_int_eq(fclose(file), 0);
}

static void take(const char *schema, const char *what, answer_fn *fn, struct question q)
{
	const char *text = ask(fn, q);
	struct json_object *parsed = json_tokener_parse(text);

	ck_assert_msg(parsed != NULL, "%s", text);
	json_object_put(parsed);
	keep(answer.status == 200 ? schema : "error", what, text);
}

static void take_stream(void)
{
	struct question q = { .given = ASKS_FOLLOW | ASKS_AFTER };
	char *rest, what[32];
	int n = 0;

	answer_forget();
	answer_decisions(k, &q, &answer);
	rest = answer.text;
	for (char *line; rest && (line = strsep(&rest, "\n")) && *line;) {
		snprintf(what, sizeof what, "line-%d", n++);
		keep("decision", what, line);
	}
}

static void take_all(const char *state)
{
	struct question nothing = { 0 }, recent = { .given = ASKS_RECENT };
	char what[32];

	in_state = state;
	take("status", "all", answer_status, nothing);
	take("plan", "all", answer_plan, nothing);
	take("decisions", "all", answer_decisions, nothing);
	take("history", "minutes", answer_history, nothing);
	take("history", "ticks", answer_history, recent);
	take("config", "all", answer_config, nothing);
	take("audit", "findings", answer_audit, nothing);
	take("audit", "all", answer_audit, (struct question){ .given = ASKS_ALL });
	take("advise", "all", answer_advise,
	     (struct question){ .given = ASKS_VCPUS | ASKS_MIB, .vcpus = 2, .mib = 1 });
	take("explain", "nobody", answer_explain, about_guest("nob\"ody\n"));
	for (enum kt_loop loop = 0; loop < _LOOP_MAX; loop++)
		take("explain", loop_str(loop), answer_explain,
		     (struct question){ .given = ASKS_LOOP, .loop = loop });
	for (size_t i = 0; i < KT_ARRAY_LEN(hostile_names); i++) {
		snprintf(what, sizeof what, "guest-%zu", i);
		take("explain", what, answer_explain, about_guest(hostile_names[i]));
		take("audit", what, answer_audit, about_guest(hostile_names[i]));
	}
	take_stream();
}

static void everything_in_force(void)
{
	for (size_t i = 0; i < k->domains->nslots; i++)
		in_force->guest[i] = (struct guest_in_force){
			.incarnation = k->domains->slot[i].incarnation,
			.pinned = true,
			.nodes = 3,
			.limited = true,
			.soft_limit_kib = 300,
			.pin_off = true,
			.pin_changed_ns = 2 * KT_NS_PER_S,
		};
	in_force->move = (struct move_in_force){ .active = true, .slot = 1, .off = true };
	in_force->ksm = (struct ksm_in_force){ .ours = true };
}

START_TEST(all_answers_can_be_read)
{
	struct uuid uuid = domain_of(2).uuid;

	log_set_listener(history_listen, k->history, LOG_LEVEL_INFO);
	for (unsigned int i = 0; i < KT_ARRAY_LEN(hostile_names); i++)
		add_guest(i + 1, hostile_names[i]);
	take_all("unknown");
	tick(KT_NS_PER_S);
	take_all("young");
	tick(3 * KT_NS_PER_S);
	everything_in_force();
	k->link_up = false;
	k->conf_path = "/\x1b\n\"";
	k->conf.nrules = 1;
	strcpy(k->conf.rule[0].glob, "\xff\"*");
	k->pauses.loop_until_ns[LOOP_PLACEMENT] = UINT64_MAX;
	k->pauses.loop_until_ns[LOOP_MEMORY] = now_monotonic_ns() + 60 * KT_NS_PER_S;
	ck_assert_int_eq(pauses_set_guest(&k->pauses, &uuid, GUEST_HOLD_RELEASED, UINT64_MAX), 0);
	take_all("busy");
	tick(now_monotonic_ns());
	take_all("paused");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("answer_schema");
	TCase *c = tcase_create("answers");

	tcase_add_checked_fixture(c, answer_setup, answer_teardown);
	tcase_add_test(c, all_answers_can_be_read);
	suite_add_tcase(s, c);
	return kt_run(s);
}
