/* SPDX-License-Identifier: GPL-2.0-or-later */
/* No descriptor is left for somebody who connects: does the daemon keep calm, and answer him
 * later? */
#include <dlfcn.h>
#include <sys/resource.h>

#include "http_fixture.h"

static struct kvmtuned *k;
static struct http *h;
static struct rlimit limit;
static int naccepts, nwarnings;

typedef int accept_fn(int, struct sockaddr *, socklen_t *, int);

/* Takes the place of libc's. */
int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	accept_fn *call = (accept_fn *)dlsym(RTLD_NEXT, "accept4");

	naccepts++;
	return call(fd, address, size, flags);
}

static void hear(const struct log_event *e, void *context)
{
	(void)context;
	nwarnings += e->level <= LOG_LEVEL_WARNING;
}

static void setup(void)
{
	make_base();
	k = calloc(1, sizeof *k);
	ck_assert_ptr_nonnull(k);
	k->domains = domains_new();
	strcpy(k->conf.run_dir, run_dir);
	strcpy(k->conf.metrics_listen, "off");
	log_set_sink(hear, NULL, LOG_LEVEL_INFO);
	ck_assert_int_eq(http_open(k, base, &h), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	naccepts = nwarnings = 0;
}

static void teardown(void)
{
	http_close(h);
	free_base();
	domains_free(k->domains);
	free(k);
}

/* Those that are open stay so. */
static void descriptors(bool any)
{
	struct rlimit none = { .rlim_cur = 0, .rlim_max = limit.rlim_max };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, any ? &limit : &none), 0);
}

static void turn_often(void)
{
	for (int i = 0; i < 1000; i++)
		turn();
}

START_TEST(who_cannot_be_accepted_waits)
{
	static const char request[] = "GET /v1/nothing HTTP/1.1\r\nConnection: close\r\n\r\n";
	int fd = dial();

	descriptors(false);
	turn_often();
	ck_assert_int_ge(naccepts, 1);
	ck_assert_int_le(naccepts,
			 3); /* and not with each turn; a slow machine may wait a second */
	ck_assert_int_eq(nwarnings, 1);
	say_bytes(fd, request, sizeof request - 1);
	/* A second later, and nothing has changed. */
	while (naccepts < 4)
		(void)event_base_loop(base, EVLOOP_ONCE);
	ck_assert_int_eq(nwarnings, 1);
	descriptors(true);
	ck_assert_ptr_nonnull(strstr(hear_until(fd, "404"), "HTTP/1.1 404"));
	(void)hear_all(fd);
	/* Said again the next time. */
	fd = dial();
	descriptors(false);
	naccepts = 0;
	while (naccepts == 0)
		turn();
	ck_assert_int_eq(nwarnings, 2);
	descriptors(true);
	close(fd);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("http_descriptors");
	TCase *c = tcase_create("http_descriptors");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, who_cannot_be_accepted_waits);
	suite_add_tcase(s, c);
	return kt_run(s);
}
