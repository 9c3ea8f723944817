/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System calls of lib/act: masks of threads, a child that unmerges, the undo file's folder.
 * What is not of the simulated host goes to the real kernel. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

enum { UNMERGER = 0x6fffffff, TID_FIRST = 0x10000000 };

/* ---- threads -------------------------------------------------------------------------------- */

/* The low byte is its place. */
struct soak_thread *soak_thread_of(struct soak *s, pid_t tid)
{
	unsigned int place = (unsigned int)tid % (SOAK_GUESTS * SOAK_THREADS);
	struct soak_thread *t = &s->guest[place / SOAK_THREADS].thread[place % SOAK_THREADS];

	return t->alive && t->tid == tid ? t : NULL;
}

uint64_t soak_shown(const struct soak *s, uint64_t mask)
{
	return mask & s->online;
}

/* Nobody has seen that it was the kernel: it may have been anybody. */
void soak_reset_is_own(struct soak_thread *t)
{
	if (!t->reset || t->own == t->now)
		return;
	t->own_before_reset = t->own;
	t->own = t->now;
	t->ours = false;
}

/* Nobody is left without a CPU. */
static void rescue(const struct soak *s, struct soak_thread *t)
{
	if (!(t->own & s->online)) {
		t->own_before_reset = t->own;
		t->own = soak_all_cpus;
	}
	if (!(t->now & s->online)) {
		t->now = soak_all_cpus;
		t->reset = true;
		t->stranger = false; /* nobody can tell any more that he was there */
		if (!s->daemon)
			soak_reset_is_own(t);
	}
	t->ours = t->now != t->own;
}

void soak_put_mask(struct soak *s, struct soak_thread *t, uint64_t mask)
{
	mask &= soak_all_cpus;
	t->reset &= t->now == mask; /* what the kernel has done, and forgotten, stays as it is */
	t->inherited = false;
	t->now = mask;
	t->ours = t->now != t->own;
	s->counts.masks++;
}

static void forget_mask(struct soak_thread *t)
{
	if (t->own != soak_all_cpus)
		t->own_before_reset = t->own;
	t->now = t->own = soak_all_cpus;
	t->ours = t->stranger = false;
}

