/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of a guest that cannot be read: is it said once what happened, and what to do? */
#include <errno.h>
#include <libvirt/virterror.h>

#include "virt_limit_fixture.h"

enum failure {
	NONE,
	NAME_TOO_LONG,
	XML_TOO_LARGE,
	XML_ODD,
	REFUSED,
	FAILS,
	NO_MEMORY,
};

static _Atomic enum failure now;
static char said[1024]; /* read after news that came later */

typedef const char *get_name_fn(virDomainPtr);
typedef char *get_xml_fn(virDomainPtr, unsigned int);
typedef int error_fn(void);

const char *virDomainGetName(virDomainPtr dom)
{
	get_name_fn *call = (get_name_fn *)real("virDomainGetName");
	static char longer[KT_NAME_MAX + 1];

	memset(longer, 'n', sizeof longer - 1);
	return now == NAME_TOO_LONG ? longer : call(dom);
}

char *virDomainGetXMLDesc(virDomainPtr dom, unsigned int flags)
{
	static const size_t larger = 4 * 1024 * 1024 + 2;
	get_xml_fn *call = (get_xml_fn *)real("virDomainGetXMLDesc");
	char *text;

	if (now == REFUSED || now == FAILS || now == NO_MEMORY)
		return NULL;
	if (now == XML_ODD)
		return strdup("<network/>");
	if (now != XML_TOO_LARGE)
		return call(dom, flags);
	text = malloc(larger);
	ck_assert_ptr_nonnull(text);
	memset(text, ' ', larger - 1);
	text[larger - 1] = '\0';
	return text;
}

int virGetLastErrorCode(void)
{
	static const int codes[] = { [REFUSED] = VIR_ERR_ACCESS_DENIED,
				     [FAILS] = VIR_ERR_INTERNAL_ERROR,
				     [NO_MEMORY] = VIR_ERR_NO_MEMORY };
	error_fn *call = (error_fn *)real("virGetLastErrorCode");
	enum failure failure = now; /* an index is no atomic read, says gcc 12 */

	return codes[failure] ? codes[failure] : call();
}

static void hear(const struct log_event *event, void *context)
{
	(void)context;
	if (event->level > LOG_LEVEL_WARNING)
		return;
	(void)snprintf(said, sizeof said, "%s", event->message);
	atomic_fetch_add(&warnings, 1);
}

static const struct {
	enum failure failure;
	const char *what, *advice;
} rows[] = {
	{ NAME_TOO_LONG, "its name is longer than 255 bytes", "virsh domrename" },
	{ XML_TOO_LARGE, "its XML is larger than 4 MiB", "virsh edit" },
	{ XML_ODD, "its XML cannot be understood", "virsh dumpxml" },
	{ REFUSED, "libvirt cannot describe it: Permission denied", "virsh dumpxml" },
	{ FAILS, "libvirt cannot describe it: Input/output error", "virsh dumpxml" },
	{ NO_MEMORY, "no memory to read it", "each second until there is some" },
};

/* Others fail five times in a row before that is told. */
static void until_told(void)
{
	while (warnings == 0)
		(void)poll(NULL, 0, 5);
	ck_assert_int_eq(warnings, 1);
}

START_TEST(a_failure_says_what_happened_and_what_to_do)
{
	log_set_sink(hear, NULL, LOG_LEVEL_DEBUG);
	now = rows[_i].failure;
	ck_assert_int_eq(virDomainSuspend(guest), 0);
	until_told();
	ck_assert_int_eq(virt_request_refresh(virt, &uuid), 0);
	ck_assert_int_eq(request_limit(&uuid, 4096, KT_UNLIMITED_KIB), 0);
	(void)next_of(VIRT_REPLY);
	ck_assert_msg(strstr(said, rows[_i].what) && strstr(said, rows[_i].advice), "%s", said);
	ck_assert_int_eq(strncmp(said, "guest ", 6), 0);
	now = NONE;
	ck_assert_int_eq(virDomainResume(guest), 0);
	(void)next_of(VIRT_GUEST);
	ck_assert_int_eq(warnings, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virt_failures");
	TCase *c = tcase_create("failures");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 30);
	tcase_add_loop_test(c, a_failure_says_what_happened_and_what_to_do, 0, KT_ARRAY_LEN(rows));
	suite_add_tcase(s, c);
	return kt_run(s);
}
