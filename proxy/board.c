#include "proxy/board.h"

static const char other[] = "_other";

static bool is_named(const char *place, const char *name)
{
	size_t len = strlen(name);
	size_t cut = len < BOARD_NAME_BYTES ? len : BOARD_NAME_BYTES - 1;
	return strnlen(place, BOARD_NAME_BYTES) == cut && memcmp(place, name, cut) == 0;
}

size_t board_listener(const struct board *board, const char *name)
{
	size_t i = 0;
	while (i < LISTENER_OTHER && !is_named(board->listeners[i], name))
		i++;
	return i;
}

void board_add_listeners(struct board *board, const struct config *config)
{
	memcpy(board->listeners[LISTENER_OTHER], other, sizeof(other));
	for (size_t i = 0; i < config->listener_count; i++) {
		const char *name = config->listeners[i].name;
		size_t place = board_listener(board, name);
		if (place != LISTENER_OTHER || strcmp(name, other) == 0)
			continue;
		place = board_listener(board, "");
		if (place != LISTENER_OTHER)
			strncpy(board->listeners[place], name, BOARD_NAME_BYTES - 1);
	}
}

const char *board_state_word(unsigned state)
{
	static const char *const words[BOARD_STATES] = {
		[BOARD_STARTING] = "starting",
		[BOARD_SERVING] = "serving",
		[BOARD_DRAINING] = "draining",
		[BOARD_STOPPING] = "stopping",
	};
	return state < BOARD_STATES ? words[state] : "unknown";
}
