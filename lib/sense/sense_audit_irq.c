/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which CPUs may the interrupts of this host go to, and who moves them? */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "sense_audit_private.h"
#include "sense_private.h"
#include "str.h"

enum {
	INTERFACES_MAX = 256,
	INTERFACE = 16, /* IFNAMSIZ */
	ACTION = 128,
};

struct interfaces {
	const struct hostfs *fs;
	size_t n;
	char name[INTERFACES_MAX][INTERFACE];
};

struct irq_walk {
	const struct hostfs *fs;
	struct audit_host *h;
	const struct interfaces *interfaces;
	struct audit_irq irq; /* the one that is being read */
	char action[ACTION];  /* of its names the first by the alphabet */
};

/* ---- network interfaces ------------------------------------------------------------------- */

/* Bridges, bonds and the like have no device, and no interrupt. */
static int take_interface(void *context, const char *name)
{
	struct interfaces *all = context;
	char path[KT_PATH_MAX];

	if (*name == '.' || strlen(name) >= INTERFACE || all->n == INTERFACES_MAX ||
	    str_format(path, sizeof path, "sys/class/net/%s/device", name) < 0 ||
	    !hostfs_exists(all->fs, path))
		return 0;
	memcpy(all->name[all->n++], name, strlen(name) + 1);
	return 0;
}

/* "eth0", "eth0-TxRx-3", "i40e-eth0-TxRx-3", but not "eth01". */
static bool names_interface(const char *action, const char *interface)
{
	size_t length = strlen(interface);

	for (const char *at = action; (at = strstr(at, interface)); at++)
		if ((at == action || !isalnum((unsigned char)at[-1])) &&
		    !isalnum((unsigned char)at[length]))
			return true;
	return false;
}

/* virtio's network driver is the only one of its drivers that counts its queues so. */
static bool is_nic(const struct interfaces *all, const char *action)
{
	for (size_t i = 0; i < all->n; i++)
		if (names_interface(action, all->name[i]))
			return true;
	return strncmp(action, "virtio", 6) == 0 &&
	       (strstr(action, "-input.") || strstr(action, "-output."));
}

static int mark_nic(void *context, pid_t number)
{
	struct audit_host *h = context;

	for (size_t i = 0; i < h->nirqs; i++)
		if (h->irq[i].number == (unsigned int)number)
			h->irq[i].is_nic = true;
	return 0;
}

/* Drivers that name their interrupts by their own names ("mlx5_comp3@pci:0000:3b:00.0"). */
static void mark_nics(const struct interfaces *all, struct audit_host *h)
{
	char path[KT_PATH_MAX];

	for (size_t i = 0; i < all->n; i++)
		if (str_format(path, sizeof path, "sys/class/net/%s/device/msi_irqs",
			       all->name[i]) == 0 &&
		    hostfs_each_number(all->fs, path, mark_nic, h) < 0)
			continue; /* no MSI: it was found by its name, if it has an interrupt */
}

/* ---- interrupts ----------------------------------------------------------------------------- */

/* Queues of block drivers that let the kernel spread them: the spread cannot be written.  An
 * NVMe's queue 0 is not one of them. */