void soak_cpus_change(struct soak *s, uint64_t online)
{
	soak_tell(s, "CPUs %lx are on-line, %lx were", online, s->online);
	s->online = online;
	s->cpus_changed = true;
	for (size_t g = 0; g < SOAK_GUESTS; g++)
		for (size_t i = 0; i < SOAK_THREADS; i++) {
			struct soak_thread *t = &s->guest[g].thread[i];

			if (t->alive && s->forgets_masks)
				forget_mask(t);
			else if (t->alive)
				rescue(s, t);
		}
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int sched_getaffinity(pid_t tid, size_t size, cpu_set_t *set)
{
	struct soak *s = the_soak;
	const struct soak_thread *t;
	uint64_t shown;

	if (tid < TID_FIRST)
		return syscall(SYS_sched_getaffinity, tid, size, set) < 0 ? -1 : 0;
	t = soak_thread_of(s, tid);
	if (!t)
		return fail(ESRCH);
	if (soak_fails(s, s->weather.mask))
		return fail(EPERM);
	shown = soak_shown(s, t->now);
	memset(set, 0, size);
	memcpy(set, &shown, sizeof shown);
	return 0;
}

static struct soak_guest *guest_of(struct soak *s, const struct soak_thread *t)
{
	return &s->guest[(unsigned int)t->tid % (SOAK_GUESTS * SOAK_THREADS) / SOAK_THREADS];
}

static int take_mask(struct soak *s, struct soak_thread *t, uint64_t mask)
{
	soak_may_die(s);
	if (t != guest_of(s, t)->thread && soak_fails(s, s->weather.mask / 8)) {
		soak_thread_ends(guest_of(s, t), t);
		return fail(ESRCH);
	}
	if (soak_fails(s, s->weather.mask))
		return fail(!t->filed.known || soak_chance(s, 500) ? EPERM : EINVAL);
	if (t->unpinnable || !(mask & s->online))
		return fail(EINVAL);
	soak_check_mask(s, guest_of(s, t), t, mask & soak_all_cpus);
	guest_of(s, t)->is_trusted = false;
	soak_put_mask(s, t, mask);
	soak_tell(s, "we give thread %d mask %lx, its own is %lx", t->tid, t->now, t->own);
	soak_may_die(s);
	return 0;
}

int sched_setaffinity(pid_t tid, size_t size, const cpu_set_t *set)
{
	struct soak_thread *t;
	uint64_t mask;

	if (tid < TID_FIRST)
		return (int)syscall(SYS_sched_setaffinity, tid, size, set);
	t = soak_thread_of(the_soak, tid);
	memcpy(&mask, set, sizeof mask);
	return t ? take_mask(the_soak, t, mask) : fail(ESRCH);
}

/* ---- the child that unmerges ------------------------------------------------------------------
 */

pid_t fork(void)
{
	struct soak *s = the_soak;
	pid_t (*real)(void);

	if (!s || !s->in_act) {
		*(void **)&real = dlsym(RTLD_NEXT, "fork");
		return real();
	}
	if (soak_fails(s, s->weather.write))
		return fail(EAGAIN);
	s->unmerger.runs = true;
	s->unmerger.begun = s->unmerger.ended = false;
	soak_tell(s, "a child of ours is to unmerge");
	return UNMERGER;
}

static void unmerger_ends(struct soak *s, int status, const char *run)
{
	struct soak_file *f = soak_file(s, "ksm run");

	if (run) {
		snprintf(f->now, sizeof f->now, "%s", run);
		f->ours = strcmp(f->now, f->own) != 0;
	}
	s->unmerger.runs = false;
	s->unmerger.ended = true;
	s->unmerger.status = status;
	soak_tell(s, "the child has ended with %x, run is %s", (unsigned int)status, f->now);
}

/* The kernel shows 2 as soon as it begins, and 0 after a failure. */
void soak_unmerger_goes_on(struct soak *s, bool dies)
{
	struct soak_file *f = soak_file(s, "ksm run");

	if (!s->unmerger.runs)
		return;
	if (!s->unmerger.begun && (dies || soak_fails(s, s->weather.write))) {
		unmerger_ends(s, dies ? SIGKILL : EPERM << 8, NULL);
		return;
	}
	if (!s->unmerger.begun) {
		s->unmerger.begun = true;
		soak_check_write(s, f, "2");
		snprintf(f->now, sizeof f->now, "2");
		f->ours = strcmp(f->own, "2") != 0;
	}
	if (dies)
		unmerger_ends(s, SIGKILL, "0");
	else if (soak_fails(s, s->weather.write))
		unmerger_ends(s, soak_chance(s, 500) ? ENOMEM << 8 : SIGKILL, "0");
	else if (soak_chance(s, 500)) {
		s->pages_shared = 0;
		unmerger_ends(s, 0, "2");
	}
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	struct soak *s = the_soak;

	if (pid != UNMERGER)
		return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
	if (!s->unmerger.ended)
		return s->unmerger.runs ? 0 : fail(ECHILD);
	s->unmerger.ended = false;
	*status = s->unmerger.status;
	return pid;
}

/* ---- the undo file's folder --------------------------------------------------------------------
 */

int openat(int dir, const char *path, int flags, ...)
{
	struct soak *s = the_soak;
	mode_t mode = 0;
	va_list args;

	va_start(args, flags);
	if (flags & (O_CREAT | __O_TMPFILE))
		mode = va_arg(args, mode_t);
	va_end(args);
	if (s && s->in_act && strcmp(path, "undo.tmp") == 0) {
		soak_may_die(s);
		if (soak_fails(s, s->weather.undo))
			return fail(soak_chance(s, 500) ? ENOSPC : EROFS);
	}
	return (int)syscall(SYS_openat, dir, path, flags, mode);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	struct soak *s = the_soak;
	int r;

	if (s && s->in_act)
		soak_may_die(s);
	r = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);
	if (r == 0 && s && s->in_act) {
		soak_undo_read(s);
		soak_may_die(s);
	}
	return r;
}

int unlinkat(int dir, const char *path, int flags)
{
	struct soak *s = the_soak;
	int r;

	if (s && s->in_act)
		soak_may_die(s);
	r = (int)syscall(SYS_unlinkat, dir, path, flags);
	if (r == 0 && s && s->in_act && strcmp(path, "undo") == 0)
		soak_undo_read(s);
	return r;
}
