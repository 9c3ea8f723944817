/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files are there? */
#include "world.h"

#include <string.h>

#include "fuzz.h"

struct world_file *world_file[WORLD_FILES];
size_t world_nfiles;
size_t world_opened;
int world_entered;
size_t world_piece;

/* How many files, and folders once for each file below them, have a name of such a hash: most of
 * what is asked for is not there, and need not be looked for. */
static uint16_t named[4096];

/* FNV-1a, a step */
static uint32_t add_to_hash(uint32_t hash, char c)
{
	return (uint32_t)((hash ^ (unsigned char)c) * UINT64_C(16777619));
}

static uint16_t *named_by(uint32_t hash)
{
	return &named[hash % KT_ARRAY_LEN(named)];
}

static const uint32_t hash_of_nothing = 2166136261U;

static uint32_t hash_of(const char *path)
{
	uint32_t hash = hash_of_nothing;

	for (; *path; path++)
		hash = add_to_hash(hash, *path);
	return hash;
}

static void count_names(const struct world_file *file, int by)
{
	uint32_t hash = hash_of_nothing;

	for (const char *at = file->path; *at; at++) {
		if (*at == '/')
			*named_by(hash) = (uint16_t)(*named_by(hash) + by);
		hash = add_to_hash(hash, *at);
	}
	*named_by(hash) = (uint16_t)(*named_by(hash) + by);
}

struct world_file *world_find(const char *path)
{
	uint32_t hash = hash_of(path);

	if (!*named_by(hash))
		return NULL;
	for (size_t i = 0; i < world_nfiles; i++)
		if (world_file[i]->hash == hash && strcmp(world_file[i]->path, path) == 0)
			return world_file[i];
	return NULL;
}

static void give_name(struct world_file *file, const char *path)
{
	strcpy(file->path, path);
	file->hash = hash_of(path);
	count_names(file, 1);
}

void world_rename(struct world_file *file, const char *path)
{
	count_names(file, -1);
	give_name(file, path);
}

/* Structs are kept for the next one: they are large, and there are many. */
struct world_file *world_create(const char *path)
{
	struct world_file *file = world_find(path);

	if (!file) {
		if (world_nfiles == WORLD_FILES || strlen(path) >= WORLD_PATH)
			return NULL;
		file = world_file[world_nfiles];
		if (!file)
			file = world_file[world_nfiles] = malloc(sizeof *file);
		FUZZ_CLAIM(file);
		world_nfiles++;
		give_name(file, path);
	} else if (file->written) {
		free(file->bytes);
	}
	file->bytes = NULL;
	file->size = 0;
	file->written = 0;
	return file;
}

void world_remove(struct world_file *file)
{
	size_t i = 0;

	while (world_file[i] != file)
		i++;
	count_names(file, -1);
	if (file->written)
		free(file->bytes);
	world_file[i] = world_file[--world_nfiles];
	world_file[world_nfiles] = file;
}

void world_enter(void)
{
	world_entered = 1;
	world_piece = SIZE_MAX;
}

void world_read_in_pieces(size_t bytes)
{
	world_piece = bytes;
}

void world_leave(void)
{
	FUZZ_CLAIM(world_opened == 0);
	while (world_nfiles > 0)
		world_remove(world_file[world_nfiles - 1]);
	world_entered = 0;
}

void world_put(const char *path, const char *bytes, size_t size)
{
	struct world_file *file = world_create(path);

	if (!file)
		return;
	file->bytes = (char *)(uintptr_t)bytes;
	file->size = size;
}

const char *world_get(const char *path, size_t *ret_size)
{
	const struct world_file *file = world_find(path);

	if (!file)
		return NULL;
	*ret_size = file->size;
	return file->bytes ? file->bytes : "";
}

int world_is_below(const char *path, const char *folder, size_t n)
{
	while (n > 0 && *path == *folder && *path) {
		path++;
		folder++;
		n--;
	}
	return n == 0;
}

int world_is_folder(const char *path)
{
	size_t n = strlen(path);

	if (n == 0)
		return 1;
	if (!*named_by(hash_of(path)))
		return 0;
	for (size_t i = 0; i < world_nfiles; i++)
		if (world_is_below(world_file[i]->path, path, n) && world_file[i]->path[n] == '/')
			return 1;
	return 0;
}

/* Where the next "=== " begins a line; the end: nowhere. */
static char *find_mark(char *text, char *end)
{
	static const char mark[] = "=== ";
	const size_t n = sizeof mark - 1;

	for (char *at = text; at && (size_t)(end - at) >= n; at++) {
		if (memcmp(at, mark, n) == 0)
			return at;
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			break;
	}
	return end;
}

void world_fill(char *text, size_t size)
{
	char *end = text + size, *at = find_mark(text, end);

	while (at < end) {
		char *path = at + 4, *line_end = memchr(path, '\n', (size_t)(end - path));

		if (!line_end)
			return;
		*line_end = '\0';
		at = find_mark(line_end + 1, end);
		world_put(path, line_end + 1, (size_t)(at - line_end - 1));
	}
}
