// Memory that is taken once and given back whole, for what dispatches to variants; they themselves never ask for any.
#pragma once
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(_MSC_VER)
#include <malloc.h>
#endif

namespace {
constexpr size_t kHuge = size_t(2) << 20;
constexpr size_t kMost = size_t(1) << 36;  // no model and no set of streams is larger than this by right

struct Block {  // memory in pages of 2 MB, where the system has such
    char* base = nullptr;
    size_t size = 0;
    explicit Block(size_t wanted) : size((wanted + kHuge - 1) / kHuge * kHuge) {
#if defined(_MSC_VER)
        base = static_cast<char*>(_aligned_malloc(size, kHuge));
#else
        void* place = nullptr;
        base = posix_memalign(&place, kHuge, size) == 0 ? static_cast<char*>(place) : nullptr;
#endif
        if (!base) throw std::bad_alloc();
#if defined(__linux__)
        madvise(base, size, MADV_HUGEPAGE);
#endif
        std::memset(base, 0, size);
    }
    ~Block() {
#if defined(_MSC_VER)
        _aligned_free(base);
#else
        std::free(base);
#endif
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
};

template <class T, class Make>
T* made(const char** error, const Make& make) {
    try {
        return make();
    } catch (const std::bad_alloc&) {
        *error = "there is not enough memory";
    } catch (...) {
        *error = "something unforeseen happened";
    }
    return nullptr;
}
}  // namespace
