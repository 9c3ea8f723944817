/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fault is to come to pass in this call?
 *
 * What is written here about files uses system calls as they are: the functions of libc
 * stand under faults themselves. */
#include "faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TEXT_MAX = 4096, POLL_MS = 20 };

static const char *const kinds[] = {
	[FAULT_FAIL] = "fail",
	[FAULT_LIE] = "lie",
	[FAULT_SLOW] = "slow",
	[FAULT_HANG] = "hang",
	[FAULT_NULL] = "null",
	[FAULT_COUNT] = "count",
	[FAULT_GARBAGE] = "garbage",
	[FAULT_KILL_BEFORE] = "kill-before",
	[FAULT_KILL_AFTER] = "kill-after",
};

struct line {
	enum fault kind;
	unsigned long number;
	char victim[40];
};

/* Of the file of faults.  A number alone comes back: that of the file before the last is free. */
struct version {
	ino_t inode;
	struct timespec changed;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int error_code;
static pid_t victim_pid; /* 0: not looked for yet */
static unsigned long ncalls_about_victim;
static struct version counted_in;

/* ---- files, past ourselves ------------------------------------------------------- */

static ssize_t read_file(const char *path, char *buf, size_t size, struct version *ret_version)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	struct stat facts = { 0 };
	ssize_t n;

	if (fd < 0)
		return -1;
	n = syscall(SYS_read, fd, buf, size - 1);
	if (ret_version && fstat(fd, &facts) == 0)
		*ret_version = (struct version){ facts.st_ino, facts.st_ctim };
	syscall(SYS_close, fd);
	buf[n > 0 ? n : 0] = '\0';
	return n;
}

static void note_hit(const char *call, const char *kind)
{
	char path[TEXT_MAX], text[128];
	int n = snprintf(text, sizeof text, "%s %s\n", call, kind), fd;

	snprintf(path, sizeof path, "%s.hits", getenv("KT_FAULTS"));
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			  0600);
	if (syscall(SYS_write, fd, text, n) != n)
		abort(); /* a test that trusts in it would be wrong */
	syscall(SYS_close, fd);
}

static bool find_line(const char *call, struct line *ret)
{
	char text[TEXT_MAX], name[64], kind[32], *rest = NULL;
	struct version version = { 0 };

	if (read_file(getenv("KT_FAULTS"), text, sizeof text, &version) <= 0)
		return false;
	if (version.inode != counted_in.inode ||
	    version.changed.tv_sec != counted_in.changed.tv_sec ||
	    version.changed.tv_nsec != counted_in.changed.tv_nsec) {
		counted_in = version;
		ncalls_about_victim = 0;
		victim_pid = 0;
	}
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		*ret = (struct line){ 0 };
		if (sscanf(line, "%63s %31s %lu %39s", name, kind, &ret->number, ret->victim) < 2 ||
		    strcmp(name, call) != 0)
			continue;
		for (size_t i = FAULT_FAIL; i < sizeof kinds / sizeof *kinds; i++)
			if (strcmp(kind, kinds[i]) == 0)
				ret->kind = (enum fault)i;
		return ret->kind != FAULT_NONE;
	}
	return false;
}

/* ---- the victim -------------------------------------------------------------------- */

static void find_victim(const char *uuid)
{
	DIR *proc = opendir("/proc");
	char path[300], words[16384];
	struct dirent *entry;

	while (proc && victim_pid == 0 && (entry = readdir(proc))) {
		ssize_t n;

		snprintf(path, sizeof path, "/proc/%s/cmdline", entry->d_name);
		n = atoi(entry->d_name) > 1 ? read_file(path, words, sizeof words, NULL) : 0;
		if (n > 0 && strstr(words, "qemu-system") && memmem(words, (size_t)n, uuid, 36))
			victim_pid = atoi(entry->d_name);
	}
	if (proc)
		closedir(proc);
}

