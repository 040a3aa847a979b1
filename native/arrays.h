// Arrays as Python brings them: float32, row after row, of the shape that is needed, or there is a sentence.
// What is read is copied into that form if need be; what is filled must have it (`noconvert`), or the copy would be filled.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace nb = nanobind;
using Floats = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Sink = nb::ndarray<float, nb::c_contig, nb::device::cpu>;

void bind_stack(nb::module_& m);
void bind_columns(nb::module_& m);

namespace {
template <class A>
void require(const A& array, std::vector<size_t> shape, const char* name) {
    bool fits = array.ndim() == shape.size();
    for (size_t i = 0; fits && i < shape.size(); ++i) fits = array.shape(i) == shape[i];
    if (fits) return;
    std::string wanted, found;
    for (size_t n : shape) wanted += (wanted.empty() ? "" : ", ") + std::to_string(n);
    for (size_t i = 0; i < array.ndim(); ++i) found += (i ? ", " : "") + std::to_string(array.shape(i));
    throw std::invalid_argument(std::string(name) + " should be (" + wanted + "), not (" + found + ")");
}

const float* data(const nb::dict& arrays, const char* name, std::vector<size_t> shape, std::vector<Floats>& kept) {
    if (!arrays.contains(name)) throw std::invalid_argument(std::string("there is no array ") + name);
    kept.push_back(nb::cast<Floats>(arrays[name]));
    require(kept.back(), std::move(shape), name);
    return kept.back().data();
}

// A state is moved on without the interpreter's lock, so a second thread could come upon it half way: it is sent away.
class Turn {
public:
    explicit Turn(std::atomic_flag& taken) : taken_(taken) {
        if (taken.test_and_set(std::memory_order_acquire)) throw std::runtime_error("another thread is using this");
    }
    ~Turn() { taken_.clear(std::memory_order_release); }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

private:
    std::atomic_flag& taken_;
};
}  // namespace
