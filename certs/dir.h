/* A [certificate] section with `dir`, as the sections that it stands for. */
#ifndef CERTS_DIR_H
#define CERTS_DIR_H

#include "certs/cert.h"

struct cert_dir {
	const struct certificate_config *of;
	struct certificate_config *sections; /* in the order of the files' names */
	size_t count;
};

/* False with a complaint. */
bool cert_dir_read(struct cert_dir *list, const struct certificate_config *of,
		   struct complaints *complaints);
void cert_dir_release(struct cert_dir *list);

#endif