static bool names_managed(const char *action)
{
	unsigned int device, queue;
	int end = 0;

	/* A driver's own numbers.  NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(action, "nvme%uq%u%n", &device, &queue, &end) == 2 && !action[end])
		return queue > 0;
	return (strncmp(action, "virtio", 6) == 0 &&
		(strstr(action, "-req.") || strstr(action, "-request"))) ||
	       (strncmp(action, "megasas", 7) == 0 && strstr(action, "-msix")) ||
	       (strncmp(action, "mpt3sas", 7) == 0 && strstr(action, "-msix"));
}

/* Everything beside the kernel's own files is the folder of an action. */
static int take_action(void *context, const char *name)
{
	static const char *const files[] = {
		"affinity_hint", "effective_affinity", "effective_affinity_list",
		"node",          "smp_affinity",       "smp_affinity_list",
		"spurious"
	};
	struct irq_walk *w = context;

	if (*name == '.')
		return 0;
	for (size_t i = 0; i < KT_ARRAY_LEN(files); i++)
		if (strcmp(name, files[i]) == 0)
			return 0;
	w->irq.is_nic |= is_nic(w->interfaces, name);
	w->irq.is_nvme |= strncmp(name, "nvme", 4) == 0 && isdigit((unsigned char)name[4]);
	w->irq.is_managed |= names_managed(name);
	if (!w->action[0] || strcmp(name, w->action) < 0)
		(void)snprintf(w->action, sizeof w->action, "%s", name);
	return 0;
}

static int read_cpus(const struct hostfs *fs, unsigned int number, const char *file,
		     struct cpumask *ret)
{
	char path[64], text[KT_CPULIST_MAX];
	ssize_t n = str_format(path, sizeof path, "proc/irq/%u/%s", number, file);

	if (n == 0)
		n = hostfs_read(fs, path, text, sizeof text);
	return n < 0 ? (int)n : cpumask_parse(text, ret);
}

/* Interrupts come and go with their devices: one that is not there any more is none. */
static int take_irq(void *context, pid_t number)
{
	struct irq_walk *w = context;
	struct audit_host *h = w->h;
	char path[64];
	int r;

	w->irq = (struct audit_irq){ .number = (unsigned int)number };
	w->action[0] = '\0';
	r = str_format(path, sizeof path, "proc/irq/%d/smp_affinity_list", number);
	if (r == 0) /* by its mode since about 6.13; before, only by its name */
		w->irq.is_managed = hostfs_is_read_only(w->fs, path);
	if (r == 0)
		r = str_format(path, sizeof path, "proc/irq/%d", number);
	if (r == 0)
		r = hostfs_each_name(w->fs, path, take_action, w);
	if (r < 0 || !w->action[0])
		return r == -ENOENT ? 0 : r; /* nobody's: it does not come */
	r = read_cpus(w->fs, w->irq.number, "smp_affinity_list", &w->irq.allowed);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = read_cpus(w->fs, w->irq.number, "effective_affinity_list", &w->irq.effective);
	if (r < 0 && r != -ENOENT)
		return r;
	if (h->nirqs == AUDIT_IRQS_MAX)
		return -E2BIG;
	str_escape(w->action, w->irq.device, sizeof w->irq.device);
	h->irq[h->nirqs++] = w->irq;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct audit_irq *one = a, *other = b;

	return (one->number > other->number) - (one->number < other->number);
}

static void read_irqs(const struct hostfs *fs, struct audit_host *h)
{
	struct interfaces interfaces = { .fs = fs };
	struct irq_walk w = { .fs = fs, .h = h, .interfaces = &interfaces };
	int r;

	r = hostfs_each_name(fs, "sys/class/net", take_interface, &interfaces);
	if (r == 0 || r == -ENOENT)
		r = hostfs_each_number(fs, "proc/irq", take_irq, &w);
	qsort(h->irq, h->nirqs, sizeof h->irq[0], by_number);
	mark_nics(&interfaces, h);
	h->irqs = r < 0 ? audit_failed(r) : audit_known(h->nirqs);
}

/* ---- irqbalance -------------------------------------------------------------------------------
 */

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* "ff,00000000", the highest CPUs first; "0x" before it is allowed. */
static int parse_hex_mask(const char *text, struct cpumask *ret)
{
	struct cpumask mask = { 0 };
	const char *first = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
	unsigned int cpu = 0;

	for (const char *s = first + strlen(first); s-- > first;) {
		if (*s == ',')
			continue;
		if (!isxdigit((unsigned char)*s))
			return -EINVAL;
		for (unsigned int bit = 0; bit < 4; bit++, cpu++) {
			if (!(hex_digit(*s) >> bit & 1))
				continue;
			if (cpu >= KT_CPUS_MAX)
				return -ERANGE;
			cpumask_set(&mask, cpu);
		}
	}
	*ret = mask;
	return 0;
}

struct bans {
	bool has_list, has_mask;
	int list_error, mask_error;
	struct cpumask list, mask;
};

/* A file of environment variables, as systemd reads it: nothing in it is executed. */
static int take_ban(void *context, char *line)
{
	struct bans *b = context;
	char *key, *value;

	if (!audit_split(line, &key, &value))
		return 0;
	if (strcmp(key, "IRQBALANCE_BANNED_CPULIST") == 0) {
		b->has_list = true;
		b->list_error = cpumask_parse(value, &b->list);
	} else if (strcmp(key, "IRQBALANCE_BANNED_CPUS") == 0) {
		b->has_mask = true;
		b->mask_error = parse_hex_mask(value, &b->mask);
	}
	return 0;
}

/* Since 1.8 irqbalance prefers the list, and since 1.9 it ignores the mask. */
static void read_bans(const struct hostfs *fs, struct audit_host *h)
{
	struct bans b = { 0 };
	int error = audit_each_line(fs, "etc/default/irqbalance", take_ban, &b);

	if (error == -ENOENT)
		error = audit_each_line(fs, "etc/sysconfig/irqbalance", take_ban, &b);
	if (error == -ENOENT || (error == 0 && !b.has_list && !b.has_mask))
		return;
	if (error == 0)
		error = b.has_list ? b.list_error : b.mask_error;
	if (error < 0) {
		h->irq_bans = audit_failed(error);
		return;
	}
	h->irq_banned = b.has_list ? b.list : b.mask;
	h->irq_bans = audit_known(cpumask_count(&h->irq_banned));
}

void sense_audit_irqs(const struct hostfs *fs, struct audit_host *h)
{
	read_irqs(fs, h);
	read_bans(fs, h);
	h->irqbalance_runs = sense_find_daemon(fs, "irqbalance") > 0;
}
