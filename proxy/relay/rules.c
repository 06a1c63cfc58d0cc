#include "proxy/relay/rules.h"

#include <stdlib.h>

static struct smtp_list take(const struct strings *strings, struct slice **words)
{
	struct smtp_list list = { .item = *words, .count = strings->count };

	for (size_t i = 0; i < strings->count; i++)
		*(*words)++ = slice_str(strings->item[i]);
	return list;
}

/* Of the names only one is that for good (RFC 6761 section 6.3). */
static bool is_loopback(const struct server_config *server)
{
	return server->host ? slice_eq_nocase(slice_str(server->host), SLICE("localhost"))
			    : addr_is_loopback(&server->addr);
}

static bool way_is_safe(const struct backend_config *backend)
{
	if (backend->tls != BACKEND_TLS_OFF)
		return true;
	for (size_t i = 0; i < backend->server.count; i++)
		if (!is_loopback(&backend->server.item[i]))
			return false;
	return true;
}

static void fill(struct smtp_policy *to, const struct listener_config *listener,
		 struct slice *words)
{
	static const enum smtp_kind kinds[] = {
		[LISTENER_IMPLICIT] = SMTP_IMPLICIT,
		[LISTENER_REQUIRED] = SMTP_REQUIRED,
		[LISTENER_OPTIONAL] = SMTP_OPTIONAL,
	};
	static const enum smtp_auth auths[] = {
		[AUTH_TLS] = SMTP_AUTH_TLS,
		[AUTH_ALWAYS] = SMTP_AUTH_ALWAYS,
		[AUTH_NEVER] = SMTP_AUTH_NEVER,
	};
	const struct policy_config *from = listener->policy;

	to->kind = kinds[listener->tls];
	to->message_size = from->message_size_bytes;
	to->recipients = (uint32_t)from->recipients;
	to->errors = (uint32_t)from->errors;
	to->messages = (uint32_t)from->messages;
	to->require_auth = from->require_auth;
	to->trace = listener->backend->trace_header;
	to->normalize = from->normalize;
	to->tolerate_pipelining = from->tolerate_pipelining;
	to->tolerate_early_talker = from->tolerate_early_talker;
	to->way_is_safe = way_is_safe(listener->backend);
	to->auth = auths[from->auth];
	to->auth_hide = take(&from->auth_hide, &words);
	to->verbs_off = take(&from->verbs_off, &words);
	to->verbs_pass = take(&from->verbs_pass, &words);
	to->keywords_hide = take(&from->keywords_hide, &words);
	to->keywords_pass = take(&from->keywords_pass, &words);
	smtp_policy_settle(to);
}

struct rules *rules_new(const struct config *config, const struct listener_config *listener)
{
	const struct policy_config *from = listener->policy;
	size_t words = from->auth_hide.count + from->verbs_off.count + from->verbs_pass.count +
		       from->keywords_hide.count + from->keywords_pass.count;
	struct rules *rules = calloc(1, sizeof *rules);

	if (!rules)
		return NULL;
	rules->words = calloc(words + 1, sizeof *rules->words);
	if (!rules->words) {
		free(rules);
		return NULL;
	}
	fill(&rules->strict, listener, rules->words);
	rules->strict.hostname = slice_str(config->hostname);
	rules->normalize = rules->strict;
	rules->normalize.normalize = true;
	return rules;
}

void rules_free(struct rules *rules)
{
	if (!rules)
		return;
	free(rules->words);
	free(rules);
}
