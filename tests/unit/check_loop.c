/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which stalls of the host wake the main thread, and when?
 *
 * The loop is the real one, on the real host and libvirt's test driver; the decisions are
 * this file's, and so is the file of the trigger. */
#undef _FORTIFY_SOURCE /* this file defines open() */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop_fixture.h"

static char triggers[256]; /* each with a newline */
static int nopened, ntriggers_open;
static int ticks_with_guests;
static int nwithout; /* openings that find no descriptor left */

/* A trigger that cannot be had: whoever asks for one is refused, each time, there. */
static const struct refusal {
	enum { NOWHERE, OPENS, WRITES, WATCHES } step;
	int error;
	bool passes; /* for want of something: asked again at each tick */
} refusals[] = {
	{ OPENS, ENOENT, false },     /* no PSI in this kernel ... */
	{ OPENS, EOPNOTSUPP, false }, /* ... or switched off */
	{ OPENS, EACCES, false },      { OPENS, EPERM, false },  { OPENS, EROFS, false },
	{ OPENS, EIO, false },         { OPENS, ENFILE, true },  { OPENS, ENOMEM, true },
	{ WRITES, EINVAL, false }, /* an older kernel's windows */
	{ WRITES, EOPNOTSUPP, false }, { WRITES, EPERM, false }, { WRITES, EBUSY, false },
	{ WRITES, EIO, false },        { WRITES, ENOMEM, true }, { WATCHES, EPERM, false },
	{ WATCHES, ENOMEM, true },
};
static struct refusal refusal;
static unsigned int nrefused, nwarnings;

static int refuse(void)
{
	nrefused++;
	errno = refusal.error;
	return -1;
}

typedef int open_fn(const char *, int, ...);
typedef ssize_t write_fn(int, const void *, size_t);
typedef int close_fn(int);
typedef int epoll_ctl_fn(int, int, int, struct epoll_event *);

static int trigger_fd[8];

int open(const char *path, int flags, ...)
{
	open_fn *call = (open_fn *)dlsym(RTLD_NEXT, "open");
	mode_t mode = 0;
	va_list args;

	if (strcmp(path, "/proc/pressure/memory") == 0 && nwithout > 0) {
		nwithout--;
		errno = EMFILE;
		return -1;
	}
	if (strcmp(path, "/proc/pressure/memory") == 0 && refusal.step == OPENS)
		return refuse();
	if (strcmp(path, "/proc/pressure/memory") == 0) {
		if (refusal.step != NOWHERE)
			nopened = 0; /* asked for at each tick */
		ck_assert_int_lt(nopened, (int)KT_ARRAY_LEN(trigger_fd));
		ntriggers_open++;
		trigger_fd[nopened] = eventfd(0, EFD_CLOEXEC);
		return trigger_fd[nopened++];
	}
	va_start(args, flags);
	if (flags & O_CREAT)
		mode = va_arg(args, mode_t);
	va_end(args);
	return call(path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	write_fn *call = (write_fn *)dlsym(RTLD_NEXT, "write");

	if (nopened == 0 || fd != trigger_fd[nopened - 1] || n < 5 ||
	    memcmp(bytes, "some ", 5) != 0)
		return call(fd, bytes, n);
	if (refusal.step == WRITES)
		return refuse();
	ck_assert(((const char *)bytes)[n - 1] == '\0'); /* the kernel cuts it off */
	strcat(strcat(triggers, bytes), "\n");
	return (ssize_t)n;
}

int epoll_ctl(int epoll_fd, int op, int fd, struct epoll_event *event)
{
	epoll_ctl_fn *call = (epoll_ctl_fn *)dlsym(RTLD_NEXT, "epoll_ctl");

	if (nopened > 0 && fd == trigger_fd[nopened - 1] && refusal.step == WATCHES)
		return refuse();
	return call(epoll_fd, op, fd, event);
}

int close(int fd)
{
	close_fn *call = (close_fn *)dlsym(RTLD_NEXT, "close");

	if (nopened > 0 && fd == trigger_fd[nopened - 1] && ntriggers_open > 0)
		ntriggers_open--;
	return call(fd);
}

/* Squeezes for some ticks, and stops the loop some ticks later. */
void arbiter_step(struct arbiter *state, const struct policy_conf *conf,
		  const struct host_view *view, const struct in_force *in_force, struct plan *ret)
{
	(void)state, (void)conf, (void)in_force;
	*ret = (struct plan){ .now_ns = view->now_ns, .look_again_ns = 1000 * 1000 };
	ticks_with_guests += view->nslots > 0;
	ret->memory.squeezing = ticks_with_guests >= 3 && ticks_with_guests <= 5;
	ck_assert_int_le(ntriggers_open, 1);
	if (ticks_with_guests == 8)
		ck_assert_int_eq(raise(SIGTERM), 0);
}

START_TEST(stalls_count_sooner_while_guests_are_squeezed)
{
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_str_eq(triggers, "some 150000 2000000\n"
				   "some 20000 2000000\n"
				   "some 150000 2000000\n");
	ck_assert_int_eq(ntriggers_open, 0);
}
END_TEST

/* The next tick may find one. */
START_TEST(a_lack_of_descriptors_passes)
{
	nwithout = 2;
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_int_eq(nwithout, 0);
	ck_assert_ptr_nonnull(strstr(triggers, "some 20000 2000000\n"));
	ck_assert_int_eq(ntriggers_open, 0);
}
END_TEST

/* Who is not root is warned of other things. */
static void count_warning(const struct log_event *event, void *context)
{
	(void)context;
	nwarnings += event->level <= LOG_LEVEL_WARNING && strstr(event->message, "pressure");
}

/* Pressure is seen at the next tick then. */
START_TEST(without_a_trigger_ticks_go_on)
{
	refusal = refusals[_i];
	log_set_sink(count_warning, NULL, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(loop_run(k), 0);
	ck_assert_int_ge(ticks_with_guests, 8); /* one more may be under way at the signal */
	if (refusal.passes)
		ck_assert_uint_ge(nrefused, 3);
	else
		ck_assert_uint_eq(nrefused, 1);
	ck_assert_int_eq(ntriggers_open, 0);
	ck_assert_uint_eq(nwarnings, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *c = tcase_create("pressure");

	tcase_add_checked_fixture(c, loop_begin, loop_end);
	tcase_set_timeout(c, 30);
	tcase_add_test(c, stalls_count_sooner_while_guests_are_squeezed);
	tcase_add_test(c, a_lack_of_descriptors_passes);
	tcase_add_loop_test(c, without_a_trigger_ticks_go_on, 0, KT_ARRAY_LEN(refusals));
	suite_add_tcase(s, c);
	return kt_run(s);
}
