// Memory, threads and the choice of a variant; the arithmetic is in engine.h.
#include "sampler.h"

#include "common.h"
#include "memory.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {
const char* fault_of(const vn_shape& s) {
    if (s.residual < 1 || s.residual > 8192 || s.skip < 1 || s.skip > 8192) return "a width is not within 1 to 8192";
    if (s.depth < 1 || s.depth > 1024) return "the number of layers is not within 1 to 1024";
    if (s.kernel < 2 || s.kernel > 64) return "the kernel is not within 2 to 64";
    if (s.levels < 2 || s.levels > 65536) return "the number of levels is not within 2 to 65536";
    for (int l = 0; l < s.depth; ++l)
        if (s.dilations[l] < 1 || s.dilations[l] > 32768 || (s.dilations[l] & (s.dilations[l] - 1)))
            return "a dilation is not a power of two within 1 to 32768";
    return nullptr;
}
}  // namespace

struct vn_model {
    const vn_variant* variant;
    Block memory;
    vn_packed* packed;
    vn_model(const vn_variant* v, const vn_shape* s, const vn_weights* w, int precision, size_t bytes)
        : variant(v), memory(bytes), packed(v->pack(s, w, precision, memory.base)) {}
};

struct Part {
    Block memory;
    vn_section* section;
    int first, rows;
};

struct vn_streams {
    const vn_model* model;
    int rows, threads;
    std::vector<std::unique_ptr<Part>> parts;
};

void vn_yield() { std::this_thread::yield(); }

namespace {
// One stream on two cores; false where there is no second thread to be had.
bool sing_in_two(const vn_variant* variant, vn_section* section, const vn_job* job) {
    variant->call_helper(section);
    std::thread helper;
    try {
        helper = std::thread([=] { variant->help(section, job); });
    } catch (...) {
        return false;
    }
    variant->sing_shared(section, job);
    helper.join();
    return true;
}
}  // namespace

extern "C" {
int vn_variants(const vn_variant** list, int room) {
    int count = 0;
    const vn_variant* all[] = {
#if defined(VN_AVX512)
        vn_avx512(),
#endif
#if defined(VN_AVX2)
        vn_avx2(),
#endif
#if defined(VN_NEON)
        vn_neon(),
#endif
        vn_portable(),
    };
    for (const vn_variant* one : all)
        if (count < room && one->runs()) list[count++] = one;
    return count;
}

const vn_variant* vn_choose(const char* name) {
    const vn_variant* list[8];
    const int count = vn_variants(list, 8);
    for (int i = 0; i < count; ++i)
        if (!*name || std::strcmp(list[i]->name, name) == 0) return list[i];
    return nullptr;
}

vn_model* vn_model_new(const vn_variant* v, const vn_shape* s, const vn_weights* w, int precision, const char** error) {
    if ((*error = fault_of(*s))) return nullptr;
    const size_t bytes = v->model_bytes(s, precision);
    if (bytes > kMost) return *error = "the model would take more than 64 GB", nullptr;
    return made<vn_model>(error, [&] { return new vn_model(v, s, w, precision, bytes); });
}

void vn_model_free(vn_model* m) { delete m; }

size_t vn_model_bytes(const vn_model* m) { return m->memory.size; }

vn_streams* vn_streams_new(const vn_model* m, int rows, int threads, const char** error) {
    *error = nullptr;
    if (rows < 1 || rows > 65536) return *error = "the number of streams is not within 1 to 65536", nullptr;
    if (threads < 1 || threads > 1024) return *error = "the number of threads is not within 1 to 1024", nullptr;
    return made<vn_streams>(error, [&] {
        auto streams = std::make_unique<vn_streams>();
        streams->model = m;
        streams->rows = rows;
        streams->threads = threads;
        const int parts = threads < rows ? threads : rows;
        for (int i = 0, first = 0; i < parts; ++i) {
            const int share = (rows - first) / (parts - i);
            const size_t bytes = m->variant->section_bytes(m->packed, share);
            if (bytes > kMost) throw std::bad_alloc();
            std::unique_ptr<Part> part(new Part{Block(bytes), nullptr, first, share});
            part->section = m->variant->begin(m->packed, share, first, rows, part->memory.base);
            streams->parts.push_back(std::move(part));
            first += share;
        }
        return streams.release();
    });
}

void vn_streams_free(vn_streams* s) { delete s; }

size_t vn_streams_bytes(const vn_streams* s) {
    size_t bytes = 0;
    for (const auto& part : s->parts) bytes += part->memory.size;
    return bytes;
}

int vn_streams_renew(vn_streams* s, int row, const char** error) {
    for (const auto& part : s->parts)
        if (row >= part->first && row < part->first + part->rows)
            return s->model->variant->renew(part->section, row - part->first), 0;
    return *error = "there is no such row", -1;
}

int vn_streams_sing(vn_streams* s, const vn_job* job, const char** error) {
    try {
        const vn_variant* variant = s->model->variant;
        vn_section* only = s->parts[0]->section;
        if (s->rows == 1 && s->threads > 1 && variant->worth_sharing(only) && sing_in_two(variant, only, job)) return 0;
        const auto sing = variant->sing;
        std::vector<std::thread> others;
        struct Joined {  // whatever happens, no thread outlives the call
            std::vector<std::thread>& threads;
            ~Joined() {
                for (auto& one : threads) one.join();
            }
        } joined{others};
        for (size_t i = 1; i < s->parts.size(); ++i) {
            vn_section* section = s->parts[i]->section;
            try {
                others.emplace_back([=] { sing(section, job); });
            } catch (...) {  // no thread to be had: this one does it
                sing(section, job);
            }
        }
        sing(s->parts[0]->section, job);
        return 0;
    } catch (...) {
        return *error = "there is not enough memory", -1;
    }
}
}
