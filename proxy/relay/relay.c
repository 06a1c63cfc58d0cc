#include "proxy/relay/relay.h"

#include "proxy/relay/admission.h"
#include "proxy/relay/group.h"
#include "proxy/relay/life.h"
#include "proxy/relay/rules.h"
#include "proxy/relay/session.h"
#include "proxy/relay/warm.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { KEPT_BYTES = 8 << 20, IDLE_BUFFERS = 16 };

static bool add_groups(struct relay *relay, const struct relay_memory *memory)
{
	const struct config *config = relay->config;

	relay->groups = calloc(config->backend_count + 1, sizeof *relay->groups);
	if (!relay->groups)
		return false;
	for (size_t i = 0; i < config->backend_count; i++)
		if (!group_init(&relay->groups[i], &config->backends[i], memory->servers,
				memory->row))
			return false;
	return true;
}

/* Nothing that the client has, or where it comes from, is asked of it before it may send mail. */
static bool is_for_strangers(const struct listener_config *listener)
{
	bool certificate = listener->clients && listener->clients->verify == CLIENTS_REQUIRE;

	return !listener->backend->open_relay_accept && listener->networks.count == 0 &&
	       !listener->policy->require_auth && !certificate;
}

static bool add_services(struct relay *relay, struct cert_store *const *certs)
{
	const struct config *config = relay->config;

	relay->services = calloc(config->listener_count, sizeof *relay->services);
	if (!relay->services)
		return false;
	for (size_t i = 0; i < config->listener_count; i++) {
		struct service *service = &relay->services[i];
		service->listener = &config->listeners[i];
		service->certs = certs[i];
		service->group = &relay->groups[service->listener->backend - config->backends];
		service->strangers = is_for_strangers(service->listener);
		service->rules = rules_new(config, service->listener);
		if (!service->rules)
			return false;
	}
	return true;
}

static bool add_warm(struct relay *relay)
{
	const struct config *config = relay->config;

	relay->warm = calloc(config->backend_count + 1, sizeof(struct warm_set *));
	if (!relay->warm)
		return false;
	for (size_t i = 0; i < config->backend_count; i++) {
		if (config->backends[i].warm == 0)
			continue;
		relay->warm[i] = warm_new(relay, &relay->groups[i]);
		if (!relay->warm[i])
			return false;
	}
	return true;
}

/*
 * What a handshake frees, the next one takes: to give it back to the system in between costs two
 * page faults and more each time. relay_trim() does when there is time.
 */
static void keep_memory(void)
{
	mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
	mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
}

bool relay_init(struct relay *relay, struct ev_loop *loop, const struct config *config,
		struct cert_store *const *certs, const struct log *log,
		const struct relay_memory *memory)
{
	*relay = (struct relay){
		.loop = loop,
		.config = config,
		.log = log,
		.slots = memory->slots,
		.slot_count = memory->slot_count,
		.counters = memory->counters,
		.admit = memory->admit,
	};
	keep_memory();
	/* Ids count on from a random number, so that no two workers or runs share any. */
	if (getrandom(&relay->id_next, sizeof relay->id_next, 0) != sizeof relay->id_next)
		relay->id_next = (uint64_t)time(NULL) << 32 ^ (uint64_t)getpid();
	relay->room = malloc(SMTP_ROOM_BYTES + TRACE_MOST_BYTES + 1);
	/* A worker may read no file later. */
	tzset();
	if (relay->room && pool_init(&relay->pool, IDLE_BUFFERS) && add_groups(relay, memory) &&
	    add_services(relay, certs) && add_warm(relay))
		return true;
	relay_release(relay);
	return false;
}

void relay_count(struct relay *relay, size_t listener, struct listener_counters *counters,
		 size_t place)
{
	relay->services[listener].counters = counters;
	relay->services[listener].counted = (uint16_t)place;
}

