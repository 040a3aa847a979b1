// What surrounds the networks of a live voice, for Python; sizes and shapes are checked here.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>

#include "arrays.h"
#include "columns.h"
#include "tracker.h"

namespace {
void within(int value, int least, int most, const char* name) {
    if (value >= least && value <= most) return;
    const std::string bounds = std::to_string(least) + " to " + std::to_string(most);
    throw std::invalid_argument(std::string(name) + " should be within " + bounds);
}

size_t columns_of(const Floats& array) {
    const size_t columns = array.ndim() ? array.shape(0) : 0;
    if (columns > size_t(1) << 20) throw std::invalid_argument("there are too many columns at once");
    return columns;
}

class LiveShapes {
public:
    LiveShapes(int hop, const Floats& filters, const Floats& taper, const Floats& usual, const Floats& spread, double fade,
               double doubt, double silent)
        : hop_(hop), bands_(filters.ndim() ? filters.shape(0) : 0) {
        const size_t size = taper.ndim() ? taper.shape(0) : 0;
        if (size > size_t(1) << 20 || bands_ > size_t(1) << 16) throw std::invalid_argument("a size is too large");
        within(hop, 1, int(size), "hop");
        within(int(bands_), 1, 1 << 16, "bands");
        require(filters, {bands_, size / 2 + 1}, "filters");
        require(taper, {size}, "taper");
        require(usual, {bands_}, "usual");
        require(spread, {bands_}, "spread");
        shapes_ = std::make_unique<Shapes>(Shapes::Choice{hop, int(size), int(bands_), fade, doubt, silent, filters.data(),
                                                          taper.data(), usual.data(), spread.data()});
    }
    void extend(const Floats& wave, const Sink& shapes) {
        const size_t columns = columns_of(wave);
        require(wave, {columns, size_t(hop_)}, "wave");
        require(shapes, {columns, bands_}, "shapes");
        const Turn turn(taken_);
        nb::gil_scoped_release free;
        shapes_->extend(wave.data(), int(columns), shapes.data());
    }

private:
    int hop_;
    size_t bands_;
    std::unique_ptr<Shapes> shapes_;
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};

class LiveSums {
public:
    LiveSums(int hop, int overlap, int wait, int ahead, int bands, int rate, float lowest, float highest, float loudest,
             const Floats& window)
        : hop_(hop), bands_(bands) {
        within(hop, 1, 1 << 16, "hop");
        within(overlap, 2, 64, "overlap");
        within(wait, 1, 1024, "wait");
        within(ahead, 0, wait, "ahead");
        within(bands, 1, 1 << 14, "bands");
        within(rate, 1, 1 << 20, "rate");
        bins_ = size_t(overlap) * hop_ / 2 + 1;
        require(window, {size_t(overlap) * hop_}, "window");
        sums_ = std::make_unique<Sums>(
            Sums::Choice{hop, overlap, wait, ahead, bands, rate, lowest, highest, loudest, window.data()});
    }
    void reshape(const Floats& to_bins, const Floats& to_phases) {
        require(to_bins, {bands_, bins_}, "to_bins");
        require(to_phases, {bands_, bins_}, "to_phases");
        const Turn turn(taken_);
        sums_->reshape(to_bins.data(), to_phases.data());
        shaped_ = true;
    }
    void extend(const Floats& pitch, const Floats& flags, const Floats& noise, const Floats& powers, const Floats& drawn,
                float breath, const Sink& sung) {
        const size_t columns = columns_of(pitch), curves = columns_of(drawn);
        require(pitch, {columns, hop_}, "pitch");
        require(flags, {columns + 2}, "flags");
        require(noise, {columns, hop_}, "noise");
        require(powers, {columns}, "powers");
        require(drawn, {curves, 3 * bands_}, "drawn");
        require(sung, {columns, hop_}, "sung");
        const Turn turn(taken_);
        if (!shaped_) throw std::invalid_argument("nothing is known of the shapes yet");
        const Sums::Told told{int(columns),  int(curves),  pitch.data(), flags.data(),
                              noise.data(), powers.data(), drawn.data(), breath};
        bool enough;
        {
            nb::gil_scoped_release free;
            enough = sums_->extend(told, sung.data());
        }
        if (!enough) throw std::invalid_argument("there should be as many curves as columns, but for what waits");
    }

private:
    size_t hop_, bands_, bins_ = 0;
    bool shaped_ = false;
    std::unique_ptr<Sums> sums_;
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};

class LiveTracker {
public:
    LiveTracker(const std::vector<int>& sizes, double rate, const std::vector<double>& marks, std::vector<double> filter)
        : hop_(0) {
        if (sizes.size() != 6) throw std::invalid_argument("sizes are every, step, half, first, last, hop");
        if (marks.size() != 12) throw std::invalid_argument("there are twelve marks");
        Tracker::Choice c{};
        c.every = sizes[0], c.step = sizes[1], c.half = sizes[2], c.first = sizes[3], c.last = sizes[4], c.hop = sizes[5];
        within(c.hop, 1, 1 << 16, "hop");
        within(c.every, 1, c.hop, "every");
        within(int(filter.size()), 1, 1 << 12, "filter");
        const int late = (int(filter.size()) - 1) / 2 / c.every;
        if (c.hop % c.every || c.step != c.hop / c.every) throw std::invalid_argument("steps should fill a hop");
        within(c.half, c.step / 2 + late, 1 << 16, "half");
        within(c.half - c.step / 2 - late, 0, 2 * c.half - 1, "what is heard beforehand");
        within(c.first, 8, 1 << 16, "first");
        within(c.last, c.first, 2 * c.half - 4, "last");
        c.rate = rate;
        double* const to[] = {&c.octave, &c.jump, &c.change, &c.voiced, &c.weakest, &c.fades,
                              &c.faint, &c.silent, &c.alike, &c.here, &c.lasts, &c.lasting};
        for (size_t n = 0; n < 12; ++n) *to[n] = marks[n];
        for (double mark : marks)  // lengths among them become places in a frame
            if (!(std::fabs(mark) < 1e6)) throw std::invalid_argument("a mark is not within -1e6 to 1e6");
        c.filter = std::move(filter);
        hop_ = c.hop;
        tracker_ = std::make_unique<Tracker>(c);
    }
    int extend(const Floats& wave, const Sink& pitch) {
        const size_t columns = columns_of(wave);
        require(wave, {columns, hop_}, "wave");
        require(pitch, {columns + 1}, "pitch");
        const Turn turn(taken_);
        nb::gil_scoped_release free;
        return tracker_->extend(wave.data(), int(columns), pitch.data());
    }

private:
    size_t hop_;
    std::unique_ptr<Tracker> tracker_;
    std::atomic_flag taken_ = ATOMIC_FLAG_INIT;
};
}  // namespace

