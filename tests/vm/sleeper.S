/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest whose memory is really touched, then idle; a key press makes it need all of it.
 *
 * A boot sector.  It writes a word of its own to each page between 2 MiB and `end`, sleeps
 * until a key is pressed, with the timer masked, and then writes to all these pages for ever.
 * Offsets 4 and 8 are for whoever starts it: the end of its memory (at most 3 GiB), and
 * whether it is awake from the start. */
	.code16
	.globl _start
_start:
	jmp	entry
	.org	4
end:	.long	64 << 20
awake:	.byte	0

entry:
	xorw	%ax, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	$0x7c00, %sp
	cli
	call	far_reach
	call	walk
	cmpb	$0, awake
	jne	busy

	movb	$0xfd, %al		/* only the keyboard interrupts */
	outb	%al, $0x21
sleep:
	sti
	hlt
	cli
	movw	0x41a, %ax		/* the BIOS's key buffer: head and tail */
	cmpw	0x41c, %ax
	je	sleep
	call	far_reach		/* the BIOS may have changed it */
busy:
	call	walk
	jmp	busy

walk:
	movl	$(2 << 20), %edi
1:	addl	%edi, %es:(%edi)
	addl	$4096, %edi
	cmpl	end, %edi
	jb	1b
	ret

/* Real mode, so that interrupts are the BIOS's, but %es reaches 4 GiB. */
far_reach:
	lgdtl	gdt_pointer
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	jmp	1f
1:	movw	$8, %bx
	movw	%bx, %es
	andb	$0xfe, %al
	movl	%eax, %cr0
	jmp	1f
1:	xorw	%bx, %bx
	movw	%bx, %es
	ret

gdt:
	.quad	0
	.quad	0x00cf92000000ffff
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	gdt

	.org	510
	.word	0xaa55
