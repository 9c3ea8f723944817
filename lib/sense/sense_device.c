/* SPDX-License-Identifier: GPL-2.0-or-later */
/* On which nodes are the devices that a guest uses? */
#include <string.h>

#include "nodemask.h"
#include "sense_private.h"
#include "str.h"

enum {
	LEVELS = 4,    /* bridge, VLAN, bond, card */
	VISITS = 4096, /* ports of all of them: a kernel's bridge has 1,024 */
};

/* -1 is the kernel's "nowhere in particular". */
static bool read_node(struct sense *s, const char *path, uint64_t *ret)
{
	int64_t node;

	if (hostfs_read(s->fs, path, s->text, sizeof s->text) <= 0 || parse_i64(s->text, &node) < 0)
		return false;
	if (node >= 0 && node < KT_NODES_MAX)
		*ret |= nodemask_of((unsigned int)node);
	return true;
}

struct walk {
	struct sense *s;
	unsigned int visits;
	uint64_t nodes;
};

struct level {
	struct walk *walk;
	unsigned int depth;
};

static int take_lower(void *context, const char *entry);

/* What is made of others, as bridges and bonds are, has no device of its own. */
static void visit_interface(struct walk *w, const char *name, unsigned int depth)
{
	struct level below = { w, depth + 1 };
	char path[96];

	if (++w->visits > VISITS ||
	    str_format(path, sizeof path, "sys/class/net/%s/device/numa_node", name) < 0 ||
	    read_node(w->s, path, &w->nodes) || depth >= LEVELS ||
	    str_format(path, sizeof path, "sys/class/net/%s", name) < 0)
		return;
	if (hostfs_each_name(w->s->fs, path, take_lower, &below) < 0)
		return; /* gone: it has no node */
}

static int take_lower(void *context, const char *entry)
{
	static const char prefix[] = "lower_";
	const char *name = entry + sizeof prefix - 1;
	const struct level *l = context;

	if (strncmp(entry, prefix, sizeof prefix - 1) == 0 && strlen(name) < KT_DEVICE_MAX)
		visit_interface(l->walk, name, l->depth);
	return 0;
}

/* No interface has a colon in its name. */
static bool is_pci(const char *name)
{
	return strchr(name, ':') != NULL;
}

static uint64_t look_up(struct sense *s, const char *name)
{
	struct walk w = { .s = s };
	char path[96];

	if (!is_pci(name))
		visit_interface(&w, name, 1);
	else if (str_format(path, sizeof path, "sys/bus/pci/devices/%s/numa_node", name) == 0)
		(void)read_node(s, path, &w.nodes);
	return w.nodes;
}

static struct device_place *find(struct sense *s, const char *name)
{
	for (size_t i = 0; i < SENSE_DEVICES; i++)
		if (strcmp(s->device[i].name, name) == 0 &&
		    s->nsamples - s->device[i].nsamples < SAMPLES_BETWEEN_LOOKS)
			return &s->device[i];
	return NULL;
}

/* daemon/ has looked at the names; whoever does not is not led out of sysfs. */
static uint64_t nodes_of(struct sense *s, const char *name)
{
	struct device_place *p = find(s, name);

	if (p)
		return p->nodes;
	if (!*name || *name == '.' || strchr(name, '/'))
		return 0;
	p = &s->device[s->next_device++ % SENSE_DEVICES];
	*p = (struct device_place){ .nsamples = s->nsamples, .nodes = look_up(s, name) };
	memcpy(p->name, name, strnlen(name, KT_DEVICE_MAX - 1));
	return p->nodes;
}

void sense_device_nodes(struct sense *s, const struct domain *d, uint64_t *ret_nodes,
			uint64_t *ret_pci_nodes)
{
	*ret_nodes = *ret_pci_nodes = 0;
	for (unsigned int i = 0; i < d->ndevices && i < KT_DEVICES_MAX; i++) {
		uint64_t nodes = nodes_of(s, d->device[i]);

		*ret_nodes |= nodes;
		*ret_pci_nodes |= is_pci(d->device[i]) ? nodes : 0;
	}
}