void bind_columns(nb::module_& m) {
    nb::class_<LiveShapes>(m, "Shapes", "What an encoder hears of one voice.")
        .def(nb::init<int, const Floats&, const Floats&, const Floats&, const Floats&, double, double, double>(),
             nb::arg("hop"), nb::arg("filters"), nb::arg("taper"), nb::arg("usual"), nb::arg("spread"), nb::arg("fade"),
             nb::arg("doubt"), nb::arg("silent"))
        .def("extend", &LiveShapes::extend, nb::arg("wave"), nb::arg("shapes").noconvert());
    nb::class_<LiveSums>(m, "Sums", "From pulses, noise and drawn curves to the wave of one voice.")
        .def(nb::init<int, int, int, int, int, int, float, float, float, const Floats&>(), nb::arg("hop"),
             nb::arg("overlap"), nb::arg("wait"), nb::arg("ahead"), nb::arg("bands"), nb::arg("rate"), nb::arg("lowest"),
             nb::arg("highest"), nb::arg("loudest"), nb::arg("window"))
        .def("reshape", &LiveSums::reshape, nb::arg("to_bins"), nb::arg("to_phases"))
        .def("extend", &LiveSums::extend, nb::arg("pitch"), nb::arg("flags"), nb::arg("noise"), nb::arg("powers"),
             nb::arg("drawn"), nb::arg("breath"), nb::arg("sung").noconvert());
    nb::class_<LiveTracker>(m, "Tracker", "The pitch of one voice.")
        .def(nb::init<const std::vector<int>&, double, const std::vector<double>&, std::vector<double>>(), nb::arg("sizes"),
             nb::arg("rate"), nb::arg("marks"), nb::arg("filter"))
        .def("extend", &LiveTracker::extend, nb::arg("wave"), nb::arg("pitch").noconvert());
}
