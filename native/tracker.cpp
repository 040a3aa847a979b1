// A pitch tracker that hears 10 ms of future; see tracker.h.
#include "tracker.h"

#include <algorithm>
#include <cmath>
#include <limits>

Tracker::Tracker(const Choice& choice)
    : c_(choice), size_(2 * c_.half), longest_(c_.last + 3), room_(size_ + longest_),
      filled_(size_t(c_.half - c_.step / 2) - (c_.filter.size() - 1) / 2 / c_.every),
      raw_(c_.filter.size() - 1 + c_.hop), heard_(filled_ + 2 * size_ + c_.step), frame_(room_), likeness_(longest_),
      energy_(size_), loudest_(c_.silent) {}

int Tracker::extend(const float* wave, int count, float* pitch) {
    int found = 0;
    for (int n = 0; n < count; ++n) {
        hear(wave + size_t(n) * c_.hop);
        for (; filled_ >= size_t(size_); filled_ -= c_.step) {
            std::copy(heard_.begin(), heard_.begin() + size_, frame_.begin());
            pitch[found++] = float(tracked());
            std::copy(heard_.begin() + c_.step, heard_.begin() + filled_, heard_.begin());
        }
    }
    return found;
}

// One more column, filtered; every so-many-th sample is enough.
void Tracker::hear(const float* wave) {
    const int taps = int(c_.filter.size());
    std::copy(wave, wave + c_.hop, raw_.end() - c_.hop);
    for (int n = 0; n < c_.hop; n += c_.every) {
        double sum = 0.0;
        for (int tap = 0; tap < taps; ++tap) sum += raw_[n + taps - 1 - tap] * c_.filter[tap];
        heard_[filled_++] = sum;
    }
    std::copy(raw_.end() - (taps - 1), raw_.end(), raw_.begin());
}

// Hz of the column whose frame this is, 0 where it is unvoiced.
double Tracker::tracked() {
    double mean = 0.0;
    for (int n = 0; n < size_; ++n) mean += frame_[n];
    mean /= size_;
    for (int n = 0; n < size_; ++n) frame_[n] -= mean;
    const double level = likened();
    loudest_ = std::max(loudest_ - c_.fades, level);
    const bool heard = level >= std::max(c_.silent, loudest_ + c_.faint);
    const double lag = stepped(heard ? found() : Candidates());
    if (!heard || lag <= 0.0 || alike_here(lag) < c_.alike) return 0.0;
    return c_.rate / refined(lag);
}

// r(τ) = 2 Σ x[j] x[j + τ] / Σ (x[j]² + x[j + τ]²), and the frame's level in dBFS. The frame is followed by zeros.
double Tracker::likened() {
    std::fill(likeness_.begin(), likeness_.end(), 0.0);
    double whole = 0.0;
    for (int n = 0; n < size_; ++n) {
        const double x = frame_[n], *later = &frame_[n];
        for (int lag = 0; lag < longest_; ++lag) likeness_[lag] += x * later[lag];
        energy_[n] = whole += x * x;
    }
    for (int lag = 0; lag < longest_; ++lag) {
        const double overlapping = energy_[size_ - 1 - lag] + whole - (lag ? energy_[lag - 1] : 0.0);
        likeness_[lag] = 2.0 * likeness_[lag] / std::max(overlapping, 1e-4 * whole + 1e-20);
    }
    return 10.0 * std::log10(whole / size_ + 1e-20);
}

// The best peaks of likeness between two lags.
Tracker::Candidates Tracker::found() const {
    Candidates best;
    for (int n = c_.first; n <= c_.last; ++n) {
        const double left = likeness_[n - 1], middle = likeness_[n], right = likeness_[n + 1];
        if (!(middle > left) || right > middle || middle <= c_.weakest) continue;
        const double offset = 0.5 * (left - right) / std::min(left - 2.0 * middle + right, -1e-12);
        const double lag = n + offset, height = std::min(middle - 0.25 * (left - right) * offset, 1.0);
        const double strength = height - c_.octave * std::log2(lag / c_.first);
        int place = best.count;
        if (place == kCandidates) {  // instead of the weakest, if that is weaker
            place = int(std::min_element(best.strengths, best.strengths + kCandidates) - best.strengths);
            if (best.strengths[place] >= strength) continue;
            std::copy(best.lags + place + 1, best.lags + kCandidates, best.lags + place);  // lags stay in order
            std::copy(best.strengths + place + 1, best.strengths + kCandidates, best.strengths + place);
            place = --best.count;
        }
        best.lags[place] = lag, best.strengths[place] = strength, ++best.count;
    }
    for (int n = 0; n < best.count; ++n)
        best.strengths[n] = 0.5 * (best.strengths[n] + std::min(best.strengths[n], lasting(best.lags[n])));
    return best;
}

