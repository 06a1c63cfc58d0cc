#include "proxy/sockets.h"
#include "base/net.h"
#include "proxy/opening.h"
#include "proxy/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct door *door_new(struct sockets *sockets, const char *name, size_t slots)
{
	struct door **doors = realloc(sockets->doors, (sockets->count + 1) * sizeof(struct door *));
	if (doors == NULL)
		return NULL;
	sockets->doors = doors;
	struct door *door = calloc(1, sizeof(*door));
	if (door == NULL)
		return NULL;
	door->name = strdup(name);
	door->fds = calloc(slots, sizeof(int));
	if (door->name == NULL || door->fds == NULL) {
		free(door->name);
		free(door->fds);
		free(door);
		return NULL;
	}
	door->fresh = true;
	sockets->doors[sockets->count++] = door;
	return door;
}

static void door_close(struct door *door)
{
	for (size_t i = 0; i < door->count; i++)
		close(door->fds[i]);
	door->count = 0;
}

static bool door_is_local(const struct door *door)
{
	return door->bound.any.sa_family == AF_UNIX;
}

/* Closes it for good. The file of a unix socket goes too, unless it is systemd's. */
static void door_free(struct door *door)
{
	if (door->count > 0 && door_is_local(door) && !door->handed && !door->lent)
		unlink(door->bound.local.sun_path);
	door_close(door);
	free(door->name);
	free(door->fds);
	free(door);
}

static void door_bound(struct door *door)
{
	door->bound.len = sizeof(door->bound.local);
	if (getsockname(door->fds[0], &door->bound.any, &door->bound.len) != 0)
		door->bound = door->wanted;
}

/* Listens with the first socket alone, then lets the others in. False with errno. */
static bool door_open(struct door *door, size_t slots)
{
	int first = net_listen(&door->wanted, SOMAXCONN, false);
	if (first < 0)
		return false;
	door->fds[door->count++] = first;
	door_bound(door);
	if (door_is_local(door)) {
		/* Like a port: whoever may enter the directory may connect. */
		chmod(door->bound.local.sun_path, 0666);
		return true;
	}
	int yes = 1;
	if (slots > 1 && setsockopt(first, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof(yes)) != 0)
		return false;
	while (door->count < slots) {
		int next = net_listen(&door->bound, SOMAXCONN, true);
		if (next < 0)
			return false;
		door->fds[door->count++] = next;
	}
	return true;
}

static struct door *sockets_find(const struct sockets *sockets, const struct addr *addr,
				 const char *name)
{
	bool any_port = addr->any.sa_family != AF_UNIX && addr_port(addr) == 0;
	for (size_t i = 0; i < sockets->count; i++) {
		struct door *door = sockets->doors[i];
		if (!door->handed && addr_eq(&door->wanted, addr) &&
		    (!any_port || strcmp(door->name, name) == 0))
			return door;
	}
	return NULL;
}

static struct door *sockets_door(struct sockets *sockets, const struct listener_config *listener,
				 const struct addr *addr, struct complaints *complaints)
{
	struct door *door = sockets_find(sockets, addr, listener->name);
	if (door != NULL)
		return door;
	door = door_new(sockets, listener->name, sockets->slots);
	if (door == NULL) {
		complain(complaints, listener->place, "out of memory");
		return NULL;
	}
	door->wanted = *addr;
	if (door_open(door, sockets->slots))
		return door;
	opening_failed(listener->place, "address", addr, errno, complaints);
	sockets->count--;
	door_free(door);
	return NULL;
}

static bool entrances_add(struct entrances *entrances, struct door *door, size_t listener)
{
	struct entrance *item =
		realloc(entrances->item, (entrances->count + 1) * sizeof(struct entrance));
	if (item == NULL)
		return false;
	entrances->item = item;
	item[entrances->count++] = (struct entrance){ door, (uint16_t)listener };
	return true;
}

static bool entrances_have(const struct entrances *entrances, const struct door *door)
{
	for (size_t i = 0; entrances != NULL && i < entrances->count; i++) {
		if (entrances->item[i].door == door)
			return true;
	}
	return false;
}

void entrances_release(struct entrances *entrances)
{
	free(entrances->item);
	*entrances = (struct entrances){ 0 };
}

/* The doors that systemd handed over by the listener's name: how many there are. */
static size_t open_handed(struct sockets *sockets, const char *name, size_t listener,
			  struct entrances *entrances)
{
	size_t found = 0;
	for (size_t i = 0; i < sockets->count; i++) {
		struct door *door = sockets->doors[i];
		if (door->handed && strcmp(door->name, name) == 0 &&
		    entrances_add(entrances, door, listener))
			found++;
	}
	return found;
}

