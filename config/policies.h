/* What is wrong with a [policy] that each of its options alone does not show. */
#ifndef CONFIG_POLICIES_H
#define CONFIG_POLICIES_H

#include "config/draft.h"

void policy_check(struct draft *draft, const struct section *section);

/* Of a listener: its policy must not switch off the one way to mail that it has. */
void policy_check_starttls(struct draft *draft, const struct section *section);

#endif
