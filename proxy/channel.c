#include "proxy/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* Room, well aligned, for one descriptor as ancillary data: cmsg(3). */
union ancillary {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr header;
};

bool channel_open(int ends[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0;
}

bool channel_wake(int end, int fd)
{
	char byte = '!';
	struct iovec bytes = { &byte, 1 };
	union ancillary ancillary = { .bytes = { 0 } };
	struct msghdr message = { .msg_iov = &bytes, .msg_iovlen = 1 };
	if (fd >= 0) {
		ancillary.header.cmsg_level = SOL_SOCKET;
		ancillary.header.cmsg_type = SCM_RIGHTS;
		ancillary.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ancillary.header), &fd, sizeof(int));
		message.msg_control = ancillary.bytes;
		message.msg_controllen = sizeof(ancillary.bytes);
	}
	return sendmsg(end, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
}

enum channel_news channel_read(int end, int *fd)
{
	char byte;
	struct iovec bytes = { &byte, 1 };
	union ancillary ancillary;
	struct msghdr message = {
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = ancillary.bytes,
		.msg_controllen = sizeof(ancillary.bytes),
	};
	*fd = -1;
	ssize_t len = recvmsg(end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (len < 0)
		return errno == EAGAIN || errno == EINTR ? CHANNEL_NOTHING : CHANNEL_CLOSED;
	if (len == 0)
		return CHANNEL_CLOSED;
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	return CHANNEL_WOKEN;
}
