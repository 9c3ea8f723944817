/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of libvirt's news in our table of guests, what is said of them, and what is libvirt
 * asked for without being told? */
#include "guests_fixture.h"

static struct {
	size_t n;
	enum log_event_id id[64];
	char action[64][16], text[64][256];
} said; /* by this thread */
static pthread_t this_thread;

static void hear(const struct log_event *e, void *context)
{
	(void)context;
	if (!pthread_equal(pthread_self(), this_thread))
		return;
	ck_assert_uint_lt(said.n, KT_ARRAY_LEN(said.id));
	said.id[said.n] = e->id;
	snprintf(said.action[said.n], sizeof said.action[0], "%s", e->action ? e->action : "");
	snprintf(said.text[said.n++], sizeof said.text[0], "%s", e->message);
}

static size_t times_said(enum log_event_id id, const char *action, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < said.n; i++)
		n += said.id[i] == id && strcmp(said.action[i], action) == 0 &&
		     strstr(said.text[i], what);
	return n;
}

static void begin_to_listen(void)
{
	begin();
	ck_assert_int_eq(sense_new(&k->fs, &k->sense), 0);
	said.n = 0;
	this_thread = pthread_self();
	log_set_sink(hear, NULL, LOG_LEVEL_INFO);
}

static struct domain *the_guest(void)
{
	until_read_again();
	return &slot_of_guest()->domain;
}

/* ---- guests --------------------------------------------------------------------------------- */

START_TEST(who_comes_and_who_goes_is_said_once)
{
	size_t slot;

	until_read_again();
	ck_assert_uint_eq(times_said(LOG_GUEST, "appear", "test: running"), 1);
	until_read_again();
	slot = (size_t)(slot_of_guest() - k->domains->slot);
	ck_assert_uint_eq(times_said(LOG_GUEST, "appear", "test: running"), 1);
	bind_guest(slot);
	ck_assert_uint_ne(k->bound[slot], 0);
	k->kicked = false;
	k->look = SENSE_NEW;
	ck_assert_int_eq(virDomainDestroy(guest), 0);
	while (slot_of_guest())
		(void)take_some_news();
	ck_assert_uint_eq(times_said(LOG_GUEST, "leave", "test: stopped"), 1);
	ck_assert_uint_eq(k->bound[slot], 0);
	ck_assert(k->kicked);
	ck_assert_int_eq(k->look, SENSE_DUE);
	ck_assert_uint_eq(times_said(LOG_GUEST, "appear", ""), 1);
}
END_TEST

START_TEST(a_guest_without_room_is_said_to_be_refused)
{
	struct domain d = { .id = 1 };

	for (unsigned int i = 0; domains_put(k->domains, &d) >= 0; i++)
		memcpy(d.uuid.byte, &i, sizeof i);
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	while (times_said(LOG_GUEST, "refuse", "no room for more guests") == 0)
		(void)take_some_news();
	ck_assert_ptr_null(slot_of_guest());
}
END_TEST

/* What only statistics bring does not go with the next facts, if it is the same guest still. */
START_TEST(what_the_balloon_told_outlives_other_news)
{
	struct domain *d = the_guest();

	d->has_balloon = true;
	d->balloon_usable_kib = 4711;
	d->id += _i;
	until_read_again();
	d = &slot_of_guest()->domain;
	ck_assert_int_eq(d->has_balloon, _i == 0);
	ck_assert_uint_eq(d->balloon_usable_kib, _i == 0 ? 4711 : 0);
}
END_TEST

START_TEST(statistics_are_asked_for_and_taken)
{
	struct domain *d = the_guest();

	d->has_balloon = true;
	while (d->has_balloon) { /* the test driver's has none */
		guests_ask_statistics(k, now_monotonic_ns());
		(void)poll(NULL, 0, 1);
		(void)guests_take_news(k, now_monotonic_ns());
	}
	k->virt = NULL;
	guests_ask_statistics(k, now_monotonic_ns());
	k->virt = virt;
}
END_TEST

