/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Are the audit's rules of CPUs, modules and devices of the host right? */
#include "audit_fixture.h"

static void with_nothing(void)
{
}

/* ---- running and sleeping ----------------------------------------------------------------- */

static void with_governor(const char *first, uint64_t not_performance)
{
	fx.host.cpus.governors = fact(16);
	fx.host.cpus.not_performance = fact(not_performance);
	strcpy(fx.host.cpus.first_governor, first);
}

static void performance(void)
{
	with_governor("", 0);
}

static void one_powersave(void)
{
	with_governor("powersave", 1);
}

static void powersave_owned(void)
{
	with_governor("powersave", 16);
	fixture_owner(OWNED_GOVERNOR, "schedutil|powersave");
}

static void governor_unreadable(void)
{
	with_governor("", 0);
	fx.host.cpus.not_performance = fact_unknown(5);
}

static void with_cstates(uint64_t deepest_us, uint64_t limit_us)
{
	fx.host.cpus.deepest_cstate_us = fact(deepest_us);
	fx.host.cpus.cstate_limit_us = fact(limit_us);
}

static void shallow(void)
{
	with_cstates(70, 2000000000);
}

static void deep(void)
{
	with_cstates(71, 2000000000);
}

static void deep_limited(void)
{
	with_cstates(133, 70);
}

static void deep_limited_too_late(void)
{
	with_cstates(133, 71);
}

static void deep_limited_by_owner(void)
{
	with_cstates(400, 133);
	fixture_owner(OWNED_CSTATES, "cstate.id_no_zero:3|70");
}

static void deep_owner_does_nothing(void)
{
	with_cstates(400, 2000000000);
	fixture_owner(OWNED_CSTATES, "cstate.id_no_zero:3|70");
}

static void deep_limit_hidden(void)
{
	deep();
	fx.host.cpus.cstate_limit_us = fact_unknown(13);
}

static void shallow_limit_hidden(void)
{
	shallow();
	fx.host.cpus.cstate_limit_us = fact_unknown(13);
}

static void cstates_unreadable(void)
{
	deep();
	fx.host.cpus.deepest_cstate_us = fact_unknown(5);
}

/* On 16 CPUs. */
static void with_polling(uint64_t ns, unsigned int vcpus)
{
	fixture_guest();
	fx.domains.slot[0].domain.vcpus = vcpus;
	fx.host.cpus.halt_poll_ns = fact(ns);
}

static void polls_alone(void)
{
	with_polling(200000, 16);
}

static void polls_not(void)
{
	with_polling(0, 16);
}

static void polls_in_a_crowd(void)
{
	with_polling(200000, 17);
}

static void polls_less_in_a_crowd(void)
{
	with_polling(199999, 17);
}

static void polls_not_owned(void)
{
	polls_not();
	fixture_owner(OWNED_HALT_POLL, "0");
}

static void polls_for_unknown_guests(void)
{
	polls_alone();
	fx.in.domains = NULL;
}

static void polling_unreadable(void)
{
	polls_alone();
	fx.host.cpus.halt_poll_ns = fact_unknown(13);
}

/* ---- modules ------------------------------------------------------------------------------ */

static void modules_on(void)
{
	fx.host.cpus.ept = fx.host.cpus.npt = fx.host.cpus.nested = fact(1);
	fixture_guest();
}

static void modules_off(void)
{
	fx.host.cpus.ept = fx.host.cpus.npt = fx.host.cpus.nested = fact(0);
	fixture_guest();
}

static void modules_unreadable(void)
{
	fx.host.cpus.ept = fx.host.cpus.npt = fx.host.cpus.nested = fact_unknown(13);
}

static void nested_used(void)
{
	modules_on();
	fixture_guest()->uses_nested = true;
}

static void nested_guest_unknown(void)
{
	modules_on();
	fixture_guest()->known = false;
}

static void not_nested_guest_unknown(void)
{
	modules_off();
	fixture_guest()->known = false;
}

static void nested_guests_unknown(void)
{
	modules_on();
	fx.in.domains = NULL;
}

/* ---- devices ------------------------------------------------------------------------------ */

