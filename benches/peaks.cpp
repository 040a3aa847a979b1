// What one thread of this processor can multiply and read at all; built by probe.py where there is a compiler.
// Each function does `rounds` rounds and returns what one round is (multiply-adds, or bytes), or 0 where the processor
// has no such instruction. Twelve independent sums hide the latency of a multiply-add; registers are named by hand, as
// compilers would put the sums into memory.
#include <cstdint>

#define EACH(one) one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11)
#define SUMS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11"

#if defined(__AVX512F__)
#define CLEAR(n) "vpxord %%zmm" #n ", %%zmm" #n ", %%zmm" #n "\n"
#define FMA(n) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" #n "\n"
#define BF16(n) "vdpbf16ps %%zmm12, %%zmm13, %%zmm" #n "\n"
#define INT8(n) "vpdpbusd %%zmm12, %%zmm13, %%zmm" #n "\n"
#define READ(n) "vmovdqa64 64*" #n "(%0), %%zmm" #n "\n"
static const int lanes = 16;
#elif defined(__AVX2__) && defined(__FMA__)
#define CLEAR(n) "vpxor %%ymm" #n ", %%ymm" #n ", %%ymm" #n "\n"
#define FMA(n) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" #n "\n"
#define READ(n) "vmovdqa 32*" #n "(%0), %%ymm" #n "\n"
static const int lanes = 8;
#endif

#if defined(CLEAR)
#define MULTIPLY(each, count)                                                                   \
    asm volatile(EACH(CLEAR) CLEAR(12) CLEAR(13)::: SUMS, "xmm12", "xmm13");                    \
    for (int64_t n = 0; n < rounds; ++n) asm volatile(EACH(each) EACH(each)::: SUMS);           \
    return 24 * lanes * count;
#endif

extern "C" int64_t float32(int64_t rounds) {
#if defined(CLEAR)
    MULTIPLY(FMA, 1)
#else
    return 0 * rounds;
#endif
}

extern "C" int64_t bf16(int64_t rounds) {
#if defined(__AVX512BF16__)
    MULTIPLY(BF16, 2)
#else
    return 0 * rounds;
#endif
}

extern "C" int64_t int8(int64_t rounds) {
#if defined(__AVX512VNNI__)
    MULTIPLY(INT8, 4)
#else
    return 0 * rounds;
#endif
}

// Reads `bytes` from `from`, which lies at a multiple of 64, over and over.
extern "C" int64_t reading(int64_t rounds, const char* from, int64_t bytes) {
#if defined(CLEAR)
    const int64_t step = 12 * 4 * lanes, whole = bytes / step * step;
    for (int64_t n = 0; n < rounds; ++n)
        for (const char* at = from; at < from + whole; at += step) asm volatile(EACH(READ)::"r"(at) : SUMS);
    return whole;
#else
    return 0 * (rounds + bytes + *from);
#endif
}
