/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What does a guest do whose memory is in use, then cold, and then wanted again?
 *
 * The boot sector of a guest without an operating system.  It writes to each page between
 * 1 MiB and `end`, no two alike, so that all of them are there and none is merged with
 * another of its own; then it halts, with no timer to wake it, and takes no CPU time at
 * all.  At a key (virsh send-key) it writes to all of these pages for ever.  virsh reset
 * puts it to sleep again, with its memory where it was.
 *
 * Offsets 4 and 8 are for whoever makes a disk of it: how far to go (bytes, little endian,
 * at most 3 GiB), and whether it is awake from the start. */
#define FIRST	 0x100000 /* below lies the BIOS, and this */
#define PAGE	 4096
#define KEYBOARD 9 /* vector of its interrupt, where the BIOS has put it */

	.code16
	.globl _start
_start:
	jmp start
	.org 4
end:	.long 64 << 20
awake:	.byte 0

	/* To 32-bit mode: real mode ends at 1 MiB. */
start:	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl gdt_register
	lidtl idt_register
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $(code - gdt), $protected

	.code32
protected:
	movl $(flat - gdt), %eax
	movl %eax, %ds
	movl %eax, %ss
	movl $0x7c00, %esp

	movl $FIRST, %ebx
touch:	movl %ebx, (%ebx)
	addl $PAGE, %ebx
	cmpl end, %ebx
	jb touch
	cmpb $0, awake
	jne busy

	movb $0xfd, %al /* of all interrupts only the keyboard's */
	outb %al, $0x21
	sti
sleep:	hlt
	jmp sleep

	/* Where the key's interrupt leads to; nobody returns from here. */
busy:	movl $FIRST, %ebx
again:	incl 4(%ebx) /* the page stays unlike the others */
	addl $PAGE, %ebx
	cmpl end, %ebx
	jb again
	jmp busy

	.balign 8
gdt:	.quad 0
code:	.quad 0x00cf9a000000ffff /* all 4 GiB, execute and read */
flat:	.quad 0x00cf92000000ffff /* ..., read and write */
gate:	.word busy, code - gdt, 0x8e00, 0 /* of a 32-bit interrupt */
gdt_register:
	.word gate - gdt - 1
	.long gdt
idt_register: /* none of the vectors below is ever raised: what lies there does not matter */
	.word KEYBOARD * 8 + 7
	.long gate - KEYBOARD * 8

	.org 510
	.word 0xaa55
