// Words that compilers spell differently.
#pragma once
#if defined(_MSC_VER) && !defined(__clang__)
#define VN_INLINE inline __forceinline
#define VN_NOINLINE __declspec(noinline)
#define VN_UNROLL
#else
#define VN_INLINE inline __attribute__((always_inline))
#define VN_NOINLINE __attribute__((noinline))
#if defined(__clang__)
#define VN_UNROLL _Pragma("unroll")
#else
#define VN_UNROLL _Pragma("GCC unroll 16")
#endif
#endif

// An early request for memory, and what a thread says while it waits for another.
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define VN_PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define VN_PAUSE() __asm__ volatile("yield")
#else
#define VN_PAUSE() ((void)0)
#endif
#if defined(_MSC_VER) && !defined(__clang__)
#define VN_FETCH(place) ((void)(place))
#else
#define VN_FETCH(place) __builtin_prefetch((place), 0, 2)
#endif
void vn_yield();
