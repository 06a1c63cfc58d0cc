#include "proxy/monitor/control_line.h"

/* Cuts the first field off *rest, which is NULL behind the last. */
static char *take_field(char **rest)
{
	char *field = *rest;
	char *tab = field != NULL ? strchr(field, '\t') : NULL;
	if (tab != NULL)
		*tab = '\0';
	*rest = tab != NULL ? tab + 1 : NULL;
	return field;
}

static bool is_clean(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

const char *control_line_read(struct control_line *line, char *text, size_t len)
{
	char *rest = text;
	*line = (struct control_line){ .command = "", .words = { "", "", "" } };
	text[len] = '\0';
	if (!is_clean(text, len))
		return "this is the control socket of Postern: use the program postern";
	const char *version = take_field(&rest);
	if (strncmp(version, "postern/", 8) != 0)
		return "this is the control socket of Postern: use the program postern";
	if (strcmp(version, CONTROL_VERSION) != 0)
		return "the Postern that runs speaks " CONTROL_VERSION
		       ": use the program postern of its version";
	const char *form = take_field(&rest);
	if (form == NULL || (strcmp(form, "json") != 0 && strcmp(form, "text") != 0))
		return "the second field is text or json";
	line->json = form[0] == 'j';
	line->command = take_field(&rest);
	if (line->command == NULL)
		return "there is no command";
	while (rest != NULL && line->count < CONTROL_WORDS)
		line->words[line->count++] = take_field(&rest);
	return rest != NULL ? "there are too many words" : NULL;
}
