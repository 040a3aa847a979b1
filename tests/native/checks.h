// What the C++ tests share: a check that ends the program where it does not hold, and numbers drawn by chance.
#pragma once
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#define CHECK(what)                                                                      \
    do {                                                                                 \
        if (!(what)) {                                                                   \
            std::fprintf(stderr, "%s:%d: %s is not so\n", __FILE__, __LINE__, #what);    \
            std::exit(1);                                                                \
        }                                                                                \
    } while (0)

namespace {  // each file draws its own
std::mt19937 dice(1);

std::vector<float> normal(size_t count, double spread) {
    std::normal_distribution<double> bell(0.0, spread);
    std::vector<float> found(count);
    for (float& one : found) one = float(bell(dice));
    return found;
}
}  // namespace
