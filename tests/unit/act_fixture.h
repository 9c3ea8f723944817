/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of lib/act share: a host in a temporary folder, a libvirt that keeps a
 * list, a log that remembers, and a guest with threads that are real. */
#ifndef KT_ACT_FIXTURE_H
#define KT_ACT_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "act.h"
#include "kt_check.h"
#include "sample.h"
#include "scratch.h"
#include "str.h"

/* ---- the log ----------------------------------------------------------- */

struct said {
	enum log_level level;
	enum log_event_id id;
	char message[1536], from[256], to[256], guest[1100], reason[64], action[16];
	int error;
	bool dry_run;
};

static struct said said[64];
static size_t nsaid;

static inline void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static inline void remember(const struct log_event *e, void *context)
{
	struct said *s = &said[nsaid < KT_ARRAY_LEN(said) - 1 ? nsaid++ : nsaid];

	(void)context;
	*s = (struct said){
		.level = e->level, .id = e->id, .error = e->error, .dry_run = e->dry_run
	};
	copy_text(s->message, sizeof s->message, e->message);
	copy_text(s->from, sizeof s->from, e->from);
	copy_text(s->to, sizeof s->to, e->to);
	copy_text(s->guest, sizeof s->guest, e->guest);
	copy_text(s->reason, sizeof s->reason, e->reason);
	copy_text(s->action, sizeof s->action, e->action);
}

static inline size_t count_said(enum log_event_id id)
{
	size_t n = 0;

	for (size_t i = 0; i < nsaid; i++)
		n += said[i].id == id;
	return n;
}

/* The only event of this kind. */
static inline const struct said *the_one(enum log_event_id id)
{
	const struct said *found = said;

	ck_assert_msg(count_said(id) == 1, "%zu events of kind %d", count_said(id), id);
	for (size_t i = 0; i < nsaid; i++)
		if (said[i].id == id)
			found = &said[i];
	return found;
}

/* ---- files ------------------------------------------------------------- */

static char root[64], run_dir[80];

static inline const char *at(const char *folder, const char *name)
{
	static char path[4][256];
	static unsigned int next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	return p;
}

static inline void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_msg(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", path);
}

static inline size_t get(const char *path, char *buf, size_t size)
{
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_msg(f != NULL, "%s", path);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
	return n;
}

static inline bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* A file that is written shows it, however soon after. */
static inline void make_old(const char *path)
{
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	ck_assert_msg(utimensat(AT_FDCWD, path, old, 0) == 0, "%s", path);
}

static inline bool is_old(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtime == 1000;
}

/* ---- libvirt ----------------------------------------------------------- */

struct request {
	bool is_pin;
	struct uuid uuid;
	enum thread_role role;
	unsigned int number;
	struct cpumask cpus, seen;
	pid_t tid;
	uint64_t kib;
	struct limit_order order;
	bool was_on_file; /* the undo file was there when it was asked */
};

static struct request request[64];
static size_t nrequests;
static int answer_now; /* of the queue itself */

static inline int queue(struct request r)
{
	if (nrequests == KT_ARRAY_LEN(request))
		abort(); /* Check asks for memory, which a test may have taken away */
	if (answer_now)
		return answer_now;
	r.was_on_file = exists(at(run_dir, "undo"));
	request[nrequests++] = r;
	return 0;
}

static inline int ask_pin(void *context, const struct uuid *uuid, const struct pin_order *order)
{
	(void)context;
	return queue((struct request){ .is_pin = true,
				       .uuid = *uuid,
				       .role = order->role,
				       .number = order->number,
				       .cpus = order->cpus,
				       .tid = order->tid,
				       .seen = order->seen });
}

static inline int ask_soft_limit(void *context, const struct uuid *uuid,
				 const struct limit_order *order)
{
	(void)context;
	return queue((struct request){ .uuid = *uuid, .kib = order->kib, .order = *order });
}

static const struct vm_ops ops = { .pin = ask_pin, .set_soft_limit = ask_soft_limit };

/* ---- one act ----------------------------------------------------------- */

static struct hostfs fs;
static struct act *act;
static struct plan *plan; /* too large for a stack */

static inline void act_begins(void)
{
	ck_assert_int_eq(act_new(&fs, run_dir, &ops, &act), 0);
}

/* As a crash: nothing is given back. */
static inline void act_ends(void)
{
	act_free(act);
	act = NULL;
}

/* A new life, which loads what the old one left. */
static inline int act_again(void)
{
	act_ends();
	act_begins();
	return act_load(act);
}

static inline void setup_at(const char *fs_root)
{
	scratch_make(root, sizeof root);
	snprintf(run_dir, sizeof run_dir, "%s/run", root);
	ck_assert_int_eq(hostfs_open(fs_root ? fs_root : root, &fs), 0);
	plan = calloc(1, sizeof *plan);
	ck_assert_ptr_nonnull(plan);
	plan->now_ns = 1000;
	nsaid = nrequests = 0;
	answer_now = 0;
	log_set_sink(remember, NULL, LOG_LEVEL_INFO);
	act_begins();
}

static inline void teardown(void)
{
	act_ends();
	free(plan);
	hostfs_close(&fs);
	ck_assert_int_eq(scratch_remove(root), 0);
}

/* ---- kill -9 at every step --------------------------------------------- */

/* Runs `step` in a child and kills it at its n-th entry into or return from the kernel;
 * between two of these nothing that it does can be seen.  False: it was done before. */
static inline bool killed_at(unsigned int n, void (*step)(void))
{
	pid_t child = kt_fork();
	int status;

	if (child == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		step();
		_exit(0);
	}
	for (unsigned int i = 0;; i++) {
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			ck_assert_int_eq(WEXITSTATUS(status), 0);
			return false;
		}
		ck_assert_msg(WIFSTOPPED(status), "status %x", status);
		if (i == n)
			break;
		ck_assert_int_eq(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return true;
}

/* What the root's /proc says of the guest's process, as far as is asked: 42, since 777. */
static inline void put_process(const char *name)
{
	char stat[128];

	(void)snprintf(stat, sizeof stat,
		       "42 (%s) S 1 42 42 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 777 0 0\n", name);
	ck_assert_int_eq(mkdir(at(root, "proc"), 0755), 0);
	ck_assert_int_eq(mkdir(at(root, "proc/42"), 0755), 0);
	put(at(root, "proc/42/stat"), stat);
}

#endif
