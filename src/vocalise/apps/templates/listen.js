// The listening page at work: order by lot, one full hearing before any answer, and a file of answers at the end.

let state = null; // { listener, through, steps: [{ id, x, flip }], at, answers: { trial: answer }, stopped }
let keys = {}; // what a key does, by its place on the keyboard, so that any layout will do

function recall() {
  try { return JSON.parse(localStorage.getItem(store)); } catch (error) { return null; }
}

function keep() {
  try { localStorage.setItem(store, JSON.stringify(state)); return true; } catch (error) { return false; }
}

function fresh() {
  const digits = new Uint8Array(6), steps = [];
  crypto.getRandomValues(digits);
  const listener = Array.from(digits, function (one) { return ("0" + one.toString(16)).slice(-2); }).join("");
  test.questions.forEach(function (question) {
    [true, false].forEach(function (practice) {
      shuffled(test.trials.filter(function (trial) {
        return trial.question === question && trial.practice === practice;
      })).forEach(function (trial) { steps.push({ id: trial.id, flip: below(2) === 1, x: below(2) }); });
    });
  });
  return { listener: listener, through: "", steps: steps, at: 0, intro: true, answers: {}, stopped: false };
}

function fits(saved) {
  return Boolean(saved && Array.isArray(saved.steps) && saved.answers && saved.steps.length === test.trials.length &&
    saved.steps.every(function (step) { return trials[step.id]; }));
}

function answered() { return Object.keys(state.answers).length; }

function clear(children, part) {
  players.forEach(function (one) { one.stop(); });
  players = [];
  keys = {};
  stage.textContent = "";
  children.forEach(function (child) { if (child) stage.appendChild(child); });
  const done = state ? answered() : 0, way = document.getElementById("way");
  way.firstElementChild.style.width = 100 * done / total + "%";
  way.setAttribute("aria-valuemax", total);
  way.setAttribute("aria-valuenow", done);
  way.setAttribute("aria-label", say("progress", { n: done, total: total }));
  document.getElementById("part").textContent = part || "";
  document.getElementById("place").textContent = "";
  window.scrollTo(0, 0);
  const head = stage.querySelector("h1");
  if (head) head.focus({ preventScroll: true });
}

function heading(text) { return el("h1", { tabindex: "-1", text: text }); }

function welcome() {
  const saved = recall(), title = test.title || words.title;
  state = null;
  if (fits(saved) && saved.through) {
    state = saved;
    if (state.stopped || state.at >= state.steps.length) { end(); return; }
    const again = player(test.sample, words.sample, false, function () {});
    clear([
      heading(title),
      el("p", { class: "lead", text: say("welcome_back", { n: answered(), total: total }) }),
      el("p", { text: words.volume }),
      el("div", { class: "players" }, [again.node]),
      el("p", {}, [el("button", { type: "button", class: "main far", id: "go", text: words.go_on, onclick: next })]),
      el("button", { type: "button", class: "plain", text: words.afresh, onclick: function () {
        if (window.confirm(words.afresh_sure)) { forget(); welcome(); }
      } }),
    ]);
    players = [again];
    keys.Space = again.toggle;
    keys.Enter = next;
    return;
  }
  const start = el("button", { type: "button", class: "main", id: "go", text: words.begin, disabled: true });
  const hint = el("p", { class: "soft hint small", text: words.not_yet });
  let through = "";
  function changed() {
    start.disabled = !(through && sample.plays);
    hint.textContent = start.disabled ? words.not_yet : "";
  }
  const sample = player(test.sample, words.sample, false, changed);
  const where = choices("through", [["headphones", "", words.headphones], ["loudspeakers", "", words.loudspeakers]],
    "two", function (value) { through = value; changed(); });
  function begin() {
    if (start.disabled) return;
    state = fresh();
    state.through = through;
    keep();
    next();
  }
  start.addEventListener("click", begin);
  clear([
    heading(title),
    el("p", { class: "lead", text: words.lead }),
    el("p", { class: "soft", text: say("facts", { total: total, minutes: test.minutes }) + " " +
      (remembers() ? words.later : words.at_once) }),
    el("h2", { text: words.prepare }),
    el("ol", { class: "ready" }, [
      el("li", { text: words.quiet }),
      el("li", { text: words.volume }, [el("div", { class: "players" }, [sample.node])]),
      el("li", {}, [el("fieldset", {}, [el("legend", { text: words.through }), where])]),
    ]),
    start, hint,
    el("p", { class: "soft small", text: words.privacy }),
  ]);
  players = [sample];
  keys.Space = sample.toggle;
  keys.Enter = begin;
}

