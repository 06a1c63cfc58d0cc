/* What a listener allows, as data, and the ordered list of rules that say no to a command. */
#ifndef PROXY_SMTP_POLICY_H
#define PROXY_SMTP_POLICY_H

#include "base/slice.h"

enum smtp_kind { SMTP_IMPLICIT, SMTP_REQUIRED, SMTP_OPTIONAL };
enum smtp_auth { SMTP_AUTH_TLS, SMTP_AUTH_ALWAYS, SMTP_AUTH_NEVER };

struct smtp_list {
	const struct slice *item;
	size_t count;
};

struct smtp_policy {
	enum smtp_kind kind;
	struct slice hostname;
	uint64_t message_size; /* bytes; 0: what the backend says */
	uint32_t recipients;   /* in a transaction; 0: no limit */
	uint32_t errors;       /* since the last message; 0: no limit */
	uint32_t messages;     /* in a session; 0: no limit */
	bool require_auth;
	bool trace;     /* a Received: field is put in front of each message: trace.h */
	bool normalize; /* bare newlines in text; otherwise the message is refused */
	bool tolerate_pipelining;
	bool tolerate_early_talker;
	bool way_is_safe; /* to the backend: TLS, loopback or a unix socket (RFC 8689 section 4) */
	enum smtp_auth auth;
	struct smtp_list auth_hide; /* patterns with `*` */
	struct smtp_list verbs_off;
	struct smtp_list verbs_pass;
	struct smtp_list keywords_hide;
	struct smtp_list keywords_pass;
	/* What these lists come to, by smtp_policy_settle(). */
	uint32_t keywords_hidden; /* bits of enum keyword */
	uint32_t verbs_hidden;    /* bits of enum verb */
};

/*
 * To be called when the lists are there: what each command and EHLO line would have to look for in
 * them. A policy whose lists are all empty needs it not.
 */
void smtp_policy_settle(struct smtp_policy *policy);

/* The list has the word, in any case. */
bool smtp_list_has(const struct smtp_list *list, struct slice word);

/* A pattern of the list matches the word, in any case. */
bool smtp_list_matches(const struct smtp_list *list, struct slice word);

struct smtp;
struct command;

/*
 * What Postern answers to this command instead of passing it on: an `enum say`, or SAY_NONE where
 * no rule speaks against it.
 */
uint8_t policy_refusal(const struct smtp *smtp, const struct command *command);

#endif
