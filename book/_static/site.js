// The behavior of every page: theme, chapter menu, quizzes, copy buttons, scrolling boxes, the search key.
// Each part stands alone; without this script the page is still whole.
"use strict";

const each = (selector, action, root = document) => root.querySelectorAll(selector).forEach(action);

// Theme: the system's until the reader says otherwise.
function theme() {
  const button = document.querySelector(".theme-button");
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => button.setAttribute("aria-pressed", String(dark()));
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* a private window forgets */ }
    show();
    document.dispatchEvent(new Event("themechange"));
  });
  system.addEventListener("change", () => { show(); document.dispatchEvent(new Event("themechange")); });
  show();
}

// Chapter menu on narrow screens.
function menu() {
  const button = document.querySelector(".menu-button");
  const chapters = document.getElementById("chapters");
  const set = (open) => {
    button.setAttribute("aria-expanded", String(open));
    chapters.classList.toggle("open", open);
  };
  button.addEventListener("click", () => set(button.getAttribute("aria-expanded") !== "true"));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && chapters.classList.contains("open")) { set(false); button.focus(); }
  });
}

// A quiz answers when an option is clicked or Enter or Space is pressed on it; arrow keys only choose.
function quiz(box) {
  const answer = box.querySelector(".quiz-answer");
  const reasons = box.querySelector(".quiz-reasons");
  const items = [...reasons.querySelectorAll("li")];
  let arrow = false;
  const show = (input) => {
    const right = "right" in input.dataset;
    each(".option", (label) => label.classList.remove("right", "wrong"), box);
    input.closest(".option").classList.add(right ? "right" : "wrong");
    const verdict = document.createElement("strong");
    verdict.textContent = right ? "Right. " : "Not quite. ";
    const reason = items[Number(input.value)].querySelector(".reason").cloneNode(true);
    if (right) reason.innerHTML = reason.innerHTML.replace(/^\s*(Right|Yes|Correct)[:.,]\s*(\S)/, (all, word, first) => first.toUpperCase());
    answer.className = `quiz-answer ${right ? "right" : "wrong"}`;
    answer.replaceChildren(verdict, reason);
    if (right) { reasons.hidden = false; reasons.querySelector("summary").textContent = "All the reasons"; }
  };
  reasons.hidden = true;
  each("input", (input) => {
    input.addEventListener("keydown", (event) => {
      arrow = event.key.startsWith("Arrow");
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); input.checked = true; show(input); }
    });
    input.addEventListener("keyup", () => { arrow = false; });
    input.addEventListener("change", () => { if (!arrow) show(input); });
  }, box);
}

// A button that copies a code cell.
function copyButton(block) {
  const pre = block.querySelector("pre");
  if (!pre || !navigator.clipboard) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.innerText.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}

// A box that scrolls sideways can be reached and scrolled by keyboard.
function scrollBoxes() {
  const boxes = ".scroll, pre, .output, .cc-figure";
  // What is inside is watched too: once its font has come a table is wider, and its box as wide as before.
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => {
    const box = target.closest(boxes);
    const scrolls = box.scrollWidth > box.clientWidth;
    if (scrolls) box.tabIndex = 0; else box.removeAttribute("tabindex");
  }));
  each(boxes, (box) => [box, ...box.children].forEach((part) => watch.observe(part)));
}

// The contents next to the text follow the reading.
function follow() {
  const links = [...document.querySelectorAll(".on-page a")];
  const byId = new Map(links.map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  const sections = [...document.querySelectorAll("article section[id]")].filter((section) => byId.has(section.id));
  if (!sections.length) return;
  const mark = () => {
    const passed = sections.filter((section) => section.getBoundingClientRect().top < 120);
    const current = passed.at(-1);
    links.forEach((link) => link.classList.toggle("here", Boolean(current) && byId.get(current.id) === link));
  };
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  mark();
}

// "/" goes to the search field, as long as one is not typing.
function searchKey() {
  const field = document.getElementById("top-search");
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); field.focus(); }
  });
}

// On paper nothing can be clicked, so the answers are printed.
function paper() {
  const set = (open) => each(".quiz-reasons", (reasons) => {
    if (open) reasons.dataset.hidden = reasons.hidden;
    reasons.hidden = !open && reasons.dataset.hidden === "true";
    reasons.open = open;
  });
  addEventListener("beforeprint", () => set(true));
  addEventListener("afterprint", () => set(false));
}

theme();
menu();
each(".quiz", quiz);
each("div.highlight", copyButton);
scrollBoxes();
follow();
searchKey();
paper();
