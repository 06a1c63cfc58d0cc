/* What a process in the sandbox tries to do: 0 where it could, or the errno of what was refused. */
#ifndef TESTS_UNIT_ATTEMPTS_H
#define TESTS_UNIT_ATTEMPTS_H

#include "config/config.h"
#include "proxy/crash.h"

/* What all tries are given: made before the sandbox closes. */
struct scene {
	int listener; /* of a port that the configuration names as its server's */
	int other;    /* and of one that it does not */
	struct addr at;
	struct addr other_at;
	struct config *config;
	struct crash_note *note; /* shared with the child */
};

typedef int attempt(struct scene *scene);

attempt opens_a_file, opens_a_file_by_the_old_call, makes_a_file, looks_at_a_file, removes_a_file,
	executes, forks, forks_by_the_old_call, makes_memory_executable, traces, signals_its_parent,
	changes_how_it_dies, makes_an_ipv4_socket, makes_an_ipv6_socket, makes_a_unix_socket,
	makes_a_datagram_socket, makes_a_log_socket, makes_a_raw_socket, makes_a_netlink_socket,
	makes_a_multipath_socket, connects_to_its_server, connects_elsewhere,
	connects_by_its_first_bytes, binds, binds_a_port, works;

#endif
