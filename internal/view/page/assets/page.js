const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const [KIND_GROUP, , , KIND_BITS] = [0, 1, 2, 3];
const [DEPTH, NAME, OFF, LEN, KIND, VALUE, WORD, MEANING] = [0, 1, 2, 3, 4, 5, 6, 7];
let step = null, plain = false, rows = [], field = -1;
let cells = [], lit = [], chosen = null; // elements of each byte, of the bytes lit, of the field chosen

// Everything from the network is put in by these two, as text.
const make = (tag, cls, text) => {
  const e = document.createElement(tag);
  if (cls) e.className = cls;
  if (text !== undefined) e.append(...divided(text));
  return e;
};
// divided lets long names break behind an underscore or a point, rather than in a word.
const parts = /(?<=_)|(?<=[^\s.]\.)(?=[^\s.\d])/;
const divided = (text) => String(text).split(parts).flatMap((part, i) => (i ? [document.createElement("wbr"), part] : [part]));
for (const e of document.querySelectorAll(".result, .reasons, .facts, .note, .keys, .told dt")) {
  const texts = [], seen = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
  while (seen.nextNode()) if (parts.test(seen.currentNode.data)) texts.push(seen.currentNode);
  for (const n of texts) n.replaceWith(...divided(n.data));
}
const show = (e, on) => { e.hidden = !on; };
const offset = (n) => n.toString(16).padStart(4, "0");

// Paths: each layer begins anew at depth 0, a list's item replaces its list.
const pathsOf = (list) => {
  const stack = [];
  return list.map((r) => {
    const above = stack.slice(0, r[DEPTH]);
    const up = above[above.length - 1];
    if (up && r[NAME].startsWith(up + "[")) above[above.length - 1] = "";
    stack.length = 0;
    stack.push(...above, r[NAME]);
    return stack.filter(Boolean).join(".");
  });
};
const strip = (path) => path.replace(/\[\d+\]/g, "");

