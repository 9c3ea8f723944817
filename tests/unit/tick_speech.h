/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of which file that fails is the operator told, and of which not?
 *
 * Told is what the daemon would do without, silently and for good: a file of the host that is there
 * and cannot be read or understood.  Not told is what is not there, for a kernel may lack it; what
 * the audit asks for, which answers "unknown" to whoever asks; and a guest's files, for guests come
 * and go: its status says that it is not seen. */
#ifndef KT_TICK_SPEECH_H
#define KT_TICK_SPEECH_H

#include <fnmatch.h>

#include "tick_world.h"

enum speech { SILENT, TOLD, EITHER };

static const struct {
	const char *pattern;
	enum speech absent, failed, odd; /* it is not there, cannot be read, holds nonsense */
} told_files[] = {
	{ "proc/meminfo", TOLD, TOLD, TOLD },
	{ "proc/vmstat", TOLD, TOLD, TOLD },
	{ "proc/stat", SILENT, TOLD, EITHER },
	{ "proc/pressure/*", SILENT, TOLD, TOLD },
	{ "proc/spl/kstat/zfs/arcstats", SILENT, EITHER, EITHER }, /* looked for now and then */
	{ "sys/devices/system/node/node*/meminfo", SILENT, TOLD, TOLD },
	{ "sys/devices/system/node/node*/numastat", SILENT, TOLD, EITHER },
	/* A change of CPUs or nodes that is not understood is told without the name of the list. */
	{ "sys/devices/system/node/online", EITHER, TOLD, EITHER },
	{ "sys/devices/system/cpu/online", EITHER, EITHER, EITHER },
	{ KSM "/general_profit", EITHER, TOLD, EITHER },
	{ KSM "/pages_volatile", EITHER, TOLD, EITHER },
	{ KSM "/advisor_mode", EITHER, TOLD, EITHER },
	{ KSM "/*", EITHER, TOLD, TOLD },
	{ BALANCING, EITHER, TOLD, TOLD },
	{ "proc/37/schedstat", SILENT, TOLD, SILENT },
	/* Numbers beyond all bounds are a guest that runs away; 0, the worst that the audit knows.
	 */
	{ "*/memory.stat", SILENT, SILENT, SILENT },
	{ "*/memory.swap.current", SILENT, SILENT, SILENT },
	{ "sys/module/kvm_*/parameters/?pt", SILENT, SILENT, SILENT },
	/* Read back only now and then. */
	{ SWAPPINESS, EITHER, EITHER, EITHER },
	{ IRQ "/smp_affinity_list", EITHER, EITHER, EITHER },
};

static inline bool is_absence(const struct fault *f)
{
	return f->how == FAULT_VANISHED || (f->how == FAULT_OPEN && f->error == ENOENT);
}

static inline bool is_error(const struct fault *f)
{
	return f->how == FAULT_OPEN || f->how == FAULT_READ;
}

static inline bool is_nonsense(const struct fault *f)
{
	return f->how == FAULT_GARBAGE || f->how == FAULT_NULS;
}

/* Whoever has it open does not open it again; another lie than nonsense may pass for the truth. */
static inline enum speech speech_of(const struct fault *f, bool is_at_start)
{
	for (size_t i = 0; i < KT_ARRAY_LEN(told_files); i++) {
		if (fnmatch(told_files[i].pattern, f->path, 0) != 0)
			continue;
		if (is_absence(f))
			return is_at_start || told_files[i].absent != TOLD ? told_files[i].absent
									   : EITHER;
		if (is_error(f))
			return f->how == FAULT_READ || is_at_start ? told_files[i].failed : EITHER;
		return is_nonsense(f) ? told_files[i].odd : EITHER;
	}
	return SILENT;
}

static inline bool is_told(const char *path)
{
	for (size_t i = 0; i < lines.n; i++)
		if (strstr(lines.text[i], path))
			return true;
	return false;
}

#endif
