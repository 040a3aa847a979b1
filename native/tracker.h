// The pitch of what is heard, a column at a time; its twin, which says what is meant and why, is audio/live_pitch.py.
#pragma once
#include <cstddef>
#include <vector>

class Tracker {
public:
    struct Choice {  // numbers of audio/live_pitch.py, and sizes that follow from a rate and a hop
        int every, step, half, first, last, hop;  // samples; first and last: lags
        double rate;                              // Hz, of what is left after `every`
        double octave, jump, change, voiced, weakest, fades, faint, silent;
        double alike, here, lasts, lasting;  // alike: a correlation; the others: samples
        std::vector<double> filter;          // taps
    };
    explicit Tracker(const Choice& choice);

    // (count · hop) samples -> Hz of the columns that are final by now, 0 where unvoiced; `pitch` has room for count + 1.
    int extend(const float* wave, int count, float* pitch);

private:
    static constexpr int kCandidates = 6;
    struct Candidates {
        int count = 0;
        double lags[kCandidates], strengths[kCandidates];
    };
    void hear(const float* wave);
    double tracked();
    double likened();
    Candidates found() const;
    double lasting(double lag) const;
    double stepped(const Candidates& now);
    double alike_here(double lag) const;
    double refined(double lag) const;

    Choice c_;
    int size_, longest_, room_;
    std::size_t filled_;
    std::vector<double> raw_, heard_, frame_, likeness_, energy_;
    Candidates path_;  // its lags as octaves
    double quiet_ = 0.0, loudest_;
};
