/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How does a table of fields become a row of words? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "record_fields.h"

char *record_field_name(const struct record_field *f, char *buf, size_t size)
{
	if (f->nwords == 1)
		(void)snprintf(buf, size, "%s", f->name);
	else
		(void)snprintf(buf, size, "%s[%zu]", f->name, f->nwords);
	return buf;
}

int record_layout_add(struct record_layout *l, enum record_table_id table,
		      const struct record_field *field, size_t nwords)
{
	size_t n = l->nwords[table];
	struct record_word *words;

	if (nwords > RECORD_WORDS_MAX - n)
		return -E2BIG;
	words = reallocarray(l->word[table], n + nwords, sizeof *words);
	if (!words)
		return -ENOMEM;
	l->word[table] = words;
	l->nwords[table] += nwords;
	for (size_t i = 0; i < nwords; i++)
		words[n + i] =
			field ? (struct record_word){ .offset = (uint32_t)(field->offset +
									   i * field->stride),
						      .size = (uint32_t)field->size,
						      .max = field->max }
			      : (struct record_word){ 0 };
	return 0;
}

int record_layout_ours(struct record_layout *ret)
{
	struct record_layout l = { 0 };

	for (enum record_table_id t = 0; t < _TABLE_MAX; t++) {
		const struct record_table *table = &record_tables[t];
		int r = 0;

		for (size_t i = 0; i < table->nfields && r == 0; i++)
			r = record_layout_add(&l, t, &table->field[i], table->field[i].nwords);
		if (r < 0) {
			record_layout_clear(&l);
			return r;
		}
	}
	*ret = l;
	return 0;
}

void record_layout_clear(struct record_layout *l)
{
	for (enum record_table_id t = 0; t < _TABLE_MAX; t++)
		free(l->word[t]);
	*l = (struct record_layout){ 0 };
}

uint64_t record_word_get(const struct record_word *w, const void *from)
{
	const char *at = (const char *)from + w->offset;
	uint64_t u64 = 0;
	uint32_t u32;
	uint16_t u16;

	switch (w->size) {
	case 8:
		memcpy(&u64, at, sizeof u64);
		return u64;
	case 4:
		memcpy(&u32, at, sizeof u32);
		return u32;
	case 2:
		memcpy(&u16, at, sizeof u16);
		return u16;
	default:
		return *(const unsigned char *)at;
	}
}

void record_word_set(const struct record_word *w, void *to, uint64_t value)
{
	char *at = (char *)to + w->offset;
	uint32_t u32 = (uint32_t)value;
	uint16_t u16 = (uint16_t)value;

	switch (w->size) {
	case 8:
		memcpy(at, &value, sizeof value);
		break;
	case 4:
		memcpy(at, &u32, sizeof u32);
		break;
	case 2:
		memcpy(at, &u16, sizeof u16);
		break;
	default:
		*(unsigned char *)at = (unsigned char)value;
	}
}
