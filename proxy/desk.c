#include "proxy/desk.h"
#include "base/clock.h"
#include "certs/inform.h"
#include "proxy/announce.h"
#include "proxy/channel.h"
#include "proxy/figures.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

enum { FIGURES_MS = 2 * 1000 };

static struct board *desk_board(const struct desk *desk)
{
	return shared_board(&desk->crews->shared);
}

static void answer(const struct desk *desk, const struct order_form *form, bool good,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

static void answer(const struct desk *desk, const struct order_form *form, bool good,
		   const char *format, ...)
{
	char text[REQUEST_TEXT_BYTES];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	mailbox_answer(&desk_board(desk)->mailbox, form->serial, good, text);
}

/* ------------------------------------------------------------------------------------- reload */

static void do_reload(struct desk *desk, const struct order_form *form)
{
	if (desk->state >= BOARD_DRAINING) {
		answer(desk, form, false, "Postern is on its way out");
		return;
	}
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++) {
		if (desk->reloads[i].serial != 0)
			continue;
		desk->reloads[i] = (struct desk_reload){ form->serial, false };
		desk->orders.reload(desk->orders.master);
		return;
	}
	answer(desk, form, false, "too many reloads are waited for");
}

void desk_reload_begins(struct desk *desk)
{
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++)
		desk->reloads[i].begun = true;
}

static void reload_ends(struct desk *desk, bool good, const char *why,
			const struct complaints *complaints)
{
	struct board *board = desk_board(desk);
	if (good)
		board->reloads++;
	else
		board->reloads_failed++;
	board->reloaded_at = (uint64_t)time(NULL);
	board->reload_bad = !good;
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++) {
		struct order_form form = { .serial = desk->reloads[i].serial };
		if (form.serial == 0 || !desk->reloads[i].begun)
			continue;
		answer(desk, &form, good, "%s%s%s", why, complaints->text != NULL ? "\n" : "",
		       complaints->text != NULL ? complaints->text : "");
		desk->reloads[i].serial = 0;
	}
}

void desk_reload_done(struct desk *desk)
{
	reload_ends(desk, true, "reloaded", &(struct complaints){ 0 });
}

void desk_reload_failed(struct desk *desk, const struct log *log, const char *why,
			const struct complaints *complaints)
{
	announce_reload_failed(log, complaints, why);
	reload_ends(desk, false, why, complaints);
}

/* -------------------------------------------------------------------------------- going away */

static void do_drain(struct desk *desk, const struct order_form *form)
{
	if (desk->state >= BOARD_DRAINING) {
		answer(desk, form, false, "Postern is on its way out already");
		return;
	}
	answer(desk, form, true, "sessions end between two transactions");
	desk->orders.drain(desk->orders.master);
}

static void do_stop(struct desk *desk, const struct order_form *form)
{
	answer(desk, form, true, "sessions are ended at once");
	desk->orders.stop(desk->orders.master);
}

/* ----------------------------------------------------------------------------------- sessions */

/* The slot with that id among those of a worker, of which as many are used as it has sessions. */
static struct session_slot *find_slot(const struct shared *shared, size_t record, const char *id)
{
	struct session_slot *slots = shared_slots(shared, record);
	uint64_t left = shared_record(shared, record)->counters.open;
	for (size_t i = 0; i < shared->plan.slots_each && left > 0; i++) {
		if (slots[i].id[0] == '\0')
			continue;
		left--;
		if (strncmp(slots[i].id, id, SESSION_ID_BYTES) == 0)
			return &slots[i];
	}
	return NULL;
}

static void do_kill(struct desk *desk, const struct order_form *form)
{
	const struct crews *crews = desk->crews;
	for (const struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++) {
			struct session_slot *slot =
				find_slot(&crews->shared, crew->records[i], form->argument);
			if (slot == NULL || form->argument[0] == '\0' ||
			    crew->members[i].channel < 0)
				continue;
			memcpy(slot->kill, form->argument, SESSION_ID_BYTES - 1);
			channel_wake(crew->members[i].channel, -1);
			answer(desk, form, true, "session %s is ended", form->argument);
			return;
		}
	}
	answer(desk, form, false, "no session has the id `%s`", form->argument);
}

/* ------------------------------------------------------------------------------------- bans */

/* The address may come without a port. */
static bool read_address(const char *text, struct addr *addr)
{
	char with_port[REQUEST_ARGUMENT_BYTES + 8];
	const char *why;
	snprintf(with_port, sizeof(with_port), strchr(text, ':') != NULL ? "[%s]:1" : "%s:1", text);
	return addr_parse(slice_str(with_port), addr, &why);
}

static void do_ban(struct desk *desk, const struct order_form *form)
{
	struct addr addr;
	if (!read_address(form->argument, &addr))
		answer(desk, form, false, "`%s` is no address: 192.0.2.7 or 2001:db8::7",
		       form->argument);
	else if (form->number == 0 ||
		 !admit_ban(&desk->crews->shared.addresses, &addr, admit_now_us(), form->number))
		answer(desk, form, false, "%s cannot be banned now: the table is full",
		       form->argument);
	else
		answer(desk, form, true, "%s is banned for %" PRIu64 " s", form->argument,
		       form->number / 1000);
}