static void open_listener(struct sockets *sockets, const struct listener_config *listener,
			  size_t index, struct entrances *entrances, struct complaints *complaints)
{
	/* Where systemd opens a listener's sockets, its unit says where, and the file does not. */
	if (open_handed(sockets, listener->name, index, entrances) > 0)
		return;
	for (size_t i = 0; i < listener->address.count; i++) {
		const struct addr *addr = &listener->address.item[i];
		struct door *door = sockets_door(sockets, listener, addr, complaints);
		char text[ADDR_TEXT_BYTES];
		addr_format(addr, text, sizeof(text));
		if (door != NULL && entrances_have(entrances, door))
			complain(complaints, listener->place, "address %s is named twice", text);
		else if (door != NULL && !entrances_add(entrances, door, index))
			complain(complaints, listener->place, "out of memory");
	}
}

/* There is nothing to do for a client that must speak first, until it does. */
static void defer(const struct entrance *entrance, const struct listener_config *listener)
{
	bool client_first =
		listener->tls == LISTENER_IMPLICIT || listener->proxy_protocol.count > 0;
	for (size_t i = 0; !entrance->door->handed && i < entrance->door->count; i++)
		net_defer_accept(entrance->door->fds[i], client_first);
}

bool sockets_open(struct sockets *sockets, const struct config *config, struct entrances *entrances,
		  struct complaints *complaints)
{
	size_t before = complaints->count;
	*entrances = (struct entrances){ 0 };
	for (size_t i = 0; i < config->listener_count; i++)
		open_listener(sockets, &config->listeners[i], i, entrances, complaints);
	for (size_t i = 0; i < entrances->count; i++)
		defer(&entrances->item[i], &config->listeners[entrances->item[i].listener]);
	if (complaints->count == before)
		return true;
	entrances_release(entrances);
	return false;
}

static bool is_listening(int fd)
{
	int listening = 0;
	socklen_t len = sizeof(listening);
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) == 0 && listening;
}

static bool names_listener(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		if (strcmp(config->listeners[i].name, name) == 0)
			return true;
	}
	return false;
}

static void take_handed(struct sockets *sockets, const struct config *config, size_t n,
			struct complaints *complaints)
{
	char name[256];
	int fd = SYSTEMD_FIRST_FD + (int)n;
	systemd_socket_name(n, name, sizeof(name));
	if (!is_listening(fd)) {
		complain(complaints, config->path,
			 "systemd handed over `%s`, which is no listening stream socket", name);
		return;
	}
	if (!names_listener(config, name)) {
		complain(complaints, config->path,
			 "systemd handed over a socket `%s`, but no [listener] has that name: set "
			 "FileDescriptorName= in the socket unit",
			 name);
		return;
	}
	struct door *door = door_new(sockets, name, 1);
	if (door == NULL || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
		complain(complaints, config->path, "socket `%s` of systemd: %s", name,
			 strerror(errno));
		return;
	}
	door->handed = true;
	door->fds[door->count++] = fd;
	door_bound(door);
	door->wanted = door->bound;
}

bool sockets_init(struct sockets *sockets, const struct config *config,
		  struct complaints *complaints)
{
	size_t before = complaints->count;
	*sockets = (struct sockets){ .slots = config->workers };
	size_t handed = systemd_socket_count();
	for (size_t n = 0; n < handed; n++)
		take_handed(sockets, config, n, complaints);
	return complaints->count == before;
}

bool sockets_adopt(struct sockets *sockets, const char *name, const struct addr *wanted,
		   bool handed, const int *fds, size_t count)
{
	struct door *door = count > 0 ? door_new(sockets, name, count) : NULL;
	if (door == NULL)
		return false;
	memcpy(door->fds, fds, count * sizeof(int));
	door->count = count;
	door->wanted = *wanted;
	door->handed = handed;
	door->lent = true;
	door_bound(door);
	return true;
}

static void set_lent(struct sockets *sockets, bool lent)
{
	for (size_t i = 0; i < sockets->count; i++)
		sockets->doors[i]->lent = lent;
}

void sockets_own(struct sockets *sockets)
{
	set_lent(sockets, false);
}

void sockets_lend(struct sockets *sockets)
{
	set_lent(sockets, true);
}

void sockets_keep(struct sockets *sockets, const struct entrances *one,
		  const struct entrances *other)
{
	size_t kept = 0;
	for (size_t i = 0; i < sockets->count; i++) {
		struct door *door = sockets->doors[i];
		if (door->handed || entrances_have(one, door) || entrances_have(other, door)) {
			sockets->doors[kept++] = door;
			continue;
		}
		door_free(door);
	}
	sockets->count = kept;
}

void sockets_leave(struct sockets *sockets, const struct entrances *mine)
{
	for (size_t i = 0; i < sockets->count; i++) {
		if (!entrances_have(mine, sockets->doors[i]))
			door_close(sockets->doors[i]);
	}
}

void sockets_close(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++)
		door_free(sockets->doors[i]);
	free(sockets->doors);
	*sockets = (struct sockets){ 0 };
}
