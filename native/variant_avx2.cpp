// The sampler for one kind of processor; CMakeLists.txt gives this file flags of its own.
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include <atomic>
#include <new>

#include "common.h"
#include "cpu.h"
#include "model.h"
#include "stack.h"

namespace {
#include "precisions.h"
#include "simd_avx2.h"
#include "engine.h"
#include "stepping.h"

const vn_variant table = {"avx2", cpu_avx2, model_bytes, pack, section_bytes, begin, renew, sing,
                          worth_sharing, call_helper, sing_shared, help, &stepper};
}  // namespace

const vn_variant* vn_avx2() { return &table; }
