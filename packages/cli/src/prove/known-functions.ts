// Functions of which everybody knows that they do not return. The list only makes more of what follows a call decided:
// where a name is missing, the row behind the call decides whether control goes on there.

const NEVER_RETURN: ReadonlySet<string> = new Set([
  ...['abort', 'exit', '_exit', '_Exit', 'quick_exit', '__stack_chk_fail', '__chk_fail', '__fortify_fail'],
  ...['__assert_fail', '__assert_perror_fail', '__assert', '_assert', '_wassert', '__libc_fatal', '__libc_start_main'],
  ...['longjmp', '_longjmp', 'siglongjmp', '__longjmp_chk', 'pthread_exit', 'err', 'errx', 'verr', 'verrx'],
  ...['_Unwind_Resume', '__cxa_throw', '__cxa_rethrow', '__cxa_bad_cast', '__cxa_bad_typeid', '__cxa_end_cleanup'],
  ...['__cxa_throw_bad_array_new_length', '__cxa_pure_virtual', '__cxa_call_unexpected', '__cxa_call_terminate'],
  ...['_ZSt9terminatev', '_ZSt10unexpectedv', '__clang_call_terminate', '__ubsan_handle_builtin_unreachable'],
  ...['ExitProcess', 'ExitThread', 'TerminateThread', 'FreeLibraryAndExitThread', 'RtlExitUserThread', '__fastfail'],
])

/** libstdc++'s `std::__throw_bad_alloc()` and its like. */
const THROWS = /^_ZSt\d+__throw_/

export function neverReturns(name: string): boolean {
  const plain = name.replace(/@.*$/, '').replace(/^__imp_/, '')
  return NEVER_RETURN.has(plain) || THROWS.test(plain)
}
