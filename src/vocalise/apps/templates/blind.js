// Listening blind: two takes of a passage become A and B, X is one of them, and the listener says which.
"use strict";
(() => {
  const panel = document.getElementById("blind");
  if (!panel) return;
  const part = name => document.getElementById("blind-" + name);
  const takes = { A: part("A"), B: part("B"), X: part("X") };
  const plays = [...panel.querySelectorAll("[data-play]")];
  const guesses = [...panel.querySelectorAll("[data-guess]")];
  const passages = [...document.querySelectorAll("article.passage, details.passage")];
  const home = panel.parentNode, place = panel.nextSibling;
  const state = { passages: [], pair: null, opener: null, sound: null, answer: "", right: 0, rounds: 0 };

  const chance = count => {  // evenly among 0 … count - 1
    const most = Math.floor(0x100000000 / count) * count, drawn = new Uint32Array(1);
    do crypto.getRandomValues(drawn); while (drawn[0] >= most);
    return drawn[0] % count;
  };
  const players = passage => new Map([...passage.querySelectorAll("audio[data-take]")].map(one => [one.dataset.take, one]));
  const weight = key => key === "source" ? 2 : key === "truth" ? 1 : 0;

  // Pairs of takes that some passage has both of: systems against each other first, then against truth and source.
  const pairs = some => {
    const found = new Map();
    for (const passage of some) {
      const here = [...players(passage)].sort((a, b) => weight(a[0]) - weight(b[0]));
      here.forEach(([one, first], place) => here.slice(place + 1).forEach(([other, second]) => {
        found.set(one + " " + other, [first.dataset.kind, second.dataset.kind, weight(one) + weight(other)]);
      }));
    }
    return [...found].sort((a, b) => a[1][2] - b[1][2]);
  };

  const silence = () => {
    Object.values(takes).forEach(one => one.pause());
    plays.forEach(one => one.setAttribute("aria-pressed", "false"));
  };
  const play = name => {  // goes on where the other was, so that the same moment is compared
    const from = state.sound && takes[state.sound], to = takes[name];
    const at = from && !from.ended && from.currentTime < to.duration ? from.currentTime : 0;
    silence();
    to.currentTime = at;
    state.sound = name;
    plays.find(one => one.dataset.play === name).setAttribute("aria-pressed", "true");
    to.play().catch(() => silence());
  };

  const odds = (right, rounds) => {  // of guessing so many or more by chance alone
    let term = Math.pow(0.5, rounds), sum = 0;
    for (let k = 0; k <= rounds; k += 1) {
      if (k >= right) sum += term;
      term = term * (rounds - k) / (k + 1);
    }
    return Math.min(1, sum);
  };
  const tell = words => { part("result").textContent = words; };
  const count = () => {
    const { right, rounds } = state, by = Math.round(100 * odds(right, rounds));
    part("score").textContent = rounds === 0 ? "No guess yet." :
      `${right} of ${rounds} right. Guessing alone does as well or better in ${by < 1 ? "less than 1" : by} % of all cases.`;
  };

  const round = () => {
    silence();
    state.sound = null;
    const [one, other] = state.pair.split(" ");
    const able = state.passages.filter(passage => players(passage).has(one) && players(passage).has(other));
    const passage = able[chance(able.length)], here = players(passage);
    const two = chance(2) ? [here.get(one), here.get(other)] : [here.get(other), here.get(one)];
    state.answer = chance(2) ? "A" : "B";
    state.labels = { A: two[0].dataset.label, B: two[1].dataset.label };
    const chosen = { A: two[0], B: two[1], X: two[state.answer === "A" ? 0 : 1] };
    const softest = Math.min(...two.map(take => Number(take.dataset.level)));
    for (const [name, take] of Object.entries(chosen)) {
      takes[name].src = take.src;
      const louder = Number(take.dataset.level) - softest;  // loudness must not give it away
      takes[name].volume = louder < 40 ? Math.pow(10, -louder / 20) : 1;
    }
    part("where").textContent = passage.dataset.title;
    guesses.forEach(one => { one.disabled = false; });
    part("next").disabled = true;
    tell("");
  };
  const guess = name => {
    silence();
    state.rounds += 1;
    state.right += name === state.answer;
    guesses.forEach(one => { one.disabled = true; });
    part("next").disabled = false;
    tell(`${name === state.answer ? "Right" : "Wrong"}: X was ${state.answer}. A was ${state.labels.A}; B was ${state.labels.B}.`);
    count();
    part("next").focus();
  };

  const begin = (some, opener) => {
    const found = pairs(some);
    if (!found.length) return;
    Object.assign(state, { passages: some, opener, right: 0, rounds: 0 });
    part("pair").replaceChildren(...found.map(([key, [first, second]]) => {
      const option = document.createElement("option");
      option.value = key;
      option.textContent = `${first} against ${second}`;
      return option;
    }));
    state.pair = found[0][0];
    document.querySelectorAll(".open audio").forEach(one => one.pause());
    document.body.classList.add("blind");
    if (some.length === 1) some[0].append(panel); else home.insertBefore(panel, place);
    panel.hidden = false;
    round();
    count();
    part("title").focus();
  };
  const end = () => {
    silence();
    panel.hidden = true;
    document.body.classList.remove("blind");
    home.insertBefore(panel, place);
    if (state.opener) state.opener.focus();
  };

  plays.forEach(one => one.addEventListener("click", () => play(one.dataset.play)));
  guesses.forEach(one => one.addEventListener("click", () => guess(one.dataset.guess)));
  Object.values(takes).forEach(one => one.addEventListener("ended", silence));
  part("stop").addEventListener("click", () => { silence(); state.sound = null; });
  part("next").addEventListener("click", round);
  part("end").addEventListener("click", end);
  part("pair").addEventListener("change", event => {
    Object.assign(state, { pair: event.target.value, right: 0, rounds: 0 });
    round();
    count();
  });
  for (const button of document.querySelectorAll("button.listen-blind")) {
    const passage = button.closest("article.passage, details.passage"), some = passage ? [passage] : passages;
    button.hidden = !pairs(some).length;
    button.addEventListener("click", () => begin(some, button));
  }
  // One player at a time.
  document.addEventListener("play", event => {
    document.querySelectorAll(".open audio").forEach(one => { if (one !== event.target) one.pause(); });
  }, true);
})();
