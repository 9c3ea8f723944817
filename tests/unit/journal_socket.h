/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A journald of our own: its socket stands in for the real one, and stderr for its stream. */
#ifndef KT_JOURNAL_SOCKET_H
#define KT_JOURNAL_SOCKET_H

#include <dlfcn.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "journal.h"
#include "kt_check.h"

typedef ssize_t sendto_fn(int, const void *, size_t, int, const struct sockaddr *, socklen_t);

static int journal_fd = -1;
static char journal_path[108];
static char entry[65536];
static size_t entry_size;

/* Takes the place of libc's. */
ssize_t sendto(int fd, const void *bytes, size_t n, int flags, const struct sockaddr *to,
	       socklen_t size)
{
	sendto_fn *call = (sendto_fn *)dlsym(RTLD_NEXT, "sendto");
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ck_assert_str_eq(((const struct sockaddr_un *)to)->sun_path, "/run/systemd/journal/socket");
	ck_assert_uint_eq(size, offsetof(struct sockaddr_un, sun_path) +
					sizeof "/run/systemd/journal/socket");
	strcpy(address.sun_path, journal_path);
	return call(fd, bytes, n, flags, (const struct sockaddr *)&address, sizeof address);
}

static inline void journald_starts(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)unlink(journal_path);
	journal_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, journal_path);
	ck_assert_int_eq(bind(journal_fd, (struct sockaddr *)&address, sizeof address), 0);
}

static inline void journald_ends(void)
{
	close(journal_fd);
	journal_fd = -1;
}

/* stderr is a pipe that systemd says is the journal's stream. */
static inline void journal_begin(void)
{
	char stream[64];
	struct stat st;
	int ends[2];

	(void)snprintf(journal_path, sizeof journal_path, "/tmp/kt-journal-%d", (int)getpid());
	journald_starts();
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
		       (unsigned long long)st.st_ino);
	ck_assert_int_eq(setenv("JOURNAL_STREAM", stream, 1), 0);
	journal_open(JOURNAL_AUTO, LOG_LEVEL_DEBUG);
}

static inline void journal_end(void)
{
	if (journal_fd >= 0)
		journald_ends();
	ck_assert_int_eq(unlink(journal_path), 0);
}

/* False: nothing waits. */
static inline bool journald_reads(void)
{
	ssize_t n = recv(journal_fd, entry, sizeof entry - 1, 0);

	ck_assert(n > 0 || errno == EAGAIN);
	entry_size = n > 0 ? (size_t)n : 0;
	entry[entry_size] = '\0';
	return n > 0;
}

/* As journald takes an entry apart; NULL: there is no such field.  The text is the caller's. */
static inline char *field(const char *wanted)
{
	char *found = NULL;

	for (size_t at = 0; at < entry_size;) {
		size_t name = strcspn(entry + at, "=\n"), value = at + name + 1, length;

		if (entry[at + name] == '=') {
			length = strcspn(entry + value, "\n");
		} else {
			uint64_t le;

			memcpy(&le, entry + value, sizeof le);
			length = le64toh(le);
			value += sizeof le;
		}
		ck_assert_uint_lt(value + length, entry_size);
		ck_assert_int_eq(entry[value + length], '\n');
		if (name == strlen(wanted) && memcmp(entry + at, wanted, name) == 0) {
			ck_assert_ptr_null(found); /* once */
			found = strndup(entry + value, length);
		}
		at = value + length + 1;
	}
	return found;
}

#define ck_assert_field(name, expected)                                                            \
	do {                                                                                       \
		KT_AUTOFREE char *field_ = field(name);                                            \
		ck_assert_str_eq(field_ ? field_ : "(none)", expected);                            \
	} while (0)

#endif
