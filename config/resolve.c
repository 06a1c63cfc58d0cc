#include "config/backends.h"
#include "config/draft.h"
#include "config/suggest.h"
#include "config/policies.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

static bool was_set(const struct section *section, const char *name)
{
	return draft_place(section, name) != section->place;
}

/* -------------------------------------------------------------------------- what must be there */

/* A directory in place of one certificate. */
static bool has_dir(struct draft *draft, const struct section *section)
{
	static const char *const others[] = { "chain", "key", "names", "staple" };
	const struct certificate_config *certificate = section->values;

	if (section->kind != SECTION_CERTIFICATE || !certificate->dir)
		return false;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		if (value_count(option_find(section->kind, slice_str(others[i])), certificate) > 0)
			complain(draft->complaints, draft_place(section, others[i]),
				 "[certificate %s] has `dir`, which goes without `%s`",
				 section->name, others[i]);
	return true;
}

static void check_mandatory(struct draft *draft, const struct section *section)
{
	const struct section_row *row = &section_rows[section->kind];

	if (has_dir(draft, section))
		return;
	for (size_t i = 0; i < option_count; i++)
		if (options[i].section == section->kind && !options[i].preset &&
		    !section->set_at[i])
			complain(draft->complaints, section->place,
				 "[%s %s] needs `%s`, as in `%s = %s`", row->word, section->name,
				 options[i].name, options[i].name, options[i].sample);
}

static void check_some(struct draft *draft, enum section_kind kind, size_t count)
{
	const struct section_row *row = &section_rows[kind];

	if (count == 0)
		complain(draft->complaints,
			 arena_format(draft->source.arena, "%s:1", draft->config->path),
			 "there is no section [%s NAME]; at least one is needed", row->word);
}

/* -------------------------------------------------------------------------------------- arrays */

static size_t count_kind(const struct draft *draft, enum section_kind kind)
{
	size_t count = 0;

	for (const struct section *section = draft->first; section; section = section->next)
		count += section->kind == kind && !section->again;
	return count;
}

/* Moves the structs of a kind side by side into the array that struct config has for them. */
static void gather(struct draft *draft, enum section_kind kind)
{
	const struct section_row *row = &section_rows[kind];
	size_t count = count_kind(draft, kind);
	char *array = arena_alloc(draft->source.arena, count * row->size), *to = array;

	for (struct section *section = draft->first; section; section = section->next) {
		if (section->kind != kind || section->again)
			continue;
		memcpy(to, section->values, row->size);
		section->values = to;
		to += row->size;
	}
	memcpy((char *)draft->config + row->items, &array, sizeof array);
	memcpy((char *)draft->config + row->count, &count, sizeof count);
}

/* ------------------------------------------------------------------------------------ defaults */

/* The full name as DNS or /etc/hosts completes it; what the system calls itself if they do not. */
static const char *system_name(struct arena *arena, bool sealed)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *found = NULL;
	char name[256] = "";

	if (gethostname(name, sizeof name - 1) != 0 || !value_is_domain(slice_str(name)))
		return "localhost";
	const char *full = arena_string(arena, slice_str(name));
	if (sealed || strchr(name, '.') || getaddrinfo(name, NULL, &hints, &found) != 0)
		return full;
	if (found->ai_canonname && strchr(found->ai_canonname, '.') &&
	    value_is_domain(slice_str(found->ai_canonname)))
		full = arena_string(arena, slice_str(found->ai_canonname));
	freeaddrinfo(found);
	return full;
}

const char *draft_preset(const struct config *config, const struct option *option, bool sealed,
			 struct arena *arena)
{
	if (option->type == OPTION_HOSTNAME)
		return system_name(arena, sealed);
	if (option->offset == offsetof(struct listener_config, backend_name) &&
	    option->section == SECTION_LISTENER && config->backend_count == 1)
		return config->backends[0].name;
	return option->preset;
}

