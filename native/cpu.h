// What this processor can, asked at run time.
#pragma once
bool cpu_avx512();    // AVX-512 F, BW, DQ, VL, VNNI and BF16, and an operating system that keeps its registers
bool cpu_avx2();      // AVX2, FMA and F16C
bool cpu_neon();      // every 64-bit ARM
bool cpu_portable();  // always
