/*
 * A configuration while it is read: the sections met so far, each with the struct that its options
 * go into and the place where each option was set. draft_finish() makes a struct config of it.
 */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "config/arena.h"
#include "config/options.h"
#include "config/values.h"

struct section {
	struct section *next;
	enum section_kind kind;
	const char *name; /* NULL for a kind that is there once */
	const char *place;
	bool again;   /* stands a second time: checked, and not used */
	bool used;    /* another refers to it */
	void *values; /* as the kind's row says; struct config for kinds that are there once */
	const char *set_at[OPTIONS_MAX]; /* by row of the option table; NULL: not set */
};

struct draft {
	struct config *config;
	struct complaints *complaints;
	struct value_source source;
	struct section *first, **end;
};

/*
 * An empty configuration for the file `path`, everything at its default. `sealed`: nothing outside
 * of the file's own bytes is looked at, neither names nor other files.
 */
void draft_begin(struct draft *draft, const char *path, bool sealed, struct complaints *complaints);

/* The section, or NULL. */
struct section *draft_find(const struct draft *draft, enum section_kind kind, struct slice name);

/* A new section with all defaults; complains when it stands a second time. */
struct section *draft_open(struct draft *draft, enum section_kind kind, struct slice name,
			   const char *place);

/* The option of that name, or NULL after a complaint. */
const struct option *draft_option(struct draft *draft, const struct section *section,
				  struct slice name, const char *place);

/* Sets an option. What was set at another place before is overridden, or else that is an error. */
void draft_set(struct draft *draft, struct section *section, const struct option *option,
	       struct slice value, const char *place, bool override);

/* Where the option was set, else where its section is. */
const char *draft_place(const struct section *section, const char *name);

/* Opens what is there even if no file has it, with its defaults: [limits], [policy default] ... */
void draft_fill(struct draft *draft);

/* Applies "kind name.option=value", or "kind.option=value"; after draft_fill(). */
void draft_override(struct draft *draft, struct slice text);

/*
 * Checks what must be there, resolves references, finds out what has no fixed default, compares
 * sections with each other. Complains of what is wrong.
 */
void draft_finish(struct draft *draft);

/* The directory of a file, absolute: paths must not change their meaning when a process moves. */
const char *draft_directory(struct arena *arena, const char *path);

/*
 * An option's default as text: that of its row, unless the configuration decides: the system's name
 * for `hostname`, the only backend for `backend`. Lives in the arena.
 */
const char *draft_preset(const struct config *config, const struct option *option, bool sealed,
			 struct arena *arena);

#endif
