/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What if libvirt answers nonsense: counts larger than what it hands over, nothing where
 * something should be, types that nobody asked for?  Under ASan each byte too far is found. */
#include <errno.h>

#include "virt_calls_fixture.h"

enum nonsense {
	SENSE,
	MAP_TOO_SHORT,    /* more CPUs than the map has bits */
	MAP_MISSING,      /* CPUs, and no map */
	MANY_LIMITS,      /* more parameters than there was room for */
	NEGATIVE_LIMITS,  /* less than none */
	LIMIT_OF_TEXT,    /* ... of another type */
	MANY_PINS,        /* of more vCPUs than were asked for, on no CPU */
	MANY_IOTHREADS,   /* more than the list has */
	NO_IOTHREADS,     /* some, and no list */
	IOTHREAD_MAPLESS, /* a length, and no map */
	MANY_GUESTS,
	NO_GUESTS,
	MANY_STATISTICS,
	NO_STATISTICS,
	STATISTICS_OF_NOBODY,
	HUGE_GUEST,
	ODD_STATE,
};

static _Atomic enum nonsense now;

typedef int cpu_map_fn(virConnectPtr, unsigned char **, unsigned int *, unsigned int);
typedef int get_parameters_fn(virDomainPtr, virTypedParameterPtr, int *, unsigned int);
typedef int list_fn(virConnectPtr, virDomainPtr **, unsigned int);
typedef int info_fn(virDomainPtr, virDomainInfoPtr);
typedef int state_fn(virDomainPtr, int *, int *, unsigned int);

int virNodeGetCPUMap(virConnectPtr connection, unsigned char **map, unsigned int *online,
		     unsigned int flags)
{
	cpu_map_fn *call = (cpu_map_fn *)real("virNodeGetCPUMap");

	if (now != MAP_TOO_SHORT && now != MAP_MISSING)
		return call(connection, map, online, flags);
	*map = NULL;
	if (now == MAP_TOO_SHORT) {
		*map = malloc(2);
		memset(*map, 0xff, 2);
	}
	return 1 << 20;
}

int virDomainGetMemoryParameters(virDomainPtr dom, virTypedParameterPtr params, int *n,
				 unsigned int flags)
{
	get_parameters_fn *call = (get_parameters_fn *)real("virDomainGetMemoryParameters");
	int r = call(dom, params, n, flags);

	if (now == MANY_LIMITS)
		*n = 100000;
	else if (now == NEGATIVE_LIMITS)
		*n = -5;
	for (int i = 0; now == LIMIT_OF_TEXT && i < *n; i++)
		params[i].type = VIR_TYPED_PARAM_INT;
	return r;
}

/* The test driver has neither. */
int virDomainPinVcpuFlags(virDomainPtr dom, unsigned int vcpu, unsigned char *map, int length,
			  unsigned int flags)
{
	(void)dom, (void)vcpu, (void)map, (void)length, (void)flags;
	return 0;
}

int virDomainGetVcpuPinInfo(virDomainPtr dom, int nmaps, unsigned char *maps, int length,
			    unsigned int flags)
{
	(void)dom, (void)flags;
	memset(maps, 0, (size_t)nmaps * (size_t)length);
	return nmaps + 1000;
}

int virDomainPinIOThread(virDomainPtr dom, unsigned int id, unsigned char *map, int length,
			 unsigned int flags)
{
	(void)dom, (void)id, (void)map, (void)length, (void)flags;
	return 0;
}

int virDomainGetIOThreadInfo(virDomainPtr dom, virDomainIOThreadInfoPtr **list, unsigned int flags)
{
	virDomainIOThreadInfoPtr info = calloc(1, sizeof *info);

	(void)dom, (void)flags;
	*list = NULL;
	if (now == NO_IOTHREADS) {
		free(info);
		return 3;
	}
	info->iothread_id = 1;
	info->cpumaplen = now == IOTHREAD_MAPLESS ? 128 : 1;
	info->cpumap = now == IOTHREAD_MAPLESS ? NULL : calloc(1, 1);
	if (info->cpumap)
		info->cpumap[0] = 1 << 3;
	*list = calloc(2, sizeof **list); /* as libvirt's lists it ends with NULL */
	(*list)[0] = info;
	return now == MANY_IOTHREADS ? 1000 : 1;
}

int virConnectListAllDomains(virConnectPtr connection, virDomainPtr **list, unsigned int flags)
{
	list_fn *call = (list_fn *)real("virConnectListAllDomains");
	int n = call(connection, list, flags);

	if (now == NO_GUESTS) {
		for (int i = 0; i < n; i++)
			(void)virDomainFree((*list)[i]);
		free(*list);
		*list = NULL;
	}
	return now == MANY_GUESTS || now == NO_GUESTS ? n + 1000 : n;
}

int virConnectGetAllDomainStats(virConnectPtr connection, unsigned int which,
				virDomainStatsRecordPtr **list, unsigned int flags)
{
	(void)connection, (void)which, (void)flags;
	*list = NULL;
	if (now == NO_STATISTICS)
		return 3;
	*list = calloc(2, sizeof **list);
	(*list)[0] = calloc(1, sizeof ***list);
	if (now != STATISTICS_OF_NOBODY) {
		ck_assert_int_eq(virDomainRef(guest), 0);
		(*list)[0]->dom = guest;
	}
	return now == MANY_STATISTICS ? 1000 : 1;
}

int virDomainGetInfo(virDomainPtr dom, virDomainInfoPtr info)
{
	info_fn *call = (info_fn *)real("virDomainGetInfo");
	int r = call(dom, info);

	if (now == HUGE_GUEST) {
		info->nrVirtCpu = UINT16_MAX;
		info->maxMem = UINT64_MAX;
	}
	return r;
}

