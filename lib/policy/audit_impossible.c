/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What do tuning guides ask for that the host cannot see? */
#include "audit.h"

const struct audit_impossible audit_impossible[] = {
	{ "guest-ptp", "Only the guest knows whether its chrony reads /dev/ptp0 (ptp_kvm)." },
};

const size_t audit_nimpossible = KT_ARRAY_LEN(audit_impossible);
