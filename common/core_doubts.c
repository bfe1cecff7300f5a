#include "core.h"

#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "monotonic.h"
#include "tree.h"

/* How many of the last doubts are compared: repeats come in runs. */
#define DOUBT_RUN 16

static struct doubt *
add_doubt(struct core *c, struct doubts *l, struct dir *d, const char *name)
{
	struct doubt *p;

	p = grow(l->item, &l->cap, l->n, sizeof(*p));
	if (p == NULL) {
		c->resync = true;
		return NULL;
	}
	l->item = p;
	p = &l->item[l->n];
	memset(p, 0, sizeof(*p));
	p->dir = d;
	p->name = name != NULL ? strdup(name) : NULL;
	if (name != NULL && p->name == NULL) {
		c->resync = true;
		return NULL;
	}
	l->n++;
	return p;
}

static struct doubt *
lately_doubted(const struct doubts *l, const struct dir *d, const char *name)
{
	struct doubt *p;
	size_t i;

	for (i = l->n; i > 0 && l->n - i < DOUBT_RUN; i--) {
		p = &l->item[i - 1];
		if (p->dir != d || p->deep ||
		    (name == NULL) != (p->name == NULL))
			continue;
		if (name == NULL || strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

void
core_doubt(struct core *c, struct dir *d, const char *name)
{
	if (lately_doubted(&c->doubts, d, name) == NULL)
		(void)add_doubt(c, &c->doubts, d, name);
}

void
core_doubt_place(struct core *c, struct dir *d)
{
	if (d->self != NULL)
		core_doubt(c, d->parent, d->self->name);
	else
		core_suspect(c, tree_owner(d));
}

void
core_doubt_look(struct core *c, struct dir *d)
{
	struct doubt *p = lately_doubted(&c->doubts, d, NULL);

	if (p == NULL)
		p = add_doubt(c, &c->doubts, d, NULL);
	if (p != NULL)
		p->look = true;
}

void
core_doubt_below(struct core *c, struct dir *d, bool content)
{
	struct doubt *p = add_doubt(c, &c->doubts, d, NULL);

	if (p != NULL) {
		p->deep = true;
		p->content = content;
	}
}

void
core_later(struct core *c, struct dir *d, const char *name)
{
	struct doubt *p = lately_doubted(&c->later, d, name);

	if (p != NULL)
		return;
	p = add_doubt(c, &c->later, d, name);
	if (p == NULL)
		return;
	p->at = monotonic_ms() + c->cfg->opt->poll_ms;
	if (c->later_at == 0)
		c->later_at = p->at;
}

void
core_retry(struct core *c, struct dir *d, const char *name, int delay)
{
	struct doubt *p = lately_doubted(&c->retries, d, name);

	if (p == NULL)
		p = add_doubt(c, &c->retries, d, name);
	if (p == NULL)
		return;
	p->delay = delay;
	p->at = monotonic_ms() + delay;
}

/* Doubts the retries whose time has come. There are few. */
static void
retry_now(struct core *c)
{
	struct doubts *l = &c->retries;
	struct doubt due;
	struct doubt *p;
	size_t i;

	for (i = l->n; i > 0; i--) {
		if (l->item[i - 1].at > monotonic_ms())
			continue;
		due = l->item[i - 1];
		l->item[i - 1] = l->item[--l->n];
		p = due.dir == NULL ?
		    NULL :
		    add_doubt(c, &c->doubts, due.dir, due.name);
		if (p != NULL)
			p->delay = due.delay;
		free(due.name);
	}
}

void
core_forget_doubts(struct doubts *l)
{
	while (l->n > 0)
		free(l->item[--l->n].name);
	free(l->item);
	memset(l, 0, sizeof(*l));
}

/* They are in the order of their times. */
void
core_now_later(struct core *c)
{
	struct doubts *l = &c->later;
	struct doubt *p;
	struct entry *e;
	int64_t now;
	size_t i;

	retry_now(c);
	if (c->later_at == 0)
		return;
	now = monotonic_ms();
	if (now < c->later_at)
		return;
	for (i = 0; i < l->n && l->item[i].at <= now; i++) {
		p = &l->item[i];
		if (p->dir == NULL)
			continue;
		core_doubt(c, p->dir, p->name);
		if (p->dir->self == NULL)
			core_suspect(c, tree_owner(p->dir));
		if (p->name == NULL)
			continue;
		e = tree_find(p->dir, p->name, strlen(p->name));
		if (e != NULL && (e->flags & ENTRY_OPEN))
			e->flags |= ENTRY_DUE;
		free(p->name);
	}
	l->n -= i;
	if (l->n > 0)
		memmove(l->item, l->item + i, l->n * sizeof(*l->item));
	c->later_at = l->n > 0 ? l->item[0].at : 0;
}

static void
forget_doubts(struct doubts *l, const struct dir *d)
{
	struct doubt *p;
	size_t i;

	for (i = 0; i < l->n; i++) {
		p = &l->item[i];
		if (p->dir != d)
			continue;
		free(p->name);
		p->name = NULL;
		p->dir = NULL;
	}
	while (l->n > 0 && l->item[l->n - 1].dir == NULL)
		l->n--;
}

void
core_forget_doubted(struct core *c, const struct dir *d)
{
	forget_doubts(&c->doubts, d);
	forget_doubts(&c->later, d);
	forget_doubts(&c->retries, d);
}
