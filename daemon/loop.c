/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What wakes the main thread, and what does it do then?
 *
 * Nothing wakes it without a reason: ticks run while there are guests (or while
 * libvirt has not yet said whether there are), and for the watchdog; events of
 * guests, memory pressure and signals bring a tick forward. */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <string.h>

#include "audit_run.h"
#include "footprint.h"
#include "http.h"
#include "kvmtuned.h"
#include "pressure.h"
#include "rivals.h"
#include "service.h"
#include "urgent.h"

enum {
	COALESCE_MS = 100,     /* events within this time make one tick */
	UNMERGE_LOOK_MS = 500, /* while KSM waits for it */
};

enum { ON_TERM, ON_INT, ON_HUP, ON_USR1, NSIGNALS };

struct loop {
	struct kvmtuned *k;
	struct event_base *base;
	struct event *signal[NSIGNALS];
	struct event *tick, *kick, *news;
	struct pressure pressure;
	uint64_t tick_interval_ns;   /* armed with; 0: not armed */
	int error;                   /* why the loop ends, other than by a signal */
	bool was_ready, has_started; /* ready: a good sample; started: guests are known as well */
};

static struct timeval timeval_of_ns(uint64_t ns)
{
	return (struct timeval){ .tv_sec = (time_t)(ns / KT_NS_PER_S),
				 .tv_usec = (suseconds_t)(ns % KT_NS_PER_S / 1000) };
}

/* ---- ticks -------------------------------------------------------------------- */

/* 0: never. */
static uint64_t sooner(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns && b_ns ? KT_MIN(a_ns, b_ns) : a_ns + b_ns;
}

static uint64_t wanted_interval_ns(const struct loop *l)
{
	uint64_t interval_ns = l->k->conf.interval_s * KT_NS_PER_S;
	uint64_t watchdog_ns = service_watchdog_interval_ns();
	uint64_t asked_ns = l->k->plan->look_again_ns;
	bool unmerging = act_in_force(l->k->act)->ksm.unmerging;
	bool idle = l->k->guests_known && l->k->domains->nused == 0;

	if (unmerging)
		return UNMERGE_LOOK_MS * 1000 * UINT64_C(1000);
	if (idle)
		return watchdog_ns;
	if (asked_ns && !l->k->let_go)
		interval_ns = KT_MIN(interval_ns, asked_ns);
	return sooner(interval_ns, watchdog_ns);
}

/* A pause that ends is to be said, and acted on, then; and a host that cannot be read, whose
 * pauses do not end, is not asked without rest. */
static uint64_t until_pause_ends(const struct kvmtuned *k)
{
	uint64_t end_ns = pauses_next_end_ns(&k->pauses), now_ns = now_monotonic_ns();

	if (end_ns == UINT64_MAX)
		return 0;
	return KT_MAX(end_ns, now_ns + COALESCE_MS * KT_NS_PER_MS) - now_ns;
}

/* Asleep for ever we would keep in force what nobody looks after: whoever starts us anew takes
 * it over. */
static void end_with(struct loop *l, int error, const char *what)
{
	if (l->error == 0)
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR, .error = -error },
			  "%s: %s; ending", what, strerror(-error));
	l->error = error;
	if (l->base)
		event_base_loopbreak(l->base);
}

static void arm(struct loop *l, struct event *timer, uint64_t after_ns)
{
	struct timeval tv = timeval_of_ns(after_ns);

	if (event_add(timer, &tv) < 0)
		end_with(l, -ENOMEM, "the next tick cannot be planned");
}

/* A burst of events is one tick, a moment after the first. */
static void kick_soon(struct loop *l)
{
	if (!event_pending(l->kick, EV_TIMEOUT, NULL))
		arm(l, l->kick, COALESCE_MS * KT_NS_PER_MS);
}

/* The sensitive trigger asks for a look at the guests that are squeezed, and for no more. */
static void on_pressure(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	l->k->kicked |= !l->pressure.is_alert;
	kvmtuned_look(l->k, SENSE_ALL);
	kick_soon(l);
}

/* Of guests that an event's tick has left out the next look comes when it would have; a host
 * that cannot be read is not asked without rest. */
static uint64_t until_due(const struct kvmtuned *k, uint64_t interval_ns)
{
	bool left_out = k->misses == 0 && k->view->nunseen > 0;
	uint64_t since_ns = left_out ? now_monotonic_ns() - k->looked_ns : 0;

	if (interval_ns == 0)
		return 0;
	return interval_ns > since_ns ? interval_ns - since_ns : COALESCE_MS * KT_NS_PER_MS;
}

/* From now on: a tick that an event brought forward is the next one's beginning, if it has
 * looked at all guests. */
static void arm_tick(struct loop *l)
{
	uint64_t want = sooner(until_due(l->k, wanted_interval_ns(l)), until_pause_ends(l->k));

	if (l->k->domains->nused == 0)
		pressure_close(&l->pressure);
	else if (l->k->fs.is_live)
		pressure_watch(&l->pressure, l->base, l->k->plan->memory.squeezing, on_pressure, l);
	event_del(l->tick);
	if (want)
		arm(l, l->tick, want);
	l->k->next_tick_ns = want ? now_monotonic_ns() + want : 0;
}

static void run_tick(struct loop *l)
{
	uint64_t now_ns = now_monotonic_ns();
	int r;

	guests_check_lateness(l->k, now_ns);
	r = kvmtuned_tick(l->k, now_ns);
	l->k->tick_began_ns = now_ns;
	l->k->tick_took_ns = now_monotonic_ns() - now_ns;
	if (r == 0)
		audit_tick(l->k, now_ns);
	decisions_flush(l->k);
	histogram_add(&l->k->tick_times, l->k->tick_took_ns);
	service_tick_finished();
	if (r == 0 && !l->was_ready) {
		l->was_ready = true;
		service_ready();
	}
	if (r == 0 && l->k->guests_known && !l->has_started) {
		l->has_started = true;
		footprint_drop_startup_code();
	}
	arm_tick(l);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	run_tick(context);
}