static void with_disk(const char *name, const char *scheduler, bool is_nvme, bool is_rotational)
{
	struct audit_disk *d = &fx.host.disk[fx.host.ndisks++];

	strcpy(d->name, name);
	strcpy(d->scheduler, scheduler);
	d->is_nvme = is_nvme;
	d->is_rotational = is_rotational;
}

static void disks_good(void)
{
	with_disk("nvme0n1", "none", true, false);
	with_disk("sda", "mq-deadline", false, true);
	with_disk("sdb", "deadline", false, true);
	with_disk("sdc", "noop", false, true);
	with_disk("sdd", "none", false, false);
	with_disk("sde", "", false, true);
}

static void disk_nvme_scheduled(void)
{
	with_disk("nvme0n1", "mq-deadline", true, false);
}

static void disk_turning_unscheduled(void)
{
	with_disk("sda", "none", false, true);
}

static void disk_fair(void)
{
	with_disk("sda", "bfq", false, false);
}

static void disk_owned(void)
{
	disk_fair();
	fixture_owner(OWNED_BLOCK_SCHEDULER, "bfq");
}

static void disk_owner_says_another(void)
{
	disk_fair();
	fixture_owner(OWNED_BLOCK_SCHEDULER, "kyber");
}

static void disks_unreadable(void)
{
	disks_good();
	fx.host.disks = fact_unknown(13);
}

static void disks_unreadable_one_fair(void)
{
	disks_unreadable();
	disk_fair();
}

static void disks_without_schedulers(void)
{
	with_disk("sda", "", false, true);
}

static void with_nics(unsigned int n, unsigned int of)
{
	fixture_guest()->nic_model = (struct count_fact){ .n = n, .of = of };
	fx.host.has_vhost_net = fact(1);
}

static void vhost(void)
{
	with_nics(0, 1);
}

static void vhost_missing(void)
{
	with_nics(1, 2);
	fx.host.has_vhost_net = fact(0);
}

static void vhost_absent(void)
{
	with_nics(0, 1);
	fx.host.has_vhost_net = (struct fact){ 0 };
}

static void vhost_not_wanted(void)
{
	with_nics(2, 2);
	fx.host.has_vhost_net = fact(0);
}

static void vhost_guest_unknown(void)
{
	vhost_not_wanted();
	fixture_guest()->known = false;
}

static void vhost_unreadable(void)
{
	with_nics(0, 1);
	fx.host.has_vhost_net = fact_unknown(13);
}

#define OK      AUDIT_OK
#define FINDING AUDIT_FINDING
#define NONE    AUDIT_NOT_APPLICABLE
#define UNKNOWN AUDIT_UNKNOWN