function forget() { try { localStorage.removeItem(store); } catch (error) { /* nothing was kept */ } state = null; }

function partOf(question) {
  const n = test.questions.indexOf(question) + 1, name = words[question + ".name"];
  return test.questions.length > 1 ? say("part", { n: n, total: test.questions.length }) + " · " + name : name;
}

function next() {
  if (state.at >= state.steps.length) { end(); return; }
  const trial = trials[state.steps[state.at].id];
  const before = state.at ? trials[state.steps[state.at - 1].id].question : "";
  if (state.intro && before !== trial.question) introduce(trial); else ask();
}

function introduce(trial) {
  function go() { state.intro = false; ask(); }
  clear([
    heading(words[trial.question + ".name"]),
    state.at ? el("p", { class: "soft", text: say("rest", { n: answered(), total: total }) }) : null,
    el("p", { class: "lead", text: words[trial.question + ".intro"] }),
    trial.practice ? el("p", { class: "soft", text: words.practice_first }) : null,
    el("p", {}, [el("button", { type: "button", class: "main far", id: "go", text: words.start_part, onclick: go })]),
  ], partOf(trial.question));
  keys.Enter = go;
}

function cast(trial, step) { // what is played, in the order of the page: name, clip, key; and what can be answered
  const clips = trial.clips, scale = [];
  if (trial.question === "quality" || trial.question === "similarity") {
    const points = test.points[trial.question];
    const table = trial.question + (points === 4 ? "4." : ".");
    for (let n = points; n >= 1; n--) scale.push([String(n), String(n), words[table + n]]);
    return trial.question === "quality"
      ? { on: [[words.recording, clips[0], "Space"]], scale: scale, kind: "", keys: say("keys.one", { points: points }) }
      : { on: [[words.singer, clips[1], "KeyS"], [words.recording, clips[0], "KeyR"]], scale: scale, kind: "",
          keys: say("keys.two", { points: points }) };
  }
  const pair = clips.slice(-2);
  if (step.flip) pair.reverse();
  const x = trial.question === "systems" ? pair[step.x] : clips[0];
  return {
    on: [["X", x, "KeyX"], ["A", pair[0], "KeyA"], ["B", pair[1], "KeyB"]], x: x, pair: pair, kind: "two",
    scale: [[pair[0], "A", words[trial.question + ".a"]], [pair[1], "B", words[trial.question + ".b"]]],
    keys: words["keys.abx"],
  };
}

function ask() {
  const step = state.steps[state.at], trial = trials[step.id], shown = cast(trial, step);
  const letters = shown.kind === "two", shownAt = Date.now();
  let value = "";
  const scale = choices("answer", shown.scale, shown.kind, function (chosen) { value = chosen; changed(); });
  const field = el("fieldset", { disabled: true }, [
    el("legend", { class: "hidden", text: words[trial.question + ".ask"] }), scale,
  ]);
  const hint = el("p", { class: "soft hint", role: "status" });
  const last = state.at === state.steps.length - 1;
  const forward = el("button", {
    type: "button", class: "main far", id: "next", disabled: true, text: last ? words.finish : words.next, onclick: submit,
  });
  function changed() {
    const all = here.every(function (one) { return one.heard; });
    field.disabled = !all;
    forward.disabled = !(all && value);
    const words_now = !all ? (here.length > 1 ? words.listen_all : words.listen_one) : value ? words.chosen : words.choose;
    if (hint.textContent !== words_now) hint.textContent = words_now;
  }
  function submit() {
    if (forward.disabled) return;
    if (!trial.practice) {
      const answer = { trial: trial.id, place: state.at, seconds: (Date.now() - shownAt) / 1000 };
      answer.plays = here.map(function (one) { return one.plays; });
      if (letters) { answer.chosen = value; answer.x = shown.x; answer.a = shown.pair[0]; } else answer.score = Number(value);
      state.answers[trial.id] = answer;
    }
    state.at += 1;
    state.intro = true;
    keep();
    next();
  }
  const here = shown.on.map(function (one) { return player(one[1], one[0], letters, changed); });
  clear([
    trial.practice ? el("div", { class: "mark", text: words.practice }) : null,
    heading(words[trial.question + ".ask"]),
    el("div", { class: "players" + (letters ? " abx" : "") }, here.map(function (one) { return one.node; })),
    hint, field, forward,
    el("div", { class: "row" }, [
      el("span", { class: "soft small keys", text: shown.keys }),
      answered() ? el("button", { type: "button", class: "plain", id: "stop", text: words.stop, onclick: end }) : null,
    ]),
  ], partOf(trial.question));
  if (!trial.practice) {
    document.getElementById("place").textContent = say("progress", { n: answered() + 1, total: total });
  }
  players = here;
  shown.on.forEach(function (one, n) { keys[one[2]] = here[n].toggle; });
  keys.Space = function () {
    const going = here.filter(function (one) { return !one.audio.paused; })[0];
    (going || here.filter(function (one) { return !one.heard; })[0] || here[0]).toggle();
  };
  keys.Enter = submit;
  shown.scale.forEach(function (option, n) {
    const number = letters ? String(n + 1) : option[1];
    keys["Digit" + number] = keys["Numpad" + number] = function () {
      if (!field.disabled) scale.querySelectorAll("input")[n].click();
    };
  });
  changed();
}