/* News, pressure, or somebody who asks. */
static void on_event(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	l->k->by_event = true;
	run_tick(l);
}

void loop_kick(struct kvmtuned *k)
{
	k->kicked = true;
	kvmtuned_look(k, SENSE_ALL);
	if (k->loop)
		kick_soon(k->loop);
}

/* SIGUSR1. */
static void on_kick(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	loop_kick(l->k);
}

static void on_news(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	if (guests_take_news(l->k, now_monotonic_ns()))
		kick_soon(l);
	if (l->k->virt_ended)
		end_with(l, -ENOMEM, "the libvirt thread has ended");
	decisions_flush(l->k);
}

/* ---- signals ------------------------------------------------------------------- */

/* What is read at start stays: the undo file is where it is. */
static void keep_start_values(struct conf *now, const struct conf *then)
{
	if (strcmp(now->run_dir, then->run_dir) != 0 ||
	    strcmp(now->libvirt_uri, then->libvirt_uri) != 0)
		log_warning("run_dir and libvirt_uri take effect at the next start");
	strcpy(now->run_dir, then->run_dir);
	strcpy(now->libvirt_uri, then->libvirt_uri);
}

int loop_reload(struct kvmtuned *k)
{
	struct loop *l = k->loop;
	KT_AUTOFREE struct conf *conf = malloc(sizeof *conf);
	int r = conf ? conf_load(k->conf_path, k->conf_must_exist, conf_complain, NULL, conf)
		     : -ENOMEM;

	service_reloading(now_monotonic_ns());
	k->conf_error = r;
	if (r < 0) {
		log_emitf((struct log_event){ .level = LOG_LEVEL_ERR, .id = LOG_CONFIG_REJECTED },
			  "%s: %s, and the one of before stays in force: %s", k->conf_path,
			  conf_error_what(r), conf_error_advice(r));
	} else {
		keep_start_values(conf, &k->conf);
		k->conf = *conf;
		log_set_level(k->conf.log_level);
		act_forgive(k->act);
		placement_policy_forgive(&k->arbiter->placement);
		k->reloads++;
		guests_apply_wishes(k);
		k->kicked = true;
		kvmtuned_look(k, SENSE_ALL);
		log_emitf((struct log_event){ .level = LOG_LEVEL_INFO, .id = LOG_CONFIG_RELOADED },
			  "configuration %s is in force", k->conf_path);
		k->tuned_has_ksm = rivals_look(&k->fs, &k->conf.policy, k->tuned_has_ksm);
	}
	if (l->was_ready)
		service_ready();
	kick_soon(l);
	return r;
}

static void on_reload(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	(void)loop_reload(l->k); /* said */
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
	struct loop *l = context;

	(void)fd, (void)what;
	event_base_loopbreak(l->base);
}

/* ---- life ---------------------------------------------------------------------- */

static const struct {
	int number;
	event_callback_fn callback;
} signals[NSIGNALS] = { [ON_TERM] = { SIGTERM, on_stop },
			[ON_INT] = { SIGINT, on_stop },
			[ON_HUP] = { SIGHUP, on_reload },
			[ON_USR1] = { SIGUSR1, on_kick } };

static void mask_signals(int how)
{
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < NSIGNALS; i++)
		sigaddset(&ours, signals[i].number);
	(void)sigprocmask(how, &ours, NULL); /* fails only for a wrong how */
}

void loop_hold_signals(void)
{
	mask_signals(SIG_BLOCK);
}

static int setup(struct loop *l)
{
	l->base = urgent_base_new();
	if (!l->base)
		return -ENOMEM;
	for (size_t i = 0; i < NSIGNALS; i++) {
		l->signal[i] = evsignal_new(l->base, signals[i].number, signals[i].callback, l);
		if (urgent_add(l->signal[i]) < 0)
			return -ENOMEM;
	}
	mask_signals(SIG_UNBLOCK);
	l->tick = evtimer_new(l->base, on_tick, l);
	l->kick = evtimer_new(l->base, on_event, l);
	l->news = event_new(l->base, virt_wake_fd(l->k->virt), EV_READ | EV_PERSIST, on_news, l);
	if (urgent_make(l->tick) < 0 || urgent_make(l->kick) < 0 || urgent_add(l->news) < 0)
		return -ENOMEM;
	return 0;
}

static void teardown(struct loop *l)
{
	struct event *events[] = { l->tick, l->kick, l->news };

	pressure_close(&l->pressure);
	for (size_t i = 0; i < KT_ARRAY_LEN(events); i++)
		if (events[i])
			event_free(events[i]);
	for (size_t i = 0; i < NSIGNALS; i++)
		if (l->signal[i])
			event_free(l->signal[i]);
	if (l->base)
		event_base_free(l->base);
}

int loop_run(struct kvmtuned *k)
{
	struct loop l = { .k = k, .pressure = PRESSURE_CLOSED };
	int r = setup(&l);

	if (r < 0)
		end_with(&l, r, "events cannot be waited for");
	k->loop = &l;
	if (r == 0) {
		(void)http_open(k, l.base, &k->http); /* said; everything else goes on */
		run_tick(&l);
		if (l.error == 0 && event_base_dispatch(l.base) < 0)
			l.error = -EIO;
		r = l.error;
		http_close(k->http); /* nobody waits for an answer while all is undone */
		k->http = NULL;
		if (!loop_finish(k) && r == 0)
			r = -EIO;
	}
	k->loop = NULL;
	teardown(&l);
	return r;
}
