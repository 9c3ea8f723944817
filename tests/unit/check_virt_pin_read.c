/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is a pin what libvirt has made of it, rather than what was asked for; and is it told whose
 * pins were lifted? */
#include <string.h>

#include "virt_calls_fixture.h"

#define ASKED "0-3"
#define MADE  "0-2,9" /* of the thread that was pinned */
#define OTHER "5"     /* of the one beside it */

enum { NUMBER = 1, NVCPUS = 2 };

/* ---- libvirt: these take the place of its functions ------------------------------------ */

static struct cpumask cpus_of(const char *text)
{
	struct cpumask cpus;

	ck_assert_int_eq(cpumask_parse(text, &cpus), 0);
	return cpus;
}

static void fill(unsigned char *map, int length, const char *text)
{
	struct cpumask cpus = cpus_of(text);

	memset(map, 0, (size_t)length);
	for (unsigned int cpu = 0; cpu / 8 < (unsigned int)length; cpu++)
		if (cpumask_test(&cpus, cpu))
			map[cpu / 8] = (unsigned char)(map[cpu / 8] | 1U << cpu % 8);
}

static const char *made_of(unsigned int number)
{
	return number == NUMBER ? MADE : OTHER;
}

int virDomainPinVcpuFlags(virDomainPtr dom, unsigned int vcpu, unsigned char *map, int length,
			  unsigned int flags)
{
	(void)dom, (void)vcpu, (void)map, (void)length, (void)flags;
	return 0;
}

int virDomainPinIOThread(virDomainPtr dom, unsigned int id, unsigned char *map, int length,
			 unsigned int flags)
{
	(void)dom, (void)id, (void)map, (void)length, (void)flags;
	return 0;
}

int virDomainGetVcpuPinInfo(virDomainPtr dom, int nmaps, unsigned char *maps, int length,
			    unsigned int flags)
{
	(void)dom, (void)flags;
	for (int i = 0; i < nmaps && i < NVCPUS; i++)
		fill(maps + (size_t)i * (size_t)length, length, made_of((unsigned int)i));
	return KT_MIN(nmaps, NVCPUS);
}

int virDomainGetEmulatorPinInfo(virDomainPtr dom, unsigned char *map, int length,
				unsigned int flags)
{
	(void)dom, (void)flags;
	fill(map, length, MADE);
	return 1;
}

static virDomainIOThreadInfoPtr iothread(unsigned int id)
{
	virDomainIOThreadInfoPtr info = calloc(1, sizeof *info);

	ck_assert_ptr_nonnull(info);
	info->iothread_id = id;
	info->cpumaplen = 2;
	info->cpumap = calloc(1, 2);
	ck_assert_ptr_nonnull(info->cpumap);
	fill(info->cpumap, info->cpumaplen, made_of(id));
	return info;
}

int virDomainGetIOThreadInfo(virDomainPtr dom, virDomainIOThreadInfoPtr **list, unsigned int flags)
{
	(void)dom, (void)flags;
	*list = calloc(4, sizeof **list);
	ck_assert_ptr_nonnull(*list);
	for (unsigned int id = 0; id < 3; id++)
		(*list)[id] = iothread(id);
	return 3;
}

/* ---- what is read back -------------------------------------------------------------------- */

static const struct {
	enum thread_role role;
	unsigned int number;
	const char *made;
} pins[] = {
	{ THREAD_EMULATOR, 0, MADE },
	{ THREAD_VCPU, NUMBER, MADE },
	{ THREAD_VCPU, 0, OTHER },
	{ THREAD_VCPU, NVCPUS, ASKED }, /* libvirt says nothing: what was made is believed */
	{ THREAD_IOTHREAD, NUMBER, MADE },
	{ THREAD_IOTHREAD, 2, OTHER },
	{ THREAD_IOTHREAD, 7, ASKED },
};

START_TEST(a_pin_is_what_libvirt_has_made_of_it)
{
	struct cpumask asked = cpus_of(ASKED), made = cpus_of(pins[_i].made);
	struct virt_news news;

	ck_assert_int_eq(request_pin(&uuid, pins[_i].role, pins[_i].number, &asked, NEVER), 0);
	news = next_of(VIRT_REPLY);
	ck_assert_int_eq(news.reply.error, 0);
	ck_assert(cpumask_equal(&news.reply.cpus, &made));
}
END_TEST

/* ---- what is said --------------------------------------------------------------------------- */

static char said[256];
static atomic_bool has_said;

static void keep_restored(const struct log_event *event, void *context)
{
	(void)context;
	if (event->id != LOG_RESTORED)
		return;
	snprintf(said, sizeof said, "%s of %s to %s: %s", event->action, event->guest, event->to,
		 event->message);
	has_said = true;
}

START_TEST(whose_pins_were_lifted_is_said)
{
	struct cpumask cpus = cpus_of(ASKED);
	struct virt_news news;

	ck_assert_int_eq(request_pin(&uuid, THREAD_EMULATOR, 0, &cpus, NEVER), 0);
	(void)next_of(VIRT_REPLY);
	ck_assert_int_eq(virt_stop(virt, 10000), 0);
	log_set_sink(keep_restored, NULL, LOG_LEVEL_DEBUG);
	virt = start("test:///default");
	(void)next_of(VIRT_RESYNC_DONE);
	ck_assert_int_eq(virt_lift_pins(virt, &uuid), 0);
	while (!has_said)
		(void)poll(NULL, 0, 1);
	ck_assert_str_eq(said,
			 "restore of test to 0,2,4: test: 1 threads have their own CPUs back, "
			 "0,2,4: they were pinned by an earlier kvmtuned, or on another host");
	news = next_of(VIRT_LIFTED);
	ck_assert(uuid_equal(&news.reply.uuid, &uuid) && cpumask_equal(&news.reply.cpus, &cpus));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_pin_read");
	TCase *c = tcase_create("pins");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, a_pin_is_what_libvirt_has_made_of_it, 0, KT_ARRAY_LEN(pins));
	tcase_add_test(c, whose_pins_were_lifted_is_said);
	suite_add_tcase(s, c);
	return kt_run(s);
}
