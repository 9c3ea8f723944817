/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is it said at the start who else writes what we write, and nothing else? */
#include "nomem.h"

#include "log.h"
#include "rivals.h"
#include "sense_root.h"

static char said[4096];
static unsigned int nsaid;

static void listen(const struct log_event *e, void *context)
{
	size_t used = strlen(said);

	(void)context;
	nsaid++;
	(void)snprintf(said + used, sizeof said - used, "%s: %s\n", e->actuator, e->message);
}

static bool say(const struct policy_conf *conf)
{
	memset(said, 0, sizeof said);
	nsaid = 0;
	log_set_sink(listen, NULL, LOG_LEVEL_INFO);
	return rivals_look(&fs, conf, false);
}

static struct policy_conf all_active(void)
{
	return (struct policy_conf){ .mode = DAEMON_ACTIVE,
				     .ksm = { .mode = LOOP_ACTIVE, .policy = KSM_POLICY_AUTO },
				     .placement = { .mode = LOOP_ACTIVE } };
}

static void put_daemon(const char *name, unsigned int uid)
{
	putf("proc/77/comm", "%s\n", name);
	putf("proc/77/status", "Name:\t%s\nUmask:\t0022\nUid:\t%u\t0\t0\t0\n", name, uid);
}

static void put_ksmtuned(void)
{
	put_daemon("ksmtuned", 0);
}

static void put_numad(void)
{
	put_daemon("numad", 0);
}

static void put_mom(void)
{
	put("sys/fs/cgroup/system.slice/mom-vdsm.service/cgroup.procs", "");
}

static void put_mom_v1(void)
{
	put("sys/fs/cgroup/systemd/system.slice/momd.service/tasks", "");
}

static void put_tuned(void)
{
	put("etc/tuned/active_profile", "mine\n");
	put("etc/tuned/mine/tuned.conf", "[sysfs]\n/sys/kernel/mm/ksm/run=2\n");
}

static void put_isolated(void)
{
	put("etc/tuned/active_profile", "mine\n");
	put("etc/tuned/mine/tuned.conf", "[variables]\nisolated_cores=2-7\n");
}

static const struct {
	void (*put)(void);
	const char *says;
	bool of_ksm;
} rivals[] = {
	{ put_ksmtuned, "ksm: ksmtuned runs (process 77)", true },
	{ put_mom, "ksm: mom-vdsm.service is active", true },
	{ put_mom_v1, "ksm: momd.service is active", true },
	{ put_tuned, "ksm: tuned profile mine sets KSM", true },
	{ put_isolated, "ksm: tuned profile mine ends KSM", true },
	{ put_numad, "placement: numad runs (process 77)", false },
};

START_TEST(each_is_told_where_a_loop_would_meet_it)
{
	struct policy_conf conf = all_active();

	rivals[_i].put();
	say(&conf);
	ck_assert_msg(nsaid == 1 && strncmp(said, rivals[_i].says, strlen(rivals[_i].says)) == 0,
		      "%s", said);
	if (rivals[_i].of_ksm)
		conf.placement.mode = LOOP_OFF;
	else
		conf.ksm.mode = LOOP_OFF;
	say(&conf);
	ck_assert_uint_eq(nsaid, 1);
	conf = all_active();
	if (rivals[_i].of_ksm)
		conf.ksm.mode = LOOP_OBSERVE;
	else
		conf.placement.mode = LOOP_OFF;
	say(&conf);
	ck_assert_msg(nsaid == 0, "%s", said);
	conf = all_active();
	conf.mode = DAEMON_OBSERVE;
	say(&conf);
	ck_assert_msg(nsaid == 0, "%s", said);
}
END_TEST

START_TEST(others_are_not_told)
{
	struct policy_conf conf = all_active();

	say(&conf);
	ck_assert_msg(nsaid == 0, "%s", said);
	put_daemon("ksmtuned", 1000); /* whoever calls himself so */
	put("etc/tuned/active_profile", "mine\n");
	put("etc/tuned/mine/tuned.conf", "[sysctl]\nvm.swappiness=2\n");
	put("sys/fs/cgroup/system.slice/ksm.service/cgroup.procs", "");
	say(&conf);
	ck_assert_msg(nsaid == 0, "%s", said);
	put_ksmtuned();
	conf.ksm.policy = KSM_POLICY_OFF;
	say(&conf);
	ck_assert_msg(nsaid == 0, "%s", said);
}
END_TEST

START_TEST(tuned_has_ksm_where_its_profile_says_so)
{
	struct policy_conf conf = all_active();

	ck_assert(!say(&conf));
	put_tuned();
	ck_assert(say(&conf));
	conf.ksm.advisor = KSM_ADVISOR_TAKE_OVER;
	say(&conf); /* the operator has said so */
	ck_assert_msg(nsaid == 0, "%s", said);
	put_isolated();
	ck_assert(say(&conf));
	put("etc/tuned/mine/tuned.conf", "[sysctl]\nvm.swappiness=2\n");
	ck_assert(!say(&conf));
}
END_TEST

/* Else it would be taken from tuned. */
START_TEST(without_memory_to_look_what_was_known_holds)
{
	struct policy_conf conf = all_active();
	unsigned int nfailed = 1;

	put_tuned();
	for (long at = 1; nfailed > 0; at++) {
		bool known = (at + _i) % 2, has;

		nomem_begin(at, NOMEM_ONCE);
		has = rivals_look(&fs, &conf, known);
		nfailed = nomem_end();
		ck_assert_msg(has || (nfailed > 0 && !known), "request %ld", at);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rivals");
	TCase *c = tcase_create("rivals");

	tcase_add_checked_fixture(c, root_setup, root_teardown);
	tcase_add_loop_test(c, each_is_told_where_a_loop_would_meet_it, 0,
			    (int)KT_ARRAY_LEN(rivals));
	tcase_add_test(c, others_are_not_told);
	tcase_add_test(c, tuned_has_ksm_where_its_profile_says_so);
	tcase_add_loop_test(c, without_memory_to_look_what_was_known_holds, 0, 2);
	suite_add_tcase(s, c);
	return kt_run(s);
}