static bool has_uuid(const char *victim, const unsigned char *uuid)
{
	char hex[2 * VIR_UUID_BUFLEN + 1];
	const char *next = victim;

	for (size_t i = 0; i < VIR_UUID_BUFLEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", uuid[i]);
	for (const char *digit = hex; *digit; digit++, next++) {
		next += *next == '-';
		if (*next != *digit)
			return false;
	}
	return true;
}

static bool is_about_victim(const char *victim, const struct fault_subject *about)
{
	__typeof__(virDomainGetUUID) *uuid_of;
	unsigned char uuid[VIR_UUID_BUFLEN];
	char text[64], stat[512];

	if (about->dom) {
		uuid_of = (__typeof__(uuid_of))fault_real("virDomainGetUUID");
		return uuid_of(about->dom, uuid) == 0 && has_uuid(victim, uuid);
	}
	if (about->uuid)
		return has_uuid(victim, about->uuid);
	if (about->path) {
		snprintf(text, sizeof text, "proc/%d/", victim_pid);
		return strstr(about->path, text) != NULL;
	}
	if (about->tid == 0)
		return true;
	snprintf(text, sizeof text, "/proc/%d/task/%d/stat", victim_pid, about->tid);
	return read_file(text, stat, sizeof stat, NULL) > 0;
}

/* Until its last thread has ended: then /proc has nothing more of it, or a zombie. */
static void kill_victim(void)
{
	const struct timespec moment = { .tv_nsec = 1000 * 1000 };
	char path[64], stat[512];

	snprintf(path, sizeof path, "/proc/%d/stat", victim_pid);
	kill(victim_pid, SIGKILL);
	while (read_file(path, stat, sizeof stat, NULL) > 0 && !strstr(stat, ") Z "))
		nanosleep(&moment, NULL);
}

static enum fault perhaps_kill(const char *call, const struct line *l,
			       const struct fault_subject *about)
{
	bool now;

	if (victim_pid == 0)
		find_victim(l->victim);
	if (victim_pid == 0 || !is_about_victim(l->victim, about))
		return FAULT_NONE;
	now = ++ncalls_about_victim == l->number;
	if (!now)
		return FAULT_NONE;
	note_hit(call, kinds[l->kind]);
	if (l->kind == FAULT_KILL_BEFORE)
		kill_victim();
	return l->kind;
}

/* ---- the calls ----------------------------------------------------------------------- */

/* Libraries call each other by the same names. */
static bool is_daemons_own(const void *caller)
{
	Dl_info whose = { 0 };

	if (!dladdr(caller, &whose))
		return false;
	return whose.dli_fname && strstr(whose.dli_fname, "kvmtuned") &&
	       !strstr(whose.dli_fname, ".so");
}

static void linger(const char *call, const struct line *l)
{
	const struct timespec slow = { .tv_sec = (time_t)(l->number / 1000),
				       .tv_nsec = (long)(l->number % 1000) * 1000000 };
	const struct timespec moment = { .tv_nsec = POLL_MS * 1000000L };
	struct line now = *l;

	if (l->kind == FAULT_SLOW)
		nanosleep(&slow, NULL);
	while (l->kind == FAULT_HANG && now.kind == FAULT_HANG) {
		nanosleep(&moment, NULL);
		pthread_mutex_lock(&lock);
		if (!find_line(call, &now))
			now.kind = FAULT_NONE;
		pthread_mutex_unlock(&lock);
	}
}

enum fault fault_begin(const char *call, const void *caller, struct fault_subject about)
{
	int saved_errno = errno;
	enum fault kind = FAULT_NONE;
	struct line l = { 0 };

	if (!getenv("KT_FAULTS") || !is_daemons_own(caller))
		return FAULT_NONE;
	if (strncmp(call, "virGetLast", 10) != 0)
		error_code = 0;
	pthread_mutex_lock(&lock);
	if (find_line(call, &l)) {
		kind = l.kind;
		if (kind == FAULT_KILL_BEFORE || kind == FAULT_KILL_AFTER)
			kind = perhaps_kill(call, &l, &about);
		else
			note_hit(call, kinds[kind]);
	}
	pthread_mutex_unlock(&lock);
	if (kind == FAULT_FAIL || kind == FAULT_LIE)
		error_code = l.number ? (int)l.number : VIR_ERR_INTERNAL_ERROR;
	if (kind == FAULT_SLOW || kind == FAULT_HANG)
		linger(call, &l);
	errno = saved_errno;
	return kind;
}

void fault_end(enum fault f)
{
	int saved_errno = errno;

	if (f == FAULT_KILL_AFTER)
		kill_victim();
	errno = saved_errno;
}

void *fault_real(const char *call)
{
	void *found = dlsym(RTLD_NEXT, call);

	if (!found)
		abort();
	return found;
}

int fault_error(void)
{
	return error_code;
}

/* ---- nonsense ------------------------------------------------------------------------- */

static uint64_t next_random(void)
{
	static _Atomic uint64_t state = UINT64_C(88172645463325252);
	uint64_t x = state; /* a lost step is as random as any */

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return state = x;
}

void fault_garble(void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((unsigned char *)bytes)[i] = (unsigned char)next_random();
}

char *fault_garbage_text(void)
{
	static const char *const texts[] = {
		"",
		"<",
		"%s%n\xff\x01\n",
		"<domain type='qemu'><name>\xc3</name><vcpu>99999999999999999999</vcpu></domain>",
		"<domain type='kvm'><vcpu current='-1' cpuset='9999'>0</vcpu><cputune><vcpupin "
		"vcpu='4294967296' cpuset='1025-'/></cputune></domain>",
	};

	return strdup(texts[next_random() % (sizeof texts / sizeof *texts)]);
}