/* For strings that are still not there. */
static void set_late_presets(struct draft *draft, struct section *section)
{
	struct value_error error;

	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		if (option->section != section->kind || option_shape(option) != SHAPE_STRING ||
		    !option->preset || value_count(option, section->values) > 0)
			continue;
		const char *preset = draft_preset(draft->config, option, draft->source.sealed,
						  draft->source.arena);
		value_parse(option, slice_str(preset), &draft->source, section->values, &error);
	}
}

/* ---------------------------------------------------------------------------------- references */

/* The struct of the section called `name`; NULL after a complaint. */
static void *refer(struct draft *draft, enum section_kind kind, const char *name, const char *place)
{
	struct section *found = draft_find(draft, kind, slice_str(name));
	struct suggest suggest = { .word = slice_str(name) };
	char hint[SUGGEST_BYTES];

	if (found) {
		found->used = true;
		return found->values;
	}
	for (const struct section *other = draft->first; other; other = other->next)
		if (other->kind == kind)
			suggest_offer(&suggest, other->name);
	complain(draft->complaints, place, "there is no section [%s %s]%s", section_rows[kind].word,
		 name, suggest_text(&suggest, hint));
	return NULL;
}

static void refer_certificates(struct draft *draft, struct section *section)
{
	struct listener_config *listener = section->values;
	struct config *config = draft->config;
	bool all = listener->certificate_names.count == 0;
	size_t count = all ? config->certificate_count : listener->certificate_names.count;

	listener->certificates =
		arena_alloc(draft->source.arena, count * sizeof(struct certificate_config *));
	for (size_t i = 0; i < count; i++) {
		const char *name =
			all ? config->certificates[i].name : listener->certificate_names.item[i];
		struct certificate_config *certificate = refer(draft, SECTION_CERTIFICATE, name,
							       draft_place(section, "certificate"));
		if (certificate)
			listener->certificates[listener->certificate_count++] = certificate;
	}
	if (count == 0)
		complain(draft->complaints, section->place,
			 "[listener %s] has no certificate; add a section [certificate NAME]",
			 section->name);
}

static void refer_backend(struct draft *draft, struct section *section)
{
	struct listener_config *listener = section->values;

	if (listener->backend_name)
		listener->backend = refer(draft, SECTION_BACKEND, listener->backend_name,
					  draft_place(section, "backend"));
	else if (draft->config->backend_count > 1 && !was_set(section, "backend"))
		complain(draft->complaints, section->place,
			 "[listener %s] needs `backend`, as there are %zu of them", section->name,
			 draft->config->backend_count);
}

/* Without TLS nobody shows a certificate: on such a listener `require` would be a hole. */
static void refer_clients(struct draft *draft, struct section *section)
{
	struct listener_config *listener = section->values;
	const struct clients_config *clients;

	if (!listener->clients_name)
		return;
	clients = refer(draft, SECTION_CLIENTS, listener->clients_name,
			draft_place(section, "clients"));
	listener->clients = clients;
	if (clients && clients->verify == CLIENTS_REQUIRE && listener->tls == LISTENER_OPTIONAL)
		complain(draft->complaints, draft_place(section, "clients"),
			 "[clients %s] has `verify = require`, which plain text would get around; "
			 "set `tls = required` here, or `verify = request` there",
			 clients->name);
}

static void check_legacy(struct draft *draft, const struct section *section)
{
	const struct listener_config *listener = section->values;

	if (listener->tls_policy == TLS_LEGACY && listener->legacy_networks.count == 0)
		complain(draft->complaints, draft_place(section, "tls_policy"),
			 "`tls_policy = legacy` needs `legacy_networks`: who has to use it");
	if (listener->tls_policy != TLS_LEGACY && listener->legacy_networks.count > 0)
		complain(draft->complaints, draft_place(section, "legacy_networks"),
			 "`legacy_networks` means nothing without `tls_policy = legacy`");
}

static void refer_all(struct draft *draft, struct section *section)
{
	struct listener_config *listener = section->values;

	refer_certificates(draft, section);
	refer_backend(draft, section);
	refer_clients(draft, section);
	if (listener->policy_name)
		listener->policy = refer(draft, SECTION_POLICY, listener->policy_name,
					 draft_place(section, "policy"));
}

/* -------------------------------------------------------------------------------- cross checks */

