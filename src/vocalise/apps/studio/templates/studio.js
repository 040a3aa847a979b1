// The studio's own scripts: players that switch between two takes, and the melody that can be drawn over.
(() => {
  const box = (from, name) => from.closest(name);
  // Two takes of a song, one heard at a time, at the same place.
  const takes = (ab) => [...ab.querySelectorAll("audio")];
  const heard = (ab) => Number(ab.querySelector("[aria-pressed=true]").dataset.abPick);
  const label = (ab) => {
    const playing = takes(ab).some((one) => !one.paused);
    ab.querySelector("[data-ab-play]").textContent = playing ? ab.dataset.pause : ab.dataset.play;
  };
  const play = (ab) => {
    const [on, off] = heard(ab) ? [takes(ab)[1], takes(ab)[0]] : [takes(ab)[0], takes(ab)[1]];
    document.querySelectorAll("audio").forEach((one) => { if (one !== on) one.pause(); });
    on.currentTime = Math.max(on.currentTime, 0);
    if (!off.ended && off.currentTime && on.dataset.follows) on.currentTime = off.currentTime;
    on.play().then(() => label(ab), () => label(ab));
  };
  const pick = (ab, which) => {
    const [from, to] = [takes(ab)[heard(ab)], takes(ab)[which]];
    const going = !from.paused;
    ab.querySelectorAll("[data-ab-pick]").forEach((one) => one.setAttribute("aria-pressed", String(Number(one.dataset.abPick) === which)));
    to.currentTime = from.currentTime;
    from.pause();
    if (going) play(ab);
  };
  document.addEventListener("click", (event) => {
    const ab = box(event.target, "[data-ab]");
    if (!ab) return;
    if (box(event.target, "[data-ab-play]")) {
      const on = takes(ab)[heard(ab)];
      if (on.paused) play(ab); else { on.pause(); label(ab); }
    }
    const wanted = box(event.target, "[data-ab-pick]");
    if (wanted) pick(ab, Number(wanted.dataset.abPick));
  });
  for (const name of ["timeupdate", "ended", "pause", "play"]) document.addEventListener(name, (event) => {
    const ab = event.target.closest && box(event.target, "[data-ab]");
    if (!ab) return;
    const on = takes(ab)[heard(ab)];
    if (event.target === on && on.duration) ab.querySelector("[data-ab-seek]").value = on.currentTime / on.duration;
    label(ab);
  }, true);
  document.addEventListener("input", (event) => {
    const ab = box(event.target, "[data-ab]");
    if (!ab || !event.target.matches("[data-ab-seek]")) return;
    takes(ab).forEach((one) => { if (one.duration) one.currentTime = event.target.value * one.duration; });
  });

  // The melody: pitch over time, drawn over by hand. Frames in which nothing is sung stay silent.
  const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
  const midi = (hertz) => 69 + 12 * Math.log2(hertz / 440), hertz = (key) => 440 * 2 ** ((key - 69) / 12);
  const rolls = new Map();
  const HEIGHT = 260, LEFT = 40, MOST = 16000;
  function Roll(section) {
    const facts = JSON.parse(section.dataset.melody);
    const first = facts.pitch.slice(), sung = first.filter((one) => one > 0);
    const keys = sung.map(midi);
    const low = Math.floor(keys.reduce((a, b) => Math.min(a, b), 60)) - 3, high = Math.ceil(keys.reduce((a, b) => Math.max(a, b), 60)) + 3;
    const canvas = section.querySelector("canvas"), frame = section.querySelector(".roll"), mark = section.querySelector("[data-melody-mark]");
    const past = [];
    let now = first.slice(), zoom = 0, before = null, sound = null;
    const width = () => {
      const fit = Math.max(200, frame.clientWidth - 2), full = Math.min(MOST, Math.max(fit, facts.pitch.length * facts.hop * 90));
      return Math.round(fit * (full / fit) ** zoom);
    };
    const x = (n) => LEFT + (n / facts.pitch.length) * (canvas.width / scale() - LEFT);
    const y = (key) => HEIGHT * (1 - (key - low) / (high - low));
    const scale = () => Math.min(2, window.devicePixelRatio || 1);
    const at = (event) => {
      const place = canvas.getBoundingClientRect();
      const n = Math.round(((event.clientX - place.left - LEFT) / (place.width - LEFT)) * facts.pitch.length);
      const key = low + (1 - (event.clientY - place.top) / place.height) * (high - low);
      return { n: Math.min(facts.pitch.length - 1, Math.max(0, n)), key: Math.min(high, Math.max(low, key)) };
    };
    function draw() {
      const style = getComputedStyle(section), colour = (name) => style.getPropertyValue(name).trim() || "gray";
      const wide = width();
      canvas.width = wide * scale(); canvas.height = HEIGHT * scale();
      canvas.style.width = `${wide}px`; canvas.style.height = `${HEIGHT}px`;
      const pen = canvas.getContext("2d");
      pen.scale(scale(), scale());
      pen.font = "11px system-ui, sans-serif"; pen.textBaseline = "middle";
      for (let key = low; key <= high; key += 1) {
        const black = [1, 3, 6, 8, 10].includes(((key % 12) + 12) % 12);
        pen.fillStyle = black ? colour("--roll-black") : colour("--roll-white");
        pen.fillRect(LEFT, y(key + 0.5), wide, y(key - 0.5) - y(key + 0.5));
        const legible = y(key) > 6 && y(key) < HEIGHT - 6; // at the edges half a name would be cut off
        if (legible && !black && (((key % 12) + 12) % 12 === 0 || high - low < 18)) {
          pen.fillStyle = colour("--soft"); pen.fillText(NAMES[((key % 12) + 12) % 12] + (Math.floor(key / 12) - 1), 4, y(key));
        }
      }
      const line = (pitch, ink, thick) => {
        pen.strokeStyle = ink; pen.lineWidth = thick; pen.lineJoin = "round"; pen.beginPath();
        let on = false;
        pitch.forEach((one, n) => {
          if (one > 0) { on ? pen.lineTo(x(n), y(midi(one))) : pen.moveTo(x(n), y(midi(one))); on = true; } else on = false;
        });
        pen.stroke();
      };
      if (changed()) line(first, colour("--roll-old"), 1.2);
      line(now, colour("--accent-line"), 2);
      mark.textContent = changed() ? section.dataset.changed : "";
    }
    const changed = () => now.some((one, n) => one !== first[n]);
    const stroke = (from, to) => {
      const [a, b] = from.n <= to.n ? [from, to] : [to, from];
      for (let n = a.n; n <= b.n; n += 1) {
        const key = b.n === a.n ? to.key : a.key + ((b.key - a.key) * (n - a.n)) / (b.n - a.n);
        if (first[n] > 0) now[n] = Math.round(hertz(key) * 100) / 100;
      }
    };
    let base = null, start = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      past.push(now.slice()); base = now.slice(); start = before = at(event);
      event.preventDefault();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!before) return;
      const here = at(event);
      if (event.shiftKey) { now = base.slice(); stroke(start, here); } else stroke(before, here);
      before = here;
      draw();
    });
    const end = () => { before = null; draw(); };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    const stop = () => { if (sound) { sound.close(); sound = null; } };
    function hear() {
      if (sound) { stop(); return; }
      sound = new AudioContext();
      const tone = sound.createOscillator(), level = sound.createGain(), begin = sound.currentTime + 0.05;
      const from = Math.floor((frame.scrollLeft / Math.max(1, canvas.clientWidth)) * now.length);
      const part = now.slice(from, from + Math.round(20 / facts.hop)), seconds = part.length * facts.hop;
      let last = part.find((one) => one > 0) || 220;
      tone.type = "triangle";
      tone.frequency.setValueCurveAtTime(Float32Array.from(part, (one) => (last = one > 0 ? one : last)), begin, seconds);
      level.gain.setValueCurveAtTime(Float32Array.from(part, (one) => (one > 0 ? 0.25 : 0)), begin, seconds);
      tone.connect(level).connect(sound.destination);
      tone.start(begin); tone.stop(begin + seconds); tone.onended = stop;
    }
    section.querySelector("[data-melody-hear]").addEventListener("click", hear);
    section.querySelector("[data-melody-undo]").addEventListener("click", () => { now = past.pop() || now; draw(); });
    section.querySelector("[data-melody-reset]").addEventListener("click", () => { past.push(now); now = first.slice(); draw(); });
    section.querySelector("[data-melody-zoom]").addEventListener("input", (event) => { zoom = Number(event.target.value); draw(); });
    new ResizeObserver(draw).observe(frame);
    new MutationObserver(draw).observe(document.body, { attributes: true, attributeFilter: ["class"] }); // day and night
    draw();
    return { drawn: () => (changed() ? JSON.stringify({ song: facts.song, pitch: now }) : "") };
  }
  const look = () => document.querySelectorAll("[data-melody]").forEach((section) => {
    if (!rolls.has(section)) { rolls.clear(); rolls.set(section, Roll(section)); }
  });
  new MutationObserver(look).observe(document.documentElement, { childList: true, subtree: true });
  window.studio = { drawn: () => [...rolls].filter(([section]) => section.isConnected).map(([, roll]) => roll.drawn())[0] || "" };
})();
