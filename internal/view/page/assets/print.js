// What goes on paper is put together when the page is about to be printed, and
// taken away again.
const perLine = 8, shortPacket = 45;

const chosenFor = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

// A frame holds the messages that were sent in the clear: these are not printed
// again, but what was decrypted is.
const specimensFor = (what) => {
  if (what === "none" || what === "worksheet" || !step) return [];
  if (what === "chosen") return [[step, current()]];
  const list = [];
  for (const s of data.steps) {
    if (s.w >= 0 && (s.k !== "message" || !s.n)) list.push([s, data.specimens[s.w]]);
    if (s.p >= 0) list.push([s, data.specimens[s.p]]);
  }
  return list;
};

const hexLines = (hex) => (hex.match(/../g) || []).map((b, i) => (i % perLine ? " " : i ? "\n" : "") + b).join("");

// What only says what kind of thing follows and how long it is stands on the line
// of the group that it belongs to.
const prefixes = new Set(["tag", "length_octets", "length"]);
const prefixOf = (rows, i) => {
  let n = 0;
  while (rows[i][KIND] === KIND_GROUP && i + n + 1 < rows.length && prefixes.has(rows[i + n + 1][NAME]) &&
    rows[i + n + 1][DEPTH] === rows[i][DEPTH] + 1) n++;
  return rows.slice(i + 1, i + 1 + n);
};

const paperLine = (s, r, path, own) => {
  const line = make("div", "line" + (r[DEPTH] === 0 ? " layer" : ""));
  const [from, to] = own.length ? [own[0][OFF], own.at(-1)[OFF] + own.at(-1)[LEN]] : r[KIND] === KIND_GROUP ? [0, 0] : [r[OFF], r[OFF] + r[LEN]];
  line.append(make("span", "at", r[KIND] === KIND_BITS ? "" : offset(r[OFF])));
  line.append(make("span", "hex", r[KIND] === KIND_BITS ? "" : hexLines(s.x.slice(2 * from, 2 * to))));
  const name = make("span", "d" + Math.min(r[DEPTH], 9));
  name.append(make("b", "l-" + layerOf(path), r[NAME]));
  const value = [r[VALUE], ...own.map((o) => o[VALUE].replace(/^\d+ \((.*)\)$/, "$1"))].filter(Boolean).join(", ");
  if (value) name.append(" ", make("span", "val", value));
  line.append(name);
  return line;
};

// fresh reports whether a row's value has a meaning that has not been told.
const fresh = (r, told) => data.words[r[MEANING]] && !told.has(r[MEANING]);

// paperFields are the lines of a specimen. What owns no bytes is left out where
// there is nothing new to say of it.
const paperFields = (s, told) => {
  const lines = [], paths = pathsOf(s.f), before = new Set(told);
  for (let i = 0; i < s.f.length; i++) {
    const r = s.f[i], own = prefixOf(s.f, i);
    if ((r[KIND] === KIND_BITS || !r[LEN]) && before.has(r[WORD]) && !fresh(r, before)) continue;
    const line = paperLine(s, r, paths[i], own);
    const w = data.words[r[WORD]];
    if (w && !told.has(r[WORD])) {
      told.add(r[WORD]);
      const words = make("p", "words", w.t + " ");
      words.append(make("i", "", w.s));
      line.append(words);
    }
    const v = data.words[r[MEANING]];
    if (v && !told.has(r[MEANING])) {
      told.add(r[MEANING]);
      const meaning = make("p", "words", v.t + " ");
      meaning.append(make("i", "", v.s));
      line.append(meaning);
    }
    lines.push(line);
    i += own.length;
  }
  return lines;
};

const paperSection = (of, s, told) => {
  const lines = paperFields(s, told), start = make("div", "start"), title = make("h3", "", s.t);
  const section = make("section", lines.length < shortPacket ? "short" : "");
  title.append(make("small", "", (of.d === "out" ? "client → server" : "server → client") + (of.at ? ", " + of.at + " ms" : "")));
  start.append(title); // no title stands alone at the end of a column
  if (s.e) start.append(make("p", "", "Not decoded further: " + s.e));
  start.append(...lines.splice(0, 4));
  section.append(start, ...lines);
  if (s.c) section.append(make("p", "", count(s.c) + " more are not in this page."));
  return section;
};

// The questions say where their answers stand, as nobody can point on paper; but
// only where that is asked for: a class is to look for them.
const paperQuestions = () => {
  const list = make("ol");
  for (const q of data.questions) {
    const of = data.steps[q.step], li = make("li");
    const s = data.specimens[q.plain ? of.p : of.w];
    li.append(make("p", "", q.q));
    if ($("paper-answers").checked) li.append(make("span", "source", "The answer stands at " + q.field + ", in " + s.t + "."));
    list.append(li);
  }
  return list;
};

// The worksheet asks at each step of the story, and leaves room, or answers.
const paperStory = () => {
  const list = make("ol", "worksheet"), answers = $("paper-answers").checked;
  for (const e of document.querySelectorAll(".screen.asks")) {
    const li = make("li");
    li.append(make("h3", "", e.querySelector("h2").textContent), make("p", "source", e.querySelector(".way").textContent), make("p", "", e.querySelector(".ask").textContent));
    if (answers) li.append(make("p", "words", e.querySelector(".answer").textContent));
    else for (let i = 0; i < 4; i++) li.append(make("div", "room"));
    list.append(li);
  }
  return list;
};

// The first records of each side are printed with how their nonces are made, and
// what else the reader has opened.
let unfolded = [];
const unfold = () => {
  unfolded = [...document.querySelectorAll(".keys details")].slice(0, 4).filter((e) => !e.open);
  for (const e of unfolded) e.open = true;
};

const toPaper = () => {
  const box = $("paper"), told = new Set(), list = specimensFor(chosenFor("paper-what")).filter(([, s]) => s);
  box.replaceChildren();
  const worksheet = chosenFor("paper-what") === "worksheet";
  if (worksheet) box.append(make("h2", "", $("paper-answers").checked ? "The handshake, step by step: the answers" : "The handshake, step by step"), paperStory());
  if (!worksheet && $("paper-questions").checked && data.questions.length) box.append(make("h2", "", "Can you find it?"), paperQuestions());
  if (list.length) {
    const packets = make("div", "packets");
    for (const [of, s] of list) packets.append(paperSection(of, s, told));
    box.append(make("h2", "", "Byte by byte"), make("p", "source", "Where it begins, its bytes, its name and value; and where it comes for the first time, what it is for."), packets);
  }
  unfold();
  document.body.classList.toggle("paper-keys", $("paper-keys").checked && !worksheet);
  document.body.classList.toggle("paper-worksheet", worksheet);
};

// A handshake is some twenty sheets; of a long transfer nobody wants them all.
const manyFrames = 60;
if (data.steps.filter((s) => s.k === "frame").length > manyFrames) document.querySelector("[name=paper-what][value=chosen]").checked = true;

window.addEventListener("beforeprint", toPaper);
window.addEventListener("afterprint", () => {
  $("paper").replaceChildren();
  for (const e of unfolded) e.open = false;
});
$("print").addEventListener("click", () => window.print());
