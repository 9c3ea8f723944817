/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a JSON object is put together when there may be no memory: one that lacks something is
 * better than json-c's assert, which ends the process. */
#ifndef KT_JSON_PUT_H
#define KT_JSON_PUT_H

#include <json-c/json.h>

/* Each takes the child, which may be gone then.  o may be NULL: there was no memory for it. */
static inline void json_put_object(struct json_object *o, const char *key,
				   struct json_object *child)
{
	if (!o || json_object_object_add(o, key, child) < 0)
		json_object_put(child);
}

static inline void json_add(struct json_object *array, struct json_object *child)
{
	if (!array || json_object_array_add(array, child) < 0)
		json_object_put(child);
}

#endif