/* Port 0 is another one each time. */
static bool has_addr(const struct addrs *list, size_t count, const struct addr *addr)
{
	if (addr->any.sa_family != AF_UNIX && addr_port(addr) == 0)
		return false;
	for (size_t i = 0; i < count; i++)
		if (addr_eq(&list->item[i], addr))
			return true;
	return false;
}

/* The listener, of those up to and with `section`, that has the address before it; else NULL. */
static const struct section *earlier_listener(const struct draft *draft,
					      const struct section *section, size_t index)
{
	const struct listener_config *listener = section->values, *other;
	const struct addr *addr = &listener->address.item[index];

	for (const struct section *at = draft->first; at != section; at = at->next) {
		other = at->values;
		if (at->kind == SECTION_LISTENER && !at->again &&
		    has_addr(&other->address, other->address.count, addr))
			return at;
	}
	return has_addr(&listener->address, index, addr) ? section : NULL;
}

static void check_addresses(struct draft *draft, const struct section *section)
{
	const struct listener_config *listener = section->values;
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < listener->address.count; i++) {
		const struct section *earlier = earlier_listener(draft, section, i);
		if (!earlier)
			continue;
		addr_format(&listener->address.item[i], text, sizeof text);
		complain(draft->complaints, draft_place(section, "address"),
			 "`%s` has a listener already, at %s; an address can have one only", text,
			 draft_place(earlier, "address"));
	}
}

/* Each address is for somebody: who comes to it must be able to be a balancer. */
static void check_proxy_protocol(struct draft *draft, const struct section *section)
{
	const struct listener_config *listener = section->values;
	const struct networks *networks = &listener->proxy_protocol;
	size_t local = 0;
	char text[ADDR_TEXT_BYTES];

	for (size_t i = 0; i < networks->count; i++)
		local += networks->item[i].bits == NETWORK_UNIX;
	for (size_t i = 0; i < listener->address.count && networks->count > 0; i++) {
		bool is_local = listener->address.item[i].any.sa_family == AF_UNIX;
		addr_format(&listener->address.item[i], text, sizeof text);
		if (is_local ? local == 0 : local == networks->count)
			complain(draft->complaints, draft_place(section, "proxy_protocol"),
				 "nobody could come in at `%s`: add %s to `proxy_protocol`", text,
				 is_local ? "`unix`" : "the balancers' networks");
	}
}

/* As in the sample, which has a section of each kind. */
static bool is_bare(const struct section *section)
{
	for (size_t i = 0; i < option_count; i++)
		if (section->set_at[i])
			return false;
	return true;
}

static void warn_unused(struct draft *draft, const struct section *section)
{
	if (!is_bare(section) && !section->used && section_rows[section->kind].sample &&
	    section->kind != SECTION_LISTENER && strcmp(section->name, "default") != 0)
		complain_warn(draft->complaints, section->place, "no listener uses [%s %s]",
			      section_rows[section->kind].word, section->name);
}

void draft_finish(struct draft *draft)
{
	struct config *config = draft->config;

	for (enum section_kind kind = 0; kind < SECTION_KINDS; kind++)
		if (section_rows[kind].sample)
			gather(draft, kind);
	check_some(draft, SECTION_LISTENER, config->listener_count);
	check_some(draft, SECTION_BACKEND, config->backend_count);
	for (struct section *section = draft->first; section; section = section->next) {
		if (section->again)
			continue;
		check_mandatory(draft, section);
		set_late_presets(draft, section);
		if (section->kind == SECTION_POLICY)
			policy_check(draft, section);
		if (section->kind == SECTION_BACKEND)
			backend_check(draft, section);
		if (section->kind == SECTION_CLIENTS)
			clients_check(draft, section);
		if (section->kind == SECTION_LISTENER) {
			refer_all(draft, section);
			policy_check_starttls(draft, section);
			check_addresses(draft, section);
			check_proxy_protocol(draft, section);
			check_legacy(draft, section);
		}
	}
	for (struct section *section = draft->first; section; section = section->next)
		if (!section->again && draft->complaints->count == 0)
			warn_unused(draft, section);
}
