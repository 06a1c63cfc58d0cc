#include "proxy/relay/admission.h"

#include "base/net.h"
#include "proxy/relay/rules.h"
#include "proxy/smtp/say.h"

#include <unistd.h>

static const uint64_t LOG_EACH_US = 60 * 1000000ull;

static const struct {
	enum ending ending;
	enum say say;
} refusals[] = {
	[ADMIT_OVERLOAD] = { END_OVERLOAD, SAY_OVERLOAD },
	[ADMIT_SESSIONS] = { END_ADDRESS_SESSIONS, SAY_ADDRESS_SESSIONS },
	[ADMIT_RATE] = { END_ADDRESS_RATE, SAY_ADDRESS_RATE },
	[ADMIT_BANNED] = { END_BANNED, SAY_BANNED },
};

static void log_refusal(const struct relay *relay, const struct service *service,
			const struct addr *client, enum ending reason)
{
	struct log_line line;
	char address[ADDR_TEXT_BYTES];

	if (!log_begin(&line, relay->log, LOG_LEVEL_WARNING, "refused"))
		return;
	addr_format(client, address, sizeof address);
	log_str(&line, "listener", service->listener->name);
	log_str(&line, "client", address);
	log_str(&line, "reason", ending_word(reason));
	log_end(&line);
}

/* The sum of all sessions has no entry to keep that in: once a minute and worker. */
static bool may_log(struct relay *relay, const struct admitted *admitted)
{
	uint64_t now_us = admit_now_us();

	if (admitted->why != ADMIT_OVERLOAD)
		return admitted->log;
	if (relay->overload_us != 0 && now_us - relay->overload_us < LOG_EACH_US)
		return false;
	relay->overload_us = now_us;
	return true;
}

/*
 * The client waits to be greeted: one small write, and nothing of its own is unread as yet. There
 * is no session, and no id to look for.
 */
static void say_at_once(const struct service *service, int fd, enum say say)
{
	struct smtp smtp = { .policy = &service->rules->strict };
	char room[512];

	net_write(fd, say_text(&smtp, (uint8_t)say, room, sizeof room));
}

static bool is_announced(const struct service *service)
{
	return service->listener->proxy_protocol.count > 0;
}

static bool speaks_first(const struct service *service)
{
	return service->listener->tls != LISTENER_IMPLICIT && !is_announced(service);
}

static void turn_away(struct relay *relay, const struct service *service, int fd,
		      struct visit *visit, enum ending reason, enum say say)
{
	if (speaks_first(service))
		say_at_once(service, fd, say);
	close(fd);
	service->counters->ended[reason]++;
	admit_leave(relay->admit, visit);
}

static struct admitted judge(struct relay *relay, const struct service *service,
			     const struct addr *client, struct visit *visit)
{
	struct admitted admitted = admit_enter(relay->admit, visit);

	if (admitted.act == ADMIT_SERVE && !is_announced(service))
		admitted = admit_address(relay->admit, visit, client, admit_now_us());
	relay->counters->untracked += admitted.untracked;
	return admitted;
}

bool admission_at_door(struct relay *relay, const struct service *service, int fd,
		       const struct addr *client, struct visit *visit)
{
	struct admitted admitted = judge(relay, service, client, visit);

	if (admitted.act == ADMIT_SERVE)
		return true;
	if (may_log(relay, &admitted))
		log_refusal(relay, service, client, refusals[admitted.why].ending);
	if (admitted.act == ADMIT_TELL && !speaks_first(service))
		return true;
	turn_away(relay, service, fd, visit, refusals[admitted.why].ending,
		  refusals[admitted.why].say);
	return false;
}

bool admission_of_address(struct session *s)
{
	struct relay *relay = s->relay;
	struct addr client = session_client(s);
	struct admitted admitted = admit_address(relay->admit, &s->visit, &client, admit_now_us());

	relay->counters->untracked += admitted.untracked;
	if (admitted.why != ADMIT_FINE && may_log(relay, &admitted))
		log_refusal(relay, s->service, &client, refusals[admitted.why].ending);
	if (admitted.act == ADMIT_CLOSE)
		session_close(s, refusals[admitted.why].ending);
	admission_tell(s);
	return admitted.act != ADMIT_CLOSE;
}

void admission_tell(struct session *s)
{
	if (s->visit.why != ADMIT_FINE)
		smtp_refuse(&s->smtp, (uint8_t)refusals[s->visit.why].say);
}

void admission_no_room(struct relay *relay, const struct service *service, int fd,
		       const struct addr *client, struct visit *visit)
{
	log_refusal(relay, service, client, END_NO_MEMORY);
	turn_away(relay, service, fd, visit, END_NO_MEMORY, SAY_OVERLOAD);
}

/* ---------------------------------------------------------------------------------------- AUTH */

static void log_auth_failed(const struct session *s, const struct admit_auth *auth, uint16_t code)
{
	struct log_line line;
	char address[ADDR_TEXT_BYTES];
	struct addr client = session_client(s);

	if (!log_begin(&line, s->relay->log, LOG_LEVEL_INFO, "auth-failed"))
		return;
	addr_format(&client, address, sizeof address);
	log_str(&line, "id", s->id);
	log_str(&line, "listener", s->service->listener->name);
	log_str(&line, "client", address);
	log_num(&line, "code", code);
	if (auth->failures > 0)
		log_num(&line, "failures", auth->failures);
	log_end(&line);
}

static void log_ban(const struct session *s, const struct admit_auth *auth)
{
	struct log_line line;
	char address[64];

	if (!log_begin(&line, s->relay->log, LOG_LEVEL_WARNING, "ban"))
		return;
	address_key_format(s->visit.key, address, sizeof address);
	log_str(&line, "address", address);
	log_num(&line, "failures", auth->failures);
	log_ms(&line, "seconds", s->relay->config->ban_ms);
	log_end(&line);
}

void admission_auth(struct session *s, uint16_t refused)
{
	struct relay *relay = s->relay;
	struct admit_auth auth;

	if (refused == 0) {
		relay->counters->auth_successes++;
		admit_auth_succeeded(relay->admit, &s->visit, admit_now_us());
		return;
	}
	auth = admit_auth_failed(relay->admit, &s->visit, admit_now_us());
	relay->counters->auth_failures++;
	log_auth_failed(s, &auth, refused);
	if (auth.fresh) {
		relay->counters->bans++;
		log_ban(s, &auth);
	}
	if (auth.banned)
		smtp_event(&s->smtp, SMTP_BANNED);
}
