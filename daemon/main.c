/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvmtuned: start in order, finish in reverse order. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sysexits.h>

#include "arguments.h"
#include "audit_run.h"
#include "conf_check.h"
#include "journal.h"
#include "kvmtuned.h"
#include "privileges.h"
#include "rivals.h"
#include "service.h"
#include "unmark.h"

enum { VIRT_STOP_MS = 2000 };

static int check(const struct arguments *a)
{
	enum conf_show what = a->json          ? CONF_SHOW_JSON
			      : a->show_config ? CONF_SHOW_VALUES
					       : CONF_SHOW_VERDICT;
	const struct conf_source source = { .path = a->conf_path,
					    .must_exist = a->conf_given,
					    .drop_in = a->drop_in,
					    .drop_in_name = a->drop_in_name };

	return conf_check(&source, a->root ? a->root : "/", what, stdout);
}

static int failed(const char *what, int error)
{
	log_emitf((struct log_event){ .level = LOG_LEVEL_ERR, .error = -error }, "%s: %s", what,
		  strerror(-error));
	return error == -EACCES || error == -EPERM ? EX_NOPERM : EXIT_FAILURE;
}

/* Two of us would cede everything to each other. */
static int take_lock(const char *run_dir, int *ret_fd)
{
	char path[CONF_TEXT_MAX + 8];
	int fd;

	(void)snprintf(path, sizeof path, "%s/lock", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	*ret_fd = fd;
	return 0;
}

static int open_host(struct kvmtuned *k, const char *root)
{
	int r;

	r = hostfs_open(root, &k->fs);
	if (r < 0)
		return failed(root, r);
	r = sense_topology(&k->fs, &k->topology);
	if (r < 0)
		return failed("the host's topology cannot be read", r);
	r = sense_new(&k->fs, &k->sense);
	if (r < 0)
		return failed("the host cannot be read", r);
	return 0;
}

/* Without a place for the undo file nothing may be changed. */
static int open_run_dir(struct kvmtuned *k, int *ret_lock_fd)
{
	int r = act_new(&k->fs, k->dry_run ? NULL : k->conf.run_dir, &k->vm_ops, &k->act);

	if (!k->act)
		return failed("start", r);
	if (r == 0 && !k->dry_run)
		r = take_lock(k->conf.run_dir, ret_lock_fd);
	if (r == -EWOULDBLOCK) {
		log_error("another kvmtuned is running (%s/lock is taken)", k->conf.run_dir);
		return EXIT_FAILURE;
	}
	if (r < 0) {
		k->dry_run = k->cannot_undo = true;
		act_free(k->act);
		if (act_new(&k->fs, NULL, &k->vm_ops, &k->act) < 0)
			return failed("start", -ENOMEM);
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR,
					      .id = LOG_WRITE_REFUSED,
					      .error = -r },
			  "%s cannot be written (%s): originals could not be remembered, so "
			  "nothing will be changed (check RuntimeDirectory=)",
			  k->conf.run_dir, strerror(-r));
	}
	return 0;
}

/* *ret_damaged: there was an undo file, and it could not be understood (which is said). */
static int open_act(struct kvmtuned *k, int *ret_lock_fd, bool *ret_damaged)
{
	int r;

	k->vm_ops = guests_vm_ops(k);
	r = open_run_dir(k, ret_lock_fd);
	if (r != 0 || k->dry_run)
		return r;
	r = act_load(k->act);
	*ret_damaged = r == -EBADMSG;
	if (r > 0)
		log_info("%d values that an earlier kvmtuned set are taken over", r);
	return r < 0 && r != -EBADMSG ? failed("the undo file cannot be read", r) : 0;
}

static int open_record(struct kvmtuned *k, const char *path)
{
	int r = record_file_open(k, path);

	return r < 0 ? failed(path, r) : 0;
}