static void do_unban(struct desk *desk, const struct order_form *form)
{
	struct addr addr;
	if (!read_address(form->argument, &addr))
		answer(desk, form, false, "`%s` is no address: 192.0.2.7 or 2001:db8::7",
		       form->argument);
	else if (!admit_unban(&desk->crews->shared.addresses, &addr, admit_now_us()))
		answer(desk, form, false, "%s is not banned", form->argument);
	else
		answer(desk, form, true, "%s is banned no more", form->argument);
}

/* ----------------------------------------------------------------------------------- servers */

static bool is_backend(const struct roster_row *row, const char *name)
{
	return strcmp(row->backend, name) == 0;
}

/* SERVER, or BACKEND/SERVER where a server of that name is in several. */
static bool is_server(const struct roster_row *row, const char *name)
{
	size_t len = strlen(row->backend);
	bool prefixed = strncmp(name, row->backend, len) == 0 && name[len] == '/';
	return strcmp(row->name, name) == 0 || (prefixed && strcmp(row->name, name + len + 1) == 0);
}

static void set_admin(struct desk *desk, const struct order_form *form,
		      bool (*fits)(const struct roster_row *, const char *), const char *kind,
		      enum server_admin admin, const char *done)
{
	struct roster *roster = &desk->crews->roster;
	size_t count = 0;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		if (roster->rows[i].users == 0 || !fits(&roster->rows[i], form->argument))
			continue;
		roster->table.records[i].admin = (uint8_t)admin;
		count++;
	}
	if (count == 0)
		answer(desk, form, false, "there is no %s `%s`", kind, form->argument);
	else
		answer(desk, form, true, "%s %s is %s", kind, form->argument, done);
}

static void do_pause(struct desk *desk, const struct order_form *form)
{
	set_admin(desk, form, is_backend, "backend", SERVER_PAUSED, "paused");
}

static void do_resume(struct desk *desk, const struct order_form *form)
{
	set_admin(desk, form, is_backend, "backend", SERVER_ENABLED, "resumed");
}

static void do_enable(struct desk *desk, const struct order_form *form)
{
	set_admin(desk, form, is_server, "server", SERVER_ENABLED, "enabled");
}

static void do_disable(struct desk *desk, const struct order_form *form)
{
	set_admin(desk, form, is_server, "server", SERVER_DISABLED, "disabled");
}

/* -------------------------------------------------------------------------------------- desk */

void desk_attend(struct desk *desk)
{
	static void (*const handlers[REQUEST_KINDS])(struct desk *, const struct order_form *) = {
		[REQUEST_RELOAD] = do_reload, [REQUEST_DRAIN] = do_drain,
		[REQUEST_STOP] = do_stop,     [REQUEST_KILL] = do_kill,
		[REQUEST_BAN] = do_ban,       [REQUEST_UNBAN] = do_unban,
		[REQUEST_PAUSE] = do_pause,   [REQUEST_RESUME] = do_resume,
		[REQUEST_ENABLE] = do_enable, [REQUEST_DISABLE] = do_disable,
	};
	struct order_form form;
	for (size_t i = 0; i < MAILBOX_REQUESTS; i++) {
		if (!mailbox_take(&desk_board(desk)->mailbox, &form))
			break;
		if ((unsigned)form.kind < REQUEST_KINDS)
			handlers[form.kind](desk, &form);
		else
			answer(desk, &form, false, "that is no request");
	}
	keeper_wake(&desk->crews->keeper);
}

static void put_cert(struct board *board, const struct cert_facts *facts)
{
	size_t count = board->cert_count;
	for (size_t i = 0; i < count; i++) {
		if (strncmp(board->certs[i].path, facts->path, BOARD_PATH_BYTES - 1) == 0)
			return;
	}
	if (count == BOARD_CERTS_MAX)
		return;
	struct board_cert *cert = &board->certs[count];
	snprintf(cert->name, sizeof(cert->name), "%s",
		 facts->name_count > 0 ? facts->names[0] : facts->subject);
	snprintf(cert->path, sizeof(cert->path), "%s", facts->path);
	cert->ends = facts->ends;
	board->cert_count = (uint32_t)(count + 1);
}

void desk_serves(struct desk *desk, const struct crew *crew)
{
	struct board *board = desk_board(desk);
	const struct generation *generation = crew->generation;
	board->cert_count = 0;
	for (size_t i = 0; i < generation->config->listener_count; i++) {
		const struct cert_store *store = generation->certs[i];
		for (size_t n = 0; n < cert_store_count(store); n++) {
			struct cert_facts facts;
			cert_store_facts(store, n, &facts);
			put_cert(board, &facts);
		}
	}
	board->generation = crew->number;
	desk_state(desk, BOARD_SERVING);
}

void desk_state(struct desk *desk, enum board_state state)
{
	desk->state = state;
	desk_board(desk)->state = (uint32_t)state;
	for (size_t i = 0; i < MAILBOX_REQUESTS && state >= BOARD_DRAINING; i++) {
		struct order_form form = { .serial = desk->reloads[i].serial };
		if (form.serial != 0)
			answer(desk, &form, false, "Postern is on its way out");
		desk->reloads[i].serial = 0;
	}
}

void desk_tend(struct desk *desk)
{
	uint64_t now_ms = clock_ms();
	if (now_ms < desk->figures_ms)
		return;
	desk->figures_ms = now_ms + FIGURES_MS;
	figures_publish(desk->crews);
}
