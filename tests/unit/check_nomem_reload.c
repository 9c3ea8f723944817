/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload without memory: is the old configuration in force, and is it said why? */
#include "nomem.h"

#include <sys/stat.h>

#include "answer.h"
#include "loop_fixture.h"

static int nticks;
static long failing; /* which request of a reload has no memory */
static struct answer answer = { .status = 200 };
static unsigned int nfailed;
static char said[1024];

static void hear(const struct log_event *event, void *context)
{
	(void)context;
	if (event->id == LOG_CONFIG_REJECTED)
		(void)snprintf(said, sizeof said, "%s", event->message);
}

void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = KT_NS_PER_S };
	if (nticks++ == 0) {
		nomem_begin(failing, NOMEM_ONCE);
		answer_reload(k, NULL, &answer);
		nfailed = nomem_end();
	} else {
		(void)raise(SIGTERM);
	}
}

START_TEST(the_old_configuration_stays_and_it_is_said_why)
{
	static const char what[] = "there was no memory to read the configuration, and the one "
				   "of before stays in force: reload when there is some";

	k->conf_path = "/nonexistent/kvmtuned.conf"; /* defaults */
	k->conf.interval_s = 77;
	failing = _i;
	log_set_sink(hear, NULL, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_uint_eq(nfailed, 1);
	ck_assert_uint_eq(k->conf.interval_s, 77);
	ck_assert_uint_eq(k->reloads, 0);
	ck_assert_int_eq(k->conf_error, -ENOMEM);
	ck_assert_msg(strstr(said, what) && strstr(said, k->conf_path), "%s", said);
	ck_assert_int_eq(answer.status, 500);
	ck_assert_ptr_nonnull(strstr(answer_text(answer.json), what));
	json_object_put(answer.json);
}
END_TEST

/* A file that cannot be opened or a folder that cannot be listed for that is no mistake. */
START_TEST(nor_is_a_drop_in_that_there_is_no_memory_for_a_mistake)
{
	char folder[] = "/tmp/kvmtuned-XXXXXX", drop_ins[64], drop_in[80], path[48];
	FILE *file;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(path, sizeof path, "%s/k", folder);
	(void)snprintf(drop_ins, sizeof drop_ins, "%s.d", path);
	(void)snprintf(drop_in, sizeof drop_in, "%s/10-a.conf", drop_ins);
	ck_assert_int_eq(mkdir(drop_ins, 0755), 0);
	file = fopen(drop_in, "w");
	ck_assert(file && fputs("[daemon]\ninterval_s = 7\n", file) >= 0 && fclose(file) == 0);
	k->conf_path = path;
	failing = _i;
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert(unlink(drop_in) == 0 && rmdir(drop_ins) == 0 && rmdir(folder) == 0);
	ck_assert_msg(nfailed == 1 && k->conf_error == -ENOMEM, "%ld: %u failed, error %d", failing,
		      nfailed, k->conf_error);
	json_object_put(answer.json);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("nomem_reload");
	TCase *c = tcase_create("nomem_reload");

	tcase_add_checked_fixture(c, loop_begin, loop_end);
	tcase_set_timeout(c, 30);
	/* ours, and the two of conf_load() */
	tcase_add_loop_test(c, the_old_configuration_stays_and_it_is_said_why, 1, 4);
	/* ... and libc's for a folder, its list, an entry, a file and what is read of it */
	tcase_add_loop_test(c, nor_is_a_drop_in_that_there_is_no_memory_for_a_mistake, 1, 9);
	suite_add_tcase(s, c);
	return kt_run(s);
}
