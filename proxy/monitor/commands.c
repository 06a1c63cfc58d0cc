#include "proxy/monitor/commands.h"
#include "config/numbers.h"
#include "proxy/channel.h"
#include "proxy/monitor/status.h"
#include "proxy/monitor/text.h"

#include <inttypes.h>
#include <stdlib.h>

struct entry {
	const char *name;
	size_t least; /* words that it takes */
	size_t most;
	void (*run)(struct monitor *monitor, const struct control_line *line, FILE *to);
	enum request_kind kind; /* where the master is asked */
};

static void say(bool json, bool good, const char *text, FILE *to)
{
	fprintf(to, CONTROL_VERSION "\t%s\n", good ? "ok" : "failed");
	if (!json) {
		fprintf(to, "%s\n", text);
		return;
	}
	json_t *object = json_pack("{s:b,s:s%}", "ok", good, "text", text, strlen(text));
	if (object != NULL)
		json_dumpf(object, to, JSON_COMPACT);
	json_decref(object);
	fputc('\n', to);
}

void commands_fail(bool json, const char *why, FILE *to)
{
	say(json, false, why, to);
}

/* Takes the value over. */
static void put_json(json_t *value, FILE *to)
{
	fputs(CONTROL_VERSION "\tok\n", to);
	if (value != NULL)
		json_dumpf(value, to, JSON_INDENT(1));
	json_decref(value);
	fputc('\n', to);
}

static void run_status(struct monitor *monitor, const struct control_line *line, FILE *to)
{
	struct view view;
	view_take(&view, &monitor->shared, monitor->config);
	if (line->json) {
		json_t *status = status_json(&view);
		json_object_set_new(status, "bans", bans_json(&view));
		put_json(status, to);
		return;
	}
	fputs(CONTROL_VERSION "\tok\n", to);
	text_status(&view, to);
}

static void run_sessions(struct monitor *monitor, const struct control_line *line, FILE *to)
{
	struct view view;
	view_take(&view, &monitor->shared, monitor->config);
	if (line->json) {
		put_json(sessions_json(&view), to);
		return;
	}
	fputs(CONTROL_VERSION "\tok\n", to);
	text_sessions(&view, to);
}

static void run_top(struct monitor *monitor, const struct control_line *line, FILE *to)
{
	struct view view;
	long columns = strtol(line->words[0], NULL, 10), rows = strtol(line->words[1], NULL, 10);
	if (line->json) {
		run_status(monitor, line, to);
		return;
	}
	view_take(&view, &monitor->shared, monitor->config);
	fputs(CONTROL_VERSION "\tok\n", to);
	text_top(&view, columns > 0 && columns < 1000 ? (size_t)columns : 80,
		 rows > 0 && rows < 1000 ? (size_t)rows : 24, to);
}

/* What has come of a request, by its serial. */
static void run_outcome(struct monitor *monitor, const struct control_line *line, FILE *to)
{
	char text[REQUEST_TEXT_BYTES];
	uint64_t serial = strtoull(line->words[0], NULL, 10);
	struct mailbox *mailbox = &shared_board(&monitor->shared)->mailbox;
	switch (mailbox_outcome(mailbox, serial, text)) {
	case MAILBOX_PENDING:
		fprintf(to, CONTROL_VERSION "\tpending\t%" PRIu64 "\n", serial);
		break;
	case MAILBOX_GOOD:
		say(line->json, true, text, to);
		break;
	case MAILBOX_FAILED:
		say(line->json, false, text, to);
		break;
	default:
		say(line->json, false, "nothing is known of that request any more", to);
	}
}

/* As [limits] ban has it where nothing is said; 0 is no time. */
static bool ban_time(const struct monitor *monitor, const struct control_line *line,
		     uint64_t *number, char *why, size_t why_size)
{
	static const struct option option = { .name = "TIME",
					      .type = OPTION_TIME,
					      .min = 1000,
					      .max = (uint64_t)3650 * 24 * 60 * 60 * 1000 };
	*number = monitor->config->ban_ms;
	if (line->words[1][0] != '\0')
		return number_parse(&option, slice_str(line->words[1]), number, why, why_size);
	snprintf(why, why_size, "[limits] ban is 0: say for how long");
	return *number > 0;
}

/* Asks the master; who asked us then asks for the outcome. */
static void ask(struct monitor *monitor, const struct control_line *line, enum request_kind kind,
		FILE *to)
{
	struct mailbox *mailbox = &shared_board(&monitor->shared)->mailbox;
	uint64_t number = 0;
	char why[256];
	if (kind == REQUEST_BAN && !ban_time(monitor, line, &number, why, sizeof(why))) {
		say(line->json, false, why, to);
		return;
	}
	uint64_t serial = mailbox_ask(mailbox, kind, line->words[0], number);
	if (serial == 0) {
		say(line->json, false, "too many requests at a time: try again", to);
		return;
	}
	channel_wake(monitor->channel, -1);
	fprintf(to, CONTROL_VERSION "\tpending\t%" PRIu64 "\n", serial);
}

static const struct entry table[] = {
	{ "status", 0, 0, run_status, REQUEST_KINDS },
	{ "sessions", 0, 0, run_sessions, REQUEST_KINDS },
	{ "top", 0, 2, run_top, REQUEST_KINDS },
	{ "outcome", 1, 1, run_outcome, REQUEST_KINDS },
	{ "reload", 0, 0, NULL, REQUEST_RELOAD },
	{ "drain", 0, 0, NULL, REQUEST_DRAIN },
	{ "stop", 0, 0, NULL, REQUEST_STOP },
	{ "kill", 1, 1, NULL, REQUEST_KILL },
	{ "ban", 1, 2, NULL, REQUEST_BAN },
	{ "unban", 1, 1, NULL, REQUEST_UNBAN },
	{ "pause", 1, 1, NULL, REQUEST_PAUSE },
	{ "resume", 1, 1, NULL, REQUEST_RESUME },
	{ "enable", 1, 1, NULL, REQUEST_ENABLE },
	{ "disable", 1, 1, NULL, REQUEST_DISABLE },
};

void commands_run(struct monitor *monitor, const struct control_line *line, FILE *to)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct entry *entry = &table[i];
		if (strcmp(entry->name, line->command) != 0)
			continue;
		if (line->count < entry->least || line->count > entry->most)
			say(line->json, false, "the command takes another number of words", to);
		else if (entry->run != NULL)
			entry->run(monitor, line, to);
		else
			ask(monitor, line, entry->kind, to);
		return;
	}
	say(line->json, false, "there is no such command", to);
}
