/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest memory that never comes to rest.
 *	ksm_churn PERIOD_MS PID:ADDRESS:PAGES:EVERY:TIMES ..
 * writes a new word, once a period, into the first PAGES of EVERY pages, TIMES over,
 * from ADDRESS (hex) on, until it is ended or the last process has gone. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PAGE = 4096, BATCH = 1024 /* IOV_MAX: one system call for 4 MiB of guest */ };

struct range {
	int pid;
	uintptr_t address;
	size_t pages, every, times;
};

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static uintptr_t address_of(const struct range *r, size_t n)
{
	return r->address + (n / r->pages * r->every + n % r->pages) * PAGE;
}

static int write_batch(const struct range *r, size_t first, size_t count, uint64_t word)
{
	static uint64_t words[BATCH];
	static struct iovec remote[BATCH];
	struct iovec local = { words, count * sizeof words[0] };

	for (size_t i = 0; i < count; i++) {
		words[i] = word;
		remote[i].iov_base = (void *)address_of(r, first + i);
		remote[i].iov_len = sizeof words[0];
	}
	return process_vm_writev(r->pid, &local, 1, remote, count, 0) < 0 ? -errno : 0;
}

static int churn(const struct range *r, uint64_t word)
{
	size_t count = r->pages * r->times;

	for (size_t done = 0; done < count; done += BATCH) {
		int err = write_batch(r, done, min_size(BATCH, count - done), word);

		if (err < 0)
			return err;
	}
	return 0;
}

static int parse(const char *text, struct range *ret)
{
	int n = sscanf(text, "%d:%lx:%zu:%zu:%zu", &ret->pid, &ret->address, &ret->pages,
		       &ret->every, &ret->times);

	return n == 5 && ret->pages > 0 ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	int n = argc - 2;
	struct range *ranges = n > 0 ? calloc((size_t)n, sizeof *ranges) : NULL;
	/* Spread over the period: no burst that would disturb what is measured. */
	useconds_t pause_us = n > 0 ? (useconds_t)(atol(argv[1]) * 1000 / n) : 0;

	if (!ranges)
		return 2;
	for (int i = 0; i < n; i++)
		if (parse(argv[i + 2], &ranges[i]) < 0)
			return 2;

	for (uint64_t word = 1;; word++) {
		int alive = 0;

		for (int i = 0; i < n; i++) {
			usleep(pause_us);
			alive += churn(&ranges[i], word) == 0;
		}
		if (!alive)
			return 0;
	}
}