START_TEST(what_a_reload_says_of_guests_is_theirs)
{
	struct domain *d = the_guest();

	ck_assert_uint_eq(d->wish.weight, 0);
	k->conf.nrules = 1;
	strcpy(k->conf.rule[0].glob, "te*");
	k->conf.rule[0].wish.weight = 7;
	guests_apply_wishes(k);
	ck_assert_uint_eq(d->wish.weight, 7);
	ck_assert_int_eq(d->wish.memory, GUEST_SWITCH_DEFAULT);
}
END_TEST

START_TEST(a_pause_is_of_the_guest_until_it_ends)
{
	struct domain *d = the_guest();

	ck_assert_int_eq(pauses_set_guest(&k->pauses, &uuid, GUEST_HOLD_PAUSED, 1000), 0);
	k->pauses.loop_until_ns[LOOP_KSM] = 2000;
	k->conf.policy.ksm.mode = LOOP_ACTIVE;
	guests_apply_pauses(k, 999);
	ck_assert_int_eq(d->hold, GUEST_HOLD_PAUSED);
	ck_assert_int_ne(k->policy_now.ksm.mode, k->conf.policy.ksm.mode);
	ck_assert_uint_eq(times_said(LOG_RESUMED, "resume", ""), 0);
	guests_apply_pauses(k, 1000);
	ck_assert_int_eq(d->hold, GUEST_HOLD_NONE);
	ck_assert_uint_eq(times_said(LOG_RESUMED, "resume", ""), 1);
	guests_apply_pauses(k, 2000);
	ck_assert_int_eq(k->policy_now.ksm.mode, k->conf.policy.ksm.mode);
}
END_TEST

/* ---- vCPUs --------------------------------------------------------------------------------- */

static void it_has_vcpus(size_t slot, size_t n)
{
	static struct guest_thread thread[4];

	for (size_t i = 0; i < n; i++)
		thread[i].role = THREAD_VCPU;
	thread[n].role = THREAD_EMULATOR;
	k->sample->guest[slot].threads = thread;
	k->sample->guest[slot].nthreads = n + 1;
}

/* The test driver's facts are others by then, which shows that they were read. */
static bool is_read_again(void)
{
	static unsigned long kib = 2097152;
	struct uuid stranger = uuid;
	struct virt_news news;

	kib -= 1024;
	ck_assert_int_eq(virDomainSetMemory(guest, kib), 0);
	guests_note_vcpu_threads(k);
	stranger.byte[0] ^= 1;
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(request_limit(&stranger, 4096, KT_UNLIMITED_KIB), 0);
		while ((news = next()).kind != VIRT_REPLY)
			if (news.kind == VIRT_GUEST && news.guest.audit.current_kib == kib)
				return true;
	}
	return false;
}

START_TEST(a_vcpu_that_comes_is_asked_about)
{
	size_t slot;

	until_read_again();
	slot = (size_t)(slot_of_guest() - k->domains->slot);
	bind_guest(slot);
	k->sample->guest[slot].look = GUEST_LOOK_FULL;
	it_has_vcpus(slot, 2);
	ck_assert(!is_read_again()); /* seen for the first time */
	ck_assert_uint_eq(k->vcpu_threads[slot], 2);
	ck_assert(!is_read_again());
	it_has_vcpus(slot, 3);
	k->sample->guest[slot].look = GUEST_LOOK_NONE;
	ck_assert(!is_read_again()); /* nobody has counted them */
	ck_assert_uint_eq(k->vcpu_threads[slot], 2);
	k->sample->guest[slot].look = GUEST_LOOK_FULL;
	ck_assert(is_read_again());
	ck_assert_uint_eq(k->vcpu_threads[slot], 3);
}
END_TEST

/* ---- the link ---------------------------------------------------------------------------------
 */

