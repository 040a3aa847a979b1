#include "cpu.h"

#if defined(__x86_64__) || defined(_M_X64)
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif

namespace {
struct Leaf {
    unsigned a, b, c, d;
};

Leaf leaf(unsigned number, unsigned part) {
    Leaf l{0, 0, 0, 0};
#if defined(_MSC_VER)
    int words[4];
    __cpuidex(words, int(number), int(part));
    l = Leaf{unsigned(words[0]), unsigned(words[1]), unsigned(words[2]), unsigned(words[3])};
#else
    __cpuid_count(number, part, l.a, l.b, l.c, l.d);
#endif
    return l;
}

unsigned kept_registers() {  // those that the operating system saves (XCR0)
#if defined(_MSC_VER)
    return unsigned(_xgetbv(0));
#else
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
#endif
}

bool has(unsigned word, unsigned bits) { return (word & bits) == bits; }

bool keeps(unsigned mask) {
    const unsigned osxsave = 1u << 27;
    return has(leaf(1, 0).c, osxsave) && has(kept_registers(), mask);
}
}  // namespace

bool cpu_avx2() {
    const unsigned fma = 1u << 12, f16c = 1u << 29, avx2 = 1u << 5;
    return leaf(0, 0).a >= 7 && keeps(0x6) && has(leaf(1, 0).c, fma | f16c) && has(leaf(7, 0).b, avx2);
}

bool cpu_avx512() {
    const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31, vnni = 1u << 11, bf16 = 1u << 5;
    if (!cpu_avx2() || !keeps(0xe6) || leaf(7, 0).a < 1) return false;
    return has(leaf(7, 0).b, f | dq | bw | vl) && has(leaf(7, 0).c, vnni) && has(leaf(7, 1).a, bf16);
}
#else
bool cpu_avx2() { return false; }
bool cpu_avx512() { return false; }
#endif

bool cpu_neon() {
#if defined(__aarch64__) || defined(_M_ARM64)
    return true;
#else
    return false;
#endif
}

bool cpu_portable() { return true; }
