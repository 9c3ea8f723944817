/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kvmtunectl: asks kvmtuned, and shows what it says. */
#include <stdio.h>

int main(void)
{
	fputs("kvmtunectl: not built yet\n", stderr);
	return 1;
}