void relay_release(struct relay *relay)
{
	relay_abort(relay);
	for (size_t i = 0; relay->services && i < relay->config->listener_count; i++)
		rules_free(relay->services[i].rules);
	free(relay->services);
	for (size_t i = 0; relay->warm && i < relay->config->backend_count; i++)
		warm_free(relay->warm[i]);
	free(relay->warm);
	for (size_t i = 0; relay->groups && i < relay->config->backend_count; i++)
		group_release(&relay->groups[i]);
	free(relay->groups);
	free(relay->room);
	pool_release(&relay->pool);
	*relay = (struct relay){ 0 };
}

/* Ten letters and digits that are not easily confused, of 50 bits. */
static void make_id(struct relay *relay, char *id)
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint64_t n = relay->id_next++;

	for (size_t i = 0; i < SESSION_ID_BYTES - 2; i++, n >>= 5)
		id[SESSION_ID_BYTES - 3 - i] = digits[n & 31];
	id[SESSION_ID_BYTES - 2] = 0;
}

static struct session_slot *take_slot(struct relay *relay, size_t listener,
				      const struct addr *client)
{
	struct timespec now;

	for (size_t i = 0; i < relay->slot_count; i++) {
		struct session_slot *slot = &relay->slots[relay->slot_next];
		relay->slot_next = (relay->slot_next + 1) % relay->slot_count;
		if (slot->id[0])
			continue;
		clock_gettime(CLOCK_REALTIME, &now);
		make_id(relay, slot->id);
		slot->listener = relay->services[listener].counted;
		slot->client = endpoint_of(client);
		slot->since_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
		return slot;
	}
	return NULL;
}

bool relay_is_full(const struct relay *relay)
{
	return relay->open >= relay->slot_count || admit_is_full(relay->admit);
}

bool relay_accept(struct relay *relay, size_t listener, int fd, const struct addr *client)
{
	const struct service *service = &relay->services[listener];
	struct visit visit = { 0 };
	struct session_slot *slot;

	relay->counters->sessions++;
	service->counters->sessions++;
	if (!admission_at_door(relay, service, fd, client, &visit))
		return true;
	slot = take_slot(relay, listener, client);
	if (slot && session_open(relay, service, slot, fd, client, &visit))
		return true;
	if (slot)
		*slot = (struct session_slot){ 0 };
	admission_no_room(relay, service, fd, client, &visit);
	return false;
}

/* A handshake takes several times what a session keeps, and libc holds on to it. */
void relay_trim(struct relay *relay, bool even_if_busy)
{
	uint64_t events = 2 * relay->counters->sessions - relay->counters->open;
	bool is_quiet = relay->seen == events;

	relay->seen = events;
	if (relay->trimmed == events || !(is_quiet || even_if_busy))
		return;
	malloc_trim(0);
	relay->trimmed = events;
}

void relay_drain(struct relay *relay)
{
	relay->draining = true;
	for (struct session *s = relay->sessions, *next; s; s = next) {
		next = s->next;
		smtp_event(&s->smtp, SMTP_DRAIN);
		session_turn(s);
	}
}

static void end_all(struct relay *relay, bool spare_verdicts)
{
	for (struct session *s = relay->sessions, *next; s; s = next) {
		next = s->next;
		if (spare_verdicts && s->stage == STAGE_RELAY && smtp_owes_verdict(&s->smtp))
			continue;
		session_close(s, END_DRAIN_TIMEOUT);
		s->stage = STAGE_DONE;
		session_turn(s);
	}
}

void relay_cut(struct relay *relay)
{
	end_all(relay, true);
}

void relay_abort(struct relay *relay)
{
	end_all(relay, false);
}

void relay_kill(struct relay *relay)
{
	for (struct session *s = relay->sessions, *next; s; s = next) {
		next = s->next;
		if (memcmp(s->slot->kill, s->id, sizeof s->id) == 0)
			session_kill(s);
	}
}
