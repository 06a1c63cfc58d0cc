#include "proxy/relay/slot.h"

const char *session_doing_word(unsigned doing)
{
	static const char *const words[DOING_COUNT] = {
		[DOING_HANDSHAKE] = "handshake", [DOING_WAIT] = "wait",
		[DOING_CONNECT] = "connect",     [DOING_GREETING] = "greeting",
		[DOING_COMMAND] = "command",     [DOING_REPLY] = "reply",
		[DOING_DATA_START] = "data",     [DOING_MESSAGE] = "message",
		[DOING_VERDICT] = "verdict",     [DOING_FLUSH] = "end",
	};

	return doing < DOING_COUNT ? words[doing] : "unknown";
}