// The colour of a field says which layer it belongs to.
const layerOf = (path) => {
  const head = path.split(/[.[]/, 1)[0];
  if (/^(Ethernet|VLAN|MPLS|PPPoE|PPP|LinuxCooked|Loopback|ARP)$/.test(head)) return "link";
  if (/^(IPv4|IPv6|ICMP|ICMPv6|Neighbour)$/.test(head)) return "ip";
  if (head === "TCP") return "tcp";
  if (head === "TLSRecord") return "record";
  if (head.startsWith("Generic")) return "sealed";
  if (head === "ApplicationData" || head === "undecoded") return "data";
  return /\.x509|\.Name\b|ECDSASignature/.test(path) ? "cert" : "tls";
};

const drawHex = (s, paths) => {
  const bytes = s.x.match(/../g) || [];
  const owner = new Array(bytes.length).fill(-1);
  let leaf = 0;
  const odd = [];
  s.f.forEach((r, i) => {
    if (r[KIND] === KIND_GROUP || r[KIND] === KIND_BITS || !r[LEN]) return;
    odd[i] = leaf++ % 2;
    owner.fill(i, r[OFF], r[OFF] + r[LEN]);
  });
  const width = window.innerWidth < 640 ? 8 : 16;
  const box = $("hex");
  box.replaceChildren();
  cells = [];
  lit = [];
  for (let at = 0; at < bytes.length; at += width) {
    const line = make("div", "hexrow");
    line.append(make("span", "off", offset(at)));
    const hex = make("span", "bytes"), chars = make("span", "chars");
    for (let i = at; i < at + width; i++) {
      if (i >= bytes.length) { hex.append(make("b", i - at === 8 ? "mid" : "", "  ")); continue; }
      const o = owner[i];
      const cls = o < 0 ? "" : "l-" + layerOf(paths[o]) + (odd[o] ? " odd" : "");
      const code = parseInt(bytes[i], 16);
      for (const [to, text] of [[hex, bytes[i]], [chars, code >= 32 && code < 127 ? String.fromCharCode(code) : "·"]]) {
        const b = make("b", cls + (to === hex && i - at === 8 ? " mid" : ""), text);
        b.dataset.row = o;
        b.dataset.at = i;
        (cells[i] ||= []).push(b);
        to.append(b);
      }
    }
    line.append(hex, chars);
    box.append(line);
  }
};

const drawFields = (s, paths) => {
  const tree = $("fields");
  tree.replaceChildren();
  chosen = null;
  s.f.forEach((r, i) => {
    const e = make("div", "field d" + Math.min(r[DEPTH], 9) + (r[DEPTH] === 0 ? " layer" : ""));
    e.id = "field" + i;
    e.setAttribute("role", "treeitem");
    e.setAttribute("aria-level", r[DEPTH] + 1);
    e.setAttribute("aria-selected", "false");
    e.tabIndex = i === 0 ? 0 : -1;
    e.dataset.row = i;
    const at = make("span", "at", r[KIND] === KIND_BITS ? "" : offset(r[OFF]));
    at.setAttribute("aria-hidden", "true");
    const body = make("span", "body");
    body.append(make("span", "name l-" + layerOf(paths[i]), r[NAME]));
    if (r[VALUE]) body.append(make("span", "val", r[VALUE]));
    e.append(at, body);
    tree.append(e);
    if (i === 0) chosen = e;
  });
};

const count = (n) => n + (n === 1 ? " byte" : " bytes");

const light = (i, focus, pointer) => {
  const s = current();
  if (!s || i < 0 || i >= s.f.length) return;
  field = i;
  const r = s.f[i], end = r[OFF] + r[LEN];
  for (const b of lit) b.classList.remove("lit");
  lit = cells.slice(r[OFF], end).flat();
  for (const b of lit) b.classList.add("lit");
  if (chosen) {
    chosen.setAttribute("aria-selected", "false");
    chosen.tabIndex = -1;
  }
  const e = chosen = $("field" + i);
  e.setAttribute("aria-selected", "true");
  e.tabIndex = 0;
  if (focus) e.focus({ preventScroll: true });
  const w = data.words[r[WORD]], v = data.words[r[MEANING]];
  const box = $("explain");
  const where = r[KIND] === KIND_BITS ? "some bits of byte " + r[OFF] : count(r[LEN]) + " at " + r[OFF];
  box.querySelector(".path").textContent = rows[i];
  box.querySelector(".value").textContent = where + (r[VALUE] ? " · " + r[VALUE] : "");
  box.querySelector(".words").textContent = w ? w.t : "The dictionary has nothing on this.";
  box.querySelector(".meaning").textContent = v ? v.t : "";
  box.querySelector(".source").textContent = [w, v].filter((x) => x).map((x) => x.s).join("; ");
  // The explanation has taken its place: now see what is left to be seen.
  if (focus || pointer !== "fields") reveal($("fields"), e);
  if (lit[0] && pointer !== "hex") reveal($("hex"), lit[0]);
};

// reveal scrolls a box so that something in it can be seen, and where the box
// does not scroll (on a phone) the page.
const reveal = (box, e) => {
  if (getComputedStyle(box).overflowY === "visible") {
    const top = $("hex").getBoundingClientRect().bottom, low = $("explain").getBoundingClientRect().top;
    const at = e.getBoundingClientRect();
    if (at.top < top) window.scrollBy(0, at.top - top - 8);
    else if (at.bottom > low) window.scrollBy(0, at.bottom - low + 8);
    return;
  }
  const a = e.getBoundingClientRect(), b = box.getBoundingClientRect();
  if (a.top < b.top) box.scrollTop -= b.top - a.top + 8;
  else if (a.bottom > b.bottom) box.scrollTop += a.bottom - b.bottom + 8;
};

const current = () => {
  if (!step) return null;
  return data.specimens[plain && step.p >= 0 ? step.p : step.w >= 0 ? step.w : step.p] || null;
};

const open = (n, focus) => {
  if (!data.steps[n]) return;
  mark(n, focus);
  draw();
  tab("bytes");
};

// mark chooses a step of the ladder without showing its bytes.
const mark = (n, focus) => {
  const s = data.steps[n];
  for (const e of document.querySelectorAll(".step")) {
    const on = +e.dataset.step === n;
    e.setAttribute("aria-selected", on);
    e.tabIndex = on ? 0 : -1;
    if (on && focus) e.focus({ preventScroll: true });
    if (on) reach(e);
  }
  step = s;
};

// reach scrolls to a step: in the ladder alone where it has a scroll bar of its own.
const reach = (e) => {
  const box = $("ladder");
  if (getComputedStyle(box).overflowY === "visible") { if (document.body.dataset.tab !== "story") e.scrollIntoView({ block: "nearest" }); return; }
  e.scrollIntoView({ block: "nearest" });
};

const draw = () => {
  const s = current();
  show($("toggle"), step.p >= 0 && step.w >= 0);
  $("as-sent").setAttribute("aria-pressed", !plain);
  $("decrypted").setAttribute("aria-pressed", plain);
  show($("cut"), s && s.c);
  show($("trouble"), s && s.e);
  if (!s) {
    $("detail-title").textContent = step.k === "note" ? "A decision, no packet" : "Not in this page";
    $("hex").replaceChildren();
    $("fields").replaceChildren();
    const box = $("explain");
    box.querySelector(".path").textContent = "";
    box.querySelector(".value").textContent = "";
    box.querySelector(".words").textContent = step.k === "note" ? step.label : "The page would be too large with it.";
    box.querySelector(".meaning").textContent = box.querySelector(".source").textContent = "";
    return;
  }
  $("detail-title").textContent = s.t;
  $("cut").textContent = s.c ? count(s.c) + " more are not in this page." : "";
  $("trouble").textContent = s.e ? "Not decoded further: " + s.e : "";
  rows = pathsOf(s.f);
  drawHex(s, rows);
  drawFields(s, rows);
  $("hex").scrollTop = $("fields").scrollTop = 0;
  light(0, false, "fields");
};

const tabs = ["story", "bytes", "keys", "questions", "print"];
const tab = (name) => {
  document.body.dataset.tab = name;
  for (const t of tabs) {
    const on = t === name;
    $("tab-" + t).setAttribute("aria-selected", on);
    $("tab-" + t).tabIndex = on ? 0 : -1;
    show($("panel-" + t), on);
  }
  show($("explain"), name === "bytes");
  show($("walk"), name === "bytes");
};

const toDetail = () => {
  const e = $("field" + Math.max(field, 0));
  if (e) { e.focus({ preventScroll: true }); $("detail").scrollIntoView({ block: "nearest" }); light(Math.max(field, 0), true); }
};
const toLadder = () => {
  const e = document.querySelector(".step[aria-selected=true]");
  if (e) { e.focus(); e.scrollIntoView({ block: "nearest" }); } // it may have the focus already
};
// walk goes to the step before or after the one that is open, or back: where
// there are no keys and the ladder is out of sight.
const walk = (by) => {
  if (!by) { toLadder(); return; }
  open(clamp(step.i + by, data.steps.length - 1), false);
  $("detail").scrollIntoView({ block: "start" });
};
const flip = () => { if (step && step.p >= 0 && step.w >= 0) { plain = !plain; draw(); } };

const ask = (q) => {
  plain = !!q.plain;
  open(q.step, false);
  $("detail").scrollIntoView({ block: "nearest" });
  const i = rows.findIndex((p) => strip(p).endsWith(q.field));
  light(Math.max(i, 0), true);
};

// Pointers.
$("steps").addEventListener("click", (ev) => {
  const e = ev.target.closest(".step");
  if (!e) return;
  open(+e.dataset.step, true);
  if (window.matchMedia("(max-width: 60rem)").matches) $("detail").scrollIntoView({ block: "start" });
});
const pointed = (ev) => {
  const e = ev.target.closest("[data-row]");
  if (e && +e.dataset.row >= 0) {
    const inTree = e.classList.contains("field");
    light(+e.dataset.row, ev.type === "click" && inTree, inTree ? "fields" : "hex");
  }
};
$("hex").addEventListener("click", pointed);
$("hex").addEventListener("mouseover", pointed);
$("fields").addEventListener("click", pointed);
$("fields").addEventListener("focusin", (ev) => {
  const e = ev.target.closest("[data-row]");
  if (e && +e.dataset.row !== field) light(+e.dataset.row, false);
});
for (const b of document.querySelectorAll("[data-walk]")) b.addEventListener("click", () => walk(+b.dataset.walk));
$("as-sent").addEventListener("click", () => { if (plain) flip(); });
$("decrypted").addEventListener("click", () => { if (!plain) flip(); });
for (const t of tabs) $("tab-" + t).addEventListener("click", () => tab(t));
for (const b of document.querySelectorAll("[data-question]")) {
  b.addEventListener("click", () => ask(data.questions[+b.dataset.question]));
}

// The story: one screen at a time.
const screens = [...document.querySelectorAll(".screen")];
let page = 0, trail = [];
const telling = () => document.body.dataset.tab === "story";
const turns = { ArrowRight: 1, ArrowLeft: -1 };
const turn = (n, focus, quiet) => {
  n = clamp(n, screens.length - 1);
  if (n !== page && !quiet) trail.push(page);
  page = n;
  screens.forEach((e, i) => show(e, i === page));
  const buttons = $("turn").querySelectorAll("button");
  buttons[0].disabled = !trail.length;
  buttons[1].disabled = page === 0;
  buttons[2].disabled = page === screens.length - 1;
  $("turn").querySelector(".count").textContent = page ? page + " of " + (screens.length - 1) : "";
  $("panel-story").scrollTop = 0;
  const of = +screens[page].dataset.step;
  if (of >= 0) mark(of, false);
  if (!focus) return;
  screens[page].querySelector("h2").focus({ preventScroll: true });
  if (getComputedStyle($("panel-story")).overflowY === "visible") $("detail").scrollIntoView({ block: "start" });
};
const back = () => { if (trail.length) turn(trail.pop(), true, true); };
for (const b of $("turn").querySelectorAll("button")) {
  b.addEventListener("click", () => (b.dataset.by === "back" ? back() : turn(page + +b.dataset.by, true)));
}
for (const a of document.querySelectorAll("[data-turn]")) {
  a.addEventListener("click", (ev) => { ev.preventDefault(); turn(+a.dataset.turn + 1, true); });
}
for (const b of document.querySelectorAll("[data-bytes]")) {
  b.addEventListener("click", () => { plain = true; open(+b.dataset.bytes, false); toDetail(); });
}
// A swipe to the left goes on, one to the right back to the screen before.
let touched = null;
$("panel-story").addEventListener("touchstart", (ev) => {
  touched = ev.touches.length === 1 && !ev.target.closest("pre") ? [ev.touches[0].clientX, ev.touches[0].clientY] : null;
}, { passive: true });
$("panel-story").addEventListener("touchend", (ev) => {
  if (!touched) return;
  const dx = ev.changedTouches[0].clientX - touched[0], dy = ev.changedTouches[0].clientY - touched[1];
  if (Math.abs(dx) > 50 && Math.abs(dy) < 40) turn(page + (dx < 0 ? 1 : -1), true);
}, { passive: true });

// Keys.
const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9 };
const clamp = (n, max) => Math.max(0, Math.min(max, n));
document.addEventListener("keydown", (ev) => {
  if (ev.ctrlKey || ev.metaKey || ev.altKey) return;
  const at = ev.target;
  const move = moves[ev.key];
  if (at.closest("#steps") && move) open(clamp(step.i + move, data.steps.length - 1), true);
  else if (at.closest("#steps") && (ev.key === "Enter" || ev.key === "ArrowRight" || ev.key === " ")) toDetail();
  else if (at.closest("#fields") && move) light(clamp(field + move, rows.length - 1), true);
  else if (at.closest("#fields") && (ev.key === "ArrowLeft" || ev.key === "ArrowRight")) near(ev.key === "ArrowLeft");
  else if (at.closest(".tabs") && (ev.key === "ArrowLeft" || ev.key === "ArrowRight")) nextTab(at, ev.key === "ArrowLeft" ? -1 : 1);
  else if (telling() && turns[ev.key] && !at.closest("pre")) turn(turns[ev.key] + page, true);
  else if (telling() && (ev.key === "c" || ev.key === "Backspace")) back();
  else if (ev.key === "s") { tab("story"); $("tab-story").focus(); }
  else if (ev.key === "Escape") toLadder();
  else if (ev.key === "d") flip();
  else if (ev.key === "b") { tab("bytes"); toDetail(); }
  else if (ev.key === "k") { tab("keys"); $("tab-keys").focus(); }
  else if (ev.key === "q") { tab("questions"); $("tab-questions").focus(); }
  else if (ev.key === "p") { tab("print"); $("tab-print").focus(); }
  else return;
  ev.preventDefault();
});
// Left goes to what the field is in, right to the next that is not inside it.
const near = (out) => {
  const s = current(), depth = s.f[field][DEPTH];
  for (let i = field + (out ? -1 : 1); i >= 0 && i < s.f.length; i += out ? -1 : 1) {
    if (out ? s.f[i][DEPTH] < depth : s.f[i][DEPTH] <= depth) { light(i, true); return; }
  }
};
const nextTab = (at, by) => {
  const name = tabs[(tabs.indexOf(at.id.slice(4)) + by + tabs.length) % tabs.length];
  tab(name);
  $("tab-" + name).focus();
};

let narrow = window.innerWidth < 640;
window.addEventListener("resize", () => {
  if (narrow === window.innerWidth < 640) return;
  narrow = !narrow;
  if (step && current()) { const i = field; draw(); light(i, false); }
});

const first = data.steps.findIndex((s) => s.k === "frame");
// A connection that failed opens where that shows.
if (data.steps.length) open(data.opens >= 0 ? data.opens : Math.max(first, 0), false);
turn(0, false);
if (data.opens < 0) tab("story");
for (const a of document.querySelectorAll("[data-evidence]")) {
  a.addEventListener("click", (ev) => { ev.preventDefault(); open(+a.dataset.evidence, true); });
}