function sheet() {
  const answers = state.steps.map(function (step) { return state.answers[step.id]; }).filter(Boolean);
  return JSON.stringify({
    what: test.what, format: test.format, test: test.test, listener: state.listener, language: test.language,
    through: state.through, complete: answers.length === total, answers: answers,
  }, null, 1);
}

function end() {
  const done = answered(), over = state.at >= state.steps.length, name = "answers-" + state.listener + ".json";
  state.stopped = !over;
  keep();
  const told = el("p", { class: "soft hint", role: "status" });
  const text = el("textarea", { readonly: true, "aria-label": words.as_text, spellcheck: "false" });
  text.value = done ? sheet() : "";
  function save() {
    const link = el("a", { href: URL.createObjectURL(new Blob([sheet()], { type: "application/json" })), download: name });
    document.body.appendChild(link);
    link.click();
    link.remove();
    window.setTimeout(function () { URL.revokeObjectURL(link.href); }, 60000);
    told.textContent = say("saved", { name: name });
  }
  function copy() {
    text.focus();
    text.select();
    const plain = function () { if (document.execCommand("copy")) told.textContent = words.copied; };
    if (!navigator.clipboard) { plain(); return; }
    navigator.clipboard.writeText(text.value).then(function () { told.textContent = words.copied; }, plain);
  }
  function erase() {
    if (!window.confirm(words.erase_sure)) return;
    forget();
    clear([heading(words.thanks), el("p", { text: words.erased })]);
  }
  const summary = !done ? words.none_done : done === total ? say("all_done", { total: total })
    : say("some_done", { n: done, total: total });
  clear([
    heading(words.thanks),
    el("p", { class: "lead", text: summary }),
    done ? el("p", { text: words.send }) : null,
    done ? el("p", {}, [el("button", { type: "button", class: "main far", id: "save", text: words.save, onclick: save })]) : null,
    told,
    done ? el("details", {}, [
      el("summary", { text: words.as_text }), text,
      el("div", { class: "row" }, [el("button", { type: "button", class: "second", id: "copy", text: words.copy, onclick: copy })]),
    ]) : null,
    el("div", { class: "row" }, [
      over ? null : el("button", { type: "button", class: "second", id: "back", text: words.back, onclick: function () {
        state.stopped = false;
        keep();
        next();
      } }),
      el("button", { type: "button", class: "plain", id: "erase", text: words.erase, onclick: erase }),
    ]),
  ]);
}

document.addEventListener("keydown", function (event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const tag = event.target.tagName, code = event.code === "NumpadEnter" ? "Enter" : event.code;
  const own = tag === "BUTTON" || tag === "SUMMARY" || tag === "TEXTAREA";
  if (own && (tag === "TEXTAREA" || code === "Space" || code === "Enter")) return; // it means something there already
  if (tag === "INPUT" && code === "Space" && !event.target.checked) return;
  if (Object.prototype.hasOwnProperty.call(keys, code)) {
    event.preventDefault();
    keys[code]();
  }
});

window.addEventListener("beforeunload", function (event) {
  if (state && answered() && state.at < state.steps.length && !remembers()) event.preventDefault();
});

welcome();
