// Memory and faults of ConvNeXt stacks; the arithmetic is in stepping.h.
#include "stack.h"

#include "memory.h"

namespace {
const char* fault_of(const vn_stack_shape& s) {
    if (s.incoming < 1 || s.incoming > 65536 || s.out < 1 || s.out > 65536) return "an end is not within 1 to 65536";
    if (s.width < 1 || s.width > 8192) return "the width is not within 1 to 8192";
    if (s.wide < 1 || s.wide > 65536) return "the width of a block is not within 1 to 65536";
    if (s.blocks < 1 || s.blocks > 1024) return "the number of blocks is not within 1 to 1024";
    if (s.memory < 0 || s.memory > 63) return "the kernel is not within 1 to 64";
    return nullptr;
}
}  // namespace

struct vn_stack {
    const vn_stepper* stepper;
    vn_stack_shape shape;
    Block memory;
    vn_stack_packed* packed;
    vn_stack(const vn_stepper* p, const vn_stack_shape* s, const vn_stack_weights* w, bool half, size_t bytes)
        : stepper(p), shape(*s), memory(bytes), packed(p->pack(s, w, half, memory.base)) {}
};

struct vn_past {
    const vn_stack* stack;
    Block memory;
    vn_stack_past* past;
    explicit vn_past(const vn_stack* s)
        : stack(s), memory(s->stepper->past_bytes(s->packed)), past(s->stepper->begin(s->packed, memory.base)) {}
};

extern "C" {
vn_stack* vn_stack_new(const vn_variant* v, const vn_stack_shape* s, const vn_stack_weights* w, bool half,
                       const char** error) {
    if ((*error = fault_of(*s))) return nullptr;
    const size_t bytes = v->stepper->bytes(s, half);
    if (bytes > kMost) return *error = "the stack would take more than 64 GB", nullptr;
    return made<vn_stack>(error, [&] { return new vn_stack(v->stepper, s, w, half, bytes); });
}

void vn_stack_free(vn_stack* s) { delete s; }

size_t vn_stack_bytes(const vn_stack* s) { return s->memory.size; }

vn_past* vn_past_new(const vn_stack* s, const char** error) {
    *error = nullptr;
    return made<vn_past>(error, [&] { return new vn_past(s); });
}

void vn_past_free(vn_past* p) { delete p; }

void vn_past_extend(vn_past* p, const float* told, int steps, float* drawn) {
    const vn_stack* s = p->stack;
    for (int n = 0; n < steps; ++n)
        s->stepper->step(p->past, told + size_t(n) * s->shape.incoming, drawn + size_t(n) * s->shape.out);
}
}
