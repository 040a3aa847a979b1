// What the listening page is made of: elements, players without a picture, scales, and the lot.

const test = JSON.parse(document.getElementById("test").textContent);
const words = test.words;
const stage = document.getElementById("stage");
const store = "vocalise-listening-" + test.test;
const trials = {};
test.trials.forEach(function (trial) { trials[trial.id] = trial; });
const total = test.trials.filter(function (trial) { return !trial.practice; }).length;
const icons = { play: "M8 5v14l11-7z", pause: "M7 5h4v14H7zM13 5h4v14h-4z" };

let players = []; // those on show

function say(name, facts) {
  return words[name].replace(/\{(\w+)\}/g, function (whole, key) { return facts && key in facts ? facts[key] : whole; });
}

function el(tag, facts, children) {
  const made = document.createElement(tag);
  Object.keys(facts || {}).forEach(function (name) {
    if (name === "text") made.textContent = facts.text;
    else if (name.slice(0, 2) === "on") made.addEventListener(name.slice(2), facts[name]);
    else if (facts[name] === true) made.setAttribute(name, "");
    else if (facts[name] !== false) made.setAttribute(name, facts[name]);
  });
  (children || []).forEach(function (child) { if (child) made.appendChild(child); });
  return made;
}

function icon(shape) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", icons[shape]);
  svg.appendChild(path);
  return { svg: svg, show: function (other) { path.setAttribute("d", icons[other]); } };
}

function below(count) { // a whole number by lot, all equally likely
  const most = Math.floor(4294967296 / count) * count;
  const drawn = new Uint32Array(1);
  do { crypto.getRandomValues(drawn); } while (drawn[0] >= most);
  return drawn[0] % count;
}

function address(clip) {
  const bytes = atob(test.sounds[clip]), array = new Uint8Array(bytes.length);
  for (let n = 0; n < bytes.length; n++) array[n] = bytes.charCodeAt(n);
  return URL.createObjectURL(new Blob([array], { type: "audio/flac" }));
}

// No picture of the wave: a listener should not see what is noise. No way to jump: all of it is to be heard.
function player(clip, name, letter, changed) {
  const audio = new Audio(), sign = icon("play");
  const bar = el("div"), told = el("span", { class: "state" });
  const title = letter ? el("span", { class: "name" }, [el("b", { text: name })]) : el("span", { class: "name", text: name });
  const node = el("button", { type: "button", class: "player", "aria-label": say("play", { name: name }) }, [
    el("span", { class: "disc" }, [sign.svg]), title, told, el("span", { class: "bar" }, [bar]),
  ]);
  const made = { node: node, heard: false, plays: 0, audio: audio };
  let tries = 0, begun = false;

  function clock(seconds) {
    const whole = Math.floor(seconds + 0.05);
    return Math.floor(whole / 60) + ":" + ("0" + (whole % 60)).slice(-2);
  }
  function show() {
    const length = isFinite(audio.duration) ? audio.duration : 0;
    bar.style.width = length ? 100 * Math.min(1, audio.currentTime / length) + "%" : "0";
    told.textContent = made.heard && audio.paused ? "✓ " + words.heard
      : length ? clock(audio.paused && audio.ended ? length : audio.currentTime) + " / " + clock(length) : "";
    const playing = !audio.paused && !audio.ended;
    sign.show(playing ? "pause" : "play");
    node.classList.toggle("playing", playing);
    node.classList.toggle("heard", made.heard);
    node.setAttribute("aria-label", say(playing ? "pause" : "play", { name: name }));
  }
  function follow() {
    show();
    if (!audio.paused && !audio.ended) requestAnimationFrame(follow);
  }
  audio.preload = "auto";
  audio.src = address(clip);
  audio.addEventListener("loadedmetadata", show);
  audio.addEventListener("play", function () {
    players.forEach(function (other) { if (other !== made) other.audio.pause(); });
    if (!begun) { begun = true; made.plays += 1; }
    follow();
    changed();
  });
  audio.addEventListener("pause", show);
  audio.addEventListener("ratechange", function () { if (audio.playbackRate !== 1) audio.playbackRate = 1; });
  audio.addEventListener("ended", function () {
    made.heard = true;
    begun = false;
    show();
    changed();
  });
  audio.addEventListener("error", function () {
    tries += 1;
    if (tries === 1) audio.src = "data:audio/flac;base64," + test.sounds[clip];
    else { told.textContent = words.cannot_play; told.classList.add("warn"); }
  });
  made.toggle = function () {
    if (audio.paused) { const going = audio.play(); if (going) going.catch(function () {}); } else audio.pause();
  };
  made.stop = function () {
    audio.pause();
    if (audio.src.slice(0, 5) === "blob:") URL.revokeObjectURL(audio.src);
  };
  node.addEventListener("click", made.toggle);
  show();
  return made;
}

function choices(name, options, kind, chosen) { // options: value, number, words
  const box = el("div", { class: "scale " + kind });
  options.forEach(function (option) {
    const input = el("input", { type: "radio", name: name, value: option[0] });
    const label = el("label", {}, [
      input, option[1] ? el("span", { class: "number", "aria-hidden": "true", text: option[1] }) : null,
      el("span", { text: option[2] }),
    ]);
    input.addEventListener("change", function () {
      box.querySelectorAll("label").forEach(function (other) { other.classList.toggle("on", other === label); });
      chosen(option[0]);
    });
    box.appendChild(label);
  });
  return box;
}

function remembers() { // some browsers give a page from disk no memory
  try {
    localStorage.setItem(store + "-try", "1");
    localStorage.removeItem(store + "-try");
    return true;
  } catch (error) { return false; }
}

function shuffled(list) { // by lot; a song does not come twice in a row where that can be helped
  const left = list.slice(), out = [];
  while (left.length) {
    const last = out.length ? out[out.length - 1].group : -1;
    const other = left.filter(function (trial) { return trial.group !== last; });
    const among = other.length ? other : left;
    const one = among[below(among.length)];
    left.splice(left.indexOf(one), 1);
    out.push(one);
  }
  return out;
}
