/* What options of a [backend] section, or of a [clients] section, say together. */
#ifndef CONFIG_BACKENDS_H
#define CONFIG_BACKENDS_H

#include "config/draft.h"

void backend_check(struct draft *draft, const struct section *section);
void clients_check(struct draft *draft, const struct section *section);

#endif
