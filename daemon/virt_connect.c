/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How is the link to libvirt made, lost and made again?
 *
 * The close callback can come from the middle of any call, so losing the link only
 * leaves a note; the link timer, on a clean stack, closes what is left and tries again.
 * While libvirtd is stopped (SIGSTOP) an open hangs until it goes on: libvirt has no
 * deadline there and sends no keep-alive before the link stands. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "log.h"
#include "str.h"
#include "virt_thread.h"

enum {
	RETRY_MAX_S = 60,
	/* A link that broke sooner goes on with the old back-off: a libvirtd that dies of
	 * our first call must not be woken every second. */
	STEADY_S = 60,
	/* Silence for 10 s x (5 + 1) ends the link. */
	KEEPALIVE_S = 10,
	KEEPALIVE_COUNT = 5,
};

static void retry_later(struct virt *v)
{
	virt_after(v->link_event, v->retry_s);
	v->retry_s = KT_MIN(2 * v->retry_s, RETRY_MAX_S);
}

static void tell_down(struct virt *v, const char *text)
{
	struct virt_news news = { .kind = VIRT_LINK_DOWN, .since_ns = now_monotonic_ns() };

	if (v->said_down)
		return;
	v->said_down = true;
	str_escape(text, news.text, sizeof news.text);
	virt_tell(v, &news);
}

static void tell_up(struct virt *v)
{
	struct virt_news news = { .kind = VIRT_LINK_UP, .since_ns = v->up_since_ns };
	unsigned long version = 0; /* unknown, when the call fails */

	(void)virConnectGetLibVersion(v->connection, &version);
	(void)snprintf(news.text, sizeof news.text, "libvirt %lu.%lu.%lu", version / 1000000,
		       version / 1000 % 1000, version % 1000);
	v->said_down = false;
	virt_tell(v, &news);
}

void virt_link_lost(struct virt *v, const char *text)
{
	if (v->lost)
		return;
	v->lost = true;
	atomic_store(&v->up, false);
	(void)snprintf(v->lost_text, sizeof v->lost_text, "%s", text);
	virt_after(v->link_event, 0);
}

static void on_close(virConnectPtr connection, int reason, void *v)
{
	static const char *const reasons[] = {
		[VIR_CONNECT_CLOSE_REASON_ERROR] = "connection closed: input/output error",
		[VIR_CONNECT_CLOSE_REASON_EOF] = "connection closed by libvirtd",
		[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "connection closed: no answer to keep-alive",
	};
	bool known = reason >= 0 && (size_t)reason < KT_ARRAY_LEN(reasons);

	(void)connection;
	virt_link_lost(v, known ? reasons[reason] : "connection closed");
}

/* Callbacks hold references: without giving them back the connection never closes. */
void virt_disconnect(struct virt *v)
{
	atomic_store(&v->up, false);
	if (!v->connection)
		return;
	virt_unsubscribe(v);
	(void)virConnectUnregisterCloseCallback(v->connection,
						on_close); /* not every driver has it */
	if (virConnectClose(v->connection) > 0)
		log_debug("libvirt: somebody still holds the closed connection");
	v->connection = NULL;
	v->lost = false;
	v->keepalive = false;
}

void virt_keepalive(struct virt *v)
{
	bool wanted = false;

	for (size_t i = 0; i < v->nguests && !wanted; i++)
		wanted = v->guest[i].used && v->guest[i].announced;
	if (wanted == v->keepalive)
		return;
	v->keepalive = wanted;
	/* Drivers inside this process (test:) have none and need none. */
	(void)virConnectSetKeepAlive(v->connection, wanted ? KEEPALIVE_S : 0,
				     wanted ? KEEPALIVE_COUNT : 0);
}

/* Which CPUs a pin to "all" names; when unknown, each pin counts as one. */
void virt_read_host_cpus(struct virt *v)
{
	unsigned char *map = NULL;
	int ncpus = virNodeGetCPUMap(v->connection, &map, NULL, 0);
	/* A number and a map that libvirtd sends: the one need not fit the other. */
	int nbits = map ? (int)KT_MIN(malloc_usable_size(map) * 8, (size_t)KT_CPUS_MAX) : 0;

	v->host_cpus = (struct cpumask){ 0 };
	for (int i = 0; i < KT_MIN(ncpus, nbits); i++)
		if (VIR_CPU_USED(map, i))
			cpumask_set(&v->host_cpus, (unsigned int)i);
	free(map);
}

/* Events first, then the list: whatever starts in between is seen twice, not never. */
static int set_up(struct virt *v)
{
	int r;

	r = virt_subscribe(v);
	if (r < 0)
		return r;
	(void)virConnectRegisterCloseCallback(v->connection, on_close, v, NULL); /* as above */
	virt_read_host_cpus(v);
	atomic_fetch_add(&v->link, 1); /* first: who sees it up must see which one */
	atomic_store(&v->up, true);
	tell_up(v);
	return virt_guests_resync(v);
}

static void connect_once(struct virt *v)
{
	/* Without an auth structure nothing can prompt. */
	v->connection = virConnectOpenAuth(v->uri, NULL, 0);
	if (!v->connection) {
		tell_down(v, virt_error_text());
		retry_later(v);
		return;
	}
	v->up_since_ns = now_monotonic_ns();
	if (set_up(v) < 0)
		virt_link_lost(v, "libvirt refuses events or the list of guests");
}

void virt_link_callback(evutil_socket_t fd, short what, void *arg)
{
	struct virt *v = arg;

	(void)fd;
	(void)what;
	virt_work_begins(v);
	if (v->lost) {
		virt_disconnect(v);
		if (now_monotonic_ns() - v->up_since_ns >= STEADY_S * KT_NS_PER_S)
			v->retry_s = 1;
		tell_down(v, v->lost_text);
		retry_later(v);
	} else if (!v->connection) {
		connect_once(v);
	}
	virt_work_ends(v);
}
