/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the terminal taken, and given back even when a signal ends us? */
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "util.h"

/* The other screen; the cursor hidden; lines that do not fit are cut, not wrapped. */
#define TAKE      "\033[?1049h\033[?25l\033[?7l"
#define GIVE_BACK "\033[?7h\033[?25h\033[?1049l"

/* For the signal handler, which knows nothing else. */
static struct termios original;
static volatile sig_atomic_t is_taken, has_keys;

static void write_sequence(const char *sequence)
{
	/* A terminal that is gone needs none. */
	if (write(STDOUT_FILENO, sequence, strlen(sequence)) < 0)
		return;
}

void terminal_give_back(void)
{
	if (!is_taken)
		return;
	is_taken = 0;
	write_sequence(GIVE_BACK);
	if (has_keys)
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &original);
}

/* Only calls that a handler may make; then the signal does what it always does. */
static void end(int number)
{
	terminal_give_back();
	(void)signal(number, SIG_DFL);
	(void)raise(number);
}

void terminal_take(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct sigaction action = { .sa_handler = end };
	struct termios keys;

	has_keys = tcgetattr(STDIN_FILENO, &original) == 0;
	for (size_t i = 0; i < KT_ARRAY_LEN(signals); i++)
		(void)sigaction(signals[i], &action, NULL);
	is_taken = 1;
	if (has_keys) {
		keys = original;
		keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		keys.c_cc[VSUSP] = _POSIX_VDISABLE; /* a shell on this screen helps nobody */
		(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys);
	}
	write_sequence(TAKE);
}

int terminal_rows(void)
{
	struct winsize size;

	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row ? size.ws_row : 24;
}

char terminal_key(uint64_t wait_s)
{
	struct pollfd keyboard = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	char key = 0;

	if (poll(&keyboard, 1, (int)(KT_MIN(wait_s, UINT64_C(86400)) * 1000)) <= 0)
		return 0;
	/* At its end a terminal is gone: as if the user had left. */
	return read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}