/* Beside a daemon that runs: nothing of it is touched. */
static int audit(struct kvmtuned *k)
{
	int status = 0;

	k->vm_ops = guests_vm_ops(k);
	if (act_new(&k->fs, NULL, &k->vm_ops, &k->act) < 0)
		return failed("start", -ENOMEM);
	log_set_level(KT_MIN(k->conf.log_level, LOG_LEVEL_WARNING)); /* stdout may be a terminal */
	if (k->fs.is_live)
		status = once_connect(k);
	return status != 0 ? status : audit_offline(k, stdout);
}

static int run(struct kvmtuned *k, const struct arguments *a, int *lock_fd)
{
	bool damaged = false;
	int status;

	privileges_raise_file_limit();
	status = open_host(k, a->root ? a->root : "/");
	if (status == 0 && a->audit)
		return audit(k);
	if (status == 0)
		status = open_act(k, lock_fd, &damaged);
	if (status == 0 && a->record)
		status = open_record(k, a->record);
	if (status != 0)
		return status;
	if (a->restore && k->dry_run)
		return EX_NOPERM; /* no access to the undo file, which was said */
	if (a->restore)
		return damaged ? EXIT_FAILURE : once_restore(k);

	log_set_listener(history_listen, k->history, LOG_LEVEL_INFO);
	pauses_load(&k->pauses, k->conf.run_dir);
	k->started_ns = now_monotonic_ns();
	log_emitf((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_STARTED },
		  "kvmtuned %s: %u NUMA nodes, %u CPUs, %s", KT_VERSION, k->topology.nnodes,
		  cpumask_count(&k->topology.online),
		  kvmtuned_observes(k) ? "observing" : "active");
	k->privileges_missing = k->fs.is_live ? privileges_missing() : 0;
	privileges_report(k->privileges_missing, sense_capabilities(k->sense));
	k->tuned_has_ksm = rivals_look(&k->fs, &k->conf.policy, true); /* the audit will tell */
	status = k->fs.is_live ? once_connect(k) : 0; /* a recorded host has no libvirt */
	if (status != 0)
		return status;
	if (a->once)
		return once_run(k);
	return loop_run(k) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void finish(struct kvmtuned *k, int lock_fd, int status)
{
	/* A thread that hangs in libvirt cannot be joined, and what it uses must not be
	 * freed: the process ends without it, and without exit handlers. */
	if (k->virt && virt_stop(k->virt, VIRT_STOP_MS) < 0)
		_exit(status);
	kvmtuned_free(k);
	if (lock_fd >= 0)
		close(lock_fd);
}

int main(int argc, char **argv)
{
	struct arguments a;
	struct kvmtuned *k;
	int lock_fd = -1, status, r;
	bool checks;

	status = arguments_parse(argc, argv, &a);
	if (status >= 0)
		return status;
	if (a.replay)
		return replay(a.replay, a.conf_given ? a.conf_path : NULL, a.json, stdout, stderr);
	if (a.unmark)
		return unmark(stdin, stdout, stderr);
	checks = a.test_config || a.show_config;
	journal_open(a.foreground || checks || a.restore || a.once || a.audit ? JOURNAL_FOREGROUND
									      : JOURNAL_AUTO,
		     LOG_LEVEL_INFO);
	if (checks)
		return check(&a);
	if (!a.once && !a.restore && !a.audit)
		loop_hold_signals();
	/* A log reader that goes away must not end us before everything is undone. */
	signal(SIGPIPE, SIG_IGN);
	k = kvmtuned_new();
	if (!k)
		return failed("start", -ENOMEM);
	k->conf_path = a.conf_path;
	k->conf_must_exist = a.conf_given;
	k->dry_run = a.dry_run;
	r = conf_load(k->conf_path, k->conf_must_exist, conf_complain, NULL, &k->conf);
	status = r < 0 ? conf_refused(k->conf_path, r) : EXIT_SUCCESS;
	if (status == EX_CONFIG && a.restore) {
		/* After a start that failed for its configuration this is what is needed. */
		log_warning("going on with the default run_dir and libvirt_uri");
		conf_defaults(&k->conf);
		status = EXIT_SUCCESS;
	}
	if (status == EXIT_SUCCESS) {
		log_set_level(k->conf.log_level);
		status = run(k, &a, &lock_fd);
	}
	finish(k, lock_fd, status);
	return status;
}
