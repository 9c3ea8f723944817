/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does only what we set go from the XML of a guest that moves, and is anything doubtful
 * left as it is? */
#include <string.h>

#include "kt_check.h"
#include "unmark.h"
#include "virt_domain.h"

#define PINS(x) "<metadata><p:pins xmlns:p='urn:kvmtuned:pin:1'>" x "</p:pins></metadata>"
#define PIN(of, number, cpus, was)                                                                 \
	"<p:pin of='" of "' number='" number "' cpus='" cpus "' was='" was "'/>"
#define LIMIT(kib, original)                                                                       \
	"<metadata><l:limit xmlns:l='urn:kvmtuned:limit:1' soft_limit_kib='" kib                   \
	"' original_kib='" original "'/></metadata>"
#define SOFT(kib) "<memtune><soft_limit unit=\"KiB\">" kib "</soft_limit></memtune>"

static const struct {
	const char *in, *out; /* what is within <domain>; out "": nothing is printed */
} documents[] = {
	/* nothing of ours */
	{ "", "" },
	{ "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>", "" },
	{ "<metadata><x xmlns='urn:other'/></metadata>", "" },
	/* pins */
	{ PINS(PIN("vcpu", "0", "0-1",
		   "none")) "<cputune><vcpupin vcpu='0' cpuset='0-1'/></cputune>",
	  "-" },
	{ PINS(PIN("emulator", "0", "0-1", "none") PIN(
		  "iothread", "2", "3",
		  "none")) "<cputune><shares>9</shares><emulatorpin cpuset='0,1'/><iothreadpin iothread='2' "
			   "cpuset='3'/></cputune>",
	  "<cputune><shares>9</shares></cputune>" },
	{ PINS(PIN("vcpu", "3", "0-1",
		   "0-7")) "<cputune><vcpupin vcpu='3' cpuset='0-1'/></cputune>",
	  "<cputune><vcpupin vcpu=\"3\" cpuset=\"0-7\"/></cputune>" },
	/* two marks of a thread that moves */
	{ PINS(PIN("vcpu", "0", "0-1", "none")
		       PIN("vcpu", "0", "2-3",
			   "none")) "<cputune><vcpupin vcpu='0' cpuset='2-3'/></cputune>",
	  "-" },
	/* pins of somebody else's, whatever the marks say */
	{ PINS(PIN("vcpu", "0", "0-1", "none")) "<cputune><vcpupin vcpu='0' cpuset='1'/></cputune>",
	  "<cputune><vcpupin vcpu=\"0\" cpuset=\"1\"/></cputune>" },
	{ PINS(PIN("vcpu", "0", "0-1",
		   "none")) "<cputune><vcpupin vcpu='1' cpuset='0-1'/></cputune>",
	  "<cputune><vcpupin vcpu=\"1\" cpuset=\"0-1\"/></cputune>" },
	{ PINS(PIN(
		  "vcpu", "0", "0-1",
		  "none")) "<cputune><emulatorpin cpuset='0-1'/><vcpupin vcpu='0' cpuset='0-1'/></cputune>",
	  "<cputune><emulatorpin cpuset=\"0-1\"/></cputune>" },
	{ PINS(PIN("vcpu", "0", "0-1", "none")) "<cputune><x:vcpupin xmlns:x='urn:other' vcpu='0' "
						"cpuset='0-1'/></cputune>",
	  "<cputune><x:vcpupin xmlns:x=\"urn:other\" vcpu=\"0\" cpuset=\"0-1\"/></cputune>" },
	/* marks that cannot be understood */
	{ PINS("<p:pin of='vcpu' number='0' cpus='0-1'/>"), "" },
	{ PINS(PIN("vhost", "0", "0-1", "none")), "" },
	{ PINS(PIN("vcpu", "1024", "0-1", "none")), "" },
	{ PINS(PIN("vcpu", "-1", "0-1", "none")), "" },
	{ PINS(PIN("vcpu", "0", "", "none")), "" },
	{ PINS(PIN("vcpu", "0", "0-1", "some")), "" },
	{ PINS("<p:limit/>"), "" },
	/* soft limits */
	{ LIMIT("65536", "unlimited") SOFT("65536"), "-" },
	{ LIMIT("65536", "70000") SOFT("65536"), SOFT("70000") },
	{ LIMIT("65536", "unlimited") SOFT("65532"), SOFT("65532") },
	{ LIMIT("65536", "1") SOFT("65536"), SOFT("65536") },
	{ LIMIT("65536",
		"unlimited") "<memtune><soft_limit unit=\"MiB\">65536</soft_limit></memtune>",
	  "<memtune><soft_limit unit=\"MiB\">65536</soft_limit></memtune>" },
	{ LIMIT("65536", "unlimited") "<memtune><hard_limit unit='KiB'>9</hard_limit></memtune>",
	  "<memtune><hard_limit unit=\"KiB\">9</hard_limit></memtune>" },
	/* of several metadata only the first counts, as for libvirt; none keeps a mark */
	{ LIMIT("65536", "unlimited") LIMIT("65536", "1") SOFT("65536"), "-" },
	{ "<metadata><a xmlns=\"urn:other\"/></metadata>" LIMIT("65536", "1") SOFT("65536"),
	  "<metadata><a xmlns=\"urn:other\"/></metadata>" SOFT("65536") },
	/* what is beside them */
	{ "<name>&lt;%s%n&quot;</name><!-- c -->" PINS(""), "<name>&lt;%s%n\"</name><!-- c -->" },
	{ "<metadata><a xmlns='urn:other'/><p:pins xmlns:p='urn:kvmtuned:pin:1'/></metadata>",
	  "<metadata><a xmlns=\"urn:other\"/></metadata>" },
};

