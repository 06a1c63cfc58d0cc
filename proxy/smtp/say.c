#include "proxy/smtp/say.h"

#include "proxy/smtp/writer.h"

static const struct {
	struct slice text;
	enum ending ending;
} rows[SAY_COUNT] = {
#define ROW(name, text, ending) [SAY_##name] = { { text, sizeof(text) - 1 }, END_##ending },
	SAYS(ROW)
#undef ROW
};

enum ending say_ending(uint8_t say)
{
	return rows[say].ending;
}

bool say_is_error(uint8_t say)
{
	/* A 452 for one recipient too many tells nothing against the client. */
	return rows[say].text.len > 0 && rows[say].text.ptr[0] == '5' &&
	       rows[say].ending == END_NONE;
}

/* A sentence of policy may quote what a stranger chose: nothing in it may end the line. */
static void put_safe(struct writer *w, struct slice text)
{
	text = slice_head(text, 400);
	for (size_t i = 0; i < text.len; i++)
		write_slice(w, text.ptr[i] >= ' ' && text.ptr[i] <= '~' ? slice_of(text.ptr + i, 1)
									: SLICE("?"));
}

static void put_field(struct writer *w, const struct smtp *smtp, char field)
{
	if (field == 'h')
		write_slice(w, smtp->policy->hostname);
	else if (field == 'i')
		write_slice(w, smtp->id);
	else
		put_safe(w, smtp->refused);
}

/* The id stands behind each line of a refusal, so that whoever reads one can find the session. */
static void put_line_end(struct writer *w, const struct smtp *smtp, char class)
{
	if ((class == '4' || class == '5') && smtp->id.len > 0) {
		write_slice(w, SLICE(" ["));
		write_slice(w, smtp->id);
		write_slice(w, SLICE("]"));
	}
	write_slice(w, SLICE("\r\n"));
}

struct slice say_text(const struct smtp *smtp, uint8_t say, char *room, size_t room_size)
{
	struct writer w = { .to = room, .size = room_size };
	struct slice text = rows[say].text;
	char class = text.len > 0 ? text.ptr[0] : 0;

	if (text.len == 0)
		return slice_of(room, 0);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '%') {
			put_field(&w, smtp, text.ptr[++i]);
		} else if (text.ptr[i] == '\r') {
			put_line_end(&w, smtp, class);
			class = text.ptr[++i + 1];
		} else {
			write_slice(&w, slice_of(text.ptr + i, 1));
		}
	}
	put_line_end(&w, smtp, class);
	return slice_of(room, w.len);
}