// Likeness after as many whole periods as a voice must last for; near there, for a lag is not known to a sample.
double Tracker::lasting(double lag) const {
    const double periods = std::max(1.0, std::ceil(c_.lasts / lag - 1e-9));
    const int near = std::min(4, int(std::max(1.0, std::rint(0.02 * lag)))), there = int(std::rint(periods * lag));
    double alike = -1.0;
    for (int n = there - near; n <= there + near; ++n) alike = std::max(alike, likeness_[std::min(n, longest_ - 1)]);
    return alike;
}

// The likeliest lag in the light of what was, or 0 for no voice: the forward half of a Viterbi search.
double Tracker::stepped(const Candidates& now) {
    constexpr double never = -std::numeric_limits<double>::infinity();
    double before = never;
    for (int n = 0; n < path_.count; ++n) before = std::max(before, path_.strengths[n]);
    const double silent = std::max(before - c_.change, quiet_) + c_.voiced;
    Candidates next;
    double best = silent, lag = 0.0, most = never;
    for (int n = 0; n < now.count; ++n) {
        const double octave = std::log2(now.lags[n]);
        double score = quiet_ - c_.change;
        for (int m = 0; m < path_.count; ++m)
            score = std::max(score, path_.strengths[m] - c_.jump * std::fabs(octave - path_.lags[m]));
        score += now.strengths[n];
        next.lags[n] = octave, next.strengths[n] = score, ++next.count;
        if (score > most) {
            most = score;
            if (score > silent) best = score, lag = now.lags[n];
        }
    }
    for (int n = 0; n < next.count; ++n) next.strengths[n] -= best;
    path_ = next, quiet_ = silent - best;
    return lag;
}

// Likeness of the periods on either side of the frame's centre.
double Tracker::alike_here(double lag) const {
    const int size = std::min(std::max(int(std::rint(2.0 * lag)), int(c_.here)), size_ - int(std::ceil(lag)) - 1);
    double alike = -1.0;
    for (const int period : {int(std::floor(lag)), int(std::ceil(lag))}) {
        const double *x = &frame_[(size_ - size - period) / 2], *y = x + period;
        double first = 0, second = 0, shared = 0, left = 0, right = 0;
        for (int n = 0; n < size; ++n) {
            first += x[n], second += y[n];
            shared += x[n] * y[n], left += x[n] * x[n], right += y[n] * y[n];
        }
        const double powers = (left - first * first / size) * (right - second * second / size);
        alike = std::max(alike, (shared - first * second / size) / std::sqrt(std::max(powers, 0.0) + 1e-20));
    }
    return alike;
}

// A lag measured over as many periods as fit, found by doubling their number.
double Tracker::refined(double lag) const {
    int periods = 1;
    while (2 * periods * lag <= c_.lasting && 2 * periods * lag + 2 < longest_) {
        int place = int(std::rint(2 * periods * lag));
        place += int(std::max_element(&likeness_[place - 1], &likeness_[place - 1] + 3) - &likeness_[place]);
        const bool within = place + 2 <= longest_;
        const double left = within ? likeness_[place - 1] : 1.0, middle = within ? likeness_[place] : 0.0;
        const double right = within ? likeness_[place + 1] : 1.0, bend = left - 2.0 * middle + right;
        if (bend >= 0.0 || !(left <= middle && middle >= right)) break;
        periods *= 2;
        lag = (place + 0.5 * (left - right) / bend) / periods;
    }
    return lag;
}