START_TEST(the_link_and_its_loss_are_said)
{
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	k->virt = virt = start("test:///default");
	while (!k->guests_known)
		(void)take_some_news();
	ck_assert(k->link_up && k->link_told && k->kicked);
	ck_assert_uint_eq(k->links, 1);
	ck_assert_str_ne(k->libvirt_version, "");
	ck_assert_uint_eq(times_said(LOG_LIBVIRT_BACK, "", "connected to libvirt at"), 1);
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	k->virt = virt = start("test:///nonexistent.xml");
	k->libvirt_version[0] = '\0';
	while (k->link_up)
		(void)take_some_news();
	ck_assert_uint_eq(times_said(LOG_LIBVIRT_LOST, "", "no connection to libvirt at"), 1);
	ck_assert_uint_eq(times_said(LOG_LIBVIRT_BACK, "", ""), 1);
	ck_assert_uint_eq(k->links, 1);
	ck_assert_str_eq(k->libvirt_version, "");
}
END_TEST

START_TEST(an_answer_that_is_late_is_said_once_and_so_is_its_end)
{
	uint64_t asked_ns;

	nlet_in = 0;
	ask(65536);
	while (nat_gate == 0)
		(void)poll(NULL, 0, 1);
	asked_ns = virt_waiting_since_ns(virt);
	said.n = 0;
	guests_check_lateness(k, asked_ns + 30 * KT_NS_PER_S - 1);
	ck_assert_uint_eq(said.n, 0);
	guests_check_lateness(k, asked_ns + 30 * KT_NS_PER_S);
	guests_check_lateness(k, asked_ns + 40 * KT_NS_PER_S);
	ck_assert_uint_eq(times_said(LOG_LIBVIRT_LATE, "", "for 30 s"), 1);
	ck_assert_uint_eq(said.n, 1);
	ask(65540);
	nlet_in = 1;
	while (nat_gate == 1)
		(void)poll(NULL, 0, 1);
	for (int i = 0; i < 3; i++) /* it has answered, and is not late yet with the next */
		guests_check_lateness(k, asked_ns + 30 * KT_NS_PER_S - 1);
	nlet_in = EVERYBODY;
	ck_assert_uint_eq(times_said(LOG_LIBVIRT_BACK, "", "answers again"), 1);
	ck_assert_uint_eq(said.n, 2);
}
END_TEST

START_TEST(without_a_thread_nothing_can_be_asked)
{
	const struct limit_order limit = { .kib = 65536 };
	const struct pin_order pin = { .role = THREAD_EMULATOR, .cpus = one_cpu(0) };

	k->virt = NULL;
	ck_assert_int_eq(k->vm_ops.set_soft_limit(k, &uuid, &limit), -ENOTCONN);
	ck_assert_int_eq(k->vm_ops.pin(k, &uuid, &pin), -ENOTCONN);
	guests_recheck_limits(k, 100 * KT_NS_PER_S);
	ck_assert_uint_eq(k->limits_checked_ns, 0);
	ck_assert(!guests_take_news(k, 0));
	k->virt = virt;
	ck_assert_int_eq(k->vm_ops.pin(k, &uuid, &pin), 0);
	ck_assert_int_eq(next_of(VIRT_REPLY).reply.error, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("guests' news");
	TCase *c = tcase_create("news");

	tcase_add_checked_fixture(c, begin_to_listen, end);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, who_comes_and_who_goes_is_said_once);
	tcase_add_test(c, a_guest_without_room_is_said_to_be_refused);
	tcase_add_loop_test(c, what_the_balloon_told_outlives_other_news, 0, 2);
	tcase_add_test(c, statistics_are_asked_for_and_taken);
	tcase_add_test(c, what_a_reload_says_of_guests_is_theirs);
	tcase_add_test(c, a_pause_is_of_the_guest_until_it_ends);
	tcase_add_test(c, a_vcpu_that_comes_is_asked_about);
	tcase_add_test(c, the_link_and_its_loss_are_said);
	tcase_add_test(c, an_answer_that_is_late_is_said_once_and_so_is_its_end);
	tcase_add_test(c, without_a_thread_nothing_can_be_asked);
	suite_add_tcase(s, c);
	return kt_run(s);
}
