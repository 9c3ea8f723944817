/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How do metrics come to Prometheus without a port: by standard output, or by a file that
 * node_exporter's textfile collector reads? */
#include <string.h>

#include "ctl.h"

int verb_metrics(const struct options *o, int argc, char **argv)
{
	KT_AUTOFREE char *text = NULL;
	int status = ctl_get_text(o, "/metrics", &text), r;

	(void)argc, (void)argv;
	if (status != EXIT_SUCCESS)
		return status;
	if (!o->output) {
		fputs(text, stdout);
		return EXIT_SUCCESS;
	}
	r = ctl_write_file(o->output, text, strlen(text));
	if (r < 0)
		ctl_say("%s could not be written: %s", o->output, strerror(-r));
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
