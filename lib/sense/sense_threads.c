/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which threads does a guest have, and how long did its vCPUs run and wait? */
#include <errno.h>
#include <string.h>

#include "sense_private.h"
#include "str.h"

/* Of us, and no word about the thread. */
static bool is_lack(ssize_t r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

static bool text_of_thread(struct sense *s, const struct guest_source *g,
			   const struct guest_thread *t, const char *file)
{
	char path[64];
	ssize_t r = t->outside ? str_format(path, sizeof path, "proc/%d/%s", t->tid, file)
			       : str_format(path, sizeof path, "proc/%d/task/%d/%s", g->pid, t->tid,
					    file);

	if (r == 0)
		r = hostfs_read(s->fs, path, s->text, sizeof s->text);
	s->threads_lack |= is_lack(r);
	return r > 0;
}

static bool read_allowed(struct sense *s, const struct guest_source *g, struct guest_thread *t)
{
	static const char key[] = "\nCpus_allowed_list:";
	char *list;

	if (!text_of_thread(s, g, t, "status"))
		return false;
	list = strstr(s->text, key);
	if (!list)
		return false;
	list += sizeof key - 1;
	list[strcspn(list, "\n")] = '\0';
	return cpumask_parse(list, &t->first_allowed) == 0;
}

/* Those outside are children of kthreadd: their name alone could be anybody's. */
static bool read_start(struct sense *s, const struct guest_source *g, struct guest_thread *t)
{
	struct pid_stat stat;

	if (!text_of_thread(s, g, t, "stat") || parse_pid_stat(s->text, &stat) < 0 ||
	    (t->outside && stat.ppid != 2))
		return false;
	t->start_ticks = stat.start_ticks;
	return true;
}

/* As its process counts them; those outside of it come on top. */
static bool make_room(struct guest_source *g)
{
	size_t capacity = KT_MAX(g->nexpected, g->capacity + 4);
	struct guest_thread *thread;
	struct hostfile *schedstat;

	if (g->nthreads < g->capacity)
		return true;
	if (g->nthreads >= KT_THREADS_MAX)
		return false;
	thread = realloc(g->thread, capacity * sizeof *thread);
	if (!thread)
		return false;
	g->thread = thread;
	schedstat = realloc(g->schedstat, capacity * sizeof *schedstat);
	if (!schedstat)
		return false;
	g->schedstat = schedstat;
	g->capacity = capacity;
	return true;
}

static bool read_name(struct sense *s, const struct guest_source *g, struct guest_thread *t)
{
	if (!text_of_thread(s, g, t, "comm"))
		return false; /* gone already */
	t->role = parse_thread_name(s->text, &t->number);
	return true;
}

static void add(struct sense *s, struct guest_source *g, struct guest_thread *t)
{
	if (!read_name(s, g, t) || !read_allowed(s, g, t))
		return;
	if (!make_room(g)) {
		s->threads_lack |= g->nthreads < KT_THREADS_MAX;
		return;
	}
	g->thread[g->nthreads] = *t;
	g->schedstat[g->nthreads] = HOSTFILE_CLOSED;
	g->nthreads++;
}

struct listing {
	struct sense *s;
	struct guest_source *g;
	size_t asked;              /* tasks that files were read of */
	size_t next;               /* both lists are by number: the next is mostly the one */
	bool seen[KT_THREADS_MAX]; /* by place in g->thread */
};

/* Of a guest that has more tasks the table would hold no more, but each would be asked who
 * it is while all others wait. */
static bool is_enough(struct listing *l)
{
	return l->asked++ == KT_THREADS_MAX;
}

static void see(struct listing *l, struct guest_thread *t)
{
	struct guest_source *g = l->g;

	if (!read_start(l->s, g, t))
		return;
	for (size_t n = 0; n < g->nthreads; n++) {
		size_t i = (l->next + n) % g->nthreads;

		if (g->thread[i].tid != t->tid || g->thread[i].start_ticks != t->start_ticks)
			continue;
		l->seen[i] = true;
		l->next = i + 1;
		/* A thread begins under the name of the one that made it. */
		if (i >= g->nnamed)
			l->seen[i] = read_name(l->s, g, &g->thread[i]);
		return;
	}
	add(l->s, g, t);
	if (g->nthreads)
		l->seen[g->nthreads - 1] |= g->thread[g->nthreads - 1].tid == t->tid;
}

static int take_thread(void *context, pid_t tid)
{
	struct guest_thread t = { .tid = tid };

	if (is_enough(context))
		return 1;
	see(context, &t);
	return 0;
}

static bool is_listed(const struct guest_source *g, pid_t tid)
{
	for (size_t i = 0; i < g->nthreads; i++)
		if (g->thread[i].tid == tid && !g->thread[i].outside)
			return true;
	return false;
}

/* Whatever is in the guest's cgroup and is not of its process: before 6.4 the threads that
 * the kernel makes for its network are. */
static int take_outside(void *context, char *line)
{
	struct listing *l = context;
	char wanted[32];
	uint64_t tid;
	struct guest_thread t = { .outside = true };

	if (str_u64(line, &tid) < 0 || tid == 0 || tid > INT32_MAX || is_listed(l->g, (pid_t)tid))
		return 0;
	if (is_enough(l))
		return 1;
	t.tid = (pid_t)tid;
	if (text_of_thread(l->s, l->g, &t, "comm") &&
	    str_format(wanted, sizeof wanted, "vhost-%d\n", l->g->pid) == 0 &&
	    strcmp(l->s->text, wanted) == 0)
		see(l, &t);
	return 0;
}

static void drop_unseen(struct guest_source *g, const bool *seen, size_t nknown)
{
	size_t kept = 0;

	g->nnamed = 0;
	for (size_t i = 0; i < g->nthreads; i++) {
		if (!seen[i]) {
			hostfile_close(&g->schedstat[i]);
			continue;
		}
		g->thread[kept] = g->thread[i];
		g->schedstat[kept] = g->schedstat[i];
		kept++;
		g->nnamed += i < nknown;
	}
	g->nthreads = kept;
}

bool sense_threads_list(struct sense *s, struct guest_source *g)
{
	struct listing l = { .s = s, .g = g };
	size_t nknown = g->nthreads;
	char path[64];
	int r;

	if (str_format(path, sizeof path, "proc/%d/task", g->pid) < 0)
		return false;
	s->threads_lack = false;
	r = hostfs_each_number(s->fs, path, take_thread, &l);
	if (r < 0)
		return !is_lack(r);
	sense_cgroup_each_task(s, g, take_outside, &l);
	for (size_t i = 0; s->threads_lack && i < nknown; i++)
		l.seen[i] = true; /* who could not be asked is not gone */
	drop_unseen(g, l.seen, nknown);
	return !s->threads_lack;
}

static bool read_schedstat(struct sense *s, const struct guest_source *g, struct guest_thread *t,
			   struct hostfile *file)
{
	ssize_t n;

	if (t->outside)
		n = sense_text(s, file, "proc/%d/schedstat", t->tid);
	else
		n = sense_text(s, file, "proc/%d/task/%d/schedstat", g->pid, t->tid);
	/* One that has just gone keeps its numbers until the next listing. */
	if (n > 0 && parse_schedstat(s->text, &t->run_ns_total, &t->delay_ns_total) == 0)
		return true;
	hostfile_close(file);
	return false;
}

/* What those outside ran is in no file of the process. */
uint64_t sense_threads_read(struct sense *s, struct guest_source *g, unsigned int *ret_nvcpus)
{
	uint64_t outside_ns = 0;
	unsigned int nvcpus = 0;

	for (size_t i = 0; i < g->nthreads && s->capabilities.schedstat; i++) {
		struct guest_thread *t = &g->thread[i];

		if (t->role == THREAD_VCPU || t->outside)
			nvcpus += read_schedstat(s, g, t, &g->schedstat[i]) && !t->outside;
		if (t->outside)
			outside_ns += t->run_ns_total;
	}
	*ret_nvcpus = nvcpus;
	return outside_ns;
}

void sense_threads_end(struct guest_source *g)
{
	for (size_t i = 0; i < g->nthreads; i++)
		hostfile_close(&g->schedstat[i]);
	free(g->thread);
	free(g->schedstat);
}
