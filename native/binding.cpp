// The sampler for Python: arrays in, arrays out; shapes are checked here, and the interpreter's lock is not held.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>

#include "arrays.h"
#include "sampler.h"

namespace {
class Model {
public:
    Model(const nb::dict& arrays, const std::vector<int>& sizes, std::vector<int> dilations, int precision,
          const std::string& variant) {
        if (sizes.size() != 4) throw std::invalid_argument("sizes are residual, skip, kernel, levels");
        if (precision < 0 || precision > 2) throw std::invalid_argument("there is no such precision");
        for (int size : sizes)
            if (size < 1) throw std::invalid_argument("a size is not positive");
        const size_t R = sizes[0], S = sizes[1], K = sizes[2], A = sizes[3], L = dilations.size();
        shape_ = vn_shape{sizes[0], sizes[1], int(L), sizes[2], sizes[3], dilations.data()};
        std::vector<Floats> kept;
        vn_weights w{};
        w.stem = data(arrays, "stem", {R, K}, kept);
        w.stem_bias = data(arrays, "stem_bias", {R}, kept);
        w.skip_stem = data(arrays, "skip_stem", {S, K}, kept);
        w.skip_bias = data(arrays, "skip_bias", {S}, kept);
        w.conv = data(arrays, "conv", {L, 2 * R, K * R}, kept);
        w.through = data(arrays, "through", {L - 1, R, R}, kept);
        w.through_bias = data(arrays, "through_bias", {L - 1, R}, kept);
        w.aside = data(arrays, "aside", {L, S, R}, kept);
        w.mix = data(arrays, "mix", {S, S}, kept);
        w.out = data(arrays, "out", {A, S}, kept);
        w.out_bias = data(arrays, "out_bias", {A}, kept);
        if (precision == VN_INT8) {
            w.x_scale = data(arrays, "x_scale", {L, R}, kept);
            w.z_scale = data(arrays, "z_scale", {L, R}, kept);
        }
        const vn_variant* chosen = vn_choose(variant.c_str());
        if (!chosen) throw std::invalid_argument("this processor does not run the variant " + variant);
        const char* error = nullptr;
        model_ = vn_model_new(chosen, &shape_, &w, precision, &error);
        if (!model_) throw std::invalid_argument(error);
        shape_.dilations = nullptr;
    }
    ~Model() { vn_model_free(model_); }
    Model(const Model&) = delete;
    Model& operator=(const Model&) = delete;
    const vn_model* get() const { return model_; }
    const vn_shape& shape() const { return shape_; }
    size_t bytes() const { return vn_model_bytes(model_); }

private:
    vn_model* model_ = nullptr;
    vn_shape shape_{};
};

class Streams {
public:
    Streams(const Model& model, int rows, int threads) : shape_(model.shape()), rows_(rows) {
        const char* error = nullptr;
        streams_ = vn_streams_new(model.get(), rows, threads, &error);
        if (!streams_) throw std::invalid_argument(error);
    }
    ~Streams() { vn_streams_free(streams_); }
    Streams(const Streams&) = delete;
    Streams& operator=(const Streams&) = delete;

    void renew(int row) {
        const Turn turn(taken_);
        const char* error = nullptr;
        if (vn_streams_renew(streams_, row, &error)) throw std::out_of_range(error);
    }

    void sing(const Floats& layers, const Floats& head, int hop, float temperature, const std::optional<Floats>& luck,
              const std::optional<Sink>& sung, const std::optional<Floats>& forced, const std::optional<Sink>& logits) {
        const size_t rows = rows_, frames = layers.ndim() > 1 ? layers.shape(1) : 0;
        if (hop < 1 || frames > size_t(1) << 24) throw std::invalid_argument("there is nothing to sing, or too much");
        const size_t steps = frames * hop;
        require(layers, {rows, frames, size_t(shape_.depth), 2 * size_t(shape_.residual)}, "layers");
        require(head, {rows, frames, size_t(shape_.skip)}, "head");
        if (luck) require(*luck, {rows, steps}, "luck");
        if (luck.has_value() != sung.has_value()) throw std::invalid_argument("luck and sung go together");
        if (sung) require(*sung, {rows, steps}, "sung");
        if (forced) require(*forced, {rows, steps}, "forced");
        if (!luck && !forced) throw std::invalid_argument("without luck something has to be forced");
        if (logits) require(*logits, {rows, steps, size_t(shape_.levels)}, "logits");
        const vn_job job{int(frames), hop, layers.data(), head.data(), luck ? luck->data() : nullptr,
                         forced ? forced->data() : nullptr, sung ? sung->data() : nullptr,
                         logits ? logits->data() : nullptr, temperature};
        const Turn turn(taken_);
        const char* error = nullptr;
        int failed;
        {
            nb::gil_scoped_release free;
            failed = vn_streams_sing(streams_, &job, &error);
        }
        if (failed) throw std::runtime_error(error);
    }
    size_t bytes() const { return vn_streams_bytes(streams_); }

private:
    vn_streams* streams_ = nullptr;
    vn_shape shape_;
    int rows_;
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};
}  // namespace

NB_MODULE(_core, m) {
    nb::set_leak_warnings(false);  // an engine that lives until the interpreter ends is none
    m.doc() = "The compiled WaveNet step, and what sings live.";
    m.attr("INTERFACE") = 2;  // counted up with every change of sampling/native/_core.pyi; library.py asks for it
    bind_stack(m);
    bind_columns(m);
    m.def("variants", [] {
        const vn_variant* list[8];
        std::vector<std::string> names;
        for (int i = 0, count = vn_variants(list, 8); i < count; ++i) names.emplace_back(list[i]->name);
        return names;
    }, "The variants in this binary that this processor runs, the best first.");
    nb::class_<Model>(m, "Model", "Weights, packed for one variant and precision.")
        .def(nb::init<const nb::dict&, const std::vector<int>&, std::vector<int>, int, const std::string&>(),
             nb::arg("arrays"), nb::arg("sizes"), nb::arg("dilations"), nb::arg("precision"), nb::arg("variant"))
        .def_prop_ro("bytes", &Model::bytes);
    nb::class_<Streams>(m, "Streams", "Streams that sing side by side and keep time together.")
        .def(nb::init<const Model&, int, int>(), nb::arg("model"), nb::arg("rows"), nb::arg("threads"),
             nb::keep_alive<1, 2>())
        .def("renew", &Streams::renew, nb::arg("row"))
        .def("sing", &Streams::sing, nb::arg("layers"), nb::arg("head"), nb::arg("hop"), nb::arg("temperature"),
             nb::arg("luck").none() = nb::none(), nb::arg("sung").noconvert().none() = nb::none(),
             nb::arg("forced").none() = nb::none(), nb::arg("logits").noconvert().none() = nb::none())
        .def_prop_ro("bytes", &Streams::bytes);
}