static const struct audit_row rows[] = {
	{ "performance", "host-cpu-governor", performance, OK },
	{ "one powersave", "host-cpu-governor", one_powersave, FINDING },
	{ "owned", "host-cpu-governor", powersave_owned, OK },
	{ "absent", "host-cpu-governor", with_nothing, NONE },
	{ "unreadable", "host-cpu-governor", governor_unreadable, UNKNOWN },

	{ "shallow", "host-cpu-cstates", shallow, OK },
	{ "deep", "host-cpu-cstates", deep, FINDING },
	{ "limited", "host-cpu-cstates", deep_limited, OK },
	{ "limited too late", "host-cpu-cstates", deep_limited_too_late, FINDING },
	{ "limited by tuned", "host-cpu-cstates", deep_limited_by_owner, OK },
	{ "tuned has no limit", "host-cpu-cstates", deep_owner_does_nothing, FINDING },
	{ "limit hidden", "host-cpu-cstates", deep_limit_hidden, NONE },
	{ "limit hidden, not needed", "host-cpu-cstates", shallow_limit_hidden, OK },
	{ "absent", "host-cpu-cstates", with_nothing, NONE },
	{ "unreadable", "host-cpu-cstates", cstates_unreadable, UNKNOWN },

	{ "as many vCPUs as CPUs", "host-halt-poll", polls_alone, OK },
	{ "off without need", "host-halt-poll", polls_not, FINDING },
	{ "a vCPU too many", "host-halt-poll", polls_in_a_crowd, FINDING },
	{ "a vCPU too many, less", "host-halt-poll", polls_less_in_a_crowd, OK },
	{ "owned", "host-halt-poll", polls_not_owned, OK },
	{ "guests unknown", "host-halt-poll", polls_for_unknown_guests, UNKNOWN },
	{ "absent", "host-halt-poll", with_nothing, NONE },
	{ "unreadable", "host-halt-poll", polling_unreadable, UNKNOWN },

	{ "on", "host-ept", modules_on, OK },
	{ "off", "host-ept", modules_off, FINDING },
	{ "absent", "host-ept", with_nothing, NONE },
	{ "unreadable", "host-ept", modules_unreadable, UNKNOWN },
	{ "on", "host-npt", modules_on, OK },
	{ "off", "host-npt", modules_off, FINDING },
	{ "absent", "host-npt", with_nothing, NONE },
	{ "unreadable", "host-npt", modules_unreadable, UNKNOWN },
	{ "off", "host-nested", modules_off, OK },
	{ "on", "host-nested", modules_on, FINDING },
	{ "used", "host-nested", nested_used, NONE },
	{ "on, a guest unknown", "host-nested", nested_guest_unknown, UNKNOWN },
	{ "off, a guest unknown", "host-nested", not_nested_guest_unknown, OK },
	{ "on, guests unknown", "host-nested", nested_guests_unknown, UNKNOWN },
	{ "absent", "host-nested", with_nothing, NONE },
	{ "unreadable", "host-nested", modules_unreadable, UNKNOWN },

	{ "good", "host-block-scheduler", disks_good, OK },
	{ "NVMe scheduled", "host-block-scheduler", disk_nvme_scheduled, FINDING },
	{ "turning, unscheduled", "host-block-scheduler", disk_turning_unscheduled, FINDING },
	{ "fair", "host-block-scheduler", disk_fair, FINDING },
	{ "owned", "host-block-scheduler", disk_owned, OK },
	{ "its owner says another", "host-block-scheduler", disk_owner_says_another, FINDING },
	{ "no schedulers", "host-block-scheduler", disks_without_schedulers, NONE },
	{ "unreadable", "host-block-scheduler", disks_unreadable, UNKNOWN },
	{ "unreadable, one fair", "host-block-scheduler", disks_unreadable_one_fair, FINDING },
	{ "no disks", "host-block-scheduler", with_nothing, NONE },

	{ "loaded", "host-vhost-net", vhost, OK },
	{ "not loaded", "host-vhost-net", vhost_missing, FINDING },
	{ "absent", "host-vhost-net", vhost_absent, FINDING },
	{ "no virtio NIC", "host-vhost-net", vhost_not_wanted, NONE },
	{ "no guest", "host-vhost-net", with_nothing, NONE },
	{ "a guest unknown", "host-vhost-net", vhost_guest_unknown, UNKNOWN },
	{ "unreadable", "host-vhost-net", vhost_unreadable, UNKNOWN },
};

START_TEST(a_rule_says)
{
	check_row(&rows[_i]);
}
END_TEST

START_TEST(the_first_unfit_disk_is_named_with_what_it_needs)
{
	fixture_reset();
	disks_good();
	disk_turning_unscheduled();
	disk_nvme_scheduled();
	fixture_judge("host-block-scheduler");
	ck_assert_uint_eq(fx.v.number[0], 2);
	ck_assert_uint_eq(fx.v.number[1], 7);
	ck_assert_str_eq(fx.v.word[0], "sda");
	ck_assert_str_eq(fx.v.word[1], "mq-deadline");

	fixture_reset();
	disk_nvme_scheduled();
	fixture_judge("host-block-scheduler");
	ck_assert_str_eq(fx.v.word[1], "none");
}
END_TEST

START_TEST(what_polling_should_be_is_said)
{
	fixture_reset();
	polls_in_a_crowd();
	fixture_judge("host-halt-poll");
	ck_assert_uint_eq(fx.v.number[1], 0);
	fixture_reset();
	polls_not();
	fixture_judge("host-halt-poll");
	ck_assert_uint_eq(fx.v.number[1], 200000);
}
END_TEST

static Suite *suite(void)
{
	Suite *s = suite_create("audit_cpu");
	TCase *t = tcase_create("rules");

	tcase_add_loop_test(t, a_rule_says, 0, KT_ARRAY_LEN(rows));
	tcase_add_test(t, the_first_unfit_disk_is_named_with_what_it_needs);
	tcase_add_test(t, what_polling_should_be_is_said);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return kt_run(suite());
}
