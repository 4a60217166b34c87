// The search page: looks for every word of the query in every section, and shows where it found them.
"use strict";

const WORDS_AROUND = 14;
const MOST = 30;

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

// How well a section answers: a word in its title counts most, then one in the page's; 0 if a word is missing.
function score([page, , title, , text], patterns) {
  let sum = 0;
  for (const pattern of patterns) {
    const times = Math.min(5, (text.match(pattern) ?? []).length);
    const found = 12 * Number(title.search(pattern) >= 0) + 6 * Number(page.search(pattern) >= 0) + times;
    if (!found) return 0;
    sum += found;
  }
  return sum;
}

// The words around the first that was found, with every find marked.
function excerpt(text, any) {
  const at = Math.max(0, text.search(any));
  const before = text.slice(0, at).split(" ").slice(-WORDS_AROUND).join(" ");
  const after = text.slice(at).split(" ").slice(0, 2 * WORDS_AROUND).join(" ");
  const line = Object.assign(document.createElement("p"), { className: "context" });
  line.append(before.length < at ? "… " : "");
  for (const part of (before + after).split(new RegExp(`(${any.source})`, "gi"))) {
    if (part === undefined) continue;
    const found = part && part.search(any) === 0;
    line.append(found ? Object.assign(document.createElement("mark"), { textContent: part }) : part);
  }
  line.append(before.length + after.length < text.length ? " …" : "");
  return line;
}

function search(query) {
  const words = query.toLowerCase().split(/[^\p{L}\p{N}_]+/u).filter(Boolean);
  const box = document.getElementById("search-results");
  if (!words.length) { box.replaceChildren(); return; }
  const sources = words.map((word) => `\\b${escaped(word)}`);
  const patterns = sources.map((source) => new RegExp(source, "gi"));
  const any = new RegExp(sources.join("|"), "i");
  const found = window.convcourseSections.map((section) => ({ section, points: score(section, patterns) }))
    .filter(({ points }) => points > 0).sort((a, b) => b.points - a.points).slice(0, MOST);
  const summary = document.createElement("p");
  summary.textContent = found.length
    ? `${found.length === MOST ? "The best of many sections" : found.length === 1 ? "One section" : `${found.length} sections`} with ${words.join(" and ")}:`
    : "Your search did not match any section. Is every word spelled as in the text?";
  const list = Object.assign(document.createElement("ul"), { className: "results" });
  for (const { section: [page, address, title, anchor, text] } of found) {
    const link = Object.assign(document.createElement("a"), { href: `${address}#${anchor}`, textContent: title });
    const item = document.createElement("li");
    item.append(link);
    if (title !== page) item.append(Object.assign(document.createElement("span"), { className: "where", textContent: ` in ${page}` }));
    item.append(excerpt(text, any));
    list.append(item);
  }
  box.replaceChildren(summary, list);
}

document.addEventListener("DOMContentLoaded", () => {
  const query = new URLSearchParams(location.search).get("q") ?? "";
  const field = document.querySelector(".search-page input");
  field.value = query;
  field.addEventListener("input", () => search(field.value));
  search(query);
});
