// ConvNeXt stacks for Python: a step takes an array and fills another, and the interpreter's lock is not held.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrays.h"
#include "sampler.h"
#include "stack.h"

namespace {
class Stack {
public:
    Stack(const nb::dict& arrays, const std::vector<int>& sizes, float epsilon, bool half, const std::string& variant) {
        if (sizes.size() != 6) throw std::invalid_argument("sizes are incoming, width, wide, blocks, memory, out");
        for (int size : sizes)
            if (size < 0) throw std::invalid_argument("a size is negative");
        shape_ = vn_stack_shape{sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5]};
        const size_t I = sizes[0], W = sizes[1], N = sizes[2], B = sizes[3], T = size_t(sizes[4]) + 1, O = sizes[5];
        std::vector<Floats> kept;
        vn_stack_weights w{};
        w.stem = data(arrays, "stem", {W, I}, kept);
        w.stem_bias = data(arrays, "stem_bias", {W}, kept);
        w.first = data(arrays, "first", {2, W}, kept);
        w.taps = data(arrays, "taps", {B, T, W}, kept);
        w.tap_bias = data(arrays, "tap_bias", {B, W}, kept);
        w.norms = data(arrays, "norms", {B, 2, W}, kept);
        w.widen = data(arrays, "widen", {B, N, W}, kept);
        w.widen_bias = data(arrays, "widen_bias", {B, N}, kept);
        w.narrow = data(arrays, "narrow", {B, W, N}, kept);
        w.narrow_bias = data(arrays, "narrow_bias", {B, W}, kept);
        w.scale = data(arrays, "scale", {B, W}, kept);
        w.last = data(arrays, "last", {2, W}, kept);
        w.head = data(arrays, "head", {O, W}, kept);
        w.head_bias = data(arrays, "head_bias", {O}, kept);
        w.epsilon = epsilon;
        const vn_variant* chosen = vn_choose(variant.c_str());
        if (!chosen) throw std::invalid_argument("this processor does not run the variant " + variant);
        const char* error = nullptr;
        stack_ = vn_stack_new(chosen, &shape_, &w, half, &error);
        if (!stack_) throw std::invalid_argument(error);
    }
    ~Stack() { vn_stack_free(stack_); }
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;
    const vn_stack* get() const { return stack_; }
    const vn_stack_shape& shape() const { return shape_; }
    size_t bytes() const { return vn_stack_bytes(stack_); }

private:
    vn_stack* stack_ = nullptr;
    vn_stack_shape shape_{};
};

class Past {
public:
    explicit Past(const Stack& stack) : shape_(stack.shape()) {
        const char* error = nullptr;
        past_ = vn_past_new(stack.get(), &error);
        if (!past_) throw std::runtime_error(error);
    }
    ~Past() { vn_past_free(past_); }
    Past(const Past&) = delete;
    Past& operator=(const Past&) = delete;

    void extend(const Floats& told, const Sink& drawn) {
        const size_t steps = told.ndim() ? told.shape(0) : 0;
        if (steps > size_t(1) << 24) throw std::invalid_argument("there is too much to draw at once");
        require(told, {steps, size_t(shape_.incoming)}, "told");
        require(drawn, {steps, size_t(shape_.out)}, "drawn");
        const Turn turn(taken_);
        nb::gil_scoped_release free;
        vn_past_extend(past_, told.data(), int(steps), drawn.data());
    }

private:
    vn_past* past_ = nullptr;
    vn_stack_shape shape_;
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};
}  // namespace

void bind_stack(nb::module_& m) {
    nb::class_<Stack>(m, "Stack", "Weights of a ConvNeXt stack and its head, packed for one variant.")
        .def(nb::init<const nb::dict&, const std::vector<int>&, float, bool, const std::string&>(), nb::arg("arrays"),
             nb::arg("sizes"), nb::arg("epsilon"), nb::arg("half"), nb::arg("variant"))
        .def_prop_ro("bytes", &Stack::bytes);
    nb::class_<Past>(m, "Past", "What a stack remembers of one voice.")
        .def(nb::init<const Stack&>(), nb::arg("stack"), nb::keep_alive<1, 2>())
        .def("extend", &Past::extend, nb::arg("told"), nb::arg("drawn").noconvert());
}
