# Calls any function with any register contents and keeps what comes back, whichever convention the function has.
#
# void call_machine(struct call *): System V convention on either system. Offsets are those of struct call in driver.c.
# A trap continues at call_trapped: the handler in driver.c sends it there.
    .intel_syntax noprefix
    .set VECTOR, 128
    .set TARGET, 384
    .set STACK_WORDS, 392
    .set STACK, 400
    .set OWN_SP, 408
    .set SP_BEFORE, 416
    .set SP_AFTER, 424
    .set TRAPPED, 432

    .text
    .globl call_machine
    .globl call_trapped
call_machine:
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    mov [rip + current], rdi
    mov [rdi + OWN_SP], rsp
    and rsp, -16
    mov rcx, [rdi + STACK_WORDS]
    mov rsi, [rdi + STACK]
    lea rax, [rcx + 1]
    and rax, -2
    shl rax, 3
    sub rsp, rax
    mov rdx, rdi
    mov rdi, rsp
    rep movsq
    mov rdi, rdx
    mov [rdi + SP_BEFORE], rsp
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups xmm\n, [rdi + VECTOR + 16 * \n]
    .endr
    mov rax, [rdi + TARGET]
    mov [rip + target], rax
    mov rax, [rdi]
    mov rcx, [rdi + 8]
    mov rdx, [rdi + 16]
    mov rbx, [rdi + 24]
    mov rbp, [rdi + 40]
    mov rsi, [rdi + 48]
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    mov r\n, [rdi + 8 * \n]
    .endr
    mov rdi, [rdi + 56]
    call [rip + target]
    mov [rip + target], rax
    mov rax, [rip + current]
    mov [rax + SP_AFTER], rsp
    mov [rax + 8], rcx
    mov [rax + 16], rdx
    mov [rax + 24], rbx
    mov [rax + 40], rbp
    mov [rax + 48], rsi
    mov [rax + 56], rdi
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    mov [rax + 8 * \n], r\n
    .endr
    mov rcx, [rip + target]
    mov [rax], rcx
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    movups [rax + VECTOR + 16 * \n], xmm\n
    .endr
    mov qword ptr [rax + TRAPPED], 0
    jmp 1f
call_trapped:
    mov rax, [rip + current]
    mov qword ptr [rax + TRAPPED], 1
1:  mov rsp, [rax + OWN_SP]
    cld
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    ret

    .bss
    .balign 8
current:
    .zero 8
target:
    .zero 8
