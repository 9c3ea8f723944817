/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who pays for two dozen libraries that are hardly used?
 *
 * libvirt's client library brings TLS, SSH, curl, glib and ICU along; loading them and
 * connecting once maps some 8 MiB of their code, which stays mapped for the life of the
 * daemon although none of it runs again.  So does the memory that a topology and the first
 * list of guests were read in, unless the allocator is told. */
#include "footprint.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only code: its pages are never written, so the file has all of it.  Data that the
 * loader has relocated would be lost. */
static int drop_code_of(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)size, (void)context;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t from = (object->dlpi_addr + p->p_vaddr) & ~(page - 1);
		uintptr_t to = object->dlpi_addr + p->p_vaddr + p->p_memsz;

		if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && !(p->p_flags & PF_W))
			(void)madvise((void *)from, to - from, MADV_DONTNEED); /* a hint */
	}
	return 0;
}

void footprint_drop_startup_code(void)
{
	(void)dl_iterate_phdr(drop_code_of, NULL);
	(void)malloc_trim(0);
}