int virDomainGetState(virDomainPtr dom, int *state, int *reason, unsigned int flags)
{
	state_fn *call = (state_fn *)real("virDomainGetState");
	int r = call(dom, state, reason, flags);

	if (now == ODD_STATE) {
		*state = INT32_MAX;
		*reason = INT32_MIN;
	}
	return r;
}

/* ---- questions ------------------------------------------------------------------------- */

static void begin_with(enum nonsense nonsense)
{
	now = nonsense;
	set_up();
}

/* After nonsense comes sense, and all is as it should be. */
static void end_well(void)
{
	struct virt_news news;

	now = SENSE;
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	do
		news = next_of(VIRT_GUEST);
	while (news.guest.running);
	ck_assert_uint_eq(news.guest.vcpus, 2);
	ck_assert_uint_eq(news.guest.memory_kib, 8388608);
	tear_down();
}

static int error_of_pin(enum thread_role role, unsigned int number, struct cpumask *ret)
{
	struct cpumask cpus = one_cpu(3);
	struct virt_news news;

	ck_assert_int_eq(request_pin(&uuid, role, number, &cpus, NEVER), 0);
	news = next_of(VIRT_REPLY);
	*ret = news.reply.cpus;
	return news.reply.error;
}

START_TEST(cpus_of_the_host)
{
	begin_with(_i ? MAP_MISSING : MAP_TOO_SHORT);
	end_well();
}
END_TEST

/* Limits that are not known must not be taken for none: the guest would be ours to limit. */
START_TEST(limits)
{
	static const enum nonsense odd[] = { MANY_LIMITS, NEGATIVE_LIMITS, LIMIT_OF_TEXT };
	struct virt_news news;

	begin_with(SENSE);
	now = odd[_i];
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	ck_assert_int_eq(request_limit(&uuid, 4096, KT_UNLIMITED_KIB), 0);
	do {
		news = next();
		ck_assert_int_ne(news.kind, VIRT_GUEST);
	} while (news.kind != VIRT_REPLY);
	ck_assert_int_eq(news.reply.error, -EIO);
	now = SENSE;
	ck_assert_uint_ge(limit_in_force(), VIR_DOMAIN_MEMORY_PARAM_UNLIMITED);
	ck_assert(!next_of(VIRT_GUEST).guest.running); /* asked again by itself */
	tear_down();
}
END_TEST

/* What was made and is not told is believed: its threads will tell. */
START_TEST(pins)
{
	static const enum nonsense odd[] = { MANY_PINS, MANY_IOTHREADS, NO_IOTHREADS,
					     IOTHREAD_MAPLESS };
	enum thread_role role = odd[_i] == MANY_PINS ? THREAD_VCPU : THREAD_IOTHREAD;
	struct cpumask asked = one_cpu(3), got;

	begin_with(SENSE);
	now = odd[_i];
	ck_assert_int_eq(error_of_pin(role, 1, &got), 0);
	ck_assert(cpumask_equal(&asked, &got));
	ck_assert_int_eq(error_of_pin(role, KT_THREADS_MAX - 1, &got), 0);
	end_well();
}
END_TEST

/* Guests that are not in it are not gone: it is asked for anew. */
START_TEST(lists_of_guests)
{
	struct virt_news news;

	ck_assert_int_eq(uuid_parse(guest_uuid, &uuid), 0);
	now = _i ? NO_GUESTS : MANY_GUESTS;
	virt = start("test:///default");
	admin = virConnectOpen("test:///default");
	guest = virDomainLookupByUUIDString(admin, guest_uuid);
	(void)next_of(VIRT_LINK_DOWN);
	now = SENSE;
	news = next_of(VIRT_GUEST);
	ck_assert(uuid_equal(&news.uuid, &uuid));
	(void)next_of(VIRT_RESYNC_DONE);
	end_well();
}
END_TEST

START_TEST(statistics)
{
	static const enum nonsense odd[] = { MANY_STATISTICS, NO_STATISTICS, STATISTICS_OF_NOBODY };
	struct virt_news news;
	struct cpumask got;

	begin_with(SENSE);
	now = odd[_i];
	ck_assert_int_eq(virt_request_statistics(virt, NEVER), 0);
	if (now == MANY_STATISTICS) {
		news = next_of(VIRT_STATISTICS);
		ck_assert(uuid_equal(&news.uuid, &uuid) && !news.has_balloon);
	}
	ck_assert_int_eq(error_of_pin(THREAD_EMULATOR, 0, &got), 0); /* the thread is well */
	end_well();
}
END_TEST

START_TEST(what_cannot_be_is_passed_on_whole)
{
	struct virt_news news;

	begin_with(SENSE);
	now = HUGE_GUEST;
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	news = next_of(VIRT_GUEST);
	ck_assert_uint_eq(news.guest.vcpus, UINT16_MAX);
	ck_assert_uint_eq(news.guest.memory_kib, UINT64_MAX);
	now = ODD_STATE;
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	ck_assert(!next_of(VIRT_GUEST).guest.running);
	now = SENSE;
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	ck_assert(next_of(VIRT_GUEST).guest.running);
	end_well();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_nonsense");
	TCase *c = tcase_create("virt_nonsense");

	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, cpus_of_the_host, 0, 2);
	tcase_add_loop_test(c, limits, 0, 3);
	tcase_add_loop_test(c, pins, 0, 4);
	tcase_add_loop_test(c, lists_of_guests, 0, 2);
	tcase_add_loop_test(c, statistics, 0, 3);
	tcase_add_test(c, what_cannot_be_is_passed_on_whole);
	suite_add_tcase(s, c);
	return kt_run(s);
}
