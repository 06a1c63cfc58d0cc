#include "proxy/estate.h"
#include "proxy/succession.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum { GO_MS = 10 * 1000, LETTER_BYTES = 4096 };

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool succession_claim(struct succession *succession, struct ticket_keys *keys,
		      struct complaints *complaints)
{
	struct estate estate;
	bool good = estate_open(&estate);
	succession->ancestor = estate.channel;
	succession->ancestor_bans = estate.bans;
	succession->ancestor_text = estate.text;
	succession->waiting = estate.channel >= 0;
	/* Keys of another make are no loss but of time: handshakes are full ones then. */
	if (estate.keys >= 0)
		ticket_keys_read(keys, estate.keys);
	close_if_open(&estate.keys);
	if (!good)
		complain(complaints, "postern", "what the older program left cannot be read");
	return good;
}

bool succession_inherit(struct crews *crews, struct complaints *complaints)
{
	struct succession *succession = &crews->succession;
	if (!succession->waiting)
		return true;
	estate_read_bans(&crews->shared.addresses, succession->ancestor_bans);
	bool good =
		estate_sockets(&crews->sockets, &crews->keeper.hatches, succession->ancestor_text);
	close_if_open(&succession->ancestor_text);
	if (!good)
		complain(complaints, "postern", "the older program's sockets cannot be taken over");
	return good;
}

/* Waits for its word, or its end. False when the word is that it is to stop, and we too. */
static bool wait_for_it(int channel)
{
	struct pollfd one = { .fd = channel, .events = POLLIN };
	char letters[LETTER_BYTES];
	int ready;
	do
		ready = poll(&one, 1, GO_MS);
	while (ready < 0 && errno == EINTR);
	ssize_t len = ready > 0 ? recv(channel, letters, sizeof(letters), MSG_DONTWAIT) : 0;
	return len < 1 || letters[0] != 'C';
}

void succession_take_over(struct crews *crews)
{
	struct succession *succession = &crews->succession;
	if (!succession->waiting)
		return;
	succession->waiting = false;
	send(succession->ancestor, "R", 1, MSG_NOSIGNAL);
	if (!wait_for_it(succession->ancestor)) {
		raise(SIGINT);
		return;
	}
	estate_read_bans(&crews->shared.addresses, succession->ancestor_bans);
	close_if_open(&succession->ancestor_bans);
	sockets_own(&crews->sockets);
	hatches_own(&crews->keeper.hatches);
	hatches_own(&crews->keeper.coming);
}

void succession_refuse(struct succession *succession, const struct complaints *complaints)
{
	char letters[LETTER_BYTES];
	if (!succession->waiting)
		return;
	int len = snprintf(letters, sizeof(letters), "F%s",
			   complaints->text != NULL ? complaints->text : "it is not known why");
	size_t most = sizeof(letters) - 1;
	send(succession->ancestor, letters, (size_t)len < most ? (size_t)len : most, MSG_NOSIGNAL);
}

void succession_pass_on(const struct succession *succession, int number)
{
	const char letters[2] = { 'S', (char)number };
	if (succession->ancestor >= 0 && !succession->waiting)
		send(succession->ancestor, letters, sizeof(letters), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void succession_bury(struct succession *succession)
{
	char byte;
	ssize_t len = recv(succession->ancestor, &byte, 1, MSG_DONTWAIT);
	if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR))
		close_if_open(&succession->ancestor);
}