static char *answer(const char *xml, size_t size, bool *ret_complains)
{
	KT_AUTOFCLOSE FILE *in = tmpfile(), *out = tmpfile(), *err = tmpfile();
	char *text = calloc(1, KT_FILE_MAX);

	ck_assert(in && out && err && text);
	ck_assert_uint_eq(fwrite(xml, 1, size, in), size);
	rewind(in);
	ck_assert_int_eq(unmark(in, out, err), 0);
	*ret_complains = ftell(err) > 0;
	rewind(out);
	(void)!fread(text, 1, KT_FILE_MAX - 1, out);
	return text;
}

START_TEST(only_what_is_ours_goes)
{
	const char *want = documents[_i].out;
	char xml[4096], wanted[4096] = "";
	KT_AUTOFREE char *out = NULL;
	bool complains;

	snprintf(xml, sizeof xml, "<domain>%s</domain>", documents[_i].in);
	if (strcmp(want, "-") == 0)
		snprintf(wanted, sizeof wanted, "<?xml version=\"1.0\"?>\n<domain/>\n");
	else if (want[0])
		snprintf(wanted, sizeof wanted, "<?xml version=\"1.0\"?>\n<domain>%s</domain>\n",
			 want);
	out = answer(xml, strlen(xml), &complains);
	ck_assert_str_eq(out, wanted);
	ck_assert_int_eq(complains, !want[0] && strstr(xml, "p:pins") != NULL);
}
END_TEST

static const char *const hostile[] = {
	"",
	"<domain>",
	"<network>" PINS("") "</network>",
	"<!DOCTYPE domain [<!ENTITY a 'b'>]><domain>" PINS("") "&a;</domain>",
	"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'><domain>" PINS("") "</domain>",
	"<domain>" PINS("") "</domain><domain/>",
	"<domain>\xff" PINS("") "</domain>",
};

START_TEST(what_is_no_domain_is_left_alone_and_that_is_said)
{
	bool complains;
	KT_AUTOFREE char *out = answer(hostile[_i], strlen(hostile[_i]), &complains);

	ck_assert_str_eq(out, "");
	ck_assert(complains);
}
END_TEST

START_TEST(no_cut_document_is_printed)
{
	static const char xml[] = "<domain>" PINS(PIN("vcpu", "0", "0-1", "none"))
		LIMIT("65536",
		      "unlimited") "<cputune><vcpupin vcpu='0' cpuset='0-1'/></cputune></domain>";

	for (size_t size = 0; size < sizeof xml - 1; size++) {
		bool complains;
		KT_AUTOFREE char *out = answer(xml, size, &complains);

		ck_assert(complains && !out[0]);
	}
}
END_TEST

/* A bound, and not one byte more. */
START_TEST(size_is_bounded)
{
	static const char begin[] = "<domain>" PINS(""), end[] = "</domain>";
	const size_t used = strlen(begin) + strlen(end);

	for (size_t size = VIRT_XML_MAX; size <= VIRT_XML_MAX + 1; size++) {
		KT_AUTOFREE char *xml = malloc(size + 1), *out = NULL;
		bool complains;

		ck_assert_ptr_nonnull(xml);
		snprintf(xml, size + 1, "%s%*s%s", begin, (int)(size - used), "", end);
		out = answer(xml, size, &complains);
		ck_assert_int_eq(complains, size > VIRT_XML_MAX);
		ck_assert_int_eq(out[0] != '\0', size <= VIRT_XML_MAX);
	}
}
END_TEST

/* More than there can be threads: they would be compared for minutes. */
START_TEST(marks_are_bounded)
{
	static const char begin[] = "<domain><metadata><p:pins xmlns:p='urn:kvmtuned:pin:1'>";
	static const char end[] = "</p:pins></metadata></domain>",
			  pin[] = PIN("vcpu", "0", "0", "none");

	for (size_t n = 2048; n <= 2049; n++) {
		KT_AUTOFREE char *xml = malloc(sizeof begin + sizeof end + n * sizeof pin),
				 *out = NULL;
		char *at;
		bool complains;

		ck_assert_ptr_nonnull(xml);
		at = stpcpy(xml, begin);
		for (size_t i = 0; i < n; i++)
			at = stpcpy(at, pin);
		at = stpcpy(at, end);
		out = answer(xml, (size_t)(at - xml), &complains);
		ck_assert(complains == (n > 2048) && (out[0] != '\0') == (n <= 2048));
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("unmark");
	TCase *c = tcase_create("unmark");

	tcase_set_timeout(c, 60); /* sanitizers on a busy machine */
	tcase_add_loop_test(c, only_what_is_ours_goes, 0, KT_ARRAY_LEN(documents));
	tcase_add_loop_test(c, what_is_no_domain_is_left_alone_and_that_is_said, 0,
			    KT_ARRAY_LEN(hostile));
	tcase_add_test(c, no_cut_document_is_printed);
	tcase_add_test(c, size_is_bounded);
	tcase_add_test(c, marks_are_bounded);
	suite_add_tcase(s, c);
	return kt_run(s);
}
