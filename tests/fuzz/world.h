/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that are nowhere but in memory.
 *
 * The linker's --wrap leads what kvmtuned opens, lists, writes and renames to here, so that a
 * parser of files takes microseconds and meets no disk.  Paths have no leading slash; a folder
 * is there as soon as a file is in it.  One thread. */
#ifndef KT_FUZZ_WORLD_H
#define KT_FUZZ_WORLD_H

#include <stddef.h>
#include <stdint.h>

enum { WORLD_FILES = 512, WORLD_PATH = 1024 };

/* From here on nothing else is seen, and at first there is no file. */
void world_enter(void);
/* Claims that everything is closed that was opened. */
void world_leave(void);

/* The bytes must last until world_leave.  What is there by this name goes. */
void world_put(const char *path, const char *bytes, size_t size);
/* Files, each after a line "=== PATH"; what comes before the first has no name and is left out.
 * The text is cut at its lines, and must last. */
void world_fill(char *text, size_t size);
/* No read gives more at once, as with the files of the kernel that are lists. */
void world_read_in_pieces(size_t bytes);
/* NULL: there is none. */
const char *world_get(const char *path, size_t *ret_size);

/* ---- between world.c and world_calls.c ------------------------------------------------------ */

struct world_file {
	char path[WORLD_PATH];
	uint32_t hash; /* of its path: fuzzers look at each comparison of texts */
	char *bytes;   /* owned where it was written */
	size_t size;
	int written;
};

extern struct world_file *world_file[WORLD_FILES];
extern size_t world_nfiles;
extern size_t world_opened;
extern int world_entered;
extern size_t world_piece;

struct world_file *world_find(const char *path);
void world_rename(struct world_file *file, const char *path);
struct world_file *world_create(const char *path); /* NULL: too many, or the name too long */
void world_remove(struct world_file *file);
/* Whether the first n bytes are the folder's. */
int world_is_below(const char *path, const char *folder, size_t n);
/* Whether there is a file in this folder ("": the root). */
int world_is_folder(const char *path);

#endif
